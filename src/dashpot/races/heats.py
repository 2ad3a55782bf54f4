"""Heats of candidates, fold by fold: whoever is clearly worse than the leader leaves."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from dashpot.races.course import Course, Runner
from dashpot.races.space import FAMILY, MANY_ROWS, Candidate, work

HEAT = 8 * FAMILY  # candidates that begin together, where there is time
NOISE = 2.0  # standard errors by which a candidate must be worse than the leader before it leaves
SHARE = 0.4  # of a heat's candidates that go on from fold to fold on average, for planning its time
DRAWN = 1.5  # times as long as a default network one drawn with the same work is expected to take, at first
Progress = Callable[[str], None]


def run(
    course: Course,
    defaults: list[Candidate],
    drawn: Iterator[Candidate],
    most: int | None,
    limit: float | None,
    progress: Progress | None,
) -> bool:
    """Heat after heat, until nobody may begin any more; whether Ctrl-C ended it.

    The default recipe goes first, and through all folds. After Ctrl-C those stay who have run.
    """
    try:
        _defaults(course, defaults, limit)
        _heats(course, drawn, most, limit, progress)
    except KeyboardInterrupt:
        if not course.finishers():
            raise
        course.runners = [runner for runner in course.runners if runner.known.any()]
        return True
    return False


def _heats(
    course: Course, drawn: Iterator[Candidate], most: int | None, limit: float | None, progress: Progress | None
) -> None:
    """The heats, until there is no more room or time."""
    while True:
        room = HEAT if most is None else min(HEAT, max(most - len(course.runners), 0))
        waiting = list(itertools.islice(drawn, room))
        count = affordable(course, waiting, limit)
        if count < 1:
            return
        _heat(course, course.enter(waiting[:count]), limit, progress)
        drawn = itertools.chain(waiting[count:], drawn)


def _defaults(course: Course, defaults: list[Candidate], limit: float | None) -> None:
    """The ensemble of the default recipe, and the recipe through all folds with each of its embeddings.

    One embedding runs in any case, and so does the ensemble where rows are few; the rest if it would end in time.
    """
    many = len(course.rows) >= MANY_ROWS
    if not many:
        course.run_whole()
    course.run(course.enter(defaults[:1]), range(course.folds))
    works = np.array([work(one, course.examples) for one in defaults])
    ends = course.pace[-1] * np.cumsum(works[1:]) * course.folds
    in_time = int((ends <= _left(course, limit)).sum())
    if in_time:
        course.run(course.enter(defaults[1 : 1 + in_time]), range(course.folds))
    if many and course.whole_size * course.pace[-1] * works.mean() <= _left(course, limit):
        course.run_whole()


def _heat(course: Course, runners: list[Runner], limit: float | None, progress: Progress | None) -> None:
    """Candidates that begin together: fold by fold, whoever is clearly worse leaves.

    Where most stay after the first fold, and rows are few, all other folds run at once, which takes less time.
    """
    began, folds = len(runners), list(range(course.folds))
    while runners and folds:
        most_stay = len(folds) < course.folds and len(runners) > began / 2
        at_once = len(folds) if most_stay and len(course.rows) < MANY_ROWS else 1
        course.run(runners, folds[:at_once])
        folds = folds[at_once:]
        each = course.pace[-1] * course.works(runners).sum() / efforts(course, runners).sum()
        finishers = course.finishers()
        runners = sorted(course.near(runners, finishers, NOISE), key=course.mean_loss)
        if folds:
            in_time = each * len(folds) * np.cumsum(efforts(course, runners)) <= _left(course, limit)
            runners = runners[: int(in_time.sum())]
        if progress is not None:
            best = min(map(course.mean_loss, finishers), default=np.nan)
            told = f"{len(course.runners)} recipes began, fold {course.folds - len(folds)}: {len(runners)} go on"
            progress(f"{told}; best {best:.4f}")


def efforts(course: Course, runners: list[Runner]) -> np.ndarray:
    """How the seconds of the last network of each compare, about: by its epochs and the work of one."""
    return np.array([one.networks[-1].epochs for one in runners]) * course.works(runners)


def affordable(course: Course, candidates: Sequence[Candidate], limit: float | None) -> int:
    """How many of them, the first ones, can begin and be expected to end in time, in whole families.

    One family begins where there is time for all of it on the first fold, and for one of it on the others.
    """
    if limit is None:
        return len(candidates)
    pace = float(np.median(course.pace[-2 * course.folds :]))
    if len(course.runners) == len(course.defaults):
        pace *= DRAWN
    seconds = pace * np.array([work(one, course.examples) for one in candidates])
    left, others = _left(course, limit), course.folds - 1
    count = int((np.cumsum(seconds) * (1 + SHARE * others) <= left).sum())
    if count == len(candidates):
        return count
    first = seconds[:FAMILY]
    return max(count // FAMILY * FAMILY, len(first) * int(first.sum() + others * first.mean() <= left))


def _left(course: Course, limit: float | None) -> float:
    """Seconds left; what was taken up from an earlier session counts as if it had run in this one."""
    return np.inf if limit is None else limit - time.monotonic() - course.before
