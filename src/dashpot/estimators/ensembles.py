"""Our networks beside any estimator of scikit-learn, combined."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from dashpot.errors import DataError, UsageError
from dashpot.estimators.heterogeneous import HeterogeneousEnsemble
from dashpot.estimators.targets import amounts_of, labels_of


class EnsembleClassifier(ClassifierMixin, HeterogeneousEnsemble):
    """Classifiers of any kind as one: our networks beside trees, linear models, and what else scikit-learn has.

    Parameters
    ----------
    estimators : list of estimators, or of (name, estimator)
        Classifiers, or pipelines that end in one. X goes to them as it is.
    combine : {"mean", "vote", "greedy", "stack"}, default "greedy"
        "mean" of the probabilities; "vote": one for each member; "greedy": a weighted mean, the weights by greedy
        selection with repeats on out-of-fold predictions; "stack": logistic regression on their log-probabilities.
    folds : int of at least 2, or a splitter, default 5
        For "greedy" and "stack": stratified by class, whole groups where there are groups.
    metric : str, default "loss"
        What "greedy" makes small or large: "loss" (log-loss), "error", or a score of scikit-learn by its name.
    rounds : int, default 50
        Rounds of greedy selection.
    random_state : int, RandomState or None
        For the folds, and for members without a seed of their own.

    Attributes
    ----------
    classes_ : array (classes,)
    members_ : dict of str to fitted estimator, None for one that got no weight
    combined_ : Weighted, Vote or Stacked
    diversity_ : DataFrame or None
        For "greedy" and "stack", out of fold: loss, error and weight of each member, its disagreement with the others.

    References
    ----------
    Caruana, Niculescu-Mizil, Crew and Ksikes (2004), Ensemble selection from libraries of models, ICML; Wolpert (1992),
    Stacked generalization, Neural Networks 5; Kuncheva and Whitaker (2003), Machine Learning 51 (disagreement).

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from dashpot import EnsembleClassifier, MLPClassifier, load_anes96
    >>> frame, vote = load_anes96()
    >>> members = [MLPClassifier((8,), regularizers=[], max_epochs=5), LogisticRegression(max_iter=1000)]
    >>> model = EnsembleClassifier(members, folds=3, random_state=0).fit(frame, vote)
    >>> list(model.diversity_.columns[:4])
    ['loss', 'error', 'disagreement', 'weight']
    """

    _classes = True

    def _encode(self, y: Any) -> np.ndarray:
        """Class numbers; sets `classes_`."""
        self.classes_, numbers = np.unique(labels_of(y, type(self).__name__), return_inverse=True)
        if len(self.classes_) < 2:
            raise DataError(f"{type(self).__name__}.fit(y): one class only; at least two are needed.")
        return np.asarray(numbers, dtype=np.int64)

    def _known(self, y: Any) -> np.ndarray:
        """Class numbers of further rows."""
        y = labels_of(y, type(self).__name__)
        numbers = np.searchsorted(self.classes_, y).clip(max=len(self.classes_) - 1)
        if (self.classes_[numbers] != y).any():
            raise DataError(f"{type(self).__name__}: y holds a class that was not there at fit.")
        return np.asarray(numbers)

    def _predictions(self, member: Any, X: Any, name: str) -> np.ndarray:
        """Probabilities of one member, (rows, classes), or its votes where it has none."""
        if hasattr(member, "predict_proba"):
            found = np.asarray(member.predict_proba(X), dtype=np.float64)
            own = np.searchsorted(self.classes_, member.classes_)
        elif self.combine == "vote":
            own = np.arange(len(self.classes_))
            found = np.eye(len(own))[np.searchsorted(self.classes_, member.predict(X))]
        else:
            raise UsageError(
                f"{type(self).__name__}(combine={self.combine!r}): member {name!r} gives no probabilities. "
                "Use combine='vote', or wrap it in CalibratedClassifierCV."
            )
        probabilities = np.zeros((len(found), len(self.classes_)))
        probabilities[:, own] = found
        return probabilities

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities of the classes, (rows, classes); shares of votes with combine="vote"."""
        check_is_fitted(self, "members_")
        return self.combined_.combine(self._members(X))

    def predict(self, X: Any) -> np.ndarray:
        """The most probable class of each row, (rows,)."""
        check_is_fitted(self, "members_")
        return np.asarray(self.classes_[self.predict_proba(X).argmax(1)])


class EnsembleRegressor(RegressorMixin, HeterogeneousEnsemble):
    """Regressors of any kind as one: our networks beside trees, linear models, and what else scikit-learn has.

    Parameters
    ----------
    estimators : list of estimators, or of (name, estimator)
        Regressors, or pipelines that end in one. X goes to them as it is.
    combine : {"mean", "vote", "greedy", "stack"}, default "greedy"
        "mean" of the predictions; "vote": their median; "greedy": a weighted mean, the weights by greedy selection with
        repeats on out-of-fold predictions; "stack": least squares on them, with weights of at least 0.
    folds : int of at least 2, or a splitter, default 5
        For "greedy" and "stack": at random, or whole groups where there are groups.
    metric : str, default "loss"
        What "greedy" makes small or large: "loss" (mean squared error), "error" (mean absolute error), or a score of
        scikit-learn by its name.
    rounds : int, default 50
        Rounds of greedy selection.
    random_state : int, RandomState or None
        For the folds, and for members without a seed of their own.

    Attributes
    ----------
    members_ : dict of str to fitted estimator, None for one that got no weight
    combined_ : Weighted, Vote or Stacked
    diversity_ : DataFrame or None
        For "greedy" and "stack", out of fold: loss, error and weight of each member, its difference to the others.

    References
    ----------
    Caruana, Niculescu-Mizil, Crew and Ksikes (2004), ICML; Breiman (1996), Stacked regressions, Machine Learning 24;
    Krogh and Vedelsby (1995), NIPS (diversity of amounts).

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.linear_model import Ridge
    >>> from dashpot import EnsembleRegressor, MLPRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = EnsembleRegressor([MLPRegressor((8,), regularizers=[], max_epochs=20), Ridge(0.1)], random_state=0)
    >>> bool(model.fit(X, y).score(X, y) > 0.4)
    True
    """

    _classes = False

    def _encode(self, y: Any) -> np.ndarray:
        """Amounts (rows, outputs)."""
        amounts = amounts_of(y, type(self).__name__)
        self.one_output_ = amounts.ndim == 1
        return amounts.reshape(len(amounts), -1)

    def _known(self, y: Any) -> np.ndarray:
        """Amounts of further rows."""
        amounts = amounts_of(y, type(self).__name__)
        return amounts.reshape(len(amounts), -1)

    def _predictions(self, member: Any, X: Any, name: str) -> np.ndarray:
        """Amounts of one member, (rows, outputs)."""
        found = np.asarray(member.predict(X), dtype=np.float64)
        return found.reshape(len(found), -1)

    def predict(self, X: Any) -> np.ndarray:
        """Amounts, (rows,) or (rows, outputs)."""
        check_is_fitted(self, "members_")
        values = self.combined_.combine(self._members(X))
        return values[:, 0] if self.one_output_ else values
