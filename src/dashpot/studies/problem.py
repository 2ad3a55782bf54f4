"""A user's table, checked and turned into numbers once for a whole study."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from dashpot.errors import DataError
from dashpot.jobs import Examples
from dashpot.scaling import LARGEST_AMOUNT, offset_of
from dashpot.studies.splits import quantile_bins, sample_rows
from dashpot.tables import PictureEncoder, TableEncoder, task_of

_fewest_rows = 20


@dataclass(frozen=True)
class Problem:
    """What every network and yardstick of a study learns from.

    Attributes
    ----------
    examples : Examples
        Inputs, targets (class numbers, or standard floats), weights and groups of the rows that are used.
    task : "classification" or "regression"
    classes : list of str
        Names of the classes; empty for regression.
    strata : int array of shape (rows,)
        Class numbers, or quantile bins of the target.
    target : str
        Name of the target.
    columns : int
        Number of source columns.
    notes : tuple of str
        Rows that were left out, and why.
    test : bool array of shape (rows,) or None
        The rows that test in every split, where the user has fixed them.
    kept : int array of shape (rows,) or None
        Which rows of the user's table these are.
    offset : float
        What the targets are given less of; 0 for classes.
    """

    examples: Examples
    task: str
    classes: list[str]
    strata: np.ndarray
    target: str
    columns: int
    notes: tuple[str, ...]
    test: np.ndarray | None = None
    kept: np.ndarray | None = None
    offset: float = 0.0

    @property
    def class_counts(self) -> np.ndarray | None:
        """Rows of each class, int (classes,); None for regression."""
        return np.bincount(self.examples.targets) if self.classes else None


def prepare(
    X: Any,
    y: Any,
    task: str,
    weights: Any,
    groups: Any,
    folds: int,
    max_rows: int | None,
    rng: np.random.Generator,
    test: Any = None,
    image_shape: Any = None,
) -> Problem:
    """Check a table and its target, leave out what cannot be used, and turn the rest into numbers.

    Raises
    ------
    DataError
        If the table cannot be studied: no rows, one class, a class with one row, too few rows or groups.
    """
    target = as_series(y, "y")
    notes: list[str] = []
    _check_length(X, target)
    kept = _known(target, notes)
    task = task_of(target) if task == "auto" else task
    numbers, classes = _targets(target.iloc[kept], task)
    weights, groups = (
        _column(values, name, len(target), kept) for values, name in ((weights, "weights"), (groups, "groups"))
    )
    tested = _column(test, "test", len(target), kept)
    strata = numbers if task == "classification" else quantile_bins(numbers, folds)
    if max_rows is not None and len(kept) > max_rows:
        notes.append(f"The study uses a sample of {max_rows:,} of the {len(kept):,} rows, to save time.")
        chosen = sample_rows(strata, _codes(groups), max_rows, rng)
        kept, numbers, strata = kept[chosen], numbers[chosen], strata[chosen]
        weights, groups, tested = (values if values is None else values[chosen] for values in (weights, groups, tested))
    group_numbers = _codes(groups)
    _check_rows(len(kept), _name(target), folds, group_numbers)
    if task == "classification":
        numbers, classes = _check_classes(numbers, classes, _name(target))
        strata = numbers
    _check_varies(numbers, _name(target))
    encoder = (TableEncoder() if image_shape is None else PictureEncoder(image_shape, "compare")).fit(X)
    inputs = np.asarray(encoder.transform(X), dtype=np.float32)[kept]
    offset = 0.0 if task == "classification" else float(offset_of(numbers))
    targets = numbers if task == "classification" else (numbers - offset).astype(np.float32).reshape(-1, 1)
    examples = Examples(inputs, targets, encoder.inputs_, _check_weights(weights, kept), group_numbers)
    columns = len({int(source) for source in encoder.inputs_.source})
    fixed = None if tested is None else _check_test(tested, group_numbers)
    return Problem(examples, task, classes, strata, _name(target), columns, tuple(notes), fixed, kept, offset)


def _known(target: pd.Series, notes: list[str]) -> np.ndarray:
    """The rows whose target is known; the others are noted."""
    kept = np.flatnonzero(target.notna().to_numpy())
    if len(kept) < len(target):
        notes.append(f"{len(target) - len(kept):,} rows without a value of {_name(target)!r} were left out.")
    if not len(kept):
        raise DataError(f"compare(y={_name(target)!r}): every value of the target is missing. Choose another target.")
    return kept


def _check_varies(numbers: np.ndarray, name: str) -> None:
    """Refuse an amount that is the same in every row."""
    if np.ptp(numbers) == 0:
        raise DataError(f"compare(y={name!r}): the target is {numbers[0]:g} in every row; it must vary.")


def as_series(values: Any, name: str) -> pd.Series:
    """A column of any kind (list, array, pandas, polars, arrow) as a pandas Series."""
    values = values.to_pandas() if hasattr(values, "to_pandas") else values
    if isinstance(values, pd.DataFrame):
        values = values.iloc[:, 0] if values.shape[1] == 1 else values.to_numpy()
    if isinstance(values, pd.Series):
        return values.reset_index(drop=True)
    array = np.asarray(values)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise DataError(
            f"compare({name}): has shape {array.shape}; one column is needed. Compare one target at a time."
        )
    return pd.Series(array)


def _name(target: pd.Series) -> str:
    """What the target is called in sentences."""
    return "the target" if target.name is None else str(target.name)


def _check_length(X: Any, target: pd.Series) -> None:
    """As many targets as rows, and more than none."""
    rows = X.shape[0] if hasattr(X, "shape") else len(X)
    if not rows:
        raise DataError("compare(X): the table has no rows. Pass one with at least 20.")
    if rows != len(target):
        raise DataError(f"compare(y): {len(target):,} values for {rows:,} rows. Pass one value for each row.")


def _targets(target: pd.Series, task: str) -> tuple[np.ndarray, list[str]]:
    """Class numbers and names of classes, or float targets and no names."""
    if task == "classification":
        codes, classes = pd.factorize(target, sort=_sortable(target))
        return codes.astype(np.int64), [str(value) for value in classes]
    numbers = pd.to_numeric(target, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    bad = np.flatnonzero(~(np.abs(numbers) <= LARGEST_AMOUNT))
    if len(bad):
        value = target.iloc[bad[0]]
        raise DataError(
            f"compare(y={_name(target)!r}): row {int(target.index[bad[0]]) + 1} holds {_plain(value)!r}, "
            f"which is no finite number up to {LARGEST_AMOUNT:g}. Correct it, or pass task='classification'."
        )
    return numbers, []


def _plain(value: Any) -> Any:
    """A NumPy number as a Python number, which prints as people write it."""
    return value.item() if isinstance(value, np.generic) else value


def _sortable(target: pd.Series) -> bool:
    """Whether the classes have an order of their own; mixed types have none."""
    try:
        sorted(target.unique())
    except TypeError:
        return False
    return True


def _column(values: Any, name: str, rows: int, kept: np.ndarray) -> np.ndarray | None:
    """Weights or groups of the rows kept."""
    if values is None:
        return None
    series = as_series(values, name)
    if len(series) != rows:
        raise DataError(f"compare({name}): {len(series):,} values for {rows:,} rows. Pass one value for each row.")
    missing = kept[series.iloc[kept].isna().to_numpy()]
    if len(missing):
        raise DataError(f"compare({name}): missing in row {missing[0] + 1}. Fill it, or leave the row out.")
    return series.iloc[kept].to_numpy()


def _codes(groups: np.ndarray | None) -> np.ndarray | None:
    """Groups as numbers."""
    return None if groups is None else pd.factorize(pd.Series(groups))[0].astype(np.int64)


def _check_weights(weights: np.ndarray | None, kept: np.ndarray) -> np.ndarray | None:
    """Weights are finite, not negative, and not all zero."""
    if weights is None:
        return None
    numbers = pd.to_numeric(pd.Series(weights), errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    bad = np.flatnonzero(~np.isfinite(numbers) | (numbers < 0))
    if len(bad):
        raise DataError(
            f"compare(weights): row {kept[bad[0]] + 1} has {_plain(weights[bad[0]])!r}; "
            "weights must be numbers of at least 0."
        )
    if not numbers.any():
        raise DataError("compare(weights): all weights are 0. Pass some that are above 0.")
    return numbers


def _check_test(tested: np.ndarray, groups: np.ndarray | None) -> np.ndarray:
    """A fixed test set leaves rows to learn from, and parts no group."""
    marks = pd.Series(tested)
    if not pd.api.types.is_numeric_dtype(marks):
        marks = marks.astype(str).str.strip().str.lower().isin(["1", "1.0", "true", "yes", "test"])
    fixed = marks.astype(bool).to_numpy()
    if fixed.sum() < 5 or (~fixed).sum() < _fewest_rows:
        raise DataError(
            f"compare(test): {int(fixed.sum())} test rows and {int((~fixed).sum())} others; at least 5 and "
            f"{_fewest_rows} are needed. Mark other rows."
        )
    if groups is not None and np.isin(groups[fixed], groups[~fixed]).any():
        raise DataError("compare(test): a group has test rows and others. Keep each group on one side.")
    return fixed


def _check_rows(rows: int, target: str, folds: int, groups: np.ndarray | None) -> None:
    """Enough rows and groups to split."""
    if rows < _fewest_rows:
        raise DataError(f"compare(y={target!r}): {rows} rows with a target; at least {_fewest_rows} are needed.")
    if groups is not None and len(np.unique(groups)) < folds + 1:
        raise DataError(
            f"compare(groups): {len(np.unique(groups))} groups; at least {folds + 1} are needed. "
            f"Use smaller groups or a larger test_size."
        )


def _check_classes(numbers: np.ndarray, classes: list[str], target: str) -> tuple[np.ndarray, list[str]]:
    """At least two classes, each with at least two rows; classes that sampling lost are left out."""
    present, numbers, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    classes = [classes[number] for number in present]
    if len(classes) == 1:
        raise DataError(f"compare(y={target!r}): one class only, {classes[0]!r}; at least two are needed.")
    if counts.min() < 2:
        raise DataError(
            f"compare(y={target!r}): class {classes[int(counts.argmin())]!r} has 1 row; "
            f"at least 2 are needed. Merge it with another class, or leave the row out."
        )
    return numbers.astype(np.int64), classes
