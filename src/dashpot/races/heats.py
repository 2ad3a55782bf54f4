"""Heats of candidates, fold by fold: whoever is clearly worse than the leader leaves."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator

import numpy as np

from dashpot.races.course import Course, Runner
from dashpot.races.space import FAMILY, MANY_ROWS, Candidate, Space, effort, network_weights

HEAT = 8 * FAMILY  # candidates that begin together, where there is time
NOISE = 2.0  # standard errors by which a candidate must be worse than the leader before it leaves
SHARE = 0.4  # of a heat's candidates that go on from fold to fold on average, for planning its time
DRAWN = 3.0  # times the seconds of a default network that one drawn of its size is expected to take, at first
Progress = Callable[[str], None]


def run(
    course: Course,
    defaults: list[Candidate],
    drawn: Iterator[Candidate],
    most: int | None,
    limit: float | None,
    progress: Progress | None,
    space: Space,
) -> bool:
    """Heat after heat, until nobody may begin any more; whether Ctrl-C ended it.

    The default recipe goes first, and through all folds. After Ctrl-C those stay who have run.
    """
    try:
        _heats(course, defaults, drawn, most, limit, progress, effort(space, defaults[0], course.examples))
    except KeyboardInterrupt:
        if not course.finishers():
            raise
        course.runners = [runner for runner in course.runners if runner.known.any()]
        return True
    return False


def _heats(
    course: Course,
    defaults: list[Candidate],
    drawn: Iterator[Candidate],
    most: int | None,
    limit: float | None,
    progress: Progress | None,
    work: float,
) -> None:
    """The heats, until there is no more room or time; `work` is that of a network drawn, in those of the default."""
    _defaults(course, defaults, limit)
    while True:
        room = HEAT if most is None else min(HEAT, most - len(course.runners))
        count = min(room, affordable(course, limit, work))
        if count < 1:
            return
        _heat(course, course.enter(list(itertools.islice(drawn, count))), limit, progress)


def _defaults(course: Course, defaults: list[Candidate], limit: float | None) -> None:
    """The ensemble of the default recipe, and the recipe through all folds with each of its embeddings.

    One embedding runs in any case, and so does the ensemble where rows are few; the rest if it would end in time.
    """
    many = len(course.rows) >= MANY_ROWS
    if not many:
        course.run_whole()
    course.run(course.enter(defaults[:1]), range(course.folds))
    weights = np.array([network_weights(one, course.examples) for one in defaults])
    seconds = course.pace[-1] * np.sqrt(weights / weights[0])  # of a network with each embedding, as in `effort`
    ends = np.cumsum(seconds[1:]) * course.folds
    in_time = int((ends <= _left(course, limit)).sum())
    if in_time:
        course.run(course.enter(defaults[1 : 1 + in_time]), range(course.folds))
        seconds[1:] = course.pace[-1]
    course.pace[:] = [float(seconds.mean())]
    if many and course.whole_size * seconds.mean() <= _left(course, limit):
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
        each = course.pace[-1] / np.mean(efforts(course, runners))
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
    """How the seconds of the last network of each compare, about: by its epochs, weights and batches."""
    works = [network_weights(one.candidate, course.examples) / one.candidate.design.batch_size for one in runners]
    return np.array([one.networks[-1].epochs for one in runners]) * np.sqrt(works)


def affordable(course: Course, limit: float | None, work: float = 1.0) -> int:
    """How many candidates can begin and be expected to end in time, in whole families.

    One family begins where there is time for all of it on the first fold, and for one of it on the others.
    """
    if limit is None:
        return HEAT
    each = np.median(course.pace[-2 * course.folds :])
    if len(course.runners) == len(course.defaults):
        each *= DRAWN * work
    networks = max(_left(course, limit), 0.0) / each
    families = int(networks / (1 + SHARE * (course.folds - 1))) // FAMILY
    return FAMILY * max(families, int(networks >= FAMILY + course.folds - 1))


def _left(course: Course, limit: float | None) -> float:
    """Seconds left; what was taken up from an earlier session counts as if it had run in this one."""
    return np.inf if limit is None else limit - time.monotonic() - course.before
