"""Linear models and trees that scikit-learn fitted, frozen to arrays: predicted and saved without it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np
from scipy.special import softmax

BLOCK = 2048  # rows that walk down the trees together
NEVER = -1e30  # the log-odds of a class that was absent at fit
LINKS = ("identity", "softmax", "shares")  # amounts, sums of log-odds, means of shares of classes


@dataclass(frozen=True, eq=False)
class Frozen:
    """Base of both.

    Attributes
    ----------
    fill : float array (inputs,)
        What stands for a missing cell; NaN where the model knows missing cells itself.
    start : float array (outputs,)
        What every row begins with.
    link : str, one of LINKS
        How sums become predictions.
    """

    fill: np.ndarray
    start: np.ndarray
    link: str

    def predict(self, inputs: np.ndarray) -> np.ndarray:
        """Probabilities (rows, classes), or amounts (rows, outputs), for float32 inputs (rows, inputs)."""
        filled = np.where(np.isnan(inputs), self.fill, inputs)
        sums = self.start + self.sums(filled)
        return np.asarray(softmax(sums, axis=1) if self.link == "softmax" else sums)

    def sums(self, inputs: np.ndarray) -> np.ndarray:
        """What the inputs add, (rows, outputs)."""
        raise NotImplementedError

    def arrays(self) -> dict[str, np.ndarray]:
        """All but the link."""
        return {one.name: getattr(self, one.name) for one in fields(self) if one.name != "link"}

    def check(self) -> None:
        """Refuse arrays that do not fit together, by a ValueError: a file may lie."""
        if self.link not in LINKS or self.fill.ndim != 1 or self.start.ndim != 1 or not np.isfinite(self.start).all():
            raise ValueError("shapes")


@dataclass(frozen=True, eq=False)
class FrozenLinear(Frozen):
    """A linear model.

    Attributes
    ----------
    slopes : float array (inputs, outputs)
    """

    slopes: np.ndarray

    def sums(self, inputs: np.ndarray) -> np.ndarray:
        """inputs @ slopes."""
        return inputs @ self.slopes

    def check(self) -> None:
        """Refuse slopes that do not fit."""
        super().check()
        if self.slopes.shape != (len(self.fill), len(self.start)) or not np.isfinite(self.slopes).all():
            raise ValueError("shapes")


@dataclass(frozen=True, eq=False)
class FrozenTrees(Frozen):
    """Many trees, their nodes one behind the other.

    A row goes left where its feature is at most the threshold, and where it is missing and `missing_left` says so; a
    leaf leads to itself.

    Attributes
    ----------
    feature, left, right : int32 arrays (nodes,)
    threshold : float64 array (nodes,)
    missing_left : bool array (nodes,)
    value : float64 array (nodes, width)
        What a leaf adds: to all outputs, or with width 1 to that of its tree.
    root, output : int32 arrays (trees,)
    """

    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    missing_left: np.ndarray
    value: np.ndarray
    root: np.ndarray
    output: np.ndarray

    _of_nodes: ClassVar = ("feature", "threshold", "left", "right", "missing_left")

    def sums(self, inputs: np.ndarray) -> np.ndarray:
        """What the leaves of a row add, block by block."""
        blocks = (inputs[start : start + BLOCK] for start in range(0, len(inputs), BLOCK))
        return np.vstack([self._added(block) for block in blocks]) if len(inputs) else np.zeros((0, len(self.start)))

    def _added(self, inputs: np.ndarray) -> np.ndarray:
        found = self.value[self._leaves(inputs)]
        if found.shape[2] > 1:
            return np.asarray(found.sum(1))
        return np.asarray(found[..., 0] @ np.eye(len(self.start))[self.output])

    def _leaves(self, inputs: np.ndarray) -> np.ndarray:
        """The leaf of each row in each tree, (rows, trees)."""
        rows = np.arange(len(inputs))[:, None]
        nodes = np.tile(self.root, (len(inputs), 1))
        while True:
            cells = inputs[rows, self.feature[nodes]]
            goes_left = np.where(np.isnan(cells), self.missing_left[nodes], cells <= self.threshold[nodes])
            after = np.where(goes_left, self.left[nodes], self.right[nodes])
            if (after == nodes).all():
                return nodes
            nodes = after

    def check(self) -> None:
        """Refuse nodes that lead in circles, or anywhere else than to a later one or to themselves."""
        super().check()
        nodes, places = len(self.value), np.arange(len(self.value))
        fits = self.value.ndim == 2 and self.value.shape[1] in (1, len(self.start)) and nodes > 0
        fits = fits and all(getattr(self, name).shape == (nodes,) for name in self._of_nodes)
        fits = fits and self.root.shape == self.output.shape and self.root.ndim == 1 and len(self.root) > 0
        if not fits or not np.isfinite(self.value).all():
            raise ValueError("shapes")
        leads = np.stack([self.left, self.right])
        leaf = (leads == places).all(0)
        limits = ((self.root, nodes), (self.output, len(self.start)), (self.feature, len(self.fill)), (leads, nodes))
        within = all(numbers.min() >= 0 and numbers.max() < limit for numbers, limit in limits)
        if not within or not (leaf | (leads > places).all(0)).all():
            raise ValueError("nodes")


def frozen_linear(pipeline: Any, classes: int | None) -> FrozenLinear:
    """A pipeline of imputer, scaler and linear model, as arrays."""
    imputer, scaler, model = (step for _, step in pipeline.steps)
    slopes, biases = np.atleast_2d(model.coef_), np.atleast_1d(model.intercept_)
    slopes = slopes / scaler.scale_
    biases = biases - slopes @ scaler.mean_
    fill, link = np.nan_to_num(imputer.statistics_), "identity" if classes is None else "softmax"
    if classes is None:
        return FrozenLinear(fill, biases, link, slopes.T)
    if len(slopes) == 1:  # of two classes: the log-odds of the second
        slopes, biases = np.vstack([0 * slopes, slopes]), np.concatenate([0 * biases, biases])
    wide, start = np.zeros((slopes.shape[1], classes)), np.full(classes, NEVER)
    wide[:, model.classes_], start[model.classes_] = slopes.T, biases
    return FrozenLinear(fill, start, link, wide)


def frozen_boosting(model: Any, classes: int | None, trees: int) -> FrozenTrees:
    """The first trees of scikit-learn's gradient boosting by histograms, as arrays."""
    rounds = model._predictors[:trees]
    known = np.arange(1) if classes is None else model.classes_[-len(rounds[0]) :]
    nodes = [predictor.nodes for one in rounds for predictor in one]
    own = [
        {
            "feature": one["feature_idx"],
            "threshold": one["num_threshold"],
            "left": one["left"],
            "right": one["right"],
            "missing_left": one["missing_go_to_left"],
            "value": one["value"][:, None],
            "leaf": one["is_leaf"] != 0,
        }
        for one in nodes
    ]
    start = np.zeros(1) if classes is None else np.full(classes, NEVER)
    if classes is not None:
        start[model.classes_] = 0.0
    start[known] += np.ravel(model._baseline_prediction)
    output = np.tile(known, len(rounds))
    fill = np.full(model.n_features_in_, np.nan)
    return _joined(own, output, fill, start, "identity" if classes is None else "softmax")


def frozen_forest(pipeline: Any, classes: int | None) -> FrozenTrees:
    """A pipeline of imputer and random forest, as arrays."""
    imputer, model = (step for _, step in pipeline.steps)
    own = []
    for one in (member.tree_ for member in model.estimators_):
        value = one.value[:, 0] if classes is not None else one.value[:, :, 0]
        if classes is not None:
            wide = np.zeros((len(value), classes))
            wide[:, model.classes_] = value / value.sum(1, keepdims=True)
            value = wide
        leaf = one.children_left < 0
        own.append(
            {
                "feature": np.where(leaf, 0, one.feature),
                "threshold": one.threshold,
                "left": one.children_left,
                "right": one.children_right,
                "missing_left": one.missing_go_to_left,
                "value": value / len(model.estimators_),
                "leaf": leaf,
            }
        )
    start = np.zeros(own[0]["value"].shape[1])
    link = "identity" if classes is None else "shares"
    fill = np.nan_to_num(imputer.statistics_).astype(np.float32)  # as all that scikit-learn's trees see
    return _joined(own, np.zeros(len(own)), fill, start, link)


def _joined(
    trees: Sequence[dict[str, np.ndarray]], output: np.ndarray, fill: np.ndarray, start: np.ndarray, link: str
) -> FrozenTrees:
    """The nodes of all trees one behind the other; leaves lead to themselves, and the value of other nodes is 0."""
    root = np.cumsum([0, *(len(one["left"]) for one in trees[:-1])])
    leaf = np.concatenate([one["leaf"] for one in trees])
    places = np.arange(len(leaf))
    begins = np.repeat(root, [len(one["left"]) for one in trees])
    left, right, feature, threshold, missing = (
        np.concatenate([one[name] for one in trees])
        for name in ("left", "right", "feature", "threshold", "missing_left")
    )
    return FrozenTrees(
        fill,
        start,
        link,
        feature.astype(np.int32),
        threshold.astype(np.float64),
        np.where(leaf, places, left + begins).astype(np.int32),
        np.where(leaf, places, right + begins).astype(np.int32),
        missing.astype(bool),
        np.where(leaf[:, None], np.concatenate([one["value"] for one in trees]), 0.0).astype(np.float64),
        root.astype(np.int32),
        output.astype(np.int32),
    )
