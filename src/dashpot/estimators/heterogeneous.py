"""What the two heterogeneous ensembles share: members are fitted, combined, and compared with each other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, clone, is_classifier, is_regressor
from sklearn.utils import _safe_indexing, assert_all_finite, get_tags
from sklearn.utils.validation import check_consistent_length, check_is_fitted, check_random_state, validate_data

from dashpot.errors import DataError, UsageError, did_you_mean
from dashpot.estimators.combining import (
    Combined,
    Vote,
    Weighted,
    disagreement,
    greedy,
    row_losses,
    stack_amounts,
    stack_classes,
)
from dashpot.estimators.described import described_ensemble
from dashpot.estimators.folds import fitted, folds_of, out_of_fold
from dashpot.estimators.targets import groups_of, weights_of
from dashpot.model_files import Tensors, save
from dashpot.monitors import require_monitor, score

if TYPE_CHECKING:
    import pandas as pd

WAYS = ("mean", "vote", "greedy", "stack")


class HeterogeneousEnsemble(BaseEstimator):
    """Base of both; its parameters are theirs."""

    _classes: bool

    def __init__(
        self,
        estimators: Sequence[Any],
        combine: str = "greedy",
        folds: Any = 5,
        metric: str = "loss",
        rounds: int = 50,
        random_state: Any = None,
    ) -> None:
        self.estimators = estimators
        self.combine = combine
        self.folds = folds
        self.metric = metric
        self.rounds = rounds
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        """What all members can take."""
        tags = super().__sklearn_tags__()
        members = [get_tags(member) for _, member in self._named()]
        for name in ("allow_nan", "string", "sparse"):
            setattr(tags.input_tags, name, all(getattr(one.input_tags, name) for one in members))
        tags.target_tags.multi_output = not self._classes and all(one.target_tags.multi_output for one in members)
        tags.non_deterministic = False
        return tags

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Parameters; with `deep` also the members by name, and their parameters as name__parameter."""
        found = super().get_params(deep=False)
        for name, member in self._named() if deep else ():
            found[name] = member
            if isinstance(member, BaseEstimator):
                found |= {f"{name}__{key}": value for key, value in member.get_params().items()}
        return dict(found)

    def set_params(self, **params: Any) -> Self:
        """Set parameters; a member is replaced by its name."""
        names = [name for name, _ in self._named() if name in params]
        if names:
            self.estimators = [(name, params.get(name, member)) for name, member in self._named()]
        super().set_params(**{key: value for key, value in params.items() if key not in names})
        return self

    def _named(self) -> list[tuple[str, Any]]:
        """The members by name; those without one are named by their class."""
        named: dict[str, Any] = {}
        for one in self.estimators if isinstance(self.estimators, list | tuple) else ():
            given, member = one if isinstance(one, tuple) else (type(one).__name__, one)
            name, number = str(given), 1
            while name in named:
                number += 1
                name = f"{given} {number}"
            named[name] = member
        return list(named.items())

    def _check_parameters(self) -> list[tuple[str, Any]]:
        """Refuse parameters that make no sense; gives the members by name."""
        caller = type(self).__name__
        if not self._named():
            raise UsageError(
                f"{caller}(estimators={self.estimators!r}): pass estimators in a list, two or more at best."
            )
        if self.combine not in WAYS:
            raise UsageError(
                f"{caller}(combine={self.combine!r}): must be one of {', '.join(WAYS)}."
                f"{did_you_mean(str(self.combine), WAYS)}"
            )
        require_monitor(caller, self.metric, "metric")
        if isinstance(self.rounds, bool) or not isinstance(self.rounds, int | np.integer) or self.rounds < 1:
            raise UsageError(f"{caller}(rounds={self.rounds!r}): must be a whole number of at least 1.")
        members = self._named()
        right, kind = (is_classifier, "classifier") if self._classes else (is_regressor, "regressor")
        for name, member in members:
            if not hasattr(member, "fit") or isinstance(member, type) or not right(member):
                raise UsageError(
                    f"{caller}(estimators): {name!r} is no {kind}. Pass instances, such as MLP{kind.title()}()."
                )
        return members

    def fit(self, X: Any, y: Any, sample_weight: Any = None, *, groups: Any = None) -> Self:
        """Fit every member, and find out how to combine them.

        Parameters
        ----------
        X : frame or array of shape (rows, columns)
            It goes to the members as it is: what it may hold depends on them.
        y : array of shape (rows,), or (rows, outputs) for amounts
        sample_weight : array of shape (rows,) or None
            Goes to every member, and counts in the combination; rows of weight 0 are left out.
        groups : array of shape (rows,) or None
            Rows of one group are predicted together, by copies that saw none of them.

        Returns
        -------
        self

        Raises
        ------
        DataError, UsageError
            For data or parameters that cannot be used.
        """
        members = self._check_parameters()
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None.")
        X = self._indexable(X)
        validate_data(self, X, skip_check_array=True)
        targets = self._encode(y)
        y = np.asarray(y)
        check_consistent_length(X, targets)
        weights, rows = None, np.arange(len(targets))
        if sample_weight is not None:
            weights = weights_of(sample_weight, targets, type(self).__name__)
            rows = np.flatnonzero(weights > 0)
            if not len(rows):
                raise DataError(f"{type(self).__name__}.fit(sample_weight): every weight is zero. Pass some above 0.")
        if groups is not None:
            check_consistent_length(groups, targets)
            groups = groups_of(groups, type(self).__name__)
        members = self._seeded(members)
        kept = None if weights is None else weights[rows]
        self._combine(members, _safe_indexing(X, rows), _safe_indexing(y, rows), targets[rows], kept, groups, rows)
        weight = self.combined_.importance()
        used = weight > 0 if weight.any() else weight == 0
        self.members_ = {
            name: fitted(member, X, y, rows, weights, groups, name) if use else None
            for (name, member), use in zip(members, used, strict=True)
        }
        return self

    def _indexable(self, X: Any) -> Any:
        """X as given, if rows can be chosen from it; sparse only if every member takes it."""
        if issparse(X) and not get_tags(self).input_tags.sparse:
            raise TypeError(f"{type(self).__name__}: a member takes no sparse input. Pass a dense array or a frame.")
        return X if hasattr(X, "__getitem__") else np.asarray(X)

    def _seeded(self, members: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
        """Copies of the members, those without a seed with one of ours."""
        rng = check_random_state(self.random_state)
        self._seed = int(rng.randint(2**31 - 1))
        copies = [(name, clone(member)) for name, member in members]
        for _, copy in copies:
            own = {name: value for name, value in copy.get_params().items() if name.split("__")[-1] == "random_state"}
            copy.set_params(**{name: int(rng.randint(2**31 - 1)) for name, value in own.items() if value is None})
        return copies

    def _combine(
        self, members: list[tuple[str, Any]], X: Any, y: Any, targets: Any, weights: Any, groups: Any, rows: Any
    ) -> None:
        """Set `combined_`, and what is known of the members out of fold."""
        self._outside: dict[str, np.ndarray] | None = None
        if self.combine == "mean":
            self.combined_: Combined = Weighted(np.full(len(members), 1 / len(members)))
        elif self.combine == "vote":
            self.combined_ = Vote(len(members), self._classes)
        else:
            caller, own = type(self).__name__, None if groups is None else groups[rows]
            splits = folds_of(self.folds, X, targets, own, self._classes, self._seed, caller)
            predictions = out_of_fold(members, X, y, splits, weights, own, self._predictions)
            sizes = np.ones(len(targets)) if weights is None else weights
            if self.combine == "greedy":
                self.combined_ = greedy(predictions, lambda mean: self._cost(mean, targets, sizes), int(self.rounds))
            else:
                self.combined_ = (stack_classes if self._classes else stack_amounts)(predictions, targets, sizes)
            names, counting = [name for name, _ in members], self.combined_.importance()
            self._outside = self._compared(names, counting, predictions, targets, sizes)

    def _cost(self, predictions: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> float:
        """What predictions cost by the metric: less is better."""
        if self.metric not in ("loss", "error"):
            return -score(self.metric, targets, predictions, weights)
        return float(np.average(self._losses(predictions, targets, self.metric), weights=weights))

    def _losses(self, predictions: np.ndarray, targets: np.ndarray, metric: str) -> np.ndarray:
        """Loss or error of each row."""
        if metric == "loss":
            return row_losses(predictions, targets)
        if self._classes:
            return np.asarray(predictions.argmax(1) != targets, dtype=float)
        return np.asarray(np.abs(predictions - targets).mean(1))

    def _compared(
        self, names: list[str], weight: np.ndarray, predictions: np.ndarray, targets: np.ndarray, weights: np.ndarray
    ) -> dict[str, np.ndarray]:
        """How good each member is, how different, how much it counts; then its difference to each other."""
        pairs = disagreement(predictions, weights, self._classes)
        columns = {
            name: np.array([np.average(self._losses(one, targets, name), weights=weights) for one in predictions])
            for name in ("loss", "error")
        }
        columns |= {"disagreement": pairs.sum(1) / max(len(names) - 1, 1), "weight": weight}
        return columns | {f"against {name}": pairs[:, number] for number, name in enumerate(names)}

    @property
    def diversity_(self) -> pd.DataFrame | None:
        """Loss, error, disagreement and weight of each member, out of fold; None where nothing was out of fold."""
        check_is_fitted(self, "members_")
        return None if self._outside is None else _table(list(self.members_), self._outside)

    def _fitted(self) -> dict[str, Any]:
        """The members that predict."""
        check_is_fitted(self, "members_")
        return {name: member for name, member in self.members_.items() if member is not None}

    def _members(self, X: Any) -> np.ndarray:
        """Predictions of all members, (members, rows, outputs); zeros for those that do not count."""
        found = {name: self._predictions(member, X, name) for name, member in self._fitted().items()}
        if len(found) < len(self.members_) and not get_tags(self).input_tags.allow_nan:
            self._refuse_missing(X)
        none = np.zeros_like(next(iter(found.values())))
        return np.stack([found.get(name, none) for name in self.members_])

    def _refuse_missing(self, X: Any) -> None:
        """Refuse missing numbers as the members that do not count would: `fit` refused them, too."""
        numbers = X.select_dtypes("number").to_numpy() if hasattr(X, "select_dtypes") else np.asarray(X)
        if numbers.dtype.kind == "f":
            assert_all_finite(numbers, estimator_name=type(self).__name__, input_name="X")

    def diversity(self, X: Any, y: Any, sample_weight: Any = None) -> pd.DataFrame:
        """How good and how different the members are, on rows that they have not seen.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.

        Returns
        -------
        table : DataFrame, a row for each member that counts
            "loss" (log-loss, mean squared error), "error" (share of wrong classes, mean absolute error),
            "disagreement" (mean difference to the other members), "weight" in the ensemble, and "against ..." each
            other: the share of rows with different classes, or the root mean squared difference of amounts.
        """
        names = list(self._fitted())
        targets = self._known(y)
        weights = np.ones(len(targets)) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
        predictions = np.stack([self._predictions(self.members_[name], X, name) for name in names])
        counting = self.combined_.importance()[[member is not None for member in self.members_.values()]]
        return _table(names, self._compared(names, counting, predictions, targets, weights))

    def save(self, path: str | Path) -> Path:
        """Write the model to a file, if all members are our networks. `dashpot.load` reads it."""
        check_is_fitted(self, "members_")
        return save(self, path)

    def _described(self, tensors: Tensors) -> dict[str, Any]:
        """What the model file says; arrays go into `tensors`."""
        return described_ensemble(self, tensors)

    def _assembled(self, members: dict[str, Any], combined: Combined) -> Self:
        """Members that are fitted already, None for one that does not count, and how they combine."""
        self.members_ = members
        self.combined_ = combined
        self._outside = None
        first = next(member for member in members.values() if member is not None)
        self.n_features_in_ = first.n_features_in_
        if hasattr(first, "feature_names_in_"):
            self.feature_names_in_ = first.feature_names_in_
        return self

    def _encode(self, y: Any) -> np.ndarray:
        raise NotImplementedError

    def _known(self, y: Any) -> np.ndarray:
        raise NotImplementedError

    def _predictions(self, member: Any, X: Any, name: str) -> np.ndarray:
        raise NotImplementedError


def _table(names: list[str], columns: dict[str, np.ndarray]) -> pd.DataFrame:
    """A row for each member."""
    import pandas as pd

    return pd.DataFrame(columns, index=pd.Index(names, name="member"))
