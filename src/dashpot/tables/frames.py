"""Whatever holds a table, seen as columns of cells: pandas, polars, pyarrow, arrays, lists of rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
from sklearn.utils.validation import check_array

from dashpot.errors import DataError, shown
from dashpot.tables.cells import level, number_text

__all__ = ["Cells", "Table", "table_of", "text_of"]


@dataclass(frozen=True, eq=False)
class Cells:
    """The cells of one column in one of four forms.

    `kind` is "number" (float64, NaN = missing), "date" (datetime64[us], NaT = missing), "text" (object: str
    or None) or "category" (the same, declared as a category by its owner: digits in it are no numbers).
    `flag` marks numbers that were True and False.
    """

    kind: str
    values: np.ndarray
    flag: bool = False

    def levels(self) -> np.ndarray:
        """Return the cells as names of levels, None = missing."""
        if self.kind in ("text", "category"):
            return self.values
        missing = np.isnan(self.values) if self.kind == "number" else np.isnat(self.values)
        codes, distinct = pd.factorize(self.values)
        if self.flag:
            names = [str(bool(value)) for value in distinct]
        elif self.kind == "number":
            names = [number_text(float(value)) for value in distinct]
        else:
            names = [str(value)[:10] for value in distinct.astype("datetime64[us]")]
        result = np.array([*names, None], dtype=object)[codes]
        result[missing] = None
        return result


@dataclass(frozen=True, eq=False)
class Table:
    """Columns by number. `numbers` is the whole table if it came as one array of numbers."""

    names: tuple[str, ...]
    named: bool
    rows: int
    numbers: np.ndarray | None
    source: Any

    def column(self, number: int) -> Cells:
        """Return the cells of a column."""
        if self.numbers is not None:
            return Cells("number", self.numbers[:, number].astype(np.float64))
        if isinstance(self.source, np.ndarray):
            return _from_objects(self.source[:, number])
        return _from_series(self.source[:, number])


def table_of(X: Any, caller: str) -> Table:
    """See anything two-dimensional as a table.

    Raises
    ------
    DataError
        For a frame without rows or columns, or with two columns of one name.
    TypeError, ValueError
        scikit-learn's own, for sparse, complex, one-dimensional and empty arrays.
    """
    if isinstance(X, pd.DataFrame):  # before narwhals, whose own error takes several lines
        _check_names([str(name) for name in X.columns], caller)
    frame = None if isinstance(X, np.ndarray | Sequence) else nw.from_native(X, pass_through=True)
    if isinstance(frame, nw.LazyFrame):
        raise DataError(f"{caller}: a lazy frame has no rows yet. Pass frame.collect().")
    if isinstance(frame, nw.DataFrame):
        return _from_frame(frame, caller)
    return _from_array(X, caller)


def _from_frame(frame: "nw.DataFrame[Any]", caller: str) -> Table:
    """See a data frame as a table."""
    names = tuple(str(name) for name in frame.columns)
    _check_names(names, caller)
    rows, columns = frame.shape
    for count, what in ((rows, "sample"), (columns, "feature")):
        if count == 0:
            raise DataError(
                f"{caller}: Found array with 0 {what}(s) (shape={frame.shape}) while a minimum of 1 is required."
            )
    return Table(names, True, rows, None, frame)


def _check_names(names: Sequence[str], caller: str) -> None:
    if len(set(names)) < len(names):
        twice = next(name for number, name in enumerate(names) if name in names[:number])
        raise DataError(f"{caller}: two columns are named {shown(twice)}. Rename one of them.")


def _from_array(X: Any, caller: str) -> Table:
    """See an array, or a list of rows, as a table."""
    if isinstance(X, np.ma.MaskedArray):
        X = np.ma.filled(X.astype(np.float64), np.nan)
    if isinstance(X, list | tuple):
        X = _from_rows(X)
    array = check_array(X, dtype=None, ensure_all_finite=False, input_name="X", estimator=caller)
    if array.dtype.kind == "V":
        raise TypeError(f"{caller}: a structured array is no table of cells. Pass a data frame.")
    names = tuple(f"x{number}" for number in range(array.shape[1]))
    if array.dtype.kind in "biuf":
        wanted = array.dtype if array.dtype in (np.float32, np.float64) else np.dtype(np.float64)
        with np.errstate(over="ignore"):
            return Table(names, False, len(array), array.astype(wanted, copy=False), array)
    return Table(names, False, len(array), None, array.astype(object))


def _from_rows(X: Sequence[Any]) -> Any:
    """Keep numbers and text apart in a list of rows; NumPy would turn all into text."""
    try:
        array = np.asarray(X)
    except ValueError:  # rows of different length: check_array says so
        return X
    return array if array.dtype.kind in "biufc" or array.ndim != 2 else np.array(X, dtype=object)


def _from_series(series: "nw.Series[Any]") -> Cells:
    """Return the cells of a column of a data frame."""
    dtype = series.dtype
    if dtype == nw.Boolean:
        return Cells("number", series.cast(nw.Float64).to_numpy().astype(np.float64), flag=True)
    if dtype.is_numeric():
        return Cells("number", series.cast(nw.Float64).to_numpy().astype(np.float64))
    if isinstance(dtype, nw.Categorical | nw.Enum) or dtype in (nw.Categorical, nw.Enum):
        return Cells("category", _texts(series.to_list()))
    if isinstance(dtype, nw.Datetime) and dtype.time_zone is not None:
        series = series.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    if dtype.is_temporal() and (isinstance(dtype, nw.Datetime) or dtype in (nw.Datetime, nw.Date)):
        return Cells("date", series.cast(nw.Datetime("us")).to_numpy().astype("datetime64[us]"))
    if isinstance(dtype, nw.Duration) or dtype == nw.Duration:
        return Cells("number", _seconds(series.to_numpy()))
    return _from_objects(np.array([*series.to_list(), None], dtype=object)[:-1])


def _seconds(durations: np.ndarray) -> np.ndarray:
    seconds = durations.astype("timedelta64[us]").astype(np.float64) / 1e6
    seconds[np.isnat(durations)] = np.nan
    return seconds


def _from_objects(values: np.ndarray) -> Cells:
    """Return the cells of a column of Python objects by what they are."""
    kind = pd.api.types.infer_dtype(values, skipna=True)
    if kind == "complex" or any(isinstance(value, complex) for value in values):
        raise ValueError("Complex data not supported. Pass the real and the imaginary part as two columns.")
    if kind in ("integer", "floating", "mixed-integer-float", "decimal", "boolean", "empty"):
        return Cells("number", _floats(values), flag=kind == "boolean")
    if kind in ("date", "datetime", "datetime64"):
        dates = pd.to_datetime(pd.Series(values), utc=True).dt.tz_localize(None)
        return Cells("date", dates.to_numpy().astype("datetime64[us]"))
    return Cells("text", _texts(values))


def _floats(values: np.ndarray) -> np.ndarray:
    """Read objects that are numbers; one too large for a float becomes infinite and is refused later."""
    numbers = np.full(len(values), np.nan)
    for row, value in enumerate(values):
        if not _is_nothing(value):
            try:
                numbers[row] = float(value)
            except OverflowError:
                numbers[row] = np.inf
    return numbers


def _texts(values: Sequence[Any] | np.ndarray) -> np.ndarray:
    """Return objects as text, None = missing."""
    return np.array([None if _is_nothing(value) else text_of(value) for value in values] + [None], dtype=object)[:-1]


def text_of(value: Any) -> str:
    """Return an object as the name of a level."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    if isinstance(value, int | float | np.number):
        return level(str(value))
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _is_nothing(value: Any) -> bool:
    """Say whether an object means "no value": None, NaN, NaT, NA."""
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value)
