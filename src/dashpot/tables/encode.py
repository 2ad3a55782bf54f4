"""A table of anything becomes a table of numbers."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from dashpot.errors import DataError, ModelFileError, did_you_mean, shown
from dashpot.tables.cells import first_unread, is_missing, level, typed
from dashpot.tables.frames import Cells, Table, table_of
from dashpot.tables.schema import Column, describe, refuse_infinity

__all__ = ["Inputs", "TableEncoder"]

_furthest = np.float32(1e30)
_days_of_a_year = 365.2425


@dataclass(frozen=True, eq=False)
class Inputs:
    """What each input column of the number table is.

    Attributes
    ----------
    names : tuple of str
        Such as "age", "region=north", "income is missing".
    source : array (inputs,) of int
        The number of the source column, counted from 0 in the table that was fitted.
    indicator : array (inputs,) of bool
        True for 0/1 indicators (levels, missing flags), False for measured numbers.
    image : (height, width, channels) or None
        The shape of the pictures, where rows are pictures.
    distinct : array (inputs,) of int or None
        How many different values each input had at fit; None where nobody counted.
    further : array (features,) of int
        The inputs that the further features of a numeric embedding belong to, which the first layer reads behind all.
    """

    names: tuple[str, ...]
    source: np.ndarray
    indicator: np.ndarray
    image: tuple[int, int, int] | None = None
    distinct: np.ndarray | None = None
    further: np.ndarray = field(default_factory=lambda: np.arange(0))


class TableEncoder:
    """Turn tables with numbers, text, dates and missing cells into float32 numbers.

    A number is one input, NaN where the cell is missing, and an indicator "is missing" if cells were
    missing at fit. A category is one indicator for each level (one in all if there are two states); levels
    beyond the 50 most frequent, and those seen once if there are more than 10, share one indicator; missing
    is a level of its own if it was seen at fit. An unseen level is "another level" if there is one, else
    all zeros. A date is its days since 1970, and the time of the year if the dates span more than one.
    Constant columns, ids and free text are left out; `columns_` says which and why.

    A number beyond 1e30 times the scale of its column enters as that bound.

    Parameters
    ----------
    caller : str, default "TableEncoder"
        The name that error messages begin with.

    Attributes
    ----------
    columns_ : tuple of Column
        What each source column is.
    inputs_ : Inputs
        What each input is.
    n_features_in_ : int
        Number of source columns.
    feature_names_in_ : array of str
        Their names; absent if the table came without names.

    Examples
    --------
    >>> encoder = TableEncoder().fit([[20.0, "a"], [30.0, "b"], [None, "b"], [50.0, "c"]])
    >>> encoder.inputs_.names
    ('x0', 'x0 is missing', 'x1=a', 'x1=b', 'x1=c')
    >>> encoder.transform([[40.0, "b"], [None, "new"]])
    array([[40.,  0.,  0.,  1.,  0.],
           [nan,  1.,  0.,  0.,  0.]], dtype=float32)
    """

    def __init__(self, caller: str = "TableEncoder") -> None:
        self.caller = caller

    def fit(self, X: Any) -> "TableEncoder":
        """Learn what the columns are.

        Raises
        ------
        DataError
            If a cell is infinite or no column can be used.
        TypeError, ValueError
            As scikit-learn has them, for sparse, complex, one-dimensional and empty arrays.
        """
        table = table_of(X, self.caller)
        columns = describe(table, self.caller)
        if all(column.kind == "ignored" for column in columns):
            first = columns[0]
            raise DataError(
                f"{self.caller}: none of the {len(columns)} columns can be used (n_samples = {table.rows}); "
                f"the first, {shown(first.name)}: {first.reason}. Add a column that differs between rows."
            )
        self._learn(columns, table.named)
        return self

    def _learn(self, columns: tuple[Column, ...], named: bool) -> None:
        """Set what follows from the columns."""
        self.columns_ = columns
        self.n_features_in_ = len(columns)
        self.__dict__.pop("feature_names_in_", None)
        if named:
            self.feature_names_in_ = np.array([column.name for column in columns], dtype=object)
        inputs = [(name, number, flag) for number, one in enumerate(columns) for name, flag in one.inputs()]
        names, source, indicator = zip(*inputs, strict=True)
        numbers = np.array(source, dtype=np.int64)
        distinct = np.array([one.distinct for one in columns])[numbers]
        self.inputs_ = Inputs(names, numbers, np.array(indicator, dtype=bool), distinct=distinct)

    def fit_transform(self, X: Any) -> np.ndarray:
        """Learn the columns and return the numbers."""
        return self.fit(X).transform(X)

    def transform(self, X: Any) -> np.ndarray:
        """Return the numbers, float32 (rows, inputs), NaN where a measured number is missing.

        Frames are matched by column name; more columns, and another order, are fine. Arrays are matched by
        position.

        Raises
        ------
        DataError
            For missing columns, infinite cells, and text where numbers or dates were at fit.
        ValueError
            If an array has another number of columns.
        """
        table = table_of(X, self.caller)
        places = self.places(table)
        if table.numbers is not None and all(column.kind in ("number", "ignored") for column in self.columns_):
            return self._from_numbers(table)
        blocks = [
            self._block(column, table, place)
            for column, place in zip(self.columns_, places, strict=True)
            if column.kind != "ignored"
        ]
        return np.concatenate(blocks, axis=1, dtype=np.float32)

    def missing(self, X: Any) -> np.ndarray:
        """Return which cells of the columns in use are missing, bool (rows, columns of the fit).

        An unseen level is not missing. X is a table that `transform` takes.
        """
        table = table_of(X, self.caller)
        absent = np.zeros((table.rows, self.n_features_in_), dtype=bool)
        for number, (column, place) in enumerate(zip(self.columns_, self.places(table), strict=True)):
            if column.kind == "category":
                absent[:, number] = _absent(column, table.column(place))
            elif column.kind != "ignored":
                absent[:, number] = pd.isna(self._typed(column, table.column(place)))
        return absent

    def places(self, table: Table) -> list[int]:
        """Return where the table holds each column of the fit."""
        if not (table.named and hasattr(self, "feature_names_in_")):
            if len(table.names) != self.n_features_in_:
                raise ValueError(
                    f"X has {len(table.names)} features, but {self.caller} is expecting "
                    f"{self.n_features_in_} features as input."
                )
            return list(range(self.n_features_in_))
        place = {name: number for number, name in enumerate(table.names)}
        absent = [column.name for column in self.columns_ if column.name not in place and column.kind != "ignored"]
        if absent:
            shown_names = ", ".join(map(shown, absent[:5])) + (f" and {len(absent) - 5} more" if absent[5:] else "")
            raise DataError(
                f"{self.caller}: the table has no column {shown_names}, which the fit had."
                f"{did_you_mean(absent[0], place)} Add it, with empty cells if its values are unknown."
            )
        return [place.get(column.name, 0) for column in self.columns_]

    def _from_numbers(self, table: Table) -> np.ndarray:
        """Encode a plain array of numbers without looking at columns one by one."""
        assert table.numbers is not None
        kept = [number for number, column in enumerate(self.columns_) if column.kind == "number"]
        values = table.numbers if len(kept) == self.n_features_in_ else table.numbers[:, kept]
        columns = [self.columns_[number] for number in kept]
        refuse_infinity([column.name for column in columns], values, self.caller)
        result = np.empty((table.rows, len(self.inputs_.names)), dtype=np.float32)
        measured = np.flatnonzero(~self.inputs_.indicator)
        with np.errstate(over="ignore"):
            block = values.astype(np.float32)
        for place, column in enumerate(columns):
            if column.center != 0 or column.scale != 1:
                block[:, place] = _scaled(values[:, place].astype(np.float64), column)
        result[:, measured] = block.clip(-_furthest, _furthest)
        flagged = [place for place, column in enumerate(columns) if column.missing]
        result[:, self.inputs_.indicator] = np.isnan(values[:, flagged])
        return result

    def _block(self, column: Column, table: Table, place: int) -> np.ndarray:
        """Return the inputs (rows, inputs of the column) of one source column."""
        cells = table.column(place)
        if column.kind == "category":
            return _indicators(column, cells)
        values = self._typed(column, cells)
        if column.kind == "number":
            refuse_infinity([column.name], values[:, None], self.caller)
            parts = [_scaled(values, column)]
        else:
            parts = _date_parts(values, column)
        if column.missing:
            parts.append(pd.isna(values))
        return np.column_stack(parts).astype(np.float32)

    def _typed(self, column: Column, cells: Cells) -> np.ndarray:
        """Return the cells as numbers or dates, whichever the column was at fit."""
        values = cells.values if cells.kind in ("number", "date") else typed(cells.values)
        if values.dtype.kind == {"number": "f", "date": "M"}[column.kind]:
            return values
        if values.dtype.kind == "f" and np.isnan(values).all():
            return values.astype("datetime64[us]")
        if cells.kind in ("number", "date"):
            row = int(np.flatnonzero(~pd.isna(values))[0]) if not pd.isna(values).all() else 0
        else:
            row = first_unread(cells.values, column.kind)
        raise DataError(
            f"{self.caller}: column {shown(column.name)} held {column.kind}s at fit, but row {row + 1} of "
            f"{len(values)} is {shown(cells.values[row])}. Correct the cell, or leave it empty."
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the fitted encoder as plain JSON values."""
        return {
            "named": hasattr(self, "feature_names_in_"),
            "columns": [one.to_dict() for one in self.columns_],
        }

    @classmethod
    def from_dict(cls, values: Any, caller: str = "TableEncoder") -> "TableEncoder":
        """Return the encoder that `to_dict` wrote, exactly.

        Raises
        ------
        ModelFileError
            If this is no such dictionary.
        """
        if not isinstance(values, dict) or not isinstance(values.get("columns"), list):
            raise ModelFileError(f"TableEncoder.from_dict: {shown(values)} is no encoder. Save the model again.")
        columns = tuple(Column.from_dict(one) for one in values["columns"])
        if all(column.kind == "ignored" for column in columns):
            raise ModelFileError("TableEncoder.from_dict: no column is in use. Save the model again.")
        encoder = cls(caller)
        encoder._learn(columns, values.get("named") is True)
        return encoder


def _scaled(values: np.ndarray, column: Column) -> np.ndarray:
    """Return numbers as float32 can hold them."""
    with np.errstate(over="ignore"):
        moved = values / column.scale - column.center / column.scale
    return moved.clip(-_furthest, _furthest)


def _indicators(column: Column, cells: Cells) -> np.ndarray:
    """Return the 0/1 inputs of a category."""
    states: list[str | None] = list(column.levels)
    other = len(states) if column.other else -1
    codes, distinct = pd.factorize(cells.levels())
    place = {one: number for number, one in enumerate(states)}
    count = len(states) + column.other + column.missing
    absent = count - 1 if column.missing else other
    lookup = [absent if is_absent(text, place) else place.get(level(text.strip()), other) for text in distinct]
    rows = np.array([*lookup, absent], dtype=np.int64)[codes]
    block = np.zeros((len(rows), count + 1), dtype=np.float32)  # the last column takes what has no input
    block[np.arange(len(rows)), rows] = 1
    return block[:, 1:count] if count == 2 else block[:, :count]


def _absent(column: Column, cells: Cells) -> np.ndarray:
    """Return which cells of a category are missing, bool (rows,)."""
    codes, distinct = pd.factorize(cells.levels())
    known: dict[str | None, int] = dict.fromkeys(column.levels, 0)
    return np.array([*(is_absent(text, known) for text in distinct), True])[codes]


def is_absent(text: str, known: dict[str | None, int]) -> bool:
    """Say whether a text means missing, unless just this text was a level at fit."""
    return is_missing(text) and text not in known and text.strip() not in known


def _date_parts(values: np.ndarray, column: Column) -> list[np.ndarray]:
    """Return days since 1970 and, if the column is seasonal, the place in the year on a circle."""
    days = values.astype("datetime64[us]").astype(np.float64) / 86_400e6
    days[np.isnat(values)] = np.nan
    if not column.seasonal:
        return [days]
    angle = 2 * np.pi * days / _days_of_a_year
    return [days, np.sin(angle), np.cos(angle)]
