"""The rows of a race, their folds, and everybody who has run on them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from dashpot.jobs import Examples, Job
from dashpot.networks import Network
from dashpot.races.judging import Judge
from dashpot.races.space import Candidate
from dashpot.training import train


@dataclass
class Runner:
    """A candidate in the race: its networks so far, and what they predict out of fold."""

    candidate: Candidate
    losses: np.ndarray  # (rows,), NaN where not run yet
    predictions: np.ndarray  # (rows, outputs)
    networks: list[Network] = field(default_factory=list)

    @property
    def known(self) -> np.ndarray:
        """The rows that it has run, bool (rows,)."""
        return ~np.isnan(self.losses)


class Course:
    """The rows, their folds, and everybody who has run on them."""

    def __init__(
        self,
        examples: Examples,
        rows: np.ndarray,
        fold: np.ndarray,
        judge: Judge,
        seed: int,
        workers: int | None = None,
    ) -> None:
        self.examples, self.rows, self.fold, self.judge = examples, rows, fold, judge
        self.seed, self.workers = seed, workers
        self.folds = int(fold.max()) + 1
        self.weights = judge.row_weights(examples.targets[rows], weights_of(examples, rows))
        self.runners: list[Runner] = []
        self.pace: list[float] = []  # seconds of a network, heat by heat and fold by fold

    def enter(self, candidates: Sequence[Candidate]) -> list[Runner]:
        """New runners at the start."""
        rows, targets = len(self.rows), self.examples.targets
        outputs = int(targets.max()) + 1 if self.examples.classes else targets.shape[1]
        new = [Runner(one, np.full(rows, np.nan), np.full((rows, outputs), np.nan)) for one in candidates]
        self.runners += new
        return new

    def run(self, runners: Sequence[Runner], fold: int) -> None:
        """Each trains a network on the other folds, and predicts this one."""
        start = time.monotonic()
        left_out = self.fold == fold
        jobs = [self._job(runner.candidate, left_out) for runner in runners]
        inputs, targets = self.examples.inputs[self.rows[left_out]], self.examples.targets[self.rows[left_out]]
        trained = train(self.examples, jobs, workers=self.workers)
        for runner, job, (network, *_) in zip(runners, jobs, trained, strict=True):
            predicted = job.design.loss.predict(network.outputs(inputs))
            runner.networks.append(network)
            runner.predictions[left_out] = predicted
            runner.losses[left_out] = np.inf if network.diverged else self.judge.losses(predicted, targets)
        self.pace.append((time.monotonic() - start) / len(runners))

    def _job(self, candidate: Candidate, left_out: np.ndarray) -> Job:
        """A candidate's network for a fold; its seed depends on its number alone."""
        seed = (self.seed + 7919 * candidate.number) % 2**62
        return Job(candidate.recipe, self.rows[~left_out], self.rows[left_out], seed, candidate.design)

    def cost(self, predictions: np.ndarray, chosen: np.ndarray) -> float:
        """What predictions for some of the rows cost by the metric."""
        return self.judge.cost(predictions, self.examples.targets[self.rows[chosen]], self.weights[chosen])

    def mean_loss(self, runner: Runner) -> float:
        """Mean loss on the rows that a runner has run."""
        known = runner.known
        return float(np.average(runner.losses[known], weights=self.weights[known]))

    def finishers(self) -> list[Runner]:
        """Those who went through all folds, and did not diverge."""
        return [runner for runner in self.runners if np.isfinite(runner.losses).all()]

    def near(self, runners: Sequence[Runner], others: Sequence[Runner], errors: float) -> list[Runner]:
        """The runners that are not behind the best of all by more than so many standard errors of the difference.

        All are compared on the rows that the runners have run; who diverged is not near.
        """
        known = runners[0].known
        weights = self.weights[known]
        leader = min((*runners, *others), key=lambda one: np.average(one.losses[known], weights=weights))
        behind = [paired(one.losses[known], leader.losses[known], weights) for one in runners]
        return [one for one, (mean, error) in zip(runners, behind, strict=True) if mean <= errors * error]


def weights_of(examples: Examples, rows: np.ndarray) -> np.ndarray:
    """Row weights; 1 where none are given."""
    return np.ones(len(rows)) if examples.weights is None else examples.weights[rows]


def paired(losses: np.ndarray, others: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    """Mean difference of two losses on the same rows, and its standard error; NaN where one is infinite."""
    share = weights / weights.sum()
    if not (np.isfinite(losses).all() and np.isfinite(others).all()):
        return np.nan, np.nan
    difference = losses - others
    mean = float(difference @ share)
    return mean, float(np.sqrt(share**2 @ np.square(difference - mean)))
