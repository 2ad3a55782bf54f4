"""The loss around two solutions of a study, without and with the best regularizer."""

import numpy as np

from dashpot.landscapes.rows import layers_of, rows_of
from dashpot.landscapes.surface import grid_losses
from dashpot.networks import Network
from dashpot.studies.problem import Problem
from dashpot.studies.results import study_loss

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
    examples, loss = problem.examples, study_loss(problem)
    weights = None if examples.weights is None else examples.weights[numbers]
    rows = rows_of(network, loss, examples.inputs[numbers], loss.encode(examples.targets[numbers]), weights)
    losses = grid_losses(rows, layers_of(network), np.linspace(-1, 1, _points), np.random.default_rng(0))
    return [[float(value) for value in line] for line in losses]
