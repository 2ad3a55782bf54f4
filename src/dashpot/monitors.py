"""What early stopping may watch: the loss, the error, or any score of scikit-learn, on the validation rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from torch import Tensor

from dashpot.errors import UsageError, did_you_mean

ENGINE = ("loss", "error")


class Predicted(NamedTuple):
    """The validation rows of one network: targets, predictions (probabilities or amounts), weights."""

    targets: np.ndarray
    predictions: np.ndarray
    weights: np.ndarray


class Scores(dict[str, Tensor]):
    """Validation scores of a stack by name, (networks,), less is better; scikit-learn's are computed when asked for."""

    def __init__(self, known: dict[str, Tensor], predicted: Callable[[], Iterator[Predicted]]) -> None:
        super().__init__(known)
        self._predicted = predicted

    def __missing__(self, name: str) -> Tensor:
        """The negative of a scikit-learn score: there, more is better."""
        like = self["loss"]
        values = [-score(name, *rows) if len(rows.targets) else np.nan for rows in self._predicted()]
        self[name] = torch.tensor(values, dtype=like.dtype, device=like.device)
        return self[name]


def score(name: str, targets: np.ndarray, predictions: np.ndarray, weights: np.ndarray) -> float:
    """One of scikit-learn's scores from predictions; NaN where these rows have none (AUC of a single class)."""
    from sklearn.metrics import get_scorer

    scorer = get_scorer(name)
    rows = np.zeros((len(targets), 1))
    given = _Classes(predictions) if targets.ndim == 1 else _Amounts(predictions)
    given.fit()
    try:
        return float(scorer(given, rows, targets, sample_weight=weights))
    except TypeError:  # some scores know no weights
        return float(scorer(given, rows, targets))
    except ValueError:
        return np.nan


class _Classes(ClassifierMixin, BaseEstimator):
    """Probabilities that scikit-learn's scorers ask for."""

    def __init__(self, probabilities: np.ndarray | None = None) -> None:
        self.probabilities = probabilities

    def fit(self) -> None:
        """Classes are numbers."""
        assert self.probabilities is not None
        self.classes_ = np.arange(self.probabilities.shape[1])

    def predict(self, rows: Any) -> np.ndarray:
        """The most probable class."""
        assert self.probabilities is not None
        return self.probabilities.argmax(1)

    def predict_proba(self, rows: Any) -> np.ndarray | None:
        """The probabilities."""
        return self.probabilities


class _Amounts(RegressorMixin, BaseEstimator):
    """Amounts that scikit-learn's scorers ask for."""

    def __init__(self, amounts: np.ndarray | None = None) -> None:
        self.amounts = amounts

    def fit(self) -> None:
        """Nothing to learn."""
        self.is_fitted_ = True

    def predict(self, rows: Any) -> np.ndarray | None:
        """The amounts."""
        return self.amounts


def require_monitor(caller: str, name: Any, parameter: str = "monitor") -> None:
    """Refuse what is neither the engine's nor scikit-learn's."""
    if name in ENGINE:
        return
    from sklearn.metrics import get_scorer_names

    known: Sequence[str] = [*ENGINE, *get_scorer_names()]
    if name not in known:
        raise UsageError(
            f"{caller}({parameter}={name!r}): must be loss, error, or a score of scikit-learn such as roc_auc."
            f"{did_you_mean(str(name), known)}"
        )
