"""Diagnoses drawn: one network by itself, and the same network begun in different ways."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dashpot.errors import UsageError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from dashpot.diagnosis.measures import LayerState
    from dashpot.diagnosis.network import Diagnosis

# Okabe and Ito's colours, which colour-blind people tell apart; shapes and hatches say the same again.
MOMENTS = {"start": ("#E69F00", "o", "none"), "end": ("#0072B2", "s", "#0072B2")}
LOST = {"dead at start": ("#F5D9B0", ""), "dead at end": ("#D55E00", ""), "stay equal": ("#56B4E9", "////")}
MOST_NUMBERED = 6  # layers up to which a number stands in every cell


def plot_diagnosis(one: Diagnosis) -> Figure:
    """Units, gradients, and units that are lost, layer by layer, at the start and at the end."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 3.6), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    for shift, (moment, found) in zip((-0.08, 0.08), (("start", one.start), ("end", one.end)), strict=True):
        _draw_moment(left, middle, moment, found, np.arange(len(found)) + shift)
    left.set(title="units: mean ± spread over rows", ylabel="value of a unit")
    left.axhline(0, color="0.8", zorder=0)
    middle.set(title="gradient of the weights", ylabel="root mean square")
    _log_where_possible(middle, [state.gradient_size for state in (*one.start, *one.end)])
    _draw_lost(right, one)
    for axes in (left, middle, right):
        axes.set_xticks(range(len(one.layers)), one.layers, rotation=0 if len(one.layers) < 5 else 60)
        axes.set_xlim(-0.5, len(one.layers) - 0.5)
        axes.spines[["top", "right"]].set_visible(False)
    left.legend(frameon=False)
    figure.suptitle(f"loss {one.start_loss:.3g} at the start, {one.end_loss:.3g} at the end", fontsize=11)
    return figure


def _draw_moment(left: Axes, middle: Axes, moment: str, found: Sequence[LayerState], places: np.ndarray) -> None:
    """Means with their spread, and the size of the gradients, of one moment."""
    colour, marker, face = MOMENTS[moment]
    style: dict[str, Any] = {"color": colour, "marker": marker, "markerfacecolor": face, "label": moment}
    means, spreads = [s.mean for s in found], [s.spread for s in found]
    left.errorbar(places, means, spreads, linestyle="none", capsize=4, **style)
    middle.plot(places, [s.gradient_size for s in found], linewidth=1, **style)


def _log_where_possible(axes: Axes, values: Sequence[float]) -> None:
    """A logarithmic scale on which exact zeros lie at the bottom, marked as 0."""
    positive = [value for value in values if value > 0]
    if not positive:
        axes.set_ylim(-1, 1)
        axes.set_yticks([0])
    elif len(positive) < len(values):
        axes.set_yscale("symlog", linthresh=min(positive) / 2, linscale=0.5)
        axes.set_ylim(bottom=-min(positive) / 10)
    else:
        axes.set_yscale("log")


def _draw_lost(axes: Axes, one: Diagnosis) -> None:
    """Shares of the units that are dead, or equal to another from start to end."""
    places = np.arange(len(one.layers))
    equal = [sum(map(len, layer)) for layer in one.staying_equal]
    counts = ([s.dead for s in one.start], [s.dead for s in one.end], equal)
    units = np.array([state.units for state in one.end])
    for shift, (label, (colour, hatch)), values in zip((-0.27, 0, 0.27), LOST.items(), counts, strict=True):
        bars = axes.bar(places + shift, values / units, 0.25, color=colour, hatch=hatch, edgecolor="0.3", label=label)
        axes.bar_label(bars, [str(value) for value in values], fontsize=8, padding=1)
    axes.set(title="units that are lost", ylabel="share of the layer", ylim=(0, 1.35), yticks=[0, 0.5, 1])
    axes.legend(frameon=False, ncols=3, fontsize=8, loc="upper center", handlelength=1.2, columnspacing=1)


def plot_initializers(diagnoses: Mapping[str, Diagnosis]) -> Figure:
    """A line for each way to begin, a cell for each layer: units, gradients, and units that are lost.

    Parameters
    ----------
    diagnoses : mapping of title to Diagnosis
        Of networks with equally many layers, as `diagnose_initializers` gives them.
    """
    from matplotlib.figure import Figure

    ones = list(diagnoses.values())
    if not ones or len({len(one.layers) for one in ones}) > 1:
        raise UsageError("plot_initializers: networks with equally many layers are needed, at least one.")
    names = [f"{name}\nloss {one.start_loss:.3g} → {one.end_loss:.3g}" for name, one in diagnoses.items()]
    layers = len(ones[0].layers)
    figure = Figure(figsize=(6 + 2.2 * max(layers, 2), 1.9 + 0.52 * len(ones)), layout="constrained")
    panels = figure.subplots(1, 6, sharey=True, width_ratios=[layers] * 4 + [max(layers - 1, 1)] * 2)
    for measure, pair in (("", panels[:2]), ("gradient_", panels[2:4])):
        ends = _limits(ones, f"{measure}size")
        for axes, moment in zip(pair, ("start", "end"), strict=True):
            found = [getattr(one, moment) for one in ones]
            sizes = np.array([[getattr(state, f"{measure}size") for state in line] for line in found])
            texts = [[_mean_and_spread(state, measure) for state in line] for line in found]
            title = f"{'gradients' if measure else 'units'} at the {moment}\nmean ± spread"
            _draw_cells(axes, title, sizes, texts, "cividis", ends)
    titles = ("dead units\nat the end", "units that\nstay equal")
    for axes, title, shares in zip(panels[4:], titles, _lost(ones), strict=True):
        _draw_cells(axes, title, shares, [[f"{share:.0%}" for share in line] for line in shares], "Oranges")
    for axes, count in zip(panels, [layers] * 4 + [layers - 1] * 2, strict=True):
        axes.set_xticks(range(count), ones[0].layers[:count], fontsize=8, rotation=35 if layers < 5 else 90)
    panels[0].set_yticks(range(len(ones)), names, fontsize=9)
    return figure


def _mean_and_spread(state: LayerState, measure: str) -> str:
    """Both on two lines; one 0 where both are."""
    mean, spread = getattr(state, f"{measure}mean"), getattr(state, f"{measure}spread")
    return f"{_short(mean)}\n±{_short(spread)}" if mean or spread else "0"


def _limits(ones: Sequence[Diagnosis], measure: str) -> tuple[float, float]:
    """The ends of a scale that start and end share, exact zeros left out."""
    values = np.array([getattr(state, measure) for one in ones for state in (*one.start, *one.end)])
    positive = values[(values > 0) & np.isfinite(values)]
    if not len(positive):
        return 1e-3, 1.0
    low = max(float(positive.min()), float(positive.max()) * 1e-6)
    return low, max(float(positive.max()), low * 1.01)


def _lost(ones: Sequence[Diagnosis]) -> tuple[np.ndarray, np.ndarray]:
    """Shares of the units of the hidden layers that are dead at the end, and that stay equal, each (lines, layers)."""
    dead = [[state.dead / state.units for state in one.end[:-1]] for one in ones]
    equal = [
        [sum(map(len, found)) / state.units for found, state in zip(one.staying_equal[:-1], one.end[:-1], strict=True)]
        for one in ones
    ]
    return np.array(dead), np.array(equal)


def _draw_cells(
    axes: Axes,
    title: str,
    values: np.ndarray,
    texts: Sequence[Sequence[str]],
    colours: str,
    ends: tuple[float, float] | None = None,
) -> None:
    """A table of coloured cells: on a logarithmic scale between `ends`, exact zeros grey; without `ends`, shares."""
    from matplotlib.colors import LogNorm, Normalize

    axes.set_title(title, fontsize=9)
    axes.spines[:].set_visible(False)
    if not values.shape[1]:
        return
    norm = Normalize(0, 1) if ends is None else LogNorm(*ends, clip=True)
    axes.set_facecolor("0.9")
    shown = values if ends is None else np.ma.masked_less_equal(values, 0)
    image = axes.imshow(shown, cmap=colours, norm=norm, aspect="auto")
    axes.set_xticks(np.arange(values.shape[1] + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(values.shape[0] + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=1.5)
    axes.tick_params(which="both", length=0)
    if values.shape[1] > MOST_NUMBERED:
        return
    for (line, column), value in np.ndenumerate(values):
        grey = ends is not None and value <= 0
        red, green, blue, _ = image.cmap(norm(max(value, ends[0]) if ends else value))
        ink = "white" if not grey and 0.3 * red + 0.59 * green + 0.11 * blue < 0.5 else "black"
        axes.text(column, line, texts[line][column], ha="center", va="center", fontsize=7, color=ink)


def _short(value: float) -> str:
    """Two digits, with a power of ten only where the number is small or large.

    Examples
    --------
    >>> _short(0.0), _short(0.123), _short(0.00004)
    ('0', '0.12', '4e-5')
    """
    if value and not 1e-3 <= abs(value) < 1e4:
        mantissa, exponent = f"{value:.0e}".split("e")
        return f"{mantissa}e{int(exponent)}"
    return f"{value:.2g}"
