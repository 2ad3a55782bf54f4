"""Pictures to overlapping patches, and back by weighted averaging."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

__all__ = ["around", "assembled", "cut", "drawn", "places", "summed", "turned", "turned_back"]


def places(length: int, stride: int) -> np.ndarray:
    """Return every `stride`-th place of an axis, and its last.

    Examples
    --------
    >>> places(6, 2)
    array([0, 2, 4, 5])
    """
    return np.unique(np.append(np.arange(0, length, stride), length - 1))


def cut(plane: np.ndarray, side: int, stride: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the patches around every `stride`-th pixel; the plane is mirrored at its borders.

    Parameters
    ----------
    plane : array (height, width), or (planes, height, width)
    side : odd int
        Height and width of a patch.
    stride : int, default 1

    Returns
    -------
    patches : array (rows, columns[, planes], side, side)
    rows, columns : int arrays
        The pixels in the middle of the patches.
    """
    rows, columns = places(plane.shape[-2], stride), places(plane.shape[-1], stride)
    return around(plane, side)[rows][:, columns], rows, columns


def around(plane: np.ndarray, side: int) -> np.ndarray:
    """Return the patch around every pixel, a view (height, width[, planes], side, side); borders are mirrored.

    Parameters
    ----------
    plane : array (height, width), or (planes, height, width)
    side : odd int
    """
    margins = [(0, 0)] * (plane.ndim - 2) + [(side // 2, side // 2)] * 2
    windows = sliding_window_view(np.pad(plane, margins, mode="symmetric"), (side, side), axis=(-2, -1))
    return np.moveaxis(windows, 0, -3) if plane.ndim == 3 else windows


def assembled(
    patches: np.ndarray, rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int], weights: np.ndarray
) -> np.ndarray:
    """Return the plane in which overlapping patches are averaged, (height, width).

    Parameters
    ----------
    patches : array (rows, columns, side, side)
    rows, columns : int arrays
        The pixels in the middle of the patches.
    shape : (height, width)
    weights : array (side, side), positive
        How much each pixel of a patch counts.

    Examples
    --------
    >>> plane = np.arange(20.0).reshape(4, 5)
    >>> np.allclose(assembled(*cut(plane, 3), plane.shape, np.ones((3, 3))), plane)
    True
    """
    total = summed(patches * weights, rows, columns, shape)
    return total / summed(np.broadcast_to(weights, patches.shape), rows, columns, shape)


def summed(patches: np.ndarray, rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return the plane (height, width) to which every patch was added at its place; what lies outside is left out."""
    height, width = patches.shape[2:]
    total = np.zeros((shape[0] + height - 1, shape[1] + width - 1), dtype=patches.dtype)
    for down in range(height):
        for right in range(width):
            total[np.ix_(rows + down, columns + right)] += patches[:, :, down, right]
    top, left = height // 2, width // 2
    return total[top : top + shape[0], left : left + shape[1]]


def drawn(
    planes: Sequence[np.ndarray], side: int, count: int, rng: np.random.Generator, turn: bool = True
) -> np.ndarray:
    """Return patches from random places, (count, ..., side, side), each turned or mirrored at random if asked.

    Parameters
    ----------
    planes : sequence of arrays (..., height, width)
        Each at least `side` high and wide; larger ones give more patches. Leading axes are cut alike.
    side, count : int
    rng : numpy.random.Generator
    turn : bool, default True
    """
    free = [(plane.shape[-2] - side + 1, plane.shape[-1] - side + 1) for plane in planes]
    areas = np.array([down * right for down, right in free], dtype=float)
    numbers = np.sort(rng.choice(len(planes), size=count, p=areas / areas.sum()))
    found = np.empty((count, *planes[0].shape[:-2], side, side), dtype=np.float32)
    for number, start, end in _runs(numbers):
        down, right = (rng.integers(0, most, size=end - start) for most in free[number])
        windows = sliding_window_view(planes[number], (side, side), axis=(-2, -1))
        found[start:end] = np.moveaxis(windows[..., down, right, :, :], -3, 0)
    order = rng.permutation(count)
    for symmetry, part in enumerate(np.array_split(order, 8 if turn else 1)):
        found[part] = turned(found[part], symmetry)
    return found[rng.permutation(count)]


def _runs(numbers: np.ndarray) -> Iterator[tuple[int, int, int]]:
    """Each number of a sorted array, with the start and the end of its run."""
    values, starts = np.unique(numbers, return_index=True)
    ends = np.append(starts[1:], len(numbers))
    for value, start, end in zip(values, starts, ends, strict=True):
        yield int(value), int(start), int(end)


def turned(pictures: np.ndarray, symmetry: int) -> np.ndarray:
    """Return pictures (..., side, side) under one of the eight symmetries of the square; 0 leaves them as they are."""
    quarter = np.rot90(pictures, symmetry % 4, axes=(-2, -1))
    return quarter[..., ::-1] if symmetry >= 4 else quarter


def turned_back(pictures: np.ndarray, symmetry: int) -> np.ndarray:
    """Undo `turned`.

    Examples
    --------
    >>> picture = np.arange(6).reshape(2, 3)
    >>> all((turned_back(turned(picture, k), k) == picture).all() for k in range(8))
    True
    """
    mirrored = pictures[..., ::-1] if symmetry >= 4 else pictures
    return np.rot90(mirrored, -(symmetry % 4), axes=(-2, -1))
