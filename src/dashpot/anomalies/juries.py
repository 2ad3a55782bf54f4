"""The networks that left a part of the table out, and judge that part."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dashpot.anomalies.judges import Judge, Kind
from dashpot.anomalies.neighbours import mean_distances
from dashpot.anomalies.standard import Standard
from dashpot.jobs import Design, Examples, Job
from dashpot.networks import Network
from dashpot.optimizers import Optimizer
from dashpot.reconstruction import Reconstruction
from dashpot.training import train

OF_JUDGE = ("residual", "code")  # measured by each network
OF_ALL = ("nearest", "tenth")  # measured among the rows that the networks learned from, and among their core
PARTS = OF_JUDGE + OF_ALL
DEFAULT = ("residual", "nearest", "tenth")
MOST_ROWS = 2048  # training rows of one network; of a larger table each fold has a sample
NEAREST = 3
PASSED = 20_000  # rows that a network sees in its training, roughly
EPOCHS = (20, 200)


@dataclass(frozen=True, eq=False)
class Jury:
    """One network of each kind, all trained on the same rows, and some of these rows.

    Attributes
    ----------
    judges : tuple of Judge
    rows : float32 array (rows, inputs that hold a cell)
        What the networks learned from, as they see it: in usual spreads, extremes pulled in. Those in the midst of the
        others come first.
    """

    judges: tuple[Judge, ...]
    rows: np.ndarray

    @classmethod
    def of(
        cls, networks: Sequence[Network], standard: Standard, examples: Examples, own: np.ndarray, held: np.ndarray
    ) -> Jury:
        """Of networks that learned from the rows `own`, in random order, and did not see the rows `held`."""
        learned, unseen = examples.inputs[own], (examples.inputs[held], examples.targets[held])
        judges = tuple(Judge.of(network, standard, learned, unseen) for network in networks)
        return cls(judges, midmost_first(in_rows(networks[0].seen(learned)[:, standard.held])))

    def measures(
        self, standard: Standard, inputs: np.ndarray, targets: np.ndarray, parts: tuple[str, ...], trim: float
    ) -> np.ndarray:
        """All that it finds odd about rows, (rows, measures), each the greater the odder."""
        found = [one for judge in self.judges for one in judge.measures(standard, inputs, targets, parts)]
        if set(parts) & set(OF_ALL):
            seen = self.judges[0].network.seen(inputs)[:, standard.held].astype(np.float32)
            # a category that says nothing is seen as the mean of its levels, which is far from each of them
            seen[np.isnan(inputs[:, standard.held]) & standard.levels] = np.nan
            core = self.rows[: math.ceil((1 - trim) * len(self.rows))]
            for rows in (self.rows, core) if trim else (self.rows,):
                counts = {"nearest": NEAREST, "tenth": max(1, len(rows) // 10)}
                wanted = tuple(count for part, count in counts.items() if part in parts)
                found += list(mean_distances(seen, rows, wanted).T)
        return np.column_stack(found)


def midmost_first(rows: np.ndarray) -> np.ndarray:
    """Rows by their mean distance to the nearest half of all: a group of fewer than half is far from it."""
    return rows[np.argsort(mean_distances(rows, rows, (max(1, len(rows) // 2),))[:, 0], kind="stable")]


def in_rows(numbers: np.ndarray) -> np.ndarray:
    """float32 numbers in memory row by row, as a file gives them: sums in another order end in other last digits."""
    return np.ascontiguousarray(numbers, dtype=np.float32)


def weights_of(parts: tuple[str, ...], kinds: int, trim: float) -> np.ndarray:
    """The weight of each measure of a jury in the score: that of a part is shared among the networks.

    That of a distance is shared by the one among all rows and the one among the core, which counts for little where
    few rows are left out of it, and for nearly all where they are nearly half.
    """
    of_judge = [1 / kinds for part in OF_JUDGE if part in parts]
    of_all = sum(part in parts for part in OF_ALL)
    of_core = (2 * trim) ** 2
    shares = (1 - of_core, of_core) if trim else (1.0,)
    return np.array(of_judge * kinds + [share for share in shares for _ in range(of_all)])


def juries_of(
    examples: Examples,
    standard: Standard,
    fold: np.ndarray,
    kinds: Sequence[Kind],
    settings: tuple[float, Optimizer, int, int | None],
    random: np.random.Generator,
    workers: int | None,
) -> tuple[Jury, ...]:
    """A jury for each fold, trained on rows of the others; `settings` are trim, optimizer, batch size and epochs."""
    trim, optimizer, batch_size, epochs = settings
    rows = [random.permutation(np.flatnonzero(fold != left_out))[:MOST_ROWS] for left_out in np.unique(fold)]
    seed, loss = int(random.integers(2**61)), Reconstruction(standard.cells, trim=trim)
    jobs: list[Job] = []
    for own in rows:
        passes = epochs or int(np.clip(PASSED / len(own), *EPOCHS))
        for kind in kinds:
            layers = kind.hidden_layers(examples.inputs.shape[1])
            design = Design(layers, kind.activation, loss, optimizer, batch_size, passes, tolerance=0.0)
            jobs.append(Job(kind.recipe, np.sort(own), np.arange(0), seed + len(jobs), design))
    trained: list[Any] = [networks[0] for networks in train(examples, jobs, workers=workers)]
    return tuple(
        Jury.of(trained[k * len(kinds) :][: len(kinds)], standard, examples, own, np.flatnonzero(fold == k))
        for k, own in enumerate(rows)
    )
