"""Penalties and limits on the size of weights. Biases stay free."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from dashpot.networks import Layer
from dashpot.optimizers import Step
from dashpot.ranges import require, require_choice
from dashpot.regularizers.base import SCHEDULES, Range, Regularizer, spread
from dashpot.regularizers.depths import changed, chosen, require_layers


def squares(layers: Sequence[Layer], which: str | int = "all") -> Tensor:
    """The sum of the squared weights of the chosen layers, for each network, (networks,)."""
    sums = [SumOfSquares.apply(layer.weights) for layer in chosen(layers, which)]
    return torch.stack(sums).sum(0) if sums else layers[0].weights.new_zeros(len(layers[0].weights))


class SumOfSquares(torch.autograd.Function):
    """The sum of squares of each network's weights, with its gradient, 2 * weights, in one pass."""

    @staticmethod
    def forward(context: Any, weights: Tensor) -> Tensor:
        """(networks, inputs, outputs) -> (networks,)."""
        context.save_for_backward(weights)
        return torch.linalg.vector_norm(weights, dim=(1, 2)).square()

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        """2 * weights, each network's times its own gradient."""
        (weights,) = context.saved_tensors
        return weights * (2 * gradient).view(-1, 1, 1)


@dataclass(frozen=True)
class L2(Regularizer):
    """Add strength * (sum of squared weights) to the loss: weights that the data do not need shrink.

    Its gradient is 2 * strength * w. Without hidden layers it is ridge regression.

    Parameters
    ----------
    strength : float, at least 0, default 1e-3
        Loss per squared unit of weight, for a loss that is a mean over rows. 0 turns it off.
    layers : {"all", "first", "hidden", "output", "none"} or int, default "all"
        Which layers of weights, or the number of one, from 1 on. Several of a kind give a strength per layer.
    schedule : {"constant", "rising", "falling", "cosine", "flat_cosine"}, default "constant"
        How the strength moves over the epochs, between 0 and itself.

    References
    ----------
    Hoerl and Kennard (1970), Technometrics 12; Krogh and Hertz (1992), NIPS 4.

    Examples
    --------
    >>> L2(0.1).penalty([Layer(torch.ones(1, 2, 3), torch.zeros(1, 1, 3))], [])
    tensor([0.6000])
    """

    strength: float = 1e-3
    layers: str | int = "all"
    schedule: str = "constant"
    off: ClassVar = {"strength": 0.0}
    ranges: ClassVar = {"strength": Range(1e-4, 1e-2)}

    def __post_init__(self) -> None:
        """Check the range."""
        require(self, "strength", at_least=0, below=math.inf)
        require_layers(self)
        require_choice(self, "schedule", tuple(SCHEDULES))

    def penalty(self, layers: Sequence[Layer], units: Sequence[Tensor]) -> Tensor:
        """strength * sum of squares, (networks,)."""
        return self.strength * squares(layers, self.layers)


def soft_threshold(
    layers: Sequence[Layer], strength: float | Tensor, step: Step, which: str | int = "all"
) -> list[Layer]:
    """Move every weight of the chosen layers toward zero by strength * its effective learning rate, and stop there."""
    sizes = step.sizes()

    def nearer(layer: Layer, position: int) -> Layer:
        distance = sizes[position].weights * spread(strength, layer.weights)
        return Layer(layer.weights - layer.weights.clamp(-distance, distance), layer.biases)

    return changed(layers, which, nearer)


@dataclass(frozen=True)
class L1(Regularizer):
    """Lasso: minimize loss + strength * (sum of absolute weights), with exact zeros.

    The absolute value has no gradient at zero, so it is not added to the loss: after each step every weight is
    moved toward zero by strength times its effective learning rate and stops there (proximal gradient descent; under
    Adam in the metric of its step sizes). A weight stays zero exactly as long as the loss pulls less than `strength`.

    Parameters
    ----------
    strength : float, at least 0, default 1e-3
        Loss per unit of weight. 0 turns it off.
    layers : {"all", "first", "hidden", "output", "none"} or int, default "all"
        Which layers of weights, or the number of one, from 1 on. Several of a kind give a strength per layer.
    schedule : {"constant", "rising", "falling", "cosine", "flat_cosine"}, default "constant"
        How the strength moves over the epochs, between 0 and itself.

    References
    ----------
    Tibshirani (1996), JRSS B 58; Yun, Lozano and Yang (2021), NeurIPS 34 (proximal steps under Adam).

    Examples
    --------
    >>> weights = [Layer(torch.tensor([[[0.5], [0.05]]]), torch.zeros(1, 1, 1))]
    >>> step = Step([1.0], torch.device("cpu"), lambda: [Layer(torch.ones(1, 2, 1), torch.ones(1, 1, 1))])
    >>> L1(0.1).constrain(weights, step)[0].weights.flatten()
    tensor([0.4000, 0.0000])
    """

    strength: float = 1e-3
    layers: str | int = "all"
    schedule: str = "constant"
    off: ClassVar = {"strength": 0.0}
    ranges: ClassVar = {"strength": Range(1e-4, 1e-2)}

    def __post_init__(self) -> None:
        """Check the range."""
        require(self, "strength", at_least=0, below=math.inf)
        require_layers(self)
        require_choice(self, "schedule", tuple(SCHEDULES))

    def constrain(self, layers: Sequence[Layer], step: Step) -> list[Layer]:
        """Soft threshold."""
        return soft_threshold(layers, self.strength, step, self.layers)


@dataclass(frozen=True)
class ElasticNet(Regularizer):
    """L1 and L2 together: strength * (share * sum |w| + (1 - share) / 2 * sum w^2), as in scikit-learn.

    Parameters
    ----------
    strength : float, at least 0, default 1e-3
        0 turns it off.
    share : float in [0, 1], default 0.5
        Share of L1; 1 is the lasso, 0 is ridge with half the strength.
    layers : {"all", "first", "hidden", "output", "none"} or int, default "all"
        Which layers of weights, or the number of one, from 1 on. Several of a kind give a strength per layer.
    schedule : {"constant", "rising", "falling", "cosine", "flat_cosine"}, default "constant"
        How the strength moves over the epochs, between 0 and itself.

    References
    ----------
    Zou and Hastie (2005), JRSS B 67.

    Examples
    --------
    >>> ElasticNet(0.1, share=0.0).penalty([Layer(torch.ones(1, 2, 3), torch.zeros(1, 1, 3))], [])
    tensor([0.3000])
    """

    strength: float = 1e-3
    share: float = 0.5
    layers: str | int = "all"
    schedule: str = "constant"
    off: ClassVar = {"strength": 0.0}
    ranges: ClassVar = {"strength": Range(1e-4, 1e-2)}

    def __post_init__(self) -> None:
        """Check the ranges."""
        require(self, "strength", at_least=0, below=math.inf)
        require(self, "share", at_least=0, at_most=1)
        require_layers(self)
        require_choice(self, "schedule", tuple(SCHEDULES))

    def penalty(self, layers: Sequence[Layer], units: Sequence[Tensor]) -> Tensor:
        """The squared part, (networks,)."""
        return self.strength * (1 - self.share) / 2 * squares(layers, self.layers)

    def constrain(self, layers: Sequence[Layer], step: Step) -> list[Layer]:
        """Soft threshold for the absolute part."""
        return soft_threshold(layers, self.strength * self.share, step, self.layers)


@dataclass(frozen=True)
class WeightDecay(Regularizer):
    """Shrink every weight by the factor 1 - learning_rate * strength after each step.

    Under plain gradient descent this is L2 with half the strength; under Adam it is not, since the shrinking does not
    pass through Adam's normalization, and usually works better (AdamW).

    Parameters
    ----------
    strength : float, at least 0, default 0.02
        Share of a weight that goes per step at learning rate 1. 0 turns it off.
    layers : {"all", "first", "hidden", "output", "none"} or int, default "all"
        Which layers of weights, or the number of one, from 1 on. Several of a kind give a strength per layer.
    schedule : {"constant", "rising", "falling", "cosine", "flat_cosine"}, default "constant"
        How the strength moves over the epochs, between 0 and itself.

    References
    ----------
    Loshchilov and Hutter (2019), ICLR.

    Examples
    --------
    >>> step = Step([0.1], torch.device("cpu"), list)
    >>> WeightDecay(0.5).constrain([Layer(torch.ones(1, 1, 1), torch.ones(1, 1, 1))], step)[0].weights
    tensor([[[0.9500]]])
    """

    strength: float = 0.02
    layers: str | int = "all"
    schedule: str = "constant"
    off: ClassVar = {"strength": 0.0}
    ranges: ClassVar = {"strength": Range(0.03, 3.0)}

    def __post_init__(self) -> None:
        """Check the range."""
        require(self, "strength", at_least=0, below=math.inf)
        require_layers(self)
        require_choice(self, "schedule", tuple(SCHEDULES))

    def constrain(self, layers: Sequence[Layer], step: Step) -> list[Layer]:
        """Shrink, and never past zero."""
        factor = (1 - step.learning_rate * self.strength).clamp(min=0)
        return changed(
            layers,
            self.layers,
            lambda layer, _: Layer(layer.weights * spread(factor, layer.weights), layer.biases),
        )


@dataclass(frozen=True)
class MaxNorm(Regularizer):
    """Keep the incoming weights of every hidden unit within a ball: longer vectors are scaled back after each step.

    Parameters
    ----------
    limit : float above 0, default 3.0
        Largest Euclidean norm of a unit's incoming weights. inf turns it off.
    layers : {"all", "first", "hidden", "output", "none"} or int, default "hidden"
        Which layers of weights, or the number of one, from 1 on. Several of a kind give a strength per layer.

    References
    ----------
    Srebro and Shraibman (2005), COLT; Srivastava et al. (2014), JMLR 15.

    Examples
    --------
    >>> layers = [Layer(torch.full((1, 4, 1), 2.0), torch.zeros(1, 1, 1))] * 2
    >>> MaxNorm(1.0).constrain(layers, None)[0].weights.flatten()
    tensor([0.5000, 0.5000, 0.5000, 0.5000])
    """

    limit: float = 3.0
    layers: str | int = "hidden"
    off: ClassVar = {"limit": math.inf}
    ranges: ClassVar = {"limit": Range(3.0, 0.5)}

    def __post_init__(self) -> None:
        """Check the range."""
        require(self, "limit", above=0)
        require_layers(self)

    def constrain(self, layers: Sequence[Layer], step: Step) -> list[Layer]:
        """Scale back the columns that are too long."""
        return changed(layers, self.layers, lambda layer, _: self._limited(layer))

    def _limited(self, layer: Layer) -> Layer:
        norms = layer.weights.square().sum(1, keepdim=True).sqrt_()
        return Layer(layer.weights * (spread(self.limit, norms) / (norms + 1e-12)).clamp(max=1), layer.biases)
