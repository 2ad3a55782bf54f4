"""How far a row is from the rows most like it."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np

BLOCK = 1024  # rows whose distances are held at once by each thread


def mean_distances(points: np.ndarray, references: np.ndarray, counts: tuple[int, ...]) -> np.ndarray:
    """Mean distance to the nearest of the references, (points, counts), for each number of neighbours.

    Where a point is NaN, nothing is added to its distances.

    Examples
    --------
    >>> mean_distances(np.array([[0.0]]), np.array([[1.0], [2.0], [6.0]]), (1, 3))
    array([[1., 3.]])
    """
    points, references = (np.asarray(part, dtype=np.float64) for part in (points, references))
    squares, absent, points = np.square(references).sum(1), np.isnan(points), np.nan_to_num(points)
    counts = tuple(min(count, len(references)) for count in counts)

    def means(start: int) -> np.ndarray:
        some = points[start : start + BLOCK]
        distances = some @ (-2 * references.T)
        distances += squares
        distances += np.square(some).sum(1)[:, None]
        if absent[start : start + BLOCK].any():
            distances -= absent[start : start + BLOCK] @ np.square(references).T
        nearest = np.partition(distances.astype(np.float32), max(counts) - 1, axis=1)[:, : max(counts)]
        nearest = np.sqrt(np.sort(nearest, axis=1).clip(min=0), dtype=np.float64).cumsum(1)
        return np.asarray(nearest[:, [count - 1 for count in counts]] / counts)

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        return np.concatenate(list(threads.map(means, range(0, max(len(points), 1), BLOCK))))
