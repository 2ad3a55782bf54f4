"""All rounds of a study: one, or several where there is a budget of time."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dashpot.checkpoints import Checkpoints
from dashpot.jobs import Design
from dashpot.studies.problem import Problem
from dashpot.studies.questions import Questions
from dashpot.studies.run import News, Progress, Round, run_round
from dashpot.studies.scores import Score
from dashpot.studies.splits import Split
from dashpot.studies.statistics import FEWEST_DIFFERENCES

_of_the_rest = 0.7  # of the splits that seem to fit, in the next round: what they take is an estimate


@dataclass
class Rounds:
    """All splits of a study: in one round, or in several where time is short.

    Within a budget the first round is one split, trained in small parts so that it can end in time. What it took tells
    how many more splits fit; each further round takes most of the time that is left.
    """

    problem: Problem
    drawn: list[Split]
    questions: Questions
    design: Design
    scores: list[Score]
    yardsticks: Sequence[str]
    workers: int | None
    progress: Progress | None
    news: News | None
    checkpoint: str | Path | None = None

    def run(self, seconds: float | None) -> tuple[Round, list[str]]:
        """The answers, and what a reader must know of them."""
        splits = len(self.drawn)
        if seconds is None:
            found, notes = self._round(range(splits)), []
        else:
            found = self._within(time.perf_counter() + seconds)
            notes = _short(found, splits)
        notes += [f"{name} could not run: {reason}" for name, reason in found.failed.items()]
        left = [name for name in self.questions if name not in found.answered() and name not in found.failed]
        if left and (found.interrupted or found.overdue):
            way = "Stopped by hand" if found.interrupted else "The budget ended"
            notes.append(f"{way} before these were answered: {', '.join(left)}.")
        return found, notes

    def _within(self, end: float) -> Round:
        """As many splits as fit before `end`, by the clock of `time.perf_counter`."""
        start = time.perf_counter()
        found = self._round(range(1), end)
        slowest = time.perf_counter() - start
        asked = self.questions
        while not (found.interrupted or found.overdue) and (more := self._fitting(found.splits, end, slowest)):
            self.questions = {name: grid for name, grid in asked.items() if name not in found.failed}
            self.yardsticks = tuple(name for name in self.yardsticks if name not in found.missing)
            start = time.perf_counter()
            later = self._round(range(found.splits, found.splits + more))
            slowest = (time.perf_counter() - start) / more
            found.interrupted = later.interrupted
            if not later.interrupted:
                found.join(later)
        self.questions = asked
        enough = found.splits >= min(len(self.drawn), FEWEST_DIFFERENCES)
        found.partial = found.overdue or bool(found.missing) or not enough
        return found

    def _fitting(self, done: int, end: float, slowest: float) -> int:
        """How many splits the next round may have."""
        fitting = int((end - time.perf_counter()) / slowest)
        return min(len(self.drawn) - done, int(np.ceil(_of_the_rest * fitting)) if fitting > 0 else 0)

    def _round(self, splits: range, end: float | None = None) -> Round:
        """Some of the splits."""
        return run_round(
            self.problem,
            self.drawn,
            splits,
            self.questions,
            self.design,
            self.scores,
            self.yardsticks,
            self.workers,
            self.progress,
            self.news,
            self._checkpoints(splits),
            end,
        )

    def _checkpoints(self, splits: range) -> Checkpoints | None:
        """Where the networks of some splits are kept on disk."""
        if self.checkpoint is None:
            return None
        return Checkpoints(Path(self.checkpoint) / f"splits-{splits.start + 1}-to-{splits.stop}", "compare")


def _short(found: Round, splits: int) -> list[str]:
    """What a budget left out."""
    notes = []
    if found.splits < splits:
        few = "" if found.splits >= FEWEST_DIFFERENCES else "; fewer than five are too few for a verdict"
        notes.append(f"The budget allowed {found.splits} of {splits} splits{few}.")
    if found.missing:
        notes.append(f"The budget ended before these yardsticks were fitted: {', '.join(sorted(found.missing))}.")
    return notes
