"""Model files: a zip of `model.json` and `weights.safetensors`. Reading one executes nothing."""

from __future__ import annotations

import json
import math
import os
import warnings
import zipfile
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from dashpot.arrays import described_network, network_from
from dashpot.errors import DashpotError, ModelFileError, UsageError
from dashpot.losses import AbsoluteError, Binary, CrossEntropy, Huber, Loss, Poisson, SquaredError
from dashpot.optimizers import SGD, Adam, AdamW, Optimizer
from dashpot.regularizers import Recipe, parse
from dashpot.tables import PictureEncoder, TableEncoder

FORMAT = 1
MEMBERS = ("model.json", "weights.safetensors")
LARGEST = 2 * 2**30  # bytes of a member, unpacked

# The closed registry: no other class is ever built from a file.
LOSSES: dict[str, type[Loss]] = {
    cls.__name__: cls for cls in (AbsoluteError, Binary, CrossEntropy, Huber, Poisson, SquaredError)
}
OPTIMIZERS: dict[str, type[Optimizer]] = {cls.__name__: cls for cls in (SGD, Adam, AdamW)}


def estimators() -> dict[str, Any]:
    """The estimator classes that a file may hold."""
    from dashpot.estimators import Autoencoder, MLPClassifier, MLPRegressor

    return {cls.__name__: cls for cls in (Autoencoder, MLPClassifier, MLPRegressor)}


def save(model: Any, path: str | Path) -> Path:
    """Write a fitted estimator; the file is whole or not there.

    Raises
    ------
    UsageError
        If the file cannot be written.
    """
    path = Path(path)
    tensors: dict[str, np.ndarray] = {}
    text = json.dumps({"format": FORMAT} | _described(model, tensors), allow_nan=False)
    temporary: str | None = None
    try:
        with NamedTemporaryFile("wb", dir=path.parent, prefix=".dashpot-", delete=False) as file:
            temporary = file.name
            with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
                archive.writestr(MEMBERS[0], text)
                archive.writestr(MEMBERS[1], save_tensors(tensors))
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError as error:
        raise UsageError(
            f"save({str(path)!r}): {error.strerror or error}. Choose a file in a folder that you may write to."
        ) from error
    finally:
        if temporary is not None and os.path.exists(temporary):
            os.unlink(temporary)
    return path


def _described(model: Any, tensors: dict[str, np.ndarray], prefix: str = "") -> dict[str, Any]:
    """A model as plain JSON; its arrays go into `tensors`, under names that begin with `prefix`."""
    if hasattr(model, "members_"):
        from dashpot.saved_ensembles import described_ensemble

        return described_ensemble(model, tensors, _described)
    if hasattr(model, "juries_"):
        from dashpot.anomalies.files import described_detector

        return described_detector(model, tensors)
    if hasattr(model, "model_"):
        from dashpot.denoising.saved import described_denoiser

        return described_denoiser(model, tensors)
    networks = [described_network(one, f"{prefix}{number}", tensors) for number, one in enumerate(model.networks_)]
    return {
        "estimator": type(model).__name__,
        "recipe": [repr(part) for part in model.recipe_.parts if not _unwritable(part)],
        "parameters": _parameters(model),
        "loss": _written(model.loss_) if type(model.loss_) in LOSSES.values() else None,
        "encoder": model.encoder_.to_dict(),
        "networks": networks,
    } | model._facts()


def _unwritable(part: Any) -> bool:
    """A sampler, a function or a class of someone else cannot be read from text; predictions do not need it."""
    try:
        parse(repr(part))
    except UsageError:
        warnings.warn(f"save: {part!r} is left out of the file; predictions do not need it.", stacklevel=5)
        return True
    return False


def _written(part: Loss | Optimizer) -> dict[str, Any]:
    """A loss or an optimizer as its class and its numbers; infinity is null."""
    fields = {name: None if value == math.inf else value for name, value in vars(part).items()}
    return {"class": type(part).__name__} | fields


def _built(registry: dict[str, Any], written: dict[str, Any]) -> Any:
    """The reverse, from a closed registry."""
    fields = {name: math.inf if value is None else value for name, value in written.items() if name != "class"}
    return registry[written["class"]](**fields)


def _parameters(model: Any) -> dict[str, Any]:
    """The constructor's parameters that are plain numbers, words or optimizers."""
    plain: dict[str, Any] = {}
    for name, value in model.get_params(deep=False).items():
        if isinstance(value, Optimizer):
            plain[name] = _written(value)
        elif name == "hidden_layers":
            plain[name] = [int(width) for width in np.atleast_1d(np.asarray(value, dtype=int))]
        elif name == "learned":
            plain[name] = [value] if isinstance(value, str) else list(value)
        elif name == "image_shape" and value is not None:
            plain[name] = [int(size) for size in value]
        elif name != "regularizers" and isinstance(value, bool | int | float | str | None):
            plain[name] = value
    return plain


def load(path: str | Path) -> Any:
    """Read a model file written by `save`.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    The estimator, fitted

    Raises
    ------
    ModelFileError
        If the file is missing, damaged, too large, of a newer format, or no model file at all.
    """
    text, weights = _members(Path(path))
    try:
        described = json.loads(text, parse_constant=_no_constant)
        if described["format"] != FORMAT:
            raise _refused(path, f"has format {described['format']!r}; this version reads {FORMAT}. Update dashpot")
        return _model(described, load_tensors(weights))
    except DashpotError as error:
        raise error if isinstance(error, ModelFileError) else _refused(path, "is damaged") from error
    except (
        SafetensorError,
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        AttributeError,
        RecursionError,
        OverflowError,
        MemoryError,
    ) as error:
        raise _refused(path, "is damaged or was not written by dashpot") from error


def _refused(path: str | Path, why: str) -> ModelFileError:
    return ModelFileError(f"load({str(path)!r}): the file {why}. Save the model again.")


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _members(path: Path) -> tuple[str, bytes]:
    """The two members of a model file, read only if there are no others and none is too large."""
    try:
        if not path.is_file():
            raise _refused(path, "does not exist" if not path.exists() else "is no ordinary file")
        with zipfile.ZipFile(path) as archive:
            found = archive.infolist()
            if sorted(one.filename for one in found) != sorted(MEMBERS):
                raise _refused(path, "is a zip, but no model file")
            if any(one.file_size > LARGEST or one.compress_type != zipfile.ZIP_STORED for one in found):
                raise _refused(path, "is compressed or too large")
            return archive.read(MEMBERS[0]).decode(), archive.read(MEMBERS[1])
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError, EOFError, RuntimeError) as error:
        if isinstance(error, ModelFileError):
            raise
        raise _refused(path, "is no model file, or is damaged") from error


def _model(described: dict[str, Any], tensors: dict[str, np.ndarray], prefix: str = "") -> Any:
    """An estimator from what a file says."""
    if not prefix and described.keys() & {"members", "juries", "subject"}:
        return _of_several_parts(described, tensors)
    name = described["estimator"]
    parameters = dict(described["parameters"])
    if isinstance(parameters.get("optimizer"), dict):
        parameters["optimizer"] = _built(OPTIMIZERS, parameters["optimizer"])
    parameters["hidden_layers"] = tuple(parameters["hidden_layers"])
    if "learned" in parameters:
        parameters["learned"] = tuple(parameters["learned"])
    if parameters.get("image_shape") is not None:
        parameters["image_shape"] = tuple(parameters["image_shape"])
    recipe = Recipe(tuple(parse(text) for text in described["recipe"]))
    model = estimators()[name](regularizers=recipe.parts, **parameters)
    model.recipe_ = recipe
    if described["loss"] is not None:
        model.loss_ = _built(LOSSES, described["loss"])
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


def _of_several_parts(described: dict[str, Any], tensors: dict[str, np.ndarray]) -> Any:
    """An ensemble, a detector or a denoiser from what a file says."""
    if "members" in described:
        from dashpot.saved_ensembles import ensemble_from

        return ensemble_from(described, tensors, _model)
    if "juries" in described:
        from dashpot.anomalies.files import detector_from

        return detector_from(described, tensors)
    from dashpot.denoising.saved import denoiser_from

    return denoiser_from(described, tensors)
