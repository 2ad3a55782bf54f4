"""Pictures seen otherwise at random in each batch: patches erased, blurred, lit or coloured otherwise.

Levels of light are in units of the pixels' spread, since the network's pictures are standardized by channel. Noise is
`Noise("inputs", ...)`. They need the shape of the pictures: `MLPClassifier(image_shape=(height, width))`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor

from dashpot.randomness import Draws, draws
from dashpot.ranges import require
from dashpot.regularizers.base import Range, spread
from dashpot.regularizers.pictures import Picture, Shape, background, each, signs

__doctest__ = (torch, draws)  # names that the examples below use

RADIUS = 3  # pixels that a blur looks at on each side; the same for all strengths, so that networks do not touch


@dataclass(frozen=True)
class Erase(Picture):
    """Cover a patch of each picture with its background.

    Parameters
    ----------
    share : float in [0, 1], default 0.4
        The longest side of a patch, as a share of height and of width; at least one pixel falls. 0 turns it off.
    probability : float in [0, 1], default 0.5
        Share of the pictures that lose a patch at a step.

    References
    ----------
    DeVries and Taylor (2017), arXiv:1708.04552; Zhong et al. (2020), AAAI.

    Examples
    --------
    >>> row = torch.tensor([[[0.0, 1.0, 1.0, 1.0, 0.0]]])
    >>> bool(Erase(1.0, probability=1.0).augment(row, torch.ones(1, 1, 1), draws(seed=1))[0].sum() < 3)
    True
    """

    share: float = 0.4
    probability: float = 0.5
    image: Shape | None = field(default=None, init=False, repr=False, compare=False)
    off: ClassVar = {"share": 0.0}
    ranges: ClassVar = {"share": Range(0.2, 0.6, "linear")}

    def __post_init__(self) -> None:
        """Check the ranges."""
        require(self, "share", at_least=0, at_most=1)
        require(self, "probability", at_least=0, at_most=1)

    def _changed(self, pictures: Tensor, rng: Draws) -> Tensor:
        down = self._covered(pictures, pictures.shape[2], rng.at("down"))
        across = self._covered(pictures, pictures.shape[3], rng.at("across"))
        patch = down[:, :, :, None, None] & across[:, :, None, :, None]
        return torch.where(patch, background(pictures), pictures)

    def _covered(self, pictures: Tensor, size: int, rng: Draws) -> Tensor:
        """Which places of an axis the patch covers, (networks, rows, size)."""
        longest = spread(self.share, pictures[:, :, 0, 0, 0]) * size
        length = (rng.at("length").uniform(pictures.shape[:2]) * longest).ceil().clamp(min=1)
        start = (rng.at("start").uniform(pictures.shape[:2]) * (size - length + 1)).floor()
        place = torch.arange(size, device=pictures.device)
        return (place >= start[:, :, None]) & (place < (start + length)[:, :, None])


@dataclass(frozen=True)
class Blur(Picture):
    """Blur pictures with a Gaussian whose width is drawn between 0 and `deviation`.

    Parameters
    ----------
    deviation : float in [0, 2], default 0.7
        The largest standard deviation, in pixels. 0 turns it off.
    probability : float in [0, 1], default 0.5
        Share of the pictures that are blurred at a step.

    References
    ----------
    Chen, Kornblith, Norouzi and Hinton (2020), ICML.

    Examples
    --------
    >>> blurred, _ = Blur(1.0, 1.0).augment(torch.eye(9)[None, 4:5], torch.ones(1, 1, 1), draws(seed=0))
    >>> bool(blurred.max() < 1)
    True
    """

    deviation: float = 0.7
    probability: float = 0.5
    image: Shape | None = field(default=None, init=False, repr=False, compare=False)
    off: ClassVar = {"deviation": 0.0}
    ranges: ClassVar = {"deviation": Range(0.4, 1.5, "linear")}

    def __post_init__(self) -> None:
        """Check the ranges."""
        require(self, "deviation", at_least=0, at_most=2)
        require(self, "probability", at_least=0, at_most=1)

    def _changed(self, pictures: Tensor, rng: Draws) -> Tensor:
        width = rng.uniform(pictures.shape[:2]).to(pictures) * spread(self.deviation, pictures[:, :, 0, 0, 0])
        width = width.clamp(min=1e-3).to(pictures)
        distances = torch.arange(-RADIUS, RADIUS + 1, device=pictures.device)
        weights = [(-0.5 * (float(one) / width).square()).exp() for one in distances]
        total = sum(weights[1:], start=weights[0])
        for axis in (2, 3):
            place = torch.arange(pictures.shape[axis], device=pictures.device)
            inside = [(place + one).clamp(0, pictures.shape[axis] - 1) for one in distances]
            parts = [each(w / total) * pictures.index_select(axis, at) for w, at in zip(weights, inside, strict=True)]
            pictures = sum(parts[1:], start=parts[0])
        return pictures


@dataclass(frozen=True)
class Brightness(Picture):
    """Make pictures lighter or darker: all pixels move by one number between -level and +level.

    Parameters
    ----------
    level : float, at least 0, default 0.2
        The largest move, in units of the pixels' spread. 0 turns it off.
    probability : float in [0, 1], default 1.0
        Share of the pictures that are changed at a step.

    References
    ----------
    Howard (2013), arXiv:1312.5402.

    Examples
    --------
    >>> Brightness(0.5).augment(torch.zeros(1, 1, 9), torch.ones(1, 1, 1), draws(seed=0))[0].unique().shape
    torch.Size([1])
    """

    level: float = 0.2
    probability: float = 1.0
    image: Shape | None = field(default=None, init=False, repr=False, compare=False)
    off: ClassVar = {"level": 0.0}
    ranges: ClassVar = {"level": Range(0.1, 0.5, "linear")}

    def __post_init__(self) -> None:
        """Check the ranges."""
        require(self, "level", at_least=0, below=math.inf)
        require(self, "probability", at_least=0, at_most=1)

    def _changed(self, pictures: Tensor, rng: Draws) -> Tensor:
        return pictures + each(signs(pictures, rng) * spread(self.level, pictures[:, :, 0, 0, 0])).to(pictures)


@dataclass(frozen=True)
class Contrast(Picture):
    """Pull pixels to the picture's mean, or push them away, by a factor between 1 - level and 1 + level.

    Parameters
    ----------
    level : float in [0, 1], default 0.2
        The largest change. 0 turns it off.
    probability : float in [0, 1], default 1.0
        Share of the pictures that are changed at a step.

    References
    ----------
    Howard (2013), arXiv:1312.5402.

    Examples
    --------
    >>> changed, _ = Contrast(0.5).augment(torch.tensor([[[-1.0, 1.0]]]), torch.ones(1, 1, 1), draws(seed=0))
    >>> float(changed.sum())
    0.0
    """

    level: float = 0.2
    probability: float = 1.0
    image: Shape | None = field(default=None, init=False, repr=False, compare=False)
    off: ClassVar = {"level": 0.0}
    ranges: ClassVar = {"level": Range(0.1, 0.5, "linear")}

    def __post_init__(self) -> None:
        """Check the ranges."""
        require(self, "level", at_least=0, at_most=1)
        require(self, "probability", at_least=0, at_most=1)

    def _changed(self, pictures: Tensor, rng: Draws) -> Tensor:
        mean = each(pictures.flatten(2).mean(2))
        factor = each(1 + signs(pictures, rng) * spread(self.level, pictures[:, :, 0, 0, 0])).to(pictures)
        return mean + (pictures - mean) * factor


@dataclass(frozen=True)
class ColourShift(Picture):
    """Shift colours: every channel moves by its own number between -level and +level.

    Parameters
    ----------
    level : float, at least 0, default 0.1
        The largest move, in units of the channel's spread. 0 turns it off.
    probability : float in [0, 1], default 1.0
        Share of the pictures that are changed at a step.

    References
    ----------
    Krizhevsky, Sutskever and Hinton (2012), NIPS 25; Howard (2013), arXiv:1312.5402.

    Examples
    --------
    >>> ColourShift(0.5).augment(torch.zeros(1, 1, 9), torch.ones(1, 1, 1), draws(seed=0))[0].unique().shape
    torch.Size([1])
    """

    level: float = 0.1
    probability: float = 1.0
    image: Shape | None = field(default=None, init=False, repr=False, compare=False)
    off: ClassVar = {"level": 0.0}
    ranges: ClassVar = {"level": Range(0.05, 0.4, "linear")}

    def __post_init__(self) -> None:
        """Check the ranges."""
        require(self, "level", at_least=0, below=math.inf)
        require(self, "probability", at_least=0, at_most=1)

    def _changed(self, pictures: Tensor, rng: Draws) -> Tensor:
        networks, rows, _, _, channels = pictures.shape
        moves = (rng.uniform((networks, rows, 1, 1, channels)) * 2 - 1) * spread(self.level, pictures)
        return pictures + moves.to(pictures)
