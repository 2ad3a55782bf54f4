"""A race of autoencoders: by the error of drawing rows again that were left out, principal components beside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dashpot.errors import DataError, UsageError
from dashpot.estimators import Autoencoder
from dashpot.estimators.codes import mirrored
from dashpot.estimators.components import begun_as_components, code_for_share
from dashpot.jobs import Design, Examples, Job
from dashpot.networks import Network
from dashpot.races.course import Course
from dashpot.races.finish import simplest
from dashpot.races.judging import Judge
from dashpot.races.result import Race
from dashpot.races.space import Candidate, Space
from dashpot.reconstruction import row_means
from dashpot.regularizers import (
    L2,
    Activity,
    Dropout,
    InputDropout,
    MovingAverage,
    Noise,
    Recipe,
    Regularizer,
    TiedWeights,
    VariationalCode,
)
from dashpot.studies.scores import Score

POOL: tuple[Regularizer, ...] = (
    Noise("inputs", "gaussian"),
    Noise("inputs", "masking"),
    InputDropout(),
    Dropout(),
    Activity(layers="middle"),
    L2(),
    MovingAverage(),
    TiedWeights(),
)
SPACE = Space(
    ((), (64,), (128,), (256,), (128, 64), (256, 128), (256, 256), (512, 256), (256, 128, 64)),
    activations=("relu", "relu", "selu", "gelu", "tanh", "leaky_relu"),
    fewest=0,
)


@dataclass(frozen=True)
class Redrawing(Judge):
    """By the mean error of a row's cells, drawn again from its code; what a network "predicts" are these errors."""

    @property
    def by_rows(self) -> bool:
        """The error is a mean over rows."""
        return True

    @property
    def loss_label(self) -> str:
        """What the loss of a row is called."""
        return self.score.label

    def outputs(self, targets: np.ndarray) -> int:
        """Nothing is averaged over networks, so nothing is kept but the errors."""
        return 1

    def run(
        self, network: Network, loss: Any, inputs: np.ndarray, targets: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The mean error of each row's cells, 0 where all are missing, as (rows, 1) and as (rows,)."""
        errors = loss.errors(network.outputs(inputs), targets, network.target_scale, network.target_centre)
        means = np.nan_to_num(row_means(errors), nan=0.0)
        return means[:, None], means


def _mean_error(targets: np.ndarray, errors: np.ndarray, weights: np.ndarray | None = None) -> float:
    """The mean of errors (rows, 1)."""
    return float(np.average(errors[:, 0], weights=weights))


ERROR = Score(
    "reconstruction", "error of a cell drawn again", "reconstruction", _mean_error, -1, 0.0,
    "Mean error of a cell: of numbers in units of the column's variance, of categories cross-entropy over guessing.",
)  # fmt: skip
JUDGE = Redrawing(ERROR, np.ones(1))


def check(metric: Any, task: str, trees: bool, parts: Sequence[Regularizer]) -> None:
    """Refuse what only makes sense with a target, and what an autoencoder of a race cannot have."""
    for name, value, usual in (("metric", metric, "auto"), ("task", task, "auto"), ("trees", trees, False)):
        if value != usual:
            raise UsageError(f"race({name}={value!r}): needs a target; without y a race is by reconstruction.")
    noisy = [part for part in parts if isinstance(part, VariationalCode)]
    if noisy:
        raise UsageError(f"race: {noisy[0]!r} cannot take part, since rows are judged without its noise. Leave it out.")


def aim(code_size: float | None, shared: dict[str, Any]) -> tuple[Score, Autoencoder]:
    """The score of a race without a target, and the autoencoder that the winner will be."""
    return ERROR, Autoencoder(2 if code_size is None else code_size, **shared)


class Beginning:
    """How a candidate's network of a fold begins: as principal components with codes of one size.

    Attributes
    ----------
    code : int
        Numbers in the code.
    """

    def __init__(self, examples: Examples, design: Design, rows: np.ndarray, size: float) -> None:
        self.examples, self.design = examples, design
        whole = Job(Recipe(()), rows, rows[:0], 0, design)
        self.code = code_for_share(examples, whole, size) if isinstance(size, float) else int(size)

    def __call__(self, job: Job) -> Job:
        """The job with its whole design and its first weights."""
        return self._begun(job)[0]

    def _begun(self, job: Job) -> tuple[Job, Network]:
        whole = replace(job, design=mirrored(job.design, self.code, "linear"))
        return begun_as_components(self.examples, whole, self.code)

    def components(self, course: Course) -> np.ndarray:
        """What each row costs, drawn again from as many principal components of the other folds, (rows,)."""
        losses = np.empty(len(course.rows))
        for fold in range(course.folds):
            own = course.fold == fold
            network = self._begun(Job(Recipe(()), course.rows[~own], course.rows[own], 0, self.design))[1]
            inputs, targets = course.examples.inputs[course.rows[own]], course.examples.targets[course.rows[own]]
            losses[own] = course.judge.run(network, self.design.loss, inputs, targets)[1]
        return losses


def finished(model: Autoencoder, course: Course, beginning: Beginning, given: dict[str, Any]) -> Autoencoder:
    """The best candidate, trained again on all rows, and the course of the race.

    `given` is what `fit` is called with.
    """
    finishers = course.finishers()
    if not finishers:
        raise DataError("race: every network diverged. Look at the table's scales, or pass fixed=[MaxNorm()].")
    best = simplest(course, finishers)
    _fit_as(model, best.candidate, beginning.code, given)
    place, default_losses = course.runners.index(best), course.default()[1]
    score, default_score = (float(np.average(one, weights=course.weights)) for one in (best.losses, default_losses))
    model.race_ = Race(
        tuple(runner.candidate for runner in course.runners),
        np.array([runner.losses for runner in course.runners]),
        course.weights,
        np.eye(len(course.runners))[place],
        place,
        best.losses,
        default_losses,
        course.judge,
        score,
        default_score,
        components=beginning.components(course),
        groups=course.groups,
    )
    return model


def _fit_as(model: Autoencoder, candidate: Candidate, code: int, given: dict[str, Any]) -> None:
    """Give an autoencoder the parameters of a candidate, and train it."""
    design = candidate.design
    model.set_params(
        code_size=code,
        hidden_layers=design.hidden_layers,
        activation=str(design.activation),
        optimizer=design.optimizer,
        batch_size=design.batch_size,
        regularizers=candidate.recipe.parts,
    )
    model.fit(**given)
