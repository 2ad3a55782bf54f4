"""Noise in training, never in prediction."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from dashpot.networks import Layer
from dashpot.randomness import Draws, draws
from dashpot.ranges import require, require_choice
from dashpot.regularizers.base import Range, Regularizer, spread

__doctest__ = (torch, draws)  # names that the examples below use

TARGETS = ("inputs", "weights", "activations", "labels")
KINDS = ("gaussian", "uniform", "multiplicative", "masking")


@dataclass(frozen=True)
class Noise(Regularizer):
    """Disturb inputs, weights, activations or labels at each training step.

    Parameters
    ----------
    target : {"inputs", "weights", "activations", "labels"}, default "inputs"
        What is disturbed. Weights: the noise is redrawn at each step and is relative to the
        root mean square of a layer's weights. Labels of classes: a label is
        replaced by a random class with probability `level`.
    kind : {"gaussian", "uniform", "multiplicative", "masking"}, default "gaussian"
        Gaussian and uniform noise of standard deviation `level` is added; multiplicative noise multiplies by a normal
        number with mean 1 and that deviation; masking sets to 0 with probability `level`.
    level : float, at least 0, default 0.1
        In units of a standardized column, of a layer's weights, of an activation, or of the target's spread; a
        probability for masking and for labels of classes. 0 turns it off.

    References
    ----------
    Bishop (1995), Neural Computation 7 (inputs); Graves (2011), NIPS (weights); Vincent et al. (2008), ICML (masking).

    Examples
    --------
    >>> Noise("inputs", level=0.5).perturb_units(torch.zeros(1, 64, 64), 0, draws(seed=0)).std() > 0.4
    tensor(True)
    """

    target: str = "inputs"
    kind: str = "gaussian"
    level: float = 0.1
    off: ClassVar = {"level": 0.0}
    ranges: ClassVar = {"level": Range(0.03, 0.3)}

    def __post_init__(self) -> None:
        """Check the words and the range."""
        require_choice(self, "target", TARGETS)
        require_choice(self, "kind", KINDS)
        probability = self.kind == "masking"
        require(self, "level", at_least=0, below=1 if probability else math.inf)

    def perturb_weights(self, layers: Sequence[Layer], rng: Draws) -> Sequence[Layer]:
        """Disturb weights, in units of the layer's root mean square; biases stay."""
        if self.target != "weights":
            return layers
        return [
            Layer(self._disturbed(layer.weights, rng.at(depth), unit_of(layer.weights)), layer.biases)
            for depth, layer in enumerate(layers)
        ]

    def perturb_units(self, units: Tensor, depth: int, rng: Draws) -> Tensor:
        """Disturb the input, or hidden units."""
        wanted = "inputs" if depth == 0 else "activations"
        return self._disturbed(units, rng) if self.target == wanted else units

    def augment(self, inputs: Tensor, targets: Tensor, rng: Draws) -> tuple[Tensor, Tensor]:
        """Disturb labels: another class, or a number nearby."""
        if self.target != "labels":
            return inputs, targets
        classes = ((targets == 0) | (targets == 1)).all(2, keepdim=True).all(1, keepdim=True)  # of each network
        return inputs, torch.where(classes, self._relabelled(targets, rng), self._disturbed(targets, rng))

    def _disturbed(self, values: Tensor, rng: Draws, unit: float | Tensor = 1.0) -> Tensor:
        """Values (networks, ...) with noise of this kind; `unit` is what level 1 means."""
        level = spread(self.level, values)
        if self.kind == "masking":
            return values * rng.chance(1 - self.level, values.shape)
        if self.kind == "multiplicative":
            return values * (1 + level * rng.normal(values.shape))
        if self.kind == "uniform":
            return values + level * unit * (rng.uniform(values.shape) - 0.5) * math.sqrt(12)
        return values + level * unit * rng.normal(values.shape)

    def _relabelled(self, targets: Tensor, rng: Draws) -> Tensor:
        """Each row's label replaced, with probability `level`, by a class drawn at random."""
        networks, batch, outputs = targets.shape
        replaced = rng.at("which").uniform((networks, batch, 1)) < spread(self.level, targets)
        classes = max(outputs, 2)
        drawn = (rng.at("class").uniform((networks, batch)) * classes).long()
        other = torch.nn.functional.one_hot(drawn, classes).to(targets.dtype)[..., -outputs:]
        return torch.where(replaced, other, targets)


def unit_of(weights: Tensor) -> Tensor:
    """The root mean square of each network's weights in a layer, (networks, 1, 1); no gradient flows through it."""
    return weights.detach().square().mean((1, 2), keepdim=True).sqrt()
