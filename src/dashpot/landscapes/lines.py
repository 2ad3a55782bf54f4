"""The loss on the straight line from one solution to another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from dashpot.errors import UsageError
from dashpot.landscapes.rows import layers_of, member_of, seen_by
from dashpot.networks import Layer

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STYLES = (("#0072B2", "-"), ("#D55E00", "--"), ("#009E73", ":"), ("0.3", "-."))  # Okabe and Ito's colours


def between(
    first: Any, second: Any, X: Any, y: Any, *, points: int = 41, member: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """The loss on the straight line from one solution to another, a little beyond both.

    Parameters
    ----------
    first, second : fitted estimators of one shape, trained on tables with the same columns
    X, y : table and target of the rows on which the loss is measured
    points : int, at least 2, default 41
    member : int, default 0

    Returns
    -------
    steps, losses : float arrays (points,)
        At step 0 stands the first, at step 1 the second; inputs are standardized as by the first.

    References
    ----------
    Goodfellow, Vinyals and Saxe (2015), Qualitatively characterizing neural network optimization problems, ICLR.
    """
    if isinstance(points, bool) or not isinstance(points, int) or points < 2:
        raise UsageError(f"between(points={points!r}): must be a whole number of at least 2.")
    one, other = member_of(first, member, "between"), member_of(second, member, "between")
    if [w.shape for w, _ in one.layers] != [w.shape for w, _ in other.layers] or one.activation != other.activation:
        raise UsageError("between: the two networks differ in shape or activation. Train both alike.")
    steps = np.linspace(-0.25, 1.25, points)
    share = torch.from_numpy(steps.astype(np.float32)).view(-1, 1, 1)
    layers = [
        Layer(*(a + share * (b - a) for a, b in zip(start, end, strict=True)))
        for start, end in zip(layers_of(one), layers_of(other), strict=True)
    ]
    return steps, seen_by(one, first, X, y, caller="between").losses_in_parts(layers).double().numpy()


def plot_lines(
    first: tuple[str, Any],
    others: Mapping[str, Any],
    rows: Mapping[str, tuple[Any, Any]],
    *,
    points: int = 41,
    member: int = 0,
) -> Figure:
    """The loss from one solution to each of the others, on all kinds of rows, on one scale.

    Parameters
    ----------
    first : (title, fitted estimator)
    others : mapping of title to fitted estimator
        Of the same shape.
    rows : mapping of name to (table, target)
        At most four, such as {"training rows": (X, y), "new rows": (X_new, y_new)}.
    points, member : int
        As in `between`.
    """
    from matplotlib.figure import Figure

    if not others or not 1 <= len(rows) <= len(STYLES):
        raise UsageError(f"plot_lines: {len(others)} others, {len(rows)} kinds of rows; 1 and 1 to 4 are needed.")
    figure = Figure(figsize=(1 + 3.8 * len(others), 3.4), layout="constrained")
    panels = figure.subplots(1, len(others), sharey=True, squeeze=False)[0]
    for axes, (title, other) in zip(panels, others.items(), strict=True):
        lines = {name: between(first[1], other, *own, points=points, member=member) for name, own in rows.items()}
        _draw_line(axes, (first[0], title), lines)
    panels[0].set_ylabel("loss")
    panels[0].legend(frameon=False)
    return figure


def _draw_line(axes: Axes, ends: tuple[str, str], lines: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> None:
    """The curves of one pair of solutions, both ends marked."""
    for (name, (steps, losses)), (colour, style) in zip(lines.items(), STYLES, strict=False):
        axes.plot(steps, losses, color=colour, linestyle=style, label=name)
        axes.plot([0, 1], np.interp([0, 1], steps, losses), "o", color=colour, markersize=5)
    for place in (0, 1):
        axes.axvline(place, color="0.85", zorder=0)
    axes.set_xticks([0, 1], ends)
    axes.spines[["top", "right"]].set_visible(False)
