"""Rows as a fitted network sees them, and its weights as a stack of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from dashpot.errors import UsageError
from dashpot.losses import Loss
from dashpot.networks import Activations, Layer, Network, forward

LARGEST = 2**21  # units of a layer that are computed at once: as much as the cache holds


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows as one network sees them, or each of a stack: what is read, targets, and weights that sum to one."""

    inputs: Tensor  # (1 or networks, rows, features)
    targets: Tensor  # (1 or networks, rows, outputs)
    weights: Tensor  # (1 or networks, rows)
    shift: Tensor  # (outputs,) or (networks, 1, outputs), for networks that trained on other shares of the classes
    loss: Loss
    activation: Activations

    def losses(self, layers: Sequence[Layer]) -> Tensor:
        """The mean loss of each network of a stack, (networks,)."""
        networks = len(layers[0].weights)
        outputs, _ = forward(layers, self.inputs.expand(networks, -1, -1), self.activation)
        targets = self.targets.expand(networks, -1, -1)
        return (self.loss.per_row(outputs + self.shift, targets) * self.weights).sum(1)

    def losses_in_parts(self, layers: Sequence[Layer]) -> Tensor:
        """The same, without gradients, as many rows at a time as the cache holds."""
        most = max(1, LARGEST // max(layer.weights.shape[2] for layer in layers))
        with torch.no_grad():
            return torch.stack([part.losses(layers) for part in self._parts(most)]).sum(0)

    def _parts(self, most: int) -> list[Rows]:
        """At most so many rows each; their weights still sum to one over all parts."""
        cut = (tensor.split(most, dim=1) for tensor in (self.inputs, self.targets, self.weights))
        return [replace(self, inputs=x, targets=y, weights=w) for x, y, w in zip(*cut, strict=True)]


def seen_by(
    network: Network, estimator: Any, X: Any, y: Any, sample_weight: Any = None, caller: str = "landscape"
) -> Rows:
    """Rows as a network of an estimator sees them."""
    check_is_fitted(estimator, "networks_")
    inputs, loss = np.asarray(estimator.encoder_.transform(X)), estimator.loss_
    targets = loss.encode(estimator._encode_more(y))
    if len(targets) != len(inputs):
        raise UsageError(f"{caller}: X has {len(inputs)} rows, y has {len(targets)}. Pass the same rows of both.")
    return rows_of(network, loss, inputs, targets, sample_weight)


def rows_of(network: Network, loss: Loss, inputs: np.ndarray, targets: np.ndarray, weights: Any = None) -> Rows:
    """Inputs and encoded targets as numbers, (rows, ...), as a network sees them."""
    standard = network.read(inputs)
    shift = network.target_centre
    if loss.standardizes:
        targets, shift = (targets - network.target_centre) / network.target_scale, np.zeros_like(shift)
    shares = np.ones(len(targets)) if weights is None else np.asarray(weights, dtype=float)
    parts = (standard, targets, shares / shares.sum())
    seen, aims, own = (torch.from_numpy(np.asarray(part, dtype=np.float32))[None] for part in parts)
    return Rows(seen, aims, own, torch.from_numpy(shift), loss, network.activation)


def layers_of(network: Network) -> list[Layer]:
    """The weights of one network as a stack of one."""
    return [Layer(torch.from_numpy(w)[None], torch.from_numpy(b)[None, None]) for w, b in network.layers]


def together(rows: Sequence[Rows]) -> Rows:
    """The rows as each network of a stack sees them."""
    inputs, targets, weights = (
        torch.cat([getattr(one, name) for one in rows]) for name in ("inputs", "targets", "weights")
    )
    shift = torch.stack([one.shift for one in rows])[:, None]
    return Rows(inputs, targets, weights, shift, rows[0].loss, rows[0].activation)


def checked_weights(sample_weight: Any, X: Any, caller: str) -> np.ndarray | None:
    """Weights of rows, at least one of them above 0."""
    if sample_weight is None:
        return None
    weights = np.asarray(sample_weight, dtype=np.float64)
    if weights.shape != (len(X),) or not np.isfinite(weights).all() or (weights < 0).any() or not weights.any():
        raise UsageError(
            f"{caller}(sample_weight): must be {len(X)} finite numbers of at least 0, some above it, one for each row."
        )
    return weights


def member_of(estimator: Any, member: int, caller: str = "landscape") -> Network:
    """One network of a fitted estimator."""
    check_is_fitted(estimator, "networks_")
    networks = estimator.networks_
    if not 0 <= member < len(networks):
        raise UsageError(f"{caller}(member={member}): must be from 0 to {len(networks) - 1}.")
    network: Network = networks[member]
    return network
