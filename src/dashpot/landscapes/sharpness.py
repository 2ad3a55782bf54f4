"""How sharp a solution is, in numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from dashpot.errors import UsageError
from dashpot.landscapes.rows import LARGEST, Rows, checked_weights, layers_of, member_of, seen_by, together
from dashpot.networks import Layer, Network

if TYPE_CHECKING:
    import pandas as pd

DRAWS = 32  # of weight noise


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
    estimator: Any,
    X: Any,
    y: Any,
    sample_weight: Any = None,
    *,
    member: int = 0,
    level: float = 0.1,
    rounds: int = 100,
    seed: int = 0,
) -> Sharpness:
    """Curvature of the loss at a solution, and its rise under weight noise.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor, fitted
    X, y : table and target of the rows on which the loss is measured
    sample_weight : array (rows,) or None
    member : int, default 0
    level : float, at least 0, default 0.1
        Weight noise in root mean squares of each layer's weights, over 32 draws.
    rounds : int, at least 1, default 100
        Power iterations at most; they end when the eigenvalue moves by less than a thousandth.
    seed : int, default 0

    References
    ----------
    Keskar et al. (2017), On large-batch training for deep learning, ICLR; Jiang et al. (2020), Fantastic generalization
    measures and where to find them, ICLR.
    """
    _check(level, rounds)
    network = member_of(estimator, member, "sharpness")
    return _measured([network], estimator, X, y, sample_weight, level, rounds, seed)[0]


def member_sharpness(
    estimator: Any,
    X: Any,
    y: Any,
    sample_weight: Any = None,
    *,
    level: float = 0.1,
    rounds: int = 100,
    seed: int = 0,
) -> tuple[Sharpness, ...]:
    """The sharpness of every network of an ensemble, as few stacks; each as `sharpness` gives it for one member."""
    _check(level, rounds)
    member_of(estimator, 0, "member_sharpness")
    networks = list(estimator.networks_)
    alike: dict[Any, list[int]] = {}
    for number, network in enumerate(networks):
        shape = (network.activation, *(weights.shape for weights, _ in network.layers))
        alike.setdefault(shape, []).append(number)
    found: dict[int, Sharpness] = {}
    for numbers in alike.values():
        most = max(1, 4 * LARGEST // (max(1, len(X)) * max(w.shape[1] for w, _ in networks[numbers[0]].layers)))
        for start in range(0, len(numbers), most):
            part = numbers[start : start + most]
            own = _measured([networks[n] for n in part], estimator, X, y, sample_weight, level, rounds, seed)
            found |= dict(zip(part, own, strict=True))
    return tuple(found[number] for number in range(len(networks)))


def _check(level: float, rounds: int) -> None:
    """Refuse numbers out of range."""
    if not 0 <= level < float("inf"):
        raise UsageError(f"sharpness(level={level!r}): must be at least 0 and finite.")
    if isinstance(rounds, bool) or not isinstance(rounds, int) or rounds < 1:
        raise UsageError(f"sharpness(rounds={rounds!r}): must be a whole number of at least 1.")


def _measured(
    networks: Sequence[Network], estimator: Any, X: Any, y: Any, given: Any, level: float, rounds: int, seed: int
) -> list[Sharpness]:
    """Networks of one estimator as one stack; the draws of each do not depend on its neighbours."""
    weights = checked_weights(given, X, "sharpness")
    rows = [seen_by(network, estimator, X, y, weights, "sharpness") for network in networks]
    layers, begins, found = [layers_of(network) for network in networks], [], []
    for own, seen in zip(layers, rows, strict=True):
        rng = np.random.default_rng(seed)
        noisy = [
            Layer(w + level * w.square().mean().sqrt() * _normal(rng, (DRAWS, *w.shape[1:])), b.expand(DRAWS, -1, -1))
            for w, b in own
        ]
        loss = float(seen.losses_in_parts(own))
        found.append((loss, float(seen.losses_in_parts(noisy).mean()) - loss))
        begins.append(_normal(rng, (1, sum(part.numel() for layer in own for part in layer))))
    stack = [Layer(*map(torch.cat, zip(*same, strict=True))) for same in zip(*layers, strict=True)]
    values = largest_eigenvalues(hessian_product(together(rows), stack), torch.cat(begins), rounds)
    return [Sharpness(loss, value, rise) for (loss, rise), value in zip(found, values.tolist(), strict=True)]


def _normal(rng: np.random.Generator, shape: Sequence[int]) -> Tensor:
    return torch.from_numpy(rng.normal(size=shape).astype(np.float32))


def hessian_product(rows: Rows, layers: Sequence[Layer]) -> Callable[[Tensor], Tensor]:
    """A function that multiplies the Hessian of each network's loss with a vector, (networks, size) both."""
    parts = [part.detach().requires_grad_() for layer in layers for part in layer]
    pairs = [Layer(*pair) for pair in zip(parts[::2], parts[1::2], strict=True)]
    gradients = torch.autograd.grad(rows.losses(pairs).sum(), parts, create_graph=True)
    flat = torch.cat([gradient.flatten(1) for gradient in gradients], dim=1)

    def product(vectors: Tensor) -> Tensor:
        if not flat.requires_grad:  # a loss that is linear in the weights
            return torch.zeros_like(vectors)
        found = torch.autograd.grad((flat * vectors).sum(), parts, retain_graph=True, allow_unused=True)
        whole = [torch.zeros_like(p) if one is None else one for one, p in zip(found, parts, strict=True)]
        return torch.cat([one.flatten(1) for one in whole], dim=1)

    return product


def largest_eigenvalues(product: Callable[[Tensor], Tensor], begin: Tensor, rounds: int) -> Tensor:
    """The largest eigenvalue of each symmetric matrix of a stack, (networks,), by power iteration.

    The iteration finds the eigenvalue of largest size. Where that is negative, a second one on the matrix minus that
    eigenvalue finds the largest.
    """
    extreme = _power(product, begin, rounds)
    shift = extreme.clamp(max=0)
    if not (shift < 0).any():
        return extreme
    shifted = _power(lambda vectors: product(vectors) - shift[:, None] * vectors, begin, rounds) + shift
    return torch.where(shift < 0, shifted, extreme)


def _power(product: Callable[[Tensor], Tensor], vectors: Tensor, rounds: int) -> Tensor:
    """The eigenvalue of largest size; each network's stands still once it moves by less than a thousandth."""
    values, still = torch.full((len(vectors),), torch.inf), torch.zeros(len(vectors), dtype=torch.bool)
    for _ in range(rounds):
        vectors = vectors / vectors.norm(dim=1, keepdim=True).clamp(min=1e-30)
        turned = product(vectors)
        now = torch.where(still, values, (vectors * turned).sum(1))
        still = still | ((now - values).abs() <= 1e-3 * now.abs())
        values, vectors = now, turned
        if still.all():
            break
    return values


def sharpness_table(
    estimators: Mapping[str, Any],
    X: Any,
    y: Any,
    X_new: Any,
    y_new: Any,
    sample_weight: Any = None,
    sample_weight_new: Any = None,
) -> pd.DataFrame:
    """Sharpness beside the generalization gap, a row for each estimator: means over its networks.

    Parameters
    ----------
    estimators : mapping of name to fitted estimator
    X, y : training rows
    X_new, y_new : rows that no estimator has seen
    sample_weight, sample_weight_new : array (rows,) or None
        Weights of the training rows and of the new ones.

    Returns
    -------
    DataFrame
        Columns loss (training), new_loss, gap, eigenvalue, rise. `table.corr("spearman")["gap"]` tells which number
        goes with the gap, where there are enough estimators to tell.
    """
    import pandas as pd

    found = []
    weights = checked_weights(sample_weight_new, X_new, "sharpness_table")
    for name, estimator in estimators.items():
        loss, eigenvalue, rise = np.mean([astuple(s) for s in member_sharpness(estimator, X, y, sample_weight)], axis=0)
        new = np.mean(
            [
                float(seen_by(one, estimator, X_new, y_new, weights, "sharpness_table").losses_in_parts(layers_of(one)))
                for one in estimator.networks_
            ]
        )
        found.append((name, loss, new, new - loss, eigenvalue, rise))
    return pd.DataFrame(found, columns=["name", "loss", "new_loss", "gap", "eigenvalue", "rise"]).set_index("name")
