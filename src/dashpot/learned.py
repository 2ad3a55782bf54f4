"""What a network may learn beside weights and biases.

Each number is a departure from a plain network, times a factor: at 0, where it begins, it changes nothing, and a decay
pulls back to that. Under Adam a factor of 6 makes it move six times as fast as a weight. Departures lie behind the
layers in a stack's flat buffer, so whatever keeps, averages or restores parameters does the same with them. When a
network is finished they become part of its weights, its embedding and its activation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from dashpot.embeddings import Embedding
from dashpot.errors import UsageError, did_you_mean
from dashpot.networks import Activations, Layer, Network, bends, finished

# Holzmüller et al. (2024): six times the learning rate for scales; theirs for the others comes to about ours.
FACTORS = {"input_scale": 6.0, "frequencies": 1.0, "activation": 1.0}


class Learned(NamedTuple):
    """Departures of a stack of networks, (networks, numbers) each; None or () where nothing of this kind is learned.

    Attributes
    ----------
    scale : of a factor for each feature that the first layer reads
    first, second : of the arrays of a numeric embedding
    mixes : of the share of the activation in each unit, a tensor for each hidden layer
    """

    scale: Tensor | None = None
    first: Tensor | None = None
    second: Tensor | None = None
    mixes: tuple[Tensor, ...] = ()

    def tensors(self) -> list[Tensor]:
        """All that there are, in the order of the buffer."""
        return [*(one for one in self[:3] if one is not None), *self.mixes]

    def each(self, change: Callable[[Tensor], Tensor]) -> Learned:
        """The same with other tensors."""
        scale, first, second = (one if one is None else change(one) for one in self[:3])
        return Learned(scale, first, second, tuple(map(change, self.mixes)))

    def layers(self, layers: Sequence[Layer]) -> Sequence[Layer]:
        """The layers; weights of the first are times the scale of the feature that they read."""
        if self.scale is None:
            return layers
        scale = 1 + FACTORS["input_scale"] * self.scale.unsqueeze(-1)
        return [Layer(layers[0].weights * scale, layers[0].biases), *layers[1:]]

    def embedding(self, embedding: Embedding) -> Embedding:
        """The embedding with frequencies and phases that were learned."""
        if self.first is None or self.second is None:
            return embedding
        factor, shape = FACTORS["frequencies"], embedding.first.shape
        first, second = (factor * one.view(shape) for one in (self.first, self.second))
        return replace(embedding, first=embedding.first + first, second=embedding.second + second)

    def activation(self, activation: Activations) -> Activations:
        """The activation, mixed with the identity unit by unit."""
        if not self.mixes:
            return activation
        mixes = [1 + FACTORS["activation"] * one.unsqueeze(1) for one in self.mixes]
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
    return [size for name in design.learned for size in parts[name]]


def learned_of(departures: Tensor, design: Any, widths: Sequence[int], further: int) -> Learned:
    """Views into the part of the buffer behind the layers, (networks, numbers)."""
    if not design.learned:
        return PLAIN
    own = sizes(design, widths, further)
    parts = list(departures[:, : sum(own)].split(own, dim=1))
    scale = parts.pop(0) if "input_scale" in design.learned else None
    mixes = tuple(parts[-len(widths[1:-1]) :]) if "activation" in design.learned and widths[1:-1] else ()
    first, second = parts[: len(parts) - len(mixes)] or (None, None)
    return Learned(scale, first, second, mixes)


def as_numbers(activation: Activations) -> Activations:
    """The activation of a stack of one, with mixes as plain numbers."""
    if isinstance(activation, str):
        return activation
    return tuple(bend._replace(mix=tuple(torch.as_tensor(bend.mix).flatten().tolist())) for bend in activation)


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
