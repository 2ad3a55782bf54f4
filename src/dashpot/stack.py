"""Networks that train together, epoch by epoch, and the step that they take.

Everything in a stack begins with the axis `networks`. No network scales, waits for, or draws from another:
each trains the same alone, in any stack, and after its neighbours have stopped and left.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dashpot.embeddings import Embedding, together
from dashpot.jobs import Examples, Prepared
from dashpot.learned import PLAIN, Learned, apart, as_numbers, learned_of, put_back, sizes
from dashpot.monitors import Predicted, Scores
from dashpot.networks import (
    WHOLE,
    Activations,
    Layer,
    Network,
    finished,
    forward,
    layers_of,
    layers_size,
    parameter_count,
    settled,
    standardize,
)
from dashpot.optimizers import StackedOptimizer
from dashpot.randomness import Draws, draws, keys
from dashpot.regularizers.base import Epoch
from dashpot.regularizers.initializers import default_initializer
from dashpot.regularizers.recipe import Recipe, stacked
from dashpot.scaling import embedding_of, scaling, silenced

SETTLING = 1024  # training rows that first weights are fitted to, and batch norms settled by, at most
EVERY = slice(None)


def step(
    layers: Sequence[Layer],
    inputs: Tensor,
    targets: Tensor,
    weights: Tensor,
    recipe: Recipe,
    design: Any,
    rng: Draws,
    embedding: Embedding = WHOLE,
    learned: Learned = PLAIN,
) -> tuple[Tensor, list[Tensor]]:
    """Losses of a batch, (networks,), and the gradient of each network's loss plus penalty by all that it learns."""
    inputs, targets = augmented(inputs, targets, recipe, design, rng)
    shares = shares_of(weights) if design.norm == "batch" else None
    scaled, activation = learned.layers(layers), learned.activation(design.built)
    embedding = learned.embedding(embedding)
    inputs = recipe.oppose(inputs, lambda at: slope(scaled, at, targets, design, embedding, shares, activation), rng)
    seen = recipe.perturb_weights(scaled, rng)
    outputs, units = forward(
        seen, inputs, activation, lambda units, depth: recipe.perturb_units(units, depth, rng), embedding, shares
    )
    losses = (design.loss.per_row(outputs, targets) * weights).sum(1)
    total = losses + recipe.penalty(scaled if learned.members else layers, units)
    # a sum, so that no network scales another's gradient; a mean over members that share their weights
    gradients = torch.autograd.grad(
        total.sum() / design.shared, [*(part for layer in layers for part in layer), *learned.tensors()]
    )
    return losses.detach(), list(gradients)


def augmented(inputs: Tensor, targets: Tensor, recipe: Recipe, design: Any, rng: Draws) -> tuple[Tensor, Tensor]:
    """A batch after `augment`; what is to be reconstructed changes as the inputs do, by the same draws."""
    seen, aims = recipe.augment(inputs, targets, rng)
    return seen, recipe.augment(targets, targets, rng)[0] if design.loss.reconstructs else aims


def shares_of(weights: Tensor) -> Tensor:
    """How much each row counts in a batch norm, (networks, batch, 1), by its weight in the loss, (networks, batch)."""
    return (weights / weights.sum(1, keepdim=True).clamp(min=1e-12)).unsqueeze(-1)


def slope(
    layers: Sequence[Layer],
    inputs: Tensor,
    targets: Tensor,
    design: Any,
    embedding: Embedding = WHOLE,
    shares: Tensor | None = None,
    activation: Activations | None = None,
) -> Tensor:
    """The gradient of each row's loss by its own inputs, shaped like them."""
    inputs = inputs.detach().requires_grad_()
    outputs, _ = forward(layers, inputs, activation or design.built, embedding=embedding, shares=shares)
    return torch.autograd.grad(design.loss.per_row(outputs, targets).sum(), inputs)[0]


def first_layers(
    layers: Sequence[Layer], activation: Activations, recipe: Recipe, seed: int, inputs: Tensor | None = None
) -> Sequence[Layer]:
    """The weights with which a network of this seed begins, shaped like `layers`, a stack of one.

    `inputs` (1, rows, features) are training rows as the first layer reads them; without them nothing is fitted.
    """
    rng = draws([seed], step=0)
    begun = recipe.initialize(default_initializer(activation).initialize(layers, rng.at("initial")), rng)
    if inputs is None or not inputs.shape[1]:
        return begun
    return recipe.settle(begun, lambda current: forward(current, inputs, activation)[1])


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
        self.steps, self.batch, self.each = prepared[0].steps, prepared[0].batch_width, self.design.shared
        self.device = torch.device(device)
        self.examples = examples
        self._load(examples)
        self.further = len(self.embedding.further)
        self.typical: tuple[Tensor, ...] = self._typical() if self.design.norm == "batch" else ()
        self.recipe, self.noise = self._recipes()
        self.parameters = torch.cat([self._first_weights(i) for i in range(len(prepared))])
        self.optimizer = self._optimizer()
        self.memory = self.recipe.begin(self.parameters)
        self.before = self.parameters.clone()
        self.epoch = 0
        self.histories: list[dict[str, list[float]]] = [{} for _ in prepared]

    def _recipes(self) -> tuple[Recipe, Recipe]:
        """The recipes of all networks in one, and that of their members, each with the strengths of its network."""
        columns = replace(self.examples.columns, further=self.embedding.further)
        networks = stacked([one.job.recipe for one in self.members], self.device).bind(columns)
        if self.each == 1:
            return networks, networks
        return networks, stacked([one.job.recipe for one in self._every()], self.device).bind(columns)

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
        self.rows = [rows for rows in self.rows for _ in range(self.each)]
        self.weights = [one.sample.weights for one in self.members for _ in range(self.each)]
        scales = [scale for scale in self._scalings() for _ in range(self.each)]
        self.scales = [torch.from_numpy(np.stack(part)[:, None]).to(self.device) for part in zip(*scales, strict=True)]
        self.embedding = together(self._embeddings(scales), self.device)
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
        return [
            silenced(one.job, self.examples.columns, scale) for one, scale in zip(self.members, scales, strict=True)
        ]

    def _embeddings(self, scales: list[tuple[np.ndarray, ...]]) -> list[Embedding]:
        """The embedding of each network."""
        return [
            one.job.start[0].embedding if one.job.start else embedding_of(one.sample, self.design, scale, one.job.seed)
            for one, scale in zip(self._every(), scales, strict=True)
        ]

    def _every(self) -> list[Prepared]:
        """The networks, those that share their weights one by one."""
        return [one for one in self.members for _ in range(self.each)]

    def _seeds(self) -> list[int]:
        """A seed for each of these."""
        return [member_seed(one.job.seed, place) for one in self.members for place in range(self.each)]

    def _load_validation(self, examples: Examples) -> None:
        """Validation rows and weights of each network, padded to chunks of one batch."""
        most = max(len(one.job.validation) for one in self.members)
        chunks = -(-most // self.batch)
        rows = np.zeros((len(self.members) * self.each, chunks * self.batch), dtype=np.int64)
        weights = np.zeros(rows.shape, dtype=np.float32)
        for i, one in enumerate(self._every()):
            own = one.job.validation
            given = np.ones(len(own)) if examples.weights is None else examples.weights[own]
            rows[i] = own[0] if len(own) else one.job.rows[0]
            rows[i, : len(own)] = own
            weights[i, : len(own)] = given / given.sum() if given.any() else np.nan
        self.validation = torch.from_numpy(rows).to(self.device), torch.from_numpy(weights).to(self.device)

    def _first_weights(self, i: int) -> Tensor:
        """The initial parameters of one network, (1, size)."""
        one = self.members[i]
        beside = sum(sizes(self.design, self.widths, self.further))
        parameters = torch.zeros(1, parameter_count(self.widths, beside), device=self.device)
        layers = layers_of(parameters, self.widths)
        if one.job.start:
            for layer, (weights, biases) in zip(layers, one.job.start[0].layers, strict=True):
                layer.weights.copy_(torch.from_numpy(weights))
                layer.biases.copy_(torch.from_numpy(biases))
            put_back(self._learned(parameters), one.job.start[0])
            return parameters
        apart(self._learned(parameters), one.job.seed)
        inputs = self._some_inputs(i * self.each) if one.job.recipe.using("settle") else None
        write(first_layers(layers, self.design.built, one.job.recipe, one.job.seed, inputs), layers)
        return parameters

    def _typical(self) -> tuple[Tensor, Tensor]:
        """Rows of each network that its batch norms are settled by, spread over all, and how much each counts."""
        count = min(SETTLING, self.steps * self.batch)
        places = [np.arange(count) * len(rows) // count for rows in self.rows]
        rows = np.stack([own[place] for own, place in zip(self.rows, places, strict=True)])
        weights = [w[place] / np.bincount(place)[place] for w, place in zip(self.weights, places, strict=True)]
        shares = shares_of(torch.from_numpy(np.stack(weights).astype(np.float32)))
        return torch.from_numpy(rows).to(self.device), shares.to(self.device)

    def _learned(self, parameters: Tensor) -> Learned:
        """What networks with these parameters learn beside weights and biases."""
        return learned_of(parameters[:, layers_size(self.widths) :], self.design, self.widths, self.further)

    def _predicting(self, parameters: Tensor, i: int | None = None) -> tuple[Sequence[Layer], Activations, Embedding]:
        """Layers, activation and embedding with which one network predicts, or all do, given its parameters."""
        own = EVERY if i is None else slice(i * self.each, (i + 1) * self.each)
        learned = self._learned(parameters)
        layers, activation = learned.layers(layers_of(parameters, self.widths)), learned.activation(self.design.built)
        embedding = learned.embedding(self.embedding.each(lambda part: part[own]))
        if self.typical:
            rows, shares = (part[own] for part in self.typical)
            layers = settled(layers, embedding(self._gather(rows, own)[0]), activation, shares)
        return layers, finished(activation), embedding

    def _some_inputs(self, i: int) -> Tensor:
        """Some training rows of one network, spread over all, as its first layer reads them, (1, rows, features)."""
        rows = self.rows[i][:: -(-len(self.rows[i]) // SETTLING)]
        centre, scale = (part[i : i + 1] for part in self.scales[:2])
        inputs = self.inputs.index_select(0, torch.from_numpy(rows).to(self.device))[None]
        seen = torch.as_tensor(standardize(inputs, centre, scale, self.design.clipping))
        return torch.as_tensor(self.embedding.each(lambda part: part[i : i + 1])(seen))

    def _optimizer(self) -> StackedOptimizer:
        """The optimizers of all networks in one."""
        optimizers = [one.job.design.optimizer for one in self.members]
        steps = [one.job.design.epochs * self.steps for one in self.members]
        return StackedOptimizer(optimizers, self.parameters, self.widths, steps)

    def train_epoch(self) -> Tensor:
        """Every training row once; the mean loss of each network, (networks,)."""
        seeds = self._seeds()
        order, weights = self._batches()
        layers = layers_of(self.parameters, self.widths)
        losses = torch.zeros(len(self.members), device=self.device)
        leaves = [Layer(*(part.detach().requires_grad_() for part in layer)) for layer in layers]
        learned = self._learned(self.parameters).each(lambda part: part.detach().requires_grad_())
        gradients = torch.zeros_like(self.parameters)
        used = gradients[:, : layers_size(self.widths) + sum(sizes(self.design, self.widths, self.further))]
        epochs = torch.tensor([float(one.job.design.epochs) for one in self.members], device=self.device)
        recipe = self.recipe.at(self.epoch / epochs)
        noise = recipe if self.each == 1 else self.noise.at(self.epoch / epochs.repeat_interleave(self.each))
        first = 1 + self.epoch * self.steps
        rngs = map(Draws, keys(seeds, range(first, first + self.steps)).to(self.device))
        for number, rng in enumerate(rngs):
            inputs, targets = self._gather(order[:, number])
            batch = (leaves, inputs, targets, weights[:, number])
            loss, parts = step(*batch, noise, self.design, rng, self.embedding, learned)
            torch.cat([part.flatten(1) for part in parts], dim=1, out=used)
            taken = self.optimizer.update(gradients)
            write(recipe.constrain(layers, taken), layers)
            self.memory = recipe.end_step(self.memory, self.parameters)
            losses += self._mean(loss)
        self.epoch += 1
        return losses / self.steps

    def _batches(self) -> tuple[Tensor, Tensor]:
        """Row numbers and row weights of an epoch's batches, (networks, steps, batch); weight 0 fills up."""
        shape = (len(self.members) * self.each, self.steps, self.batch)
        order, weights = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.float32)
        for i, (one, seed, rows, given) in enumerate(
            zip(self._every(), self._seeds(), self.rows, self.weights, strict=True)
        ):
            # the epoch counts in the upper half: streams of neighbouring counters overlap, and so would the orders
            philox = np.random.Philox(key=seed, counter=self.epoch << 128)
            places, shares = batch_places(len(rows), self.steps, self.batch)
            taken = one.job.recipe.order(one.sample, np.random.Generator(philox))[places]
            order[i], weights[i] = rows[taken], given[taken] * shares
        return torch.from_numpy(order).to(self.device), torch.from_numpy(weights).to(self.device)

    def _gather(self, rows: Tensor, own: slice = EVERY) -> tuple[Tensor, Tensor]:
        """Standardized inputs and targets of some rows of each network, (networks, batch, ...)."""
        centre, scale, target_centre, target_scale = (part[own] for part in self.scales)
        flat = rows.reshape(-1)
        inputs = self.inputs.index_select(0, flat).view(*rows.shape, -1)
        targets = self.targets.index_select(0, flat).view(*rows.shape, -1)
        if self.design.loss.standardizes:
            targets = (targets - target_centre) / target_scale
        return standardize(inputs, centre, scale, self.design.clipping), targets

    @torch.no_grad()
    def validate(self, parameters: Tensor) -> Scores:
        """Loss, error and, if asked, other scores on each network's validation rows; NaN where there are none."""
        rows, weights = self.validation
        loss = error = torch.where(weights.sum(1) > 0, 0.0, torch.nan)
        layers, activation, embedding = self._predicting(parameters)
        for start in range(0, rows.shape[1], self.batch):
            chunk = slice(start, start + self.batch)
            inputs, targets = self._gather(rows[:, chunk])
            outputs, _ = forward(layers, inputs, activation, embedding=embedding)
            if not self.design.loss.standardizes:
                outputs = outputs + self.scales[2]
            loss = loss + (self.design.loss.per_row(outputs, targets) * weights[:, chunk]).sum(1)
            error = error + (self.design.loss.error(outputs, targets) * weights[:, chunk]).sum(1)
        loss, error = self._mean(loss), self._mean(error)
        return Scores({"loss": loss, "error": error}, lambda: self._predicted(parameters))

    def _mean(self, values: Tensor) -> Tensor:
        """The mean over the members of each network, (networks,)."""
        return values if self.each == 1 else values.view(-1, self.each).mean(1)

    def _predicted(self, parameters: Tensor) -> Iterator[Predicted]:
        """Targets and predictions of each network's validation rows."""
        for i, one in enumerate(self.members):
            own = one.job.validation
            found = self._networks(i, parameters[i : i + 1])
            outputs = [self.design.loss.predict(network.outputs(self.examples.inputs[own])) for network in found]
            weights = np.ones(len(own)) if self.examples.weights is None else self.examples.weights[own]
            yield Predicted(self.examples.targets[own], np.mean(outputs, axis=0), weights)

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
            networks = self._networks(i, kept[i : i + 1])
            for network in networks:
                network.best_epoch = int(best[i]) if best is not None and restored[i] else None
                network.diverged = self.epoch if bool(diverged[i]) else None
            others = [copy[i] for copy in snapshots if copy[i].isfinite().all() and not torch.equal(copy[i], kept[i])]
            copies = (replace(one, snapshot=True) for copy in others for one in self._networks(i, copy[None]))
            self.finished[self.members[i].number] = *networks, *copies
        self.take(~stopped)

    def take(self, keep: Tensor) -> None:
        """Some of the networks only."""
        kept = torch.nonzero(keep).flatten().tolist()
        self.members = [self.members[i] for i in kept]
        every = keep.repeat_interleave(self.each)
        self.rows = [rows for rows, stays in zip(self.rows, every.tolist(), strict=True) if stays]
        self.weights = [weights for weights, stays in zip(self.weights, every.tolist(), strict=True) if stays]
        self.histories = [self.histories[i] for i in kept]
        if not kept:
            return
        self.scales = [scale[every] for scale in self.scales]
        self.embedding = self.embedding.each(lambda part: part[every])
        self.validation = self.validation[0][every], self.validation[1][every]
        self.typical = tuple(part[every] for part in self.typical)
        self.memory = {name: tensor[keep] for name, tensor in self.memory.items()}
        self.before = self.before[keep]
        self.optimizer.take(keep)
        self.parameters = self.optimizer.parameters
        self.recipe, self.noise = self._recipes()

    def _networks(self, i: int, parameters: Tensor) -> tuple[Network, ...]:
        """One network of the stack as NumPy arrays; where members share its weights, one for each."""
        return tuple(self._network(i, parameters, place) for place in range(self.each))

    def _network(self, i: int, parameters: Tensor, place: int = 0) -> Network:
        """One of them."""
        found, activation, embedding = self._predicting(parameters, i)
        layers = [
            (layer.weights[place].cpu().numpy().copy(), layer.biases[place, 0].cpu().numpy().copy()) for layer in found
        ]
        own = i * self.each + place
        centre, scale, target_centre, target_scale = (part[own, 0].cpu().numpy().copy() for part in self.scales)
        return Network(
            layers,
            as_numbers(activation, place),
            centre,
            scale,
            self.design.clipping,
            target_centre,
            target_scale,
            self.histories[i],
            self.epoch,
            embedding=embedding.each(lambda part: part[place, 0].cpu().numpy().copy()),
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


@lru_cache(maxsize=4096)
def member_seed(seed: int, place: int) -> int:
    """The seed of a member of a network that shares its weights: its draws and the order of its rows."""
    return seed if not place else int(np.random.default_rng([seed & 0xFFFFFFFF, seed >> 32, 7, place]).integers(2**62))
