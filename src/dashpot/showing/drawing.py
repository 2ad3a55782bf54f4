"""Marks that several panels share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WITHOUT, WITH, LIGHT = "#8a8579", "#2b5fae", "#c9c5bb"


def histogram(axes: Axes, values: Sequence[np.ndarray], labels: Sequence[str], title: str) -> None:
    """Two distributions on one axis; the label says which share is exactly zero."""
    reach = max(float(np.quantile(np.abs(part), 0.995)) for part in values) or 1.0
    edges = np.linspace(-reach, reach, 61) if min(part.min() for part in values) < 0 else np.linspace(0, reach, 61)
    for part, label, color in zip(values, labels, (WITHOUT, WITH), strict=True):
        zeros = float((part == 0).mean())
        text = f"{label}: {zeros:.0%} exactly 0" if zeros > 0.005 else label
        axes.hist(part.clip(-reach, reach), edges.tolist(), histtype="step", color=color, label=text, linewidth=1.6)
    axes.set(title=title, yscale="log", ylabel="how many")
    axes.legend(fontsize=7, framealpha=0.9, edgecolor="none")


def cells(axes: Axes, values: np.ndarray, title: str, names: Sequence[str] = (), xlabel: str = "") -> None:
    """A table as colours: blue below its centre, red above; columns beyond the gap are targets."""
    axes.imshow(values, cmap="RdBu_r", vmin=-2.5, vmax=2.5, aspect="auto", interpolation="nearest")
    axes.set(title=title, yticks=[], xticks=range(len(names)), xlabel=xlabel)
    axes.set_xticklabels(names, rotation=60, ha="right", fontsize=7)


def pictures(axes: Axes, rows: np.ndarray, image: tuple[int, int, int], title: str, across: int = 6) -> None:
    """Pictures in a grid."""
    count = len(rows) // across * across
    height, width, channels = image
    grid = rows[:count].reshape(-1, across, height, width, channels)
    grid = np.pad(grid, ((0, 0), (0, 0), (0, 1), (0, 1), (0, 0)), constant_values=np.nan)
    sheet = grid.transpose(0, 2, 1, 3, 4).reshape(-1, across * (width + 1), channels)
    shown: Any = sheet[..., 0] if channels == 1 else ((sheet + 2) / 4).clip(0, 1)
    axes.imshow(shown, cmap="gray_r", vmin=-1, vmax=2, interpolation="nearest")
    axes.set(title=title, xticks=[], yticks=[])
    axes.set_frame_on(False)
