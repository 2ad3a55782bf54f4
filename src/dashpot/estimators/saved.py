"""Estimators and their ensembles, built from what a model file says."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
from sklearn.base import clone

from dashpot.arrays import network_from
from dashpot.estimators import Autoencoder, EnsembleClassifier, EnsembleRegressor, MLPClassifier, MLPRegressor
from dashpot.estimators.combining import Combined, Stacked, Vote, Weighted
from dashpot.estimators.described import LOSSES, OPTIMIZERS, built
from dashpot.model_files import Tensors
from dashpot.regularizers import Recipe, parse
from dashpot.tables import PictureEncoder, TableEncoder
from dashpot.yardsticks import YardstickClassifier, YardstickRegressor
from dashpot.yardsticks.frozen import Frozen, FrozenLinear, FrozenTrees

ESTIMATORS: dict[str, Any] = {cls.__name__: cls for cls in (Autoencoder, MLPClassifier, MLPRegressor)}
SEQUENCES = ("hidden_layers", "learned", "image_shape")  # parameters that JSON holds as lists
YARDSTICKS: dict[str, Any] = {cls.__name__: cls for cls in (YardstickClassifier, YardstickRegressor)}
FROZEN: dict[str, type[Frozen]] = {cls.__name__: cls for cls in (FrozenLinear, FrozenTrees)}
ENSEMBLES: dict[str, Any] = {cls.__name__: cls for cls in (EnsembleClassifier, EnsembleRegressor)}


def estimator_from(described: dict[str, Any], tensors: Tensors, prefix: str = "") -> Any:
    """An estimator from what a file says; a ValueError where parts do not fit."""
    name = described["estimator"]
    parameters = dict(described["parameters"])
    if isinstance(parameters.get("optimizer"), dict):
        parameters["optimizer"] = built(OPTIMIZERS, parameters["optimizer"])
    parameters |= {key: tuple(parameters[key]) for key in SEQUENCES if parameters.get(key) is not None}
    recipe = Recipe(tuple(parse(text) for text in described["recipe"]))
    model = ESTIMATORS[name](regularizers=recipe.parts, **parameters)
    model.recipe_ = recipe
    if described["loss"] is not None:
        model.loss_ = built(LOSSES, described["loss"])
    encoder = TableEncoder if parameters.get("image_shape") is None else PictureEncoder
    model.encoder_ = encoder.from_dict(described["encoder"], name)
    model._take_features()
    model._take_facts(described)
    networks = tuple(
        network_from(one, tensors, f"{prefix}{number}") for number, one in enumerate(described["networks"])
    )
    if not networks or any(len(n.centre) != len(model.encoder_.inputs_.names) for n in networks):
        raise ValueError("shapes")
    if set(described["members"]) != set(range(len(networks))):
        raise ValueError("members")
    model._keep(tuple(networks[place] for place in described["members"]))
    return model


def yardstick_from(described: dict[str, Any], tensors: Tensors, prefix: str = "") -> Any:
    """Trees or a linear model from what a file says; a ValueError where parts do not fit."""
    model = YARDSTICKS[described["estimator"]](**described["parameters"])
    model.encoder_ = TableEncoder.from_dict(described["encoder"], described["estimator"])
    model._take_features()
    model._take_facts(described)
    kind, link = described["frozen"]
    arrays = {one.name: tensors[f"{prefix}{one.name}"] for one in fields(FROZEN[kind]) if one.name != "link"}
    model.frozen_ = FROZEN[kind](link=str(link), **arrays)
    model.frozen_.check()
    if len(model.frozen_.fill) != len(model.encoder_.inputs_.names):
        raise ValueError("shapes")
    return model


def member_from(described: dict[str, Any], tensors: Tensors, prefix: str) -> Any:
    """A member of an ensemble from what a file says."""
    build = yardstick_from if described["estimator"] in YARDSTICKS else estimator_from
    return build(described, tensors, prefix)


def ensemble_from(described: dict[str, Any], tensors: Tensors) -> Any:
    """A heterogeneous ensemble from what a file says; a ValueError where parts do not fit."""
    members = {str(name): member_from(one, tensors, f"{k}/") for k, (name, one) in enumerate(described["members"])}
    if not members:
        raise ValueError("members")
    cls = ENSEMBLES[described["estimator"]]
    model = cls([(name, clone(member)) for name, member in members.items()], **described["parameters"])
    first = next(iter(members.values()))
    if not all(hasattr(member, "predict_proba") == model._classes for member in members.values()):
        raise ValueError("members")
    if model._classes:
        model.classes_ = np.unique(np.concatenate([member.classes_ for member in members.values()]))
        outputs = len(model.classes_)
    else:
        model.one_output_ = bool(described["one_output"])
        outputs = 1 if model.one_output_ else _outputs_of(first)
    return model._assembled(members, _combined(described["combined"], len(members), outputs, model._classes))


def _outputs_of(member: Any) -> int:
    """Outputs of a regressor."""
    return len(member.networks_[0].target_centre if hasattr(member, "networks_") else member.frozen_.start)


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
