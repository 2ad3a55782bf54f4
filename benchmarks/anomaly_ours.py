"""Our detector, whole and in parts, as functions like the peers': training rows, test rows -> a score for each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dashpot import AnomalyDetector
from dashpot.anomalies.judges import KINDS
from dashpot.optimizers import AdamW

Method = Callable[[np.ndarray, np.ndarray, bool, int], np.ndarray]
UNTRAINED: dict[str, Any] = {"optimizer": AdamW(1e-12), "max_epochs": 1}
ALL = ("residual", "code", "neighbours", "rows")


def detector(**parameters: Any) -> Method:
    """Our detector with some parameters that are not the defaults."""

    def score(train: np.ndarray, test: np.ndarray, same: bool, seed: int) -> np.ndarray:
        fitted = AnomalyDetector(random_state=seed, **parameters).fit(train)
        return np.asarray(fitted.training_scores_ if same else fitted.anomaly_scores(test))

    return score


OURS: dict[str, Method] = {
    "dashpot": detector(),
    "untrained network": detector(parts=("residual",), **UNTRAINED),
}
ABLATION: dict[str, Method] = {
    **{f"only {part}": detector(parts=(part,)) for part in ALL},
    **{f"without {part}": detector(parts=tuple(one for one in ALL if one != part)) for part in ALL},
    "without trimming": detector(trim=0.0),
    "one kind of network": detector(kinds=KINDS[:1]),
    "two networks": detector(kinds=KINDS[:1], folds=2),
    "without training": detector(**UNTRAINED),
}
