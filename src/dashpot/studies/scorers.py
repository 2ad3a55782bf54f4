"""Any scorer of scikit-learn as a score: it is handed an estimator that knows its answers already."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from sklearn import metrics
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from dashpot.errors import UsageError
from dashpot.studies.scores import Score, Weights


class _Classes(ClassifierMixin, BaseEstimator):
    """A fitted classifier whose probabilities are given."""

    def __init__(self, answers: np.ndarray) -> None:
        self.answers = answers
        self.classes_ = np.arange(answers.shape[1])

    def predict(self, X: Any) -> np.ndarray:
        """The most probable class of each row."""
        return self.answers.argmax(axis=1)

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probabilities of each row."""
        return self.answers


class _Amounts(RegressorMixin, BaseEstimator):
    """A fitted regressor whose predictions are given."""

    def __init__(self, answers: np.ndarray) -> None:
        self.answers = answers
        self.fitted_ = True

    def predict(self, X: Any) -> np.ndarray:
        """The amount of each row."""
        return self.answers[:, 0]


def scorer_names() -> list[str]:
    """The names that scikit-learn knows."""
    return list(metrics.get_scorer_names())


def from_scorer(asked: str | Callable[..., float], task: str, caller: str) -> Score:
    """A scorer, or its name, as a score; larger is better, as for every scorer.

    The perfect score is what the truth itself gets, on a small example.
    """
    scorer = metrics.get_scorer(asked) if isinstance(asked, str) else asked
    name = asked if isinstance(asked, str) else str(getattr(asked, "__name__", type(asked).__name__))
    measure = partial(_measure, scorer, f"{caller}(metric={name!r})", task)
    truth = np.tile([0, 1], 10)
    perfect = measure(truth, np.eye(2)[truth]) if task == "classification" else measure(truth[:, None], truth[:, None])
    return Score(name, name.replace("_", " "), task, measure, 1, perfect, f"{name} is a scorer; larger is better.")


def _measure(
    scorer: Callable[..., float],
    call: str,
    task: str,
    targets: np.ndarray,
    predictions: np.ndarray,
    weights: Weights = None,
) -> float:
    """What the scorer says; NaN where it does not exist."""
    truth = targets if task == "classification" else np.asarray(targets)[:, 0]
    model = (_Classes if task == "classification" else _Amounts)(np.asarray(predictions))
    given = {} if weights is None else {"sample_weight": weights}
    inputs = np.zeros((len(truth), 1))
    try:
        return float(scorer(model, inputs, truth, **given))
    except TypeError as error:
        if weights is None:
            raise UsageError(f"{call}: cannot be used here: {error}") from error
        return _measure(scorer, call, task, targets, predictions)
    except ValueError as error:
        if len(np.unique(truth)) > 1 and np.shape(predictions)[1] <= len(np.unique(truth)):
            raise UsageError(f"{call}: cannot be used here: {error}") from error
        return float(np.nan)
