"""Which rows train, which choose, which test: drawn in advance, stratified, groups kept whole."""

import math
import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

_validation_folds = 4
_most_bins = 10


@dataclass(frozen=True)
class Split:
    """Row numbers of one split; no row is in two parts.

    Attributes
    ----------
    training, validation, test : int arrays
        Networks learn from `training`; strengths are chosen on `validation`; `test` is for the end.
    seed : int
        The seed of every network of this split.
    """

    training: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    seed: int


def fold_count(test_size: float) -> int:
    """The folds of one round of cross-validation: 5 for a test size of 0.2."""
    return max(2, round(1 / test_size))


def draw_splits(
    strata: np.ndarray, groups: np.ndarray | None, splits: int, folds: int, rng: np.random.Generator
) -> list[Split]:
    """Repeated stratified cross-validation, cut after `splits` splits; a quarter of the other rows validates.

    Parameters
    ----------
    strata : int array of shape (rows,)
        Kept in proportion in every part, as far as whole rows and groups allow.
    groups : array of shape (rows,) or None
        Rows of one group are never parted.
    """
    drawn: list[Split] = []
    while len(drawn) < splits:
        fold = deal(strata, groups, folds, rng)
        drawn += [_split(fold == number, strata, groups, rng) for number in range(folds)]
    return drawn[:splits]


def draw_fixed(
    strata: np.ndarray, groups: np.ndarray | None, tested: np.ndarray, splits: int, rng: np.random.Generator
) -> list[Split]:
    """Splits that share their test rows; a quarter of the other rows validates, another one each time."""
    return [_split(tested, strata, groups, rng) for _ in range(splits)]


def _split(tested: np.ndarray, strata: np.ndarray, groups: np.ndarray | None, rng: np.random.Generator) -> Split:
    """Part the rows that are not tested into training and validation."""
    rest = np.flatnonzero(~tested)
    own_groups = None if groups is None else groups[rest]
    validates = deal(strata[rest], own_groups, _validation_folds, rng) == 0
    if groups is None:  # a stratum with a single row here must be learned, not validated
        validates &= np.isin(strata[rest], strata[rest][~validates])
    seed = int(rng.integers(2**31))
    return Split(rest[~validates], rest[validates], np.flatnonzero(tested), seed)


def deal(strata: np.ndarray, groups: np.ndarray | None, folds: int, rng: np.random.Generator) -> np.ndarray:
    """Give each row a fold number, each stratum spread as evenly as can be; int array of shape (rows,)."""
    if groups is not None:
        return _deal_groups(strata, groups, folds, rng)
    order = rng.permutation(len(strata))
    order = order[np.argsort(strata[order], kind="stable")]
    fold = np.empty(len(strata), dtype=np.int64)
    fold[order] = rng.permutation(folds)[np.arange(len(strata)) % folds]
    return fold


def _deal_groups(strata: np.ndarray, groups: np.ndarray, folds: int, rng: np.random.Generator) -> np.ndarray:
    """The same for whole groups; strata are not spread where all have fewer rows than there are folds."""
    if np.unique(strata, return_counts=True)[1].max() < folds:
        strata = np.zeros_like(strata)
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=int(rng.integers(2**31)))
    fold = np.empty(len(strata), dtype=np.int64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # strata smaller than the folds are expected
        for number, (_, rows) in enumerate(splitter.split(strata, strata, groups)):
            fold[rows] = number
    return fold


def quantile_bins(targets: np.ndarray, folds: int) -> np.ndarray:
    """Strata of a numeric target: up to ten bins of about equally many rows, equal targets together."""
    bins = int(np.clip(len(targets) // folds, 1, _most_bins))
    edges = np.quantile(targets, np.linspace(0, 1, bins + 1)[1:-1])
    return np.searchsorted(edges, targets, side="right")


def sample_rows(strata: np.ndarray, groups: np.ndarray | None, count: int, rng: np.random.Generator) -> np.ndarray:
    """At most about `count` row numbers in proportion to the strata, in order; groups whole."""
    parts = math.ceil(len(strata) / count)
    if groups is not None:
        return np.flatnonzero(deal(strata, groups, parts, rng) == 0)
    order = rng.permutation(len(strata))
    order = order[np.argsort(strata[order], kind="stable")]
    return np.sort(order[np.linspace(0, len(order) - 1, count).astype(np.int64)])
