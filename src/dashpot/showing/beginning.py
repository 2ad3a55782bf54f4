"""What happens before the first step: networks planned, rows chosen, weights begun."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch

from dashpot.jobs import Examples, Sample
from dashpot.networks import forward, layers_of, parameter_count
from dashpot.regularizers import Recipe
from dashpot.showing.drawing import LIGHT, WITH, WITHOUT, histogram
from dashpot.showing.trained import Shown
from dashpot.step import first_layers

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Panel = Callable[["Axes"], None]


def planned(shown: Shown) -> list[Panel]:
    """Several networks: the error on new rows against how many of them are averaged."""
    if len(shown.regular.networks_) < 2:
        return []
    X, y = shown.new
    predicted = shown.regular._member_predictions(X)

    def draw(axes: Axes) -> None:
        counts = np.arange(1, len(predicted) + 1)
        averaged = [_loss(predicted[:count].mean(0), y, shown) for count in counts]
        alone = [_loss(one, y, shown) for one in predicted]
        axes.plot([1] * len(predicted), alone, "o", color=LIGHT, label="one alone")
        axes.plot(counts, averaged, "o-", color=WITH, label="averaged")
        axes.set(title="Networks averaged", xlabel="networks", ylabel="loss on new rows")
        axes.legend(fontsize=7, framealpha=0.9, edgecolor="none")

    return [draw]


def _loss(predicted: np.ndarray, y: np.ndarray, shown: Shown) -> float:
    """Log-loss or mean squared error."""
    if not shown.classes:
        return float(((predicted - np.reshape(y, predicted.shape)) ** 2).mean())
    own = predicted[np.arange(len(y)), np.searchsorted(shown.regular.classes_, y)]
    return float(-np.log(own.clip(1e-7)).mean())


def resampled(shown: Shown) -> list[Panel]:
    """Rows chosen again or made: on two principal components, and how many there are of each class."""
    columns = shown.plain.encoder_.inputs_
    inputs = shown.plain.encoder_.transform(shown.X)
    before = Sample(Examples(inputs, shown.targets(), columns), np.arange(len(inputs)))
    after = Recipe((shown.regularizer,)).resample(before, np.random.default_rng(1))
    if np.array_equal(after.rows, before.rows) and after.made is None:
        return []
    drawn: list[Panel] = [lambda axes: _scatter(axes, shown, before, after)]
    if shown.classes:
        drawn.append(lambda axes: _counts(axes, shown, before.targets, after.targets))
    return drawn


def _scatter(axes: Axes, shown: Shown, before: Sample, after: Sample) -> None:
    """Rows that were there, and those made or taken again."""
    from sklearn.decomposition import PCA

    network = shown.plain.networks_[0]
    seen = [np.nan_to_num((one.inputs - network.centre) * network.scale).clip(-5, 5) for one in (before, after)]
    pca = PCA(2).fit(seen[0])
    first, second = (pca.transform(part)[:, :2] for part in seen)
    axes.scatter(first[:, 0], first[:, 1], s=9, color=LIGHT, label="rows as they came")
    if after.made is None:
        places, times = np.unique(second.round(6), axis=0, return_counts=True)
        again = times > 1
        kept = "taken more than once" if again.any() else "rows kept"
        chosen = again if again.any() else times > 0
        axes.scatter(places[chosen, 0], places[chosen, 1], s=9 * times[chosen], color=WITH, alpha=0.7, label=kept)
    else:
        made = second[len(after.rows) :]
        axes.scatter(made[:, 0], made[:, 1], s=9, color=WITH, alpha=0.7, label="rows made")
    axes.set(title="Rows", xlabel="first principal component", ylabel="second", xticks=[], yticks=[])
    axes.legend(fontsize=7, framealpha=0.9, edgecolor="none")


def _counts(axes: Axes, shown: Shown, before: np.ndarray, after: np.ndarray) -> None:
    """Rows of each class, before and after."""
    names = [str(name) for name in shown.plain.classes_]
    place = np.arange(len(names))
    for shift, targets, color, label in ((-0.2, before, WITHOUT, "before"), (0.2, after, WITH, "after")):
        axes.bar(place + shift, np.bincount(targets, minlength=len(names)), 0.4, color=color, label=label)
    axes.set(title="Rows of each class", ylabel="rows", xticks=place, xticklabels=names)
    axes.legend(fontsize=7, framealpha=0.9, edgecolor="none")


def ordered(shown: Shown) -> list[Panel]:
    """The order of an epoch's rows: the share of the first class in each batch."""
    if not shown.classes:
        return []
    inputs = shown.plain.encoder_.transform(shown.X)
    numbers = shown.targets()
    sample = Sample(Examples(inputs, numbers, shown.plain.encoder_.inputs_), np.arange(len(inputs)))
    orders = [Recipe(parts).order(sample, np.random.default_rng(1)) for parts in ((), (shown.regularizer,))]

    def draw(axes: Axes) -> None:
        for order, color, label in zip(orders, (WITHOUT, WITH), ("without", "with"), strict=True):
            shares = [(numbers[batch] == 0).mean() for batch in np.array_split(order, max(1, len(order) // 32))]
            axes.plot(np.arange(1, len(shares) + 1), shares, "o-", ms=3, color=color, label=label)
        axes.set(
            title="Batches of an epoch", xlabel="batch of 32", ylabel=f"share of {shown.plain.classes_[0]}", ylim=(0, 1)
        )
        axes.legend(fontsize=7, framealpha=0.9, edgecolor="none")

    return [draw]


def begun(shown: Shown) -> list[Panel]:
    """First weights: how far they spread, layer by layer, and the units that they make."""
    network = shown.plain.networks_[0]
    widths = (len(network.centre), *(len(biases) for _, biases in network.layers))
    empty = layers_of(torch.zeros(1, parameter_count(widths)), widths)
    inputs, _ = shown.batch(256)
    both = [first_layers(empty, network.activation, Recipe(parts), 1, inputs) for parts in ((), (shown.regularizer,))]

    def spreads(axes: Axes) -> None:
        for layers, color, label in zip(both, (WITHOUT, WITH), ("usual beginning", "this one"), strict=True):
            _, units = forward(layers, inputs, network.activation)
            values = [float(inputs.std()), *(float(one.std()) for one in units[1:])]
            axes.plot(range(len(values)), values, "o-", color=color, label=label)
        axes.set(title="Spread of the units at the start", xlabel="layer (0: inputs)", xticks=range(len(widths) - 1))
        axes.set_ylim(bottom=0)
        axes.legend(fontsize=7, framealpha=0.9, edgecolor="none")

    def weights(axes: Axes) -> None:
        values = [np.concatenate([layer.weights.flatten().numpy() for layer in layers]) for layers in both]
        histogram(axes, values, ("usual beginning", "this one"), "First weights")

    return [weights, spreads]
