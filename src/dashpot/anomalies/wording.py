"""What a cell holds, and what was expected there, as text."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from dashpot.anomalies.unread import MISSING
from dashpot.reconstruction import Cell
from dashpot.tables.schema import Column

DIGITS = range(4, 18)  # of numbers: the first that tell two apart
UNITS = ("D", "m")  # of dates; float32 days tell some minutes apart


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
        return Words(*_amounts(seen[cell.first], expected[cell.first], column))
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


def _amounts(seen: float, expected: float, column: Column) -> tuple[str, str]:
    """Two numbers or dates, with as many digits, or so exact a time, that they can be told apart."""
    first, second = (float(value) * column.scale + column.center for value in (seen, expected))
    if column.kind == "date":
        pairs = [(_date(first, unit), _date(second, unit)) for unit in UNITS]
    else:
        pairs = [(_number(first, digits), _number(second, digits)) for digits in DIGITS]
    return next((pair for pair in pairs if pair[0] != pair[1]), pairs[0])


def _date(days: float, unit: str) -> str:
    """Days since 1970 as a date, with the time of day if the unit is shorter."""
    if np.isnan(days):
        return MISSING
    microseconds = round(float(np.clip(days, -7e5, 2.9e6)) * 86_400e6)
    return str(np.datetime64(microseconds, "us").astype(f"datetime64[{unit}]")).replace("T", " ")


def _number(value: float, digits: int) -> str:
    """A number with so many digits or, below ten millions, at least those of its whole part."""
    if np.isnan(value):
        return MISSING
    whole = len(f"{abs(value):.0f}")
    text = f"{value:,.{whole if digits < whole < 8 else digits}g}"
    return text.replace(",", "") if abs(value) < 10_000 else text
