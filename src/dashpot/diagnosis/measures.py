"""What is measured at one moment of a network's life, layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from dashpot.landscapes.rows import Rows
from dashpot.networks import Layer, forward

CONSTANT = 1e-6  # a unit whose values differ by less, in shares of its largest, says the same of every row
EQUAL = 1e-4  # units whose incoming weights differ by less, in shares of their length, are equal


@dataclass(frozen=True, eq=False)
class LayerState:
    """One layer at one moment.

    Attributes
    ----------
    units : int
    mean, spread : float
        Of the units over all rows; spread is the standard deviation. The units of the last layer are the raw outputs.
    gradient_mean, gradient_spread : float
        Of the loss by the layer's weights, over the weights: what the first step goes by.
    dead : int
        Units that have the same value in every row; under ReLU that value is nearly always 0.
    equal : bool array (units, units)
        Which pairs of different units have equal incoming weights and biases.
    """

    units: int
    mean: float
    spread: float
    gradient_mean: float
    gradient_spread: float
    dead: int
    equal: np.ndarray

    @property
    def size(self) -> float:
        """Root mean square of the units."""
        return float(np.hypot(self.mean, self.spread))

    @property
    def gradient_size(self) -> float:
        """Root mean square of the gradient: 0 only where no weight moves."""
        return float(np.hypot(self.gradient_mean, self.gradient_spread))


def states(layers: Sequence[Layer], rows: Rows) -> tuple[float, list[LayerState]]:
    """The loss of a stack of one on some rows, and the state of each of its layers."""
    leaves = [Layer(*(part.detach().clone().requires_grad_() for part in layer)) for layer in layers]
    loss = rows.losses(leaves).sum()
    gradients = torch.autograd.grad(loss, [layer.weights for layer in leaves])
    with torch.no_grad():
        outputs, units = forward(layers, rows.inputs, rows.activation)
    values = [one[0, rows.weights[0] > 0] for one in (*units[1:], outputs)]
    return float(loss.detach()), [_state(*one) for one in zip(layers, values, gradients, strict=True)]


def _state(layer: Layer, values: Tensor, gradient: Tensor) -> LayerState:
    """One layer, from its units in each row (rows, units) and the gradient of its weights."""
    values, gradient = values.double(), gradient.double()
    largest, range_ = values.abs().amax(0), values.amax(0) - values.amin(0)
    return LayerState(
        values.shape[1],
        float(values.mean()),
        float(values.std(correction=0)),
        float(gradient.mean()),
        float(gradient.std(correction=0)),
        int((range_ <= CONSTANT * largest).sum()),
        equal_units(layer),
    )


def equal_units(layer: Layer) -> np.ndarray:
    """Which pairs of different units of a layer have equal incoming weights and biases, bool (units, units)."""
    incoming = torch.cat([layer.weights[0], layer.biases[0]]).double().T.contiguous()
    lengths = incoming.norm(dim=1)
    apart = torch.cdist(incoming, incoming, compute_mode="donot_use_mm_for_euclid_dist")
    equal = (apart <= EQUAL * torch.maximum(lengths[:, None], lengths)).numpy()
    np.fill_diagonal(equal, False)
    return np.asarray(equal)


def groups(equal: np.ndarray) -> list[tuple[int, ...]]:
    """The groups of at least two units that pairs (units, units) connect, as unit numbers from 0 on.

    Examples
    --------
    >>> import numpy as np
    >>> groups(np.array([[0, 0, 1], [0, 0, 0], [1, 0, 0]], dtype=bool))
    [(0, 2)]
    """
    count, labels = connected_components(csr_array(equal), directed=False)
    found = (np.flatnonzero(labels == label).tolist() for label in range(count))
    return [tuple(group) for group in found if len(group) > 1]
