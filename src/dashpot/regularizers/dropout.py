"""Silence random units at each training step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from dashpot.randomness import Draws, draws
from dashpot.ranges import require
from dashpot.regularizers.base import Range, Regularizer

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

    References
    ----------
    Srivastava et al. (2014), JMLR 15.

    Examples
    --------
    >>> Dropout(0.5).perturb_units(torch.ones(1, 8, 8), depth=1, rng=draws(seed=0)).unique()
    tensor([0., 2.])
    """

    rate: float = 0.2
    off: ClassVar = {"rate": 0.0}
    ranges: ClassVar = {"rate": Range(0.1, 0.5, "linear")}

    def __post_init__(self) -> None:
        """Check the range."""
        require(self, "rate", at_least=0, below=1)

    def perturb_units(self, units: Tensor, depth: int, rng: Draws) -> Tensor:
        """Silence hidden units."""
        return units if depth == 0 else silence(units, self.rate, rng)


@dataclass(frozen=True)
class InputDropout(Regularizer):
    """Silence random inputs at each training step: a standardized input falls to its centre.

    Parameters
    ----------
    rate : float in [0, 1), default 0.1
        Share of inputs to drop. 0 turns it off.

    References
    ----------
    Srivastava et al. (2014), JMLR 15; Vincent et al. (2008), ICML (as corruption of autoencoders).

    Examples
    --------
    >>> InputDropout(0.5).perturb_units(torch.ones(1, 8, 8), depth=0, rng=draws(seed=0)).unique()
    tensor([0., 2.])
    """

    rate: float = 0.1
    off: ClassVar = {"rate": 0.0}
    ranges: ClassVar = {"rate": Range(0.05, 0.3, "linear")}

    def __post_init__(self) -> None:
        """Check the range."""
        require(self, "rate", at_least=0, below=1)

    def perturb_units(self, units: Tensor, depth: int, rng: Draws) -> Tensor:
        """Silence inputs."""
        return silence(units, self.rate, rng) if depth == 0 else units
