"""A network as named arrays and plain JSON, and back: what model files and checkpoints are made of."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dashpot.embeddings import EMBEDDINGS, Embedding
from dashpot.networks import ACTIVATIONS, Bend, Network, bends

EMBEDDED = ("numbers", "first", "second")  # the arrays of an embedding


def network_tensors(network: Network, key: str) -> dict[str, np.ndarray]:
    """The arrays of a network, each under a name that begins with `key`."""
    arrays = {f"{key}.{name}": getattr(network, name) for name in ("centre", "scale", "target_centre", "target_scale")}
    for depth, (weights, biases) in enumerate(network.layers):
        arrays |= {f"{key}.{depth}.weights": weights, f"{key}.{depth}.biases": biases}
    if network.embedding.kind != "none":
        arrays |= {f"{key}.embedding.{name}": getattr(network.embedding, name) for name in EMBEDDED}
    return {name: np.ascontiguousarray(array) for name, array in arrays.items()}


def described_network(network: Network, key: str, tensors: dict[str, np.ndarray]) -> dict[str, Any]:
    """A network as plain JSON, NaN as null; its arrays go into `tensors`, under names that begin with `key`."""
    tensors.update(network_tensors(network, key))
    history = {name: [v if math.isfinite(v) else None for v in values] for name, values in network.history.items()}
    return network.to_dict() | {"layers": len(network.layers), "history": history}


def network_from(described: dict[str, Any], tensors: dict[str, np.ndarray], key: str) -> Network:
    """A network whose shapes fit together, or a ValueError."""
    layers = [
        (tensors[f"{key}.{depth}.weights"], tensors[f"{key}.{depth}.biases"]) for depth in range(described["layers"])
    ]
    scaling = [tensors[f"{key}.{name}"] for name in ("centre", "scale", "target_centre", "target_scale")]
    embedding = _embedding_from(described.get("embedding", "none"), tensors, key, len(scaling[0]))
    _check_arrays(layers, scaling, embedding.first.size)
    activation = described["activation"]
    if not isinstance(activation, str):
        activation = tuple(map(_bend_from, activation))
    _check_activations(bends(activation, len(layers) - 1), layers)
    centre, scale, target_centre, target_scale = scaling
    history = {
        str(name): [math.nan if value is None else float(value) for value in values]
        for name, values in described["history"].items()
    }
    return Network(
        layers,
        activation,
        centre,
        scale,
        float(described["clip"]),
        target_centre,
        target_scale,
        history,
        int(described["epochs"]),
        described["best_epoch"],
        described["diverged"],
        bool(described.get("snapshot", False)),
        embedding,
    )


def _embedding_from(kind: str, tensors: dict[str, np.ndarray], key: str, inputs: int) -> Embedding:
    """An embedding of some of the inputs, or a ValueError."""
    if kind == "none":
        return Embedding()
    numbers, first, second = (tensors[f"{key}.embedding.{name}"] for name in EMBEDDED)
    if first.shape != (len(numbers), EMBEDDINGS[kind].features) or second.shape != first.shape or not first.size:
        raise ValueError("shapes")
    if numbers.dtype != np.int64 or numbers.min() < 0 or numbers.max() >= inputs or (np.diff(numbers) <= 0).any():
        raise ValueError("numbers")
    _check_numbers([first, second])
    return Embedding(kind, numbers, first, second)


def _bend_from(written: list[Any]) -> Bend:
    """What a hidden layer does; files of before there were skips, norms and mixes hold a name and a number."""
    name, straight, *others = written
    skip, norm, mix = others or (False, "none", ())
    return Bend(str(name), int(straight), bool(skip), str(norm), tuple(map(float, mix)))


def _check_activations(hidden: tuple[Bend, ...], layers: list[tuple[np.ndarray, np.ndarray]]) -> None:
    """Refuse activations that do not fit the hidden layers."""
    if any(bend.name not in ACTIVATIONS for bend in hidden) or len(hidden) not in (len(layers) - 1, len(layers)):
        raise ValueError("activation")
    for bend, (weights, biases) in zip(hidden, layers, strict=False):
        fits = 0 <= bend.straight <= len(biases) and len(bend.mix) in (0, len(biases))
        if not fits or bend.norm not in ("none", "layer") or (bend.skip and len(weights) != len(biases)):
            raise ValueError("activation")
        if not np.isfinite(bend.mix).all():
            raise ValueError("numbers")


def _check_arrays(layers: list[tuple[np.ndarray, np.ndarray]], scaling: list[np.ndarray], further: int) -> None:
    """Refuse arrays whose shapes do not fit together, or that hold anything but finite float32."""
    width = len(scaling[0]) + further
    for weights, biases in layers:
        if weights.shape != (width, len(biases)) or biases.ndim != 1:
            raise ValueError("shapes")
        width = len(biases)
    if scaling[1].shape != scaling[0].shape or scaling[2].shape != (width,) or scaling[3].shape != (width,):
        raise ValueError("shapes")
    _check_numbers([array for layer in layers for array in layer] + scaling)


def _check_numbers(arrays: list[np.ndarray]) -> None:
    """Refuse anything but finite float32."""
    if any(array.dtype != np.float32 or not np.isfinite(array).all() for array in arrays):
        raise ValueError("numbers")
