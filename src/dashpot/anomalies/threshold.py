"""A threshold from a few labels."""

from __future__ import annotations

from typing import Any

import numpy as np

from dashpot.errors import DataError, shown


def labels_of(y: Any, rows: int) -> np.ndarray:
    """Labels as booleans, True for anomalies."""
    values = np.asarray(y).reshape(-1)
    if len(values) != rows:
        raise DataError(f"labels: there are {len(values)}, but {rows} rows. Pass one for each row.")
    found = {str(value).strip().lower() for value in np.unique(values.astype(str))}
    if found <= {"-1", "1", "-1.0", "1.0"} and found & {"-1", "-1.0"}:
        return np.asarray(values.astype(float) < 0)
    known = {"0": False, "1": True, "0.0": False, "1.0": True, "false": False, "true": True, "no": False, "yes": True}
    if not found <= set(known):
        wrong = sorted(found - set(known))[0]
        raise DataError(f"labels: {shown(wrong)} is no label. Use 1 for anomalies and 0 for usual rows.")
    return np.array([known[str(value).strip().lower()] for value in values], dtype=bool)


def cheapest(scores: np.ndarray, odd: np.ndarray, cost: float) -> float:
    """The score above which a flag costs least: misses times `cost` plus false alarms.

    Examples
    --------
    >>> cheapest(np.array([1.0, 2.0, 3.0, 4.0]), np.array([False, False, True, True]), cost=5)
    2.5
    """
    order = np.argsort(-scores, kind="stable")
    sorted_scores = scores[order]
    missed = odd.sum() - np.concatenate([[0], np.cumsum(odd[order])])
    alarms = np.concatenate([[0], np.cumsum(~odd[order])])
    costs = (missed * cost + alarms).astype(float)
    # a cut between equal scores is none
    costs[1:-1][sorted_scores[1:] == sorted_scores[:-1]] = np.inf
    best = int(np.argmin(costs))
    if best == 0:
        return float(sorted_scores[0] + 1e-9)
    above = sorted_scores[best - 1]  # the least score that is flagged
    below = above - 2e-9 if best == len(scores) else sorted_scores[best]
    return float(min((above + below) / 2, np.nextafter(above, -np.inf)))  # neighbours have no number between them
