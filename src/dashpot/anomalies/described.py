"""A fitted detector as plain JSON and arrays: what its model file holds."""

from __future__ import annotations

from typing import Any

import numpy as np

from dashpot.anomalies.judges import Judge
from dashpot.arrays import described_network
from dashpot.model_files import Tensors, plain

PLAIN = ("contamination", "folds", "trim", "max_epochs", "batch_size")
ARRAYS = ("training_scores_", "training_fold_", "known_", "known_fold_", "quantiles_", "counts_")
OF_JUDGE = ("usual", "centre", "whitening")


def described_detector(detector: Any, tensors: Tensors) -> dict[str, Any]:
    """A detector as plain JSON; its arrays go into `tensors`."""
    arrays = {name: getattr(detector, name) for name in ARRAYS}
    arrays |= {f"standard.{name}": getattr(detector.standard_, name) for name in ("centre", "spread")}
    arrays |= {f"scale.{name}": getattr(detector.scale_, name) for name in ("centre", "spread", "weights")}
    arrays |= {f"{number}.rows": jury.rows for number, jury in enumerate(detector.juries_)}
    tensors |= {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    state = detector.random_state
    parameters = {name: plain(getattr(detector, name)) for name in PLAIN} | {"parts": list(detector.parts)}
    return {
        "estimator": "AnomalyDetector",
        "parameters": parameters | {"random_state": int(state) if isinstance(state, int | np.integer) else None},
        "kinds": None if detector.kinds is None else [list(kind) for kind in detector.kinds],
        "offset": float(detector.offset_),
        "encoder": detector.encoder_.to_dict(),
        "juries": [
            [_described(judge, f"{number}.{place}", tensors) for place, judge in enumerate(jury.judges)]
            for number, jury in enumerate(detector.juries_)
        ],
    }


def _described(judge: Judge, key: str, tensors: Tensors) -> dict[str, Any]:
    """A judge as plain JSON."""
    tensors |= {f"{key}.judge.{name}": np.ascontiguousarray(getattr(judge, name)) for name in OF_JUDGE}
    return described_network(judge.network, key, tensors)
