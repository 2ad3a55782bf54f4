"""Pictures moved at random in each batch: mirrored, turned, shifted, zoomed, cropped.

They need to know the shape of the pictures: `MLPClassifier(image_shape=(height, width))`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from dashpot.randomness import Draws, draws
from dashpot.ranges import require, require_choice
from dashpot.regularizers.base import Range, spread
from dashpot.regularizers.pictures import Picture, Shape, background, signs

__doctest__ = (torch, draws)  # names that the examples below use


def resampled(pictures: Tensor, matrix: tuple[Tensor, ...], across: Tensor, down: Tensor) -> Tensor:
    """Each pixel from another place of its picture, bilinear: place = matrix * own place + (across, down).

    Places are in pixels from the centre; matrix is (xx, xy, yx, yy); all are (networks, rows).
    """
    networks, rows, height, width, channels = pictures.shape
    y = (torch.arange(height) - (height - 1) / 2).to(pictures)[:, None]
    x = (torch.arange(width) - (width - 1) / 2).to(pictures)
    xx, xy, yx, yy, across, down = (one.reshape(-1, 1, 1) for one in (*matrix, across, down))
    places = torch.stack([(xx * x + xy * y + across) * (2 / width), (yx * x + yy * y + down) * (2 / height)], dim=3)
    fill = background(pictures)
    above = (pictures - fill).reshape(-1, height, width, channels).permute(0, 3, 1, 2)
    moved = functional.grid_sample(above, places.expand(-1, height, width, 2), align_corners=False)
    return moved.permute(0, 2, 3, 1).reshape(networks, rows, height, width, channels) + fill


def straight(scale: Tensor) -> tuple[Tensor, ...]:
    """The matrix of a change of size."""
    return scale, torch.zeros_like(scale), torch.zeros_like(scale), scale


@dataclass(frozen=True)
class Flip(Picture):
    """Mirror pictures: left to right, or top to bottom.

    Parameters
    ----------
    probability : float in [0, 1], default 0.5
        Share of the pictures that are mirrored at a step. 0 turns it off.
    direction : {"horizontal", "vertical"}, default "horizontal"
        Horizontal swaps left and right.

    References
    ----------
    Simard, Steinkraus and Platt (2003), ICDAR; Krizhevsky, Sutskever and Hinton (2012), NIPS 25.

    Examples
    --------
    >>> Flip(1.0).augment(torch.tensor([[[1.0, 2.0, 3.0]]]), torch.ones(1, 1, 1), draws(seed=0))[0]
    tensor([[[3., 2., 1.]]])
    """

    probability: float = 0.5
    direction: str = "horizontal"
    image: Shape | None = field(default=None, init=False, repr=False, compare=False)
    off: ClassVar = {"probability": 0.0}
    ranges: ClassVar = {"probability": Range(0.25, 0.5, "linear")}

    def __post_init__(self) -> None:
        """Check the range and the word."""
        require(self, "probability", at_least=0, at_most=1)
        require_choice(self, "direction", ("horizontal", "vertical"))

    def _changed(self, pictures: Tensor, rng: Draws) -> Tensor:
        return pictures.flip(3 if self.direction == "horizontal" else 2)


@dataclass(frozen=True)
class Rotate(Picture):
    """Turn pictures about their centre by a slight angle, uniform between -degrees and +degrees.

    Parameters
    ----------
    degrees : float in [0, 180], default 10.0
        The largest angle. 0 turns it off.
    probability : float in [0, 1], default 1.0
        Share of the pictures that are turned at a step.

    References
    ----------
    Simard, Steinkraus and Platt (2003), ICDAR.

    Examples
    --------
    >>> Rotate(10.0).augment(torch.ones(1, 1, 9), torch.ones(1, 1, 1), draws(seed=0))[0].unique()
    tensor([1.])
    """

    degrees: float = 10.0
    probability: float = 1.0
    image: Shape | None = field(default=None, init=False, repr=False, compare=False)
    off: ClassVar = {"degrees": 0.0}
    ranges: ClassVar = {"degrees": Range(5.0, 20.0, "linear")}

    def __post_init__(self) -> None:
        """Check the ranges."""
        require(self, "degrees", at_least=0, at_most=180)
        require(self, "probability", at_least=0, at_most=1)

    def _changed(self, pictures: Tensor, rng: Draws) -> Tensor:
        angle = (signs(pictures, rng) * spread(self.degrees, pictures[:, :, 0, 0, 0]) * (math.pi / 180)).to(pictures)
        cosine, sine, none = angle.cos(), angle.sin(), torch.zeros_like(angle)
        return resampled(pictures, (cosine, sine, -sine, cosine), none, none)


@dataclass(frozen=True)
class Shift(Picture):
    """Move pictures by whole pixels: a random crop of the picture with background around it.

    Parameters
    ----------
    share : float in [0, 1], default 0.1
        The farthest move, as a share of height and of width, rounded to pixels. 0 turns it off.
    probability : float in [0, 1], default 1.0
        Share of the pictures that are moved at a step.

    References
    ----------
    LeCun, Bottou, Bengio and Haffner (1998), Proceedings of the IEEE 86; He et al. (2016), CVPR (random crops).

    Examples
    --------
    >>> Shift(0.5).augment(torch.tensor([[[0.0, 0.0, 1.0, 0.0, 0.0]]]), torch.ones(1, 1, 1), draws(seed=2))[0].sum()
    tensor(1.)
    """

    share: float = 0.1
    probability: float = 1.0
    image: Shape | None = field(default=None, init=False, repr=False, compare=False)
    off: ClassVar = {"share": 0.0}
    ranges: ClassVar = {"share": Range(0.05, 0.2, "linear")}

    def __post_init__(self) -> None:
        """Check the ranges."""
        require(self, "share", at_least=0, at_most=1)
        require(self, "probability", at_least=0, at_most=1)

    def _changed(self, pictures: Tensor, rng: Draws) -> Tensor:
        share = spread(self.share, pictures[:, :, 0, 0, 0])
        across = (signs(pictures, rng.at("across")) * (share * pictures.shape[3])).round().to(pictures)
        down = (signs(pictures, rng.at("down")) * (share * pictures.shape[2])).round().to(pictures)
        return resampled(pictures, straight(torch.ones_like(across)), across, down)


@dataclass(frozen=True)
class Zoom(Picture):
    """Enlarge or shrink pictures about their centre, by a factor between 1 - share and 1 + share.

    Parameters
    ----------
    share : float in [0, 1), default 0.1
        The largest change of size. 0 turns it off.
    probability : float in [0, 1], default 1.0
        Share of the pictures that are changed at a step.

    References
    ----------
    Simard, Steinkraus and Platt (2003), ICDAR.

    Examples
    --------
    >>> Zoom(0.5).augment(torch.ones(1, 1, 9), torch.ones(1, 1, 1), draws(seed=0))[0].unique()
    tensor([1.])
    """

    share: float = 0.1
    probability: float = 1.0
    image: Shape | None = field(default=None, init=False, repr=False, compare=False)
    off: ClassVar = {"share": 0.0}
    ranges: ClassVar = {"share": Range(0.05, 0.25, "linear")}

    def __post_init__(self) -> None:
        """Check the ranges."""
        require(self, "share", at_least=0, below=1)
        require(self, "probability", at_least=0, at_most=1)

    def _changed(self, pictures: Tensor, rng: Draws) -> Tensor:
        factor = (1 + signs(pictures, rng) * spread(self.share, pictures[:, :, 0, 0, 0])).to(pictures)
        none = torch.zeros_like(factor)
        return resampled(pictures, straight(1 / factor), none, none)


@dataclass(frozen=True)
class Crop(Picture):
    """Cut a part out of a picture, at a random place, and enlarge it to the whole size.

    Parameters
    ----------
    share : float in [0, 1), default 0.2
        The most that is cut off of height and width; how much is drawn uniformly. 0 turns it off.
    probability : float in [0, 1], default 1.0
        Share of the pictures that are cut at a step.

    References
    ----------
    Krizhevsky, Sutskever and Hinton (2012), NIPS 25; Szegedy et al. (2015), CVPR.

    Examples
    --------
    >>> Crop(0.5).augment(torch.ones(1, 1, 9), torch.ones(1, 1, 1), draws(seed=0))[0].unique()
    tensor([1.])
    """

    share: float = 0.2
    probability: float = 1.0
    image: Shape | None = field(default=None, init=False, repr=False, compare=False)
    off: ClassVar = {"share": 0.0}
    ranges: ClassVar = {"share": Range(0.1, 0.4, "linear")}

    def __post_init__(self) -> None:
        """Check the ranges."""
        require(self, "share", at_least=0, below=1)
        require(self, "probability", at_least=0, at_most=1)

    def _changed(self, pictures: Tensor, rng: Draws) -> Tensor:
        cut = rng.uniform(pictures.shape[:2]).to(pictures) * spread(self.share, pictures[:, :, 0, 0, 0])
        cut = cut.to(pictures)
        across = signs(pictures, rng.at("across")) * cut * (pictures.shape[3] / 2)
        down = signs(pictures, rng.at("down")) * cut * (pictures.shape[2] / 2)
        return resampled(pictures, straight(1 - cut), across, down)
