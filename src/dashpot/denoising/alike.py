"""Alike patches of a picture, near and far, cleaned together: what a window does not see."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.fft import dct
from scipy.signal.windows import kaiser

from dashpot.denoising.patches import places

__all__ = ["cleaned_together", "most_alike"]

SIDE, STEP = 8, 3  # pixels of a patch, and from one to the next that looks for others
COUNT = 16  # patches that are cleaned together
NEAR, FAR = 6, 18  # pixels away within which every place is looked at, and every second one
LINES = 16  # of patches at once, to bound memory


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
    noisy, estimate = (np.asarray(plane, dtype=np.float32) for plane in (noisy, estimate))
    side = min(SIDE, *noisy.shape)
    window = np.outer(kaiser(side, 2.0), kaiser(side, 2.0)).ravel().astype(np.float32)
    within = np.add.outer(np.arange(side) * noisy.shape[1], np.arange(side)).ravel()
    total, weight = np.zeros((2, noisy.size))
    lines = places(noisy.shape[0] - side + 1, STEP)
    for start in range(0, len(lines), LINES):
        rows, columns = most_alike(estimate, side, lines[start : start + LINES])
        given, guide = (sliding_window_view(p, (side, side))[rows, columns] for p in (noisy, estimate))
        found, trust = _shrunken(given, guide, level)
        pixels = ((rows * noisy.shape[1] + columns)[:, :, None] + within).ravel()
        weights = np.broadcast_to(trust * window, found.shape)
        total += np.bincount(pixels, (found * weights).ravel(), noisy.size)
        weight += np.bincount(pixels, weights.ravel(), noisy.size)
    return np.asarray((total / weight).reshape(noisy.shape), dtype=np.float32)


def most_alike(plane: np.ndarray, side: int, lines: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the upper left corners of the patches most alike to some, itself first, two int arrays (patches, count).

    Parameters
    ----------
    plane : array (height, width)
    side : int
        Height and width of a patch.
    lines : int array, sorted
        Rows of the upper left corners of the patches that look for others; their columns are every third.
    """
    free = plane.shape[0] - side, plane.shape[1] - side
    columns = places(free[1] + 1, STEP)
    top, bottom, reach = lines[0], lines[-1] + side, min(FAR, *plane.shape)
    down, right = _ways(reach)
    around = np.pad(plane, reach, mode="symmetric")
    distances = np.empty((len(down), len(lines), len(columns)), dtype=np.float32)
    for one, (d, r) in zip(distances, zip(down, right, strict=True), strict=True):
        moved = around[reach + top + d : reach + bottom + d, reach + r : reach + r + plane.shape[1]]
        one[:] = _patch_sums(np.square(plane[top:bottom] - moved), side, lines - top, columns)
        one[(lines + d < 0) | (lines + d > free[0])] = np.inf
        one[:, (columns + r < 0) | (columns + r > free[1])] = np.inf
    distances[0] = -1  # the patch itself
    count = min(COUNT, (min(free[0], NEAR) + 1) * (min(free[1], NEAR) + 1))
    flat = distances.reshape(len(down), -1).T
    nearest = np.argpartition(flat, count - 1, axis=1)[:, :count]
    order = np.argsort(np.take_along_axis(flat, nearest, 1), axis=1, kind="stable")
    nearest = np.take_along_axis(nearest, order, 1)
    return np.repeat(lines, len(columns))[:, None] + down[nearest], np.tile(columns, len(lines))[:, None] + right[
        nearest
    ]


@lru_cache(maxsize=8)
def _ways(reach: int) -> tuple[np.ndarray, np.ndarray]:
    """Where to look from a place: steps down and to the right, nearest first; far away only every second pixel."""
    down, right = (axis.ravel() for axis in np.mgrid[-reach : reach + 1, -reach : reach + 1])
    away = np.maximum(np.abs(down), np.abs(right))
    looked_at = (away <= NEAR) | ((down % 2 == 0) & (right % 2 == 0))
    order = np.argsort(away[looked_at], kind="stable")
    return down[looked_at][order], right[looked_at][order]


def _patch_sums(plane: np.ndarray, side: int, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Sums over the patches with these upper left corners, (rows, columns)."""
    downwards = np.zeros((plane.shape[0] + 1, plane.shape[1]), dtype=np.float32)
    np.cumsum(plane, axis=0, out=downwards[1:])
    across = np.zeros((len(rows), plane.shape[1] + 1), dtype=np.float32)
    np.cumsum(downwards[rows + side] - downwards[rows], axis=1, out=across[:, 1:])
    return across[:, columns + side] - across[:, columns]


def _shrunken(noisy: np.ndarray, estimate: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Groups (groups, count, side, side) without noise, (groups, count, pixels), and how much each counts."""
    count, side = noisy.shape[1:3]
    along, within = _cosines(count), np.kron(_cosines(side), _cosines(side))
    given, guide = (np.matmul(along, g.reshape(len(g), count, -1) @ within.T) for g in (noisy, estimate))
    gain = np.square(guide)
    gain /= gain + np.float32(level**2)
    found = np.matmul(along.T, given * gain) @ within
    return found, 1 / np.square(gain).sum((1, 2), keepdims=True)


@lru_cache(maxsize=32)
def _cosines(length: int) -> np.ndarray:
    """The orthogonal matrix of the cosine transform, float32 (length, length)."""
    return np.asarray(dct(np.eye(length), axis=0, norm="ortho"), dtype=np.float32)
