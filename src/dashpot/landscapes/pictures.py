"""Landscapes drawn side by side, on one scale."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dashpot.errors import UsageError
from dashpot.writing import write_bytes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from dashpot.landscapes.surface import Landscape


def plot_landscapes(landscapes: Mapping[str, Landscape]) -> Figure:
    """Contours above, surfaces below, a column for each recipe, all on one scale.

    Parameters
    ----------
    landscapes : mapping of title to Landscape
    """
    from matplotlib.figure import Figure

    lowest = min(float(one.losses.min()) for one in landscapes.values())
    highest = max(float(np.quantile(one.losses, 0.95)) for one in landscapes.values())
    highest = max(highest, lowest + 1e-9)
    levels = lowest + (highest - lowest) * np.linspace(0, 1, 16) ** 2  # dense near the bottom, where it matters
    figure = Figure(figsize=(4 * len(landscapes) + 0.8, 7.4), layout="constrained")
    above, below = figure.subfigures(2, 1)  # type: ignore[misc]
    flats = above.subplots(1, len(landscapes), sharey=True, squeeze=False)[0]
    for number, (flat, (title, one)) in enumerate(zip(flats, landscapes.items(), strict=True), start=1):
        shades = _draw_contours(flat, title, one, levels)
        solid = below.add_subplot(1, len(landscapes), number, projection="3d")
        _draw_surface(solid, one, lowest, highest)
    flats[0].set_ylabel("second direction")
    above.colorbar(shades, ax=list(flats), label="loss", shrink=0.9, format="%.2g")
    return figure


def _draw_contours(axes: Axes, title: str, one: Landscape, levels: np.ndarray) -> Any:
    """Equal losses, the solution marked."""
    shades = axes.contourf(one.steps, one.steps, one.losses, levels, cmap="cividis", extend="max")
    axes.contour(one.steps, one.steps, one.losses, levels, colors="white", linewidths=0.4)
    axes.plot(0, 0, marker="+", color="white", markersize=10)
    ticks = [one.steps[0], 0, one.steps[-1]]
    axes.set(xlabel="first direction", aspect="equal", xticks=ticks, yticks=ticks)
    axes.set_title(f"{title}\n{one.centre:.3g} at the solution".strip(), fontsize=10)
    return shades


def _draw_surface(axes: Any, one: Landscape, lowest: float, highest: float) -> None:
    """The same from the side; what is higher than the scale is cut off."""
    x, y = np.meshgrid(one.steps, one.steps)
    axes.plot_surface(
        x, y, np.minimum(one.losses, highest), cmap="cividis", vmin=lowest, vmax=highest, rcount=60, ccount=60
    )
    ticks = [one.steps[0], 0, one.steps[-1]]
    axes.set(zlim=(lowest, highest), zlabel="loss", xticks=ticks, yticks=ticks)
    axes.set_box_aspect((1, 1, 0.8), zoom=0.9)


def save_figure(figure: Figure, path: str | Path) -> Path:
    """Write a figure, as a png, svg or pdf."""
    path = Path(path)
    check_suffix(path)
    drawn = BytesIO()
    figure.savefig(drawn, format=path.suffix[1:].lower(), dpi=110)
    return write_bytes(path, drawn.getvalue(), "save")


def check_suffix(path: Path) -> None:
    """Refuse, before any work, a name that is no picture's."""
    if path.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise UsageError(f"{path}: pictures end in .png, .svg or .pdf. Choose one of them.")
