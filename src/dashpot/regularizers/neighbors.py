"""Rows that are near each other stay near each other in the code."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor

from dashpot.networks import CLIP, Layer, standardize
from dashpot.ranges import require
from dashpot.regularizers.base import Range, Regularizer

if TYPE_CHECKING:
    from dashpot.jobs import Sample

AXES = 50  # principal components in which neighbours are looked for, at most


@dataclass(frozen=True)
class KeepNeighbors(Regularizer):
    """Keep neighbours together in the middle layer: a map of an autoencoder's code that can be read like t-SNE.

    Half of an epoch's rows are drawn at random, and each is followed by its partner, one of its nearest training rows.
    With q = 1 / (1 + squared distance in the middle layer), the penalty is strength * mean(-log(q of the partner / sum
    of q over the batch)). A row's partner is that of the rows before and behind it in the batch which is nearer.

    Parameters
    ----------
    strength : float, at least 0, default 1.0
        Loss per nat. 0 turns it off.
    neighbors : int, at least 1, default 15
        Nearest training rows of which one follows.

    References
    ----------
    van der Maaten (2009), Learning a parametric embedding by preserving local structure, AISTATS; Sainburg, McInnes
    and Gentner (2021), Neural Computation 33; Damrich, Böhm, Hamprecht and Kobak (2023), From t-SNE to UMAP with
    contrastive learning, ICLR (the loss).

    Examples
    --------
    >>> rows = torch.tensor([[[0.0], [0.1], [5.0], [5.1]]])
    >>> layers = [Layer(torch.ones(1, 1, 1), torch.zeros(1, 1, 1))] * 2
    >>> kept, torn = (KeepNeighbors(1.0).penalty(layers, [rows, code]) for code in (rows, rows[:, [0, 2, 1, 3]]))
    >>> bool(kept < torn)
    True
    """

    strength: float = 1.0
    neighbors: int = 15
    off: ClassVar = {"strength": 0.0}
    ranges: ClassVar = {"strength": Range(0.1, 3.0)}

    def __post_init__(self) -> None:
        """Check the ranges."""
        require(self, "strength", at_least=0, below=math.inf)
        require(self, "neighbors", at_least=1, whole=True)

    def order(self, sample: Sample, rng: np.random.Generator) -> np.ndarray:
        """Rows at random, each followed by one of its neighbours."""
        if self.strength == 0 or len(sample) < 3:
            return super().order(sample, rng)
        near = _nearest(sample, int(self.neighbors))
        anchors = rng.permutation(len(sample))[: (len(sample) + 1) // 2]
        partners = near[anchors, rng.integers(near.shape[1], size=len(anchors))]
        return np.column_stack([anchors, partners]).ravel()[: len(sample)]

    def penalty(self, layers: Sequence[Layer], units: Sequence[Tensor]) -> Tensor:
        """How unlikely each row's partner is by the distances in the code, (networks,)."""
        partner = _partners(units[0].detach())
        likely = -torch.log1p(_squared_distances(units[len(layers) // 2]))
        alone = torch.eye(likely.shape[1], dtype=torch.bool, device=likely.device)
        losses = torch.logsumexp(likely.masked_fill(alone, -math.inf), -1) - likely.gather(-1, partner)[..., 0]
        return self.strength * losses.mean(-1)


def _partners(rows: Tensor) -> Tensor:
    """Of the rows before and behind each in the batch the nearer one, (networks, batch, 1)."""
    behind = (rows - rows.roll(-1, dims=1)).square().sum(-1)
    place = torch.arange(rows.shape[1], device=rows.device)
    step = torch.where(behind < behind.roll(1, dims=1), 1, -1)
    return ((place + step) % rows.shape[1])[..., None]


def _squared_distances(rows: Tensor) -> Tensor:
    """Between all rows of a batch, (networks, batch, batch)."""
    lengths = rows.square().sum(-1)
    products = torch.baddbmm(lengths[:, :, None] + lengths[:, None, :], rows, rows.transpose(1, 2), alpha=-2)
    distances = products.clamp(min=0)
    distances.diagonal(dim1=1, dim2=2).zero_()
    return distances


_known: WeakKeyDictionary[Sample, dict[int, np.ndarray]] = WeakKeyDictionary()  # found once, forgotten with the sample


def _nearest(sample: Sample, count: int) -> np.ndarray:
    """The nearest rows of each row, (rows, count), in the units in which networks see them."""
    found = _known.setdefault(sample, {})
    if count not in found:
        found[count] = _searched(sample, count)
    return found[count]


def _searched(sample: Sample, count: int) -> np.ndarray:
    """The same, by comparing all rows."""
    from sklearn.decomposition import PCA
    from sklearn.neighbors import NearestNeighbors

    from dashpot.scaling import input_scaling

    inputs = sample.inputs.astype(np.float64)
    centre, scale = input_scaling(inputs, sample.examples.columns)
    seen = standardize(inputs, centre, scale, CLIP).astype(np.float32)
    if seen.shape[1] > AXES and len(seen) > AXES:
        seen = PCA(AXES, random_state=0).fit_transform(seen)
    count = min(count, len(seen) - 1)
    return NearestNeighbors(n_neighbors=count + 1).fit(seen).kneighbors(seen, return_distance=False)[:, 1:]
