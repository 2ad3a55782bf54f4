"""Intervals from what each test row adds to a difference."""

from collections.abc import Mapping

import numpy as np

from dashpot.studies.row_values import row_values
from dashpot.studies.scores import Score
from dashpot.studies.spreads import shared_rows
from dashpot.studies.statistics import Interval, interval_of
from dashpot.studies.tested import Tested

_fewest_units = 3  # rows or groups tested in a split: of fewer, how they vary is not seen


class RowIntervals:
    """Intervals for paired gains over the splits of repeated cross-validation; see `shared_rows`.

    The truth that they hold is the mean gain, on new rows, of networks that learn from parts of these rows.

    Parameters
    ----------
    tested : Tested
        Predictions for the test rows of each split.
    score : Score
    level : float
        Confidence level.
    folds : int
        Splits of one turn of cross-validation.
    """

    def __init__(self, tested: Tested, score: Score, level: float, folds: int) -> None:
        self.tested, self.score, self.level, self.folds = tested, score, level, folds
        self.units, self.places = zip(*(self._units_of(rows) for rows in tested.rows), strict=True)
        self.known: dict[tuple[int, str], np.ndarray | None] = {}

    def interval(self, method: Mapping[int, str], reference: Mapping[int, str]) -> Interval | None:
        """The mean paired gain of a method over a reference, each named for every split.

        None where the score has no values for rows, or a split tests too few groups to tell how they vary.
        """
        if min(map(len, self.units)) < _fewest_units:
            return None
        means, terms = [], []
        for split, (weights, places) in enumerate(zip(self._weights(), self.places, strict=True)):
            pair = self._values(split, method[split]), self._values(split, reference[split])
            if pair[0] is None or pair[1] is None:
                return None
            gains = self.score.sign * (pair[0] - pair[1])
            means.append(float(weights @ gains))
            terms.append(np.bincount(places, weights * (gains - means[-1])))
        differences = np.array(means)
        if not np.isfinite(differences).all():
            return Interval(np.nan, np.nan, np.nan, np.nan, len(means))
        spread = shared_rows(differences, terms, self.units, self.folds, self.tested.learned)
        changed = any(term.any() for term in terms)
        return interval_of(differences, spread, self.level, changed)

    def _units_of(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The rows, or groups, of a split, and the place among them of each test row."""
        return np.unique(rows if self.tested.groups is None else self.tested.groups[rows], return_inverse=True)

    def _weights(self) -> list[np.ndarray]:
        """Weights of the test rows of each split; they sum to one."""
        weights = self.tested.weights
        own = [np.ones(len(rows)) if weights is None else weights[rows] for rows in self.tested.rows]
        return [one / one.sum() for one in own]

    def _values(self, split: int, method: str) -> np.ndarray | None:
        """The score of a method, row by row."""
        if (split, method) not in self.known:
            rows, tested = self.tested.rows[split], self.tested
            weights = None if tested.weights is None else tested.weights[rows]
            self.known[split, method] = row_values(
                self.score, tested.targets[rows], tested.predicted[split, method], weights
            )
        return self.known[split, method]
