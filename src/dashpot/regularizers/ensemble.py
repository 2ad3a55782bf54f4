"""Several networks in place of one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from dashpot.jobs import Job
from dashpot.ranges import require
from dashpot.regularizers.base import Range, Regularizer


@dataclass(frozen=True)
class Ensemble(Regularizer):
    """Train several networks that differ in seed, and average their predictions.

    Parameters
    ----------
    members : int, at least 1, default 8
        Networks to train. 1 turns it off.
    bootstrap : bool, default False
        Whether each member trains on rows drawn with replacement (bagging).
    columns : float in (0, 1], default 1.0
        Share of the source columns that each member sees, drawn at random (random subspaces). 1 is all.

    References
    ----------
    Hansen and Salamon (1990), IEEE TPAMI 12; Breiman (1996), Machine Learning 24; Lakshminarayanan et al. (2017), NIPS;
    Ho (1998), The random subspace method, IEEE TPAMI 20.

    Examples
    --------
    >>> Ensemble(4)
    Ensemble(members=4, bootstrap=False)
    """

    members: int = 8
    bootstrap: bool = False
    columns: float = 1.0
    off: ClassVar = {"members": 1, "bootstrap": False, "columns": 1.0}
    ranges: ClassVar = {"members": Range(2, 8)}

    def __post_init__(self) -> None:
        """Check the range."""
        require(self, "members", at_least=1, at_most=10_000, whole=True)
        require(self, "columns", above=0, at_most=1)

    def plan(self, job: Job) -> list[Job]:
        """One job for each member; the first keeps the seed of the job."""
        return [self._member(job, number) for number in range(int(self.members))]

    def _member(self, job: Job, number: int) -> Job:
        """One member: a seed of its own, and rows of its own under bootstrap."""
        rng = np.random.default_rng([job.seed & 0xFFFFFFFF, job.seed >> 32, 2, number])
        seed = job.seed if number == 0 else int(rng.integers(2**62))
        rows = np.sort(rng.choice(job.rows, len(job.rows))) if self.bootstrap else job.rows
        columns = min(job.columns, self.columns)
        return replace(job, seed=seed, rows=rows, columns=columns, start=job.start[number : number + 1])
