"""How far a mean paired difference may be from the truth, after any number of splits."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np


class Spread(Protocol):
    """What an interval needs to know, and what tells how many splits would do."""

    def error(self, splits: int) -> float:
        """The standard error of a mean over so many splits."""

    def freedom(self, splits: int) -> float:
        """Degrees of freedom of Student's t."""


@dataclass(frozen=True)
class Corrected:
    """Of differences between splits alone: the corrected resampled t-test (Nadeau and Bengio, 2003).

    Attributes
    ----------
    between : float
        Standard deviation of the differences of single splits.
    test_share : float
        `n_test / n_train`, which stands for the correlation between splits.
    clusters : int or None
        Groups of rows that are never parted.
    """

    between: float
    test_share: float
    clusters: int | None = None

    def error(self, splits: int) -> float:
        """More splits lower only the first term."""
        return self.between * float(np.sqrt(1 / splits + self.test_share))

    def freedom(self, splits: int) -> float:
        """One less than splits, or than groups."""
        return max(1, min(splits, self.clusters or splits) - 1)


@dataclass(frozen=True)
class SharedRows:
    """Of differences row by row: how much of them comes with the rows is measured, not assumed.

    Attributes
    ----------
    between : float
        Variance of the difference of one split, from splits of one turn of cross-validation: these share no test row.
    shared : float
        Covariance of two turns, because they test the same rows.
    mutual : float
        What rows that learn from each other add to the variance, however many turns there are.
    folds : int
        Splits of one turn.
    clusters : int
        Rows, or groups of them, that are never parted.
    """

    between: float
    shared: float
    mutual: float
    folds: int
    clusters: int

    def error(self, splits: int) -> float:
        """More splits lower only what is not shared."""
        pairs = splits**2 - sum(size**2 for size in turns(splits, self.folds))
        return float(np.sqrt(self.between / splits + self.shared * pairs / splits**2 + self.mutual))

    def freedom(self, splits: int) -> float:
        """Each turn has one less than its splits."""
        free = sum(size - 1 for size in turns(splits, self.folds))
        return max(1, min(free, self.clusters - 1))


@dataclass(frozen=True)
class FixedRows:
    """Of a test set that all splits share.

    Attributes
    ----------
    rows : float
        Variance that comes with the test rows.
    repeats : float
        Variance of the difference of one split beside it.
    clusters : int
        Test rows, or groups of them.
    """

    rows: float
    repeats: float
    clusters: int

    def error(self, splits: int) -> float:
        """More splits lower only what comes from training."""
        return float(np.sqrt(self.rows + self.repeats / splits))

    def freedom(self, splits: int) -> float:
        """One less than rows, or than groups."""
        return max(1, self.clusters - 1)


def turns(splits: int, folds: int) -> list[int]:
    """How many splits each turn of cross-validation has; the last may be cut."""
    return [min(folds, splits - first) for first in range(0, splits, folds)]


# Of the variance that rows add by learning from each other: all of it where a row does to another what the other does
# to it (nearest neighbours), none where the two have nothing to do with each other.
_mutual_share = 0.5


def shared_rows(
    means: np.ndarray, terms: Sequence[np.ndarray], units: Sequence[np.ndarray], folds: int, learned: float
) -> SharedRows:
    """The spread of a mean over splits of repeated cross-validation, from what each row adds to it.

    Rows and splits are both drawn, and both add to the variance of the mean; rows tested again in another turn show how
    much comes with the row. Let `w` be the variance of a mean over all rows once and `c` the covariance of two turns.
    What varies with the training rows, `w - c` in one turn, is `learned / (1 - learned)` times as much in all turns
    together, as they share training rows; where two rows learn from each other it is counted twice. Half of that,
    and at most `c / 2`, is added. With a single turn, where `c` cannot be known, half of the most that it could be.

    Parameters
    ----------
    means : array of shape (splits,)
        The difference of each split.
    terms : one array of shape (units tested,) for each split
        What each row (or group of rows) adds to it; they sum to zero.
    units : one int array for each split
        Numbers of those rows, in order, none twice.
    folds : int
        Splits of one turn.
    learned : float
        Share of all rows that are learned from in one split.

    References
    ----------
    Cameron, Gelbach and Miller (2011), Robust inference with multiway clustering, J. Business & Economic Statistics 29.
    Bayle, Bayle, Janson and Mackey (2020), Cross-validation confidence intervals for test error, NeurIPS.
    """
    sizes = turns(len(means), folds)
    bounds = np.cumsum([0, *sizes])
    free = max(1, sum(size - 1 for size in sizes))
    squares = sum(float(((means[a:b] - means[a:b].mean()) ** 2).sum()) for a, b in pairwise(bounds))
    counts = np.array([len(one) for one in units], dtype=np.float64)
    within = np.array([own @ own for own in terms]) * counts / np.maximum(counts - 1, 1)
    once = float(within.mean()) / folds
    shared = _covariance(terms, units, bounds)
    odds = learned / max(1 - learned, 1e-9)
    if shared is None:
        shared, mutual = 0.0, 0.5 * once * odds / (1 + odds)
    else:
        shared = float(np.clip(shared, 0.0, once))
        mutual = min(odds * (once - shared), shared)
    clusters = len(np.unique(np.concatenate(units)))
    return SharedRows(squares / free, shared, _mutual_share * mutual, folds, clusters)


def _covariance(terms: Sequence[np.ndarray], units: Sequence[np.ndarray], bounds: np.ndarray) -> float | None:
    """The mean covariance of two splits of different turns, by the rows that both test; None with a single turn."""
    if len(bounds) < 3:
        return None
    size = 1 + max(int(own.max()) for own in units)
    count, summed, squared = 0, np.zeros(size), 0.0
    for a, b in pairwise(bounds):
        turn = np.zeros(size)
        for own, values in zip(units[a:b], terms[a:b], strict=True):
            turn[own] += values * np.sqrt(len(own) / max(len(own) - 2, 1))  # centring by split takes some of it away
        summed, squared = summed + turn, squared + float(turn @ turn)
        count += (b - a) ** 2
    pairs = int(bounds[-1]) ** 2 - count
    return (float(summed @ summed) - squared) / pairs
