"""Which columns make a row odd, expected against seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from dashpot.anomalies.standard import CAP
from dashpot.anomalies.unread import is_new, unread
from dashpot.anomalies.wording import Words, words_of
from dashpot.errors import UsageError
from dashpot.reconstruction import Reconstruction

if TYPE_CHECKING:
    from dashpot.anomalies.reading import Reading

NOTABLE = 2.0  # times the usual error: below, no column is odd by itself
NO_COLUMN = "no column is odd by itself, the combination is what is judged"


class Finding(NamedTuple):
    """One column of one row."""

    row: int
    column: str
    seen: str
    expected: str
    times: float
    share: float
    words: str
    notable: bool


class _Row(NamedTuple):
    """A row as it was seen and expected, (inputs,) each, and what is unread of its categories."""

    number: int
    seen: np.ndarray
    expected: np.ndarray
    unread: dict[int, str]


def explain(detector: Reading, X: Any, most: int) -> pd.DataFrame:
    """The `most` columns of each row that are furthest from what was expected."""
    findings, _ = _findings(detector, X, most)
    return pd.DataFrame(findings, columns=list(Finding._fields))


def reasons(detector: Reading, X: Any, most: int) -> list[str]:
    """One sentence for each row: the columns beyond their usual error, or that none is."""
    findings, count = _findings(detector, X, most)
    rows: dict[int, list[str]] = {}
    for found in findings:
        if found.notable:
            rows.setdefault(found.row, []).append(found.words)
    return ["; ".join(rows.get(row, [NO_COLUMN])) for row in range(count)]


def _findings(detector: Reading, X: Any, most: int) -> tuple[list[Finding], int]:
    """Findings row by row, and the number of rows."""
    if isinstance(most, bool) or not isinstance(most, int | np.integer) or most < 1:
        raise UsageError(f"AnomalyDetector.explain(most={most!r}): must be a whole number of at least 1.")
    inputs, targets, fold = detector._encoded(X)
    unknown = unread(detector.encoder_, X)
    found: list[Finding] = []
    for group in np.unique(fold):
        rows = np.flatnonzero(fold == group)
        expected, times = _judged(detector, inputs[rows], targets[rows], int(group))
        for row, own, far in zip(rows, expected, times, strict=True):
            words = {source: str(texts[row]) for source, texts in unknown.items()}
            found += _of_row(detector, _Row(int(row), inputs[row], own, words), far)[:most]
    return sorted(found, key=lambda one: one.row), len(inputs)


def _judged(detector: Reading, inputs: np.ndarray, targets: np.ndarray, fold: int) -> tuple[np.ndarray, np.ndarray]:
    """Expected inputs (rows, inputs), and errors as multiples of the usual one (rows, cells), means over networks.

    Rows of a fold are judged by the jury that left it out, new rows (fold -1) by all.
    """
    juries = detector.juries_ if fold < 0 else detector.juries_[fold : fold + 1]
    outputs, times = [], []
    for judge in (judge for jury in juries for judge in jury.judges):
        outputs.append(judge.network.outputs(inputs))
        times.append(detector.standard_.times(outputs[-1], targets, judge.usual))
    expected = Reconstruction(detector.standard_.cells).predict(np.mean(outputs, axis=0))
    return expected, np.mean(times, axis=0)


def _of_row(detector: Reading, row: _Row, times: np.ndarray) -> list[Finding]:
    """The cells of one row: levels that the fit had not seen, then the oddest first."""
    squares = np.square(times)
    shares = squares / (squares.sum() or 1.0)
    seen_before = np.array([not is_new(row.unread.get(cell.source, "")) for cell in detector.standard_.cells])
    return [
        _finding(detector, row, int(cell), float(times[cell]), float(shares[cell]))
        for cell in np.lexsort((-times, seen_before))
    ]


def _finding(detector: Reading, row: _Row, number: int, times: float, share: float) -> Finding:
    """One cell in words."""
    cell = detector.standard_.cells[number]
    column = detector.encoder_.columns_[cell.source]
    unread = row.unread.get(cell.source, "")
    words = words_of(cell, column, row.seen, row.expected, unread)
    if is_new(unread):
        sentence, notable = f"{column.name} is {unread}, which the fit had not seen", True
    else:
        sentence = f"{column.name} is {words.seen}, {words.expected} was expected ({_why(words, times)})"
        notable = times >= NOTABLE and not (cell.category and words.seen == words.expected)
    return Finding(
        row.number, str(column.name), words.seen, words.expected, round(times, 2), round(share, 3), sentence, notable
    )


def _why(words: Words, times: float) -> str:
    """How odd a cell is."""
    if words.chance:
        return f"its probability was {words.chance}"
    often = f"{times:.1f} times" if times < 0.999 * CAP else f"{CAP:.0f} times or more"
    return f"{often} the usual error"
