"""The loss around two solutions of a study, without and with the best regularizer."""

import numpy as np
import torch

from dashpot.landscapes.rows import Rows, layers_of
from dashpot.landscapes.surface import filter_normalized
from dashpot.networks import Layer, Network, standardize
from dashpot.studies.problem import Problem
from dashpot.studies.results import study_loss
from dashpot.training import one_thread

_points = 21
_most_rows = 500


def surfaces(problem: Problem, networks: dict[str, Network], training: np.ndarray) -> dict[str, list[list[float]]]:
    """The mean training loss on a square of weights around each network, whose sides are two random directions.

    Every unit's incoming weights move by at most their own length; noise, dropout and penalties are off.
    """
    places = np.linspace(0, len(training) - 1, min(_most_rows, len(training))).astype(int)
    return {name: _surface(problem, network, training[places]) for name, network in networks.items()}


def _surface(problem: Problem, network: Network, numbers: np.ndarray) -> list[list[float]]:
    """One surface, as rows of losses."""
    rows, layers, rng = _rows(problem, network, numbers), layers_of(network), np.random.default_rng(0)
    first, second = filter_normalized(layers, rng), filter_normalized(layers, rng)
    steps = torch.linspace(-1, 1, _points).view(-1, 1, 1)
    with one_thread(), torch.no_grad():
        lines = [
            rows.losses(
                [
                    Layer(w + steps * d + step * e, c.expand(_points, -1, -1))
                    for (w, c), d, e in zip(layers, first, second, strict=True)
                ]
            )
            for step in steps.flatten()
        ]
    return [[float(value) for value in line] for line in lines]


def _rows(problem: Problem, network: Network, numbers: np.ndarray) -> Rows:
    """Rows of the study as a network sees them."""
    examples, loss = problem.examples, study_loss(problem)
    inputs = standardize(examples.inputs[numbers].astype(np.float64), network.centre, network.scale, network.clipped)
    targets = loss.encode(examples.targets[numbers])
    if loss.standardizes:
        targets = (targets - network.target_centre) / network.target_scale
    weights = np.ones(len(numbers)) if examples.weights is None else examples.weights[numbers]
    seen, aims, shares = (torch.from_numpy(np.asarray(p, dtype=np.float32))[None] for p in (inputs, targets, weights))
    return Rows(seen, aims, shares / shares.sum(), loss, network.activation)
