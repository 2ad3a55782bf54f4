"""What a regularizer is: a frozen dataclass that overrides one or two pure hooks, one for each moment.

A hook that is not overridden does nothing and costs nothing. Strengths are fields: a number for one network,
and a tensor of shape (networks,) where many networks train in one stack. A network of the stack that does
without a regularizer stands at its `off` values. A field with `init=False` holds what `bind` found out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

import numpy as np
import torch
from torch import Tensor

from dashpot.randomness import Draws

if TYPE_CHECKING:
    from dashpot.jobs import Examples, Job, Sample
    from dashpot.networks import Layer
    from dashpot.optimizers import Step
    from dashpot.tables.encode import Inputs

Memory = dict[str, Tensor]
QUIET = (
    "layers",
    "schedule",
    "corrected",
    "columns",
    "recipes",
    "shapes",
    "numeric_embeddings",
    "skips",
    "shared",
    "start_epoch",
    "smoothing",
)  # written only where they are no default
NUMBERS = ("float", "int", float, int)  # how a strength may be annotated

# How a strength moves over the training, t from 0 to 1, between its off value (0) and itself (1).
SCHEDULES: dict[str, Callable[[Tensor], Tensor]] = {
    "constant": torch.ones_like,
    "rising": lambda t: t,
    "falling": lambda t: 1 - t,
    "cosine": lambda t: 0.5 * (1 + torch.cos(math.pi * t)),
    "flat_cosine": lambda t: 0.5 * (1 + torch.cos(math.pi * (2 * t - 1).clamp(min=0))),
}


class Range(NamedTuple):
    """Where a strength is worth trying: from `low` (weak) to `high` (strong), on a `log` or `linear` scale."""

    low: float
    high: float
    scale: str = "log"

    def between(self, share: float) -> float:
        """The value at a share of the way, 0 is the weak end."""
        if self.scale == "log":
            return float(f"{self.low * (self.high / self.low) ** share:.3g}")
        return float(f"{self.low + (self.high - self.low) * share:.3g}")


class Epoch(NamedTuple):
    """What a network's regularizers see at the end of an epoch; every tensor begins with (networks,)."""

    number: Tensor  # epochs done so far, (networks,)
    validation: Mapping[str, Tensor]  # "loss" and "error" on the validation rows, NaN without such rows
    parameters: Tensor  # those that `shown` gives, (networks, size)


@dataclass(frozen=True)
class Regularizer:
    """Base of all regularizers: every hook, and the moment at which it is called.

    Subclasses are frozen dataclasses. `off` holds the field values at which the regularizer does nothing;
    `ranges` where its strengths are worth trying.
    """

    off: ClassVar[Mapping[str, Any]] = {}
    ranges: ClassVar[Mapping[str, Range]] = {}

    def __init_subclass__(cls) -> None:
        """Every subclass is written as below; `dataclass` leaves a `__repr__` alone that stands in the class."""
        super().__init_subclass__()
        if "__repr__" not in cls.__dict__:
            cls.__repr__ = Regularizer.__repr__  # type: ignore[method-assign]

    def __repr__(self) -> str:
        """As a call. Fields of second rank are left out while they are the default."""
        written = [one for one in fields(self) if one.repr]
        values = [(one.name, getattr(self, one.name), one.default) for one in written]
        shown = [f"{name}={value!r}" for name, value, default in values if name not in QUIET or value != default]
        return f"{type(self).__name__}({', '.join(shown)})"

    # ---- before training, one job at a time

    def plan(self, job: Job) -> list[Job]:
        """Before anything else: the jobs to train instead of this one (ensembles, held-out rows)."""
        return [job]

    def hold_out(self, job: Job, examples: Examples) -> Job:
        """Once, for a network without validation rows: the job with some of its rows kept for validation."""
        return job

    def resample(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """Once, on the training rows alone: choose rows again, or append new ones."""
        return sample

    def initialize(self, layers: Sequence[Layer], rng: Draws) -> Sequence[Layer]:
        """Once: the first weights, in place of those that `layers` holds."""
        return layers

    def settle(self, layers: Sequence[Layer], run: Callable[[Sequence[Layer]], Sequence[Tensor]]) -> Sequence[Layer]:
        """Once, after `initialize`: the first weights, fitted to the training rows.

        `run(layers)` gives the units of every layer from depth 0, the standardized inputs of training rows, on.
        """
        return layers

    # ---- when networks come together in a stack

    def bind(self, columns: Inputs) -> Regularizer:
        """Once for a stack: this regularizer, knowing what each input is (`with_fields` sets `init=False` fields)."""
        return self

    # ---- at every epoch, one network at a time

    def order(self, sample: Sample, rng: np.random.Generator) -> np.ndarray:
        """The rows of the coming epoch in their order: `len(sample)` positions within the sample."""
        return rng.permutation(len(sample))

    # ---- at every step, all networks of a stack at once

    def augment(self, inputs: Tensor, targets: Tensor, rng: Draws) -> tuple[Tensor, Tensor]:
        """A batch before the network sees it: inputs (networks, batch, inputs), targets (networks, batch, outputs)."""
        return inputs, targets

    def oppose(self, inputs: Tensor, slope: Callable[[Tensor], Tensor], rng: Draws) -> Tensor:
        """Inputs moved against the network; `slope(inputs)` is the gradient of the loss there, shaped like them."""
        return inputs

    def perturb_weights(self, layers: Sequence[Layer], rng: Draws) -> Sequence[Layer]:
        """The weights for this step's forward pass; penalties and updates keep the true ones."""
        return layers

    def perturb_units(self, units: Tensor, depth: int, rng: Draws) -> Tensor:
        """The units of a layer, (networks, batch, width); depth 0 is the input."""
        return units

    def penalty(self, layers: Sequence[Layer], units: Sequence[Tensor]) -> Tensor | float:
        """What is added to each network's loss, (networks,), never negative."""
        return 0.0

    def constrain(self, layers: Sequence[Layer], step: Step) -> Sequence[Layer]:
        """The weights after the optimizer's update of this step."""
        return layers

    # ---- at the start, after each step and epoch, at the end: what it remembers goes in and comes out

    def begin(self, parameters: Tensor) -> Memory:
        """Before the first step: tensors to remember, each (networks, ...)."""
        return {}

    def end_step(self, memory: Memory, parameters: Tensor) -> Memory:
        """After each step: the new memory; `parameters` (networks, size) change in place afterwards."""
        return memory

    def shown(self, memory: Memory, parameters: Tensor) -> Tensor:
        """After each epoch: the parameters that are validated and kept in place of those that train (averages)."""
        return parameters

    def end_epoch(self, memory: Memory, epoch: Epoch) -> tuple[Memory, Tensor | None]:
        """After each epoch: the new memory, and which networks stop now, bool (networks,) or None."""
        return memory, None

    def finish(self, memory: Memory, parameters: Tensor) -> Tensor:
        """When a network stops: the parameters to keep, (networks, size)."""
        return parameters

    def snapshots(self, memory: Memory) -> list[Tensor]:
        """When a network stops: parameters (networks, size) of further networks to keep beside it, NaN for none."""
        return []

    # ---- one for a stack, and the values worth trying

    @property
    def is_off(self) -> bool:
        """True where the fields stand at their `off` values."""
        return bool(self.off) and all(getattr(self, name) == value for name, value in self.off.items())

    @property
    def structure(self) -> tuple[Any, ...]:
        """The class and every field that is no number: what two networks of a stack must share."""
        return type(self), *(getattr(self, name) for name in structural_fields(type(self)))

    @classmethod
    def grid(cls, count: int = 3) -> tuple[Self, ...]:
        """Instances to try, from weak to strong."""
        if not cls.ranges:
            return (cls(),)
        return tuple(cls().at_share(index / max(count - 1, 1)) for index in range(count))

    def at_share(self, share: float) -> Self:
        """The same with its strengths at a share of the way through their `ranges`, 0 is the weak end."""
        whole = {field.name for field in fields(self) if field.type in ("int", int)}
        values = {name: place.between(share) for name, place in self.ranges.items()}
        return replace(self, **{name: round(value) if name in whole else value for name, value in values.items()})

    def at(self, progress: Tensor) -> Regularizer:
        """Its strength at a share of each network's training, (networks,), where a field `schedule` moves it."""
        schedule = getattr(self, "schedule", "constant")
        if schedule == "constant":
            return self
        share = SCHEDULES[schedule](progress)
        return with_fields(self, {n: off + (getattr(self, n) - off) * share for n, off in self.off.items()})

    def switched_off(self) -> Regularizer:
        """This regularizer at its `off` values."""
        return with_fields(self, dict(self.off))


def with_fields(regularizer: Regularizer, values: Mapping[str, Any]) -> Regularizer:
    """A copy with other field values, unchecked: tensors stand where numbers are declared."""
    copy = object.__new__(type(regularizer))
    for field in fields(regularizer):
        object.__setattr__(copy, field.name, values.get(field.name, getattr(regularizer, field.name)))
    return copy


def strength_fields(cls: type[Regularizer]) -> list[str]:
    """The fields that hold a number, and so may differ between the networks of a stack."""
    return [field.name for field in fields(cls) if field.init and field.type in NUMBERS]


def structural_fields(cls: type[Regularizer]) -> list[str]:
    """The fields that all networks of a stack share."""
    return [field.name for field in fields(cls) if field.init and field.type not in NUMBERS]


def overrides(regularizer: Regularizer, hook: str) -> bool:
    """Whether a regularizer has its own version of a hook."""
    return getattr(type(regularizer), hook) is not getattr(Regularizer, hook)


def spread(strength: float | Tensor, like: Tensor) -> float | Tensor:
    """A strength of shape (networks,) with as many axes as `like`; a plain number stays one."""
    if isinstance(strength, Tensor):
        return strength.view(-1, *[1] * (like.ndim - 1))
    return strength
