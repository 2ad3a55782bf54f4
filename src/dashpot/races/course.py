"""The rows of a race, their folds, and everybody who has run on them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from dashpot.estimators.combining import SMALLEST
from dashpot.jobs import Examples, Job
from dashpot.networks import Network
from dashpot.races.space import Candidate
from dashpot.training import train

NOISE = 2.0  # standard errors by which a candidate must be worse than the leader before it leaves


@dataclass
class Runner:
    """A candidate in the race: its networks so far, and what they predict out of fold."""

    candidate: Candidate
    losses: np.ndarray  # (rows,), NaN where not run yet
    predictions: np.ndarray  # (rows, outputs)
    networks: list[Network] = field(default_factory=list)


class Course:
    """The rows, their folds, and everybody who has run on them."""

    def __init__(
        self, examples: Examples, rows: np.ndarray, fold: np.ndarray, seed: int, workers: int | None = None
    ) -> None:
        self.examples, self.rows, self.fold, self.seed, self.workers = examples, rows, fold, seed, workers
        self.folds = int(fold.max()) + 1
        self.weights = np.ones(len(rows)) if examples.weights is None else examples.weights[rows]
        targets = examples.targets[rows]
        self.variance = 1.0 if examples.classes else np.maximum(np.var(targets, axis=0, dtype=float), 1e-12)
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
            runner.losses[left_out] = np.inf if network.diverged else self.losses(predicted, targets)
        self.pace.append((time.monotonic() - start) / len(runners))

    def _job(self, candidate: Candidate, left_out: np.ndarray) -> Job:
        """A candidate's network for a fold; its seed depends on its number alone."""
        seed = (self.seed + 7919 * candidate.number) % 2**62
        return Job(candidate.recipe, self.rows[~left_out], self.rows[left_out], seed, candidate.design)

    def losses(self, predictions: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Log-loss, or squared error over the target's variance, of each row."""
        if self.examples.classes:
            return np.asarray(-np.log(np.maximum(predictions[np.arange(len(targets)), targets], SMALLEST)))
        return np.asarray((np.square(predictions - targets) / self.variance).mean(1))

    def cost(self, predictions: np.ndarray, chosen: np.ndarray) -> float:
        """Mean loss of predictions for some of the rows."""
        losses = self.losses(predictions, self.examples.targets[self.rows[chosen]])
        return float(np.average(losses, weights=self.weights[chosen]))

    def mean_losses(self, runners: Sequence[Runner]) -> np.ndarray:
        """Mean loss of each on the rows that it has run."""
        return np.array(
            [np.average(r.losses[k], weights=self.weights[k]) for r in runners if (k := _run_rows(r)).any()]
        )

    def finishers(self) -> list[Runner]:
        """Those who went through all folds, and did not diverge."""
        return [runner for runner in self.runners if np.isfinite(runner.losses).all()]

    def survivors(self, runners: Sequence[Runner], leaders: Sequence[Runner]) -> list[Runner]:
        """Those who are not worse than the best by more than the noise of their difference on the same rows."""
        known = _run_rows(runners[0])
        losses = np.array([runner.losses[known] for runner in (*runners, *leaders)])
        share = self.weights[known] / self.weights[known].sum()
        best = losses[np.argmin(losses @ share)]
        staying = []
        for runner, own in zip(runners, losses, strict=False):
            if not np.isfinite(own).all():
                continue
            difference = own - best
            mean = difference @ share
            error = np.sqrt((share**2 * np.square(difference - mean)).sum())
            if mean <= NOISE * error:
                staying.append(runner)
        return staying


def _run_rows(runner: Runner) -> np.ndarray:
    """The rows that a runner has predicted."""
    return ~np.isnan(runner.losses)
