"""Pictures changed at random in each batch: what stays the same class when it is turned, moved or lit otherwise.

They need to know the shape of the pictures: `MLPClassifier(image_shape=(height, width))`. Every picture draws for
itself. Where a picture ends, its background goes on: the median of its own border, by channel. Levels of light are in
units of the pixels' spread, since the network's pictures are standardized by channel. Noise is `Noise("inputs", ...)`.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from dashpot.errors import UsageError
from dashpot.randomness import Draws, draws
from dashpot.ranges import require, require_choice
from dashpot.regularizers.base import Range, Regularizer, spread, with_fields
from dashpot.regularizers.recipe import Recipe

if TYPE_CHECKING:
    from dashpot.tables.encode import Inputs

__doctest__ = (torch, draws)  # names that the examples below use

Shape = tuple[int, int, int]
RADIUS = 3  # pixels that a blur looks at on each side; the same for all strengths, so that networks do not touch


def image_of(columns: Inputs, regularizer: Regularizer) -> Shape:
    """The shape of the pictures, or one line that says how to give it."""
    if columns.image is None:
        raise UsageError(
            f"{type(regularizer).__name__}: changes pictures, but the rows are no pictures. "
            "Pass image_shape=(height, width) to the estimator, or leave it out."
        )
    return columns.image


class Picture(Regularizer):
    """Base of what changes pictures: draws which ones, and gives them back as rows."""

    probability: float
    image: Shape | None

    def bind(self, columns: Inputs) -> Regularizer:
        """Learn the shape of the pictures."""
        return with_fields(self, {"image": image_of(columns, self)})

    def augment(self, inputs: Tensor, targets: Tensor, rng: Draws) -> tuple[Tensor, Tensor]:
        """Change each picture with the probability; targets stay."""
        pictures = inputs.reshape(*inputs.shape[:2], *(self.image or (1, inputs.shape[2], 1)))
        chosen = rng.at("chosen").uniform(inputs.shape[:2]) < spread(self.probability, inputs[:, :, 0])
        for name, silent in self.off.items():
            chosen = chosen & (spread(getattr(self, name), chosen) != silent)
        changed = self._changed(pictures, rng).reshape(inputs.shape)
        return torch.where(chosen[:, :, None], changed, inputs), targets

    @abstractmethod
    def _changed(self, pictures: Tensor, rng: Draws) -> Tensor:
        """All pictures changed, (networks, rows, height, width, channels)."""


def signs(pictures: Tensor, rng: Draws) -> Tensor:
    """Uniform in (-1, 1), one for each picture, (networks, rows)."""
    return rng.uniform(pictures.shape[:2]).mul(2).sub(1).to(pictures)


def each(values: Tensor) -> Tensor:
    """A value for each picture, (networks, rows), with as many axes as pictures."""
    return values[:, :, None, None, None]


def background(pictures: Tensor) -> Tensor:
    """The median of each picture's border, (networks, rows, 1, 1, channels)."""
    sides = pictures[:, :, :, 0], pictures[:, :, :, -1]
    border = torch.cat([pictures[:, :, 0], pictures[:, :, -1], *sides], dim=2)
    return border.median(2).values[:, :, None, None]


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


@dataclass(frozen=True)
class Augment(Regularizer):
    """Any function of your own that changes a batch, at each training step.

    Parameters
    ----------
    function : callable `f(batch, rng) -> batch`, or None, default None
        `batch` is a NumPy array of standardized inputs, (rows, height, width[, channels]) where rows are pictures, else
        (rows, inputs), and must come back in this shape; `rng` is a `numpy.random.Generator`. Each network's batch
        comes by itself. None changes nothing.
    probability : float in [0, 1], default 1.0
        Share of the rows whose changed version is taken. 0 turns it off.

    References
    ----------
    Shorten and Khoshgoftaar (2019), Journal of Big Data 6.

    Examples
    --------
    >>> Augment(lambda batch, rng: batch[:, ::-1]).augment(torch.arange(3.0).view(1, 1, 3), None, draws(seed=0))[0]
    tensor([[[2., 1., 0.]]])
    """

    function: Callable[[np.ndarray, np.random.Generator], np.ndarray] | None = None
    probability: float = 1.0
    image: Shape | None = field(default=None, init=False, repr=False, compare=False)
    off: ClassVar = {"probability": 0.0}

    def __post_init__(self) -> None:
        """Check that it can be called."""
        if self.function is not None and not callable(self.function):
            raise UsageError(f"Augment(function={self.function!r}): must be callable, as f(batch, rng) -> batch.")
        require(self, "probability", at_least=0, at_most=1)

    def bind(self, columns: Inputs) -> Regularizer:
        """Learn the shape of the pictures, if rows are pictures."""
        return with_fields(self, {"image": columns.image})

    def augment(self, inputs: Tensor, targets: Any, rng: Draws) -> tuple[Tensor, Any]:
        """Change each network's batch by itself."""
        if self.function is None:
            return inputs, targets
        keys = rng.keys.cpu().numpy().view(np.uint32)
        changed = [self._called(batch, np.random.default_rng(key)) for batch, key in zip(inputs, keys.T, strict=True)]
        chosen = rng.at("chosen").uniform((*inputs.shape[:2], 1)) < spread(self.probability, inputs)
        return torch.where(chosen, torch.stack(changed).to(inputs), inputs), targets

    def _called(self, batch: Tensor, rng: np.random.Generator) -> Tensor:
        """The function's batch as rows, or one line that says what is wrong with it."""
        assert self.function is not None
        rows, inputs = batch.shape
        height, width, channels = self.image or (inputs, 0, 0)
        shape = (rows, height, width, channels)[: 2 + 2 * (width > 0) - (channels == 1)]
        changed = np.asarray(self.function(batch.cpu().numpy().reshape(shape).copy(), rng))
        if changed.shape != shape or changed.dtype.kind not in "fiu":
            raise UsageError(
                f"{self!r}: gave {changed.dtype} numbers of shape {changed.shape}; shape {shape} is needed. "
                "Return a batch like the one that was given."
            )
        return torch.from_numpy(np.ascontiguousarray(changed).reshape(rows, inputs).astype(batch.cpu().numpy().dtype))


PRESETS: dict[str, tuple[Regularizer, ...]] = {
    "digits": (Shift(0.1), Rotate(10.0), Zoom(0.1)),
    "photos": (
        Flip(0.5),
        Crop(0.2),
        Rotate(5.0, probability=0.5),
        Brightness(0.2),
        Contrast(0.2),
        ColourShift(0.1),
        Erase(0.4, probability=0.25),
    ),
}


def image_recipe(preset: str) -> Recipe:
    """Transformations of pictures that suit a kind of picture.

    Parameters
    ----------
    preset : {"digits", "photos"}
        Digits and letters are moved, turned and zoomed a little, never mirrored. Photographs are mirrored, cut, turned,
        lit and coloured otherwise, and lose patches.

    Raises
    ------
    UsageError
        If there is no such preset.

    Examples
    --------
    >>> image_recipe("digits").parts[0]
    Shift(share=0.1, probability=1.0)
    """
    if preset not in PRESETS:
        raise UsageError(f"image_recipe({preset!r}): must be one of {', '.join(PRESETS)}.")
    return Recipe(PRESETS[preset])
