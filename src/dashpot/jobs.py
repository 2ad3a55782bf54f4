"""A network to train is a `Job`; many jobs become few stacks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from dashpot.embeddings import width
from dashpot.losses import Loss
from dashpot.networks import CLIP, Activations, Network, built, parameter_count
from dashpot.optimizers import AdamW, Optimizer
from dashpot.tables.encode import Inputs

if TYPE_CHECKING:
    from dashpot.regularizers.recipe import Recipe

LARGEST_STACK = 40 * 2**20  # bytes that a stack works on in a step: large enough to be worth a call, near the cache
WORTH_DIVIDING = 4 * 2**20  # bytes of a group that is divided so that every worker has a stack
BATCH_MULTIPLE = 32  # batches are padded to this, so that vector loops give equal bits in any stack


@dataclass(frozen=True, eq=False)
class Examples:
    """Every row that a study or a fit knows, as numbers.

    Attributes
    ----------
    inputs : float32 array (rows, inputs), NaN where a cell is missing
    targets : class numbers int64 (rows,), or float32 (rows, outputs)
    columns : Inputs
        What each input is.
    weights : float64 array (rows,) or None
    groups : int array (rows,) or None
    """

    inputs: np.ndarray
    targets: np.ndarray
    columns: Inputs
    weights: np.ndarray | None = None
    groups: np.ndarray | None = None

    @property
    def classes(self) -> bool:
        """Whether the targets are class numbers."""
        return self.targets.ndim == 1


@dataclass(frozen=True)
class Design:
    """Everything about a network but its regularizers, its rows and its seed.

    Parameters
    ----------
    hidden_layers : tuple of int
        Widths; () is a linear model.
    activation : str, or tuple of Bend, one for each hidden layer
        Names of `dashpot.networks.ACTIVATIONS`.
    loss : Loss
    optimizer : Optimizer
    batch_size : int
        Rows per step at most. An epoch takes every training row once, in batches that differ by at most one row.
    epochs : int
        Passes through the training rows, at most.
    tolerance : float
        Training stops when an epoch changes the weights by less than this share of their norm. 0 never does.
    standardize : bool
        Whether each network centres and scales inputs (and amounts) by its own training rows.
    clip : float
        Where standardized inputs are pulled in smoothly, in units of their spread. 0 is nowhere.
    numeric_embedding : str
        What the first layer reads of numbers beside their standardized values: "none", or a name of
        `dashpot.embeddings.EMBEDDINGS`.
    skip : bool
        Whether a hidden layer as wide as the one before it adds what it reads to its units.
    norm : {"none", "batch", "layer"}
        Over what the weighted sums of hidden layers are normalized.
    learned : tuple of str
        What is learned beside weights and biases: names of `dashpot.learned.FACTORS`.
    shared : int
        Networks that share their weights up to a factor for each input and each output of each layer, and train as one.
    """

    hidden_layers: tuple[int, ...]
    activation: Activations
    loss: Loss
    optimizer: Optimizer = field(default_factory=AdamW)
    batch_size: int = 64
    epochs: int = 200
    tolerance: float = 1e-5
    standardize: bool = True
    clip: float = CLIP
    numeric_embedding: str = "none"
    skip: bool = False
    norm: str = "none"
    learned: tuple[str, ...] = ()
    shared: int = 1

    @cached_property
    def built(self) -> Activations:
        """The activation of the hidden layers, with skips and norms."""
        return built(self.activation, self.hidden_layers, self.skip, self.norm)

    @property
    def clipping(self) -> float:
        """Where inputs are pulled in: inputs that are not standardized are left alone."""
        return self.clip if self.standardize else 0.0


@dataclass(frozen=True, eq=False)
class Job:
    """One network to train: a recipe, training rows, validation rows, a seed, a design.

    Before planning a job may stand for several networks (`Ensemble`); `train` gives a tuple for each job.
    `start` holds the networks to go on from, one for each member; without any, training begins anew.
    """

    recipe: Recipe
    rows: np.ndarray
    validation: np.ndarray
    seed: int
    design: Design
    start: tuple[Network, ...] = ()
    columns: float = 1.0  # share of the source columns that the network sees, drawn by its seed

    def widths(self, examples: Examples) -> tuple[int, ...]:
        """Widths of all layers: what the first reads, hidden ones, outputs."""
        outputs = self.design.loss.encode(examples.targets[:1]).shape[1]
        return width(examples.columns, self.design.numeric_embedding), *self.design.hidden_layers, outputs


@dataclass(frozen=True, eq=False)
class Sample:
    """The training rows of one job while they are resampled: numbers of rows, then rows that were made.

    Attributes
    ----------
    examples : Examples
    rows : int array
        Row numbers into `examples`, repeats allowed.
    made : Examples or None
        New rows (SMOTE), behind the others.
    shares : float array (classes,) or None
        The classes' shares that predicted probabilities shall keep to, where training sees others.
    seen : float array (classes,) or None
        The classes' shares in the batches, where they are not those of these rows.
    """

    examples: Examples
    rows: np.ndarray
    made: Examples | None = None
    shares: np.ndarray | None = None
    seen: np.ndarray | None = None

    @property
    def inputs(self) -> np.ndarray:
        """All inputs, real rows first, (rows, inputs)."""
        real = self.examples.inputs[self.rows]
        return real if self.made is None else np.vstack([real, self.made.inputs])

    @property
    def targets(self) -> np.ndarray:
        """All targets."""
        real = self.examples.targets[self.rows]
        return real if self.made is None else np.concatenate([real, self.made.targets])

    @property
    def weights(self) -> np.ndarray:
        """All row weights with mean 1."""
        given = self.examples.weights
        real = np.ones(len(self.rows)) if given is None else given[self.rows]
        typical = real.mean() if len(real) else 1.0
        made = np.ones(0) if self.made is None else np.full(len(self.made.inputs), typical)
        weights = np.concatenate([real, made])
        return weights / weights.mean() if weights.any() else weights

    def __len__(self) -> int:
        return len(self.rows) + (0 if self.made is None else len(self.made.inputs))

    def key(self) -> tuple[bytes | None, ...]:
        """Equal for samples of the same rows and shares, where no rows were made."""
        return tuple(None if part is None else part.tobytes() for part in (self.rows, self.shares, self.seen))

    def take(self, chosen: np.ndarray) -> Sample:
        """Some of the rows, repeats allowed; rows that were made cannot be taken again."""
        return replace(self, rows=self.rows[chosen])

    def append(self, inputs: np.ndarray, targets: np.ndarray) -> Sample:
        """The same rows and new ones behind them."""
        if self.made is not None:
            inputs = np.vstack([self.made.inputs, inputs])
            targets = np.concatenate([self.made.targets, targets])
        return replace(self, made=Examples(inputs.astype(np.float32), targets, self.examples.columns))


@dataclass(frozen=True, eq=False)
class Prepared:
    """A job whose rows are final."""

    number: int  # which of the planned jobs this is
    job: Job
    sample: Sample

    @property
    def batch_width(self) -> int:
        """Rows of a padded batch."""
        largest = -(-len(self.sample) // self.steps)
        return -(-largest // BATCH_MULTIPLE) * BATCH_MULTIPLE

    @property
    def steps(self) -> int:
        """Steps of an epoch: all batches are full to one row."""
        return max(1, -(-len(self.sample) // self.job.design.batch_size))


def prepare(examples: Examples, planned: Sequence[Job]) -> list[Prepared]:
    """Hold rows out for validation, then resample the others, both by the job's own seed."""
    prepared = []
    for number, planned_job in enumerate(planned):
        job = planned_job if len(planned_job.validation) else planned_job.recipe.hold_out(planned_job, examples)
        rng = np.random.default_rng([job.seed & 0xFFFFFFFF, job.seed >> 32, 1])
        prepared.append(Prepared(number, job, job.recipe.resample(Sample(examples, job.rows), rng)))
    return prepared


def stacks(examples: Examples, prepared: Sequence[Prepared], workers: int = 1) -> list[list[Prepared]]:
    """Jobs that can train as one computation, at most as many together as work well in the cache.

    A stack shares widths, activation, loss, kind of optimizer, kinds of regularizers, and batches per epoch.
    """
    groups: dict[Any, list[Prepared]] = {}
    for one in prepared:
        design = one.job.design
        key = (
            one.job.widths(examples),
            design.built,
            design.loss,
            design.optimizer.kind,
            design.standardize,
            design.clip,
            design.numeric_embedding,
            design.norm,
            design.learned,
            design.shared,
            one.job.recipe.structures,
            one.steps,
            one.batch_width,
        )
        groups.setdefault(key, []).append(one)
    least = max(1, workers // len(groups)) if groups else 1
    divided = [part for group in groups.values() for part in _divided(examples, group, least)]
    return sorted(divided, key=len, reverse=True)


def _divided(examples: Examples, group: list[Prepared], least: int) -> list[list[Prepared]]:
    """A group in equal parts: none too large, and `least` parts where there is work for them."""
    widths = group[0].job.widths(examples)
    bytes_each = 4 * (4 * parameter_count(widths) + 6 * group[0].batch_width * sum(widths))
    bytes_each *= group[0].job.design.shared
    most = max(1, LARGEST_STACK // bytes_each)
    parts = -(-len(group) // most)
    if len(group) * bytes_each > WORTH_DIVIDING:
        parts = min(len(group), -(-parts // least) * least)
    return [list(part) for part in np.array_split(np.array(group, dtype=object), parts)]
