"""Scores of predictions, and what the report says about each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn import metrics

from dashpot.errors import UsageError, did_you_mean

Weights = np.ndarray | None

_smallest_probability = 1e-12


@dataclass(frozen=True)
class Score:
    """One way to grade predictions.

    Attributes
    ----------
    name, label : str
        How it is called in code and in sentences.
    task : "classification" or "regression"
        Predictions are probabilities of shape (rows, classes), or outputs of shape (rows, outputs).
    measure : callable
        `measure(targets, predictions, weights) -> float`; NaN where the score does not exist.
    sign : +1 or -1
        +1 if larger is better; a gain is `sign * (method - baseline)`, so positive gains are better.
    perfect : float
        The score of a perfect prediction.
    meaning : str
        What it is, for a reader who has not met it.
    """

    name: str
    label: str
    task: str
    measure: Callable[[np.ndarray, np.ndarray, Weights], float]
    sign: int
    perfect: float
    meaning: str


def log_loss(targets: np.ndarray, probabilities: np.ndarray, weights: Weights = None) -> float:
    """Mean of minus the logarithm of the true class's probability (at least 1e-12)."""
    true = np.asarray(probabilities, dtype=np.float64)[np.arange(len(targets)), targets]
    return float(np.average(-np.log(np.maximum(true, _smallest_probability)), weights=weights))


def brier(targets: np.ndarray, probabilities: np.ndarray, weights: Weights = None) -> float:
    """Mean squared distance between the probabilities and the truth, summed over classes."""
    truth = np.eye(probabilities.shape[1])[targets]
    return float(np.average(((probabilities - truth) ** 2).sum(axis=1), weights=weights))


def accuracy(targets: np.ndarray, probabilities: np.ndarray, weights: Weights = None) -> float:
    """Share of rows whose most probable class is the true one."""
    return float(np.average(probabilities.argmax(axis=1) == targets, weights=weights))


def balanced_accuracy(targets: np.ndarray, probabilities: np.ndarray, weights: Weights = None) -> float:
    """Mean over the classes present of the share of their rows that is found."""
    found = probabilities.argmax(axis=1) == targets
    weights = np.ones(len(targets)) if weights is None else weights
    present = [targets == number for number in np.unique(targets)]
    return float(np.mean([np.average(found[rows], weights=weights[rows]) for rows in present]))


def auc(targets: np.ndarray, probabilities: np.ndarray, weights: Weights = None) -> float:
    """Area under the ROC curve; with several classes the mean over one class against the rest."""
    if probabilities.shape[1] == 2:
        return _binary_auc(targets == 1, probabilities[:, 1], weights)
    areas = [_binary_auc(targets == k, probabilities[:, k], weights) for k in np.unique(targets)]
    return float(np.mean(areas))


def _binary_auc(positive: np.ndarray, scores: np.ndarray, weights: Weights) -> float:
    """The area for one class against the rest; NaN if one side is empty."""
    if positive.all() or not positive.any():
        return np.nan
    return float(metrics.roc_auc_score(positive, scores, sample_weight=weights))


def r2(targets: np.ndarray, outputs: np.ndarray, weights: Weights = None) -> float:
    """Share of the targets' variance that is explained (mean over outputs); NaN if they are constant."""
    if len(targets) < 2 or (np.ptp(targets, axis=0) == 0).any():
        return np.nan
    return float(metrics.r2_score(targets, outputs, sample_weight=weights))


def rmse(targets: np.ndarray, outputs: np.ndarray, weights: Weights = None) -> float:
    """Root of the mean squared error, in the unit of the target (mean over outputs)."""
    return float(metrics.root_mean_squared_error(targets, outputs, sample_weight=weights))


def mae(targets: np.ndarray, outputs: np.ndarray, weights: Weights = None) -> float:
    """Mean absolute error, in the unit of the target (mean over outputs)."""
    return float(metrics.mean_absolute_error(targets, outputs, sample_weight=weights))


_surprise = "Log-loss grades the predicted probabilities: 0 is perfect, and confident mistakes cost most."
_hits = "Accuracy is the share of rows whose most probable class is the true one."
_balanced = "Balanced accuracy is the mean over classes of the share of their rows that is found."
_order = "AUC is the probability that a row of the class is ranked above a row of another: 0.5 is chance."
_distance = "The Brier score is the squared distance between the predicted probabilities and the truth."
_variance = "R² is the share of the target's variance that is explained: 1 is perfect, 0 is the mean."
_squared = "RMSE is the size of a typical error, in the unit of the target, with large errors counting more."
_absolute = "MAE is the mean size of an error, in the unit of the target."

SCORES = {
    score.name: score
    for score in (
        Score("log_loss", "log-loss", "classification", log_loss, -1, 0.0, _surprise),
        Score("accuracy", "accuracy", "classification", accuracy, 1, 1.0, _hits),
        Score("auc", "AUC", "classification", auc, 1, 1.0, _order),
        Score("balanced_accuracy", "balanced accuracy", "classification", balanced_accuracy, 1, 1.0, _balanced),
        Score("brier", "Brier score", "classification", brier, -1, 0.0, _distance),
        Score("r2", "R²", "regression", r2, 1, 1.0, _variance),
        Score("rmse", "RMSE", "regression", rmse, -1, 0.0, _squared),
        Score("mae", "MAE", "regression", mae, -1, 0.0, _absolute),
    )
}

_reported = {"classification": ("log_loss", "accuracy", "auc"), "regression": ("r2", "rmse", "mae")}


def choose_scores(metric: str, task: str) -> list[Score]:
    """The score that decides, first, and those reported besides.

    Raises
    ------
    UsageError
        If the metric is unknown or belongs to the other task.
    """
    reported: Sequence[str] = _reported[task]
    name = reported[0] if metric == "auto" else metric
    fitting = [known for known, score in SCORES.items() if score.task == task]
    if name not in fitting:
        raise UsageError(
            f"compare(metric={name!r}): not a metric for {task}; there are {', '.join(fitting)}."
            f"{did_you_mean(name, fitting)}"
        )
    return [SCORES[name], *(SCORES[other] for other in reported if other != name)]
