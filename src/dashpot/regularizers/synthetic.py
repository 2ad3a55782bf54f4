"""Make new rows of the smaller classes, between rows that there are. Validation and test rows are never touched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from dashpot.errors import DataError
from dashpot.jobs import Sample
from dashpot.ranges import require
from dashpot.regularizers.balance import class_counts, filled, restoring
from dashpot.regularizers.base import Range, Regularizer


@dataclass(frozen=True)
class Synthetic(Regularizer):
    """Base of the makers of rows: which classes get how many, and a sampler of imbalanced-learn that makes them."""

    ratio: float = 1.0
    neighbors: int = 5
    corrected: bool = True
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
        name = type(self).__name__
        counts = class_counts(sample, f"{name}()")
        aim = int(np.ceil(self.ratio * counts.max()))
        wanted = {int(label): aim for label in np.flatnonzero(counts) if counts[label] < aim}
        for label in wanted:
            if counts[label] <= self.neighbors:
                raise DataError(
                    f"{name}(neighbors={self.neighbors}): class number {label} has {counts[label]} training rows; "
                    f"{self.neighbors + 1} are needed. Use fewer neighbors or Oversample()."
                )
        if not wanted:
            return sample
        inputs, targets = filled(sample.inputs), sample.targets
        made_inputs, made_targets = self._made(sample, inputs, targets, wanted, int(rng.integers(2**31)))
        if not len(made_targets):
            return sample
        return restoring(sample, self.corrected).append(made_inputs, made_targets)

    def _made(
        self, sample: Sample, inputs: np.ndarray, targets: np.ndarray, wanted: dict[int, int], seed: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """New inputs and targets; `wanted` says how many rows each class is to have in all."""
        raise NotImplementedError


@dataclass(frozen=True)
class SMOTE(Synthetic):
    """Make new rows of the smaller classes, between a row and one of its neighbours of the same class.

    Numbers lie on the line between the two; a category takes the level most frequent among the neighbours
    (imbalanced-learn's SMOTE, and its SMOTENC for mixed columns).

    Parameters
    ----------
    ratio : float in [0, 1], default 1.0
        Every class gets at least this share of the largest class's rows. 0 turns it off.
    neighbors : int, at least 1, default 5
        Neighbours to choose from; every class to enlarge needs one row more than this.
    corrected : bool, default True
        Whether predicted probabilities keep to the classes' true shares. False shifts decisions toward rare classes.

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

    def _made(
        self, sample: Sample, inputs: np.ndarray, targets: np.ndarray, wanted: dict[int, int], seed: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """By imbalanced-learn's sampler for these columns."""
        from imblearn import over_sampling

        settings = {"sampling_strategy": wanted, "k_neighbors": self.neighbors, "random_state": seed}
        indicator = sample.examples.columns.indicator
        sampler: Any = over_sampling.SMOTE(**settings)
        if indicator.all():
            sampler = over_sampling.SMOTEN(**settings)
        elif indicator.any():
            sampler = over_sampling.SMOTENC(np.flatnonzero(indicator).tolist(), **settings)
        more, labels = sampler.fit_resample(inputs, targets)
        return more[len(inputs) :], labels[len(inputs) :]


def completed(
    made: np.ndarray, labels: np.ndarray, inputs: np.ndarray, targets: np.ndarray, sample: Sample
) -> np.ndarray:
    """Made rows whose indicators are those of the nearest real row of the class: a level is never half taken."""
    indicator = sample.examples.columns.indicator
    if not indicator.any() or not len(made):
        return made
    from sklearn.neighbors import NearestNeighbors

    made = made.copy()
    spread = inputs.std(0)
    scale = np.divide(1.0, spread, out=np.zeros_like(spread), where=spread > 0)
    for label in np.unique(labels):
        real, new = inputs[targets == label], np.flatnonzero(labels == label)
        nearest = NearestNeighbors(n_neighbors=1).fit(real * scale).kneighbors(made[new] * scale, return_distance=False)
        made[np.ix_(new, indicator)] = real[nearest[:, 0]][:, indicator]
    return made


@dataclass(frozen=True)
class BorderlineSMOTE(Synthetic):
    """SMOTE from those rows of the smaller classes alone that lie near other classes.

    Categories of a new row are those of the nearest real row of its class.

    Parameters
    ----------
    ratio : float in [0, 1], default 1.0
        Every class gets at least this share of the largest class's rows. 0 turns it off.
    neighbors : int, at least 1, default 5
        Neighbours to choose from; every class to enlarge needs one row more than this.
    corrected : bool, default True
        Whether predicted probabilities keep to the classes' true shares. False shifts decisions toward rare classes.

    Raises
    ------
    DataError
        If a class has too few training rows.

    References
    ----------
    Han, Wang and Mao (2005), Borderline-SMOTE, ICIC.

    Examples
    --------
    >>> BorderlineSMOTE(0.5)
    BorderlineSMOTE(ratio=0.5, neighbors=5)
    """

    def _made(
        self, sample: Sample, inputs: np.ndarray, targets: np.ndarray, wanted: dict[int, int], seed: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """By imbalanced-learn; a class without any row near others gets none."""
        from imblearn import over_sampling

        sampler = over_sampling.BorderlineSMOTE(sampling_strategy=wanted, k_neighbors=self.neighbors, random_state=seed)
        more, labels = sampler.fit_resample(inputs, targets)
        made, labels = more[len(inputs) :], labels[len(inputs) :]
        return completed(made, labels, inputs, targets, sample), labels


@dataclass(frozen=True)
class ADASYN(Synthetic):
    """Make more new rows where the smaller class is harder to learn: around rows with many neighbours of other classes.

    Categories of a new row are those of the nearest real row of its class. Classes reach about the wanted number of
    rows; one whose rows have no other class near gets none.

    Parameters
    ----------
    ratio : float in [0, 1], default 1.0
        Every class gets about this share of the largest class's rows. 0 turns it off.
    neighbors : int, at least 1, default 5
        Neighbours to look at; every class to enlarge needs one row more than this.
    corrected : bool, default True
        Whether predicted probabilities keep to the classes' true shares. False shifts decisions toward rare classes.

    Raises
    ------
    DataError
        If a class has too few training rows.

    References
    ----------
    He, Bai, Garcia and Li (2008), ADASYN, IJCNN.

    Examples
    --------
    >>> ADASYN(0.5)
    ADASYN(ratio=0.5, neighbors=5)
    """

    def _made(
        self, sample: Sample, inputs: np.ndarray, targets: np.ndarray, wanted: dict[int, int], seed: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """By imbalanced-learn, class by class, so that one that is far from the others does not stop the rest."""
        from imblearn import over_sampling

        found = []
        for label, count in wanted.items():
            sampler = over_sampling.ADASYN(
                sampling_strategy={label: count}, n_neighbors=self.neighbors, random_state=seed
            )
            try:
                more, labels = sampler.fit_resample(inputs, targets)
            except (ValueError, RuntimeError):  # no neighbour of another class, or too few rows to make
                continue
            found.append((more[len(inputs) :], labels[len(inputs) :]))
        made = np.concatenate([inputs[:0], *(rows for rows, _ in found)])
        labels = np.concatenate([targets[:0], *(labels for _, labels in found)])
        return completed(made, labels, inputs, targets, sample), labels
