"""One picture for a regularizer: what it changes, and the learning curves without it and with it."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np

from dashpot.errors import UsageError
from dashpot.regularizers import Recipe, Regularizer
from dashpot.showing.drawing import WITH, WITHOUT
from dashpot.showing.panels import panels
from dashpot.showing.trained import EPOCHS, Shown, bundled, trained

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def show(
    regularizer: Regularizer, X: Any = None, y: Any = None, image_shape: Any = None, epochs: int = EPOCHS, seed: int = 0
) -> Figure:
    """Draw what a regularizer does to real data.

    The picture follows from the hooks that it overrides: rows that it takes or makes, a batch before and after, first
    or trained weights, units, averaged networks. Beside it: the loss on training rows and on new rows, epoch by epoch,
    of a 64-64 network under Adam without the regularizer and with it.

    Parameters
    ----------
    regularizer : Regularizer
        One, not a recipe of several.
    X : frame or array of shape (rows, columns), or None
        None is the bundled survey, or scikit-learn's digits for what changes pictures.
    y : array (rows,)
        The target, where X is given.
    image_shape : (height, width), (height, width, channels) or None
        Rows are pictures.
    epochs : int, default 60
    seed : int, default 0

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    UsageError, DataError
        For what cannot be shown or trained.

    Examples
    --------
    >>> from dashpot import L1
    >>> figure = show(L1(0.003), epochs=3)
    >>> [axes.get_title() for axes in figure.axes][:2]
    ['Trained weights', 'First-layer weights by column']
    """
    if not isinstance(regularizer, Regularizer) or isinstance(regularizer, Recipe):
        raise UsageError(f"show({regularizer!r}): pass one regularizer, for example Dropout(0.3).")
    if (X is None) != (y is None):
        raise UsageError("show: X and y belong together. Pass both, or neither for the bundled data.")
    if X is None:
        X, y, image_shape = bundled(regularizer)
    return drawn(trained(regularizer, X, y, image_shape, epochs, seed))


def drawn(shown: Shown) -> Figure:
    """The panels of what was trained, side by side; four stand in a square."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    every = [*panels(shown), lambda axes: _curves(axes, shown)]
    across = 2 if len(every) == 4 else len(every)
    down = -(-len(every) // across)
    with rc_context({"axes.spines.top": False, "axes.spines.right": False, "font.size": 9, "axes.titlesize": 10}):
        figure = Figure(figsize=(3.4 * max(across, 2), 3.0 * down + 0.3), layout="constrained")
        figure.suptitle(fill(repr(shown.regularizer), 30 * max(across, 2)), fontsize=10, family="monospace")
        for panel, axes in zip(every, np.ravel(figure.subplots(down, across)), strict=True):
            panel(axes)
    return figure


def _curves(axes: Axes, shown: Shown) -> None:
    """The loss on training rows and on new rows; dots stand where a network was kept from."""
    for one, color, label in ((shown.plain, WITHOUT, "without"), (shown.regular, WITH, "with")):
        network = one.networks_[0]
        history = network.history
        epochs = np.arange(1, len(history["loss"]) + 1)
        axes.plot(epochs, history["validation_loss"], color=color, label=f"{label}: new rows")
        axes.plot(epochs, history["loss"], "--", color=color, linewidth=1, label=f"{label}: training rows")
        if network.best_epoch:
            axes.plot(network.best_epoch, history["validation_loss"][network.best_epoch - 1], "o", color=color)
            axes.axvline(network.best_epoch, color=color, linewidth=0.6)
    top = max(np.nanquantile(one.networks_[0].history["validation_loss"], 0.95) for one in (shown.plain, shown.regular))
    axes.set(title="Learning curves", xlabel="epoch", ylabel="loss")
    axes.set_ylim(bottom=0, top=float(top) * 1.25)
    axes.legend(fontsize=7, framealpha=0.9, edgecolor="none")
