"""Models from files. Reading one executes nothing: only the classes named here are ever built."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from dashpot.anomalies.saved import detector_from
from dashpot.denoising.saved import denoiser_from
from dashpot.errors import DashpotError, ModelFileError
from dashpot.estimators.saved import (
    ENSEMBLES,
    ESTIMATORS,
    YARDSTICKS,
    ensemble_from,
    estimator_from,
    yardstick_from,
)
from dashpot.model_files import DAMAGE, Tensors, read, refused

BUILDERS: dict[str, Callable[[dict[str, Any], Tensors], Any]] = {
    **dict.fromkeys(ESTIMATORS, estimator_from),
    **dict.fromkeys(ENSEMBLES, ensemble_from),
    **dict.fromkeys(YARDSTICKS, yardstick_from),
    "AnomalyDetector": detector_from,
    "Denoiser": denoiser_from,
}


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
    path = Path(path)
    try:
        described, tensors = read(path)
        return BUILDERS[described["estimator"]](described, tensors)
    except DashpotError as error:
        raise error if isinstance(error, ModelFileError) else refused(path, "is damaged") from error
    except DAMAGE as error:
        raise refused(path, "is damaged or was not written by dashpot") from error
