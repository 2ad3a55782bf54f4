"""What a network has to beat, as estimators: scikit-learn's trees and linear models, kept as numbers."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from dashpot.errors import DataError, UsageError, did_you_mean
from dashpot.estimators.features import Features
from dashpot.estimators.targets import amounts_of, labels_of, weights_of
from dashpot.model_files import Tensors, save
from dashpot.tables import TableEncoder
from dashpot.yardsticks.fitting import Rows, fitted_boosted, fitted_forest, fitted_linear
from dashpot.yardsticks.frozen import Frozen, frozen_boosting, frozen_forest, frozen_linear

STRENGTHS = {"boosted": 100, "forest": 1, "linear": 1.0}  # each kind's own, where none is given


class Yardstick(Features, BaseEstimator):
    """Base of both; its parameters are theirs."""

    frozen_: Frozen

    def __init__(self, kind: str = "boosted", strength: float | None = None) -> None:
        self.kind = kind
        self.strength = strength

    def __sklearn_tags__(self) -> Any:
        """Missing cells and text are fine."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        return tags

    def _fit(self, X: Any, targets: np.ndarray, sample_weight: Any, classes: int | None) -> Self:
        """Fit scikit-learn's model to the numbers of a table, and keep its arrays."""
        name = type(self).__name__
        if self.kind not in STRENGTHS:
            choices = ", ".join(STRENGTHS)
            raise UsageError(f"{name}(kind={self.kind!r}): must be {choices}.{did_you_mean(str(self.kind), STRENGTHS)}")
        strength = STRENGTHS[self.kind] if self.strength is None else self.strength
        if isinstance(strength, bool) or not strength > 0 or (self.kind != "linear" and strength != int(strength)):
            wanted = "a number above 0" if self.kind == "linear" else "a whole number of at least 1"
            raise UsageError(f"{name}(strength={strength!r}): must be {wanted}.")
        self.encoder_ = TableEncoder(name).fit(X)
        self._take_features()
        inputs = self.encoder_.transform(X)
        check_consistent_length(inputs, targets)
        weights = None if sample_weight is None else weights_of(sample_weight, inputs, name)
        used = np.arange(len(inputs)) if weights is None else np.flatnonzero(weights > 0)
        learned = inputs[used]
        learned[:, np.isnan(learned).all(axis=0)] = 0.0  # boosted trees refuse a column without any number
        rows = Rows(learned, targets[used], None if weights is None else weights[used], classes)
        self.frozen_ = _fitted(self.kind, strength, rows)
        return self

    def _outputs(self, X: Any) -> np.ndarray:
        """Probabilities (rows, classes), or amounts (rows, outputs)."""
        check_is_fitted(self, "frozen_")
        return self.frozen_.predict(np.asarray(self.encoder_.transform(X)))

    def save(self, path: Any) -> Any:
        """Write the model to a file: JSON and arrays, nothing that could run. `dashpot.load` reads it."""
        check_is_fitted(self, "frozen_")
        return save(self, path)

    def _described(self, tensors: Tensors, prefix: str = "") -> dict[str, Any]:
        """What the model file says; arrays go into `tensors`, under names that begin with `prefix`."""
        tensors |= {f"{prefix}{name}": np.ascontiguousarray(one) for name, one in self.frozen_.arrays().items()}
        return {
            "estimator": type(self).__name__,
            "parameters": {"kind": self.kind, "strength": None if self.strength is None else float(self.strength)},
            "encoder": self.encoder_.to_dict(),
            "frozen": [type(self.frozen_).__name__, self.frozen_.link],
        } | self._facts()

    def _facts(self) -> dict[str, Any]:
        """What a model file says beside, as plain JSON."""
        raise NotImplementedError


def _fitted(kind: str, strength: float, rows: Rows) -> Frozen:
    """The model of a kind, as arrays."""
    if kind == "linear":
        return frozen_linear(fitted_linear(rows, float(strength)), rows.classes)
    if kind == "forest":
        return frozen_forest(fitted_forest(rows, int(strength)), rows.classes)
    return frozen_boosting(fitted_boosted(rows, int(strength)), rows.classes, int(strength))


class YardstickClassifier(ClassifierMixin, Yardstick):
    """scikit-learn's boosted trees, random forest or logistic regression on a table as it comes.

    A member for `EnsembleClassifier` beside networks: unlike scikit-learn's own classes it reads text and missing
    cells, and its model file holds numbers only.

    Parameters
    ----------
    kind : {"boosted", "forest", "linear"}, default "boosted"
        Gradient boosting by histograms, a random forest of a hundred trees, or logistic regression.
    strength : number above 0, or None
        Boosted trees, rows of a leaf at least, or C of logistic regression. None is 100, 1 or 1.0.

    Attributes
    ----------
    classes_ : array (classes,)
    frozen_ : Frozen
        The fitted model as arrays.

    References
    ----------
    Friedman (2001), Annals of Statistics 29; Ke et al. (2017), NeurIPS; Breiman (2001), Machine Learning 45.

    Examples
    --------
    >>> from dashpot import YardstickClassifier, load_anes96
    >>> frame, vote = load_anes96()
    >>> bool(YardstickClassifier("linear").fit(frame, vote).score(frame, vote) > 0.85)
    True
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit to a table (rows, columns) and class labels (rows,); rows of weight 0 are left out."""
        self.classes_, numbers = np.unique(labels_of(y, "YardstickClassifier"), return_inverse=True)
        if len(self.classes_) < 2:
            raise DataError("YardstickClassifier.fit(y): one class only; at least two are needed.")
        return self._fit(X, numbers, sample_weight, len(self.classes_))

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities of the classes, (rows, classes)."""
        return self._outputs(X)

    def predict(self, X: Any) -> np.ndarray:
        """The most probable class of each row, (rows,)."""
        return np.asarray(self.classes_[self._outputs(X).argmax(1)])

    def _facts(self) -> dict[str, Any]:
        """The classes."""
        return {"classes": [str(self.classes_.dtype.kind), self.classes_.tolist()]}

    def _take_facts(self, facts: dict[str, Any]) -> None:
        """The classes."""
        kind, classes = facts["classes"]
        self.classes_ = np.array(classes, dtype=object if kind == "O" else None)


class YardstickRegressor(RegressorMixin, Yardstick):
    """scikit-learn's boosted trees, random forest or ridge regression on a table as it comes.

    A member for `EnsembleRegressor` beside networks: unlike scikit-learn's own classes it reads text and missing
    cells, and its model file holds numbers only.

    Parameters
    ----------
    kind : {"boosted", "forest", "linear"}, default "boosted"
        Gradient boosting by histograms (one output only), a random forest of a hundred trees, or ridge regression.
    strength : number above 0, or None
        Boosted trees, rows of a leaf at least, or alpha of ridge regression. None is 100, 1 or 1.0.

    Attributes
    ----------
    frozen_ : Frozen
        The fitted model as arrays.

    References
    ----------
    Friedman (2001), Annals of Statistics 29; Ke et al. (2017), NeurIPS; Breiman (2001), Machine Learning 45.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from dashpot import YardstickRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> bool(YardstickRegressor("forest", strength=5).fit(X, y).score(X, y) > 0.5)
    True
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit to a table (rows, columns) and amounts (rows,) or (rows, outputs); rows of weight 0 are left out."""
        targets = amounts_of(y, "YardstickRegressor")
        self.one_output_ = targets.ndim == 1
        if self.kind == "boosted" and targets.ndim > 1 and targets.shape[1] > 1:
            raise UsageError("YardstickRegressor(kind='boosted'): knows one output only. Use 'forest' or 'linear'.")
        return self._fit(X, targets[:, 0] if targets.shape[1:] == (1,) else targets, sample_weight, None)

    def predict(self, X: Any) -> np.ndarray:
        """Amounts, (rows,) or (rows, outputs)."""
        found = self._outputs(X)
        return found[:, 0] if self.one_output_ else found

    def _facts(self) -> dict[str, Any]:
        """Whether the target had an axis of outputs."""
        return {"one_output": self.one_output_}

    def _take_facts(self, facts: dict[str, Any]) -> None:
        """The same."""
        self.one_output_ = bool(facts["one_output"])
