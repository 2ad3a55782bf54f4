"""Out-of-fold predictions: every row is predicted by members that were fitted without it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import has_fit_parameter

from dashpot.errors import DataError, UsageError


def folds_of(
    folds: Any, X: Any, y: np.ndarray, groups: np.ndarray | None, classes: bool, seed: int, caller: str
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Row numbers to fit on and to predict: stratified by class, whole groups where there are groups.

    Parameters
    ----------
    folds : int of at least 2, or a splitter of scikit-learn
    y : class numbers, or amounts
    """
    if not isinstance(folds, int | np.integer):
        if not hasattr(folds, "split"):
            raise UsageError(f"{caller}(folds={folds!r}): must be a whole number of at least 2, or a splitter.")
        return _once_each(list(folds.split(np.zeros((len(y), 1)), y, groups)), len(y), caller)
    if isinstance(folds, bool) or folds < 2:
        raise UsageError(f"{caller}(folds={folds!r}): must be a whole number of at least 2, or a splitter.")
    units = len(y) if groups is None else len(np.unique(groups))
    if units < 2:
        what = "rows" if groups is None else "groups"
        raise DataError(f"{caller}.fit: folds need two {what}, but n_samples = {len(y)}. Pass more, or combine='mean'.")
    count = min(int(folds), units)
    if classes and groups is None:
        count = min(count, max(2, int(np.bincount(y).max())))
        splitter: Any = StratifiedKFold(count, shuffle=True, random_state=seed)
    elif classes:
        splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    else:
        splitter = GroupKFold(count) if groups is not None else KFold(count, shuffle=True, random_state=seed)
    with warnings.catch_warnings():  # a class of few rows is missing from some of the folds: so be it
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        return [(fit, held) for fit, held in splitter.split(np.zeros((len(y), 1)), y, groups) if len(held)]


def _once_each(
    splits: list[tuple[np.ndarray, np.ndarray]], rows: int, caller: str
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Splits that predict every row once."""
    held = np.concatenate([held for _, held in splits])
    if not np.array_equal(np.sort(held), np.arange(rows)):
        raise UsageError(f"{caller}(folds): the splitter must hold every row out once; use KFold, say.")
    return splits


def fitted(
    member: Any, X: Any, y: Any, rows: np.ndarray, weights: np.ndarray | None, groups: np.ndarray | None, name: str
) -> Any:
    """A copy of a member, fitted on some rows; weights and groups go to those who take them.

    Raises
    ------
    UsageError
        If there are weights and the member takes none.
    """
    copy = clone(member)
    step, last = f"{copy.steps[-1][0]}__" if isinstance(copy, Pipeline) else "", copy
    if step:
        last = copy.steps[-1][1]
    given: dict[str, Any] = {}
    if weights is not None:
        if not has_fit_parameter(last, "sample_weight"):
            raise UsageError(f"fit(sample_weight): member {name!r} takes no weights. Leave it out, or the weights.")
        given[f"{step}sample_weight"] = weights[rows]
    if groups is not None and has_fit_parameter(last, "groups"):
        given[f"{step}groups"] = groups[rows]
    return copy.fit(_safe_indexing(X, rows), _safe_indexing(y, rows), **given)


def out_of_fold(
    members: Sequence[tuple[str, Any]],
    X: Any,
    y: Any,
    splits: Sequence[tuple[np.ndarray, np.ndarray]],
    weights: np.ndarray | None,
    groups: np.ndarray | None,
    predict: Any,
) -> np.ndarray:
    """Predictions of every member for every row, (members, rows, outputs), by copies that did not see the row."""

    def parts(name: str, member: Any) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for rows, held in splits:
            yield held, predict(fitted(member, X, y, rows, weights, groups, name), _safe_indexing(X, held), name)

    found = []
    for name, member in members:
        pieces = list(parts(name, member))
        whole = np.zeros((sum(len(held) for held, _ in pieces), pieces[0][1].shape[1]))
        for held, predictions in pieces:
            whole[held] = predictions
        found.append(whole)
    return np.stack(found)
