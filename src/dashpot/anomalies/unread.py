"""Cells of categories that say nothing to the networks: missing, or of a level that was not seen at fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from dashpot.errors import shown
from dashpot.reconstruction import cells_of
from dashpot.tables import TableEncoder
from dashpot.tables.cells import level
from dashpot.tables.encode import is_absent
from dashpot.tables.frames import Cells, table_of
from dashpot.tables.schema import Column

MISSING = "missing"


def inputs_of(encoder: TableEncoder, X: Any) -> np.ndarray:
    """Encoded rows, float32 (rows, inputs), NaN in the levels of each category that is missing or unseen at fit."""
    inputs, words = encoder.transform(X), unread(encoder, X)
    for cell in cells_of(encoder):
        if cell.category:
            inputs[words[cell.source] != "", cell.first : cell.past] = np.nan
    return inputs


def unread(encoder: TableEncoder, X: Any) -> dict[int, np.ndarray]:
    """For each category, by its source column, "missing" or the level that is unseen, "" where it was seen, (rows,)."""
    sources = [number for number, column in enumerate(encoder.columns_) if column.kind == "category"]
    if not sources:
        return {}
    table = table_of(X, encoder.caller)
    places = encoder.places(table)
    return {source: _words(encoder.columns_[source], table.column(places[source])) for source in sources}


def _words(column: Column, cells: Cells) -> np.ndarray:
    """The words of one category, (rows,)."""
    codes, distinct = pd.factorize(cells.levels())
    return np.array([*(_word(column, text) for text in distinct), MISSING], dtype=object)[codes]


def _word(column: Column, text: str) -> str:
    """The word for a text that is there."""
    if is_absent(text, dict.fromkeys(column.levels, 0)):
        return MISSING
    return "" if column.other or level(text.strip()) in column.levels else shown(text.strip())


def is_new(word: str) -> bool:
    """Whether a word of `unread` is a level that was not seen at fit."""
    return word not in ("", MISSING)
