"""How sharp a solution is, in numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from dashpot.landscapes.rows import Rows, layers_of, member_of, seen_by
from dashpot.networks import Layer

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Sharpness:
    """How steeply the loss rises around a solution.

    Attributes
    ----------
    loss : float
        At the solution.
    eigenvalue : float
        Largest eigenvalue of the loss's Hessian in the weights: the curvature in the steepest direction.
    rise : float
        By how much the loss rises on average under weight noise of `level` times each layer's root mean square.
    """

    loss: float
    eigenvalue: float
    rise: float


def sharpness(
    estimator: Any, X: Any, y: Any, *, member: int = 0, level: float = 0.1, rounds: int = 100, seed: int = 0
) -> Sharpness:
    """Curvature of the loss at a solution, and its rise under weight noise.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor, fitted
    X, y : table and target of the rows on which the loss is measured
    member : int, default 0
    level : float, at least 0, default 0.1
        Weight noise in root mean squares of each layer's weights, over 32 draws.
    rounds : int, default 100
        Power iterations at most; they end when the eigenvalue moves by less than a thousandth.
    seed : int, default 0

    References
    ----------
    Keskar et al. (2017), On large-batch training for deep learning, ICLR; Jiang et al. (2020), Fantastic generalization
    measures and where to find them, ICLR.
    """
    network = member_of(estimator, member)
    rows, layers = seen_by(network, estimator, X, y), layers_of(network)
    rng = np.random.default_rng(seed)
    with torch.no_grad():
        loss = float(rows.losses(layers))
        noisy = [
            Layer(w + level * w.square().mean().sqrt() * _normal(rng, (32, *w.shape[1:])), b.expand(32, -1, -1))
            for w, b in layers
        ]
        rise = float(rows.losses(noisy).mean()) - loss
    return Sharpness(loss, _largest_eigenvalue(rows, layers, rounds, rng), rise)


def _normal(rng: np.random.Generator, shape: Sequence[int]) -> Tensor:
    return torch.from_numpy(rng.normal(size=shape).astype(np.float32))


def _largest_eigenvalue(rows: Rows, layers: Sequence[Layer], rounds: int, rng: np.random.Generator) -> float:
    """Power iteration on products of the Hessian with a vector."""
    parts = [part.detach().requires_grad_() for layer in layers for part in layer]
    pairs = [Layer(*pair) for pair in zip(parts[::2], parts[1::2], strict=True)]
    gradients = torch.autograd.grad(rows.losses(pairs).sum(), parts, create_graph=True)
    vector, value = [_normal(rng, part.shape) for part in parts], np.inf
    for _ in range(rounds):
        length = torch.sqrt(sum((v.square().sum() for v in vector), start=torch.zeros(())))
        vector = [v / length.clamp(min=1e-30) for v in vector]
        slope = sum(((g * v).sum() for g, v in zip(gradients, vector, strict=True)), start=torch.zeros(()))
        product = torch.autograd.grad(slope, parts, retain_graph=True, allow_unused=True)
        turned = [torch.zeros_like(v) if p is None else p for p, v in zip(product, vector, strict=True)]
        before, value = value, float(sum((v * t).sum() for v, t in zip(vector, turned, strict=True)))
        vector = turned
        if abs(value - before) <= 1e-3 * abs(value):
            break
    return value


def sharpness_table(estimators: Mapping[str, Any], X: Any, y: Any, X_new: Any, y_new: Any) -> pd.DataFrame:
    """Sharpness beside the generalization gap, a row for each estimator (its first network).

    Parameters
    ----------
    estimators : mapping of name to fitted estimator
    X, y : training rows
    X_new, y_new : rows that no estimator has seen

    Returns
    -------
    DataFrame
        Columns loss (training), new_loss, gap, eigenvalue, rise.
    """
    import pandas as pd

    found = []
    for name, estimator in estimators.items():
        network = member_of(estimator, 0)
        own = sharpness(estimator, X, y)
        with torch.no_grad():
            new = float(seen_by(network, estimator, X_new, y_new).losses(layers_of(network)))
        found.append((name, own.loss, new, new - own.loss, own.eigenvalue, own.rise))
    return pd.DataFrame(found, columns=["name", "loss", "new_loss", "gap", "eigenvalue", "rise"]).set_index("name")
