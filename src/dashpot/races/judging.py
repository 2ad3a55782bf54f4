"""By what a race is judged: a metric, and the loss of each row that stands for it where candidates are compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from dashpot.errors import UsageError
from dashpot.estimators.combining import row_losses
from dashpot.losses import Loss
from dashpot.networks import Network
from dashpot.studies.scores import Score, choose_scores

RowLoss = Callable[[np.ndarray, np.ndarray], np.ndarray]  # (rows, outputs) and targets to (rows,)
TIE = 1e-6  # what the loss counts beside a metric that many ensembles share to the last digit


def wrong(predictions: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """1 where the most probable class is not the true one."""
    return np.asarray(predictions.argmax(1) != targets, dtype=float)


def distance(predictions: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Squared distance between the probabilities and the truth."""
    return np.asarray(np.square(predictions - np.eye(predictions.shape[1])[targets]).sum(1))


def absolute(predictions: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Absolute error, mean over the outputs."""
    return np.asarray(np.abs(predictions - targets).mean(1))


# Metrics that are means over rows, and the loss of a row; for all others the loss of training stands in.
PER_ROW: dict[str, RowLoss] = {
    "log_loss": row_losses,
    "accuracy": wrong,
    "balanced_accuracy": wrong,
    "brier": distance,
    "r2": row_losses,
    "mae": absolute,
}
# What early stopping may watch; the loss where a metric is not here.
MONITORS = {"accuracy": ("loss", "error"), "balanced_accuracy": ("loss", "error")}


@dataclass(frozen=True)
class Judge:
    """A metric, and how rows are compared by it.

    Attributes
    ----------
    score : Score
        It chooses the ensemble.
    unit : float array (outputs,)
        Spread of the targets, in which squared errors are measured; 1 for classes.
    """

    score: Score
    unit: np.ndarray

    @property
    def by_rows(self) -> bool:
        """Whether the metric is a mean over rows (AUC, for example, is none)."""
        return self.score.name in PER_ROW

    @property
    def loss_label(self) -> str:
        """What the loss of a row is called."""
        names: dict[RowLoss, str] = {
            wrong: "share of wrong classes",
            distance: "Brier score",
            absolute: "mean absolute error",
        }
        usual = "log-loss" if self.score.task == "classification" else "squared error (1 is the target's variance)"
        name = names.get(PER_ROW.get(self.score.name, row_losses), usual)
        return f"{name}, classes weighted alike" if self.score.name == "balanced_accuracy" else name

    def outputs(self, targets: np.ndarray) -> int:
        """Numbers that a network predicts for a row."""
        return int(targets.max()) + 1 if targets.ndim == 1 else targets.shape[1]

    def run(
        self, network: Network, loss: Loss, inputs: np.ndarray, targets: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """What a network predicts for rows, (rows, outputs), and what each costs, (rows,)."""
        predicted = loss.predict(network.outputs(inputs))
        return predicted, self.losses(predicted, targets)

    def losses(self, predictions: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """What each row costs, (rows,): by the metric, or by log-loss or squared error where it has no rows."""
        return self._rows(PER_ROW.get(self.score.name, row_losses), predictions, targets)

    def _rows(self, loss: RowLoss, predictions: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """A loss of each row; squared errors in units of the targets' spread."""
        unit = self.unit if loss is row_losses else 1.0
        return loss(predictions, targets) if targets.ndim == 1 else loss(predictions / unit, targets / unit)

    def row_weights(self, targets: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """How much each row counts, (rows,): for balanced accuracy every class as much as the others."""
        if self.score.name != "balanced_accuracy":
            return weights
        sums = np.bincount(targets, weights=weights)
        return np.asarray(weights * weights.sum() / np.maximum(len(sums) * sums, 1e-300)[targets])

    def value(self, predictions: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> float:
        """The metric itself; `weights` are those of `row_weights`."""
        if not self.by_rows:
            return float(self.score.measure(targets, predictions, weights))
        return self.score.perfect - self.score.sign * float(
            np.average(self.losses(predictions, targets), weights=weights)
        )

    def cost(self, predictions: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> float:
        """What an ensemble costs: less is better, NaN is none.

        By the metric, the loss orders equal ones; where rows are only right or wrong by the loss alone, since greedy
        selection would choose those that are right by luck.
        """
        loss = float(np.average(self._rows(row_losses, predictions, targets), weights=weights))
        if PER_ROW.get(self.score.name) in (row_losses, wrong):
            return loss
        return TIE * loss - self.score.sign * self.value(predictions, targets, weights)


def score_of(metric: Any, task: str) -> Score:
    """The score of a metric, as `compare` names it; "auto" is log-loss or R2.

    Raises
    ------
    UsageError
        If the metric is unknown, of the other task, or nothing that the networks of a race aim at.
    """
    score = choose_scores(metric, task, "race")[0]
    if score.name.startswith("pinball"):
        raise UsageError(
            f"race(metric={score.name!r}): networks of a race aim at the mean or the median, not at a quantile. "
            "Use 'mae' or 'r2'."
        )
    return score


def judge_of(score: Score, targets: np.ndarray, weights: np.ndarray) -> Judge:
    """The judge for rows with these targets and weights."""
    if targets.ndim == 1:
        return Judge(score, np.ones(1))
    centre = np.average(targets, axis=0, weights=weights)
    variance = np.average(np.square(targets - centre), axis=0, weights=weights)
    return Judge(score, np.where(np.ptp(targets, axis=0) > 0, np.sqrt(variance), 1.0))
