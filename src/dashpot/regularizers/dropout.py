"""Silence or disturb random units and weights at each training step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from dashpot.networks import Layer
from dashpot.randomness import Draws, draws
from dashpot.ranges import require, require_choice
from dashpot.regularizers.base import SCHEDULES, Range, Regularizer, spread
from dashpot.regularizers.depths import UNITS, WEIGHTS, changed, has_units, require_layers

__doctest__ = (torch, draws)  # names that the examples below use


def silence(units: Tensor, rate: float | Tensor, rng: Draws) -> Tensor:
    """Set units to 0 with probability `rate`, and divide the others by 1 - rate."""
    return units * rng.chance(1 - rate, units.shape, value=1 / (1 - rate))


@dataclass(frozen=True)
class Dropout(Regularizer):
    """Silence random hidden units at each training step.

    A unit is dropped with probability `rate`; the others are divided by 1 - rate, so its expected
    value is unchanged. All units are used for prediction.

    Parameters
    ----------
    rate : float in [0, 1), default 0.2
        Share of hidden units to drop. 0 turns dropout off.
    layers : {"hidden", "first", "none"} or int, default "hidden"
        Which hidden layers, or the number of one, from 1 on. Several of a kind give a rate per layer.
    schedule : {"constant", "rising", "falling", "cosine", "flat_cosine"}, default "constant"
        How the rate moves over the epochs, between 0 and itself.

    References
    ----------
    Srivastava et al. (2014), JMLR 15.

    Examples
    --------
    >>> Dropout(0.5).perturb_units(torch.ones(1, 8, 8), depth=1, rng=draws(seed=0)).unique()
    tensor([0., 2.])
    """

    rate: float = 0.2
    layers: str | int = "hidden"
    schedule: str = "constant"
    off: ClassVar = {"rate": 0.0}
    ranges: ClassVar = {"rate": Range(0.1, 0.5, "linear")}

    def __post_init__(self) -> None:
        """Check the range and the words."""
        require(self, "rate", at_least=0, below=1)
        require_layers(self, UNITS)
        require_choice(self, "schedule", tuple(SCHEDULES))

    def perturb_units(self, units: Tensor, depth: int, rng: Draws) -> Tensor:
        """Silence hidden units."""
        return silence(units, self.rate, rng) if has_units(self.layers, depth) else units


@dataclass(frozen=True)
class InputDropout(Regularizer):
    """Silence random inputs at each training step: a standardized input falls to its centre.

    Parameters
    ----------
    rate : float in [0, 1), default 0.1
        Share of inputs to drop. 0 turns it off.
    schedule : {"constant", "rising", "falling", "cosine", "flat_cosine"}, default "constant"
        How the rate moves over the epochs, between 0 and itself.

    References
    ----------
    Srivastava et al. (2014), JMLR 15; Vincent et al. (2008), ICML (as corruption of autoencoders).

    Examples
    --------
    >>> InputDropout(0.5).perturb_units(torch.ones(1, 8, 8), depth=0, rng=draws(seed=0)).unique()
    tensor([0., 2.])
    """

    rate: float = 0.1
    schedule: str = "constant"
    off: ClassVar = {"rate": 0.0}
    ranges: ClassVar = {"rate": Range(0.05, 0.3, "linear")}

    def __post_init__(self) -> None:
        """Check the range and the word."""
        require(self, "rate", at_least=0, below=1)
        require_choice(self, "schedule", tuple(SCHEDULES))

    def perturb_units(self, units: Tensor, depth: int, rng: Draws) -> Tensor:
        """Silence inputs."""
        return silence(units, self.rate, rng) if depth == 0 else units


@dataclass(frozen=True)
class GaussianDropout(Regularizer):
    """Multiply hidden units by normal numbers with mean 1 and the variance of dropout, rate / (1 - rate).

    Parameters
    ----------
    rate : float in [0, 1), default 0.2
        That of the dropout with the same variance. 0 turns it off.
    layers : {"hidden", "first", "none"} or int, default "hidden"
        Which hidden layers, or the number of one, from 1 on. Several of a kind give a rate per layer.
    schedule : {"constant", "rising", "falling", "cosine", "flat_cosine"}, default "constant"
        How the rate moves over the epochs, between 0 and itself.

    References
    ----------
    Srivastava et al. (2014), JMLR 15, section 10; Kingma, Salimans and Welling (2015), NIPS 28.

    Examples
    --------
    >>> units = GaussianDropout(0.5).perturb_units(torch.ones(1, 64, 64), depth=1, rng=draws(seed=0))
    >>> units.mean().round(), units.std().round()
    (tensor(1.), tensor(1.))
    """

    rate: float = 0.2
    layers: str | int = "hidden"
    schedule: str = "constant"
    off: ClassVar = {"rate": 0.0}
    ranges: ClassVar = {"rate": Range(0.1, 0.5, "linear")}

    def __post_init__(self) -> None:
        """Check the range and the words."""
        require(self, "rate", at_least=0, below=1)
        require_layers(self, UNITS)
        require_choice(self, "schedule", tuple(SCHEDULES))

    def perturb_units(self, units: Tensor, depth: int, rng: Draws) -> Tensor:
        """Disturb hidden units."""
        if not has_units(self.layers, depth):
            return units
        rate = spread(self.rate, units)
        return units * (rng.normal(units.shape) * (rate / (1 - rate)) ** 0.5).add_(1)


LOWEST = -1.7580993408473766  # where SELU saturates: -scale * alpha


@dataclass(frozen=True)
class AlphaDropout(Regularizer):
    """Set random hidden units to the lowest value of SELU, then shift and scale: mean 0 and variance 1 are kept.

    With k = 1 - rate and the lowest value m = -1.758: a * (unit or m) + b, where a = (k + m^2 k (1 - k))^(-1/2) and
    b = -a (1 - k) m.

    Parameters
    ----------
    rate : float in [0, 1), default 0.1
        Share of hidden units to drop. 0 turns it off.
    layers : {"hidden", "first", "none"} or int, default "hidden"
        Which hidden layers, or the number of one, from 1 on. Several of a kind give a rate per layer.
    schedule : {"constant", "rising", "falling", "cosine", "flat_cosine"}, default "constant"
        How the rate moves over the epochs, between 0 and itself.

    References
    ----------
    Klambauer, Unterthiner, Mayr and Hochreiter (2017), NIPS 30.

    Examples
    --------
    >>> units = draws(seed=1).normal((1, 256, 256))
    >>> dropped = AlphaDropout(0.3).perturb_units(units, depth=1, rng=draws(seed=0))
    >>> bool(abs(dropped.mean()) < 0.02), bool(abs(dropped.std() - 1) < 0.02)
    (True, True)
    """

    rate: float = 0.1
    layers: str | int = "hidden"
    schedule: str = "constant"
    off: ClassVar = {"rate": 0.0}
    ranges: ClassVar = {"rate": Range(0.05, 0.3, "linear")}

    def __post_init__(self) -> None:
        """Check the range and the words."""
        require(self, "rate", at_least=0, below=1)
        require_layers(self, UNITS)
        require_choice(self, "schedule", tuple(SCHEDULES))

    def perturb_units(self, units: Tensor, depth: int, rng: Draws) -> Tensor:
        """Drop hidden units to the lowest value."""
        if not has_units(self.layers, depth):
            return units
        kept = 1 - spread(self.rate, units)
        factor = (kept + LOWEST**2 * kept * (1 - kept)) ** -0.5
        stays = rng.chance(1 - self.rate, units.shape)
        return factor * (units * stays + LOWEST * (1 - stays)) - factor * (1 - kept) * LOWEST


@dataclass(frozen=True)
class DropConnect(Regularizer):
    """Silence random weights at each training step; the others are divided by 1 - rate.

    One mask for each network and batch. All weights are used for prediction. Biases stay.

    Parameters
    ----------
    rate : float in [0, 1), default 0.1
        Share of weights to drop. 0 turns it off.
    layers : {"all", "first", "hidden", "output", "none"} or int, default "all"
        Which layers of weights, or the number of one, from 1 on. Several of a kind give a rate per layer.
    schedule : {"constant", "rising", "falling", "cosine", "flat_cosine"}, default "constant"
        How the rate moves over the epochs, between 0 and itself.

    References
    ----------
    Wan, Zeiler, Zhang, LeCun and Fergus (2013), ICML.

    Examples
    --------
    >>> layers = [Layer(torch.ones(1, 8, 8), torch.ones(1, 1, 8))]
    >>> DropConnect(0.5).perturb_weights(layers, rng=draws(seed=0))[0].weights.unique()
    tensor([0., 2.])
    """

    rate: float = 0.1
    layers: str | int = "all"
    schedule: str = "constant"
    off: ClassVar = {"rate": 0.0}
    ranges: ClassVar = {"rate": Range(0.05, 0.3, "linear")}

    def __post_init__(self) -> None:
        """Check the range and the words."""
        require(self, "rate", at_least=0, below=1)
        require_layers(self, WEIGHTS)
        require_choice(self, "schedule", tuple(SCHEDULES))

    def perturb_weights(self, layers: Sequence[Layer], rng: Draws) -> Sequence[Layer]:
        """Silence weights."""
        return changed(
            layers,
            self.layers,
            lambda layer, depth: Layer(silence(layer.weights, self.rate, rng.at(depth)), layer.biases),
        )
