"""Linear models and trees of scikit-learn, fitted to numbers."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


class Rows(NamedTuple):
    """What a yardstick learns from."""

    inputs: np.ndarray
    targets: np.ndarray
    weights: np.ndarray | None
    classes: int | None  # None for regression


def fitted_linear(rows: Rows, strength: float) -> Any:
    """A pipeline of imputer, scaler and linear model; `strength` is alpha of ridge, C of logistic regression."""
    model: Any = Ridge(alpha=strength) if rows.classes is None else LogisticRegression(C=strength, max_iter=300)
    pipeline = make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler(), model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # not converged is as good as a little more penalty
        return pipeline.fit(rows.inputs, rows.targets, **{f"{pipeline.steps[-1][0]}__sample_weight": rows.weights})


def fitted_boosted(rows: Rows, trees: int) -> Any:
    """Boosted trees with scikit-learn's defaults."""
    family = HistGradientBoostingRegressor if rows.classes is None else HistGradientBoostingClassifier
    model = family(early_stopping=False, random_state=0, max_iter=trees)
    return model.fit(rows.inputs, rows.targets, sample_weight=rows.weights)


def fitted_forest(rows: Rows, least: int) -> Any:
    """A pipeline of imputer and random forest with at least so many rows in a leaf."""
    family = RandomForestRegressor if rows.classes is None else RandomForestClassifier
    model = family(100, min_samples_leaf=least, max_features=_features(rows), random_state=0)
    pipeline = make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), model)
    return pipeline.fit(rows.inputs, rows.targets, **{f"{pipeline.steps[-1][0]}__sample_weight": rows.weights})


def _features(rows: Rows) -> float | str:
    """Columns that a tree looks at in a node: a third for amounts, the root of all for classes."""
    return 1 / 3 if rows.classes is None else "sqrt"
