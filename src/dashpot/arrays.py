"""A network as named arrays and plain JSON, and back: what model files and checkpoints are made of."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dashpot.networks import ACTIVATIONS, Bend, Network, bends


def network_tensors(network: Network, key: str) -> dict[str, np.ndarray]:
    """The arrays of a network, each under a name that begins with `key`."""
    arrays = {f"{key}.{name}": getattr(network, name) for name in ("centre", "scale", "target_centre", "target_scale")}
    for depth, (weights, biases) in enumerate(network.layers):
        arrays |= {f"{key}.{depth}.weights": weights, f"{key}.{depth}.biases": biases}
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
    _check_arrays(layers, scaling)
    activation = described["activation"]
    if not isinstance(activation, str):
        activation = tuple(Bend(str(name), int(straight)) for name, straight in activation)
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
    )


def _check_activations(hidden: tuple[Bend, ...], layers: list[tuple[np.ndarray, np.ndarray]]) -> None:
    """Refuse activations that do not fit the hidden layers."""
    if any(bend.name not in ACTIVATIONS for bend in hidden) or len(hidden) not in (len(layers) - 1, len(layers)):
        raise ValueError("activation")
    if any(not 0 <= bend.straight <= len(biases) for bend, (_, biases) in zip(hidden, layers, strict=False)):
        raise ValueError("activation")


def _check_arrays(layers: list[tuple[np.ndarray, np.ndarray]], scaling: list[np.ndarray]) -> None:
    """Refuse arrays whose shapes do not fit together, or that hold anything but finite float32."""
    width = len(scaling[0])
    for weights, biases in layers:
        if weights.shape != (width, len(biases)) or biases.ndim != 1:
            raise ValueError("shapes")
        width = len(biases)
    arrays = [array for layer in layers for array in layer] + scaling
    if scaling[1].shape != scaling[0].shape or scaling[2].shape != (width,) or scaling[3].shape != (width,):
        raise ValueError("shapes")
    if any(array.dtype != np.float32 or not np.isfinite(array).all() for array in arrays):
        raise ValueError("numbers")
