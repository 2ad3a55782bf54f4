"""Alike patches of a picture, near and far, cleaned together: what a window does not see."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.fft import dct
from scipy.signal.windows import kaiser

from dashpot.denoising.patches import places

__all__ = ["Search", "cleaned_together", "most_alike", "thresholded_together"]

SIDE, STEP = 8, 3  # pixels of a patch, and from one to the next that looks for others
THRESHOLD = 2.7  # standard deviations of the noise below which a coefficient is taken for noise
ALIKE = 0.1  # mean squared difference of alike patches of an estimate at most, in units of the noise's variance
LINES = 16  # of patches at once, to bound memory

Rule = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


class Search(NamedTuple):
    """Where a patch looks for others.

    Attributes
    ----------
    most : int
        Patches of a group, a power of two.
    near : int
        Pixels away within which every place is looked at.
    far, step : int
        Pixels away within which every place on a grid of so many pixels is looked at.
    """

    most: int
    near: int
    far: int
    step: int


# In a noisy picture every place may hold the most alike patch. A smooth estimate is most alike one pixel further on,
# where the noise is nearly the same and no mean takes it away: patches that stand apart are worth more.
IN_NOISE, IN_ESTIMATE = Search(16, 6, 18, 2), Search(64, 0, 32, 4)


def cleaned_together(noisy: np.ndarray, estimate: np.ndarray, level: float) -> np.ndarray:
    """Return the plane without noise, float32 (height, width): groups of alike patches, shrunken as the estimate says.

    Patches that are alike in the estimate form a block of three axes. In its cosine transform each coefficient of the
    noisy block is multiplied by e^2 / (e^2 + level^2), e being that of the estimate (Wiener's rule). All patches go
    back to their places, those of groups that few coefficients describe with more weight. No training.

    Parameters
    ----------
    noisy, estimate : arrays (height, width)
    level : float
        Standard deviation of the noise.

    References
    ----------
    Dabov, Foi, Katkovnik and Egiazarian (2007), IEEE Transactions on Image Processing 16: the second stage of BM3D.

    Examples
    --------
    >>> stripes = np.tile([0.2, 0.8], (32, 16))
    >>> noisy = stripes + np.random.default_rng(0).normal(0, 0.2, size=stripes.shape)
    >>> bool(np.abs(cleaned_together(noisy, stripes, 0.2) - stripes).mean() < 0.02)
    True
    """

    def shrunken(given: np.ndarray, guide: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        wanted = np.square(_spectrum(guide))
        wanted /= wanted + np.float32(level**2)
        return _picture(_spectrum(given) * wanted), np.square(wanted).sum((1, 2))

    return _grouped(noisy, estimate, IN_ESTIMATE, ALIKE * level**2, shrunken)


def thresholded_together(noisy: np.ndarray, level: float) -> np.ndarray:
    """Return the plane with little noise, float32 (height, width): alike patches without their small coefficients.

    What `cleaned_together` takes for its estimate where there is none yet. Parameters as there.

    References
    ----------
    Dabov et al. (2007): the first stage of BM3D.

    Examples
    --------
    >>> stripes = np.tile([0.2, 0.8], (32, 16))
    >>> noisy = stripes + np.random.default_rng(0).normal(0, 0.1, size=stripes.shape)
    >>> bool(np.abs(thresholded_together(noisy, 0.1) - stripes).mean() < 0.04)
    True
    """

    def thresholded(given: np.ndarray, _: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        spectrum = _spectrum(given)
        kept = np.abs(spectrum) > THRESHOLD * level
        kept[:, 0, 0] = True
        return _picture(spectrum * kept), kept.sum((1, 2))

    return _grouped(noisy, noisy, IN_NOISE, np.inf, thresholded)


def _grouped(noisy: np.ndarray, guide: np.ndarray, search: Search, alike: float, rule: Rule) -> np.ndarray:
    """The plane from groups of patches that are alike in the guide, by a rule for groups of one size.

    The rule gets noisy patches and those of the guide, (groups, count, side, side), and gives patches (groups, count,
    pixels) and how many coefficients describe each group: the fewer, the more it counts.
    """
    noisy, guide = (np.asarray(plane, dtype=np.float32) for plane in (noisy, guide))
    side = min(SIDE, *noisy.shape)
    window = np.outer(kaiser(side, 2.0), kaiser(side, 2.0)).ravel().astype(np.float32)
    within = np.add.outer(np.arange(side) * noisy.shape[1], np.arange(side)).ravel()
    total, weight = np.zeros((2, noisy.size))
    lines = places(noisy.shape[0] - side + 1, STEP)
    for start in range(0, len(lines), LINES):
        rows, columns, differences = most_alike(guide, side, lines[start : start + LINES], search)
        sizes = 2 ** np.log2(np.maximum((differences <= alike).sum(1), 1)).astype(int)
        for size in np.unique(sizes):
            down, right = rows[sizes == size, :size], columns[sizes == size, :size]
            given, guiding = (sliding_window_view(p, (side, side))[down, right] for p in (noisy, guide))
            found, coefficients = rule(given, guiding)
            weights = window / coefficients[:, None, None]
            pixels = ((down * noisy.shape[1] + right)[:, :, None] + within).ravel()
            total += np.bincount(pixels, (found * weights).ravel(), noisy.size)
            weight += np.bincount(pixels, np.broadcast_to(weights, found.shape).ravel(), noisy.size)
    return np.asarray((total / weight).reshape(noisy.shape), dtype=np.float32)


def most_alike(
    plane: np.ndarray, side: int, lines: np.ndarray, search: Search
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The upper left corners of the patches most alike to some, itself first, and mean squared differences.

    Parameters
    ----------
    plane : array (height, width)
    side : int
        Height and width of a patch.
    lines : int array, sorted
        Rows of the upper left corners of the patches that look for others; their columns are every third.
    search : Search

    Returns
    -------
    rows, columns : int arrays (patches, count)
    differences : float array (patches, count)
    """
    free = plane.shape[0] - side, plane.shape[1] - side
    columns = places(free[1] + 1, STEP)
    top, bottom, reach = lines[0], lines[-1] + side, min(search.far, *plane.shape)
    down, right = _ways(reach, search)
    around = np.pad(plane, reach, mode="symmetric")
    distances = np.empty((len(down), len(lines), len(columns)), dtype=np.float32)
    for one, (d, r) in zip(distances, zip(down, right, strict=True), strict=True):
        moved = around[reach + top + d : reach + bottom + d, reach + r : reach + r + plane.shape[1]]
        one[:] = _patch_sums(np.square(plane[top:bottom] - moved), side, lines - top, columns)
        one[(lines + d < 0) | (lines + d > free[0])] = np.inf
        one[:, (columns + r < 0) | (columns + r > free[1])] = np.inf
    distances[0] = -1  # the patch itself
    flat = distances.reshape(len(down), -1).T
    count = min(search.most, int(np.isfinite(flat).sum(1).min()))
    nearest = np.argpartition(flat, count - 1, axis=1)[:, :count]
    order = np.argsort(np.take_along_axis(flat, nearest, 1), axis=1, kind="stable")
    nearest = np.take_along_axis(nearest, order, 1)
    return (
        np.repeat(lines, len(columns))[:, None] + down[nearest],
        np.tile(columns, len(lines))[:, None] + right[nearest],
        np.take_along_axis(flat, nearest, 1) / side**2,
    )


@lru_cache(maxsize=16)
def _ways(reach: int, search: Search) -> tuple[np.ndarray, np.ndarray]:
    """Where to look from a place: pixels down and to the right, nearest first."""
    down, right = (axis.ravel() for axis in np.mgrid[-reach : reach + 1, -reach : reach + 1])
    away = np.maximum(np.abs(down), np.abs(right))
    looked_at = (away <= search.near) | ((down % search.step == 0) & (right % search.step == 0))
    order = np.argsort(away[looked_at], kind="stable")
    return down[looked_at][order], right[looked_at][order]


def _patch_sums(plane: np.ndarray, side: int, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Sums over the patches with these upper left corners, (rows, columns)."""
    downwards = np.zeros((plane.shape[0] + 1, plane.shape[1]), dtype=np.float32)
    np.cumsum(plane, axis=0, out=downwards[1:])
    across = np.zeros((len(rows), plane.shape[1] + 1), dtype=np.float32)
    np.cumsum(downwards[rows + side] - downwards[rows], axis=1, out=across[:, 1:])
    return across[:, columns + side] - across[:, columns]


def _spectrum(patches: np.ndarray) -> np.ndarray:
    """The cosine transform of groups (groups, count, side, side), along all three axes: (groups, count, pixels)."""
    count, side = patches.shape[1:3]
    within = np.kron(_cosines(side), _cosines(side))
    return np.matmul(_cosines(count), patches.reshape(len(patches), count, -1) @ within.T)


def _picture(spectrum: np.ndarray) -> np.ndarray:
    """Patches again from their cosine transform, (groups, count, pixels)."""
    count, side = spectrum.shape[1], math.isqrt(spectrum.shape[2])
    return np.matmul(_cosines(count).T, spectrum) @ np.kron(_cosines(side), _cosines(side))


@lru_cache(maxsize=32)
def _cosines(length: int) -> np.ndarray:
    """The orthogonal matrix of the cosine transform, float32 (length, length)."""
    return np.asarray(dct(np.eye(length), axis=0, norm="ortho"), dtype=np.float32)
