"""Intervals for a fixed test set: its rows (or groups of rows) and the repeats are drawn again."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from dashpot.studies.row_values import row_values
from dashpot.studies.scores import Score
from dashpot.studies.spreads import FixedRows
from dashpot.studies.statistics import Interval, interval_of
from dashpot.studies.tested import Tested

_draws = 200


class Bootstrap:
    """Paired bootstrap over the rows of a test set that all splits share.

    Each draw weighs every row by how often it is drawn (whole groups where there are groups). The variance of the draws
    and that of the repeats, which stands for the chance of training, make the standard error of a t interval. A score
    with values for rows (`row_values`) is drawn by these.

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
        self.known: dict[tuple[int, str], np.ndarray] = {}

    def interval(self, method: Mapping[int, str], reference: Mapping[int, str]) -> Interval:
        """The mean paired gain of a method over a reference, each named for every split."""
        splits = range(len(self.tested.rows))
        gains = np.stack(
            [self._values(split, method[split]) - self._values(split, reference[split]) for split in splits], axis=1
        )
        gains *= self.score.sign
        if not np.isfinite(gains[0]).all():
            return Interval(np.nan, np.nan, np.nan, np.nan, len(self.rows))
        spread = FixedRows(
            float(gains[1:].mean(axis=1).var(ddof=1)),
            float(gains[0].var(ddof=1)) if len(splits) > 1 else 0.0,
            self.units,
        )
        return replace(interval_of(gains[0], spread, self.level, bool(gains.any())), count=len(self.rows))

    def _values(self, split: int, method: str) -> np.ndarray:
        """The score on the test rows as they are, then on each draw; shape (1 + draws,)."""
        if (split, method) not in self.known:
            targets, predicted = self.tested.targets[self.rows], self.tested.predicted[split, method]
            given = None if self.tested.weights is None else self.tested.weights[self.rows]
            weights = self.counts if given is None else self.counts * given
            rows = row_values(self.score, targets, predicted, given)
            if rows is not None:
                values = weights @ rows / weights.sum(axis=1)
            else:
                values = np.array([self._value(targets, predicted, own) for own in weights])
            self.known[split, method] = np.where(np.isfinite(values), values, values[0])
        return self.known[split, method]

    def _value(self, targets: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> float:
        """The score of the rows that were drawn."""
        drawn = weights > 0
        return self.score.measure(targets[drawn], predicted[drawn].astype(np.float64), weights[drawn])
