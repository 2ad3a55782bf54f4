"""Scores row by row: values whose weighted mean is the score, and whose spread is its uncertainty.

For a score that is a mean over rows these are its terms. For one that is not (AUC, R², balanced accuracy, RMSE) they
are the score plus the influence of each row on it, so that the mean is still the score, and their spread its error
to first order (Hampel, 1974; for AUC, DeLong et al., 1988). A score that is neither, such as the calibration error,
has none.
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from dashpot.studies import scores
from dashpot.studies.scores import Score, Weights, pinball, smallest_probability

RowValues = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def row_values(score: Score, targets: np.ndarray, predicted: np.ndarray, weights: Weights = None) -> np.ndarray | None:
    """Values of shape (rows,) whose weighted mean is the score; None for a score that has none.

    Parameters
    ----------
    score : Score
    targets, predicted, weights
        As in `Score.measure`.

    Examples
    --------
    >>> from dashpot.studies.scores import SCORES
    >>> row_values(SCORES["accuracy"], np.array([0, 1, 1]), np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]]))
    array([1., 0., 1.])
    """
    values = _values.get(score.measure)
    if isinstance(score.measure, partial) and score.measure.func is pinball:
        values = partial(_pinball, **score.measure.keywords)
    if values is None:
        return None
    weights = np.ones(len(targets)) if weights is None else np.asarray(weights, dtype=np.float64)
    return values(targets, np.asarray(predicted, dtype=np.float64), weights)


def _log_loss(targets: np.ndarray, probabilities: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return -np.log(np.maximum(probabilities[np.arange(len(targets)), targets], smallest_probability))


def _brier(targets: np.ndarray, probabilities: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return ((probabilities - np.eye(probabilities.shape[1])[targets]) ** 2).sum(axis=1)


def _accuracy(targets: np.ndarray, probabilities: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return (probabilities.argmax(axis=1) == targets).astype(np.float64)


def _balanced_accuracy(targets: np.ndarray, probabilities: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Each class counts alike: its rows by one over its share."""
    hits, classes = _accuracy(targets, probabilities, weights), np.unique(targets)
    found = [_within(hits, targets == one, weights) for one in classes]
    return np.mean(found, axis=0)


def _within(values: np.ndarray, inside: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The mean of some rows, as a value for every row: those outside know nothing of it."""
    total = weights[inside].sum()
    if not total > 0:
        return np.full(len(values), np.nan)
    mean = float(weights[inside] @ values[inside] / total)
    return mean + np.where(inside, (values - mean) * weights.sum() / total, 0.0)


def _auc(targets: np.ndarray, probabilities: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """How much of the other side each row is right of; of several classes the mean over one against the rest."""
    classes = [1] if probabilities.shape[1] == 2 else list(np.unique(targets))
    return np.mean([_placements(targets == k, probabilities[:, k], weights) for k in classes], axis=0)


def _placements(positive: np.ndarray, ranked: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """For a row of the class, the share of the others below it; for another, the share of the class above it."""
    below = _share_below(ranked, ranked[~positive], weights[~positive])
    above = 1 - _share_below(ranked, ranked[positive], weights[positive])
    placed = np.where(positive, below, above)
    area = _within(placed, positive, weights)
    return area + _within(placed, ~positive, weights) - np.average(area, weights=weights)


def _share_below(ranked: np.ndarray, others: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The share of the others' weight below each score, ties by half."""
    if not weights.sum() > 0:
        return np.full(len(ranked), np.nan)
    order = np.argsort(others, kind="stable")
    summed = np.concatenate([[0.0], np.cumsum(weights[order])])
    sides = [summed[np.searchsorted(others[order], ranked, side=side)] for side in ("left", "right")]
    return (sides[0] + sides[1]) / (2 * summed[-1])


def _r2(targets: np.ndarray, outputs: np.ndarray, weights: np.ndarray) -> np.ndarray:
    missed, spread = (targets - outputs) ** 2, (targets - np.average(targets, axis=0, weights=weights)) ** 2
    losses, variances = (np.average(one, axis=0, weights=weights) for one in (missed, spread))
    if not (variances > 0).all():
        return np.full(len(targets), np.nan)
    explained = 1 - losses / variances
    return (explained - (missed - losses / variances * spread) / variances).mean(axis=1)


def _rmse(targets: np.ndarray, outputs: np.ndarray, weights: np.ndarray) -> np.ndarray:
    missed = (targets - outputs) ** 2
    losses = np.average(missed, axis=0, weights=weights)
    roots = np.sqrt(np.where(losses > 0, losses, 1.0))
    return np.where(losses > 0, roots + (missed - losses) / (2 * roots), 0.0).mean(axis=1)


def _mae(targets: np.ndarray, outputs: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return np.abs(targets - outputs).mean(axis=1)


def _pinball(targets: np.ndarray, outputs: np.ndarray, weights: np.ndarray, quantile: float = 0.5) -> np.ndarray:
    missed = targets - outputs
    return np.maximum(quantile * missed, (quantile - 1) * missed).mean(axis=1)


_values: dict[Callable[..., float], RowValues] = {
    scores.log_loss: _log_loss,
    scores.brier: _brier,
    scores.accuracy: _accuracy,
    scores.balanced_accuracy: _balanced_accuracy,
    scores.auc: _auc,
    scores.r2: _r2,
    scores.rmse: _rmse,
    scores.mae: _mae,
    scores.pinball: _pinball,
}
