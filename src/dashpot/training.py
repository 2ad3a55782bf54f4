"""From jobs to trained networks: train -> train_stack -> step.

Everything in a stack begins with the axis `networks`. No network scales, waits for, or draws from another:
each trains the same alone, in any stack, and after its neighbours have stopped and left.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch
from joblib import Parallel, delayed, effective_n_jobs
from torch import Tensor

from dashpot.checkpoints import Checkpoints, Keeper
from dashpot.jobs import Examples, Job, Prepared, Sample, prepare, stacks
from dashpot.monitors import Predicted, Scores
from dashpot.networks import Layer, Network, forward, layers_of, parameter_count, standardize
from dashpot.optimizers import StackedOptimizer
from dashpot.randomness import Draws, draws, keys
from dashpot.regularizers.base import Epoch
from dashpot.regularizers.initializers import default_initializer
from dashpot.regularizers.recipe import Recipe, stacked

Progress = Callable[[int, int], None]
LONG = 6_000  # steps of all stacks from which on worker processes, which take seconds to start, beat threads
_threads = threading.Lock()
_inside: list[int] = []  # torch's threads before each worker that is at work now; the first entry is the user's setting


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


@contextmanager
def one_thread() -> Iterator[None]:
    """One torch thread for each worker: more would fight over the cores. The last to leave restores the setting."""
    with _threads:
        _inside.append(_inside[0] if _inside else torch.get_num_threads())
        torch.set_num_threads(1)
    try:
        yield
    finally:
        with _threads:
            threads = _inside.pop()
            if not _inside:
                torch.set_num_threads(threads)


@contextmanager
def no_denormals() -> Iterator[None]:
    """Numbers too small for full precision count as zero in this thread: each costs a hundred others."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


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


def step(
    layers: Sequence[Layer],
    inputs: Tensor,
    targets: Tensor,
    weights: Tensor,
    recipe: Recipe,
    design: Any,
    rng: Draws,
) -> tuple[Tensor, list[Tensor]]:
    """Losses of a batch, (networks,), and the gradient of each network's loss plus penalty by weights and biases."""
    inputs, targets = recipe.augment(inputs, targets, rng)
    inputs = recipe.oppose(inputs, lambda at: slope(layers, at, targets, design), rng)
    seen = recipe.perturb_weights(layers, rng)
    outputs, units = forward(
        seen, inputs, design.activation, lambda units, depth: recipe.perturb_units(units, depth, rng)
    )
    losses = (design.loss.per_row(outputs, targets) * weights).sum(1)
    total = losses + recipe.penalty(layers, units)
    # a sum, so that no network scales another's gradient
    gradients = torch.autograd.grad(total.sum(), [part for layer in layers for part in layer])
    return losses.detach(), list(gradients)


def slope(layers: Sequence[Layer], inputs: Tensor, targets: Tensor, design: Any) -> Tensor:
    """The gradient of each row's loss by its own inputs, shaped like them."""
    inputs = inputs.detach().requires_grad_()
    outputs, _ = forward(layers, inputs, design.activation)
    return torch.autograd.grad(design.loss.per_row(outputs, targets).sum(), inputs)[0]


def first_layers(layers: Sequence[Layer], activation: str, recipe: Recipe, seed: int) -> Sequence[Layer]:
    """The weights with which a network of this seed begins, shaped like `layers`, a stack of one."""
    rng = draws([seed], step=0)
    return recipe.initialize(default_initializer(activation).initialize(layers, rng.at("initial")), rng)


def write(values: Sequence[Layer], layers: Sequence[Layer]) -> None:
    """Write weights and biases into layers; those that are the same already stay."""
    for value, layer in zip(values, layers, strict=True):
        if value is not layer:
            layer.weights.copy_(value.weights)
            layer.biases.copy_(value.biases)


class Stack:
    """Networks that train together, and everything they need, each tensor with the axis `networks` in front."""

    def __init__(self, examples: Examples, prepared: list[Prepared], device: str) -> None:
        self.members = list(prepared)
        self.finished: dict[int, tuple[Network, ...]] = {}
        self.design = prepared[0].job.design
        self.widths = prepared[0].job.widths(examples)
        self.steps, self.batch = prepared[0].steps, prepared[0].batch_width
        self.device = torch.device(device)
        self.examples = examples
        self.recipe = self._recipe()
        self._load(examples)
        self.parameters = torch.cat([self._first_weights(one) for one in prepared])
        self.optimizer = self._optimizer()
        self.memory = self.recipe.begin(self.parameters)
        self.before = self.parameters.clone()
        self.epoch = 0
        self.histories: list[dict[str, list[float]]] = [{} for _ in prepared]

    def _recipe(self) -> Recipe:
        """The recipes of all networks in one."""
        return stacked([one.job.recipe for one in self.members], self.device).bind(self.examples.columns)

    def _load(self, examples: Examples) -> None:
        """Inputs and targets of all rows, those of each network's own making behind, on the device."""
        loss = self.design.loss
        made = [one.sample.made for one in self.members if one.sample.made is not None]
        inputs = np.vstack([examples.inputs, *(m.inputs for m in made)])
        targets = np.vstack([loss.encode(examples.targets), *(loss.encode(m.targets) for m in made)])
        self.inputs = torch.from_numpy(inputs).to(self.device)
        self.targets = torch.from_numpy(targets).to(self.device)
        start, self.rows = len(examples.inputs), []
        for one in self.members:
            count = len(one.sample) - len(one.sample.rows)
            self.rows.append(np.concatenate([one.sample.rows, np.arange(start, start + count)]))
            start += count
        self.weights = [one.sample.weights for one in self.members]
        scales = self._scalings()
        self.scales = [torch.from_numpy(np.stack(part)[:, None]).to(self.device) for part in zip(*scales, strict=True)]
        self._load_validation(examples)

    def _scalings(self) -> list[tuple[np.ndarray, ...]]:
        """The scaling of each network; networks with the same rows share the work."""
        known: dict[tuple[bytes | None, ...], tuple[np.ndarray, ...]] = {}
        scales = []
        for one in self.members:
            rows = one.sample.key()
            if one.job.start:
                scales.append(one.job.start[0].scaling())
            elif one.sample.made is not None:
                scales.append(scaling(one.sample, self.design))
            else:
                if rows not in known:
                    known[rows] = scaling(one.sample, self.design)
                scales.append(known[rows])
        return [self._silenced(one.job, scale) for one, scale in zip(self.members, scales, strict=True)]

    def _silenced(self, job: Job, scales: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
        """The scaling of a network that sees some of the source columns only: the others have scale 0."""
        if job.columns == 1 or job.start:
            return scales
        source = self.examples.columns.source
        columns = np.unique(source)
        rng = np.random.default_rng([job.seed & 0xFFFFFFFF, job.seed >> 32, 4])
        seen = rng.choice(columns, max(1, round(job.columns * len(columns))), replace=False)
        centre, scale, *targets = scales
        return centre, np.where(np.isin(source, seen), scale, np.float32(0)), *targets

    def _load_validation(self, examples: Examples) -> None:
        """Validation rows and weights of each network, padded to chunks of one batch."""
        most = max(len(one.job.validation) for one in self.members)
        chunks = -(-most // self.batch)
        rows = np.zeros((len(self.members), chunks * self.batch), dtype=np.int64)
        weights = np.zeros(rows.shape, dtype=np.float32)
        for i, one in enumerate(self.members):
            own = one.job.validation
            given = np.ones(len(own)) if examples.weights is None else examples.weights[own]
            rows[i] = own[0] if len(own) else one.job.rows[0]
            rows[i, : len(own)] = own
            weights[i, : len(own)] = given / given.sum() if given.any() else np.nan
        self.validation = torch.from_numpy(rows).to(self.device), torch.from_numpy(weights).to(self.device)

    def _first_weights(self, one: Prepared) -> Tensor:
        """The initial parameters of one network, (1, size)."""
        parameters = torch.zeros(1, parameter_count(self.widths), device=self.device)
        layers = layers_of(parameters, self.widths)
        if one.job.start:
            for layer, (weights, biases) in zip(layers, one.job.start[0].layers, strict=True):
                layer.weights.copy_(torch.from_numpy(weights))
                layer.biases.copy_(torch.from_numpy(biases))
            return parameters
        write(first_layers(layers, self.design.activation, one.job.recipe, one.job.seed), layers)
        return parameters

    def _optimizer(self) -> StackedOptimizer:
        """The optimizers of all networks in one."""
        optimizers = [one.job.design.optimizer for one in self.members]
        steps = [one.job.design.epochs * self.steps for one in self.members]
        return StackedOptimizer(optimizers, self.parameters, self.widths, steps)

    def train_epoch(self) -> Tensor:
        """Every training row once; the mean loss of each network, (networks,)."""
        seeds = [one.job.seed for one in self.members]
        order, weights = self._batches()
        layers = layers_of(self.parameters, self.widths)
        losses = torch.zeros(len(self.members), device=self.device)
        leaves = [Layer(*(part.detach().requires_grad_() for part in layer)) for layer in layers]
        gradients = torch.zeros_like(self.parameters)
        used = gradients[:, : sum(part[0].numel() for layer in layers for part in layer)]
        epochs = torch.tensor([float(one.job.design.epochs) for one in self.members], device=self.device)
        recipe = self.recipe.at(self.epoch / epochs)
        first = 1 + self.epoch * self.steps
        rngs = map(Draws, keys(seeds, range(first, first + self.steps)).to(self.device))
        for number, rng in enumerate(rngs):
            inputs, targets = self._gather(order[:, number])
            loss, parts = step(leaves, inputs, targets, weights[:, number], recipe, self.design, rng)
            torch.cat([part.flatten(1) for part in parts], dim=1, out=used)
            taken = self.optimizer.update(gradients)
            write(recipe.constrain(layers, taken), layers)
            self.memory = recipe.end_step(self.memory, self.parameters)
            losses += loss
        self.epoch += 1
        return losses / self.steps

    def _batches(self) -> tuple[Tensor, Tensor]:
        """Row numbers and row weights of an epoch's batches, (networks, steps, batch); weight 0 fills up."""
        shape = (len(self.members), self.steps, self.batch)
        order, weights = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.float32)
        for i, (one, rows, given) in enumerate(zip(self.members, self.rows, self.weights, strict=True)):
            # the epoch counts in the upper half: streams of neighbouring counters overlap, and so would the orders
            philox = np.random.Philox(key=one.job.seed, counter=self.epoch << 128)
            places, shares = batch_places(len(rows), self.steps, self.batch)
            taken = one.job.recipe.order(one.sample, np.random.Generator(philox))[places]
            order[i], weights[i] = rows[taken], given[taken] * shares
        return torch.from_numpy(order).to(self.device), torch.from_numpy(weights).to(self.device)

    def _gather(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Standardized inputs and targets of some rows of each network, (networks, batch, ...)."""
        centre, scale, target_centre, target_scale = self.scales
        flat = rows.reshape(-1)
        inputs = self.inputs.index_select(0, flat).view(*rows.shape, -1)
        targets = self.targets.index_select(0, flat).view(*rows.shape, -1)
        if self.design.loss.standardizes:
            targets = (targets - target_centre) / target_scale
        return standardize(inputs, centre, scale, self.design.standardize), targets

    @torch.no_grad()
    def validate(self, parameters: Tensor) -> Scores:
        """Loss, error and, if asked, other scores on each network's validation rows; NaN where there are none."""
        rows, weights = self.validation
        loss = error = torch.where(weights.sum(1) > 0, 0.0, torch.nan)
        layers = layers_of(parameters, self.widths)
        for start in range(0, rows.shape[1], self.batch):
            chunk = slice(start, start + self.batch)
            inputs, targets = self._gather(rows[:, chunk])
            outputs, _ = forward(layers, inputs, self.design.activation)
            if not self.design.loss.standardizes:
                outputs = outputs + self.scales[2]
            loss = loss + (self.design.loss.per_row(outputs, targets) * weights[:, chunk]).sum(1)
            error = error + (self.design.loss.error(outputs, targets) * weights[:, chunk]).sum(1)
        return Scores({"loss": loss, "error": error}, lambda: self._predicted(parameters))

    def _predicted(self, parameters: Tensor) -> Iterator[Predicted]:
        """Targets and predictions of each network's validation rows."""
        for i, one in enumerate(self.members):
            own = one.job.validation
            outputs = self._network(i, parameters[i : i + 1]).outputs(self.examples.inputs[own])
            weights = np.ones(len(own)) if self.examples.weights is None else self.examples.weights[own]
            yield Predicted(self.examples.targets[own], self.design.loss.predict(outputs), weights)

    def end_epoch(self, losses: Tensor) -> None:
        """Score, remember, and let go of the networks that have stopped."""
        shown = self.recipe.shown(self.memory, self.parameters)
        validation = self.validate(shown)
        for history, *values in zip(
            self.histories,
            losses.tolist(),
            validation["loss"].tolist(),
            validation["error"].tolist(),
            strict=True,
        ):
            for name, value in zip(("loss", "validation_loss", "validation_error"), values, strict=True):
                history.setdefault(name, []).append(value)
        diverged = ~(losses.isfinite() & self.parameters.isfinite().all(1))
        self.parameters[diverged] = self.before[diverged]
        shown = torch.where(diverged[:, None], self.before, shown)
        number = torch.full_like(losses, self.epoch)
        self.memory, stopped = self.recipe.end_epoch(self.memory, Epoch(number, validation, shown))
        limits = torch.tensor([one.job.design.epochs for one in self.members], device=self.device)
        stopped = (diverged | (number >= limits)) if stopped is None else stopped | diverged | (number >= limits)
        stopped |= self._still()
        self.before.copy_(self.parameters)
        if stopped.any():
            self._release(shown, stopped, diverged)

    def _still(self) -> Tensor:
        """Networks whose weights changed in this epoch by less than the tolerated share of their norm."""
        tolerances = torch.tensor([one.job.design.tolerance for one in self.members], device=self.device)
        change = torch.linalg.vector_norm(self.parameters - self.before, dim=1)
        return change < tolerances * torch.linalg.vector_norm(self.parameters, dim=1)

    def _release(self, shown: Tensor, stopped: Tensor, diverged: Tensor) -> None:
        """Finish the networks that stopped, and go on with the others in a smaller stack."""
        kept = self.recipe.finish(self.memory, shown)
        restored = (kept != shown).any(1)
        snapshots = self.recipe.snapshots(self.memory)
        best = next((v for name, v in self.memory.items() if name.endswith(".best_epoch")), None)
        for i in torch.nonzero(stopped).flatten().tolist():
            network = self._network(i, kept[i : i + 1])
            network.best_epoch = int(best[i]) if best is not None and restored[i] else None
            network.diverged = self.epoch if bool(diverged[i]) else None
            others = [copy[i] for copy in snapshots if copy[i].isfinite().all() and not torch.equal(copy[i], kept[i])]
            copies = (replace(self._network(i, copy[None]), snapshot=True) for copy in others)
            self.finished[self.members[i].number] = network, *copies
        self.take(~stopped)

    def take(self, keep: Tensor) -> None:
        """Some of the networks only."""
        kept = torch.nonzero(keep).flatten().tolist()
        self.members = [self.members[i] for i in kept]
        self.rows = [self.rows[i] for i in kept]
        self.weights = [self.weights[i] for i in kept]
        self.histories = [self.histories[i] for i in kept]
        if not kept:
            return
        self.scales = [scale[keep] for scale in self.scales]
        self.validation = self.validation[0][keep], self.validation[1][keep]
        self.memory = {name: tensor[keep] for name, tensor in self.memory.items()}
        self.before = self.before[keep]
        self.optimizer.take(keep)
        self.parameters = self.optimizer.parameters
        self.recipe = self._recipe()

    def _network(self, i: int, parameters: Tensor) -> Network:
        """One network of the stack as NumPy arrays."""
        layers = [
            (layer.weights[0].cpu().numpy().copy(), layer.biases[0, 0].cpu().numpy().copy())
            for layer in layers_of(parameters, self.widths)
        ]
        centre, scale, target_centre, target_scale = (part[i, 0].cpu().numpy().copy() for part in self.scales)
        return Network(
            layers,
            self.design.activation,
            centre,
            scale,
            self.design.standardize,
            target_centre,
            target_scale,
            self.histories[i],
            self.epoch,
        )


@lru_cache(maxsize=256)
def batch_places(rows: int, steps: int, batch: int) -> tuple[np.ndarray, np.ndarray]:
    """Where each place of an epoch's batches, (steps, batch), finds its row in the shuffled rows, and its weight.

    Batches are equal to one row. Places beyond a batch's own rows repeat them with weight 0: no other network's rows
    may fill up, since even at weight 0 an infinite number does harm.
    """
    sizes = np.full(steps, rows // steps)
    sizes[: rows % steps] += 1
    place = np.arange(batch)
    starts = np.cumsum(sizes) - sizes
    shares = np.where(place < sizes[:, None], 1 / sizes[:, None], 0.0)
    return starts[:, None] + place % sizes[:, None], shares.astype(np.float32)


def scaling(sample: Sample, design: Any) -> tuple[np.ndarray, ...]:
    """Centre and scale of the inputs, centre and scale of the targets, by one network's own training rows.

    Numbers: the median, and 1.349 over the distance of the quartiles (or half the range, where that is 0).
    Indicators: the mean and the standard deviation. A constant input gets scale 0, a constant target 1.
    Pixels of pictures: mean and standard deviation over all pixels of the channel, so that they stay comparable.
    """
    targets = design.loss.encode(sample.targets)
    width = targets.shape[1]
    if not design.standardize:
        count = sample.inputs.shape[1]
        centre = restored_shares(sample, design.loss, width).astype(np.float32)
        return *(np.full(count, v, dtype=np.float32) for v in (0, 1)), centre, np.ones(width, dtype=np.float32)
    columns, inputs = sample.examples.columns, sample.inputs.astype(np.float64)
    if columns.image is not None:
        centre, scale = channel_scaling(inputs, columns.image[2])
    else:
        centre, scale = _input_scaling(inputs, columns.indicator)
    target_centre, target_scale = restored_shares(sample, design.loss, width), np.ones(width)
    if design.loss.standardizes:
        target_centre, spread = targets.mean(0, dtype=np.float64), targets.std(0, dtype=np.float64)
        target_scale = np.where(spread > 0, spread, 1.0)
    return tuple(part.astype(np.float32) for part in (centre, scale, target_centre, target_scale))


def restored_shares(sample: Sample, loss: Any, outputs: int) -> np.ndarray:
    """What brings the probabilities of a network that trained on other shares of the classes back to the true ones."""
    if sample.shares is None:
        return np.zeros(outputs)
    seen = sample.seen
    if seen is None:
        seen = np.bincount(sample.targets, weights=sample.weights, minlength=len(sample.shares))
        seen = seen / seen.sum()
    ratios = np.divide(sample.shares, seen, out=np.ones_like(seen), where=(seen > 0) & (sample.shares > 0))
    shift = np.zeros(max(outputs, 2))
    shift[: len(ratios)] = np.log(ratios)
    return np.asarray(loss.shift(shift))


def channel_scaling(pixels: np.ndarray, channels: int) -> tuple[np.ndarray, np.ndarray]:
    """Centre and factor of each pixel, (inputs,): one for all pixels of a channel, missing ones left out."""
    values = pixels.reshape(-1, channels)
    known = ~np.isnan(values)
    count = known.sum(0).clip(min=1)
    centre = np.where(known, values, 0.0).sum(0) / count
    spread = np.sqrt((np.where(known, values - centre, 0.0) ** 2).sum(0) / count)
    scale = np.divide(1.0, spread, out=np.zeros_like(spread), where=spread > 0)
    return np.tile(centre, pixels.shape[1] // channels), np.tile(scale, pixels.shape[1] // channels)


def _input_scaling(inputs: np.ndarray, indicator: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centre and factor of each input, missing cells left out."""
    absent = np.isnan(inputs)
    filled = absent.all(0)
    if filled.any():
        inputs = np.where(filled, 0.0, inputs)
    missing = bool(absent.any())
    quartile = np.nanpercentile if missing else np.percentile
    low, centre, high = quartile(inputs, [25, 50, 75], axis=0)
    spread = (high - low) / 1.349
    lowest, highest = (np.nanmin, np.nanmax) if missing else (np.min, np.max)
    half_range = (highest(inputs, axis=0) - lowest(inputs, axis=0)) / 2
    spread = np.where(spread > 0, spread, half_range)
    mean, deviation = (np.nanmean, np.nanstd) if missing else (np.mean, np.std)
    centre = np.where(indicator, mean(inputs, axis=0), centre)
    spread = np.where(indicator, deviation(inputs, axis=0), spread)
    return centre, np.divide(1.0, spread, out=np.zeros_like(spread), where=spread > 0)
