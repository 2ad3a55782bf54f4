"""Which layers a regularizer acts on: several of one kind, each on its own layers, give a strength per layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from dashpot.errors import UsageError
from dashpot.networks import Layer

WEIGHTS = ("all", "first", "hidden", "output", "none")
UNITS = ("hidden", "first", "none")
FELT = ("hidden", "first", "middle", "none")  # for penalties, which know how many layers there are


def require_layers(regularizer: Any, words: Sequence[str] = WEIGHTS) -> None:
    """Refuse what is neither one of the words nor the number of a layer, counted from 1."""
    value = regularizer.layers
    numbered = isinstance(value, int) and not isinstance(value, bool) and value >= 1
    if not numbered and not (isinstance(value, str) and value in words):
        name = f"{type(regularizer).__name__}(layers={value!r})"
        raise UsageError(f"{name}: layers must be one of {', '.join(words)}, or the number of a layer from 1 on.")


def positions(layers: str | int, count: int) -> Sequence[int]:
    """The positions, from 0, of the chosen among `count` layers of weights."""
    if isinstance(layers, int):
        if layers > count:
            raise UsageError(f"layers={layers}: the network has {count} layers of weights. Choose one of them.")
        return [layers - 1]
    return {
        "all": range(count),
        "first": range(1),
        "hidden": range(count - 1),
        "output": range(count - 1, count),
        "none": range(0),
    }[layers]


def chosen(layers: Sequence[Layer], which: str | int) -> list[Layer]:
    """The chosen layers of weights."""
    return [layers[position] for position in positions(which, len(layers))]


def changed(layers: Sequence[Layer], which: str | int, change: Callable[[Layer, int], Layer]) -> list[Layer]:
    """All layers, `change(layer, position)` in place of the chosen ones; the others are the same objects."""
    taken = positions(which, len(layers))
    return [change(layer, i) if i in taken else layer for i, layer in enumerate(layers)]


def has_units(layers: str | int, depth: int) -> bool:
    """Whether the units of a depth are chosen; depth 0 is the input, which never is."""
    if isinstance(layers, int):
        return depth == layers
    return depth == 1 if layers == "first" else depth > 0 and layers in ("all", "hidden")


def depths(layers: str | int, hidden: int) -> Sequence[int]:
    """The depths, from 1, of the chosen among so many hidden layers; the middle one is the code of an autoencoder."""
    if layers == "middle":
        return [(hidden + 1) // 2] if hidden else []
    return [depth for depth in range(1, hidden + 1) if has_units(layers, depth)]
