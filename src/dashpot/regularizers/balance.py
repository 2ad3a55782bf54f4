"""Choose or make training rows so that classes are balanced. Validation and test rows are never touched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from dashpot.errors import DataError, UsageError
from dashpot.jobs import Sample
from dashpot.ranges import require
from dashpot.regularizers.base import Range, Regularizer


def class_counts(sample: Sample, name: str) -> np.ndarray:
    """Training rows of each class; amounts have no classes."""
    if not sample.examples.classes:
        raise UsageError(f"{name}: balances classes, but the target is an amount. Leave it out.")
    return np.bincount(sample.targets)


@dataclass(frozen=True)
class Oversample(Regularizer):
    """Repeat random rows of the smaller classes.

    Parameters
    ----------
    ratio : float in [0, 1], default 1.0
        Every class gets at least this share of the largest class's rows. 0 turns it off.

    References
    ----------
    Japkowicz and Stephen (2002), Intelligent Data Analysis 6.

    Examples
    --------
    >>> Oversample(0.5)
    Oversample(ratio=0.5)
    """

    ratio: float = 1.0
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
        return sample.take(np.concatenate(chosen))


@dataclass(frozen=True)
class Undersample(Regularizer):
    """Leave out random rows of the larger classes.

    Parameters
    ----------
    ratio : float in [0, 1], default 1.0
        Every class keeps at most (rows of the smallest class) / ratio rows: 1 makes all equal. 0 turns it off.

    References
    ----------
    Drummond and Holte (2003), ICML workshop on imbalanced data.

    Examples
    --------
    >>> Undersample(0.5)
    Undersample(ratio=0.5)
    """

    ratio: float = 1.0
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
        return sample.take(np.sort(np.concatenate(kept)))


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
class SMOTE(Regularizer):
    """Make new rows of the smaller classes, between a row and one of its neighbours of the same class.

    Numbers lie on the line between the two; a category takes the level most frequent among the neighbours
    (imbalanced-learn's SMOTE, and its SMOTENC for mixed columns).

    Parameters
    ----------
    ratio : float in [0, 1], default 1.0
        Every class gets at least this share of the largest class's rows. 0 turns it off.
    neighbors : int, at least 1, default 5
        Neighbours to choose from; every class to enlarge needs one row more than this.

    Raises
    ------
    DataError
        If a class has too few training rows.

    References
    ----------
    Chawla, Bowyer, Hall and Kegelmeyer (2002), JAIR 16.

    Examples
    --------
    >>> SMOTE(neighbors=3)
    SMOTE(ratio=1.0, neighbors=3)
    """

    ratio: float = 1.0
    neighbors: int = 5
    off: ClassVar = {"ratio": 0.0}
    ranges: ClassVar = {"ratio": Range(0.5, 1.0, "linear")}

    def __post_init__(self) -> None:
        """Check the ranges."""
        require(self, "ratio", at_least=0, at_most=1)
        require(self, "neighbors", at_least=1, whole=True)

    def resample(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """All rows, and new ones of the rare classes behind them."""
        if self.ratio == 0:
            return sample
        counts = class_counts(sample, f"{self!r}")
        aim = int(np.ceil(self.ratio * counts.max()))
        wanted = {int(label): aim for label in np.flatnonzero(counts) if counts[label] < aim}
        for label in wanted:
            if counts[label] <= self.neighbors:
                raise DataError(
                    f"SMOTE(neighbors={self.neighbors}): class number {label} has {counts[label]} training rows; "
                    f"{self.neighbors + 1} are needed. Use fewer neighbors or Oversample()."
                )
        if not wanted:
            return sample
        inputs, targets = filled(sample.inputs), sample.targets
        made_inputs, made_targets = self._sampler(sample, inputs, wanted, rng).fit_resample(inputs, targets)
        return sample.append(made_inputs[len(inputs) :], made_targets[len(inputs) :])

    def _sampler(self, sample: Sample, inputs: np.ndarray, wanted: dict[int, int], rng: np.random.Generator) -> Any:
        """imbalanced-learn's sampler for these columns."""
        from imblearn import over_sampling

        settings = {
            "sampling_strategy": wanted,
            "k_neighbors": self.neighbors,
            "random_state": int(rng.integers(2**31)),
        }
        indicator = sample.examples.columns.indicator
        if not indicator.any() or not len(inputs):
            return over_sampling.SMOTE(**settings)
        if indicator.all():
            return over_sampling.SMOTEN(**settings)
        return over_sampling.SMOTENC(np.flatnonzero(indicator).tolist(), **settings)


@dataclass(frozen=True)
class Resample(Regularizer):
    """Anything with `fit_resample(X, y)`, for example a sampler of imbalanced-learn, on the training rows.

    Parameters
    ----------
    sampler : object with `fit_resample`, or None, default None
        None turns it off. Missing cells are given to it at their column's median.

    References
    ----------
    Lemaître, Nogueira and Aridas (2017), JMLR 18.

    Examples
    --------
    >>> Resample()
    Resample(sampler=None)
    """

    sampler: Any = None
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

        sampler = clone(self.sampler)
        if "random_state" in sampler.get_params():
            sampler.set_params(random_state=int(rng.integers(2**31)))
        inputs, targets = sampler.fit_resample(filled(sample.inputs), sample.targets)
        if sample.made is None and hasattr(sampler, "sample_indices_"):
            return sample.take(sampler.sample_indices_)
        return Sample(sample.examples, sample.rows[:0]).append(np.asarray(inputs), np.asarray(targets))
