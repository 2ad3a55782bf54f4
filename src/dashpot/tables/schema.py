"""What each column of a table is, decided once, when a model is fitted."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from dashpot.errors import DataError, ModelFileError, shown
from dashpot.tables.cells import level, typed
from dashpot.tables.frames import Cells, Table, table_of

__all__ = ["Column", "schema", "task_of"]

_most_levels = 50
_few_levels = 10
_repeated_share = 0.1
_classes_of_a_number = 10
_looked_at = 10_000
_row_numbers = frozenset({"", "id", "index", "row", "rownames", "unnamed: 0", "column 1"})


@dataclass(frozen=True)
class Column:
    """One source column and what it becomes.

    Attributes
    ----------
    name : str
    kind : "number", "category", "date" or "ignored"
    levels : tuple of str
        Of a category: the levels with an input of their own, in the order of the alphabet.
    other : bool
        Rare levels share one input.
    missing : bool
        Cells were missing at fit, so there is an input that says so.
    center, scale : float
        A number x enters as (x - center) / scale. 0 and 1 unless float32 could not hold the column otherwise;
        the scale is a power of two, so that dividing rounds nothing.
    seasonal : bool
        Of a date: it spans more than a year, so the time of the year enters too.
    reason : str
        Why the column is ignored.
    constant : str
        Of an ignored column whose cells are all the same: that cell.
    distinct : int
        Of a number or a date: its different values among 10,000 rows at fit.
    """

    name: str
    kind: str
    levels: tuple[str, ...] = ()
    other: bool = False
    missing: bool = False
    center: float = 0.0
    scale: float = 1.0
    seasonal: bool = False
    reason: str = ""
    constant: str = ""
    distinct: int = 0

    def inputs(self) -> list[tuple[str, bool]]:
        """Return name and "is an indicator" of each input that the column becomes."""
        absent = [(f"{self.name} is missing", True)] if self.missing else []
        if self.kind == "category":
            own = [(f"{self.name}={one}", True) for one in self.levels]
            states = own + ([(f"{self.name} is another level", True)] if self.other else []) + absent
            return states[1:] if len(states) == 2 else states  # of two states, one says it all
        if self.kind == "ignored":
            return []
        season = [(f"{self.name} month {wave}", False) for wave in ("sine", "cosine")] if self.seasonal else []
        return [(self.name, False), *season, *absent]

    def to_dict(self) -> dict[str, Any]:
        """Return the column as plain JSON values."""
        return {**asdict(self), "levels": list(self.levels)}

    @classmethod
    def from_dict(cls, values: Any) -> "Column":
        """Return the column that `to_dict` wrote, exactly.

        Raises
        ------
        ModelFileError
            If this is no such dictionary.
        """
        try:
            column = cls(**{**values, "levels": tuple(values["levels"])})
            right = all(type(getattr(column, one.name)) is type(one.default) for one in fields(cls)[2:])
            right &= all(isinstance(text, str) for text in (column.name, *column.levels))
            right &= column.kind in ("number", "category", "date", "ignored")
            right &= bool(np.isfinite(column.center) and np.isfinite(column.scale) and column.scale > 0)
        except (TypeError, KeyError):
            right = False
        if not right:
            raise ModelFileError(f"Column.from_dict: {shown(values)} describes no column. Save the model again.")
        return column


def schema(X: Any) -> tuple[Column, ...]:
    """Decide what each column of a table is.

    Examples
    --------
    >>> [(column.name, column.kind) for column in schema([[1.0, "a"], [2.0, "b"]])]
    [('x0', 'number'), ('x1', 'category')]
    """
    return describe(table_of(X, "schema"), "schema")


def describe(table: Table, caller: str) -> tuple[Column, ...]:
    """Decide what each column of a table is."""
    if table.numbers is not None:
        return tuple(describe_numbers(table.names, table.numbers, caller))
    return tuple(_describe(name, table.column(number), caller) for number, name in enumerate(table.names))


def _describe(name: str, cells: Cells, caller: str) -> Column:
    """Decide what one column is."""
    kind, values = cells.kind, cells.values
    if kind == "text":
        values = typed(values)
        kind = {"f": "number", "M": "date", "O": "text"}[values.dtype.kind]
    if kind == "date":
        return _describe_dates(name, values)
    if kind == "number" and not cells.flag:
        return next(iter(describe_numbers([name], values[:, None], caller)))
    levels = cells.levels() if kind in ("number", "category") else values
    return _describe_levels(name, levels, declared=kind != "text")


def describe_numbers(names: Sequence[str], values: np.ndarray, caller: str) -> list[Column]:
    """Describe many columns of numbers at once; values is (rows, columns).

    A column is centred at its median only if the median is more than 1,000 times the interquartile range, and
    scaled only if its largest deviation is outside 1e-10 to 1e10.
    """
    refuse_infinity(names, values, caller)
    low, high = (np.fmin.reduce(values, axis=0), np.fmax.reduce(values, axis=0))
    low, high = low.astype(np.float64), high.astype(np.float64)
    missing = np.isnan(values).any(axis=0)
    some = np.sort(values[:: -(-len(values) // _looked_at)].astype(np.float64), axis=0)  # missing cells go last
    distinct = (some[1:] > some[:-1]).sum(axis=0) + 1
    center, scale = _center_and_scale(some, low, high)
    columns = []
    for number, name in enumerate(names):
        if np.isnan(low[number]):
            columns.append(Column(name, "ignored", reason="every cell is missing"))
        elif low[number] == high[number] and not missing[number]:
            columns.append(
                Column(
                    name,
                    "ignored",
                    reason=f"constant: every cell is {low[number]:g}",
                    constant=repr(float(low[number])),
                )
            )
        elif name.casefold() in _row_numbers and _counts_rows(values[:, number]):
            columns.append(Column(name, "ignored", reason="it numbers the rows"))
        else:
            flag = bool(missing[number])
            scaling = float(center[number]), float(scale[number])
            columns.append(Column(name, "number", (), False, flag, *scaling, distinct=int(distinct[number])))
    return columns


def refuse_infinity(names: Sequence[str], values: np.ndarray, caller: str) -> None:
    """Name the first infinite cell."""
    # The sum of a finite table is finite, or it overflowed: only then look at each cell.
    with np.errstate(all="ignore"):
        if np.isfinite(values.sum()):
            return
    rows, columns = np.nonzero(np.isinf(values))
    if len(rows):
        raise DataError(
            f"{caller}: Input X contains infinity or a number too large: column {shown(names[columns[0]])}, "
            f"row {rows[0] + 1} of {len(values)}. Put a finite number there, or leave the cell empty."
        )


def _center_and_scale(some: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return centre and scale by sorted column, 0 and 1 where float32 needs no help."""
    count = (~np.isnan(some)).sum(axis=0)
    at = np.arange(some.shape[1])
    lower, median, upper = (some[((count - 1).clip(0) * share).astype(int), at] for share in (0.25, 0.5, 0.75))
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        width = np.where(upper > lower, upper - lower, high - low)
        center = np.where(np.abs(median) > 1000 * width, median, 0.0)
        largest = np.fmax(np.abs(high - center), np.abs(low - center)).clip(0, 1e308)
        odd = (largest > 0) & ((largest < 1e-10) | (largest > 1e10))
        scale = np.where(odd, np.exp2(np.round(np.log2(largest)).clip(-1000, 1000)), 1.0)
    return center, scale


def _counts_rows(values: np.ndarray) -> bool:
    """Say whether a column is 0, 1, 2, ... or 1, 2, 3, ..."""
    return len(values) > 2 and values[0] in (0, 1) and bool((np.diff(values) == 1).all())


def _describe_dates(name: str, values: np.ndarray) -> Column:
    missing = np.isnat(values)
    known = values[~missing]
    if not len(known) or ((known[0] == known).all() and not missing.any()):
        return Column(name, "ignored", reason="every cell is the same date" if len(known) else "every cell is missing")
    seasonal = bool(known.max() - known.min() > np.timedelta64(366, "D"))
    return Column(name, "date", missing=bool(missing.any()), seasonal=seasonal, distinct=len(np.unique(known)))


def _describe_levels(name: str, values: np.ndarray, declared: bool) -> Column:
    """Describe a category, or say why its text is no category."""
    counts = Counter(level(value) for value in values if value is not None)
    rows = sum(counts.values())
    missing = rows < len(values)
    repeated = sum(count for count in counts.values() if count > 1)
    if not counts:
        return Column(name, "ignored", reason="every cell is missing")
    if len(counts) == 1 and not missing:
        only = next(iter(counts))
        return Column(name, "ignored", reason=f"constant: every cell is {shown(only)}", constant=only)
    if len(counts) > _few_levels and repeated < _repeated_share * rows:
        kind = "level" if declared else "text"
        reason = f"ids or free text: {len(counts)} different {kind}s in {rows} rows"
        return Column(name, "ignored", reason=reason)
    ordered = sorted(counts, key=lambda one: (-counts[one], one))
    kept = ordered[:_most_levels]
    if len(counts) > _few_levels:
        kept = [one for one in kept if counts[one] > 1]
    return Column(name, "category", tuple(sorted(kept)), len(kept) < len(counts), missing)


def task_of(target: Any) -> str:
    """Return "classification" or "regression" for what a target looks like.

    Text, categories and booleans are classes; so are whole numbers with at most 10 different values and any
    numbers with at most 2. Everything else is an amount.

    Examples
    --------
    >>> task_of(["Clinton", "Dole", "Dole"]), task_of([1.5, 2.25, 8.0])
    ('classification', 'regression')
    """
    values = np.asarray(target, dtype=object)
    if values.ndim == 2 and values.shape[1] > 1:
        return "regression"
    cells = table_of(values.reshape(-1, 1), "task_of").column(0)
    numbers = typed(cells.values) if cells.kind == "text" else cells.values
    if str(getattr(target, "dtype", "")) == "category" or numbers.dtype.kind != "f" or cells.flag:
        return "classification"
    distinct = np.unique(numbers[~np.isnan(numbers)])
    whole = bool((distinct == np.round(distinct)).all())
    few = len(distinct) <= 2 or (whole and len(distinct) <= _classes_of_a_number)
    return "classification" if few else "regression"
