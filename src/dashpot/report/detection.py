"""The page of a detector: which rows, why, the scores with the threshold, simple methods beside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dashpot import __version__
from dashpot.report.figures import ticks
from dashpot.report.numbers import tick_label
from dashpot.report.page import page

if TYPE_CHECKING:
    import pandas as pd

    from dashpot.anomalies import AnomalyDetector

MOST_SHOWN = 50
BARS = 60


def summarize_detection(
    detector: AnomalyDetector,
    ranked: pd.DataFrame,
    name: str,
    floors: pd.DataFrame,
    drift: pd.DataFrame | None = None,
) -> dict[str, Any]:
    """What the page says, as plain values.

    Parameters
    ----------
    detector : AnomalyDetector
    ranked : DataFrame
        From `dashpot detect`: row, score, p_value, flagged, reasons; the oddest row first.
    name : str
        Of the table.
    floors : DataFrame
        From `AnomalyDetector.floors`.
    drift : DataFrame or None
        From `AnomalyDetector.drift`, if the rows are not those of the fit.
    """
    from dashpot.anomalies.floors import worth

    flagged = int(ranked["flagged"].sum())
    ignored = [f"{one.name}: {one.reason}" for one in detector.encoder_.columns_ if one.kind == "ignored"]
    return {
        "version": __version__,
        "title": f"Odd rows of {name}",
        "headline": f"{flagged:,} of {len(ranked):,} rows are flagged",
        "lead": worth(floors),
        "facts": [
            f"{len(detector.networks_)} networks",
            f"{len(detector.training_scores_):,} rows learned from",
            f"{len(detector.encoder_.columns_) - len(ignored)} columns used",
            f"dashpot {__version__}",
        ],
        "ignored": ignored,
        "histogram": histogram(ranked["score"].to_numpy(), -detector.offset_),
        "threshold": f"{-detector.offset_:.2f}",
        "rows": [_row(one) for one in ranked.head(min(MOST_SHOWN, max(flagged, 10))).itertuples()],
        "floors": floors.to_dict("records"),
        "labels": "auroc" in floors,
        "drift": [] if drift is None else drift.head(10).to_dict("records"),
        "drifted": drift is not None,
        "more": max(0, flagged - MOST_SHOWN),
    }


def _row(one: Any) -> dict[str, Any]:
    """A row in the words of the page."""
    return {
        "row": int(one.row),
        "score": f"{one.score:.2f}",
        "p": f"{one.p_value:.4f}" if one.p_value >= 0.0001 else "below 0.0001",
        "flagged": bool(one.flagged),
        "reasons": str(one.reasons).split("; "),
    }


def histogram(scores: np.ndarray, threshold: float) -> dict[str, Any]:
    """Bars of the scores in percent of the picture; heights are square roots, so that few odd rows are seen."""
    low = min(float(scores.min()), threshold)
    high = max(float(scores.max()), threshold)
    high = high if high > low else low + 1.0
    counts, edges = np.histogram(scores, BARS, range=(low, high))
    heights = 100 * np.sqrt(counts / max(counts.max(), 1))

    def place(value: float) -> float:
        return round(100 * (value - low) / (high - low), 2)

    return {
        "bars": [
            {
                "left": place(edge),
                "width": round(100 / BARS - 0.25, 2),
                "height": round(height, 2),
                "top": round(100 - height, 2),
                "odd": bool(edge >= threshold - 1e-9),
                "count": int(count),
            }
            for edge, height, count in zip(edges[:-1], heights, counts, strict=True)
            if count
        ],
        "threshold": place(threshold),
        "axis": [{"place": place(tick), "label": tick_label(tick)} for tick in ticks(low, high, 6)],
    }


def render_detection(summary: dict[str, Any]) -> str:
    """The page: one file, nothing loaded, no script, everything escaped."""
    return page("detection.html", summary, found=summary)
