"""From jobs to trained networks: train -> train_stack -> step, which `stack.py` holds."""

from __future__ import annotations

import time
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from joblib import Parallel, delayed, effective_n_jobs

from dashpot.checkpoints import Checkpoints, Keeper
from dashpot.jobs import Examples, Job, Prepared, prepare, stacks
from dashpot.networks import Network
from dashpot.stack import Stack
from dashpot.threads import no_denormals, one_thread

Progress = Callable[[int, int], None]
LONG = 6_000  # steps of all stacks from which on worker processes, which take seconds to start, beat threads


class Done(NamedTuple):
    """A job that is done: its number, its members, the seconds they took, or why it failed."""

    job: int
    networks: tuple[Network, ...]
    seconds: float
    error: Exception | None = None


def train(
    examples: Examples,
    jobs: Sequence[Job],
    workers: int | None = None,
    progress: Progress | None = None,
    device: str = "cpu",
    checkpoints: Checkpoints | None = None,
) -> list[tuple[Network, ...]]:
    """Train every job, and give its members in the order of the jobs.

    Parameters
    ----------
    examples : Examples
    jobs : sequence of Job
    workers : int or None
        Stacks that train side by side, each with one torch thread; None is one for each core.
        The results do not depend on it.
    progress : callable or None
        Called with (networks done, networks in all).
    device : str, default "cpu"
        Where to train, in torch's words.
    checkpoints : Checkpoints or None
        Where unfinished stacks are kept on disk; a training that was killed goes on from there, to the same networks.
    """
    trained: list[tuple[Network, ...]] = [()] * len(jobs)
    for done in train_as_done(examples, jobs, workers, progress, device, checkpoints):
        if done.error is not None:
            raise done.error
        trained[done.job] = done.networks
    return trained


def train_as_done(
    examples: Examples,
    jobs: Sequence[Job],
    workers: int | None = None,
    progress: Progress | None = None,
    device: str = "cpu",
    checkpoints: Checkpoints | None = None,
) -> Iterator[Done]:
    """Train every job as `train` does, and give each as soon as it is done; one that fails takes no other with it."""
    prepared: list[Prepared] = []
    owners: list[int] = []
    for number, job in enumerate(jobs):
        try:
            members = prepare(examples, job.recipe.plan(job))
        except Exception as error:
            yield Done(number, (), 0.0, error)
            continue
        prepared += [replace(one, number=len(prepared) + i) for i, one in enumerate(members)]
        owners += [number] * len(members)
    waiting = Counter(owners)
    found: dict[int, tuple[tuple[Network, ...], float]] = {}
    done = 0
    for numbers, trained in _stack_by_stack(examples, prepared, workers, device, checkpoints):
        done += len(numbers)
        if progress is not None:
            progress(done, len(prepared))
        waiting.subtract(owners[number] for number in numbers)
        if isinstance(trained, Exception):
            yield from (Done(job, (), 0.0, trained) for job in sorted({owners[number] for number in numbers}))
            continue
        found |= dict(zip(numbers, trained, strict=True))
        for owner in sorted({owners[number] for number in numbers}):
            own = range(bisect_left(owners, owner), bisect_right(owners, owner))
            if not waiting[owner] and all(number in found for number in own):
                parts = [found.pop(number) for number in own]
                yield Done(owner, tuple(n for networks, _ in parts for n in networks), sum(time for _, time in parts))


_Trained = list[tuple[tuple[Network, ...], float]] | Exception


def _stack_by_stack(
    examples: Examples, prepared: list[Prepared], workers: int | None, device: str, checkpoints: Checkpoints | None
) -> Iterator[tuple[list[int], _Trained]]:
    """Numbers of a stack's networks, and the networks with their seconds, or what went wrong."""
    available = effective_n_jobs(-1 if workers is None else workers)
    work = stacks(examples, prepared, available)
    if checkpoints is not None:
        work = checkpoints.arrange(examples, prepared, work)
    work.sort(key=lambda stack: stack[0].number != 0)  # the first job's stack first: others are measured against it
    count = min(available, len(work)) or 1
    long = sum(stack[0].steps * stack[0].job.design.epochs for stack in work) > LONG
    parallel = Parallel(n_jobs=count, prefer="processes" if long else "threads", return_as="generator_unordered")
    yield from parallel(delayed(_numbered)(examples, stack, device, checkpoints) for stack in work)


def _numbered(
    examples: Examples, stack: list[Prepared], device: str, checkpoints: Checkpoints | None
) -> tuple[list[int], _Trained]:
    """A stack's networks, each with its share of the seconds, and the numbers of their jobs."""
    numbers = [one.number for one in stack]
    start = time.perf_counter()
    try:
        with one_thread(), no_denormals():
            networks = train_stack(examples, stack, device, checkpoints)
    except Exception as error:  # as a value, so that the other stacks go on
        return numbers, error
    seconds = (time.perf_counter() - start) / len(stack)
    return numbers, [(own, seconds) for own in networks]


def train_stack(
    examples: Examples, prepared: list[Prepared], device: str = "cpu", checkpoints: Checkpoints | None = None
) -> list[tuple[Network, ...]]:
    """Train the networks of one stack until each has stopped; each comes with its snapshots, if it kept any."""
    stack = Stack(examples, prepared, device)
    keeper = None if checkpoints is None else Keeper(checkpoints, stack)
    while len(stack.members):
        losses = stack.train_epoch()
        stack.end_epoch(losses)
        if keeper is not None:
            keeper.keep()
    return [stack.finished[one.number] for one in prepared]
