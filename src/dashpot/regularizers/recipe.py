"""Several regularizers in order are a regularizer; the recipes of a stack are one recipe."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from dashpot.errors import UsageError
from dashpot.randomness import Draws
from dashpot.regularizers.base import Epoch, Memory, Regularizer, overrides, strength_fields, with_fields

if TYPE_CHECKING:
    from dashpot.jobs import Examples, Job, Sample
    from dashpot.networks import Layer
    from dashpot.optimizers import Step
    from dashpot.tables.encode import Inputs


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
            name = "/".join(map(_word, (type(part).__name__, *part.structure[1:])))
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

    def bind(self, columns: Inputs) -> Recipe:
        """Each part by itself."""
        return Recipe(tuple(part.bind(columns) for part in self.parts)) if self.using("bind") else self

    def at(self, progress: Tensor) -> Recipe:
        """Each part by itself; a recipe without schedules stays as it is."""
        parts = tuple(part.at(progress) for part in self.parts)
        return self if all(a is b for a, b in zip(parts, self.parts, strict=True)) else Recipe(parts)

    def order(self, sample: Sample, rng: np.random.Generator) -> np.ndarray:
        """The last part that has an order of its own."""
        users = self.using("order")
        return users[-1][1].order(sample, rng) if users else super().order(sample, rng)

    def initialize(self, layers: Sequence[Layer], rng: Draws) -> Sequence[Layer]:
        """One part after another."""
        for i, part in self.using("initialize"):
            layers = part.initialize(layers, rng.at(self.places[i]))
        return layers

    def settle(self, layers: Sequence[Layer], run: Callable[[Sequence[Layer]], Sequence[Tensor]]) -> Sequence[Layer]:
        """One part after another."""
        for _, part in self.using("settle"):
            layers = part.settle(layers, run)
        return layers

    def augment(self, inputs: Tensor, targets: Tensor, rng: Draws) -> tuple[Tensor, Tensor]:
        """One part after another."""
        for i, part in self.using("augment"):
            inputs, targets = part.augment(inputs, targets, rng.at(self.places[i]))
        return inputs, targets

    def oppose(self, inputs: Tensor, slope: Callable[[Tensor], Tensor], rng: Draws) -> Tensor:
        """One part after another."""
        for i, part in self.using("oppose"):
            inputs = part.oppose(inputs, slope, rng.at(self.places[i]))
        return inputs

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
        memories = [_named(part.begin(parameters), i) for i, part in self.using("begin")]
        return {name: tensor for memory in memories for name, tensor in memory.items()}

    def end_step(self, memory: Memory, parameters: Tensor) -> Memory:
        """Each part with its own memory."""
        for i, part in self.using("end_step"):
            memory = memory | _named(part.end_step(_own(memory, i), parameters), i)
        return memory

    def shown(self, memory: Memory, parameters: Tensor) -> Tensor:
        """One part after another."""
        for i, part in self.using("shown"):
            parameters = part.shown(_own(memory, i), parameters)
        return parameters

    def end_epoch(self, memory: Memory, epoch: Epoch) -> tuple[Memory, Tensor | None]:
        """A network stops when any part stops it."""
        stopped: Tensor | None = None
        for i, part in self.using("end_epoch"):
            own, stops = part.end_epoch(_own(memory, i), epoch)
            memory = memory | _named(own, i)
            if stops is not None:
                stopped = stops if stopped is None else stopped | stops
        return memory, stopped

    def finish(self, memory: Memory, parameters: Tensor) -> Tensor:
        """One part after another."""
        for i, part in self.using("finish"):
            parameters = part.finish(_own(memory, i), parameters)
        return parameters

    def snapshots(self, memory: Memory) -> list[Tensor]:
        """Those of all parts."""
        return [copy for i, part in self.using("snapshots") for copy in part.snapshots(_own(memory, i))]


def _word(value: Any) -> str:
    """A structural field as text; of a function its name, since its address differs from run to run."""
    return str(getattr(value, "__qualname__", type(value).__qualname__)) if callable(value) else str(value)


def _own(memory: Memory, position: int) -> Memory:
    """The part of a recipe's memory that belongs to the part at a position."""
    prefix = f"{position}."
    return {name.removeprefix(prefix): value for name, value in memory.items() if name.startswith(prefix)}


def _named(memory: Memory, position: int) -> Memory:
    """A part's own memory, under its position."""
    return {f"{position}.{name}": value for name, value in memory.items()}


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
        parts.append(with_fields(template, values))
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
