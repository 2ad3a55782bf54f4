"""Choose training rows so that classes are balanced. Validation and test rows are never touched.

A network that trains on other shares of the classes than there are learns other probabilities. Where `corrected`, they
are put right exactly: log(true share / trained share) is added to each class's output (Saerens et al. 2002).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from dashpot.errors import UsageError
from dashpot.jobs import Sample
from dashpot.ranges import require
from dashpot.regularizers.base import Range, Regularizer


def class_counts(sample: Sample, name: str) -> np.ndarray:
    """Training rows of each class; amounts have no classes."""
    if not sample.examples.classes:
        raise UsageError(f"{name}: balances classes, but the target is an amount. Leave it out.")
    return np.bincount(sample.targets)


def restoring(sample: Sample, wanted: bool) -> Sample:
    """A sample that knows the classes' shares before they were changed, if probabilities are to keep to them."""
    if not wanted or sample.shares is not None:
        return sample
    return replace(sample, shares=class_shares(sample))


def class_shares(sample: Sample) -> np.ndarray:
    """The weighted share of each class, (classes,)."""
    sums = np.bincount(sample.targets, weights=sample.weights)
    return np.asarray(sums / sums.sum())


@dataclass(frozen=True)
class Oversample(Regularizer):
    """Repeat random rows of the smaller classes.

    Parameters
    ----------
    ratio : float in [0, 1], default 1.0
        Every class gets at least this share of the largest class's rows. 0 turns it off.
    corrected : bool, default True
        Whether predicted probabilities keep to the classes' true shares. False shifts decisions toward rare classes.

    References
    ----------
    Japkowicz and Stephen (2002), Intelligent Data Analysis 6.

    Examples
    --------
    >>> Oversample(0.5)
    Oversample(ratio=0.5)
    """

    ratio: float = 1.0
    corrected: bool = True
    off: ClassVar = {"ratio": 0.0}
    ranges: ClassVar = {"ratio": Range(0.5, 1.0, "linear")}

    def __post_init__(self) -> None:
        """Check the range."""
        require(self, "ratio", at_least=0, at_most=1)

    def resample(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """All rows, and repeats of the rare ones behind them."""
        if self.ratio == 0:
            return sample
        counts = class_counts(sample, "Oversample()")
        targets = sample.examples.targets[sample.rows]
        chosen = [np.arange(len(sample.rows))]
        for label in np.flatnonzero(counts):
            lacking = int(np.ceil(self.ratio * counts.max())) - counts[label]
            own = np.flatnonzero(targets == label)
            if lacking > 0 and len(own):
                chosen.append(rng.choice(own, lacking))
        return restoring(sample, self.corrected).take(np.concatenate(chosen))


@dataclass(frozen=True)
class Undersample(Regularizer):
    """Leave out random rows of the larger classes.

    Parameters
    ----------
    ratio : float in [0, 1], default 1.0
        Every class keeps at most (rows of the smallest class) / ratio rows: 1 makes all equal. 0 turns it off.
    corrected : bool, default True
        Whether predicted probabilities keep to the classes' true shares. False shifts decisions toward rare classes.

    References
    ----------
    Drummond and Holte (2003), ICML workshop on imbalanced data.

    Examples
    --------
    >>> Undersample(0.5)
    Undersample(ratio=0.5)
    """

    ratio: float = 1.0
    corrected: bool = True
    off: ClassVar = {"ratio": 0.0}
    ranges: ClassVar = {"ratio": Range(0.5, 1.0, "linear")}

    def __post_init__(self) -> None:
        """Check the range."""
        require(self, "ratio", at_least=0, at_most=1)

    def resample(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """Some of the rows, in their order."""
        if self.ratio == 0:
            return sample
        counts = class_counts(sample, "Undersample()")
        targets = sample.examples.targets[sample.rows]
        most = int(np.floor(counts[counts > 0].min() / self.ratio))
        kept = []
        for label in np.flatnonzero(counts):
            own = np.flatnonzero(targets == label)
            kept.append(own if len(own) <= most else rng.choice(own, most, replace=False))
        return restoring(sample, self.corrected).take(np.sort(np.concatenate(kept)))


@dataclass(frozen=True)
class BalancedBatches(Regularizer):
    """Draw the rows of each epoch anew so that every batch holds the classes in more equal numbers.

    Rare rows come several times an epoch, rows of large classes in turn: over the epochs all are seen.

    Parameters
    ----------
    share : float in [0, 1], default 1.0
        How far to go from the true shares of the classes (0, off) to equal ones (1).
    corrected : bool, default True
        Whether predicted probabilities keep to the classes' true shares. False shifts decisions toward rare classes.

    References
    ----------
    He and Garcia (2009), Learning from imbalanced data, IEEE TKDE 21.

    Examples
    --------
    >>> BalancedBatches(0.5)
    BalancedBatches(share=0.5)
    """

    share: float = 1.0
    corrected: bool = True
    off: ClassVar = {"share": 0.0}
    ranges: ClassVar = {"share": Range(0.3, 1.0, "linear")}

    def __post_init__(self) -> None:
        """Check the range."""
        require(self, "share", at_least=0, at_most=1)

    def resample(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """The same rows, with the shares that the batches will hold."""
        if self.share == 0:
            return sample
        class_counts(sample, "BalancedBatches()")
        sample = restoring(sample, self.corrected)
        return replace(sample, seen=self._seen(sample)) if self.corrected else sample

    def _seen(self, sample: Sample) -> np.ndarray:
        """The weighted share of each class in a batch."""
        counts = np.bincount(sample.targets)
        weights = np.bincount(sample.targets, weights=sample.weights) / np.maximum(counts, 1)
        drawn = weights * self._drawn(counts)
        return np.asarray(drawn / drawn.sum())

    def _drawn(self, counts: np.ndarray) -> np.ndarray:
        """The share of each class among the rows of an epoch."""
        equal = (counts > 0) / (counts > 0).sum()
        return np.asarray((1 - self.share) * counts / counts.sum() + self.share * equal)

    def order(self, sample: Sample, rng: np.random.Generator) -> np.ndarray:
        """As many rows as there are, the classes spread evenly over the epoch."""
        if self.share == 0:
            return super().order(sample, rng)
        targets = sample.targets
        ends = np.round(np.cumsum(self._drawn(np.bincount(targets))) * len(targets)).astype(int)
        chosen, place = [], []
        for label, count in enumerate(np.diff(ends, prepend=0)):
            own = np.flatnonzero(targets == label)
            rounds = [rng.permutation(own) for _ in range(-(-count // max(len(own), 1)))]
            chosen.append(np.concatenate([*rounds, own[:0]])[:count])
            place.append((np.arange(count) + rng.random(count)) / max(count, 1))
        return np.concatenate(chosen)[np.argsort(np.concatenate(place), kind="stable")]


def filled(inputs: np.ndarray) -> np.ndarray:
    """Missing cells at their column's median: neighbours need distances."""
    absent = np.isnan(inputs)
    if not absent.any():
        return inputs
    empty = absent.all(0)
    medians = np.zeros(inputs.shape[1], dtype=inputs.dtype)
    medians[~empty] = np.nanmedian(inputs[:, ~empty], axis=0)
    return np.where(absent, medians, inputs)


@dataclass(frozen=True)
class Resample(Regularizer):
    """Anything with `fit_resample(X, y)`, for example a sampler of imbalanced-learn, on the training rows.

    Parameters
    ----------
    sampler : object with `fit_resample`, or None, default None
        None turns it off. Missing cells are given to it at their column's median.
    corrected : bool, default True
        Whether predicted probabilities keep to the classes' true shares.

    References
    ----------
    Lemaître, Nogueira and Aridas (2017), JMLR 18.

    Examples
    --------
    >>> Resample()
    Resample(sampler=None)
    """

    sampler: Any = None
    corrected: bool = True
    off: ClassVar = {"sampler": None}

    def __post_init__(self) -> None:
        """Check that it resamples."""
        if self.sampler is not None and not hasattr(self.sampler, "fit_resample"):
            raise UsageError(f"Resample(sampler={self.sampler!r}): sampler must have fit_resample(X, y).")

    def resample(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """The rows that the sampler chooses or makes."""
        if self.sampler is None:
            return sample
        from sklearn.base import clone

        sample = restoring(sample, self.corrected and sample.examples.classes)
        sampler = clone(self.sampler)
        if "random_state" in sampler.get_params():
            sampler.set_params(random_state=int(rng.integers(2**31)))
        inputs, targets = sampler.fit_resample(filled(sample.inputs), sample.targets)
        if sample.made is None and hasattr(sampler, "sample_indices_"):
            return sample.take(sampler.sample_indices_)
        return replace(sample, rows=sample.rows[:0], made=None).append(np.asarray(inputs), np.asarray(targets))
