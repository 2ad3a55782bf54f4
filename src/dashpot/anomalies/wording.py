"""What a cell holds, and what was expected there, as text."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from dashpot.reconstruction import Cell
from dashpot.tables.schema import Column

class Words(NamedTuple):
    """The value of a cell, the expected one, and how probable the value was (empty for amounts)."""

    seen: str
    expected: str
    chance: str = ""


def words_of(cell: Cell, column: Column, seen: np.ndarray, expected: np.ndarray, unread: str = "") -> Words:
    """A cell in words.

    Parameters
    ----------
    cell : Cell
    column : Column
    seen : float array (inputs,)
        The encoded row.
    expected : float array (inputs,)
        Amounts in the encoder's units, and a probability for each level.
    unread : str
        Of a category that is missing, or of a level unseen at fit: what to say of it.
    """
    own = slice(cell.first, cell.past)
    if not cell.category:
        return Words(_amount(seen[cell.first], column), _amount(expected[cell.first], column))
    names = [_level(name, column) for name, _ in column.inputs()][: cell.past - cell.first]
    held, chances = seen[own], expected[own]
    if len(names) == 1:  # one indicator tells two levels
        names.insert(0, _first_level(column))
        held, chances = np.array([1 - held[0], held[0]]), np.array([1 - chances[0], chances[0]])
    likeliest = names[int(np.argmax(chances))]
    if unread:
        return Words(unread, likeliest)
    state = int(np.argmax(held))
    return Words(names[state], likeliest, _percent(float(chances[state])))


def _percent(chance: float) -> str:
    """A probability."""
    return "below 0.1 %" if chance < 0.001 else f"{100 * chance:.2g} %"


def _level(name: str, column: Column) -> str:
    """The level that an indicator stands for: "region=north" is 'north'."""
    if name == f"{column.name} is another level":
        return "a rare level"
    return repr(name.removeprefix(f"{column.name}="))


def _first_level(column: Column) -> str:
    """The level that has no indicator, because there are but two."""
    return repr(column.levels[0])


def _amount(value: float, column: Column) -> str:
    """A number or a date."""
    if np.isnan(value):
        return "missing"
    if column.kind == "date":
        return str(np.datetime64(0, "D") + np.timedelta64(round(float(np.clip(value, -7e5, 2.9e6))), "D"))
    return f"{float(value) * column.scale + column.center:,.4g}"
