"""Losses over a stack of networks, row by row, and what each means for the target's numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from scipy.special import expit, softmax
from torch import Tensor
from torch.nn import functional

from dashpot.ranges import require


@dataclass(frozen=True)
class Loss:
    """Base of all losses.

    `standardizes` says whether a network learns its target in units of the target's own spread, and `reconstructs`
    whether the target is what the network sees, before noise.
    """

    standardizes: ClassVar[bool] = False
    reconstructs: ClassVar[bool] = False

    def encode(self, targets: np.ndarray) -> np.ndarray:
        """The targets as float32 (rows, outputs)."""
        return np.asarray(targets, dtype=np.float32).reshape(len(targets), -1)

    def scale(self, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Centre and spread of encoded targets, (outputs,) each; a constant has spread 1."""
        spread = targets.std(0, dtype=np.float64)
        return targets.mean(0, dtype=np.float64), np.where(spread > 0, spread, 1.0)

    def per_row(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The loss of each row, (networks, batch), for outputs and targets (networks, batch, outputs)."""
        raise NotImplementedError

    def shift(self, log_ratios: np.ndarray) -> np.ndarray:
        """What to add to the outputs, (outputs,), so that each class's odds change by exp(log_ratios), (classes,)."""
        raise NotImplementedError

    def error(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """What a person would call the error of each row, (networks, batch)."""
        return (outputs - targets).abs().mean(-1)

    def predict(self, outputs: np.ndarray) -> np.ndarray:
        """Predictions from raw outputs: values, rates, or probabilities (rows, classes)."""
        return outputs


@dataclass(frozen=True)
class SquaredError(Loss):
    """(output - target)^2, averaged over the outputs."""

    standardizes: ClassVar[bool] = True

    def per_row(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Squared error of each row."""
        return (outputs - targets).square().mean(-1)


@dataclass(frozen=True)
class AbsoluteError(Loss):
    """|output - target|, averaged over the outputs: aims at the median."""

    standardizes: ClassVar[bool] = True

    def per_row(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Absolute error of each row."""
        return (outputs - targets).abs().mean(-1)


@dataclass(frozen=True)
class Huber(Loss):
    """Squared up to `delta`, linear beyond (Huber 1964): outliers pull less.

    Parameters
    ----------
    delta : float above 0, default 1.0
        Where the loss turns linear, in units of the target's spread.
    """

    delta: float = 1.0
    standardizes: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Check the range."""
        require(self, "delta", above=0)

    def per_row(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Huber loss of each row."""
        return functional.huber_loss(outputs, targets, reduction="none", delta=self.delta).mean(-1)


@dataclass(frozen=True)
class Poisson(Loss):
    """Poisson deviance up to a constant: exp(output) - target * output; outputs are log rates, targets counts."""

    def per_row(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Poisson loss of each row."""
        return (outputs.clamp(max=30).exp() - targets * outputs).mean(-1)

    def error(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Absolute error of the rate."""
        return (outputs.clamp(max=30).exp() - targets).abs().mean(-1)

    def predict(self, outputs: np.ndarray) -> np.ndarray:
        """Rates."""
        return np.exp(np.minimum(outputs, 30))


def focus(losses: Tensor, gamma: float) -> Tensor:
    """(1 - p)^gamma, with p the probability given to the true class: what is easy counts less (Lin et al. 2017)."""
    return (-torch.expm1(-losses)).clamp(min=1e-12) ** gamma


@dataclass(frozen=True)
class Binary(Loss):
    """Binary cross-entropy on one logit; targets are 0 or 1, or shares between. `gamma` above 0 makes it focal."""

    gamma: float = 0.0

    def per_row(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """softplus(output) - target * output."""
        losses = functional.relu(outputs) - outputs * targets + torch.log1p(torch.exp(-outputs.abs()))
        return (losses * focus(losses, self.gamma) if self.gamma else losses).mean(-1)

    def shift(self, log_ratios: np.ndarray) -> np.ndarray:
        """The logit of the second class moves by the difference."""
        return log_ratios[1:] - log_ratios[:1]

    def error(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """1 where the more probable class is the wrong one."""
        return ((outputs > 0) != (targets > 0.5)).float().mean(-1)

    def predict(self, outputs: np.ndarray) -> np.ndarray:
        """Probabilities of both classes, (rows, 2)."""
        second = expit(outputs[:, :1])
        return np.hstack([1 - second, second])


@dataclass(frozen=True)
class CrossEntropy(Loss):
    """Cross-entropy of a softmax over `classes` outputs; targets are class numbers or shares of classes.

    `gamma` above 0 makes it focal.
    """

    classes: int = 2
    gamma: float = 0.0

    def encode(self, targets: np.ndarray) -> np.ndarray:
        """One indicator per class, float32 (rows, classes)."""
        return np.eye(self.classes, dtype=np.float32)[np.asarray(targets, dtype=np.int64).reshape(-1)]

    def per_row(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """log(sum(exp(outputs))) - sum(targets * outputs), with targets that sum to one."""
        losses = torch.logsumexp(outputs, -1) - (targets * outputs).sum(-1)
        return losses * focus(losses, self.gamma) if self.gamma else losses

    def shift(self, log_ratios: np.ndarray) -> np.ndarray:
        """Each logit moves by its own."""
        return log_ratios

    def error(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """1 where the most probable class is a wrong one."""
        return (outputs.argmax(-1) != targets.argmax(-1)).float()

    def predict(self, outputs: np.ndarray) -> np.ndarray:
        """Probabilities of the classes, (rows, classes)."""
        return np.asarray(softmax(outputs, axis=1))
