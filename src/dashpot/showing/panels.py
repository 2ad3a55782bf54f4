"""Which panels tell what a regularizer does: those of the first moment at which it changes something."""

from __future__ import annotations

from collections.abc import Callable

from dashpot.regularizers.base import overrides
from dashpot.showing.beginning import Panel, begun, ordered, planned, resampled
from dashpot.showing.steps import augmented, opposed, penalized, remaining, units_perturbed, weights_perturbed
from dashpot.showing.trained import Shown

FINDERS: dict[str, Callable[[Shown], list[Panel]]] = {
    "plan": planned,
    "resample": resampled,
    "initialize": begun,
    "augment": augmented,
    "oppose": opposed,
    "perturb_weights": weights_perturbed,
    "perturb_units": units_perturbed,
    "snapshots": planned,
    "penalty": penalized,
    "constrain": remaining,
    "order": ordered,
}


def panels(shown: Shown) -> list[Panel]:
    """What to draw beside the learning curves; nothing where a regularizer shows in the curves alone."""
    for hook, find in FINDERS.items():
        if overrides(shown.regularizer, hook):
            found = find(shown)
            if found:
                return found
    return []
