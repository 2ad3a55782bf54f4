"""Our detector, whole and in parts, as functions like the peers': training rows, test rows -> a score for each."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from dashpot import AnomalyDetector
from dashpot.anomalies.judges import KINDS
from dashpot.anomalies.juries import DEFAULT, PARTS
from dashpot.jobs import Examples
from dashpot.optimizers import AdamW

Method = Callable[[np.ndarray, np.ndarray, bool, int], np.ndarray]
UNTRAINED: dict[str, Any] = {"optimizer": AdamW(1e-12), "max_epochs": 1}


def detector(**parameters: Any) -> Method:
    """Our detector with some parameters that are not the defaults."""

    def score(train: np.ndarray, test: np.ndarray, same: bool, seed: int) -> np.ndarray:
        fitted = AnomalyDetector(random_state=seed, **parameters).fit(train)
        return np.asarray(fitted.training_scores_ if same else fitted.anomaly_scores(test))

    return score


@lru_cache(maxsize=1)
def _trained(table: bytes, columns: int, dtype: str, seed: int) -> AnomalyDetector:
    """A detector whose networks serve several choices of parts: their training does not depend on it."""
    train = np.frombuffer(table, dtype=dtype).reshape(-1, columns)
    return AnomalyDetector(random_state=seed, parts=PARTS).fit(train)


def in_parts(*parts: str) -> Method:
    """Our detector with some of its parts, as fitted with them from the start."""

    def score(train: np.ndarray, test: np.ndarray, same: bool, seed: int) -> np.ndarray:
        fitted = _trained(train.tobytes(), train.shape[1], str(train.dtype), seed).set_params(parts=parts)
        inputs, targets, _ = fitted._encoded(train)
        examples = Examples(inputs, targets, fitted.encoder_.inputs_)
        fitted._judge_training_rows(examples, fitted.training_fold_, len(KINDS))
        return np.asarray(fitted.training_scores_ if same else fitted.anomaly_scores(test))

    return score


OURS: dict[str, Method] = {
    "dashpot": detector(),
    "untrained network": detector(parts=("residual",), **UNTRAINED),
}
ABLATION: dict[str, Method] = {
    **{f"only {part}": in_parts(part) for part in DEFAULT},
    **{f"without {part}": in_parts(*(one for one in DEFAULT if one != part)) for part in DEFAULT},
    "residual and code": in_parts("residual", "code"),
    "with code": in_parts(*PARTS),
    "without trimming": detector(trim=0.0),
    "trim 0.4": detector(trim=0.4),
    "one kind of network": detector(kinds=KINDS[:1]),
    "without training": detector(**UNTRAINED),
}
