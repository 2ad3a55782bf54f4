"""One round of a study: the networks of some splits are trained, each question scored as soon as it is answered."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from dashpot.checkpoints import Checkpoints
from dashpot.errors import DashpotError
from dashpot.jobs import Design, Job
from dashpot.regularizers import Recipe
from dashpot.studies.effects import BASELINE
from dashpot.studies.problem import Problem
from dashpot.studies.questions import Questions
from dashpot.studies.results import Predicted, Trial, network_results, yardstick_results
from dashpot.studies.scores import Score
from dashpot.studies.splits import Split
from dashpot.training import Done, train_as_done

_at_a_time = 8  # networks of one part of a round that may have to end early

Progress = Callable[[int, int], None]
News = Callable[[str], None]


@dataclass
class Round:
    """What is known after some splits.

    Attributes
    ----------
    rows : list of dict
        The long table of results.
    predicted : dict
        (split, method) -> predictions for the test rows.
    trials : list of Trial
    trained : dict
        Number of a trial -> its networks.
    failed : dict
        Question -> why it could not be answered.
    interrupted : bool
        Whether the user stopped it; questions without an answer then are `open`.
    overdue : bool
        Whether the time was up before every question was answered.
    missing : set of str
        Yardsticks that there was no time for.
    partial : bool
        Whether a budget left out more than splits beyond five.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    predicted: Predicted = field(default_factory=dict)
    trials: list[Trial] = field(default_factory=list)
    trained: dict[int, Done] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    interrupted: bool = False
    overdue: bool = False
    missing: set[str] = field(default_factory=set)
    partial: bool = False

    @property
    def splits(self) -> int:
        """How many splits there are."""
        return 1 + max(trial.split for trial in self.trials)

    def answered(self) -> set[str]:
        """Methods with a score on every split."""
        return {str(row["method"]) for row in self.rows}

    def useful(self) -> bool:
        """Whether there is the network without regularizer and one with."""
        return BASELINE in self.answered() and any(row["kind"] == "regularizer" for row in self.rows)

    def answer(self, method: str, problem: Problem, drawn: list[Split], scores: list[Score]) -> list[dict[str, Any]]:
        """Score a method whose networks are all there; the rows that are new."""
        own = {k: self.trained[k] for k, trial in enumerate(self.trials) if trial.method == method}
        rows, predicted = network_results(problem, drawn, self.trials, own, scores)
        self.rows += rows
        self.predicted |= predicted
        return rows

    def join(self, later: "Round") -> None:
        """Add the splits of a later round."""
        self.trained |= {len(self.trials) + number: done for number, done in later.trained.items()}
        self.trials += later.trials
        self.rows += later.rows
        self.predicted |= later.predicted
        self.failed |= later.failed


def run_round(
    problem: Problem,
    drawn: list[Split],
    splits: range,
    questions: Questions,
    design: Design,
    scores: list[Score],
    yardsticks: Sequence[str],
    workers: int | None,
    progress: Progress | None,
    news: News | None,
    checkpoints: Checkpoints | None = None,
    end: float | None = None,
) -> Round:
    """Train and score the yardsticks, then every question, on some of the splits.

    A question that fails is left out with its reason; if all fail, the first reason is raised. Ctrl-C ends the
    round, and so does `end`: what is answered by then stays, which is one question at least where the time was up.
    """
    soon = None if end is None else (end + time.perf_counter()) / 2
    rows, predicted, missing = yardstick_results(problem, drawn, splits, scores, yardsticks, workers, soon)
    found = Round(rows, predicted, list(_trials(questions, splits)), missing=missing)
    waiting = {method: {k for k, trial in enumerate(found.trials) if trial.method == method} for method in questions}
    waiting[BASELINE] = {k for k, trial in enumerate(found.trials) if trial.method == BASELINE}
    teller = Leader(scores[0], news)
    errors: list[Exception] = []
    try:
        jobs = _jobs(found.trials, drawn, design)
        for done in _trained(problem, jobs, workers, progress, checkpoints, end):
            method = found.trials[done.job].method
            if done.error is not None:
                errors.append(done.error)
                found.failed.setdefault(method, _reason(done.error))
                continue
            found.trained[done.job] = done
            waiting[method].discard(done.job)
            if not waiting[method]:
                teller.hear(method, found.answer(method, problem, drawn, scores))
            found.overdue = _is_over(end) and found.useful() and len(found.trained) < len(jobs)
            if found.overdue:
                break
    except KeyboardInterrupt:
        found.interrupted = True
        if not found.useful():
            raise
    if errors and not found.useful():
        raise errors[0]
    return found


def _trained(
    problem: Problem,
    jobs: list[Job],
    workers: int | None,
    progress: Progress | None,
    checkpoints: Checkpoints | None,
    end: float | None,
) -> Iterator[Done]:
    """The jobs as they are done: all at once, or, where time may be up, a few at a time."""
    if end is None:
        yield from train_as_done(problem.examples, jobs, workers, progress, checkpoints=checkpoints)
        return
    for first in range(0, len(jobs), _at_a_time):
        part = jobs[first : first + _at_a_time]
        kept = checkpoints and replace(checkpoints, folder=checkpoints.folder / f"part-{first + 1}")
        for done in train_as_done(problem.examples, part, workers, checkpoints=kept):
            if progress is not None:
                progress(first + done.job + 1, len(jobs))
            yield done._replace(job=first + done.job)


def _is_over(end: float | None) -> bool:
    """Whether the time is up."""
    return end is not None and time.perf_counter() > end


def _reason(error: Exception) -> str:
    """Why a question failed, in one line."""
    return str(error) if isinstance(error, DashpotError) else f"{type(error).__name__}: {error}"


def _trials(questions: Questions, splits: range) -> Iterator[Trial]:
    """Baseline and every method at every strength, split by split."""
    for split in splits:
        yield Trial(split, BASELINE, Recipe(()))
        for method, grid in questions.items():
            for recipe in grid:
                yield Trial(split, method, recipe)


def _jobs(trials: list[Trial], drawn: list[Split], design: Design) -> list[Job]:
    """One job for each trial: those of a split share rows and seed."""
    return [
        Job(trial.recipe, drawn[trial.split].training, drawn[trial.split].validation, drawn[trial.split].seed, design)
        for trial in trials
    ]


class Leader:
    """Tells who is ahead while a study runs."""

    def __init__(self, score: Score, news: News | None) -> None:
        self.score, self.news = score, news
        self.means: dict[str, float] = {}

    def hear(self, method: str, rows: list[dict[str, Any]]) -> None:
        """Take in the answer of one more question."""
        values = [row["value"] for row in rows if row["part"] == "test" and row["metric"] == self.score.name]
        self.means[method] = float(np.mean(values))
        if self.news is None or BASELINE not in self.means:
            return
        gains = {
            name: self.score.sign * (mean - self.means[BASELINE]) for name, mean in self.means.items() if mean == mean
        }
        best = max(gains, key=lambda name: gains[name], default=BASELINE)
        if best == BASELINE:
            self.news(f"no regularizer leads ({self.score.label} {self.means[BASELINE]:.3f})")
        else:
            self.news(f"{best} leads ({self.score.label} {self.means[best]:.3f}, gain {gains[best]:+.3f})")
