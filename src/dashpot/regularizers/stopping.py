"""Stop when the validation rows say so, and keep the best weights."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from dashpot.jobs import Examples, Job
from dashpot.monitors import require_monitor
from dashpot.ranges import require
from dashpot.regularizers.base import Epoch, Memory, Range, Regularizer


@dataclass(frozen=True)
class EarlyStopping(Regularizer):
    """Stop a network when its validation score has not improved for `patience` epochs, and restore its best weights.

    It watches the validation rows of the network. A network without any holds some of its own training rows out:
    stratified by class, whole groups where there are groups, each member of an ensemble by its own seed.

    Parameters
    ----------
    monitor : str, default "loss"
        "loss", "error" (the share of wrong classes, or the mean absolute error), or a score of scikit-learn by its
        name, "roc_auc" say. It sees the averaged weights where the recipe averages them.
    patience : int, at least 1, default 20
        Epochs to wait for an improvement. inf turns early stopping off.
    min_delta : float, at least 0, default 0
        An improvement must be larger than this.
    restore_best : bool, default True
        Whether the weights of the best epoch are kept, or those of the last.
    validation_share : float in (0, 1), default 0.2
        Share of the training rows to hold out where no validation rows are given.
    start_epoch : int, at least 0, default 0
        Epochs before the first that counts.
    smoothing : float in [0, 1), default 0.0
        Memory of an exponential average of the score, for scores that jump about. 0 takes each epoch's own.

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
    patience: int = 20
    min_delta: float = 0.0
    restore_best: bool = True
    validation_share: float = 0.2
    start_epoch: int = 0
    smoothing: float = 0.0
    off: ClassVar = {"patience": math.inf}
    ranges: ClassVar = {"patience": Range(40, 5)}

    def __post_init__(self) -> None:
        """Check the words and the ranges."""
        require_monitor("EarlyStopping", self.monitor)
        require(self, "patience", at_least=1, whole=True)
        require(self, "min_delta", at_least=0, below=math.inf)
        require(self, "validation_share", above=0, below=1)
        require(self, "start_epoch", at_least=0, below=math.inf, whole=True)
        require(self, "smoothing", at_least=0, below=1)

    def hold_out(self, job: Job, examples: Examples) -> Job:
        """Keep a share of the rows for validation; copies of a row stay on one side."""
        rows = np.unique(job.rows)
        if math.isinf(self.patience) or len(rows) < 5:
            return job
        rng = np.random.default_rng([job.seed & 0xFFFFFFFF, job.seed >> 32, 3])
        held = held_out(rows, examples, self.validation_share, rng)
        return replace(job, rows=job.rows[~np.isin(job.rows, held)], validation=held)

    def begin(self, parameters: Tensor) -> Memory:
        """The best score so far, its epoch and its weights, and the epoch of the last improvement."""
        networks = len(parameters)
        return {
            "best_score": torch.full((networks,), math.inf, device=parameters.device),
            "best_epoch": torch.zeros(networks, device=parameters.device),
            "best": parameters.clone(),
            "smooth": torch.full((networks,), math.nan, device=parameters.device),
        }

    def end_epoch(self, memory: Memory, epoch: Epoch) -> tuple[Memory, Tensor]:
        """Keep the best so far; stop where it is `patience` epochs ago."""
        score = epoch.validation[self.monitor]
        before = torch.where(torch.isfinite(memory["smooth"]), memory["smooth"], score)
        score = score + self.smoothing * (before - score)
        patience = torch.as_tensor(self.patience, dtype=torch.float32, device=score.device)
        better = (score < memory["best_score"] - self.min_delta) & torch.isfinite(patience)
        better &= epoch.number > self.start_epoch
        best_epoch = torch.where(better, epoch.number.to(torch.float32), memory["best_epoch"])
        new = {
            "best_score": torch.where(better, score, memory["best_score"]),
            "best_epoch": best_epoch,
            "best": torch.where(better[:, None], epoch.parameters, memory["best"]),
            "smooth": score,
        }
        waited = epoch.number - torch.clamp(best_epoch, min=self.start_epoch)
        return new, (waited >= patience) & ~torch.isnan(score)

    def finish(self, memory: Memory, parameters: Tensor) -> Tensor:
        """The best weights, where there are any."""
        if not self.restore_best:
            return parameters
        return torch.where((memory["best_epoch"] > 0)[:, None], memory["best"], parameters)


def held_out(rows: np.ndarray, examples: Examples, share: float, rng: np.random.Generator) -> np.ndarray:
    """About a share of the rows: whole groups, or every class in proportion; one row a class stays at least."""
    if examples.groups is not None:
        groups = rng.permutation(np.unique(examples.groups[rows]))
        chosen = groups[: max(1, min(len(groups) - 1, round(share * len(groups))))]
        return rows[np.isin(examples.groups[rows], chosen)] if len(groups) > 1 else rows[:0]
    strata = examples.targets[rows] if examples.classes else np.zeros(len(rows), dtype=int)
    shuffled = rng.permutation(len(rows))
    # rows in the order of their place within their own class: the first ones are a stratified sample
    place = np.empty(len(rows))
    for label in np.unique(strata):
        own = shuffled[strata[shuffled] == label]
        place[own] = (np.arange(len(own)) + rng.random()) / len(own)
        if len(own) == 1:
            place[own] = 1.0
    count = max(1, round(share * len(rows)))
    return np.sort(rows[np.argsort(place, kind="stable")[:count]])
