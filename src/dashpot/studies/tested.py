"""What was predicted for the test rows: the ground of pictures, of calibration, and of the bootstrap."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Tested:
    """Test rows of every split, and what each method predicted for them at its chosen strength.

    Attributes
    ----------
    rows : list of int arrays, one for each split
        Row numbers of the test rows.
    targets : array of shape (rows,) or (rows, outputs)
        Of all rows of the study.
    weights, groups : array of shape (rows,) or None
    predicted : dict
        (split, method) -> float32 array of shape (test rows, classes or outputs).
    learned : float
        Share of all rows that is learned from in one split.
    """

    rows: list[np.ndarray]
    targets: np.ndarray
    weights: np.ndarray | None
    groups: np.ndarray | None
    predicted: dict[tuple[int, str], np.ndarray]
    learned: float = 0.6

    def pooled(self, methods: dict[int, str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Targets, predictions and weights of all test rows of all splits, by the method chosen for each split."""
        splits = sorted(methods)
        rows = np.concatenate([self.rows[split] for split in splits])
        predicted = np.concatenate([self.predicted[split, methods[split]] for split in splits])
        weights = np.ones(len(rows)) if self.weights is None else self.weights[rows]
        return self.targets[rows], predicted.astype(np.float64), weights
