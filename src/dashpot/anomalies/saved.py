"""A detector, built from what a model file says."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dashpot.anomalies.described import ARRAYS, OF_JUDGE
from dashpot.anomalies.detector import AnomalyDetector
from dashpot.anomalies.judges import Judge, Kind
from dashpot.anomalies.juries import Jury, weights_of
from dashpot.anomalies.scale import Scale
from dashpot.anomalies.standard import Standard
from dashpot.arrays import network_from
from dashpot.model_files import Tensors
from dashpot.reconstruction import cells_of
from dashpot.tables import TableEncoder


def detector_from(written: dict[str, Any], tensors: Tensors) -> AnomalyDetector:
    """A detector from what a file says; a ValueError where parts do not fit."""
    kinds = written["kinds"] if written["kinds"] is None else [Kind(*one) for one in written["kinds"]]
    parameters = written["parameters"] | {"parts": tuple(written["parameters"]["parts"])}
    detector = AnomalyDetector(kinds=kinds, **parameters)
    detector._check_parameters()
    detector.encoder_ = TableEncoder.from_dict(written["encoder"], "AnomalyDetector")
    detector._take_features()
    detector.standard_ = Standard(cells_of(detector.encoder_), tensors["standard.centre"], tensors["standard.spread"])
    detector.scale_ = Scale(tensors["scale.centre"], tensors["scale.spread"], tensors["scale.weights"])
    for name in ARRAYS:
        setattr(detector, name, tensors[name])
    detector.juries_ = tuple(_jury(number, judges, tensors) for number, judges in enumerate(written["juries"]))
    detector.offset_ = float(written["offset"])
    if not (math.isfinite(detector.offset_) and all(np.isfinite(array).all() for array in tensors.values())):
        raise ValueError("numbers")
    if not (_juries_fit(detector) and _arrays_fit(detector)):
        raise ValueError("shapes")
    return detector


def _jury(number: int, judges: list[dict[str, Any]], tensors: Tensors) -> Jury:
    """A jury from what a file says."""
    keys = [f"{number}.{place}" for place in range(len(judges))]
    return Jury(
        tuple(
            Judge(network_from(one, tensors, key), *(tensors[f"{key}.judge.{name}"] for name in OF_JUDGE))
            for key, one in zip(keys, judges, strict=True)
        ),
        tensors[f"{number}.rows"],
    )


def _arrays_fit(detector: AnomalyDetector) -> bool:
    """Whether the arrays about the training rows fit together."""
    rows, known = len(detector.training_scores_), len(detector.known_)
    inputs, folds = len(detector.encoder_.inputs_.names), len(detector.juries_)
    numbers = np.concatenate([detector.training_fold_, detector.known_fold_])
    measures = weights_of(tuple(detector.parts), len(detector.juries_[0].judges), float(detector.trim)).shape
    return (
        rows > 0
        and known > 0
        and detector.standard_.centre.shape == detector.standard_.spread.shape == (inputs,)
        and detector.training_fold_.shape == (rows,)
        and detector.known_fold_.shape == (known,)
        and bool((numbers >= 0).all() and (numbers < folds).all())
        and detector.quantiles_.ndim == 2
        and detector.quantiles_.shape[1] == inputs
        and detector.counts_.shape == (inputs,)
        and bool((detector.counts_ > 0).all())
        and all(part.shape == measures for part in vars(detector.scale_).values())
    )


def _juries_fit(detector: AnomalyDetector) -> bool:
    """Whether the networks and what belongs to them fit the columns."""
    inputs, cells = len(detector.encoder_.inputs_.names), len(detector.standard_.cells)
    held = len(detector.standard_.held)
    judges = [judge for jury in detector.juries_ for judge in jury.judges]
    sizes = {len(jury.judges) for jury in detector.juries_}
    return (
        bool(judges)
        and len(sizes) == 1
        and all(jury.rows.ndim == 2 and jury.rows.shape[1] == held and len(jury.rows) for jury in detector.juries_)
        and all(_judge_fits(judge, inputs, cells) for judge in judges)
    )


def _judge_fits(judge: Judge, inputs: int, cells: int) -> bool:
    """Whether a judge's arrays have the widths of its network, and that those of the rows."""
    layers = judge.network.layers
    code = layers[len(layers) // 2 - 1][0].shape[1]
    return (
        len(layers) > 1
        and layers[0][0].shape[0] == inputs == layers[-1][0].shape[1]
        and judge.usual.shape == (cells,)
        and judge.centre.shape == (code,)
        and judge.whitening.ndim == 2
        and len(judge.whitening) == code
    )
