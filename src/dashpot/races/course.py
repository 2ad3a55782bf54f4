"""The rows of a race, their folds, and everybody who has run on them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from dashpot.jobs import Examples, Job
from dashpot.networks import Network
from dashpot.races.judging import Judge
from dashpot.races.records import Ran, Records
from dashpot.races.space import Candidate, work
from dashpot.training import train

STARTING = 3.0  # seconds that worker processes take to start, about: who has trained as long will train longer


@dataclass(eq=False)
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
        records: Records | None = None,
        begin: Callable[[Job], Job] | None = None,
        whole: Job | None = None,
    ) -> None:
        self.examples, self.rows, self.fold, self.judge = examples, rows, fold, judge
        self.seed, self.workers, self.records, self.begin, self.whole = seed, workers, records, begin, whole
        self.ensemble: tuple[Network, ...] = ()  # the default one, trained as the estimator does it
        self.before = 0.0  # seconds that an earlier session spent on what was taken up from its records
        self.folds = int(fold.max()) + 1
        self.weights = judge.row_weights(examples.targets[rows], weights_of(examples, rows))
        self.groups = None if examples.groups is None else np.unique(examples.groups[rows], return_inverse=True)[1]
        self.runners: list[Runner] = []
        self.pace: list[float] = []  # seconds of a network for its work, call by call
        self.spent = 0.0  # seconds of training in this session

    def enter(self, candidates: Sequence[Candidate]) -> list[Runner]:
        """New runners at the start."""
        rows, outputs = len(self.rows), self.judge.outputs(self.examples.targets)
        new = [Runner(one, np.full(rows, np.nan), np.full((rows, outputs), np.nan)) for one in candidates]
        self.runners += new
        return new

    def run(self, runners: Sequence[Runner], folds: Sequence[int]) -> None:
        """For each fold each trains a network on the others, or takes up the one on record, and predicts this one."""
        start, known = time.monotonic(), {fold: self._on_record(fold) for fold in folds}
        wanted = [(runner, fold) for fold in folds for runner in runners]
        new = [(runner.candidate, fold) for runner, fold in wanted if runner.candidate.number not in known[fold]]
        jobs = [self._job(one, self.fold == fold) for one, fold in new]
        networks = [network for network, *_ in self._trained(jobs)]
        ran_before = (known[fold].get(runner.candidate.number) for runner, fold in wanted)
        before = sum(ran.seconds for ran in ran_before if ran is not None)
        each = (time.monotonic() - start) / max(len(jobs), 1)
        for fold in folds:
            ran = {
                one.number: Ran(network, each) for (one, own), network in zip(new, networks, strict=True) if own == fold
            }
            self._record(fold, ran)
            known[fold] = {**known[fold], **ran}
        for runner, fold in wanted:
            self._take(runner, known[fold][runner.candidate.number].network, fold)
        self.before += before
        self.pace.append((before + time.monotonic() - start) / len(folds) / self.works(runners).sum())

    def works(self, runners: Sequence[Runner]) -> np.ndarray:
        """The work of an epoch of each one's network, (runners,)."""
        return np.array([work(one.candidate, self.examples) for one in runners])

    @property
    def whole_size(self) -> int:
        """Networks of the default ensemble; 0 where there is none."""
        return 0 if self.whole is None else len(self.whole.recipe.plan(self.whole))

    def run_whole(self) -> None:
        """The default ensemble trains on all rows, or is taken up from record."""
        if self.whole is None:
            return
        start, known = time.monotonic(), self._on_record(self.folds)
        if known:
            self.before += sum(one.seconds for one in known.values())
        else:
            (networks,) = self._trained([self.whole])
            each = (time.monotonic() - start) / len(networks)
            known = {number: Ran(network, each) for number, network in enumerate(networks)}
            self._record(self.folds, known)
        self.ensemble = tuple(known[number].network for number in sorted(known))

    def _trained(self, jobs: Sequence[Job]) -> list[tuple[Network, ...]]:
        """The networks of each job; on worker processes as soon as it would have paid to start them."""
        if not jobs:
            return []
        start = time.monotonic()
        networks = train(self.examples, jobs, workers=self.workers, long=self.spent > STARTING or None)
        self.spent += time.monotonic() - start
        return networks

    def _on_record(self, fold: int) -> Mapping[int, Ran]:
        """The networks of a fold that an earlier session has trained, by their number."""
        return {} if self.records is None else self.records.fold(fold)

    def _record(self, fold: int, ran: Mapping[int, Ran]) -> None:
        """New networks of a fold go on record."""
        if ran and self.records is not None:
            self.records.keep(fold, ran)

    def _take(self, runner: Runner, network: Network, fold: int) -> None:
        """A runner has one more network; it predicts the rows of the fold."""
        left_out = self.fold == fold
        inputs, targets = self.examples.inputs[self.rows[left_out]], self.examples.targets[self.rows[left_out]]
        predicted, losses = self.judge.run(network, runner.candidate.design.loss, inputs, targets)
        runner.networks.append(network)
        runner.predictions[left_out] = predicted
        runner.losses[left_out] = np.inf if network.diverged else losses

    def _job(self, candidate: Candidate, left_out: np.ndarray) -> Job:
        """A candidate's network for a fold; its seed depends on its number alone."""
        seed = (self.seed + 7919 * candidate.number) % 2**62
        job = Job(candidate.recipe, self.rows[~left_out], self.rows[left_out], seed, candidate.design)
        return job if self.begin is None else self.begin(job)

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

    @property
    def defaults(self) -> list[Runner]:
        """The default recipe, once for each of its embeddings that had time."""
        return [runner for runner in self.runners if runner.candidate.default]

    @property
    def anchor(self) -> tuple[Network, ...]:
        """The default ensemble; nothing where its recipe diverged in the folds, so that nobody knows how good it is."""
        return self.ensemble if self.ensemble and np.isfinite(self.default()[1]).all() else ()

    def default(self) -> tuple[np.ndarray, np.ndarray]:
        """What the default recipe predicts, in the mean over its embeddings, and what each row costs."""
        whole = self.finishers()
        one, *others = [runner for runner in self.defaults if runner in whole] or self.defaults[:1]
        if not others:
            return one.predictions, one.losses
        predictions = np.mean([runner.predictions for runner in (one, *others)], axis=0)
        return predictions, self.judge.losses(predictions, self.examples.targets[self.rows])

    def near(self, runners: Sequence[Runner], others: Sequence[Runner], errors: float) -> list[Runner]:
        """The runners that are not behind the best of all by more than so many standard errors of the difference.

        All are compared on the rows that the runners have run; who diverged is not near.
        """
        known = runners[0].known
        weights = self.weights[known]
        leader = min((*runners, *others), key=lambda one: np.average(one.losses[known], weights=weights))
        groups = None if self.groups is None else self.groups[known]
        behind = [paired(one.losses[known], leader.losses[known], weights, groups) for one in runners]
        return [one for one, (mean, error) in zip(runners, behind, strict=True) if mean <= errors * error]


def weights_of(examples: Examples, rows: np.ndarray) -> np.ndarray:
    """Row weights; 1 where none are given."""
    return np.ones(len(rows)) if examples.weights is None else examples.weights[rows]


def paired(
    losses: np.ndarray, others: np.ndarray, weights: np.ndarray, groups: np.ndarray | None = None
) -> tuple[float, float]:
    """Mean difference of two losses on the same rows, and its standard error; NaN where one is infinite.

    Rows of one group, numbered from 0, count as one draw.
    """
    share = weights / weights.sum()
    if not (np.isfinite(losses).all() and np.isfinite(others).all()):
        return np.nan, np.nan
    difference = losses - others
    mean = float(difference @ share)
    parts = share * (difference - mean)
    drawn = parts if groups is None else np.bincount(groups, parts)
    return mean, float(np.sqrt(drawn @ drawn))
