"""Keep the average of the weights along the training in place of the last ones."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from dashpot.ranges import require
from dashpot.regularizers.base import Epoch, Memory, Range, Regularizer

__doctest__ = (torch,)  # names that the examples below use


@dataclass(frozen=True)
class MovingAverage(Regularizer):
    """Keep an exponential moving average of the weights of all steps (EMA).

    After step t: average = d * average + (1 - d) * weights with d = min(decay, t / (t + 9)), so that the first steps
    are soon forgotten. The average is what validation rows, early stopping and prediction see; training goes on from
    the weights themselves.

    Parameters
    ----------
    decay : float in [0, 1), default 0.99
        Memory of the average: about 1 / (1 - decay) steps. 0 turns it off.

    References
    ----------
    Polyak and Juditsky (1992), SIAM J. Control Optim. 30; Tarvainen and Valpola (2017), NeurIPS 30.

    Examples
    --------
    >>> average = MovingAverage(0.5)
    >>> memory = average.begin(torch.zeros(1, 1))
    >>> for weight in (1.0, 2.0):
    ...     memory = average.end_step(memory, torch.full((1, 1), weight))
    >>> average.shown(memory, torch.full((1, 1), 2.0))  # a tenth of the first, the rest of the second
    tensor([[1.9000]])
    """

    decay: float = 0.99
    off: ClassVar = {"decay": 0.0}
    ranges: ClassVar = {"decay": Range(0.9, 0.999, "linear")}

    def __post_init__(self) -> None:
        """Check the range."""
        require(self, "decay", at_least=0, below=1)

    def begin(self, parameters: Tensor) -> Memory:
        """The average so far, and the steps in it."""
        return {"average": parameters.clone(), "steps": parameters.new_zeros(len(parameters))}

    def end_step(self, memory: Memory, parameters: Tensor) -> Memory:
        """Move the average toward the weights."""
        steps = memory["steps"]
        decay = torch.minimum(torch.as_tensor(self.decay, dtype=steps.dtype, device=steps.device), steps / (steps + 9))
        average = torch.lerp(parameters, memory["average"], decay[:, None])
        return {"average": average, "steps": steps + 1}

    def shown(self, memory: Memory, parameters: Tensor) -> Tensor:
        """The average."""
        return memory["average"]


@dataclass(frozen=True)
class WeightAverage(Regularizer):
    """Keep the plain average of the weights at the ends of all epochs from `start` on (stochastic weight averaging).

    The average is what validation rows, early stopping and prediction see; training goes on from the weights
    themselves. It is worth most with a learning rate that stays high, so that the epochs differ.

    Parameters
    ----------
    start : int, at least 1, default 20
        First epoch to average. inf turns it off.

    References
    ----------
    Izmailov, Podoprikhin, Garipov, Vetrov and Wilson (2018), Averaging weights leads to wider optima, UAI.

    Examples
    --------
    >>> average = WeightAverage(start=1)
    >>> memory = average.begin(torch.zeros(1, 1))
    >>> for number, weight in enumerate([1.0, 2.0, 6.0], start=1):
    ...     shown = average.shown(memory, torch.full((1, 1), weight))
    ...     memory, _ = average.end_epoch(memory, Epoch(torch.tensor([number]), {}, shown))
    >>> shown
    tensor([[3.]])
    """

    start: int = 20
    off: ClassVar = {"start": math.inf}
    ranges: ClassVar = {"start": Range(40, 5)}

    def __post_init__(self) -> None:
        """Check the range."""
        require(self, "start", at_least=1, whole=True)

    def begin(self, parameters: Tensor) -> Memory:
        """The average so far, the epochs in it, and the epochs done."""
        none = parameters.new_zeros(len(parameters))
        return {"average": parameters.clone(), "averaged": none, "epochs": none.clone()}

    def shown(self, memory: Memory, parameters: Tensor) -> Tensor:
        """The average with the weights of this epoch in it; the weights themselves before the first."""
        share = 1 / (memory["averaged"] + 1)
        begun = memory["epochs"] + 1 >= self.start
        return torch.where(begun[:, None], torch.lerp(memory["average"], parameters, share[:, None]), parameters)

    def end_epoch(self, memory: Memory, epoch: Epoch) -> tuple[Memory, None]:
        """Keep what was shown."""
        begun = epoch.number >= self.start
        return {
            "average": torch.where(begun[:, None], epoch.parameters, memory["average"]),
            "averaged": memory["averaged"] + begun,
            "epochs": epoch.number.to(memory["epochs"].dtype),
        }, None
