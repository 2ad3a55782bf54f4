"""Scores of predictions, and what the report says about each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from dashpot.errors import UsageError, did_you_mean

Weights = np.ndarray | None

smallest_probability = 1e-12
calibration_bins = 10


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

    def of_amounts_less(self, offset: np.ndarray | float) -> Score:
        """The same score of whole amounts, from targets and outputs that are given less an offset, (outputs,)."""
        return replace(self, measure=partial(_of_whole, self.measure, offset)) if np.any(offset) else self


def _of_whole(
    measure: Callable[[np.ndarray, np.ndarray, Weights], float],
    offset: np.ndarray | float,
    targets: np.ndarray,
    outputs: np.ndarray,
    weights: Weights = None,
) -> float:
    """What a score says of amounts to which the offset is added."""
    truth, predicted = (np.add(amounts, offset, dtype=np.float64) for amounts in (targets, outputs))
    return measure(truth, predicted, weights)


def log_loss(targets: np.ndarray, probabilities: np.ndarray, weights: Weights = None) -> float:
    """Mean of minus the logarithm of the true class's probability (at least 1e-12)."""
    true = np.asarray(probabilities, dtype=np.float64)[np.arange(len(targets)), targets]
    return float(np.average(-np.log(np.maximum(true, smallest_probability)), weights=weights))


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
    """The area for one class against the rest, ties by half; NaN if one side is empty."""
    weights = np.ones(len(scores)) if weights is None else weights
    order = np.argsort(scores, kind="stable")
    ordered, own = scores[order], positive[order]
    first = np.flatnonzero(np.diff(ordered, prepend=-np.inf))
    above, below = (np.add.reduceat(np.where(side, weights[order], 0.0), first) for side in (own, ~own))
    pairs = above.sum() * below.sum()
    return float(above @ (np.cumsum(below) - below / 2) / pairs) if pairs > 0 else np.nan


def r2(targets: np.ndarray, outputs: np.ndarray, weights: Weights = None) -> float:
    """Share of the targets' variance that is explained (mean over outputs); NaN if they are constant."""
    if len(targets) < 2 or (np.ptp(targets, axis=0) == 0).any():
        return np.nan
    centre = np.average(targets, axis=0, weights=weights)
    missed, spread = (
        np.average((targets - values) ** 2, axis=0, weights=weights) for values in (np.asarray(outputs), centre)
    )
    return float(np.mean(1 - missed / spread)) if (spread > 0).all() else np.nan


def rmse(targets: np.ndarray, outputs: np.ndarray, weights: Weights = None) -> float:
    """Root of the mean squared error, in the unit of the target (mean over outputs)."""
    return float(np.sqrt(np.average((targets - outputs) ** 2, axis=0, weights=weights)).mean())


def mae(targets: np.ndarray, outputs: np.ndarray, weights: Weights = None) -> float:
    """Mean absolute error, in the unit of the target (mean over outputs)."""
    return float(np.average(np.abs(targets - outputs), axis=0, weights=weights).mean())


def pinball(targets: np.ndarray, outputs: np.ndarray, weights: Weights = None, quantile: float = 0.5) -> float:
    """Pinball loss at a quantile: missing it from below costs `quantile`, from above 1 - `quantile` a unit."""
    missed = np.asarray(targets) - outputs
    return float(np.average(np.maximum(quantile * missed, (quantile - 1) * missed), axis=0, weights=weights).mean())


def calibration_error(targets: np.ndarray, probabilities: np.ndarray, weights: Weights = None) -> float:
    """Mean distance of predicted and true shares over ten bins of equally many rows, averaged over classes."""
    weights = np.ones(len(targets)) if weights is None else np.asarray(weights, dtype=np.float64)
    classes = [1] if probabilities.shape[1] == 2 else range(probabilities.shape[1])
    return float(np.mean([_calibration_error(targets == k, probabilities[:, k], weights) for k in classes]))


def _calibration_error(truth: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> float:
    """The same for one class."""
    bins = calibration_bin(predicted)
    misses = np.bincount(bins, weights * (predicted - truth))
    return float(np.abs(misses).sum() / weights.sum()) if weights.any() else np.nan


def calibration_bin(predicted: np.ndarray) -> np.ndarray:
    """Which of up to ten bins of about equally many rows each prediction is in; equal ones are together."""
    count = min(calibration_bins, max(1, len(predicted) // 5))
    edges = np.unique(np.quantile(predicted, np.linspace(0, 1, count + 1)[1:-1]))
    return np.searchsorted(edges, predicted, side="right")


_surprise = "Log-loss grades the predicted probabilities: 0 is perfect, and confident mistakes cost most."
_hits = "Accuracy is the share of rows whose most probable class is the true one."
_balanced = "Balanced accuracy is the mean over classes of the share of their rows that is found."
_order = "AUC is the probability that a row of the class is ranked above a row of another: 0.5 is chance."
_distance = "The Brier score is the squared distance between the predicted probabilities and the truth."
_variance = "R² is the share of the target's variance that is explained: 1 is perfect, 0 is the mean."
_squared = "RMSE is the size of a typical error, in the unit of the target, with large errors counting more."
_absolute = "MAE is the mean size of an error, in the unit of the target."
_honesty = "The calibration error is how far predicted probabilities are from the shares that come true; 0 is honest."
_tilted = "The pinball loss grades a prediction of a quantile of the target, in its unit; 0 is perfect."

SCORES = {
    score.name: score
    for score in (
        Score("log_loss", "log-loss", "classification", log_loss, -1, 0.0, _surprise),
        Score("accuracy", "accuracy", "classification", accuracy, 1, 1.0, _hits),
        Score("auc", "AUC", "classification", auc, 1, 1.0, _order),
        Score("balanced_accuracy", "balanced accuracy", "classification", balanced_accuracy, 1, 1.0, _balanced),
        Score("brier", "Brier score", "classification", brier, -1, 0.0, _distance),
        Score("calibration_error", "calibration error", "classification", calibration_error, -1, 0.0, _honesty),
        Score("r2", "R²", "regression", r2, 1, 1.0, _variance),
        Score("rmse", "RMSE", "regression", rmse, -1, 0.0, _squared),
        Score("mae", "MAE", "regression", mae, -1, 0.0, _absolute),
        Score("pinball", "pinball loss", "regression", pinball, -1, 0.0, _tilted),
    )
}

_reported = {
    "classification": ("log_loss", "accuracy", "balanced_accuracy", "auc", "brier", "calibration_error"),
    "regression": ("r2", "rmse", "mae"),
}

Metric = str | Score | Callable[..., float] | Sequence[Any]


def choose_scores(metric: Metric, task: str, caller: str = "compare") -> list[Score]:
    """The score that decides, first, and those reported besides.

    Parameters
    ----------
    metric : str, Score, callable, or a sequence of them
        A name of ours; "pinball_0.9" for the pinball loss at that quantile; the name of a scikit-learn scorer; a
        scorer, `scorer(estimator, X, y)`; or a `Score`. Of several the first decides. "auto" is log-loss or R².
    task : "classification" or "regression"
    caller : str, default "compare"
        What error messages begin with.

    Raises
    ------
    UsageError
        If a metric is unknown or belongs to the other task.
    """
    asked: list[Any] = list(metric) if isinstance(metric, Sequence) and not isinstance(metric, str) else [metric]
    if not asked:
        raise UsageError(f"{caller}(metric=[]): nothing to measure. Pass for example 'accuracy'.")
    chosen = [_score(_reported[task][0] if one == "auto" else one, task, caller) for one in asked]
    chosen += [SCORES[name] for name in _reported[task]]
    return list({score.name: score for score in chosen}.values())


def _score(asked: Any, task: str, caller: str) -> Score:
    """One score, by its name, or made from what was passed."""
    asked = "auc" if isinstance(asked, str) and asked == "roc_auc" else asked  # ours knows more than two classes
    if isinstance(asked, Score) and asked.task == task:
        return asked
    if isinstance(asked, str) and asked in SCORES and SCORES[asked].task == task:
        return SCORES[asked]
    if isinstance(asked, str) and asked.startswith("pinball_") and task == "regression":
        return _pinball_at(asked, caller)
    from dashpot.studies.scorers import from_scorer, scorer_names

    if callable(asked) and not isinstance(asked, Score):
        return from_scorer(asked, task, caller)
    if isinstance(asked, str) and asked not in SCORES and asked in scorer_names():
        return from_scorer(asked, task, caller)
    fitting = [known for known, score in SCORES.items() if score.task == task]
    raise UsageError(
        f"{caller}(metric={asked if isinstance(asked, str) else getattr(asked, 'name', asked)!r}): not a metric for "
        f"{task}; there are {', '.join(fitting)}, and scikit-learn's scorers.{did_you_mean(str(asked), fitting)}"
    )


def _pinball_at(name: str, caller: str) -> Score:
    """The pinball loss at the quantile in its name."""
    try:
        quantile = float(name.removeprefix("pinball_"))
    except ValueError:
        quantile = np.nan
    if not 0 < quantile < 1:
        raise UsageError(f"{caller}(metric={name!r}): write the quantile, between 0 and 1: pinball_0.9.")
    measure = partial(pinball, quantile=quantile)
    return Score(name, f"pinball loss at {quantile:g}", "regression", measure, -1, 0.0, _tilted)
