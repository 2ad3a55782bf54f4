"""Whether new rows are distributed as those of the fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from dashpot.anomalies.reading import Reading

GRID = 101  # quantiles of each input that a detector remembers


def quantiles_of(inputs: np.ndarray) -> np.ndarray:
    """Quantiles of each input, missing cells left out, (GRID, inputs)."""
    shares = np.linspace(0, 1, GRID)
    columns = [column[~np.isnan(column)] for column in inputs.T.astype(np.float64)]
    return np.column_stack([np.quantile(c, shares) if len(c) else np.zeros(GRID) for c in columns])


def drift(detector: Reading, X: Any) -> pd.DataFrame:
    """Kolmogorov-Smirnov tests of the score and of each column against the fit."""
    inputs, _, _ = detector._encoded(X)
    scores = detector.anomaly_scores(X)
    rows = [("the score", *_compared(scores, np.quantile(detector.training_scores_, np.linspace(0, 1, GRID))))]
    columns = detector.encoder_.inputs_
    for source in np.unique(columns.source):
        own = np.flatnonzero(columns.source == source)
        tests = [_compared(inputs[:, i], detector.quantiles_[:, i]) for i in own]
        rows.append((str(detector.encoder_.columns_[source].name), *max(tests)))
    table = pd.DataFrame(rows, columns=["what", "statistic", "p"])
    order = np.argsort(table["p"].to_numpy(), kind="stable")
    adjusted = np.minimum(1, np.maximum.accumulate(table["p"].to_numpy()[order] * np.arange(len(table), 0, -1)))
    table.loc[order, "p"] = adjusted
    return table.sort_values(["p", "statistic"], ascending=[True, False], ignore_index=True)


def _compared(values: np.ndarray, quantiles: np.ndarray) -> tuple[float, float]:
    """Largest difference of two distributions, and the bound of Dvoretzky, Kiefer and Wolfowitz for its p-value."""
    values = values[~np.isnan(values)].astype(np.float64)
    if not len(values):
        return 0.0, 1.0
    known = np.sort(quantiles)
    at = np.unique(np.concatenate([values, known]))
    ours = np.searchsorted(np.sort(values), at, side="right") / len(values)
    theirs = np.searchsorted(known, at, side="right") / len(known)
    statistic = float(max(0.0, np.abs(ours - theirs).max() - 1 / GRID))  # the grid of the fit is no finer
    return statistic, float(min(1.0, 2 * np.exp(-2 * len(values) * statistic**2)))
