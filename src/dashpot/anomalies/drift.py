"""Whether new rows are distributed as those of the fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from dashpot.anomalies.tails import scores_of_juries

if TYPE_CHECKING:
    from dashpot.anomalies.reading import Reading

SHARES = np.linspace(0, 1, 101)  # of the quantiles that a detector remembers of each input


def remembered(inputs: np.ndarray, indicator: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Quantiles of each input, missing numbers left out, (quantiles, inputs), and how many cells they are of."""
    columns = [column[~np.isnan(column)] for column in _comparable(inputs, indicator).T.astype(np.float64)]
    quantiles = [np.quantile(column, SHARES) if len(column) else np.zeros(len(SHARES)) for column in columns]
    return np.column_stack(quantiles), np.array([len(column) for column in columns])


def _comparable(inputs: np.ndarray, indicator: np.ndarray) -> np.ndarray:
    """Inputs in which a category that is missing or unseen is neither of a level, 1, nor of another, 0."""
    return np.where(indicator & np.isnan(inputs), 0.5, inputs)


def drift(detector: Reading, X: Any) -> pd.DataFrame:
    """Kolmogorov-Smirnov tests of the score and of each column against the fit."""
    inputs, targets, fold = detector._encoded(X)
    scores = scores_of_juries(detector._scores_by_fold(inputs, targets, fold), fold)
    known = detector.training_scores_
    rows = [("the score", *_compared(scores, np.quantile(known, SHARES), len(known)))]
    rows += _of_columns(detector, inputs)
    table = pd.DataFrame(rows, columns=["what", "statistic", "p"])
    order = np.argsort(table["p"].to_numpy(), kind="stable")
    adjusted = np.minimum(1, np.maximum.accumulate(table["p"].to_numpy()[order] * np.arange(len(table), 0, -1)))
    table.loc[order, "p"] = adjusted
    return table.sort_values(["p", "statistic"], ascending=[True, False], ignore_index=True)


def _of_columns(detector: Reading, inputs: np.ndarray) -> list[tuple[str, float, float]]:
    """Each source column by the input that tells most, its p-value adjusted for the number of its inputs."""
    columns = detector.encoder_.inputs_
    found, source, inputs = [], columns.source, _comparable(inputs, columns.indicator)
    for number in np.unique(source):
        tests = [
            _compared(inputs[:, [place]], detector.quantiles_[:, place], int(detector.counts_[place]))
            for place in np.flatnonzero(source == number)
        ]
        statistic, p = min(tests, key=lambda test: (test[1], -test[0]))
        found.append((str(detector.encoder_.columns_[number].name), statistic, min(1.0, p * len(tests))))
    return found


def _compared(values: np.ndarray, quantiles: np.ndarray, fitted: int) -> tuple[float, float]:
    """Largest difference of two distributions, and the bound of Dvoretzky, Kiefer and Wolfowitz for its p-value.

    The new rows have `values` (rows, values of a row), the `fitted` cells of the fit have left their `quantiles`,
    which tell their distribution up to one step between quantiles and one cell.
    """
    values = values[~np.isnan(values).any(1)].astype(np.float64)
    if not len(values):
        return 0.0, 1.0
    known = np.sort(quantiles)
    at = np.unique(np.append(values, known))
    ours = np.searchsorted(np.sort(values, axis=None), at, side="right") / values.size
    theirs = np.searchsorted(known, at, side="right") / len(known)
    statistic = float(max(0.0, np.abs(ours - theirs).max() - 1 / len(known) - 1 / fitted))
    pairs = fitted * len(values) / (fitted + len(values))
    return statistic, float(min(1.0, 2 * np.exp(-2 * pairs * statistic**2)))
