"""Text cells as people write them: what is missing, what is a number, what is a date.

A column of text becomes numbers or dates only if *every* cell that is not missing reads as one, in one and
the same way of writing. So one stray word leaves the whole column text, and nothing is guessed cell by cell.
"""

import re
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

__all__ = ["first_unread", "is_missing", "level", "typed"]

_missing = frozenset({"", "na", "n/a", "nan", "null", "#n/a", "<na>", ".", "..", "-", "--", "?"})
_symbols = "%$€£¥"

_digits = r"(?:\d+(?:\.\d*)?|\.\d+)"
_exponent = r"(?:[eE][+-]?\d+)?"
_plain = re.compile(rf"[+-]?(?:{_digits}{_exponent}|[iI]nf(?:inity)?)")
_comma_groups = re.compile(rf"[+-]?(?:\d{{1,3}}(?:,\d{{3}})+(?:\.\d*)?|{_digits})")
_decimal_comma = re.compile(rf"[+-]?(?:(?:\d{{1,3}}(?:\.\d{{3}})+|\d+)(?:,\d*)?|,\d+){_exponent}")
_other_groups = re.compile(rf"[+-]?(?:\d{{1,3}}(?:[ '’\u00a0\u202f]\d{{3}})+(?:[.,]\d*)?|{_digits})")
_digit_or_infinity = re.compile(r"\d|[iI]nf")
_leading_zero = re.compile(r"[+-]?0\d+")
_date = re.compile(r"\d{4}[-/]\d\d[-/]\d\d(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?")

Texts = Sequence[str]


def is_missing(text: str) -> bool:
    """Say whether a cell means "no value": empty, NA, n/a, NaN, null, `.`, `-`, `?`."""
    return text.strip().casefold() in _missing


def typed(texts: "pd.Series | np.ndarray", decimal_comma: bool = False) -> np.ndarray:
    """Return a column of text as what it means.

    Numbers may be written with a decimal comma, with thousands separators, and with one unit out of `% $ €
    £ ¥` if all cells carry it; the unit is dropped and 12 % is 12. `1,234` is 1234, unless another cell
    makes that impossible or `decimal_comma` says so. A column with leading zeros (`007`) holds ids and
    stays text. Dates are ISO dates, `2026-01-31` or `2026/01/31`, with or without a time of day; times with
    an offset are converted to UTC.

    Parameters
    ----------
    texts : array (rows,) of str, None for a missing cell
    decimal_comma : bool, default False
        Read an ambiguous `1,234` as 1.234.

    Returns
    -------
    array (rows,)
        float64 (NaN = missing; also if every cell is missing), datetime64[us] (NaT = missing), or object:
        text without surrounding spaces, None = missing.

    Examples
    --------
    >>> typed(np.array(["1.234,5", "7", "n/a"], dtype=object))
    array([1234.5,    7. ,    nan])
    >>> typed(np.array(["007", " 12 ", "?"], dtype=object))
    array(['007', '12', None], dtype=object)
    """
    codes, distinct = pd.factorize(texts)
    levels = [text.strip() for text in distinct]
    missing = np.array([is_missing(text) for text in levels], dtype=bool)
    if "-" in levels and "+" in levels:  # signs, as in the classes of the credit approval data
        missing[levels.index("-")] = False
    known = [text for text, unknown in zip(levels, missing, strict=True) if not unknown]
    for reading, kind in ((_numbers, np.float64), (_dates, "datetime64[us]")):
        values = reading(known, decimal_comma)
        if values is not None:
            return _spread(values.astype(kind), missing, codes)
    return _spread(np.array(known, dtype=object), missing, codes)


def _spread(values: np.ndarray, missing: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Put the values of the distinct cells back into rows; the last place stands for missing."""
    nothing = {"f": np.nan, "M": np.datetime64("NaT"), "O": None}[values.dtype.kind]
    table = np.full(len(missing) + 1, nothing, dtype=values.dtype)
    table[:-1][~missing] = values
    return table[codes]


def level(text: str) -> str:
    """Return the one spelling of a level: `1.50` and `1.5` are one level, `01` is another.

    A column can be text in one file and numbers in the next, where no cell happens to hold a word.
    """
    if _plain.fullmatch(text) and not _leading_zero.fullmatch(text):
        return number_text(float(text))
    return text


def number_text(value: float) -> str:
    """Return a number as the text of a level: 3.0 is `3`."""
    return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(float(value))


def first_unread(texts: np.ndarray, reading: str) -> int:
    """Return the row of the first text that is neither missing nor, alone, a "number" or "date"."""
    read = {"number": _numbers, "date": _dates}[reading]
    for row, text in enumerate(texts):
        if text is not None and not is_missing(text) and read([text.strip()], False) is None:
            return row
    # Every cell can be read alone, only not in one way of writing: blame the last that is there.
    return max(row for row, text in enumerate(texts) if text is not None)


def _numbers(known: Texts, decimal_comma: bool) -> np.ndarray | None:
    """Read all distinct texts as numbers, or None."""
    if known and _digit_or_infinity.search(known[0]) is None:  # most text columns end here
        return None
    known = _without_symbol([text.replace("−", "-") for text in known])
    if any(_leading_zero.fullmatch(text) for text in known):
        return None
    first, second = (_read_decimal_comma, _read_comma_groups)[:: 1 if decimal_comma else -1]
    for pattern, read in (_plain_numbers, first, second, _spaced_numbers):
        if all(pattern.fullmatch(text) for text in known):
            return np.array([read(text) for text in known], dtype=np.float64)
    return None


Writing = tuple[re.Pattern[str], Callable[[str], float]]
_plain_numbers: Writing = (_plain, float)
_read_comma_groups: Writing = (_comma_groups, lambda text: float(text.replace(",", "")))
_read_decimal_comma: Writing = (_decimal_comma, lambda text: float(text.replace(".", "").replace(",", ".")))
_spaced_numbers: Writing = (
    _other_groups,
    lambda text: float(re.sub(r"[ '’\u00a0\u202f]", "", text).replace(",", ".")),
)


def _without_symbol(known: list[str]) -> list[str]:
    """Drop a percent or currency sign that all texts carry at the start or the end."""
    for symbol in _symbols:
        if known and all(text.lstrip("+-")[:1] == symbol or text[-1:] == symbol for text in known):
            return [text.replace(symbol, "", 1).strip() for text in known]
    return known


def _dates(known: Texts, decimal_comma: bool) -> np.ndarray | None:
    """Read all distinct texts as ISO dates, or None."""
    if not known or not all(_date.fullmatch(text) for text in known):
        return None
    try:
        days = pd.to_datetime([text.replace("/", "-") for text in known], format="ISO8601", utc=True)
    except ValueError:  # such as February 30
        return None
    return days.tz_localize(None).to_numpy()
