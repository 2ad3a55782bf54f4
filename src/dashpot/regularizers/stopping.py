"""Stop when the validation rows say so, and keep the best weights."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from dashpot.regularizers.base import Epoch, Memory, Range, Regularizer, require, require_choice, spread


@dataclass(frozen=True)
class EarlyStopping(Regularizer):
    """Stop a network when its validation score has not improved for `patience` epochs, and restore its best weights.

    Needs validation rows: those that the caller gives, or those that the estimator holds out.

    Parameters
    ----------
    monitor : {"loss", "error"}, default "loss"
        "error" is the share of wrong classes, or the mean absolute error.
    patience : int, at least 1, default 20
        Epochs to wait for an improvement. inf turns early stopping off.
    min_delta : float, at least 0, default 0
        An improvement must be larger than this.
    restore_best : bool, default True
        Whether the weights of the best epoch are kept, or those of the last.

    References
    ----------
    Prechelt (1998), Early stopping - but when?, Neural Networks: Tricks of the Trade.

    Examples
    --------
    >>> stopping = EarlyStopping(patience=1)
    >>> memory = stopping.begin(torch.zeros(1, 4))
    >>> for number, loss in enumerate([1.0, 2.0], start=1):
    ...     score = {"loss": torch.tensor([loss])}
    ...     memory, stopped = stopping.end_epoch(memory, Epoch(torch.tensor([number]), score, torch.ones(1, 4)))
    >>> stopped
    tensor([True])
    """

    monitor: str = "loss"
    patience: float = 20
    min_delta: float = 0.0
    restore_best: bool = True
    off: ClassVar = {"patience": math.inf}
    ranges: ClassVar = {"patience": Range(40, 5)}

    def __post_init__(self) -> None:
        """Check the words and the ranges."""
        require_choice(self, "monitor", ("loss", "error"))
        require(self, "patience", at_least=1, whole=True)
        require(self, "min_delta", at_least=0, below=math.inf)

    def begin(self, parameters: Tensor) -> Memory:
        """The best score so far, its epoch and its weights, and the epoch of the last improvement."""
        networks = len(parameters)
        return {
            "best_score": torch.full((networks,), math.inf, device=parameters.device),
            "best_epoch": torch.zeros(networks, device=parameters.device),
            "best": parameters.clone(),
        }

    def end_epoch(self, memory: Memory, epoch: Epoch) -> tuple[Memory, Tensor]:
        """Keep the best so far; stop where it is `patience` epochs ago."""
        score = epoch.validation[self.monitor]
        patience = torch.as_tensor(self.patience, dtype=torch.float32, device=score.device)
        better = (score < memory["best_score"] - self.min_delta) & torch.isfinite(patience)
        best_epoch = torch.where(better, epoch.number.to(torch.float32), memory["best_epoch"])
        new = {
            "best_score": torch.where(better, score, memory["best_score"]),
            "best_epoch": best_epoch,
            "best": torch.where(spread(better, epoch.parameters), epoch.parameters, memory["best"]),
        }
        return new, (epoch.number - best_epoch >= patience) & ~torch.isnan(score)

    def finish(self, memory: Memory, parameters: Tensor) -> Tensor:
        """The best weights, where there are any."""
        if not self.restore_best:
            return parameters
        return torch.where(spread(memory["best_epoch"] > 0, parameters), memory["best"], parameters)
