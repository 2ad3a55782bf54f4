"""Estimators and their ensembles, built from what a model file says."""

from __future__ import annotations

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

ESTIMATORS: dict[str, Any] = {cls.__name__: cls for cls in (Autoencoder, MLPClassifier, MLPRegressor)}
SEQUENCES = ("hidden_layers", "learned", "image_shape")  # parameters that JSON holds as lists
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
    model._keep(networks)
    return model


def ensemble_from(described: dict[str, Any], tensors: Tensors) -> Any:
    """A heterogeneous ensemble from what a file says; a ValueError where parts do not fit."""
    members = {str(name): estimator_from(one, tensors, f"{k}/") for k, (name, one) in enumerate(described["members"])}
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
