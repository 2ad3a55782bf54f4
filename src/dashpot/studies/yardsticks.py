"""What a network has to beat: the prior, a linear model, boosted trees.

They learn from the same training rows as the networks and choose their own strength on the same validation
rows, so that every method of a study has seen and used the same rows.
"""

import time
import warnings
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from dashpot.studies.effects import PRIOR
from dashpot.studies.splits import Split


class Candidate(NamedTuple):
    """A yardstick at one strength: its setting and predictions for given inputs."""

    method: str
    setting: str
    predict: Callable[[np.ndarray], np.ndarray]
    seconds: float


class Rows(NamedTuple):
    """What a yardstick learns from."""

    inputs: np.ndarray
    targets: np.ndarray
    weights: np.ndarray | None
    classes: int | None  # None for regression


_penalties = {"logistic": (0.01, 0.1, 1.0, 10.0), "ridge": (0.1, 1.0, 10.0, 100.0, 1000.0)}
_trees = (10, 30, 100)


def candidates(
    inputs: np.ndarray, targets: np.ndarray, weights: np.ndarray | None, classes: int | None, split: Split
) -> Iterator[Candidate]:
    """Fit every yardstick at each of its strengths to the training rows of a split."""
    own = None if weights is None else weights[split.training]
    rows = Rows(inputs[split.training], targets[split.training], own, classes)
    yield _prior(rows)
    yield from _linear(rows)
    yield from _boosted(rows)


def _prior(rows: Rows) -> Candidate:
    """Class shares, or the mean, of the training rows."""
    if rows.classes is None:
        constant = np.atleast_1d(np.average(rows.targets, weights=rows.weights))
    else:
        counts = np.bincount(rows.targets, rows.weights, minlength=rows.classes)
        constant = counts / counts.sum()
    setting = "mean" if rows.classes is None else "class shares"
    return Candidate(PRIOR, setting, lambda inputs: np.tile(constant, (len(inputs), 1)), 0.0)


def _linear(rows: Rows) -> Iterator[Candidate]:
    """Logistic or ridge regression on standardized columns, missing cells at the median."""
    name = "Ridge regression" if rows.classes is None else "Logistic regression"
    for strength in _penalties["ridge" if rows.classes is None else "logistic"]:
        model: Any = Ridge(alpha=strength) if rows.classes is None else LogisticRegression(C=strength, max_iter=300)
        imputer = SimpleImputer(strategy="median", keep_empty_features=True)
        pipeline = make_pipeline(imputer, StandardScaler(), model)
        step = pipeline.steps[-1][0]
        start = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # not converged is as good as a little more penalty
            pipeline.fit(rows.inputs, rows.targets, **{f"{step}__sample_weight": rows.weights})
        setting = f"alpha={strength:g}" if rows.classes is None else f"C={strength:g}"
        yield Candidate(name, setting, _predictor(pipeline, rows.classes), time.perf_counter() - start)


def _boosted(rows: Rows) -> Iterator[Candidate]:
    """Boosted trees with scikit-learn's defaults; the number of trees is their strength."""
    family = HistGradientBoostingRegressor if rows.classes is None else HistGradientBoostingClassifier
    # Fitted once: the first ten trees of a hundred are the same as ten trees.
    # Fitted once: the model with fewer trees is its first ones.
    model = family(early_stopping=False, random_state=0, max_iter=_trees[-1])
    start = time.perf_counter()
    model.fit(rows.inputs, rows.targets, sample_weight=rows.weights)
    seconds = time.perf_counter() - start
    for count in _trees:
        yield Candidate(
            "Boosted trees",
            f"trees={count}",
            _predictor(model, rows.classes, count),
            seconds * count / _trees[-1],
        )


def _predictor(model: Any, classes: int | None, trees: int | None = None) -> Callable[[np.ndarray], np.ndarray]:
    """Predictions of shape (rows, classes) or (rows, 1); a class without training rows has probability 0."""

    def predict(inputs: np.ndarray) -> np.ndarray:
        if classes is None:
            outputs = model.predict(inputs) if trees is None else _staged(model.staged_predict(inputs), trees)
            return np.asarray(outputs).reshape(len(inputs), -1)
        found = model.predict_proba(inputs) if trees is None else _staged(model.staged_predict_proba(inputs), trees)
        probabilities = np.zeros((len(inputs), classes))
        probabilities[:, model.classes_] = found
        return probabilities

    return predict


def _staged(stages: Iterator[np.ndarray], trees: int) -> np.ndarray:
    """The predictions after a number of trees."""
    return next(islice(stages, trees - 1, None))
