"""Rows mixed with other rows of the batch, labels smoothed, inputs moved against the network.

A row keeps its own weight in the loss, whatever it is mixed with. Rows are mixed within a network's own batch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from scipy.special import betaincinv
from torch import Tensor

from dashpot.errors import UsageError
from dashpot.jobs import Sample
from dashpot.randomness import Draws, draws
from dashpot.ranges import require, require_choice
from dashpot.regularizers.base import SCHEDULES, Range, Regularizer, spread, with_fields
from dashpot.regularizers.columns import own_source, source_of

if TYPE_CHECKING:
    from dashpot.tables.encode import Inputs

__doctest__ = draws  # a name that the examples below use

SLICES = 1024  # equally probable slices of a beta distribution


def other_rows(shape: Sequence[int], rng: Draws) -> Tensor:
    """For each place of (networks, rows, columns), the number of another row drawn at random, int64."""
    rows = shape[1]
    distance = 1 + (rng.uniform(shape) * (rows - 1)).long()
    return (torch.arange(rows, device=distance.device)[:, None] + distance) % rows


@lru_cache(maxsize=64)
def larger_shares(strengths: tuple[float, ...]) -> Tensor:
    """The middle of every slice of max(share, 1 - share), share ~ Beta(strength, strength): (strengths, slices)."""
    slices = 0.5 + (np.arange(SLICES) + 0.5) / SLICES / 2
    known = {one: betaincinv(one, one, slices) if one > 0 else np.ones(SLICES) for one in set(strengths)}
    return torch.from_numpy(np.stack([known[one] for one in strengths]).astype(np.float32))


@dataclass(frozen=True)
class Mixup(Regularizer):
    """Train on mixtures: share * row + (1 - share) * another row of the batch, inputs and targets alike.

    The share is drawn for each row from Beta(strength, strength), and the larger of share and 1 - share belongs to the
    row itself (the same mixtures, and a row's weight stays where most of the mixture is from).

    Parameters
    ----------
    strength : float, at least 0, default 0.2
        Both parameters of the beta distribution: 1 is uniform, larger mixes more evenly. 0 turns it off.

    References
    ----------
    Zhang, Cisse, Dauphin and Lopez-Paz (2018), ICLR.

    Examples
    --------
    >>> inputs = torch.arange(4.0).view(1, 4, 1)
    >>> mixed, targets = Mixup(1.0).augment(inputs, 10 * inputs, draws(seed=0))
    >>> bool((mixed != inputs).any()), torch.allclose(targets, 10 * mixed)
    (True, True)
    """

    strength: float = 0.2
    off: ClassVar = {"strength": 0.0}
    ranges: ClassVar = {"strength": Range(0.1, 1.0)}

    def __post_init__(self) -> None:
        """Check the range."""
        require(self, "strength", at_least=0, below=math.inf)

    def augment(self, inputs: Tensor, targets: Tensor, rng: Draws) -> tuple[Tensor, Tensor]:
        """Mix whole rows."""
        networks, rows, _ = inputs.shape
        strengths = torch.as_tensor(self.strength, dtype=torch.float32).expand(networks)
        table = larger_shares(tuple(strengths.tolist())).to(inputs.device)
        place = (rng.at("share").uniform((networks, rows)) * SLICES).long()
        share = table.gather(1, place).unsqueeze(2)
        other = other_rows((networks, rows, 1), rng.at("row"))

        def mixed(values: Tensor) -> Tensor:
            own = share.to(values)
            return own * values + (1 - own) * values.gather(1, other.expand_as(values))

        return mixed(inputs), mixed(targets)


@dataclass(frozen=True)
class CutMix(Regularizer):
    """Take whole source columns of a row from another row of the batch, and the same share of its target.

    Each source column (a number, or all levels of a category) is taken with probability `rate`; all those of a row come
    from one other row, whose target counts by the share of source columns that were taken.

    Parameters
    ----------
    rate : float in [0, 1), default 0.2
        Share of source columns taken. 0 turns it off.

    References
    ----------
    Yun et al. (2019), ICCV; Somepalli et al. (2021), arXiv:2106.01342 (for tables).

    Examples
    --------
    >>> inputs = torch.arange(4.0).view(1, 4, 1).expand(1, 4, 10)
    >>> mixed, targets = CutMix(0.5).augment(inputs, inputs[..., :1], draws(seed=0))
    >>> torch.allclose(targets, mixed.mean(2, keepdim=True))
    True
    """

    rate: float = 0.2
    source: Tensor | None = field(default=None, init=False, repr=False, compare=False)
    off: ClassVar = {"rate": 0.0}
    ranges: ClassVar = {"rate": Range(0.1, 0.4, "linear")}

    def __post_init__(self) -> None:
        """Check the range."""
        require(self, "rate", at_least=0, below=1)

    def bind(self, columns: Inputs) -> Regularizer:
        """Learn the source columns."""
        return with_fields(self, {"source": source_of(columns)})

    def augment(self, inputs: Tensor, targets: Tensor, rng: Draws) -> tuple[Tensor, Tensor]:
        """Mix columns of inputs, and targets by their share."""
        source = own_source(self.source, inputs.shape[2], inputs.device)
        taken = drawn_columns(self.rate, inputs.shape, source, rng)
        other = other_rows((*inputs.shape[:2], 1), rng.at("row"))
        mixed = torch.where(taken[:, :, source] > 0, inputs.gather(1, other.expand_as(inputs)), inputs)
        share = taken.mean(2, keepdim=True).to(targets)
        return mixed, (1 - share) * targets + share * targets.gather(1, other.expand_as(targets))


def drawn_columns(rate: float | Tensor, shape: Sequence[int], source: Tensor, rng: Draws) -> Tensor:
    """1 with probability `rate`, else 0, for every row and source column: (networks, rows, source columns)."""
    return rng.chance(rate, (*shape[:2], int(source.max()) + 1))


@dataclass(frozen=True)
class CutOut(Regularizer):
    """Blank whole source columns of a row: all inputs of a column fall to their centre, with one draw for each row.

    Unlike `InputDropout`, what stays is not scaled up, and the levels of a category fall together.

    Parameters
    ----------
    rate : float in [0, 1), default 0.1
        Share of source columns blanked. 0 turns it off.

    References
    ----------
    DeVries and Taylor (2017), arXiv:1708.04552.

    Examples
    --------
    >>> inputs, _ = CutOut(0.5).augment(torch.ones(1, 8, 8), torch.ones(1, 8, 1), draws(seed=0))
    >>> inputs.unique()
    tensor([0., 1.])
    """

    rate: float = 0.1
    source: Tensor | None = field(default=None, init=False, repr=False, compare=False)
    off: ClassVar = {"rate": 0.0}
    ranges: ClassVar = {"rate": Range(0.05, 0.3, "linear")}

    def __post_init__(self) -> None:
        """Check the range."""
        require(self, "rate", at_least=0, below=1)

    def bind(self, columns: Inputs) -> Regularizer:
        """Learn the source columns."""
        return with_fields(self, {"source": source_of(columns)})

    def augment(self, inputs: Tensor, targets: Tensor, rng: Draws) -> tuple[Tensor, Tensor]:
        """Blank columns."""
        source = own_source(self.source, inputs.shape[2], inputs.device)
        return inputs * (1 - drawn_columns(self.rate, inputs.shape, source, rng))[:, :, source], targets


@dataclass(frozen=True)
class LabelSmoothing(Regularizer):
    """Aim at (1 - strength) * class + strength / classes instead of certainty: probabilities stay moderate.

    Parameters
    ----------
    strength : float in [0, 1), default 0.1
        The probability that is spread over all classes. 0 turns it off.

    Raises
    ------
    UsageError
        If the target is an amount.

    References
    ----------
    Szegedy et al. (2016), CVPR; Müller, Kornblith and Hinton (2019), NeurIPS 32.

    Examples
    --------
    >>> LabelSmoothing(0.4).augment(torch.ones(1, 1, 2), torch.tensor([[[1.0, 0.0]]]), draws(seed=0))[1]
    tensor([[[0.8000, 0.2000]]])
    """

    strength: float = 0.1
    off: ClassVar = {"strength": 0.0}
    ranges: ClassVar = {"strength": Range(0.03, 0.3)}

    def __post_init__(self) -> None:
        """Check the range."""
        require(self, "strength", at_least=0, below=1)

    def resample(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """Refuse amounts; the rows stay."""
        if self.strength and not sample.examples.classes:
            raise UsageError(f"{self!r}: smooths classes, but the target is an amount. Leave it out.")
        return sample

    def augment(self, inputs: Tensor, targets: Tensor, rng: Draws) -> tuple[Tensor, Tensor]:
        """Smooth class indicators; one number stands for two classes."""
        strength = spread(self.strength, targets)
        return inputs, (1 - strength) * targets + strength / max(targets.shape[2], 2)


@dataclass(frozen=True)
class Adversarial(Regularizer):
    """Move the inputs of some rows by `level` in the direction that raises their loss most (fast gradient sign).

    input + level * sign(gradient of the row's loss by its inputs); the gradient costs a second pass.

    Parameters
    ----------
    level : float, at least 0, default 0.05
        How far every input moves, in units of a standardized column. 0 turns it off.
    share : float in [0, 1], default 0.5
        Share of the rows that are moved.
    schedule : {"constant", "rising", "falling", "cosine", "flat_cosine"}, default "constant"
        How the level moves over the epochs, between 0 and itself.

    References
    ----------
    Goodfellow, Shlens and Szegedy (2015), ICLR.

    Examples
    --------
    >>> Adversarial(0.1, share=1.0).oppose(
    ...     torch.zeros(1, 1, 2), lambda at: torch.tensor([[[3.0, -2.0]]]), draws(seed=0)
    ... )
    tensor([[[ 0.1000, -0.1000]]])
    """

    level: float = 0.05
    share: float = 0.5
    schedule: str = "constant"
    off: ClassVar = {"level": 0.0}
    ranges: ClassVar = {"level": Range(0.02, 0.2)}

    def __post_init__(self) -> None:
        """Check the ranges and the word."""
        require(self, "level", at_least=0, below=math.inf)
        require(self, "share", at_least=0, at_most=1)
        require_choice(self, "schedule", tuple(SCHEDULES))

    def oppose(self, inputs: Tensor, slope: Callable[[Tensor], Tensor], rng: Draws) -> Tensor:
        """Move against the network."""
        moved = rng.chance(self.share, (*inputs.shape[:2], 1))
        return inputs + (spread(self.level, inputs) * moved * slope(inputs).sign()).to(inputs)
