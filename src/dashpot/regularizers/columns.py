"""Regularizers of whole source columns: all inputs of a column together, for example all levels of a category."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from torch import Tensor

from dashpot.networks import Layer
from dashpot.optimizers import Step
from dashpot.ranges import require
from dashpot.regularizers.base import Range, Regularizer, spread, with_fields

if TYPE_CHECKING:
    from dashpot.tables.encode import Inputs

SMALLEST = 1e-30  # stands for zero where a quotient is needed
ITERATIONS = 4  # of Newton's method; from where it starts it converges from below, at once under plain descent


def source_of(columns: Inputs) -> Tensor:
    """The number of each input's source column, (inputs,), counted from 0 without gaps."""
    return torch.from_numpy(np.unique(columns.source, return_inverse=True)[1].astype(np.int64))


def own_source(source: Tensor | None, inputs: int, device: torch.device) -> Tensor:
    """The same, or every input its own source column where nothing is known."""
    return torch.arange(inputs, device=device) if source is None else source.to(device)


@dataclass(frozen=True)
class GroupLasso(Regularizer):
    """Drop whole source columns: minimize loss + strength * sum over columns of sqrt(inputs) * |weights|.

    |weights| is the Euclidean norm of all first-layer weights that leave the inputs of one source column (a number,
    or all levels of a category). It is not added to the loss: after each step the weights of a column
    shrink together, and fall to exactly zero together (proximal gradient descent; under Adam in the metric of its
    step sizes). A column stays out as long as the loss pulls less than strength * sqrt(inputs).
    `surviving_columns_` of a fitted estimator names the columns that are left.

    Parameters
    ----------
    strength : float, at least 0, default 0.01
        Loss per unit of norm. 0 turns it off.

    References
    ----------
    Yuan and Lin (2006), JRSS B 68; Scardapane et al. (2017), Neurocomputing 241; Yun, Lozano and Yang (2021), NeurIPS
    34 (proximal steps under Adam).

    Examples
    --------
    >>> weights = [Layer(torch.tensor([[[3.0, 4.0], [0.3, 0.4]]]), torch.zeros(1, 1, 2))]
    >>> step = Step([1.0], torch.device("cpu"), lambda: [Layer(torch.ones(1, 2, 2), torch.ones(1, 1, 2))])
    >>> GroupLasso(1.0).constrain(weights, step)[0].weights
    tensor([[[2.4000, 3.2000],
             [0.0000, 0.0000]]])
    """

    strength: float = 0.01
    source: Tensor | None = field(default=None, init=False, repr=False, compare=False)
    off: ClassVar = {"strength": 0.0}
    ranges: ClassVar = {"strength": Range(3e-3, 0.3)}

    def __post_init__(self) -> None:
        """Check the range."""
        require(self, "strength", at_least=0, below=math.inf)

    def bind(self, columns: Inputs) -> Regularizer:
        """Learn the source columns of the first layer's weights."""
        source = source_of(columns)
        return with_fields(self, {"source": torch.cat([source, source[columns.further]])})

    def constrain(self, layers: Sequence[Layer], step: Step) -> list[Layer]:
        """Shrink the first layer, column by column."""
        first = layers[0]
        return [Layer(self._shrunk(first.weights, step.sizes()[0].weights), first.biases), *layers[1:]]

    def _shrunk(self, weights: Tensor, sizes: Tensor) -> Tensor:
        """The proximal step: weight * norm / (norm + pull), where norm is that of the result, or 0."""
        source = own_source(self.source, weights.shape[1], weights.device)
        members = torch.bincount(source)
        strength = spread(self.strength, sizes)
        pull = strength * members[source].sqrt().to(sizes)[:, None] * sizes
        norm = norms_after(weights, pull, source, len(members))[:, source, None]
        shrunk = weights * (norm / (norm + pull).clamp(min=SMALLEST))
        return torch.where(torch.as_tensor(strength, device=weights.device) > 0, shrunk, weights)


def norms_after(weights: Tensor, pull: Tensor, source: Tensor, groups: int) -> Tensor:
    """Norm of every group after the proximal step, (networks, groups), exactly 0 where the pull wins.

    It is the root n of sum((weight / (n + pull))^2) = 1. 1 / sqrt(sum) is concave in n, so Newton's method converges
    from below.
    """

    def total(values: Tensor) -> Tensor:
        return values.new_zeros(len(values), groups).index_add_(1, source, values.sum(2))

    squares = weights.square()
    alive = total(squares / pull.square().clamp(min=SMALLEST)) > 1
    largest = pull.amax(2)
    most = largest.new_zeros(len(largest), groups).scatter_reduce_(1, source.expand_as(largest), largest, "amax")
    norm = (total(squares).sqrt() - most).clamp(min=0)
    for _ in range(ITERATIONS):
        nearer = 1 / (norm[:, source, None] + pull).clamp(min=SMALLEST)
        second = squares * nearer.square()
        sums = total(second)
        norm = norm + sums * (sums.sqrt() - 1) / total(second * nearer).clamp(min=SMALLEST)
    return torch.where(alive, norm, 0.0)
