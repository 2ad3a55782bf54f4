"""The first weights. Biases begin at zero."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from dashpot.networks import Activations, Layer, linear
from dashpot.randomness import Draws, draws
from dashpot.ranges import require, require_choice
from dashpot.regularizers.base import Regularizer
from dashpot.regularizers.depths import changed, positions, require_layers
from dashpot.regularizers.recipe import Recipe

SAME = 1e-5  # of its size: a unit that spreads less over the rows is constant

__doctest__ = (torch, draws)  # names that the examples below use


@dataclass(frozen=True)
class Initializer(Regularizer):
    """Base of the initializers: a rule for the weights of one layer.

    Parameters
    ----------
    layers : {"all", "first", "hidden", "output", "none"} or int, default "all"
        Which layers begin this way, or the number of one, from 1 on; "none" leaves every layer as it was.
    """

    layers: str | int = "all"
    off: ClassVar = {"layers": "none"}

    def __post_init__(self) -> None:
        """Check the word."""
        require_layers(self)

    def initialize(self, layers: Sequence[Layer], rng: Draws) -> list[Layer]:
        """New weights and zero biases for the chosen layers."""

        def begun(layer: Layer, depth: int) -> Layer:
            weights = self.weights(layer.weights, rng.at(depth)).to(layer.weights)
            return Layer(weights, torch.zeros_like(layer.biases))

        return changed(layers, self.layers, begun)

    def weights(self, like: Tensor, rng: Draws) -> Tensor:
        """First weights of one layer, shaped like (networks, inputs, outputs)."""
        raise NotImplementedError


@dataclass(frozen=True)
class Zero(Initializer):
    """All weights zero. The hidden units of a layer then stay equal for ever: a lesson, not a recipe.

    Zero(layers="output") is a common and harmless start.

    Parameters
    ----------
    layers : {"all", "first", "hidden", "output", "none"} or int, default "all"
        Which layers begin this way, or the number of one, from 1 on; "none" turns it off.

    References
    ----------
    Goodfellow, Bengio and Courville (2016), Deep Learning, section 8.4.

    Examples
    --------
    >>> Zero().weights(torch.ones(1, 2, 2), draws(seed=0)).sum()
    tensor(0.)
    """

    def weights(self, like: Tensor, rng: Draws) -> Tensor:
        """Zeros."""
        return torch.zeros_like(like)


@dataclass(frozen=True)
class Gaussian(Initializer):
    """Normal weights with mean 0 and one standard deviation for all layers.

    Parameters
    ----------
    layers : {"all", "first", "hidden", "output", "none"} or int, default "all"
        Which layers begin this way, or the number of one, from 1 on; "none" turns it off.
    deviation : float above 0, default 0.05
        Standard deviation of a weight.

    References
    ----------
    Krizhevsky, Sutskever and Hinton (2012), NIPS 25 (deviation 0.01).

    Examples
    --------
    >>> Gaussian(deviation=2.0).weights(torch.ones(1, 64, 64), draws(seed=0)).std().round()
    tensor(2.)
    """

    deviation: float = 0.05

    def __post_init__(self) -> None:
        """Check the word and the range."""
        super().__post_init__()
        require(self, "deviation", above=0, below=math.inf)

    def weights(self, like: Tensor, rng: Draws) -> Tensor:
        """Normal draws."""
        return self.deviation * rng.normal(like.shape)


@dataclass(frozen=True)
class Uniform(Initializer):
    """Uniform weights between -limit and limit, for all layers.

    Parameters
    ----------
    layers : {"all", "first", "hidden", "output", "none"} or int, default "all"
        Which layers begin this way, or the number of one, from 1 on; "none" turns it off.
    limit : float above 0, default 0.05
        Largest absolute weight.

    References
    ----------
    LeCun, Bottou, Orr and Müller (1998), Efficient BackProp.

    Examples
    --------
    >>> bool(Uniform(limit=2.0).weights(torch.ones(1, 64, 64), draws(seed=0)).abs().max() <= 2)
    True
    """

    limit: float = 0.05

    def __post_init__(self) -> None:
        """Check the word and the range."""
        super().__post_init__()
        require(self, "limit", above=0, below=math.inf)

    def weights(self, like: Tensor, rng: Draws) -> Tensor:
        """Uniform draws."""
        return self.limit * (2 * rng.uniform(like.shape) - 1)


@dataclass(frozen=True)
class Scaled(Initializer):
    """Base of the initializers whose variance follows from the width of a layer."""

    distribution: str = "normal"

    def __post_init__(self) -> None:
        """Check the words."""
        super().__post_init__()
        require_choice(self, "distribution", ("normal", "uniform"))

    def variance(self, inputs: int, outputs: int) -> float:
        """Variance of a weight between layers of these widths."""
        raise NotImplementedError

    def weights(self, like: Tensor, rng: Draws) -> Tensor:
        """Normal or uniform draws of that variance."""
        deviation = math.sqrt(self.variance(like.shape[1], like.shape[2]))
        if self.distribution == "normal":
            return deviation * rng.normal(like.shape)
        return deviation * math.sqrt(3) * (2 * rng.uniform(like.shape) - 1)


@dataclass(frozen=True)
class Glorot(Scaled):
    """Variance 2 / (inputs + outputs): keeps signals and gradients alike under tanh. Also called Xavier.

    Parameters
    ----------
    layers : {"all", "first", "hidden", "output", "none"} or int, default "all"
        Which layers begin this way, or the number of one, from 1 on; "none" turns it off.
    distribution : {"normal", "uniform"}, default "normal"

    References
    ----------
    Glorot and Bengio (2010), AISTATS.

    Examples
    --------
    >>> Glorot().variance(3, 5)
    0.25
    """

    def variance(self, inputs: int, outputs: int) -> float:
        """2 / (inputs + outputs)."""
        return 2 / (inputs + outputs)


@dataclass(frozen=True)
class He(Scaled):
    """Variance 2 / inputs: keeps signals alike under ReLU.

    Parameters
    ----------
    layers : {"all", "first", "hidden", "output", "none"} or int, default "all"
        Which layers begin this way, or the number of one, from 1 on; "none" turns it off.
    distribution : {"normal", "uniform"}, default "normal"

    References
    ----------
    He, Zhang, Ren and Sun (2015), ICCV.

    Examples
    --------
    >>> He().variance(8, 5)
    0.25
    """

    def variance(self, inputs: int, outputs: int) -> float:
        """2 / inputs."""
        return 2 / inputs


@dataclass(frozen=True)
class LeCun(Scaled):
    """Variance 1 / inputs: keeps signals alike under SELU and near the middle of tanh.

    Parameters
    ----------
    layers : {"all", "first", "hidden", "output", "none"} or int, default "all"
        Which layers begin this way, or the number of one, from 1 on; "none" turns it off.
    distribution : {"normal", "uniform"}, default "normal"

    References
    ----------
    LeCun, Bottou, Orr and Müller (1998), Efficient BackProp.

    Examples
    --------
    >>> LeCun().variance(8, 5)
    0.125
    """

    def variance(self, inputs: int, outputs: int) -> float:
        """1 / inputs."""
        return 1 / inputs


@dataclass(frozen=True)
class Orthogonal(Initializer):
    """A random orthogonal matrix times `gain`: lengths are kept through a linear layer.

    Parameters
    ----------
    layers : {"all", "first", "hidden", "output", "none"} or int, default "all"
        Which layers begin this way, or the number of one, from 1 on; "none" turns it off.
    gain : float above 0, default 1.0
        Length of each row or column.

    References
    ----------
    Saxe, McClelland and Ganguli (2014), ICLR.

    Examples
    --------
    >>> weights = Orthogonal().weights(torch.ones(1, 3, 3), draws(seed=0))[0]
    >>> bool(torch.allclose(weights.T @ weights, torch.eye(3), atol=1e-5))
    True
    """

    gain: float = 1.0

    def __post_init__(self) -> None:
        """Check the word and the range."""
        super().__post_init__()
        require(self, "gain", above=0, below=math.inf)

    def weights(self, like: Tensor, rng: Draws) -> Tensor:
        """Q of the QR decomposition of a normal matrix, with the signs of R's diagonal."""
        networks, inputs, outputs = like.shape
        tall = rng.normal((networks, max(inputs, outputs), min(inputs, outputs)))
        q, r = torch.linalg.qr(tall)
        q = q * torch.diagonal(r, dim1=1, dim2=2).sign()[:, None]
        return self.gain * (q if inputs >= outputs else q.transpose(1, 2).contiguous())


@dataclass(frozen=True)
class UnitVariance(Orthogonal):
    """Fit the first weights to the data: over the training rows every unit begins with mean 0 and variance 1.

    Layer by layer, from orthogonal weights: w <- w / s and b <- -m / s, with m and s mean and standard deviation of
    the unit before its activation, over up to 1,024 training rows. A unit that is the same for all rows stays.

    Parameters
    ----------
    layers : {"all", "first", "hidden", "output", "none"} or int, default "hidden"
        Which layers begin this way, or the number of one, from 1 on; "none" turns it off.
    gain : float above 0, default 1.0
        Standard deviation of a unit before its activation.

    References
    ----------
    Mishkin and Matas (2016), All you need is a good init, ICLR; Salimans and Kingma (2016), NeurIPS 29.

    Examples
    --------
    >>> layers = [Layer(torch.tensor([[[1.0], [3.0]]]), torch.zeros(1, 1, 1))]
    >>> rows = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
    >>> begun = UnitVariance(layers="all").settle(layers, lambda _: [rows])[0]
    >>> (rows @ begun.weights + begun.biases).flatten()
    tensor([-1.,  1.])
    """

    layers: str | int = "hidden"

    def settle(self, layers: Sequence[Layer], run: Callable[[Sequence[Layer]], Sequence[Tensor]]) -> Sequence[Layer]:
        """Centre and scale the units of the chosen layers, from the first to the last."""
        current = list(layers)
        for position in positions(self.layers, len(layers)):
            layer = current[position]
            units = linear(run(current)[position], layer)
            spread, mean = torch.std_mean(units, dim=1, correction=0, keepdim=True)
            moves = spread > SAME * units.abs().amax(1, keepdim=True)
            factor = torch.where(moves, self.gain / spread, 1.0)
            biases = torch.where(moves, (layer.biases - mean) * factor, layer.biases)
            current[position] = Layer(layer.weights * factor, biases)
        return current


def default_initializer(activation: Activations) -> Regularizer:
    """What networks begin with unless told otherwise: by what the activation needs, that of the layer before."""
    if isinstance(activation, str):
        return _default(activation)
    before = (*activation[:1], *activation)
    return Recipe(tuple(_default(bend.name, depth) for depth, bend in enumerate(before, start=1)))


def _default(activation: str, layers: str | int = "all") -> Initializer:
    """What layers behind an activation begin with."""
    if activation in ("tanh", "sigmoid", "identity"):
        return Glorot(layers)
    return LeCun(layers) if activation == "selu" else He(layers)
