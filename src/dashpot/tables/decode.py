"""Numbers become a table again: the inverse of the encoder."""

from __future__ import annotations

from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from dashpot.tables.frames import text_of
from dashpot.tables.schema import Column

__all__ = ["decode", "filled"]


def decode(encoder: Any, values: np.ndarray) -> Any:
    """Rows of encoded values as a table with the columns of the fit.

    Parameters
    ----------
    encoder : TableEncoder or PictureEncoder, fitted
    values : array (rows, inputs)
        Amounts in the encoder's units, and a probability for each indicator: the likeliest level is taken.

    Returns
    -------
    float64 array (rows, columns) where the fit had an array of numbers, otherwise a pandas data frame. A constant
    column comes back as it was; ids and free text, which the encoder left out, are NaN.
    """
    if not hasattr(encoder, "columns_"):
        return _framed(encoder, values.astype(np.float64))
    decoded, first = [], 0
    for column in encoder.columns_:
        count = len(column.inputs())
        decoded.append(_cells(column, values[:, first : first + count]))
        first += count
    if hasattr(encoder, "feature_names_in_") or any(cells.dtype.kind != "f" for cells in decoded):
        return pd.DataFrame({column.name: cells for column, cells in zip(encoder.columns_, decoded, strict=True)})
    return np.column_stack(decoded)


def _framed(encoder: Any, pixels: np.ndarray) -> Any:
    """Pictures with the names of their pixels, where they have some."""
    names = getattr(encoder, "feature_names_in_", None)
    return pixels if names is None else pd.DataFrame(pixels, columns=names)


def _cells(column: Column, values: np.ndarray) -> np.ndarray:
    """The cells of one source column."""
    if column.kind == "ignored":
        return _constant(column.constant, len(values))
    if column.kind == "number":
        return np.asarray(values[:, 0].astype(np.float64) * column.scale + column.center)
    if column.kind == "date":
        return np.asarray((values[:, 0].astype(np.float64) * 86_400e6).round().astype("datetime64[us]"))
    states = [*column.levels, *(["another level"] if column.other else [])]
    if values.shape[1] == 1 and len(states) == 2:
        chosen = (values[:, 0] > 0.5).astype(int)
    else:
        chosen = values[:, : len(states)].argmax(1)
    return np.array(states, dtype=object)[chosen]


def _constant(value: str, rows: int) -> np.ndarray:
    """A column of one value, a number where it reads as one; NaN where there is none."""
    try:
        return np.full(rows, float(value or "nan"))
    except ValueError:
        return np.array([value] * rows, dtype=object)


def filled(encoder: Any, table: Any, expected: Any, absent: dict[int, np.ndarray]) -> Any:
    """A table with `expected` in place of the cells that are missing, under its own names and in its own values.

    Parameters
    ----------
    encoder : TableEncoder or PictureEncoder, fitted
    table : what was given to the encoder
    expected : array or data frame
        What `decode` gives.
    absent : dict of bool arrays (rows,)
        By the number of a source column, which cells are missing.
    """
    if not isinstance(expected, pd.DataFrame):
        cells = np.asarray(table, dtype=np.float64).reshape(expected.shape)
        return np.where(np.isnan(cells), expected, cells)
    frame = nw.from_native(table, pass_through=True)
    whole = (
        frame.to_pandas().copy() if isinstance(frame, nw.DataFrame) else pd.DataFrame(table, columns=expected.columns)
    )
    names = [str(name) for name in whole.columns]
    for number, missing in absent.items():
        if missing.any():
            name = expected.columns[number]
            place = names.index(name) if name in names else number
            given = whole.iloc[:, place]
            values = _as_written(expected[name].to_numpy(), given)
            whole.isetitem(place, given.astype(object).where(~missing, values).infer_objects())
    return whole


def _as_written(levels: np.ndarray, given: pd.Series) -> np.ndarray:
    """Levels as the column itself writes them: True or 3, where it holds no text; dates in its time zone."""
    if isinstance(given.dtype, pd.DatetimeTZDtype):
        return np.asarray(pd.DatetimeIndex(levels, tz="UTC").tz_convert(given.dtype.tz), dtype=object)
    if levels.dtype != object:
        return levels
    categories = isinstance(given.dtype, pd.CategoricalDtype)
    known = list(given.cat.categories if categories else given.dropna().unique())
    if all(isinstance(one, bool | np.bool_) for one in known):
        known = [False, True]
    written = {text_of(one): one for one in known if not isinstance(one, str)}
    return np.array([written.get(level, level) for level in levels], dtype=object)
