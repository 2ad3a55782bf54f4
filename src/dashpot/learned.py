"""What a network may learn beside weights and biases.

Each number is a departure from a plain network, times a factor: at 0, where it begins, it changes nothing, and a decay
pulls back to that. Under Adam a factor of 6 makes it move six times as fast as a weight. Departures lie behind the
layers in a stack's flat buffer, so whatever keeps, averages or restores parameters does the same with them. When a
network is finished they become part of its weights, its embedding and its activation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from dashpot.embeddings import Embedding
from dashpot.errors import UsageError, did_you_mean
from dashpot.networks import Activations, Layer, Network, bends, finished

APART = 0.5  # standard deviation of the factors with which members of a shared network begin (Wen et al. 2020)
# Holzmüller et al. (2024): six times the learning rate for scales; theirs for the others comes to about ours.
FACTORS = {"input_scale": 6.0, "frequencies": 1.0, "activation": 1.0}


class Factors(NamedTuple):
    """Departures by which the members of a shared network differ in one layer, (networks, members * numbers) each."""

    inputs: Tensor
    outputs: Tensor
    biases: Tensor

    def layers(self, layer: Layer) -> Layer:
        """The layer of each member, (networks * members, inputs, outputs): a rank-one factor times what they share."""
        _, inputs, outputs = layer.weights.shape
        rows = 1 + self.inputs.view(len(self.inputs), -1, inputs, 1)
        columns = 1 + self.outputs.view(len(self.outputs), -1, 1, outputs)
        weights = layer.weights.unsqueeze(1) * rows * columns
        biases = layer.biases.unsqueeze(1) + self.biases.view(columns.shape)
        return Layer(weights.flatten(0, 1), biases.flatten(0, 1))


class Learned(NamedTuple):
    """Departures of a stack of networks, (networks, numbers) each; None or () where nothing of this kind is learned.

    Attributes
    ----------
    scale : of a factor for each feature that the first layer reads
    first, second : of the arrays of a numeric embedding
    mixes : of the share of the activation in each unit, a tensor for each hidden layer
    members : of factors for inputs and outputs, and of biases, for each layer: (networks, members * numbers) each
    """

    scale: Tensor | None = None
    first: Tensor | None = None
    second: Tensor | None = None
    mixes: tuple[Tensor, ...] = ()
    members: tuple[Factors, ...] = ()

    def tensors(self) -> list[Tensor]:
        """All that there are, in the order of the buffer."""
        own = [one for one in (self.scale, self.first, self.second) if one is not None]
        return [*own, *self.mixes, *(part for factors in self.members for part in factors)]

    def each(self, change: Callable[[Tensor], Tensor]) -> Learned:
        """The same with other tensors."""
        scale, first, second = (None if one is None else change(one) for one in (self.scale, self.first, self.second))
        members = tuple(Factors(*map(change, factors)) for factors in self.members)
        return Learned(scale, first, second, tuple(map(change, self.mixes)), members)

    def layers(self, layers: Sequence[Layer]) -> Sequence[Layer]:
        """The layers, the first one times the scale of what it reads; those of members stand one behind the other."""
        if self.scale is not None:
            scale = 1 + FACTORS["input_scale"] * self.scale.unsqueeze(-1)
            layers = [Layer(layers[0].weights * scale, layers[0].biases), *layers[1:]]
        if not self.members:
            return layers
        return [factors.layers(layer) for factors, layer in zip(self.members, layers, strict=True)]

    def embedding(self, embedding: Embedding) -> Embedding:
        """The embedding with frequencies and phases that were learned."""
        if self.first is None or self.second is None:
            return embedding
        factor, shape = FACTORS["frequencies"], embedding.first.shape
        times = shape[0] // len(self.first)
        first, second = (factor * one.repeat_interleave(times, 0).view(shape) for one in (self.first, self.second))
        return replace(embedding, first=embedding.first + first, second=embedding.second + second)

    def activation(self, activation: Activations) -> Activations:
        """The activation, mixed with the identity unit by unit."""
        if not self.mixes:
            return activation
        times = self.members[0].biases.shape[1] // self.mixes[0].shape[1] if self.members else 1
        mixes = [1 + FACTORS["activation"] * one.unsqueeze(1).repeat_interleave(times, 0) for one in self.mixes]
        return tuple(bend._replace(mix=mix) for bend, mix in zip(bends(activation, len(mixes)), mixes, strict=True))


PLAIN = Learned()


def check_learned(names: Any, call: str) -> tuple[str, ...]:
    """The names of what is to be learned; refuses others."""
    given = (names,) if isinstance(names, str) else tuple(names)
    for name in given:
        if name not in FACTORS:
            choices = ", ".join(FACTORS)
            raise UsageError(f"{call}: must be some of {choices}.{did_you_mean(str(name), FACTORS)}")
    return tuple(name for name in FACTORS if name in given)


def sizes(design: Any, widths: Sequence[int], further: int) -> list[int]:
    """How many numbers each departure of a network has: widths of its layers, further features of its embedding."""
    waves = [further, further] if design.numeric_embedding == "periodic" and further else []
    parts = {"input_scale": [widths[0]], "frequencies": waves, "activation": list(widths[1:-1])}
    factors = [design.shared * size for a, b in pairwise(widths) for size in (a, b, b)] if design.shared > 1 else []
    return [size for name in design.learned for size in parts[name]] + factors


def learned_of(departures: Tensor, design: Any, widths: Sequence[int], further: int) -> Learned:
    """Views into the part of the buffer behind the layers, (networks, numbers)."""
    own = sizes(design, widths, further)
    parts = list(departures[:, : sum(own)].split(own, dim=1)) if own else []
    scale = parts.pop(0) if "input_scale" in design.learned else None
    waves = "frequencies" in design.learned and design.numeric_embedding == "periodic" and further
    first, second = (parts.pop(0), parts.pop(0)) if waves else (None, None)
    mixes = [parts.pop(0) for _ in widths[1:-1] if "activation" in design.learned]
    factors = tuple(Factors(*parts[place : place + 3]) for place in range(0, len(parts), 3))
    return Learned(scale, first, second, tuple(mixes), factors)


def apart(learned: Learned, seed: int) -> None:
    """Let the members of a shared network of this seed begin apart: factors of inputs and last units differ."""
    rng = np.random.default_rng([seed & 0xFFFFFFFF, seed >> 32, 6])
    for factors in (learned.members[0], learned.members[-1]) if learned.members else ():
        drawn = rng.normal(0, APART, size=factors.inputs.shape).astype(np.float32)
        factors.inputs.copy_(torch.from_numpy(drawn))


def as_numbers(activation: Activations, place: int = 0) -> Activations:
    """The activation of one network of a stack, with mixes as plain numbers."""
    if isinstance(activation, str):
        return activation
    mixes = [tuple(bend.mix[place].flatten().tolist()) if len(bend.mix) else () for bend in activation]
    return tuple(bend._replace(mix=mix) for bend, mix in zip(activation, mixes, strict=True))


def unlearned(activation: Activations) -> Activations:
    """The activation before it was mixed with the identity."""
    return activation if isinstance(activation, str) else tuple(bend._replace(mix=()) for bend in activation)


def goes_on(start: Network, design: Any) -> bool:
    """Whether hidden layers of this design can begin as those of a finished network."""
    hidden = len(start.layers) - 1
    same = bends(unlearned(start.activation), hidden) == bends(finished(design.built), hidden)
    return same and ("activation" in design.learned or unlearned(start.activation) == start.activation)


def put_back(learned: Learned, start: Network) -> None:
    """Write into departures, (1, numbers), what of a finished network is no part of its weights or its embedding."""
    for departure, bend in zip(learned.mixes, bends(start.activation, len(start.layers) - 1), strict=False):
        if bend.mix:
            departure.copy_((torch.tensor(bend.mix) - 1) / FACTORS["activation"])
