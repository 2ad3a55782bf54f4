"""A fitted denoiser as plain JSON and arrays: what its model file holds."""

from __future__ import annotations

from typing import Any

import numpy as np

from dashpot.arrays import described_network
from dashpot.denoising.looks import TwoLooks
from dashpot.denoising.network import WindowDenoiser
from dashpot.model_files import Tensors, plain

PLAIN = ("looks", "networks", "windows", "max_epochs", "stride", "symmetries", "random_state")
ARRAYS = ("basis", "weights", "linear")
OF_A_KIND = ("mean", "axes", "squares")
SECOND = "second."  # what the names of arrays of a second look begin with
ERRORS = ("error", "linear_error", "noisy_error")


def described_denoiser(model: Any, tensors: Tensors) -> dict[str, Any]:
    """A denoiser as plain JSON; its arrays go into `tensors`."""
    found = model.model_
    first = found.first if isinstance(found, TwoLooks) else found
    given = {name: plain(getattr(model, name)) for name in PLAIN}
    widths = None if model.hidden_layers is None else [int(width) for width in np.atleast_1d(model.hidden_layers)]
    described = {
        "estimator": "Denoiser",
        "parameters": {name: value for name, value in given.items() if isinstance(value, bool | int | None)},
        "hidden_layers": widths,
        "corruption": [found.corruption.noise.kind, found.corruption.lowest, found.corruption.highest],
        "subject": model.subject_.to_dict(),
        **_described_windows(first, "", tensors),
    }
    if isinstance(found, TwoLooks):
        described["second"] = _described_windows(found.second, SECOND, tensors)
        described["second"]["kind"] = None if found.kind is None else list(found.kind.size)
        if found.kind is not None:
            tensors.update({f"kind.{name}": np.ascontiguousarray(getattr(found.kind, name)) for name in OF_A_KIND})
    return described


def _described_windows(found: WindowDenoiser, key: str, tensors: Tensors) -> dict[str, Any]:
    """Networks and how they see, as plain JSON; their arrays go into `tensors` under names that begin with `key`."""
    arrays = {name: getattr(found, name) for name in ARRAYS if getattr(found, name) is not None}
    tensors.update({key + name: np.ascontiguousarray(one, dtype=np.float32) for name, one in arrays.items()})
    return {
        "spread": found.spread,
        "errors": [getattr(found, name) for name in ERRORS],
        "networks": [described_network(one, f"{key}{number}", tensors) for number, one in enumerate(found.networks)],
    }
