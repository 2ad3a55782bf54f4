"""Calibration, confusion, residuals and gaps, as plain numbers for the page."""

from typing import TYPE_CHECKING, Any

import numpy as np

from dashpot.studies.curves import best_regularizer
from dashpot.studies.effects import BASELINE
from dashpot.studies.findings import score_gaps
from dashpot.studies.scores import calibration_bin

if TYPE_CHECKING:
    from dashpot.studies.study import Study

_most_points = 250
_most_classes = 12


def shown_methods(study: "Study") -> list[str]:
    """The network without regularizer and the one with the best."""
    best = best_regularizer(study.results, study.score)
    return [BASELINE] if best is None else [BASELINE, best]


def _tested_once(study: "Study", method: str) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Targets, predictions and weights of the first turn of splits, in which every row is tested at most once."""
    if study.tested is None:
        return None
    count = 1 if study.settings.get("fixed_test") else min(study.settings["folds"], study.settings["splits"])
    targets, predicted, weights = study.tested.pooled(dict.fromkeys(range(count), method))
    return (targets, predicted, weights) if np.isfinite(predicted).all() else None


def calibration(study: "Study") -> list[dict[str, Any]]:
    """For each method shown: predicted share, share that came true, and rows, bin by bin."""
    if study.settings["task"] != "classification":
        return []
    panels = []
    for method in shown_methods(study):
        known = _tested_once(study, method)
        if known is None:
            return []
        targets, predicted, weights = known
        two = predicted.shape[1] == 2
        sure = predicted[:, 1] if two else predicted.max(axis=1)
        true = targets == 1 if two else predicted.argmax(axis=1) == targets
        bins = calibration_bin(sure)
        points = [_share(sure[bins == k], true[bins == k], weights[bins == k]) for k in np.unique(bins)]
        panels.append({"method": method, "points": [point for point in points if point["rows"]]})
    return panels


def _share(sure: np.ndarray, true: np.ndarray, weights: np.ndarray) -> dict[str, Any]:
    """One bin: mean prediction, share that came true with twice its standard error, rows."""
    if not weights.any():
        return {"predicted": 0.0, "true": 0.0, "low": 0.0, "high": 0.0, "rows": 0}
    share = float(np.average(true, weights=weights))
    error = 2 * float(np.sqrt(max(share * (1 - share), 0.25 / len(true)) / len(true)))
    ends = max(0.0, share - error), min(1.0, share + error)
    return {
        "predicted": float(np.average(sure, weights=weights)),
        "true": share,
        "low": ends[0],
        "high": ends[1],
        "rows": len(true),
    }


def confusion(study: "Study") -> dict[str, Any] | None:
    """What the best regularizer's network takes each class for, in shares of the class."""
    classes = study.settings.get("classes") or []
    if not classes or len(classes) > _most_classes:
        return None
    method = shown_methods(study)[-1]
    known = _tested_once(study, method)
    if known is None:
        return None
    targets, predicted, weights = known
    counts = np.zeros((len(classes), len(classes)))
    np.add.at(counts, (targets, predicted.argmax(axis=1)), weights)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1e-300)
    rows = [
        {"class": str(name), "shares": [float(value) for value in own]}
        for name, own in zip(classes, shares, strict=True)
    ]
    return {"method": method, "classes": [str(name) for name in classes], "rows": rows}


def residuals(study: "Study") -> list[dict[str, Any]]:
    """For each method shown: predicted and true amounts of some test rows, both on one scale from 0 to 1."""
    if study.settings["task"] != "regression":
        return []
    found = {method: _tested_once(study, method) for method in shown_methods(study)}
    known = {method: values for method, values in found.items() if values is not None}
    if not known:
        return []
    targets = np.concatenate([values[0][:, 0] for values in known.values()])
    low, high = (float(end) for end in np.percentile(targets, [0.5, 99.5]))
    panels = []
    for method, (truth, predicted, _) in known.items():
        places = np.linspace(0, len(truth) - 1, min(_most_points, len(truth))).astype(int)
        scaled = [np.clip((v[places, 0] - low) / max(high - low, 1e-300), 0, 1) for v in (predicted, truth)]
        panels.append(
            {
                "method": method,
                "points": [[round(float(a), 3), round(float(b), 3)] for a, b in zip(*scaled, strict=True)],
                "ends": [low, high],
            }
        )
    return panels


def gaps(study: "Study") -> list[dict[str, Any]]:
    """Training score, test score and gap of the methods shown, before and after."""
    table = score_gaps(study)
    methods = [method for method in shown_methods(study) if method in table.index]
    return [{"method": method} | {name: float(table.loc[method, name]) for name in table} for method in methods]


def surfaces(study: "Study") -> dict[str, Any] | None:
    """The loss surfaces as cells of one scale: 0 is the lowest loss shown, 1 the highest."""
    known = {name: np.array(losses) for name, losses in study.surfaces.items()}
    known = {name: losses for name, losses in known.items() if np.isfinite(losses).all()}
    if not known:
        return None
    low = min(losses.min() for losses in known.values())
    high = max(float(np.quantile(losses, 0.9)) for losses in known.values())
    panels = [_panel(name, losses, low, max(high, low + 1e-12)) for name, losses in known.items()]
    return {"panels": panels}


def _panel(name: str, losses: np.ndarray, low: float, high: float) -> dict[str, Any]:
    """One surface: shades of its cells, its loss in the middle and the mean loss at the rim."""
    shades = np.round(np.sqrt(np.clip((losses - low) / (high - low), 0, 1)), 2)
    middle = len(losses) // 2
    rim = np.concatenate([losses[0], losses[-1], losses[1:-1, 0], losses[1:-1, -1]])
    return {
        "method": name,
        "size": len(losses),
        "shades": [[float(shade) for shade in line] for line in shades],
        "centre": float(losses[middle, middle]),
        "rim": float(np.median(rim)),
    }
