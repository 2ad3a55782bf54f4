"""Noise in training, never in prediction."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from dashpot.networks import Layer
from dashpot.randomness import Draws, draws
from dashpot.ranges import require, require_choice
from dashpot.regularizers.base import SCHEDULES, Range, Regularizer, spread, with_fields
from dashpot.regularizers.columns import source_of
from dashpot.regularizers.depths import changed, has_units, require_layers
from dashpot.regularizers.mixing import other_rows

if TYPE_CHECKING:
    from dashpot.tables.encode import Inputs

__doctest__ = (torch, draws)  # names that the examples below use

TARGETS = ("inputs", "weights", "activations", "labels")
KINDS = ("gaussian", "uniform", "multiplicative", "masking", "salt_and_pepper", "swap")
PROBABLE = ("masking", "salt_and_pepper", "swap")  # kinds whose level is a probability


@dataclass(frozen=True)
class Noise(Regularizer):
    """Disturb inputs, weights, activations or labels at each training step.

    Parameters
    ----------
    target : {"inputs", "weights", "activations", "labels"}, default "inputs"
        What is disturbed. Weights: the noise is redrawn at each step and is relative to the
        root mean square of a layer's weights. Labels of classes: a label is
        replaced by a random class with probability `level`.
    kind : {"gaussian", "uniform", "multiplicative", "masking", "salt_and_pepper", "swap"}, default "gaussian"
        Gaussian and uniform noise of standard deviation `level` is added; multiplicative noise multiplies by a normal
        number with mean 1 and that deviation. With probability `level`, masking sets a value to 0 (the column's
        centre), salt and pepper to the smallest or the largest of its column in the batch, and swap to that of another
        row of the batch. Inputs of one source column (all levels of a category) are swapped together. For
        weights, a column is all that leads to one unit.
    level : float, at least 0, default 0.1
        In units of a standardized column, of a layer's weights, of an activation, or of the target's spread; a
        probability for masking, salt and pepper, swap, and for labels of classes. 0 turns it off.
    layers : {"all", "first", "hidden", "output", "none"} or int, default "all"
        Of weights and activations: which layers, or the number of one, from 1 on.
    schedule : {"constant", "rising", "falling", "cosine", "flat_cosine"}, default "constant"
        How the level moves over the epochs, between 0 and itself.

    References
    ----------
    Bishop (1995), Neural Computation 7 (inputs); Graves (2011), NIPS (weights); Vincent et al. (2010), JMLR 11
    (masking, salt and pepper); Yoon et al. (2020), NeurIPS 33 (swap).

    Examples
    --------
    >>> Noise("inputs", level=0.5).perturb_units(torch.zeros(1, 64, 64), 0, draws(seed=0)).std() > 0.4
    tensor(True)
    """

    target: str = "inputs"
    kind: str = "gaussian"
    level: float = 0.1
    layers: str | int = "all"
    schedule: str = "constant"
    source: Tensor | None = field(default=None, init=False, repr=False, compare=False)
    off: ClassVar = {"level": 0.0}
    ranges: ClassVar = {"level": Range(0.03, 0.3)}

    def __post_init__(self) -> None:
        """Check the words and the range."""
        require_choice(self, "target", TARGETS)
        require_choice(self, "kind", KINDS)
        require(self, "level", at_least=0, below=1 if self.kind in PROBABLE else math.inf)
        require_layers(self)
        require_choice(self, "schedule", tuple(SCHEDULES))

    def bind(self, columns: Inputs) -> Regularizer:
        """Learn the source columns."""
        return with_fields(self, {"source": source_of(columns)})

    def perturb_weights(self, layers: Sequence[Layer], rng: Draws) -> Sequence[Layer]:
        """Disturb weights, in units of the layer's root mean square; biases stay."""
        if self.target != "weights":
            return layers
        return changed(
            layers,
            self.layers,
            lambda layer, depth: Layer(
                self._disturbed(layer.weights, rng.at(depth), unit_of(layer.weights)), layer.biases
            ),
        )

    def perturb_units(self, units: Tensor, depth: int, rng: Draws) -> Tensor:
        """Disturb the input, or hidden units."""
        if depth == 0:
            return self._disturbed(units, rng, source=self.source) if self.target == "inputs" else units
        return self._disturbed(units, rng) if self.target == "activations" and has_units(self.layers, depth) else units

    def augment(self, inputs: Tensor, targets: Tensor, rng: Draws) -> tuple[Tensor, Tensor]:
        """Disturb labels: another class, or a number nearby."""
        if self.target != "labels":
            return inputs, targets
        if self.kind == "swap":  # all outputs of a row come from the same other row
            return inputs, self._disturbed(targets, rng, source=torch.zeros(targets.shape[2], dtype=torch.int64))
        classes = ((targets == 0) | (targets == 1)).all(2, keepdim=True).all(1, keepdim=True)  # of each network
        return inputs, torch.where(classes, self._relabelled(targets, rng), self._disturbed(targets, rng))

    def _disturbed(
        self, values: Tensor, rng: Draws, unit: float | Tensor = 1.0, source: Tensor | None = None
    ) -> Tensor:
        """Values (networks, rows, columns) with noise of this kind; `unit` is what level 1 means."""
        level = spread(self.level, values)
        if self.kind == "swap":
            return swapped(values, self.level, source, rng)
        if self.kind == "salt_and_pepper":
            stays = rng.chance(1 - self.level, values.shape) > 0
            pepper = rng.at("pepper").chance(0.5, values.shape) > 0
            lowest, highest = values.detach().amin(1, keepdim=True), values.detach().amax(1, keepdim=True)
            return torch.where(stays, values, torch.where(pepper, lowest, highest))
        if self.kind == "masking":
            return values * rng.chance(1 - self.level, values.shape)
        if self.kind == "multiplicative":
            return torch.addcmul(values, values, (level * rng.normal(values.shape)).to(values))
        if self.kind == "uniform":
            return added(values, level * unit * math.sqrt(12), rng.uniform(values.shape) - 0.5)
        return added(values, level * unit, rng.normal(values.shape))

    def _relabelled(self, targets: Tensor, rng: Draws) -> Tensor:
        """Each row's label replaced, with probability `level`, by a class drawn at random."""
        networks, batch, outputs = targets.shape
        replaced = rng.at("which").uniform((networks, batch, 1)) < spread(self.level, targets)
        classes = max(outputs, 2)
        drawn = (rng.at("class").uniform((networks, batch)) * classes).long()
        other = torch.nn.functional.one_hot(drawn, classes).to(targets.dtype)[..., -outputs:]
        return torch.where(replaced, other, targets)


def added(values: Tensor, level: float | Tensor, noise: Tensor) -> Tensor:
    """values + level * noise, in one pass over the numbers."""
    return torch.addcmul(values, noise.to(values), torch.as_tensor(level).to(values))


def swapped(values: Tensor, level: float | Tensor, source: Tensor | None, rng: Draws) -> Tensor:
    """Values (networks, rows, columns), each taken from another row with probability `level`.

    Columns of one source are taken together.
    """
    networks, rows, width = values.shape
    shape = (networks, rows, width if source is None else int(source.max()) + 1)
    taken, other = rng.chance(level, shape) > 0, other_rows(shape, rng.at("row"))
    if source is not None:
        taken, other = taken[:, :, source], other[:, :, source]
    return torch.where(taken, values.gather(1, other), values)


def unit_of(weights: Tensor) -> Tensor:
    """The root mean square of each network's weights in a layer, (networks, 1, 1); no gradient flows through it."""
    norm = torch.linalg.vector_norm(weights.detach(), dim=(1, 2), keepdim=True)
    return norm / math.sqrt(weights.shape[1] * weights.shape[2])
