"""What the code of an autoencoder is like: tied to its decoder, of unrelated numbers, or noisy and normal."""

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
from dashpot.randomness import Draws, draws
from dashpot.ranges import require
from dashpot.regularizers.base import Range, Regularizer, spread
from dashpot.regularizers.depths import FELT, UNITS, changed, depths, has_units, require_layers

__doctest__ = (torch, draws)  # names that the examples below use
WIDEST = 10.0  # logarithms of variances beyond count as this


@dataclass(frozen=True)
class TiedWeights(Regularizer):
    """Draw the weights of each layer and of its mirror image, transposed, to their mean after each step.

    The mirror image of the first layer is the last, that of the second the last but one, and so on; a square layer in
    the middle is its own, and becomes symmetric. Layers whose shapes do not mirror each other are left alone.
    `Autoencoder(tied=True)` also begins with tied weights.

    Parameters
    ----------
    strength : float in [0, 1], default 1.0
        Share of the way to the mean. 1 ties the weights exactly, 0 is off.

    References
    ----------
    Vincent et al. (2010), JMLR 11 (tied weights of autoencoders).

    Examples
    --------
    >>> layers = [Layer(torch.ones(1, 3, 2), torch.zeros(1, 1, 2)), Layer(torch.zeros(1, 2, 3), torch.zeros(1, 1, 3))]
    >>> encoder, decoder = TiedWeights().constrain(layers, None)
    >>> torch.equal(encoder.weights, decoder.weights.transpose(1, 2)), float(encoder.weights.mean())
    (True, 0.5)
    """

    strength: float = 1.0
    off: ClassVar = {"strength": 0.0}
    ranges: ClassVar = {"strength": Range(0.01, 1.0)}

    def __post_init__(self) -> None:
        """Check the range."""
        require(self, "strength", at_least=0, at_most=1)

    def constrain(self, layers: Sequence[Layer], step: Step) -> list[Layer]:
        """Each layer nearer to the mean of itself and its mirror image."""
        return [self._drawn(layer, image) for layer, image in zip(layers, reversed(layers), strict=True)]

    def _drawn(self, layer: Layer, image: Layer) -> Layer:
        """A layer nearer to the mean; one that has no image stays."""
        mirrored = image.weights.transpose(1, 2)
        if layer.weights.shape != mirrored.shape:
            return layer
        share, mean = spread(self.strength, mirrored), (layer.weights + mirrored) / 2
        return Layer((1 - share) * layer.weights + share * mean, layer.biases)


@dataclass(frozen=True)
class Decorrelation(Regularizer):
    """Add strength * the mean squared correlation between two units of a layer, over the rows of a batch.

    A linear code of an `Autoencoder` is turned to uncorrelated numbers anyway; this is for bounded and for hidden ones.

    Parameters
    ----------
    strength : float, at least 0, default 0.1
        Loss where all units are the same. 0 turns it off.
    layers : {"hidden", "first", "middle", "none"} or int, default "hidden"
        Which hidden layers, or the number of one, from 1 on. The middle one is the code of an autoencoder.

    References
    ----------
    Cogswell et al. (2016), Reducing overfitting in deep networks by decorrelating representations, ICLR (of
    covariances).

    Examples
    --------
    >>> same, unrelated = torch.ones(1, 4, 2), torch.ones(1, 4, 2)
    >>> same[0, :2], unrelated[0, :2, 0], unrelated[0, ::2, 1] = -1.0, -1.0, -1.0
    >>> [round(Decorrelation(0.1).penalty([], [same, code]).item(), 4) for code in (same, unrelated)]
    [0.1, 0.0]
    """

    strength: float = 0.1
    layers: str | int = "hidden"
    off: ClassVar = {"strength": 0.0}
    ranges: ClassVar = {"strength": Range(0.01, 1.0)}

    def __post_init__(self) -> None:
        """Check the range."""
        require(self, "strength", at_least=0, below=math.inf)
        require_layers(self, FELT)

    def penalty(self, layers: Sequence[Layer], units: Sequence[Tensor]) -> Tensor:
        """strength * mean squared correlation, summed over the layers, (networks,)."""
        related = [_related(units[depth]) for depth in depths(self.layers, len(units) - 1)]
        return self.strength * (torch.stack(related).sum(0) if related else units[0].new_zeros(len(units[0])))


def _related(units: Tensor) -> Tensor:
    """The mean squared correlation between two different units (networks, batch, width), (networks,)."""
    width = units.shape[2]
    if width == 1:
        return units.new_zeros(len(units))
    centred = units - units.mean(1, keepdim=True)
    lengths = centred.square().sum(1, keepdim=True)
    scaled = functional.pad(centred * (lengths + 1e-6).rsqrt(), (0, -width % VECTOR))
    squares = torch.bmm(scaled.transpose(1, 2), scaled).square()
    own = squares.diagonal(dim1=1, dim2=2).sum(1)
    return (squares.sum((1, 2)) - own).clamp(min=0) / (width * (width - 1))


@dataclass(frozen=True)
class VariationalCode(Regularizer):
    """Make a layer noisy, and its units standard normal over the rows: the code of a variational autoencoder.

    Half of the layer's units are means, the other half logarithms of variances. In training the next layer sees
    mean + standard deviation * normal noise, and nothing of the variances; in prediction it sees the means. The
    penalty is strength * 2 / inputs * (Kullback-Leibler divergence of these normals from the standard normal, in nats,
    mean over the rows). With the mean squared error of an `Autoencoder`, that is the negative evidence bound of a
    decoder whose cells have noise of variance `strength`: a straight one keeps the principal components whose variance
    is larger than that. `Autoencoder(code="variational")` sets it on its code.

    Parameters
    ----------
    strength : float, at least 0, default 0.2
        Variance of a cell, in units of its spread, that counts as noise. 0 turns it off.
    layers : {"hidden", "first", "none"} or int, default "first"
        Which hidden layer, or the number of one, from 1 on.

    References
    ----------
    Kingma and Welling (2014), ICLR; Lucas, Tucker, Grosse and Norouzi (2019), NeurIPS 32 (straight ones); Alemi et al.
    (2017), ICLR (of classifiers).

    Examples
    --------
    >>> code = torch.tensor([2.0, 0.0]).expand(1, 1000, 2)  # a mean of 2 and a variance of 1
    >>> seen = VariationalCode(layers=1).perturb_units(code, 1, draws(seed=0))
    >>> seen[..., 0].mean().round(decimals=1), seen[..., 0].std().round(decimals=1), seen[0, 0, 1]
    (tensor(2.), tensor(1.), tensor(2.))
    """

    strength: float = 0.2
    layers: str | int = "first"
    off: ClassVar = {"strength": 0.0}
    ranges: ClassVar = {"strength": Range(0.03, 1.0)}

    def __post_init__(self) -> None:
        """Check the range."""
        require(self, "strength", at_least=0, below=math.inf)
        require_layers(self, UNITS)

    def perturb_units(self, units: Tensor, depth: int, rng: Draws) -> Tensor:
        """Means with noise; in place of the variances, which no layer sees, the divergence, for the penalty."""
        if not has_units(self.layers, depth):
            return units
        mean, spare, rest = divided(units)
        variance = spare.clamp(-WIDEST, WIDEST)
        noise = (variance / 2).exp() * rng.normal(mean.shape).to(units)
        divergence = (mean.square() + variance.exp() - variance - 1) / 2
        noisy = torch.cat([mean + noise, divergence.clamp(min=0), rest], dim=-1)
        return torch.where(torch.as_tensor(spread(self.strength, units) > 0), noisy, units)

    def penalty(self, layers: Sequence[Layer], units: Sequence[Tensor]) -> Tensor:
        """The divergence, summed over the code, mean over the rows, (networks,)."""
        chosen = [units[depth] for depth in depths(self.layers, len(units) - 1)]
        sums = [divided(one)[1].clamp(min=0).sum(2).mean(1) for one in chosen]
        total = torch.stack(sums).sum(0) if sums else units[0].new_zeros(len(units[0]))
        return 2 * self.strength / units[0].shape[2] * total

    def constrain(self, layers: Sequence[Layer], step: Step) -> list[Layer]:
        """No weight leads from a variance to the next layer."""
        after = [depth + 1 for depth in depths(self.layers, len(layers) - 1)]
        for number in after:
            layers = changed(layers, number, lambda layer, _: Layer(self._blinded(layer.weights), layer.biases))
        return list(layers)

    def _blinded(self, weights: Tensor) -> Tensor:
        """Weights (networks, inputs, outputs) of the layer behind, without those of the variances."""
        mean, spare, rest = divided(weights.transpose(1, 2))
        blind = torch.cat([mean, torch.zeros_like(spare), rest], dim=-1).transpose(1, 2)
        return torch.where(torch.as_tensor(spread(self.strength, weights) > 0), blind, weights)


def divided(units: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Means, logarithms of variances, and an odd unit that is neither, (..., width)."""
    half = units.shape[-1] // 2
    mean, spare, rest = units.split([half, half, units.shape[-1] - 2 * half], dim=-1)
    return mean, spare, rest
