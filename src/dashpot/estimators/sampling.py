"""Prediction with the noise of training switched on: Monte-Carlo dropout, and any other part that disturbs units."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from dashpot.errors import UsageError
from dashpot.losses import Loss
from dashpot.networks import Layer, Network, forward
from dashpot.randomness import draws
from dashpot.regularizers.recipe import Recipe, stacked
from dashpot.tables.encode import Inputs
from dashpot.threads import no_denormals

ROWS, COPIES = 256, 32  # rows and copies of a network that are computed at once


def check_samples(samples: int, recipe: Recipe, caller: str) -> None:
    """Refuse a number of samples that is none, or a recipe without noise in its forward pass."""
    call = f"{caller}(samples={samples!r})"
    if isinstance(samples, bool) or not isinstance(samples, int | np.integer) or samples < 1:
        raise UsageError(f"{call}: must be a whole number of at least 1; 0 predicts without noise.")
    if all(part.is_off for hook in ("perturb_units", "perturb_weights") for _, part in recipe.using(hook)):
        raise UsageError(f"{call}: nothing in the recipe disturbs units or weights. Train with Dropout(0.2), say.")


@torch.no_grad()
def mean_and_spread(
    networks: Sequence[Network],
    inputs: np.ndarray,
    recipe: Recipe,
    columns: Inputs,
    loss: Loss,
    samples: int,
    seed: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of predictions over `samples` noisy passes of every network, each (rows, outputs).

    Strengths with a schedule stand at their full value. The draws follow from `seed` and from a row's place.
    """
    seeds = np.random.default_rng(seed).integers(2**62, size=(len(networks), samples))
    means, spreads = [], []
    with no_denormals():
        for place, start in enumerate(range(0, len(inputs), ROWS)):
            rows = inputs[start : start + ROWS]
            passes = [
                loss.predict(outputs)
                for network, own in zip(networks, seeds, strict=True)
                for outputs in _noisy(network, rows, recipe, columns, own.tolist(), place)
            ]
            means.append(np.mean(passes, axis=0))
            spreads.append(np.std(passes, axis=0))
    return np.concatenate(means), np.concatenate(spreads)


def _noisy(
    network: Network, rows: np.ndarray, recipe: Recipe, columns: Inputs, seeds: list[int], place: int
) -> Iterator[np.ndarray]:
    """Outputs (rows, outputs) of one noisy pass after another, in the target's units."""
    for start in range(0, len(seeds), COPIES):
        rng = draws(seeds[start : start + COPIES], step=place)
        copies = len(rng.keys[0])
        noise = stacked([recipe] * copies).bind(columns)
        weights = [
            Layer(*(torch.from_numpy(part).expand(copies, *part.shape) for part in (weight, bias[None])))
            for weight, bias in network.layers
        ]
        units = network.seen(rows)
        embedding = network.embedding.each(torch.from_numpy)
        outputs, _ = forward(
            noise.perturb_weights(weights, rng),
            torch.from_numpy(units.astype(np.float32)).expand(copies, *units.shape),
            network.activation,
            lambda units, depth, noise=noise, rng=rng: noise.perturb_units(units, depth, rng),  # type: ignore[misc]
            embedding,
        )
        yield from outputs.numpy().astype(np.float64) * network.target_scale + network.target_centre
