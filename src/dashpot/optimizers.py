"""Gradient descent over a stack: one learning rate, decay and schedule for each network.

An optimizer is a frozen description of one network's training. `stacked(optimizers)` puts many of the same
kind together; its `update` changes the flat parameter buffer (networks, size) in place.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from dashpot.networks import Layer, layers_of
from dashpot.ranges import require, require_choice

SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": lambda t: 1.0,
    "cosine": lambda t: 0.5 * (1 + math.cos(math.pi * t)),
    # Loshchilov and Hutter (2017): cosine cycles of 1, 2 and 4 parts of the training
    "warm_restarts": lambda t: 0.5 * (1 + math.cos(math.pi * _place_in_cycle(t))),
    # Holzmüller et al. (2024): four cycles, each twice as long as the one before
    "log_cosine": lambda t: 0.5 * (1 - math.cos(2 * math.pi * math.log2(1 + 15 * t))),
}


def _place_in_cycle(t: float) -> float:
    """Where in its warm-restart cycle a training stands at a share t in [0, 1) of its length."""
    parts = 7 * t
    start, length = (0, 1) if parts < 1 else (1, 2) if parts < 3 else (3, 4)
    return (parts - start) / length


@dataclass(frozen=True)
class Optimizer:
    """What all optimizers share.

    Parameters
    ----------
    learning_rate : float above 0
        Peak of the schedule.
    schedule : {"constant", "cosine", "warm_restarts", "log_cosine"}
        How the learning rate moves over the training.
    decay : float, at least 0, default 0
        Decoupled weight decay: parameters shrink by learning_rate * decay at each step. 0 is none.
    clip : float above 0, default inf
        Largest norm of a network's gradient; longer ones are shortened. inf never clips.
    cycles : int, at least 1, default 1, by name only
        How often the schedule runs over the training, each time for the same number of steps.
    """

    learning_rate: float = 1e-3
    schedule: str = "constant"
    decay: float = 0.0
    clip: float = math.inf
    cycles: int = field(default=1, kw_only=True)

    def __post_init__(self) -> None:
        """Check the ranges."""
        require(self, "learning_rate", above=0, below=math.inf)
        require_choice(self, "schedule", tuple(SCHEDULES))
        require(self, "decay", at_least=0, below=math.inf)
        require(self, "clip", above=0)
        require(self, "cycles", at_least=1, below=math.inf, whole=True)

    def rate_at(self, share: float) -> float:
        """The learning rate at a share in [0, 1] of the training."""
        return self.learning_rate * SCHEDULES[self.schedule](share * self.cycles % 1 if share < 1 else 1.0)

    @property
    def kind(self) -> tuple[Any, ...]:
        """What the networks of a stack must share: all but learning rate, schedule and decay."""
        return type(self), math.isfinite(self.clip), self.clip


@dataclass(frozen=True)
class SGD(Optimizer):
    """Stochastic gradient descent with momentum: v = momentum * v + g; w = w - learning_rate * v.

    Parameters
    ----------
    momentum : float in [0, 1), default 0.9
    """

    learning_rate: float = 0.05
    momentum: float = 0.9
    buffers: ClassVar[int] = 1

    def __post_init__(self) -> None:
        """Check the ranges."""
        super().__post_init__()
        require(self, "momentum", at_least=0, below=1)

    @property
    def kind(self) -> tuple[Any, ...]:
        """SGD networks of a stack share their momentum."""
        return *super().kind, self.momentum


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adam (Kingma and Ba 2015), with the bias corrections of the paper.

    Parameters
    ----------
    beta1, beta2 : float in [0, 1), default 0.9 and 0.999
        Memory of the gradient's mean and of its square.
    epsilon : float above 0, default 1e-8
    """

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    buffers: ClassVar[int] = 2

    def __post_init__(self) -> None:
        """Check the ranges."""
        super().__post_init__()
        require(self, "beta1", at_least=0, below=1)
        require(self, "beta2", at_least=0, below=1)
        require(self, "epsilon", above=0)

    @property
    def kind(self) -> tuple[Any, ...]:
        """Adam networks of a stack share their betas and epsilon; AdamW is Adam with a decay."""
        return Adam, *super().kind[1:], self.beta1, self.beta2, self.epsilon


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019)."""

    decay: float = 0.01


class Step:
    """What `constrain` may know of an update: learning rates, and how far a unit gradient moves each weight."""

    def __init__(self, rates: Sequence[float], device: torch.device, sizes: Callable[[], list[Layer]]) -> None:
        self.rates, self.device, self._sizes = rates, device, sizes

    @cached_property
    def learning_rate(self) -> Tensor:
        """The learning rate of each network, (networks,)."""
        return torch.tensor(self.rates, dtype=torch.float32, device=self.device)

    @cached_property
    def _read_sizes(self) -> list[Layer]:
        return self._sizes()  # several regularizers may ask at one step

    def sizes(self) -> list[Layer]:
        """The effective learning rate of every weight and bias: Adam's differs from weight to weight."""
        return self._read_sizes


class StackedOptimizer:
    """The optimizers of a stack of networks, and what they remember.

    Parameters
    ----------
    optimizers : sequence of Optimizer, all of one `kind`
    parameters : tensor (networks, size), the flat buffer that `update` changes in place
    widths : sequence of int
        Widths of the layers, to read per-weight step sizes layer by layer.
    steps : sequence of int
        Steps of each network's whole training, for its schedule.
    """

    def __init__(
        self, optimizers: Sequence[Optimizer], parameters: Tensor, widths: Sequence[int], steps: Sequence[int]
    ) -> None:
        self.optimizers = list(optimizers)
        self.shared = optimizers[0]
        self.parameters = parameters
        self.widths = widths
        self.steps = np.asarray(steps)
        self.step = 0
        self._share()
        self.memory = [torch.zeros_like(parameters) for _ in range(self.shared.buffers)]  # type: ignore[attr-defined]
        self._count = torch.zeros((), device=parameters.device)

    def _share(self) -> None:
        """Networks with one optimizer and one length share their learning rates."""
        self._kinds = list(dict.fromkeys(zip(self.optimizers, self.steps.tolist(), strict=True)))
        self._kind = [self._kinds.index(kind) for kind in zip(self.optimizers, self.steps.tolist(), strict=True)]

    def take(self, keep: Tensor) -> None:
        """Go on with some of the networks only."""
        self.optimizers = [o for o, kept in zip(self.optimizers, keep.tolist(), strict=True) if kept]
        self.steps = self.steps[keep.cpu().numpy()]
        self._share()
        self.parameters = self.parameters[keep]
        self.memory = [buffer[keep] for buffer in self.memory]

    def learning_rates(self) -> list[float]:
        """The learning rate of each network at this step."""
        rates = [o.rate_at(min(self.step / total, 1.0)) for o, total in self._kinds]
        return [rates[kind] for kind in self._kind]

    def update(self, gradients: Tensor) -> Step:
        """Move the parameters against the gradients (networks, size)."""
        rates = self.learning_rates()
        self.step += 1
        if math.isfinite(self.shared.clip):
            norms = torch.linalg.vector_norm(gradients, dim=1, keepdim=True)
            gradients.mul_((self.shared.clip / (norms + 1e-12)).clamp(max=1))
        self._count.fill_(float(self.step))
        move = self._move_adam if isinstance(self.shared, Adam) else self._move_sgd
        if len(self._kinds) == 1:
            move(slice(None), gradients, rates[0], self.shared.decay)
        else:
            for i, (rate, o) in enumerate(zip(rates, self.optimizers, strict=True)):
                move(slice(i, i + 1), gradients, rate, o.decay)
        step = Step(rates, gradients.device, lambda: self._sizes(step.learning_rate))
        return step

    def _move_adam(self, rows: slice, gradients: Tensor, rate: float, decay: float) -> None:
        """One fused pass over parameters, gradients and both memories."""
        adam = self.shared
        assert isinstance(adam, Adam)
        torch._fused_adamw_(
            [self.parameters[rows]],
            [gradients[rows]],
            [self.memory[0][rows]],
            [self.memory[1][rows]],
            [],
            [self._count],
            lr=rate,
            beta1=adam.beta1,
            beta2=adam.beta2,
            weight_decay=decay,
            eps=adam.epsilon,
            amsgrad=False,
            maximize=False,
        )

    def _move_sgd(self, rows: slice, gradients: Tensor, rate: float, decay: float) -> None:
        """Momentum, decay, step."""
        sgd = self.shared
        assert isinstance(sgd, SGD)
        velocity = self.memory[0][rows].mul_(sgd.momentum).add_(gradients[rows])
        parameters = self.parameters[rows]
        if decay:
            parameters.mul_(1 - rate * decay)
        parameters.add_(velocity, alpha=-rate)

    def _sizes(self, rates: Tensor) -> list[Layer]:
        """The effective learning rate of every parameter, layer by layer."""
        if isinstance(self.shared, Adam):
            correction = 1 - self.shared.beta2**self.step
            sizes = rates[:, None] / ((self.memory[1] / correction).sqrt_().add_(self.shared.epsilon))
        else:
            assert isinstance(self.shared, SGD)
            sizes = (rates[:, None] / (1 - self.shared.momentum)).expand_as(self.parameters).contiguous()
        return layers_of(sizes, self.widths)
