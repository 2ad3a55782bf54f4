"""What a network has to beat: the prior, a linear model, boosted trees, a random forest, scikit-learn's MLP.

They learn from the same training rows as the networks and choose their own strength on the same validation
rows, so that every method of a study has seen and used the same rows.
"""

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from inspect import signature
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from dashpot.studies.effects import PRIOR
from dashpot.studies.splits import Split
from dashpot.yardsticks.fitting import Rows, fitted_boosted, fitted_forest, fitted_linear

YARDSTICKS = ("linear", "boosted", "forest", "mlp")


class Candidate(NamedTuple):
    """A yardstick at one strength: its setting and predictions for given inputs."""

    method: str
    setting: str
    predict: Callable[[np.ndarray], np.ndarray]
    seconds: float


_penalties = {"logistic": (0.01, 0.1, 1.0, 10.0), "ridge": (0.1, 1.0, 10.0, 100.0, 1000.0)}
_trees = (10, 30, 100)
_leaves = (1, 5)


def candidates(
    inputs: np.ndarray,
    targets: np.ndarray,
    weights: np.ndarray | None,
    classes: int | None,
    split: Split,
    asked: Sequence[str] = YARDSTICKS,
) -> Iterator[Candidate]:
    """Fit the prior and every yardstick asked for, at each of its strengths, to the training rows of a split."""
    rows = rows_of(inputs, targets, weights, classes, split)
    for name in (PRIOR, *asked):
        yield from fitted(name, rows)


def rows_of(
    inputs: np.ndarray, targets: np.ndarray, weights: np.ndarray | None, classes: int | None, split: Split
) -> Rows:
    """The training rows of a split."""
    own = None if weights is None else weights[split.training]
    learned = inputs[split.training]
    learned[:, np.isnan(learned).all(axis=0)] = 0.0  # boosted trees refuse a column without any number
    return Rows(learned, targets[split.training], own, classes)


def fitted(name: str, rows: Rows) -> Iterator[Candidate]:
    """One yardstick at each of its strengths; none if it cannot cope with these rows."""
    if name == PRIOR:
        yield _prior(rows)
        return
    try:
        yield from _makers[name](rows)
    except (ValueError, ArithmeticError, np.linalg.LinAlgError):
        return  # it is missing from the table, and noted there


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
        start = time.perf_counter()
        pipeline = fitted_linear(rows, strength)
        setting = f"alpha={strength:g}" if rows.classes is None else f"C={strength:g}"
        yield Candidate(name, setting, _predictor(pipeline, rows.classes), time.perf_counter() - start)


def _boosted(rows: Rows) -> Iterator[Candidate]:
    """Boosted trees with scikit-learn's defaults; the number of trees is their strength."""
    start = time.perf_counter()
    model = fitted_boosted(rows, _trees[-1])  # once: the model with fewer trees is its first ones
    seconds = time.perf_counter() - start
    for count in _trees:
        yield Candidate(
            "Boosted trees",
            f"trees={count}",
            _predictor(model, rows.classes, count),
            seconds * count / _trees[-1],
        )


def _forest(rows: Rows) -> Iterator[Candidate]:
    """A hundred trees with scikit-learn's defaults; the rows of a leaf are its strength."""
    for least in _leaves:
        start = time.perf_counter()
        pipeline = fitted_forest(rows, least)
        seconds = time.perf_counter() - start
        yield Candidate("Random forest", f"rows of a leaf={least}", _predictor(pipeline, rows.classes), seconds)


def _plain_mlp(rows: Rows) -> Iterator[Candidate]:
    """scikit-learn's network with its own defaults, on standardized columns (and amounts)."""
    model: Any = MLPClassifier(random_state=0)
    if rows.classes is None:
        model = TransformedTargetRegressor(MLPRegressor(random_state=0), transformer=StandardScaler())
    imputer = SimpleImputer(strategy="median", keep_empty_features=True)
    pipeline = make_pipeline(imputer, StandardScaler(), model)
    given = {}
    if rows.weights is not None and "sample_weight" in signature(MLPClassifier.fit).parameters:  # scikit-learn 1.7
        given = {f"{pipeline.steps[-1][0]}__sample_weight": rows.weights}
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # 200 epochs are its default
        warnings.filterwarnings("error", "Training interrupted by user")  # it would keep Ctrl-C to itself
        try:
            pipeline.fit(rows.inputs, rows.targets, **given)
        except UserWarning:
            raise KeyboardInterrupt from None
    yield Candidate("scikit-learn MLP", "defaults", _predictor(pipeline, rows.classes), time.perf_counter() - start)


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


_makers: dict[str, Callable[[Rows], Iterator[Candidate]]] = {
    "linear": _linear,
    "boosted": _boosted,
    "forest": _forest,
    "mlp": _plain_mlp,
}
