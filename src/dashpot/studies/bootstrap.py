"""Intervals for a fixed test set: its rows (or groups of rows) and the repeats are drawn again."""

from collections.abc import Mapping

import numpy as np
from scipy import stats

from dashpot.studies.scores import Score
from dashpot.studies.statistics import Interval
from dashpot.studies.tested import Tested

_draws = 200


class Bootstrap:
    """Paired bootstrap over the rows of a test set that all splits share.

    Each draw weighs every row by how often it is drawn (whole groups where there are groups), and draws the repeats
    too, so that the interval holds the chance of the test rows and of the training. The spread of the draws is the
    standard error of a normal interval.

    Parameters
    ----------
    tested : Tested
        Predictions for the same rows in each split.
    score : Score
    level : float
        Confidence level.

    References
    ----------
    Efron and Tibshirani (1993), An introduction to the bootstrap.
    """

    def __init__(self, tested: Tested, score: Score, level: float) -> None:
        self.tested, self.score, self.level = tested, score, level
        self.rows = tested.rows[0]
        rng = np.random.default_rng(0)
        units = np.arange(len(self.rows)) if tested.groups is None else tested.groups[self.rows]
        _, units = np.unique(units, return_inverse=True)
        self.units = int(units.max()) + 1
        drawn = rng.multinomial(self.units, np.full(self.units, 1 / self.units), size=_draws)
        self.counts = np.vstack([np.ones(len(self.rows)), drawn[:, units]])
        self.repeats = rng.integers(0, len(tested.rows), (_draws, len(tested.rows)))
        self.known: dict[tuple[int, str], np.ndarray] = {}

    def interval(self, method: Mapping[int, str], reference: Mapping[int, str]) -> Interval:
        """The mean paired gain of a method over a reference, each named for every split."""
        splits = range(len(self.tested.rows))
        gains = np.stack(
            [self._values(split, method[split]) - self._values(split, reference[split]) for split in splits], axis=1
        )
        gains *= self.score.sign
        mean, drawn = float(gains[0].mean()), np.take_along_axis(gains[1:], self.repeats, axis=1).mean(axis=1)
        error = float(drawn.std(ddof=1))
        if not gains.any():
            return Interval(0.0, 0.0, 0.0, 1.0, len(self.rows))
        if not error > 0:
            return Interval(mean, np.nan, np.nan, np.nan, len(self.rows))
        reach = float(stats.t.ppf((1 + self.level) / 2, self.units - 1)) * error
        p = float(2 * stats.t.sf(abs(mean) / error, self.units - 1))
        return Interval(mean, mean - reach, mean + reach, p, len(self.rows))

    def _values(self, split: int, method: str) -> np.ndarray:
        """The score on the test rows as they are, then on each draw; shape (1 + draws,)."""
        if (split, method) not in self.known:
            targets, predicted = self.tested.targets[self.rows], self.tested.predicted[split, method]
            weights = self.counts if self.tested.weights is None else self.counts * self.tested.weights[self.rows]
            values = [self._value(targets, predicted, own) for own in weights]
            self.known[split, method] = np.where(np.isfinite(values), values, values[0])
        return self.known[split, method]

    def _value(self, targets: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> float:
        """The score of the rows that were drawn."""
        drawn = weights > 0
        return self.score.measure(targets[drawn], predicted[drawn].astype(np.float64), weights[drawn])
