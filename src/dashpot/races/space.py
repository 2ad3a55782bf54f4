"""What takes part in a race: recipes and shapes, drawn from what each regularizer says of its own range."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from scipy.stats import qmc

from dashpot.embeddings import CHOICES, width
from dashpot.jobs import Design, Examples
from dashpot.optimizers import AdamW
from dashpot.regularizers import (
    L1,
    L2,
    CutMix,
    Dropout,
    EarlyStopping,
    GroupLasso,
    InputDropout,
    LabelSmoothing,
    MaxNorm,
    Mixup,
    MovingAverage,
    Noise,
    Recipe,
)
from dashpot.regularizers.base import Range, Regularizer

FAMILY = 4  # candidates that differ in strengths and learning rate only, and so train as one stack
MOST_PARTS = 3  # regularizers of a family at most, besides early stopping
LEARNING_RATE = Range(5e-4, 2e-2)
DECAY = Range(2e-3, 1.0)

# For tables. Images have their own; early stopping is always on, on the fold that is left out.
POOL: tuple[Regularizer, ...] = (
    Dropout(),
    InputDropout(),
    Noise("inputs", "gaussian"),
    Noise("weights", "gaussian"),
    L1(),
    L2(),
    GroupLasso(),
    MaxNorm(),
    Mixup(),
    CutMix(),
    LabelSmoothing(),
    MovingAverage(),
)


@dataclass(frozen=True)
class Space:
    """What a family may be, besides its regularizers; each is drawn with equal chances.

    Attributes
    ----------
    shapes : tuple of tuple of int
        Widths of hidden layers; of an autoencoder those of its encoder.
    activations : tuple of str
    batch_sizes : tuple of int
    numeric_embeddings : tuple of str
    norms : tuple of str
        Of networks with hidden layers.
    skips : tuple of bool
        Whether skip connections are there; only where a hidden layer is as wide as the one before it.
    fewest : int
        Regularizers at least, besides early stopping.
    openings : tuple of Space
        What the first families are drawn from, one from each, with no regularizer but dropout.
    """

    shapes: tuple[tuple[int, ...], ...]
    activations: tuple[str, ...] = ("relu", "relu", "selu", "gelu", "tanh")
    batch_sizes: tuple[int, ...] = (64, 128, 256)
    numeric_embeddings: tuple[str, ...] = ("none",)
    norms: tuple[str, ...] = ("none",)
    skips: tuple[bool, ...] = (False,)
    fewest: int = 1
    openings: tuple[Space, ...] = ()


PREDICTING = Space(
    ((), (64,), (128,), (256,), (64, 64), (128, 128), (256, 256), (128, 128, 128)),
    numeric_embeddings=tuple(CHOICES),
    norms=("none", "none", "none", "layer"),
    skips=(False, True),
)


MANY_ROWS = 10_000  # from which on deeper networks and larger batches begin, and narrow ones do not
WIDE = Space(((256,) * 3,), ("gelu",), (256,))
DEEP = replace(
    PREDICTING,
    shapes=((128, 128), (256, 256), (128,) * 3, (256,) * 3, (256,) * 4),
    batch_sizes=(256, 512),
    openings=tuple(replace(WIDE, numeric_embeddings=(kind,)) for kind in ("periodic", "piecewise_linear")),
)


def predicting(rows: int) -> Space:
    """What networks with a target may be on so many rows."""
    return DEEP if rows >= MANY_ROWS else PREDICTING


@dataclass(frozen=True)
class Candidate:
    """One recipe with one design: on each fold it is one network.

    Attributes
    ----------
    number : int
        The default recipe comes first, once for each of its numeric embeddings; the others count on in the order in
        which they were drawn.
    recipe : Recipe
    design : Design
    default : bool
        Whether it is the estimator's default recipe.
    """

    number: int
    recipe: Recipe
    design: Design
    default: bool = False

    @property
    def choices(self) -> frozenset[str]:
        """What was chosen for its family, in words that stand alone: shape, batch size, regularizers."""
        design = self.design
        words = {
            f"hidden layers {layers_of(self)}",
            f"batch size {design.batch_size}",
            f"numeric embedding {design.numeric_embedding}",
            *map(kind_of, self.recipe.parts),
        }
        activation, *others = built_of(design)
        return frozenset(words | ({f"activation {activation}", *others} if design.hidden_layers else set()))

    @property
    def size(self) -> tuple[int, int]:
        """How complicated it is: units, then regularizers; the smaller is the simpler."""
        return sum(self.design.hidden_layers), len(self.recipe.parts)


def work(candidate: Candidate, examples: Examples) -> float:
    """How long an epoch of its network takes beside those of others: as the root of weights for each row of a batch.

    Of small products of matrices each number takes longer, and small batches are more steps.
    """
    return math.sqrt(network_weights(candidate, examples) / candidate.design.batch_size)


def network_weights(candidate: Candidate, examples: Examples) -> int:
    """Weights of its network up to the last hidden layer, at least 1."""
    reads = width(examples.columns, candidate.design.numeric_embedding)
    return max(sum(before * own for before, own in pairwise((reads, *candidate.design.hidden_layers))), 1)


def layers_of(candidate: Candidate) -> str:
    """Widths of its hidden layers in words."""
    return ", ".join(map(str, candidate.design.hidden_layers)) or "none"


def built_of(design: Design) -> list[str]:
    """What its hidden layers have: activation, skips, norm, in words that stand alone."""
    others = ["skip connections"] * design.skip + [f"{design.norm} norm"] * (design.norm != "none")
    return [str(design.activation), *others]


def kind_of(part: Regularizer) -> str:
    """The class of a regularizer; a noise with what it is added to and its kind, where that is not gaussian."""
    words = [getattr(part, name, None) for name in ("target", "kind")]
    told = [word for word in words if isinstance(word, str) and word != "gaussian"]
    return f"{type(part).__name__}({', '.join(told)})" if told else type(part).__name__


def draw(
    design: Design,
    pool: Sequence[Regularizer],
    fixed: Sequence[Regularizer],
    classes: bool,
    seed: int,
    monitors: Sequence[str] = ("loss",),
    space: Space = PREDICTING,
    begin: int = 1,
) -> Iterator[Candidate]:
    """Candidates without end, family by family: the same for a seed, however many are taken.

    Parameters
    ----------
    design : Design
        Loss, epochs and all else that is not drawn.
    pool : sequence of Regularizer
        Each is on in some families, at strengths from its own `ranges`.
    fixed : sequence of Regularizer
        On in all, as they are.
    classes : bool
        Whether the targets are classes; otherwise nothing that mixes or smooths labels of classes takes part.
    seed : int
    monitors : sequence of str
        What early stopping watches, one of them for each family.
    space : Space
        Shapes and all else that a family shares.
    begin : int
        The number of the first.
    """
    usable = [part for part in pool if classes or not isinstance(part, LabelSmoothing | CutMix)]
    dropout = [part for part in usable if isinstance(part, Dropout)]
    openings = iter(space.openings)
    number = begin
    while True:
        own = next(openings, space)
        parts = usable if own is space else dropout
        rng = np.random.default_rng([seed, number])
        for one in _family(design, parts, fixed, monitors, own, rng):
            yield replace(one, number=number)
            number += 1


def _family(
    design: Design,
    pool: Sequence[Regularizer],
    fixed: Sequence[Regularizer],
    monitors: Sequence[str],
    space: Space,
    rng: np.random.Generator,
) -> Iterator[Candidate]:
    """Candidates that can train as one stack; strengths spread by a Sobol sequence."""
    shape = space.shapes[rng.integers(len(space.shapes))]
    activation = space.activations[rng.integers(len(space.activations))]
    batch = int(rng.choice(space.batch_sizes))
    count = int(rng.integers(space.fewest, min(MOST_PARTS, len(pool)) + 1)) if pool else 0
    chosen = [pool[i] for i in sorted(rng.choice(len(pool), count, replace=False))] if count else []
    numeric = space.numeric_embeddings[rng.integers(len(space.numeric_embeddings))]
    shares = qmc.Sobol(2 + len(chosen), rng=rng).random(FAMILY)
    stopping = EarlyStopping(monitors[int(rng.integers(len(monitors)))], patience=25)
    skip = bool(rng.choice(space.skips)) and repeats(shape)
    norm = str(rng.choice(space.norms)) if shape else "none"
    for rate, decay, *strengths in shares.tolist():
        parts = tuple(part.at_share(share) for part, share in zip(chosen, strengths, strict=True))
        optimizer = AdamW(LEARNING_RATE.between(rate), schedule="cosine", decay=DECAY.between(decay), beta2=0.95)
        own = replace(design, hidden_layers=shape, activation=activation, batch_size=batch, optimizer=optimizer)
        own = replace(own, numeric_embedding=numeric, skip=skip, norm=norm)
        yield Candidate(0, Recipe((*fixed, *parts, stopping)), own)


def spread(pool: Sequence[Regularizer], space: Space) -> list[object]:
    """All that candidates are drawn from: where it differs, a number stands for another candidate."""
    return [list(pool), [part.ranges for part in pool], LEARNING_RATE, DECAY, space]


def repeats(shape: tuple[int, ...]) -> bool:
    """Whether a hidden layer is as wide as the one before it, so that a skip connection can pass it by."""
    return any(before == own for before, own in pairwise(shape))
