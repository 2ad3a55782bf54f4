"""Very different measures of oddness on one scale: logarithms in robust units of rows that were held out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LOWEST, HIGHEST = -3.0, 10.0
SHARPNESS = 0.4  # 0 is the mean of the measures; the larger, the more the greatest counts
SMALLEST = 1e-9


@dataclass(frozen=True, eq=False)
class Scale:
    """Median and robust spread of the logarithm of each measure.

    If a measure were log-normal among usual rows, its value on this scale would be the normal quantile of its tail
    probability, and their mean Stouffer's way to combine such probabilities. A measure that finds a row very odd
    counts more than that: the score is log(mean(exp(sharpness * value))) / sharpness.

    Attributes
    ----------
    centre, spread : float arrays (measures,)
    weights : float array (measures,)
        Of each measure in the score; their sum is 1.
    """

    centre: np.ndarray
    spread: np.ndarray
    weights: np.ndarray

    @classmethod
    def of(cls, found: np.ndarray, weights: np.ndarray) -> Scale:
        """The scale of measures found on rows that were held out, (rows, measures)."""
        logs = np.log(found + SMALLEST)
        centre = np.median(logs, axis=0)
        spread = 1.4826 * np.median(np.abs(logs - centre), axis=0)
        return cls(centre, np.maximum(spread, 1e-3), weights / weights.sum())

    def scores(self, found: np.ndarray) -> np.ndarray:
        """A mean of the measures in which the great ones count more, (rows,), for (rows, measures)."""
        units = (np.log(found + SMALLEST) - self.centre) / self.spread
        return np.asarray(np.log(np.exp(SHARPNESS * np.clip(units, LOWEST, HIGHEST)) @ self.weights) / SHARPNESS)
