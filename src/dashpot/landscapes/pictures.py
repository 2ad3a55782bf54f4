"""Landscapes drawn side by side, on one scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dashpot.errors import UsageError
from dashpot.writing import write_bytes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure

    from dashpot.landscapes.surface import Landscape


def plot_landscapes(landscapes: Mapping[str, Landscape]) -> Figure:
    """Contours above, surfaces below, a column for each recipe, all on one scale.

    Parameters
    ----------
    landscapes : mapping of title to Landscape
    """
    from matplotlib.colors import PowerNorm
    from matplotlib.figure import Figure

    lowest, highest = _scale([one.losses for one in landscapes.values()])
    levels = lowest + (highest - lowest) * np.linspace(0, 1, 26) ** 4  # dense near the bottom, where it matters
    norm = PowerNorm(0.25, lowest, highest, clip=True)
    figure = Figure(figsize=(3.4 * len(landscapes) + 0.8, 5.9), layout="constrained")
    above, below = figure.subfigures(2, 1)  # type: ignore[misc]
    flats = above.subplots(1, len(landscapes), sharey=True, squeeze=False)[0]
    for number, (flat, (title, one)) in enumerate(zip(flats, landscapes.items(), strict=True), start=1):
        shades = _draw_contours(flat, title, one, levels, norm)
        solid = below.add_subplot(1, len(landscapes), number, projection="3d")
        _draw_surface(solid, one, norm)
    flats[0].set_ylabel("second direction")
    above.colorbar(shades, ax=list(flats), label="loss", shrink=0.9, format="%.2g", ticks=levels[::5])
    return figure


def _scale(losses: Sequence[np.ndarray]) -> tuple[float, float]:
    """The lowest loss, and the highest that is worth a colour: nineteen of twenty lie below in every landscape."""
    known = [one[np.isfinite(one)] for one in losses]
    if not all(len(one) for one in known):
        raise UsageError("plot_landscapes: a landscape without a finite loss. Lower its span, or leave it out.")
    lowest, highest = min(float(one.min()) for one in known), max(float(np.quantile(one, 0.95)) for one in known)
    return lowest, max(highest, lowest + 1e-9 * max(1.0, abs(lowest)))


def _draw_contours(axes: Axes, title: str, one: Landscape, levels: np.ndarray, norm: Normalize) -> Any:
    """Equal losses, the solution marked; what is not finite counts as high."""
    losses = np.nan_to_num(one.losses, nan=np.inf, posinf=10 * abs(levels[-1]) + 1)
    shades = axes.contourf(one.steps, one.steps, losses, levels, cmap="viridis", norm=norm, extend="max")
    axes.contour(one.steps, one.steps, losses, levels, colors="white", linewidths=0.4)
    axes.plot(0, 0, marker="+", color="white", markersize=10)
    ticks = [one.steps[0], 0, one.steps[-1]]
    axes.set(xlabel="first direction", aspect="equal", xticks=ticks, yticks=ticks)
    axes.set_title(f"{title}\n{one.centre:.3g} at the solution".strip(), fontsize=10)
    return shades


def _draw_surface(axes: Any, one: Landscape, norm: Normalize) -> None:
    """The same from the side, heights in proportion; what is higher than the scale is cut off."""
    x, y = np.meshgrid(one.steps, one.steps)
    lowest, highest = norm.vmin or 0.0, norm.vmax or 0.0
    heights = np.minimum(np.nan_to_num(one.losses, nan=np.inf, posinf=np.inf), highest)
    axes.plot_surface(x, y, heights, cmap="viridis", norm=norm, rcount=41, ccount=41, antialiased=False, linewidth=0)
    ticks = [one.steps[0], 0, one.steps[-1]]
    axes.set(zlim=(lowest, highest), zlabel="loss", xticks=ticks, yticks=ticks)
    axes.set_box_aspect((1, 1, 0.8), zoom=0.9)


def save_figure(figure: Figure, path: str | Path) -> Path:
    """Write a figure, as a png, svg or pdf."""
    path = Path(path)
    check_suffix(path)
    drawn = BytesIO()
    figure.savefig(drawn, format=path.suffix[1:].lower(), dpi=100)
    return write_bytes(path, drawn.getvalue(), "save")


def check_suffix(path: Path) -> None:
    """Refuse, before any work, a name that is no picture's."""
    if path.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise UsageError(f"{path}: pictures end in .png, .svg or .pdf. Choose one of them.")
