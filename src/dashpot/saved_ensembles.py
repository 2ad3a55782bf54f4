"""Heterogeneous ensembles in model files: only those whose members are all our networks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import clone

from dashpot.errors import UsageError
from dashpot.estimators import EnsembleClassifier, EnsembleRegressor, MLPClassifier, MLPRegressor
from dashpot.estimators.combining import Combined, Stacked, Vote, Weighted

ENSEMBLES: dict[str, Any] = {cls.__name__: cls for cls in (EnsembleClassifier, EnsembleRegressor)}
PLAIN = ("combine", "metric", "rounds", "random_state", "folds")

Tensors = dict[str, np.ndarray]


def described_ensemble(model: Any, tensors: Tensors, describe: Callable[[Any, Tensors, str], Any]) -> dict[str, Any]:
    """An ensemble as plain JSON, without the members that do not count; `describe` does that for a member."""
    used = np.array([member is not None for member in model.members_.values()])
    members: list[Any] = []
    for name, member in model._fitted().items():
        if type(member) not in (MLPClassifier, MLPRegressor):
            raise UsageError(
                f"save: member {name!r} is a {type(member).__name__}, and a model file holds our networks only. "
                "Leave it out, or keep the fitted model with joblib where nobody else can write."
            )
        members.append([name, describe(member, tensors, f"{len(members)}/")])
    parameters = {name: value for name, value in model.get_params(deep=False).items() if name in PLAIN}
    described = {
        "estimator": type(model).__name__,
        "parameters": {name: v for name, v in parameters.items() if isinstance(v, bool | int | float | str | None)},
        "members": members,
        "combined": _written(model.combined_, used),
    }
    return described if model._classes else described | {"one_output": model.one_output_}


def _written(combined: Combined, used: np.ndarray) -> dict[str, Any]:
    """How the members that count are combined, as numbers."""
    if isinstance(combined, Vote):
        return {"class": "Vote"}
    if isinstance(combined, Weighted):
        return {"class": "Weighted", "weights": combined.weights[used].tolist()}
    of_members = combined.weights.reshape(len(used), -1, len(combined.biases))[used]
    weights = of_members.reshape(-1, len(combined.biases))
    return {"class": "Stacked", "weights": weights.tolist(), "biases": combined.biases.tolist()}


def ensemble_from(described: dict[str, Any], tensors: Tensors, build: Callable[[Any, Tensors, str], Any]) -> Any:
    """An ensemble from what a file says; `build` does that for a member. A ValueError where parts do not fit."""
    members = {str(name): build(one, tensors, f"{k}/") for k, (name, one) in enumerate(described["members"])}
    if not members:
        raise ValueError("members")
    cls = ENSEMBLES[described["estimator"]]
    model = cls([(name, clone(member)) for name, member in members.items()], **described["parameters"])
    first = next(iter(members.values()))
    kind = MLPClassifier if model._classes else MLPRegressor
    if not all(type(member) is kind for member in members.values()):
        raise ValueError("members")
    model.members_ = members
    model._outside = None
    model.n_features_in_ = first.n_features_in_
    if hasattr(first, "feature_names_in_"):
        model.feature_names_in_ = first.feature_names_in_
    if model._classes:
        model.classes_ = np.unique(np.concatenate([member.classes_ for member in members.values()]))
        outputs = len(model.classes_)
    else:
        model.one_output_ = bool(described["one_output"])
        outputs = len(first.networks_[0].target_centre)
    model.combined_ = _combined(described["combined"], len(members), outputs, model._classes)
    return model


def _combined(described: dict[str, Any], members: int, outputs: int, classes: bool) -> Combined:
    """How the members are combined."""
    if described["class"] == "Vote":
        return Vote(members, classes)
    weights = np.array(described["weights"], dtype=np.float64)
    shape = (members,) if described["class"] == "Weighted" else (members * (outputs if classes else 1), outputs)
    if weights.shape != shape or not np.isfinite(weights).all():
        raise ValueError("shapes")
    if described["class"] == "Weighted":
        return Weighted(weights)
    biases = np.array(described["biases"], dtype=np.float64)
    if biases.shape != (outputs,):
        raise ValueError("shapes")
    return Stacked(weights, biases, classes)
