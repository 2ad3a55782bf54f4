"""Trees and linear models on the folds of a race: what share of the ensemble they would take."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from dashpot.races.course import Course, paired
from dashpot.studies.effects import PRIOR
from dashpot.studies.splits import Split
from dashpot.studies.yardsticks import candidates

ASKED = ("linear", "boosted", "forest")


@dataclass(frozen=True, eq=False)
class Trees:
    """What boosted trees, a random forest and a linear model would add to the networks of a race.

    Attributes
    ----------
    scores : dict of str to float
        The metric of each on rows left out, at its best strength.
    shares : dict of str to float
        The share that each would have in an ensemble with the networks, chosen as the race chooses its own.
    left_out : float array (rows,)
        Loss of each row under such an ensemble, chosen on the other folds.
    score : float
        Its metric.
    """

    scores: dict[str, float]
    shares: dict[str, float]
    left_out: np.ndarray
    score: float

    @property
    def share(self) -> float:
        """What they would take together, from 0 to 1."""
        return sum(self.shares.values())

    def gain(self, networks: np.ndarray, weights: np.ndarray) -> tuple[float, float, float]:
        """How much less such an ensemble loses than the networks alone; 95 % interval over rows."""
        mean, error = paired(networks, self.left_out, weights)
        return mean, mean - 1.96 * error, mean + 1.96 * error


def out_of_fold(course: Course) -> tuple[list[str], np.ndarray]:
    """Names, and predictions (members, rows, outputs), of each model at each strength that every fold could fit.

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
    return [method for method, _ in whole], np.array(list(whole.values())).reshape(-1, len(course.rows), outputs)
