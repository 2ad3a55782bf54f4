"""The singular values of weights, and the size of activations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from dashpot.networks import VECTOR, Layer
from dashpot.optimizers import Step
from dashpot.randomness import draws
from dashpot.ranges import require
from dashpot.regularizers.base import Range, Regularizer, spread
from dashpot.regularizers.depths import FELT, changed, chosen, depths, require_layers

VECTORS = 8  # that the power iteration moves at once: a matrix product of this width costs little more than of one


@dataclass(frozen=True)
class Orthogonality(Regularizer):
    """Add strength * |W'W - 1|^2 to the loss: singular values near one, so that layers keep lengths and gradients.

    The squared Frobenius norm, on the smaller side of every chosen layer; summed over the layers.

    Parameters
    ----------
    strength : float, at least 0, default 1e-3
        0 turns it off.
    layers : {"all", "first", "hidden", "output", "none"} or int, default "hidden"
        Which layers of weights, or the number of one, from 1 on. Several of a kind give a strength per layer.

    References
    ----------
    Brock et al. (2017), ICLR; Bansal, Chen and Wang (2018), NeurIPS 31 (soft orthogonality).

    Examples
    --------
    >>> layers = [Layer(2 * torch.eye(3)[None], torch.zeros(1, 1, 3))]
    >>> Orthogonality(0.1, layers="all").penalty(layers, [])
    tensor([2.7000])
    """

    strength: float = 1e-3
    layers: str | int = "hidden"
    off: ClassVar = {"strength": 0.0}
    ranges: ClassVar = {"strength": Range(1e-4, 1e-2)}

    def __post_init__(self) -> None:
        """Check the range."""
        require(self, "strength", at_least=0, below=math.inf)
        require_layers(self)

    def penalty(self, layers: Sequence[Layer], units: Sequence[Tensor]) -> Tensor:
        """strength * squared distance from orthogonal, (networks,)."""
        distances = [_distance(layer.weights) for layer in chosen(layers, self.layers)]
        total = torch.stack(distances).sum(0) if distances else layers[0].weights.new_zeros(len(layers[0].weights))
        return self.strength * total


def _distance(weights: Tensor) -> Tensor:
    """|W'W - 1|^2 of each network, or |WW' - 1|^2 where a layer widens, (networks,)."""
    tall = weights if weights.shape[1] >= weights.shape[2] else weights.transpose(1, 2)
    if tall.shape[2] == 1:  # products with an axis of length 1 may round differently in another stack
        return (tall.square().sum((1, 2)) - 1).square()
    width = tall.shape[2]
    wide = functional.pad(tall, (0, -width % VECTOR))  # or products would round by where a network stands in the stack
    one = torch.eye(width, dtype=tall.dtype, device=tall.device)
    return (torch.bmm(wide.transpose(1, 2), wide)[:, :width, :width] - one).square().sum((1, 2))


@dataclass(frozen=True)
class SpectralNorm(Regularizer):
    """Keep the largest singular value of a layer's weights at most `limit`: a larger one is scaled back at each step.

    A layer then stretches no input by more than `limit`. The largest singular value is found by power iteration with
    eight vectors from a fixed start. It is never too large; on random weights, whose singular values lie close, it is
    too small by 2 % on average and 8 % at worst, and so is the limit that is kept.

    Parameters
    ----------
    limit : float above 0, default 2.0
        Largest singular value. inf turns it off.
    layers : {"all", "first", "hidden", "output", "none"} or int, default "all"
        Which layers of weights, or the number of one, from 1 on.

    References
    ----------
    Yoshida and Miyato (2017), arXiv:1705.10941; Gouk et al. (2021), Machine Learning 110 (as a limit).

    Examples
    --------
    >>> layers = [Layer(torch.diag(torch.tensor([4.0, 1.0]))[None], torch.zeros(1, 1, 2))]
    >>> SpectralNorm(2.0).constrain(layers, None)[0].weights
    tensor([[[2.0000, 0.0000],
             [0.0000, 0.5000]]])
    """

    limit: float = 2.0
    layers: str | int = "all"
    off: ClassVar = {"limit": math.inf}
    ranges: ClassVar = {"limit": Range(4.0, 0.5)}

    def __post_init__(self) -> None:
        """Check the range."""
        require(self, "limit", above=0)
        require_layers(self)

    def constrain(self, layers: Sequence[Layer], step: Step) -> list[Layer]:
        """Scale back what stretches too much."""

        def limited(layer: Layer, _: int) -> Layer:
            largest = largest_singular_value(layer.weights)[:, None, None]
            factor = (spread(self.limit, layer.weights) / (largest + 1e-12)).clamp(max=1)
            return Layer(layer.weights * factor, layer.biases)

        return changed(layers, self.layers, limited)


def largest_singular_value(weights: Tensor, iterations: int = 6) -> Tensor:
    """Of each network's weights (networks, inputs, outputs), from below, (networks,)."""
    if 1 in weights.shape[1:]:
        return torch.linalg.vector_norm(weights, dim=(1, 2))
    small = weights if weights.shape[1] >= weights.shape[2] else weights.transpose(1, 2)
    start = draws(seed=0).normal((1, small.shape[2], VECTORS)).to(weights)
    vectors = functional.pad(start, (0, -VECTORS % VECTOR)).expand(len(weights), -1, -1)
    for _ in range(iterations):
        vectors = functional.normalize(vectors, dim=1, eps=1e-30)
        vectors = torch.bmm(small.transpose(1, 2), torch.bmm(small, vectors))
    vectors = functional.normalize(vectors, dim=1, eps=1e-30)
    return torch.linalg.vector_norm(torch.bmm(small, vectors), dim=1).amax(1)


@dataclass(frozen=True)
class Activity(Regularizer):
    """Add strength * sum of |units| to the loss, the mean over a batch: few hidden units answer to a row.

    On the code of an autoencoder it gives sparse codes: `Activity(0.1, layers="middle")`.

    Parameters
    ----------
    strength : float, at least 0, default 1e-3
        Loss per unit of activation. 0 turns it off.
    layers : {"hidden", "first", "middle", "none"} or int, default "hidden"
        Which hidden layers, or the number of one, from 1 on. The middle one is the code of an autoencoder.

    References
    ----------
    Olshausen and Field (1996), Nature 381; Glorot, Bordes and Bengio (2011), AISTATS.

    Examples
    --------
    >>> Activity(0.1).penalty([], [torch.ones(1, 8, 5), -torch.ones(1, 8, 3)])
    tensor([0.3000])
    """

    strength: float = 1e-3
    layers: str | int = "hidden"
    off: ClassVar = {"strength": 0.0}
    ranges: ClassVar = {"strength": Range(1e-4, 1e-2)}

    def __post_init__(self) -> None:
        """Check the range."""
        require(self, "strength", at_least=0, below=math.inf)
        require_layers(self, FELT)

    def penalty(self, layers: Sequence[Layer], units: Sequence[Tensor]) -> Tensor:
        """strength * sum over units, mean over rows, (networks,)."""
        sums = [units[depth].abs().sum(2).mean(1) for depth in depths(self.layers, len(units) - 1)]
        return self.strength * (torch.stack(sums).sum(0) if sums else units[0].new_zeros(len(units[0])))
