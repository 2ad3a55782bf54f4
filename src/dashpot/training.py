"""From jobs to trained networks: train -> train_stack -> `Stack` -> `step`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from joblib import Parallel, delayed, effective_n_jobs

from dashpot.checkpoints import Checkpoints, Keeper
from dashpot.jobs import Examples, Job, Prepared, prepare, stacks
from dashpot.networks import Network
from dashpot.regularizers.base import Regularizer, overrides
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
    long: bool | None = None,
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
    long : bool or None
        Whether worker processes train the stacks, which take seconds to start and then stay, or threads, which wait for
        each other. None decides by the steps. The results do not depend on it.
    """
    trained: list[tuple[Network, ...]] = [()] * len(jobs)
    for done in train_as_done(examples, jobs, workers, progress, device, checkpoints, long):
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
    long: bool | None = None,
) -> Iterator[Done]:
    """Train every job as `train` does, and give each as soon as it is done; one that fails takes no other with it.

    A network that several jobs ask for, as the first members of ensembles of all sizes, is trained once.
    """
    prepared, members, failed = _planned(examples, jobs)
    yield from failed
    found: dict[int, tuple[tuple[Network, ...], float]] = {}
    done = 0
    for numbers, trained in _stack_by_stack(examples, prepared, workers, device, checkpoints, long):
        done += len(numbers)
        if progress is not None:
            progress(done, len(prepared))
        waiting = {job: own for job, own in members.items() if not set(own).isdisjoint(numbers)}
        if isinstance(trained, Exception):
            yield from (Done(job, (), 0.0, trained) for job in waiting)
            members = {job: own for job, own in members.items() if job not in waiting}
            continue
        found |= dict(zip(numbers, trained, strict=True))
        for number, own in waiting.items():
            if all(one in found for one in own):
                parts = [found[one] for one in own]
                del members[number]
                yield Done(number, tuple(n for networks, _ in parts for n in networks), sum(time for _, time in parts))


def _planned(examples: Examples, jobs: Sequence[Job]) -> tuple[list[Prepared], dict[int, list[int]], list[Done]]:
    """The networks to train, the numbers of those that each job asks for, and jobs that fail before any training."""
    prepared: list[Prepared] = []
    members: dict[int, list[int]] = {}
    failed: list[Done] = []
    known: dict[Any, int] = {}
    alive: list[Job] = []  # rows are told apart by what they are in memory
    for number, job in enumerate(jobs):
        try:
            planned = job.recipe.plan(job)
            alive += planned
            new = {key: one for one in planned if (key := _identity(one)) not in known}
            made = prepare(examples, list(new.values()))
        except Exception as error:
            failed.append(Done(number, (), 0.0, error))
            continue
        known |= {key: len(prepared) + i for i, key in enumerate(new)}
        prepared += [replace(one, number=len(prepared) + i) for i, one in enumerate(made)]
        members[number] = [known[_identity(one)] for one in planned]
    return prepared, members, failed


def _identity(job: Job) -> tuple[Any, ...]:
    """What a network follows from: two jobs of which it is the same train the same network."""
    parts = tuple((type(part), repr(part)) for part in job.recipe.parts if not _only_plans(part))
    start = tuple(map(id, job.start))
    return parts, id(job.rows), id(job.validation), job.seed, repr(job.design), start, job.columns


def _only_plans(part: Regularizer) -> bool:
    """Whether a regularizer has done all it does when the networks are planned."""
    hooks = [name for name, hook in vars(Regularizer).items() if callable(hook) and not name.startswith("_")]
    return overrides(part, "plan") and not any(overrides(part, hook) for hook in hooks if hook != "plan")


_Trained = list[tuple[tuple[Network, ...], float]] | Exception


def _stack_by_stack(
    examples: Examples,
    prepared: list[Prepared],
    workers: int | None,
    device: str,
    checkpoints: Checkpoints | None,
    long: bool | None,
) -> Iterator[tuple[list[int], _Trained]]:
    """Numbers of a stack's networks, and the networks with their seconds, or what went wrong."""
    available = effective_n_jobs(-1 if workers is None else workers)
    work = stacks(examples, prepared, available)
    if checkpoints is not None:
        work = checkpoints.arrange(examples, prepared, work)
    work.sort(key=lambda stack: stack[0].number != 0)  # the first job's stack first: others are measured against it
    count = min(available, len(work)) or 1
    if long is None:
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
