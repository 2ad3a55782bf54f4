"""Numeric embeddings: what the first layer reads of a number beside its standardized value.

A network of a few layers is smooth in its inputs, while targets often follow steps and thresholds: one number as many
features lets the first layer bend where it needs to. Every feature is 0 where the input is: at the centre of the
number, where missing cells, and cells that noise or dropout silenced, stand.

Edges and frequencies belong to a network, like its standardization: they follow from its own training rows, their
targets and its seed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from dashpot.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from dashpot.tables.encode import Inputs

FEWEST = 5  # different values of a number that is embedded
PIECES = 16  # of a number in the piecewise-linear embeddings
STEPS = PIECES // 2  # of these across thresholds, at most
LEAST_ROWS, LEAST_SHARE = 10, 0.02  # of the rows on each side of a threshold, by the larger
SHORTEST = 1e-6  # of a piece, in units of the number's spread; between nearly equal quantiles there is none
WAVES, SPREAD = 8, 0.3  # of a number in the periodic embedding; standard deviation of waves per unit of its spread


class Kind(NamedTuple):
    """One embedding.

    Attributes
    ----------
    features : int
        Further features of each number.
    learn : callable
        From standardized numbers of training rows, (rows, numbers), their targets and a generator: two arrays of
        shape (numbers, features).
    encode : callable
        From numbers (..., numbers, 1) and these two: features (..., numbers, features), for arrays and tensors.
    """

    features: int
    learn: Callable[[np.ndarray, np.ndarray, np.random.Generator], tuple[np.ndarray, np.ndarray]]
    encode: Callable[[Any, Any, Any], Any]


def quantiles(inputs: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Quantiles of each input, (shares, inputs), missing cells left out; 0 where there are no others."""
    absent = np.isnan(inputs)
    known = np.where(absent.all(0), 0.0, inputs)
    return np.asarray((np.nanquantile if absent.any() else np.quantile)(known, shares, axis=0))


def _edges(values: np.ndarray, targets: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Pieces between neighbouring quantiles."""
    points = quantiles(values, np.linspace(0, 1, PIECES + 1)).T
    return _between(points[:, :-1], points[:, 1:])


def _steps(values: np.ndarray, targets: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Pieces between half as many quantiles, and across the thresholds that tell the targets apart."""
    points = quantiles(values, np.linspace(0, 1, PIECES - STEPS + 1)).T
    gaps = np.stack([_gaps(one, targets) for one in values.T])
    return _between(np.hstack([points[:, :-1], gaps[..., 0]]), np.hstack([points[:, 1:], gaps[..., 1]]))


def _between(begins: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each piece begins, and one over its length; 0 where there is no piece."""
    lengths = ends - begins
    return begins, np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > SHORTEST)


def _gaps(values: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """The neighbouring values of one number between which a small tree divides the rows, (STEPS, 2); 0 where none."""
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    gaps, known = np.zeros((STEPS, 2)), ~np.isnan(values)
    values, targets = values[known].astype(np.float32), targets[known]
    if not len(values):
        return gaps
    least = max(LEAST_ROWS, round(LEAST_SHARE * len(values)))
    grow = DecisionTreeClassifier if targets.ndim == 1 else DecisionTreeRegressor
    tree = grow(max_leaf_nodes=STEPS + 1, min_samples_leaf=least, random_state=0).fit(values[:, None], targets).tree_
    different = np.unique(values)
    above = np.searchsorted(different, np.sort(tree.threshold[tree.feature >= 0]), side="right")
    gaps[: len(above)] = np.column_stack([different[above - 1], different[above]])
    return gaps


def _pieces(numbers: Any, begins: Any, slopes: Any) -> Any:
    """The share of each piece that lies below a number."""
    return ((numbers - begins) * slopes).clip(0, 1)


def _frequencies(values: np.ndarray, targets: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Normal frequencies and uniform phases, in radians."""
    shape = values.shape[1], WAVES
    return 2 * np.pi * rng.normal(0.0, SPREAD, shape), rng.uniform(-np.pi, np.pi, shape)


def _waves(numbers: Any, frequencies: Any, phases: Any) -> Any:
    """The cosine of each wave at a number."""
    angles = numbers * frequencies + phases
    return angles.cos() if isinstance(angles, Tensor) else np.cos(angles)


EMBEDDINGS: dict[str, Kind] = {
    "piecewise_linear": Kind(PIECES, _edges, _pieces),  # Gorishniy, Rubachev and Babenko (2022), NeurIPS 35
    "thresholds": Kind(PIECES, _steps, _pieces),  # ibid., section 3.2.2, with steps in place of pieces between them
    "periodic": Kind(WAVES, _frequencies, _waves),  # ibid.; Rahimi and Recht (2007), NIPS: random Fourier features
}
CHOICES = ("none", *EMBEDDINGS)


def check_embedding(kind: Any, call: str) -> None:
    """Refuse what is no name of an embedding."""
    if kind not in CHOICES:
        raise UsageError(f"{call}: must be one of {', '.join(CHOICES)}.{did_you_mean(str(kind), CHOICES)}")


_NOTHING = np.zeros((0, 0), dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Embedding:
    """The embedding of a network, or of each network of a stack; without arguments it leaves all numbers as they are.

    Attributes
    ----------
    kind : str
        "none" or a name of `EMBEDDINGS`.
    numbers : int array (numbers,)
        The inputs that are embedded.
    first, second : float32 arrays (numbers, features), or tensors (networks, 1, numbers, features)
        What its kind has learned.
    """

    kind: str = "none"
    numbers: np.ndarray = field(default_factory=lambda: np.arange(0))
    first: Any = field(default_factory=lambda: _NOTHING)
    second: Any = field(default_factory=lambda: _NOTHING)

    @property
    def further(self) -> np.ndarray:
        """The input that each further feature belongs to, (features,)."""
        return np.repeat(self.numbers, self.first.shape[-1])

    def __call__(self, units: Any) -> Any:
        """Standardized inputs (..., inputs), and behind them the further features, number by number."""
        if not len(self.numbers):
            return units
        encode = EMBEDDINGS[self.kind].encode
        found = encode(units[..., self.numbers, None], self.first, self.second) - encode(0.0, self.first, self.second)
        further = found.reshape(*units.shape[:-1], -1)
        return torch.cat([units, further], -1) if isinstance(units, Tensor) else np.concatenate([units, further], -1)

    def each(self, change: Callable[[Any], Any]) -> Embedding:
        """The same with other arrays."""
        return replace(self, first=change(self.first), second=change(self.second))


def embedded(columns: Inputs, kind: str) -> np.ndarray:
    """The inputs that are embedded: measured numbers with at least FEWEST different values, no pixels."""
    if kind == "none" or columns.image is not None:
        return np.arange(0)
    many = True if columns.distinct is None else columns.distinct >= FEWEST
    return np.flatnonzero(~columns.indicator & many)


def width(columns: Inputs, kind: str) -> int:
    """How many features the first layer reads: all inputs, and the further ones."""
    numbers = len(embedded(columns, kind))
    return len(columns.names) + (numbers * EMBEDDINGS[kind].features if numbers else 0)


def learned(kind: str, numbers: np.ndarray, values: np.ndarray, targets: np.ndarray, seed: int) -> Embedding:
    """The embedding of a network with this seed, from its numbers in training rows, standardized, (rows, numbers)."""
    rng = np.random.default_rng([seed & 0xFFFFFFFF, seed >> 32, 5])
    return Embedding(kind, numbers, *(part.astype(np.float32) for part in EMBEDDINGS[kind].learn(values, targets, rng)))


def together(embeddings: Sequence[Embedding], device: torch.device | str = "cpu") -> Embedding:
    """One embedding for the networks of a stack, which embed the same numbers."""
    parts = ([one.first for one in embeddings], [one.second for one in embeddings])
    first, second = (torch.from_numpy(np.stack(part)[:, None]).to(device) for part in parts)
    return replace(embeddings[0], first=first, second=second)
