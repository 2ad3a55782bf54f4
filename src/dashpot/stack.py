"""Networks that train together, epoch by epoch.

Everything in a stack begins with the axis `networks`. No network scales, waits for, or draws from another:
each trains the same alone, in any stack, and after its neighbours have stopped and left.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from dashpot.embeddings import Embedding
from dashpot.feed import EVERY, Feed
from dashpot.jobs import Examples, Prepared
from dashpot.learned import Learned, apart, as_numbers, learned_of, put_back, sizes
from dashpot.monitors import Predicted, Scores
from dashpot.networks import (
    Activations,
    Layer,
    Network,
    finished,
    forward,
    layers_of,
    layers_size,
    parameter_count,
    settled,
)
from dashpot.optimizers import StackedOptimizer
from dashpot.randomness import Draws, keys
from dashpot.regularizers.base import Epoch
from dashpot.regularizers.recipe import Recipe, stacked
from dashpot.step import first_layers, step, write


class Stack:
    """Networks that train together, and everything they need, each tensor with the axis `networks` in front."""

    def __init__(self, examples: Examples, prepared: list[Prepared], device: str) -> None:
        self.members = list(prepared)
        self.finished: dict[int, tuple[Network, ...]] = {}
        self.design = prepared[0].job.design
        self.widths = prepared[0].job.widths(examples)
        self.steps, self.each = prepared[0].steps, self.design.shared
        self.device = torch.device(device)
        self.examples = examples
        self.feed = Feed(examples, prepared, self.device)
        self.further = len(self.feed.embedding.further)
        self.recipe, self.noise = self._recipes()
        self.parameters = torch.cat([self._first_weights(i) for i in range(len(prepared))])
        self.optimizer = self._optimizer()
        self.memory = self.recipe.begin(self.parameters)
        self.before = self.parameters.clone()
        self.epoch = 0
        self.histories: list[dict[str, list[float]]] = [{} for _ in prepared]

    def _recipes(self) -> tuple[Recipe, Recipe]:
        """The recipes of all networks in one, and that of their members, each with the strengths of its network."""
        columns = replace(self.examples.columns, further=self.feed.embedding.further)
        networks = stacked([one.job.recipe for one in self.members], self.device).bind(columns)
        if self.each == 1:
            return networks, networks
        return networks, stacked([one.job.recipe for one in self.feed.members], self.device).bind(columns)

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
        inputs = self.feed.some_inputs(i * self.each) if one.job.recipe.using("settle") else None
        write(first_layers(layers, self.design.built, one.job.recipe, one.job.seed, inputs), layers)
        return parameters

    def _learned(self, parameters: Tensor) -> Learned:
        """What networks with these parameters learn beside weights and biases."""
        return learned_of(parameters[:, layers_size(self.widths) :], self.design, self.widths, self.further)

    def _predicting(self, parameters: Tensor, i: int | None = None) -> tuple[Sequence[Layer], Activations, Embedding]:
        """Layers, activation and embedding with which one network predicts, or all do, given its parameters."""
        own = EVERY if i is None else slice(i * self.each, (i + 1) * self.each)
        learned = self._learned(parameters)
        layers, activation = learned.layers(layers_of(parameters, self.widths)), learned.activation(self.design.built)
        embedding = learned.embedding(self.feed.embedding.each(lambda part: part[own]))
        if self.feed.typical:
            rows, shares = (part[own] for part in self.feed.typical)
            layers = settled(layers, embedding(self.feed.gather(rows, own)[0]), activation, shares)
        return layers, finished(activation), embedding

    def _optimizer(self) -> StackedOptimizer:
        """The optimizers of all networks in one."""
        optimizers = [one.job.design.optimizer for one in self.members]
        steps = [one.job.design.epochs * self.steps for one in self.members]
        return StackedOptimizer(optimizers, self.parameters, self.widths, steps)

    def train_epoch(self) -> Tensor:
        """Every training row once; the mean loss of each network, (networks,)."""
        order, weights = self.feed.batches(self.epoch)
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
        rngs = map(Draws, keys(self.feed.seeds, range(first, first + self.steps)).to(self.device))
        for number, rng in enumerate(rngs):
            inputs, targets = self.feed.gather(order[:, number])
            batch = (leaves, inputs, targets, weights[:, number])
            loss, parts = step(*batch, noise, self.design, rng, self.feed.embedding, learned)
            torch.cat([part.flatten(1) for part in parts], dim=1, out=used)
            taken = self.optimizer.update(gradients)
            write(recipe.constrain(layers, taken), layers)
            self.memory = recipe.end_step(self.memory, self.parameters)
            losses += self._mean(loss)
        self.epoch += 1
        return losses / self.steps

    @torch.no_grad()
    def validate(self, parameters: Tensor) -> Scores:
        """Loss, error and, if asked, other scores on each network's validation rows; NaN where there are none."""
        rows, weights = self.feed.validation
        loss = error = torch.where(weights.sum(1) > 0, 0.0, torch.nan)
        layers, activation, embedding = self._predicting(parameters)
        for start in range(0, rows.shape[1], self.feed.batch):
            chunk = slice(start, start + self.feed.batch)
            inputs, targets = self.feed.gather(rows[:, chunk])
            outputs, _ = forward(layers, inputs, activation, embedding=embedding)
            if not self.design.loss.standardizes:
                outputs = outputs + self.feed.scales[2]
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
        self.histories = [self.histories[i] for i in kept]
        if not kept:
            return
        self.feed.take(keep.repeat_interleave(self.each))
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
        centre, scale, target_centre, target_scale = (part[own, 0].cpu().numpy().copy() for part in self.feed.scales)
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
