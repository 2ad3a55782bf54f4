"""Where things stand in the pictures, in percent of their width and height. The templates draw them.

Positions in percent keep text and strokes at their size on a phone: only the distances shrink.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from dashpot.report.numbers import tick_label

# An interval that reaches this many times beyond the usual one is cut off, and an arrow says so.
_farthest = 6.0
_most_points = 160


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Round numbers (1, 2 or 5 times a power of ten) between two ends.

    >>> ticks(-0.13, 0.31)
    [-0.1, 0.0, 0.1, 0.2, 0.3]
    """
    width = max(high - low, 1e-12)
    power = 10.0 ** math.floor(math.log10(width / count))
    step = next(s * power for s in (1, 2, 5, 10) if width / (s * power) <= count)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{number * step:.12g}") for number in range(first, last + 1)]


def effect_figure(summary: dict[str, Any]) -> dict[str, Any]:
    """The effect plot: an axis and one line for each regularizer."""
    effects = summary["effects"]
    low, high = effect_range(effects)

    def place(value: float) -> float:
        return round(100 * (min(max(value, low), high) - low) / (high - low), 2)

    rows = []
    for effect in effects:
        ends = [effect["low"], effect["high"]] if effect["low"] is not None else [effect["difference"]] * 2
        rows.append(
            {
                "effect": effect,
                "left": place(ends[0]),
                "right": place(ends[1]),
                "middle": place(effect["difference"]),
                "cut_left": ends[0] < low,
                "cut_right": ends[1] > high,
            }
        )
    axis = [{"place": place(tick), "label": tick_label(tick, signed=True)} for tick in ticks(low, high, 6)]
    return {"rows": rows, "axis": axis, "zero": place(0.0)}


def effect_range(effects: Sequence[dict[str, Any]]) -> tuple[float, float]:
    """Ends of the axis: all intervals and zero, but for the few that would squeeze the others."""
    reaches = [
        max(abs(value) for value in (effect["low"], effect["high"], effect["difference"]) if value is not None)
        for effect in effects
    ]
    limit = _farthest * max(float(np.median(reaches)), 1e-9)
    values = [0.0] + [e[name] for e in effects for name in ("low", "high", "difference") if e[name] is not None]
    low, high = (min(max(end, -limit), limit) for end in (min(values), max(values)))
    space = 0.06 * max(high - low, 1e-9)
    return low - space, high + space


def curve_figure(curves: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Panels of learning curves that share both axes."""
    lines = [part for curve in curves for part in curve["parts"]]
    if not lines:
        return {"panels": [], "loss": [], "epochs": []}
    last = max(max(line["epoch"]) for line in lines)
    low, high = curve_range(lines)

    def across(epoch: float) -> float:
        return round(100 * epoch / max(last, 1), 2)

    def down(value: float) -> float:
        return round(100 * (high - min(max(value, low), high)) / (high - low), 2)

    panels = [
        {"method": curve["method"], "lines": [_line(part, across, down) for part in curve["parts"]]} for curve in curves
    ]
    return {
        "panels": panels,
        "loss": [{"place": down(tick), "label": tick_label(tick)} for tick in ticks(low, high, 6)],
        "epochs": [{"place": across(tick), "label": tick_label(tick)} for tick in ticks(0, last, 4)],
    }


def curve_range(lines: Sequence[dict[str, Any]]) -> tuple[float, float]:
    """Ends of the loss axis: all bands, unless validation explodes far above where learning starts."""
    bottoms = [value for line in lines for value in known(line["low"])]
    tops = [value for line in lines for value in known(line["high"])]
    lowest, highest = min(bottoms), max(tops)
    starts = [known(line["mean"])[0] for line in lines if known(line["mean"])]
    high = min(highest, lowest + 3 * max(max(starts) - lowest, 1e-9))
    return lowest - 0.03 * (high - lowest + 1e-9), high + 0.03 * (high - lowest + 1e-9)


def known(values: Iterable[float | None]) -> list[float]:
    """The values that are numbers."""
    return [value for value in values if value is not None]


def _line(part: dict[str, Any], across: Any, down: Any) -> dict[str, Any]:
    """A curve and its band as the points of SVG polygons."""
    kept = _thinned(part)
    mean = [f"{across(epoch)},{down(value)}" for epoch, value, _, _ in kept]
    upper = [f"{across(epoch)},{down(value)}" for epoch, _, _, value in kept]
    lower = [f"{across(epoch)},{down(value)}" for epoch, _, value, _ in kept]
    return {
        "part": part["part"],
        "mean": " ".join(mean),
        "band": " ".join([*upper, *reversed(lower)]),
        "last": kept[-1][1],
        "at_the_end": {"across": across(kept[-1][0]), "down": down(kept[-1][1])},
    }


def dot_figure(summary: dict[str, Any]) -> dict[str, Any]:
    """Calibration of probabilities, or predicted beside true amounts: dots around a diagonal."""
    return _calibration_dots(summary) if summary["calibration"] else _residual_dots(summary)


def _calibration_dots(summary: dict[str, Any]) -> dict[str, Any]:
    """What was predicted and what came true, in percent."""
    return {
        "panels": [
            {"method": panel["method"], "points": [_dot(p["predicted"], p["true"], p) for p in panel["points"]]}
            for panel in summary["calibration"]
        ],
        "ticks": [{"place": 25 * k, "label": f"{25 * k}"} for k in range(5)],
        "about": "Test rows in up to ten bins: what was predicted (across) and what came true (up), with twice its "
        "standard error. Honest probabilities lie on the diagonal; below it on the right they are too bold.",
        "label": "Calibration",
        "across": "predicted, %",
        "radius": 5,
    }


def _residual_dots(summary: dict[str, Any]) -> dict[str, Any]:
    """Predicted amounts and true ones."""
    low, high = summary["residuals"][0]["ends"] if summary["residuals"] else (0.0, 1.0)
    return {
        "panels": [
            {"method": panel["method"], "points": [_dot(a, b) for a, b in panel["points"]]}
            for panel in summary["residuals"]
        ],
        "ticks": [
            {"place": round(100 * (tick - low) / max(high - low, 1e-300), 2), "label": tick_label(tick)}
            for tick in ticks(low, high, 5)
        ],
        "about": "Some of the test rows: the predicted amount (across) and the true one (up), equal on the diagonal; "
        "the outermost half percent on either side is drawn at the edge.",
        "label": "Predicted and true amounts",
        "across": "predicted amount",
        "radius": 3,
    }


def _dot(across: float, up: float, reach: dict[str, Any] | None = None) -> dict[str, Any]:
    """A dot in percent of the picture, with the ends of its reach."""
    ends = {name: None if reach is None else round(100 - 100 * reach[name], 2) for name in ("low", "high")}
    return {"across": round(100 * across, 2), "down": round(100 - 100 * up, 2)} | ends


def _thinned(part: dict[str, Any]) -> list[tuple[float, float, float, float]]:
    """Epochs with known values, at most some 160 of them; the first and the last stay."""
    rows = zip(part["epoch"], part["mean"], part["low"], part["high"], strict=True)
    complete = [row for row in rows if None not in row]
    step = math.ceil(len(complete) / _most_points) or 1
    return complete[::step] if (len(complete) - 1) % step == 0 else [*complete[::step], complete[-1]]
