"""What a regularizer is: a frozen dataclass that overrides one or two pure hooks, one for each moment.

`Recipe` is several regularizers in order, and is itself a regularizer. A hook that is not overridden
does nothing and costs nothing. Strengths are fields: a number for one network, and a tensor of shape
(networks,) where many networks train in one stack. A network of the stack that does without a
regularizer stands at its `off` values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

import numpy as np
import torch
from torch import Tensor

from dashpot.errors import UsageError
from dashpot.randomness import Draws

if TYPE_CHECKING:
    from dashpot.jobs import Examples, Job, Sample
    from dashpot.networks import Layer
    from dashpot.optimizers import Step

Memory = dict[str, Tensor]
NUMBERS = ("float", "int", float, int)  # how a strength may be annotated


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
    parameters: Tensor  # (networks, size)


@dataclass(frozen=True)
class Regularizer:
    """Base of all regularizers: every hook, and the moment at which it is called.

    Subclasses are frozen dataclasses. `off` holds the field values at which the regularizer does nothing;
    `ranges` where its strengths are worth trying.
    """

    off: ClassVar[Mapping[str, Any]] = {}
    ranges: ClassVar[Mapping[str, Range]] = {}

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

    # ---- at every step, all networks of a stack at once

    def augment(self, inputs: Tensor, targets: Tensor, rng: Draws) -> tuple[Tensor, Tensor]:
        """A batch before the network sees it: inputs (networks, batch, inputs), targets (networks, batch, outputs)."""
        return inputs, targets

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

    # ---- at the start, after each epoch, at the end: what it remembers goes in and comes out

    def begin(self, parameters: Tensor) -> Memory:
        """Before the first step: tensors to remember, each (networks, ...)."""
        return {}

    def end_epoch(self, memory: Memory, epoch: Epoch) -> tuple[Memory, Tensor | None]:
        """After each epoch: the new memory, and which networks stop now, bool (networks,) or None."""
        return memory, None

    def finish(self, memory: Memory, parameters: Tensor) -> Tensor:
        """When a network stops: the parameters to keep, (networks, size)."""
        return parameters

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
        whole = {field.name for field in fields(cls) if field.type in ("int", int)}
        shares = [index / max(count - 1, 1) for index in range(count)]
        values = [{name: r.between(share) for name, r in cls.ranges.items()} for share in shares]
        return tuple(cls(**{n: round(v) if n in whole else v for n, v in one.items()}) for one in values)

    def switched_off(self) -> Regularizer:
        """This regularizer at its `off` values."""
        return _with_fields(self, dict(self.off))


def _with_fields(regularizer: Regularizer, values: Mapping[str, Any]) -> Regularizer:
    """A copy with other field values, unchecked: tensors stand where numbers are declared."""
    copy = object.__new__(type(regularizer))
    for field in fields(regularizer):
        object.__setattr__(copy, field.name, values.get(field.name, getattr(regularizer, field.name)))
    return copy


def strength_fields(cls: type[Regularizer]) -> list[str]:
    """The fields that hold a number, and so may differ between the networks of a stack."""
    return [field.name for field in fields(cls) if field.type in NUMBERS]


def structural_fields(cls: type[Regularizer]) -> list[str]:
    """The fields that all networks of a stack share."""
    return [field.name for field in fields(cls) if field.type not in NUMBERS]


def overrides(regularizer: Regularizer, hook: str) -> bool:
    """Whether a regularizer has its own version of a hook."""
    return getattr(type(regularizer), hook) is not getattr(Regularizer, hook)


def spread(strength: float | Tensor, like: Tensor) -> float | Tensor:
    """A strength of shape (networks,) with as many axes as `like`; a plain number stays one."""
    if isinstance(strength, Tensor):
        return strength.view(-1, *[1] * (like.ndim - 1))
    return strength


@dataclass(frozen=True)
class Recipe(Regularizer):
    """Several regularizers in order.

    Parameters
    ----------
    parts : tuple of Regularizer, default ()
        Applied in this order at each moment. Recipes inside are unfolded.

    Examples
    --------
    >>> from dashpot.regularizers import L2, Dropout
    >>> Recipe((L2(0.001), Dropout(0.3)))
    Recipe(parts=(L2(strength=0.001), Dropout(rate=0.3)))
    """

    parts: tuple[Regularizer, ...] = ()

    def __post_init__(self) -> None:
        """Unfold recipes and refuse what is no regularizer."""
        unfolded: list[Regularizer] = []
        for part in self.parts:
            if not isinstance(part, Regularizer):
                raise UsageError(f"regularizers: {part!r} is not a regularizer. Pass instances such as Dropout(0.3).")
            unfolded.extend(part.parts if isinstance(part, Recipe) else [part])
        object.__setattr__(self, "parts", tuple(unfolded))

    @cached_property
    def places(self) -> tuple[str, ...]:
        """A name for each part's random draws, the same whatever other kinds of part stand beside it."""
        seen: Counter[str] = Counter()
        names = []
        for part in self.parts:
            name = "/".join(str(word) for word in (type(part).__name__, *part.structure[1:]))
            names.append(f"{name}#{seen[name]}")
            seen[name] += 1
        return tuple(names)

    def using(self, hook: str) -> list[tuple[int, Regularizer]]:
        """The parts that have their own version of a hook, each with its position."""
        if hook not in self._users:
            self._users[hook] = [(i, part) for i, part in enumerate(self.parts) if overrides(part, hook)]
        return self._users[hook]

    @cached_property
    def _users(self) -> dict[str, list[tuple[int, Regularizer]]]:
        return {}

    @cached_property
    def structures(self) -> tuple[tuple[Any, ...], ...]:
        """What recipes of one stack have in common, part by part."""
        return tuple(part.structure for part in self.parts)

    def plan(self, job: Job) -> list[Job]:
        """Each part splits the jobs that the parts before it made."""
        jobs = [job]
        for _, part in self.using("plan"):
            jobs = [planned for job in jobs for planned in part.plan(job)]
        return jobs

    def hold_out(self, job: Job, examples: Examples) -> Job:
        """The first part that wants validation rows takes them."""
        for _, part in self.using("hold_out"):
            if not len(job.validation):
                job = part.hold_out(job, examples)
        return job

    def resample(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """One part after another."""
        for _, part in self.using("resample"):
            sample = part.resample(sample, rng)
        return sample

    def initialize(self, layers: Sequence[Layer], rng: Draws) -> Sequence[Layer]:
        """One part after another."""
        for i, part in self.using("initialize"):
            layers = part.initialize(layers, rng.at(self.places[i]))
        return layers

    def augment(self, inputs: Tensor, targets: Tensor, rng: Draws) -> tuple[Tensor, Tensor]:
        """One part after another."""
        for i, part in self.using("augment"):
            inputs, targets = part.augment(inputs, targets, rng.at(self.places[i]))
        return inputs, targets

    def perturb_weights(self, layers: Sequence[Layer], rng: Draws) -> Sequence[Layer]:
        """One part after another."""
        for i, part in self.using("perturb_weights"):
            layers = part.perturb_weights(layers, rng.at(self.places[i]))
        return layers

    def perturb_units(self, units: Tensor, depth: int, rng: Draws) -> Tensor:
        """One part after another."""
        for i, part in self.using("perturb_units"):
            units = part.perturb_units(units, depth, rng.at(self.places[i]).at(depth + 1))
        return units

    def penalty(self, layers: Sequence[Layer], units: Sequence[Tensor]) -> Tensor | float:
        """The sum over the parts."""
        return sum((part.penalty(layers, units) for _, part in self.using("penalty")), start=0.0)

    def constrain(self, layers: Sequence[Layer], step: Step) -> Sequence[Layer]:
        """One part after another."""
        for _, part in self.using("constrain"):
            layers = part.constrain(layers, step)
        return layers

    def begin(self, parameters: Tensor) -> Memory:
        """The memories of all parts, each under the position of its part."""
        return {
            f"{i}.{name}": tensor for i, part in self.using("begin") for name, tensor in part.begin(parameters).items()
        }

    def end_epoch(self, memory: Memory, epoch: Epoch) -> tuple[Memory, Tensor | None]:
        """A network stops when any part stops it."""
        stopped: Tensor | None = None
        for i, part in self.using("end_epoch"):
            own, stops = part.end_epoch(_own(memory, i), epoch)
            memory = memory | {f"{i}.{name}": tensor for name, tensor in own.items()}
            if stops is not None:
                stopped = stops if stopped is None else stopped | stops
        return memory, stopped

    def finish(self, memory: Memory, parameters: Tensor) -> Tensor:
        """One part after another."""
        for i, part in self.using("finish"):
            parameters = part.finish(_own(memory, i), parameters)
        return parameters


def _own(memory: Memory, position: int) -> Memory:
    """The part of a recipe's memory that belongs to the part at a position."""
    prefix = f"{position}."
    return {name.removeprefix(prefix): value for name, value in memory.items() if name.startswith(prefix)}


def stacked(recipes: Sequence[Recipe], device: torch.device | str = "cpu") -> Recipe:
    """One recipe for many networks: every strength becomes a tensor of shape (networks,).

    The parts are those of all recipes together; a recipe without a part stands at that part's `off` values.
    """
    parts = []
    for template, members in aligned(recipes):
        values = {
            name: torch.tensor([float(getattr(m, name)) for m in members], dtype=torch.float32, device=device)
            for name in strength_fields(type(template))
        }
        parts.append(_with_fields(template, values))
    return Recipe(tuple(parts))


def aligned(recipes: Sequence[Recipe]) -> list[tuple[Regularizer, list[Regularizer]]]:
    """For each part that any recipe has: the part, and every recipe's own version of it or its `off` twin."""
    order: dict[tuple[Any, int], Regularizer] = {}
    found: list[dict[tuple[Any, int], Regularizer]] = []
    for recipe in recipes:
        counts: Counter[tuple[Any, ...]] = Counter()
        own = {}
        for part in recipe.parts:
            own[part.structure, counts[part.structure]] = part
            counts[part.structure] += 1
        found.append(own)
        order |= {key: part for key, part in own.items() if key not in order}
    return [(part, [own.get(key, part.switched_off()) for own in found]) for key, part in order.items()]
