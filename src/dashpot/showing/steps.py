"""What happens in the steps: batches, weights and units before and after, and the weights that remain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from dashpot.jobs import Design
from dashpot.networks import forward
from dashpot.showing.beginning import Panel
from dashpot.showing.drawing import WITH, WITHOUT, cells, histogram, pictures
from dashpot.showing.trained import Shown
from dashpot.step import slope

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BATCH = 128
ROWS = 24  # of a batch that are drawn


def augmented(shown: Shown) -> list[Panel]:
    """A batch before and after `augment`."""
    inputs, targets = shown.batch(BATCH)
    after, aims = shown.recipe().augment(inputs.clone(), targets.clone(), shown.draws())
    return _batches(shown, (inputs, targets), (after, aims))


def opposed(shown: Shown) -> list[Panel]:
    """A batch before and after it was moved against the network."""
    inputs, targets = shown.batch(BATCH)
    layers, design = shown.layers(shown.plain), Design((), shown.plain.activation, shown.plain.loss_)
    after = shown.recipe().oppose(inputs.clone(), lambda at: slope(layers, at, targets, design), shown.draws())
    return _batches(shown, (inputs, targets), (after.detach(), targets))


def units_perturbed(shown: Shown) -> list[Panel]:
    """Inputs, or the units of the first hidden layer, before and after."""
    inputs, targets = shown.batch(BATCH)
    after = shown.recipe().perturb_units(inputs.clone(), 0, shown.draws())
    if not torch.equal(after, inputs):
        return _batches(shown, (inputs, targets), (after, targets))
    _, units = forward(shown.layers(shown.plain), inputs, shown.plain.activation)
    after = shown.recipe().perturb_units(units[1].clone(), 1, shown.draws())
    if torch.equal(after, units[1]):
        return []
    parts = [part[0, :ROWS].numpy() / float(units[1].std()) for part in (units[1], after)]
    names = ("Units of the first hidden layer", "The same, in a training step")
    return [
        lambda axes, part=part, name=name: cells(axes, part, name, xlabel="units")  # type: ignore[misc]
        for part, name in zip(parts, names, strict=True)
    ]


def weights_perturbed(shown: Shown) -> list[Panel]:
    """The weights of the first layer before and after."""
    layers = shown.layers(shown.plain)
    after = shown.recipe().perturb_weights(layers, shown.draws())
    if all(torch.equal(a.weights, b.weights) for a, b in zip(layers, after, strict=True)):
        return []
    parts = [part[0].weights[0].numpy() / float(layers[0].weights.std()) for part in (layers, after)]
    names = ("Weights of the first layer", "The same, in a training step")
    return [
        lambda axes, part=part, name=name: cells(axes, part, name, xlabel="units")  # type: ignore[misc]
        for part, name in zip(parts, names, strict=True)
    ]


def penalized(shown: Shown) -> list[Panel]:
    """What a penalty leaves: units where it looks at them, weights otherwise."""
    inputs, _ = shown.batch(BATCH)
    layers = shown.layers(shown.plain)
    _, units = forward(layers, inputs, shown.plain.activation)
    penalties = [torch.as_tensor(shown.recipe().penalty(layers, seen)) for seen in (units, [2 * one for one in units])]
    if torch.equal(*penalties):
        return remaining(shown)
    ends = [forward(shown.layers(one), inputs, one.activation)[1] for one in (shown.plain, shown.regular)]
    both = [units[1].flatten().numpy() for units in ends]
    return [lambda axes: histogram(axes, both, ("without", "with"), "Units of the first hidden layer")]


def remaining(shown: Shown) -> list[Panel]:
    """The trained weights: all of them, by source column, and how far each layer stretches."""
    both = [one.networks_[0] for one in (shown.plain, shown.regular)]
    values = [np.concatenate([weights.ravel() for weights, _ in one.layers]) for one in both]
    panels: list[Panel] = [lambda axes: histogram(axes, values, ("without", "with"), "Trained weights")]
    if shown.image is None:
        panels.append(lambda axes: _columns(axes, shown))
    panels.append(lambda axes: _stretch(axes, shown))
    return panels


def _columns(axes: Axes, shown: Shown) -> None:
    """The length of the first-layer weights that leave each source column."""
    encoder = shown.plain.encoder_
    sources = np.unique(encoder.inputs_.source)
    names = [encoder.columns_[source].name for source in sources]
    lengths = []
    for one in (shown.plain, shown.regular):
        squares = (one.networks_[0].layers[0][0] ** 2).sum(1)
        lengths.append([np.sqrt(squares[encoder.inputs_.source == source].sum()) for source in sources])
    place = np.arange(len(sources))
    for shift, values, color, label in ((-0.2, lengths[0], WITHOUT, "without"), (0.2, lengths[1], WITH, "with")):
        axes.bar(place + shift, values, 0.4, color=color, label=label)
    axes.set(title="First-layer weights by column", ylabel="length", xticks=place)
    axes.set_xticklabels(names, rotation=60, ha="right", fontsize=7)


def _stretch(axes: Axes, shown: Shown) -> None:
    """Singular values of every layer but the last."""
    for one, color, label in ((shown.plain, WITHOUT, "without"), (shown.regular, WITH, "with")):
        for depth, (weights, _) in enumerate(one.networks_[0].layers[:-1], start=1):
            values = np.linalg.svd(weights, compute_uv=False)
            style = "-" if depth == 1 else "--"
            axes.plot(np.linspace(0, 1, len(values)), values, style, color=color, label=f"{label}, layer {depth}")
    axes.set(title="Singular values of the weights", xlabel="from the largest to the smallest", xticks=[])
    axes.set_ylim(bottom=0)
    axes.legend(fontsize=7, framealpha=0.9, edgecolor="none")


def _batches(shown: Shown, before: tuple[Tensor, Tensor], after: tuple[Tensor, Tensor]) -> list[Panel]:
    """A batch before and after: pictures, or cells with the targets behind them; nothing where they are the same."""
    if all(torch.equal(a, b) for a, b in zip(before, after, strict=True)):
        return []
    if shown.image is not None:
        image = shown.image
        drawn = [one[0][0, :ROWS].numpy() for one in (before, after)]
        return [
            lambda axes, part=part, name=name: pictures(axes, part, image, name)  # type: ignore[misc]
            for part, name in zip(drawn, ("Pictures as they came", "The same, in a training step"), strict=True)
        ]
    columns = shown.plain.encoder_.inputs_.names
    names = [*columns, "", *["target"] * before[1].shape[2]]
    tables = []
    for inputs, targets in (before, after):
        aims = 4 * targets[0, :ROWS].numpy() - 2 if shown.classes else targets[0, :ROWS].numpy()
        tables.append(np.hstack([inputs[0, :ROWS].numpy(), np.full((len(aims), 1), np.nan), aims]))
    return [
        lambda axes, part=part, name=name: cells(axes, part, name, names)  # type: ignore[misc]
        for part, name in zip(tables, ("Rows of a batch", "The same, in a training step"), strict=True)
    ]
