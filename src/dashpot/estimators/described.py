"""What the estimators say of themselves in a model file: plain JSON, and arrays under names."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from dashpot.arrays import described_network
from dashpot.errors import UsageError
from dashpot.estimators.combining import Combined, Vote, Weighted
from dashpot.losses import AbsoluteError, Binary, CrossEntropy, Huber, Loss, Poisson, SquaredError
from dashpot.model_files import Tensors, plain
from dashpot.networks import distinct
from dashpot.optimizers import SGD, Adam, AdamW, Optimizer
from dashpot.regularizers import parse

# Closed registries: no other class is ever built from a file.
LOSSES: dict[str, type[Loss]] = {
    cls.__name__: cls for cls in (AbsoluteError, Binary, CrossEntropy, Huber, Poisson, SquaredError)
}
OPTIMIZERS: dict[str, type[Optimizer]] = {cls.__name__: cls for cls in (SGD, Adam, AdamW)}
OURS = ("MLPClassifier", "MLPRegressor", "YardstickClassifier", "YardstickRegressor")
OF_ENSEMBLES = ("combine", "metric", "rounds", "random_state", "folds")


def described_estimator(model: Any, tensors: Tensors, prefix: str) -> dict[str, Any]:
    """A fitted estimator as plain JSON; its arrays go into `tensors`, under names that begin with `prefix`."""
    networks, places = distinct(model.networks_)
    described = [described_network(one, f"{prefix}{number}", tensors) for number, one in enumerate(networks)]
    return {
        "estimator": type(model).__name__,
        "recipe": [repr(part) for part in model.recipe_.parts if not _unwritable(part)],
        "parameters": _parameters(model),
        "loss": written(model.loss_) if type(model.loss_) in LOSSES.values() else None,
        "encoder": model.encoder_.to_dict(),
        "networks": described,
        "members": places,
    } | model._facts()


def _unwritable(part: Any) -> bool:
    """A sampler, a function or a class of someone else cannot be read from text; predictions do not need it."""
    try:
        parse(repr(part))
    except UsageError:
        warnings.warn(f"save: {part!r} is left out of the file; predictions do not need it.", stacklevel=6)
        return True
    return False


def written(part: Loss | Optimizer) -> dict[str, Any]:
    """A loss or an optimizer as its class and its numbers; infinity is null."""
    fields = {name: None if value == math.inf else plain(value) for name, value in vars(part).items()}
    return {"class": type(part).__name__} | fields


def built(registry: dict[str, Any], written: dict[str, Any]) -> Any:
    """The reverse, from a closed registry."""
    fields = {name: math.inf if value is None else value for name, value in written.items() if name != "class"}
    return registry[written["class"]](**fields)


def _parameters(model: Any) -> dict[str, Any]:
    """The constructor's parameters that are plain numbers, words or optimizers."""
    found: dict[str, Any] = {}
    for name, value in model.get_params(deep=False).items():
        value = plain(value)
        if isinstance(value, Optimizer):
            found[name] = written(value)
        elif name == "hidden_layers":
            found[name] = [int(width) for width in np.atleast_1d(np.asarray(value, dtype=int))]
        elif name == "learned":
            found[name] = [value] if isinstance(value, str) else list(value)
        elif name == "image_shape" and value is not None:
            found[name] = [int(size) for size in value]
        elif name != "regularizers" and isinstance(value, bool | int | float | str | None):
            found[name] = value
    return found


def described_ensemble(model: Any, tensors: Tensors) -> dict[str, Any]:
    """An ensemble of our estimators as plain JSON, without the members that do not count."""
    used = np.array([member is not None for member in model.members_.values()])
    members: list[Any] = []
    for name, member in model._fitted().items():
        if type(member).__name__ not in OURS:
            raise UsageError(
                f"save: member {name!r} is a {type(member).__name__}, which a model file cannot hold. "
                "Use YardstickClassifier or YardstickRegressor, or keep the model with joblib where nobody else writes."
            )
        members.append([name, member._described(tensors, f"{len(members)}/")])
    parameters = {name: plain(value) for name, value in model.get_params(deep=False).items() if name in OF_ENSEMBLES}
    described = {
        "estimator": type(model).__name__,
        "parameters": {name: v for name, v in parameters.items() if isinstance(v, bool | int | float | str | None)},
        "members": members,
        "combined": _described_combination(model.combined_, used),
    }
    return described if model._classes else described | {"one_output": model.one_output_}


def _described_combination(combined: Combined, used: np.ndarray) -> dict[str, Any]:
    """How the members that count are combined, as numbers."""
    if isinstance(combined, Vote):
        return {"class": "Vote"}
    if isinstance(combined, Weighted):
        return {"class": "Weighted", "weights": combined.weights[used].tolist()}
    of_members = combined.weights.reshape(len(used), -1, len(combined.biases))[used]
    weights = of_members.reshape(-1, len(combined.biases))
    return {"class": "Stacked", "weights": weights.tolist(), "biases": combined.biases.tolist()}
