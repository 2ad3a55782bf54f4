"""Pictures of any kind as float32 planes between 0 and 1, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from dashpot.errors import DataError

__all__ = [
    "Plane",
    "as_pictures",
    "full_range",
    "is_one_picture",
    "joined",
    "own_range",
    "planes_of",
    "scaled",
    "unscaled",
]

# Colours as the mean of the channels and two differences: there noise is as white as before, and pictures are less
# alike (Dabov et al. 2007). The rows are orthogonal; their lengths say how much noise of level 1 is left in each.
OPPONENT = np.array([[1 / 3, 1 / 3, 1 / 3], [0.5**0.5, 0, -(0.5**0.5)], [6**-0.5, -2 * 6**-0.5, 6**-0.5]])


class Plane(NamedTuple):
    """One channel of a picture, and the noise in it where each channel of the picture has noise of level 1."""

    values: np.ndarray
    noise: float


def is_one_picture(given: Any) -> bool:
    """Whether an array is one picture, grey or in colour, and not several.

    An array (7 or more, 7 or more, 3 or 4) is one picture in colour: grey ones of so few columns come in a list.

    Examples
    --------
    >>> is_one_picture(np.zeros((40, 50, 3))), is_one_picture(np.zeros((40, 8, 8)))
    (True, False)
    """
    if not isinstance(given, np.ndarray) or given.ndim not in (2, 3):
        return False
    return given.ndim == 2 or (given.shape[2] in (3, 4) and min(given.shape[:2]) >= 7)


def as_pictures(given: Any, caller: str) -> list[np.ndarray]:
    """Return pictures as a list of arrays (height, width) or (height, width, channels).

    Parameters
    ----------
    given : array of one picture or (rows, height, width[, channels]), or a sequence of pictures of any sizes
    caller : str
        The name that error messages begin with.

    Raises
    ------
    DataError
        If there is none, one has other axes, no pixel, a missing or infinite pixel, or its pixels are no numbers.
    """
    pictures = [np.asarray(picture) for picture in ([given] if is_one_picture(given) else given)]
    if not pictures:
        raise DataError(f"{caller}: there is no picture. Pass at least one.")
    for number, picture in enumerate(pictures):
        if picture.ndim not in (2, 3) or not picture.size:
            raise DataError(
                f"{caller}: picture {number} has shape {picture.shape}; a picture is (height, width) or "
                "(height, width, channels), with a pixel at least. Take it out."
            )
        if picture.dtype.kind not in "buif":
            raise DataError(f"{caller}: picture {number} holds {picture.dtype.name}; a pixel is a number. Take it out.")
        if picture.dtype.kind == "f" and not np.isfinite(picture).all():
            row, column = np.argwhere(~np.isfinite(picture))[0][:2]
            raise DataError(
                f"{caller}: picture {number} has a missing or infinite pixel, first in row {row}, column {column}. "
                "Fill it, or take the picture out."
            )
    return pictures


def own_range(kind: np.dtype[Any]) -> tuple[float, float] | None:
    """Return what black and white are by the type of the pixels alone, None where it does not say."""
    if kind.kind == "b":
        return 0.0, 1.0
    return (0.0, float(np.iinfo(kind).max)) if kind in (np.uint8, np.uint16) else None


def full_range(pictures: Sequence[np.ndarray]) -> tuple[float, float]:
    """Return what black and white are: 0 to 1, or what pictures span whose type does not say; else that of their type.

    Examples
    --------
    >>> full_range([np.zeros((2, 2), dtype=np.uint8)]), full_range([np.array([[0.0, 16.0]])])
    ((0.0, 255.0), (0.0, 16.0))
    """
    told = own_range(pictures[0].dtype)
    others = [picture for picture in pictures if own_range(picture.dtype) is None]
    if told is not None and not others:
        return told
    low, high = (float(end) for end in (min(p.min() for p in others), max(p.max() for p in others)))
    return (0.0, 1.0) if low >= 0 and high <= 1 else (min(low, 0.0), max(high, 0.0))


def scaled(picture: np.ndarray, ends: tuple[float, float]) -> np.ndarray:
    """Return a picture between 0 (black) and 1 (white), float32."""
    return np.asarray((picture.astype(np.float64) - ends[0]) / (ends[1] - ends[0]), dtype=np.float32)


def unscaled(picture: np.ndarray, ends: tuple[float, float], kind: np.dtype[Any]) -> np.ndarray:
    """Return a picture in its own units and of its own type; whole numbers are rounded and kept within their range."""
    values = np.clip(picture, 0, 1).astype(np.float64) * (ends[1] - ends[0]) + ends[0]
    return np.asarray(values.round() if kind.kind in "ui" else values).astype(
        kind if kind.kind in "uif" else np.float64
    )


def planes_of(picture: np.ndarray, opponent: bool) -> list[Plane]:
    """Return the channels of a picture; three colours as their mean and two differences where `opponent`.

    Examples
    --------
    >>> [plane.values.shape for plane in planes_of(np.zeros((4, 5, 3), dtype=np.float32), True)]
    [(4, 5), (4, 5), (4, 5)]
    """
    if picture.ndim == 2:
        return [Plane(picture, 1.0)]
    if picture.shape[2] != 3 or not opponent:
        return [Plane(picture[:, :, number], 1.0) for number in range(picture.shape[2])]
    turned = (picture @ OPPONENT.T.astype(np.float32)).astype(np.float32)
    return [Plane(turned[:, :, k], float(np.linalg.norm(OPPONENT[k]))) for k in range(3)]


def joined(planes: Sequence[np.ndarray], picture: np.ndarray, opponent: bool) -> np.ndarray:
    """Return the picture with these channels, shaped like `picture`: the inverse of `planes_of`."""
    if picture.ndim == 2:
        return planes[0]
    stacked = np.stack(planes, axis=2)
    if picture.shape[2] != 3 or not opponent:
        return stacked
    return np.asarray(stacked @ np.linalg.inv(OPPONENT).T, dtype=np.float32)
