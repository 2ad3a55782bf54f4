"""A fitted denoiser as plain JSON and arrays: what its model file holds."""

from __future__ import annotations

from typing import Any

import numpy as np

from dashpot.arrays import described_network
from dashpot.model_files import Tensors

PLAIN = ("networks", "windows", "max_epochs", "stride", "symmetries", "random_state")
ARRAYS = ("basis", "weights")
ERRORS = ("error", "linear_error", "noisy_error")


def described_denoiser(model: Any, tensors: Tensors) -> dict[str, Any]:
    """A denoiser as plain JSON; its arrays go into `tensors`."""
    found = model.model_
    tensors.update({name: np.ascontiguousarray(getattr(found, name), dtype=np.float32) for name in ARRAYS})
    given = {name: getattr(model, name) for name in PLAIN}
    widths = None if model.hidden_layers is None else [int(width) for width in np.atleast_1d(model.hidden_layers)]
    return {
        "estimator": "Denoiser",
        "parameters": {name: value for name, value in given.items() if isinstance(value, bool | int | None)},
        "hidden_layers": widths,
        "corruption": [found.corruption.noise.kind, found.corruption.lowest, found.corruption.highest],
        "subject": model.subject_.to_dict(),
        "spread": found.spread,
        "errors": [getattr(found, name) for name in ERRORS],
        "networks": [described_network(one, str(number), tensors) for number, one in enumerate(found.networks)],
    }
