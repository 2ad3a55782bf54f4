"""Trees and linear models on the folds of a race, and in its ensemble."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import clone

from dashpot.estimators import EnsembleClassifier, EnsembleRegressor, MLPClassifier, MLPRegressor
from dashpot.estimators.combining import Weighted
from dashpot.races.course import Course, paired
from dashpot.studies.effects import PRIOR
from dashpot.studies.splits import Split
from dashpot.studies.yardsticks import candidates
from dashpot.yardsticks import YardstickClassifier, YardstickRegressor

ASKED = ("linear", "boosted", "forest")
KINDS = {"Boosted trees": "boosted", "Random forest": "forest"}  # all others are linear


class Others(NamedTuple):
    """Models of other kinds at each of their strengths.

    Attributes
    ----------
    names, settings : lists of str
    predictions : float array (members, rows, outputs), out of fold
    """

    names: list[str]
    settings: list[str]
    predictions: np.ndarray


@dataclass(frozen=True, eq=False)
class Trees:
    """Boosted trees, a random forest and a linear model in the ensemble of a race.

    Attributes
    ----------
    scores : dict of str to float
        The metric of each on rows left out, at its best strength.
    weights : dict of (str, str) to float
        The share of each in the ensemble, by name and setting; only those that have one.
    without : float array (rows,)
        Loss of each row under an ensemble of networks alone, chosen on the other folds.
    score_without : float
        Its metric.
    """

    scores: dict[str, float]
    weights: dict[tuple[str, str], float]
    without: np.ndarray
    score_without: float

    @property
    def shares(self) -> dict[str, float]:
        """The share of each in the ensemble, all its strengths together."""
        return {name: sum(share for (own, _), share in self.weights.items() if own == name) for name in self.scores}

    @property
    def share(self) -> float:
        """What they take together, from 0 to 1."""
        return sum(self.weights.values())

    def gain(
        self, left_out: np.ndarray, weights: np.ndarray, groups: np.ndarray | None = None
    ) -> tuple[float, float, float]:
        """How much less the ensemble loses, row by row `left_out`, than networks alone; 95 % interval over rows."""
        mean, error = paired(self.without, left_out, weights, groups)
        return mean, mean - 1.96 * error, mean + 1.96 * error


def out_of_fold(course: Course) -> Others:
    """Each model at each strength that every fold could fit.

    A class that a fold cannot learn has probability 0 there.
    """
    targets = course.examples.targets
    outputs = int(targets.max()) + 1 if course.examples.classes else targets.shape[1]
    learned = targets[:, 0] if targets.ndim == 2 and outputs == 1 else targets
    found: dict[tuple[str, str], np.ndarray] = defaultdict(lambda: np.full((len(course.rows), outputs), np.nan))
    for fold in range(course.folds):
        held = course.fold == fold
        split = Split(course.rows[~held], course.rows[:0], course.rows[held], course.seed)
        classes = outputs if course.examples.classes else None
        for one in candidates(course.examples.inputs, learned, course.examples.weights, classes, split, ASKED):
            found[one.method, one.setting][held] = one.predict(course.examples.inputs[split.test])
    whole = {key: one for key, one in found.items() if key[0] != PRIOR and not np.isnan(one).any()}
    predictions = np.array(list(whole.values())).reshape(-1, len(course.rows), outputs)
    return Others([name for name, _ in whole], [setting for _, setting in whole], predictions)


def mixed(
    networks: MLPClassifier | MLPRegressor, trees: Trees, X: Any, y: Any, weights: np.ndarray | None
) -> EnsembleClassifier | EnsembleRegressor:
    """The networks of a race, and beside them those others that have a share, fitted again to all rows."""
    classes = isinstance(networks, MLPClassifier)
    yardstick = YardstickClassifier if classes else YardstickRegressor
    members: dict[str, Any] = {"networks": networks if trees.share < 1 - 1e-9 else None}
    prototypes: list[tuple[str, Any]] = [("networks", clone(networks))]
    for name, setting in trees.weights:
        prototypes.append((f"{name}, {setting}", yardstick(KINDS.get(name, "linear"), float(setting.split("=")[1]))))
        members[prototypes[-1][0]] = clone(prototypes[-1][1]).fit(X, y, weights)
    model = (EnsembleClassifier if classes else EnsembleRegressor)(prototypes)
    if isinstance(networks, MLPClassifier):
        model.classes_ = networks.classes_
    else:
        model.one_output_ = np.ndim(y) == 1
    return model._assembled(members, Weighted(np.array([1 - trees.share, *trees.weights.values()])))
