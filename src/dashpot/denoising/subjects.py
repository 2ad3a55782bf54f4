"""What a denoiser works on: large pictures window by window, small pictures whole, and (in `rows`) tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np

from dashpot.denoising.corruption import Corruption
from dashpot.denoising.held import held_out, parted
from dashpot.denoising.looks import TwoLooks
from dashpot.denoising.network import Drawing, Drawn, WindowDenoiser, glimpse
from dashpot.denoising.patches import drawn
from dashpot.denoising.planes import (
    as_pictures,
    full_range,
    is_one_picture,
    joined,
    own_range,
    planes_of,
    scaled,
    unscaled,
)
from dashpot.denoising.quality import noise_level
from dashpot.errors import DataError

OF_BITS = ((0.0, 255.0), (0.0, 65_535.0))  # black and white of pictures of 8 and of 16 bits
SMALL = 256  # numbers up to which pictures of one size are seen whole
WINDOW, SHARP, INNER = 27, 11, 7  # pixels that a network sees, sees one by one, and corrects
FAR = 5  # ranges from black to white that noise may lead beyond either
LUMINANCE_SHARE = 4  # of the windows of colour pictures, for one of each difference of colours

Networks = WindowDenoiser | TwoLooks


class Settings(NamedTuple):
    """How networks are trained where the user does not say."""

    hidden_layers: tuple[int, ...]
    windows: int
    max_epochs: int


class Pass(NamedTuple):
    """How windows go over a picture: pixels from one to the next, and turned copies that are averaged."""

    stride: int
    symmetries: int


class Subject(Protocol):
    """Clean data, how networks see it, and how what they say becomes data again."""

    @property
    def settings(self) -> Settings:
        """How networks are trained where the user does not say."""
        ...

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of what is seen."""
        ...

    @property
    def inner(self) -> tuple[int, int]:
        """Height and width of what is corrected, in the middle."""
        ...

    @property
    def seen(self) -> np.ndarray:
        """From pixels to what the networks see of them, float32 (pixels, numbers)."""
        ...

    def units(self, X: Any, caller: str) -> Any:
        """Data in the units of the noise level."""
        ...

    def level_between(self, noisy: Any, clean: Any) -> float:
        """The standard deviation of what was added to clean data, both as `units` gives them."""
        ...

    def drawing(self, clean: Any, noisy: Any, corruption: Corruption) -> Drawing:
        """What `train_windows` draws from clean data and their noisy twins or None, both as `units` gives them."""
        ...

    def cleaned(self, model: Any, X: Any, level: float | None, path: Pass) -> Any:
        """The data without noise, of their own type; `level` is that of the noise, None what is estimated."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain JSON."""
        ...


def estimated(model: Networks, picture: np.ndarray, level: float | None) -> float:
    """The noise level to take for a picture between 0 and 1: as given, as trained, or as estimated within the range."""
    corruption = model.corruption
    if not corruption.added or not (corruption.blind or level is not None):
        return corruption.highest
    if level is None:
        channels = planes_of(picture, opponent=False)
        level = float(np.median([noise_level(plane.values) for plane in channels]))
    return float(np.clip(level, corruption.lowest, corruption.highest)) if corruption.blind else float(level)


@dataclass(frozen=True)
class Pictures:
    """Pictures between the values that are black and white.

    Attributes
    ----------
    ends : (float, float)
        Black and white of pictures whose type does not say it; those of 8 or 16 bits have the range of their type.
    """

    ends: tuple[float, float]

    def ends_of(self, picture: np.ndarray, name: str) -> tuple[float, float]:
        """Black and white of a picture: of its own type, or as in training; where that had 8 or 16 bits, also 0 and 1.

        `name` is what the message begins with where a picture lies far beyond these.
        """
        told = own_range(picture.dtype)
        if told is not None:
            return told
        of_floats = [(0.0, 1.0)] if self.ends in OF_BITS and picture.dtype.kind == "f" else []
        for low, high in (*of_floats, self.ends):
            margin = FAR * (high - low)
            if low - margin <= picture.min() and picture.max() <= high + margin:
                return low, high
        raise DataError(
            f"{name} ({picture.dtype.name}) holds {picture.min():g} to {picture.max():g}; "
            f"this denoiser was fitted on {self.ends[0]:g} to {self.ends[1]:g}. Bring it to that range."
        )

    def units(self, X: Any, caller: str) -> list[np.ndarray]:
        """Pictures between 0 and 1."""
        pictures = enumerate(as_pictures(X, caller))
        return [scaled(picture, self.ends_of(picture, f"{caller}: picture {number}")) for number, picture in pictures]

    def level_between(self, noisy: list[np.ndarray], clean: list[np.ndarray]) -> float:
        """The root mean square of the differences of all pixels."""
        squares = np.concatenate([np.square(n - c).ravel() for n, c in zip(noisy, clean, strict=True)])
        return float(np.sqrt(squares.mean()))

    def cleaned(self, model: Networks, X: Any, level: float | None, path: Pass) -> Any:
        """An array where `X` is one, otherwise a list."""
        if hasattr(X, "columns"):
            raise DataError("Denoiser.transform: X is a table; this denoiser was fitted on pictures. Pass pictures.")
        pictures = as_pictures(X, "Denoiser.transform")
        ends = [self.ends_of(one, f"Denoiser.transform: picture {number}") for number, one in enumerate(pictures)]
        found = [self._cleaned(model, *one, level, path) for one in zip(pictures, ends, strict=True)]
        if isinstance(X, np.ndarray):
            return found[0] if is_one_picture(X) else np.stack(found)
        return found

    def _cleaned(
        self, model: Networks, picture: np.ndarray, ends: tuple[float, float], level: float | None, path: Pass
    ) -> np.ndarray:
        values = scaled(picture, ends)
        found = self._clean(model, values, estimated(model, values, level), path)
        return unscaled(found, ends, picture.dtype)

    def _clean(self, model: Any, values: np.ndarray, level: float, path: Pass) -> np.ndarray:
        """A picture between 0 and 1 without noise."""
        raise NotImplementedError


@dataclass(frozen=True)
class Windows(Pictures):
    """Pictures of any size: networks see a window around a place, and correct its middle."""

    settings: ClassVar[Settings] = Settings((512, 512), 400_000, 7)
    shape: ClassVar[tuple[int, int]] = (WINDOW, WINDOW)
    inner: ClassVar[tuple[int, int]] = (INNER, INNER)

    @property
    def seen(self) -> np.ndarray:
        """Pixels in the middle, means of blocks beyond."""
        return glimpse(WINDOW, SHARP)

    def drawing(self, clean: list[np.ndarray], noisy: list[np.ndarray] | None, corruption: Corruption) -> Drawing:
        """Windows from everywhere; some pictures, or parts of them, are held out."""
        smallest = min(min(one.shape[:2]) for one in clean)
        if smallest < INNER:
            raise DataError(
                f"Denoiser.fit: a picture is {smallest} pixels high or wide; networks correct {INNER} at once. "
                "Take it out."
            )
        margin = (WINDOW - INNER) // 2
        margins = (0, 0), (margin, margin), (margin, margin)
        padded = {
            judged: [np.pad(one, margins, mode="symmetric") for one in part]
            for judged, part in pairs_of(clean, noisy, corruption).items()
        }

        def draw(count: int, rng: np.random.Generator, judged: bool) -> Drawn:
            found = drawn(padded[judged], WINDOW, count, rng)
            return Drawn(*(found[:, side].reshape(count, -1) for side in range(found.shape[1])))

        return draw

    def _clean(self, model: Any, values: np.ndarray, level: float, path: Pass) -> np.ndarray:
        opponent = model.corruption.added
        planes = [model.denoise(plane.values, plane.noise * level, *path) for plane in planes_of(values, opponent)]
        return joined(planes, values, opponent)

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain JSON."""
        return {"kind": "windows", "ends": list(self.ends)}


def pairs_of(
    clean: Sequence[np.ndarray], noisy: Sequence[np.ndarray] | None, corruption: Corruption
) -> dict[bool, list[np.ndarray]]:
    """The channels to judge by (True) and to learn from, (1, height, width), or (2, height, width) with noisy twins."""
    sides = [parted(side, WINDOW) for side in (clean, noisy) if side is not None]
    return {
        judged: [np.stack(pair) for pair in zip(*(_channels(side[judged], corruption) for side in sides), strict=True)]
        for judged in (True, False)
    }


def _channels(pictures: Sequence[np.ndarray], corruption: Corruption) -> list[np.ndarray]:
    """The channels of all pictures; brightness more often than colour."""
    planes = []
    for picture in pictures:
        values = [plane.values for plane in planes_of(picture, corruption.added)]
        planes += values[:1] * (LUMINANCE_SHARE if len(values) == 3 else 1) + values[1:]
    return planes


@dataclass(frozen=True)
class WholePictures(Pictures):
    """Small pictures of one size: every pixel is seen, and corrected.

    Attributes
    ----------
    size : (height, width) or (height, width, channels)
    """

    size: tuple[int, ...]
    settings: ClassVar[Settings] = Settings((512, 512), 400_000, 7)

    @property
    def shape(self) -> tuple[int, int]:
        """Height, and width times channels."""
        return self.size[0], int(np.prod(self.size[1:]))

    inner = shape

    @property
    def seen(self) -> np.ndarray:
        """Every pixel."""
        return np.eye(int(np.prod(self.size)), dtype=np.float32)

    def drawing(self, clean: list[np.ndarray], noisy: list[np.ndarray] | None, corruption: Corruption) -> Drawing:
        """Pictures, some of which are held out."""
        rows = np.stack([one.ravel() for one in clean])
        twins = None if noisy is None else np.stack([one.ravel() for one in noisy])
        parts = held_out(len(rows))

        def draw(count: int, rng: np.random.Generator, judged: bool) -> Drawn:
            chosen = rng.choice(parts[judged], size=count)
            return Drawn(rows[chosen], None if twins is None else twins[chosen])

        return draw

    def _clean(self, model: Any, values: np.ndarray, level: float, path: Pass) -> np.ndarray:
        if values.shape != self.size:
            raise DataError(
                f"Denoiser.transform: a picture has shape {values.shape}; this denoiser was fitted on {self.size}. "
                "Cut it, or fit on pictures of its size."
            )
        return model.cleaned(values.reshape(1, -1), np.array([level], dtype=np.float32)).reshape(self.size)

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain JSON."""
        return {"kind": "whole", "ends": list(self.ends), "size": list(self.size)}


def pictures_of(pictures: Sequence[np.ndarray]) -> Windows | WholePictures:
    """How to see these clean pictures."""
    ends, shapes = full_range(pictures), {picture.shape for picture in pictures}
    if len(shapes) == 1 and pictures[0].size <= SMALL:
        return WholePictures(ends, pictures[0].shape)
    return Windows(ends)
