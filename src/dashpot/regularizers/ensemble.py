"""Several networks in place of one."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from dashpot.embeddings import check_embedding
from dashpot.errors import UsageError
from dashpot.jobs import Job
from dashpot.ranges import require
from dashpot.regularizers.base import Epoch, Memory, Range, Regularizer, overrides
from dashpot.regularizers.recipe import Recipe


@dataclass(frozen=True)
class Ensemble(Regularizer):
    """Train several networks, and average their predictions.

    They differ in seed; if asked, also in rows, columns, recipe and shape.

    Parameters
    ----------
    members : int, at least 1, default 8
        Networks to train. 1 turns it off.
    bootstrap : bool, default False
        Whether each member trains on rows drawn with replacement (bagging).
    columns : float in (0, 1], default 1.0
        Share of the source columns that each member sees, drawn at random (random subspaces). 1 is all.
    recipes : tuple of Regularizer, default ()
        Member k has part k of these beside the rest of the recipe, the first one again after the last. A `Recipe`
        counts as one, and `Recipe(())` as nothing. Noisy passes (`samples`) know the rest of the recipe only.
    shapes : tuple of tuple of int, default ()
        Member k has the hidden layers k of these, likewise; without any, all have those of the estimator.
    numeric_embeddings : tuple of str, default ()
        Member k has the numeric embedding k of these, likewise.
    skips : tuple of bool, default ()
        Member k has skip connections or not, likewise.
    shared : bool, default False
        Whether the members share their weights up to a factor for each input and each output of each layer (and biases
        of their own), and train as one network on the mean of their losses, each with its own order of the rows. They
        stop together. Members that share are alike: none of the above.

    References
    ----------
    Hansen and Salamon (1990), IEEE TPAMI 12; Breiman (1996), Machine Learning 24; Lakshminarayanan et al. (2017), NIPS;
    Ho (1998), The random subspace method, IEEE TPAMI 20. `shared`: Wen, Tran and Ba (2020), BatchEnsemble, ICLR;
    Gorishniy et al. (2025), TabM, ICLR.

    Examples
    --------
    >>> Ensemble(4)
    Ensemble(members=4, bootstrap=False)
    >>> Ensemble(2, shapes=((64,), (128, 128)))
    Ensemble(members=2, bootstrap=False, shapes=((64,), (128, 128)))
    """

    members: int = 8
    bootstrap: bool = False
    columns: float = 1.0
    recipes: tuple[Regularizer, ...] = ()
    shapes: tuple[tuple[int, ...], ...] = ()
    numeric_embeddings: tuple[str, ...] = ()
    skips: tuple[bool, ...] = ()
    shared: bool = False
    off: ClassVar = {
        "members": 1,
        "bootstrap": False,
        "columns": 1.0,
        "recipes": (),
        "shapes": (),
        "numeric_embeddings": (),
        "skips": (),
        "shared": False,
    }
    ranges: ClassVar = {"members": Range(2, 8)}

    def __post_init__(self) -> None:
        """Check the range."""
        require(self, "members", at_least=1, at_most=10_000, whole=True)
        require(self, "columns", above=0, at_most=1)
        check_recipes(self.recipes)
        check_shapes(self.shapes)
        check_embeddings(self.numeric_embeddings)
        check_skips(self.skips)
        if self.shared and (
            self.bootstrap or self.columns < 1 or self.recipes or self.shapes or self.numeric_embeddings or self.skips
        ):
            raise UsageError(f"{self!r}: members that share their weights are alike. Leave all but members out.")

    def plan(self, job: Job) -> list[Job]:
        """One job for each member; the first keeps the seed of the job. Members that share weights are one job."""
        if self.shared:
            return [replace(job, design=replace(job.design, shared=int(self.members)))]
        return [self._member(job, number) for number in range(int(self.members))]

    def _member(self, job: Job, number: int) -> Job:
        """One member: a seed of its own, and what else of its own was asked for."""
        rng = np.random.default_rng([job.seed & 0xFFFFFFFF, job.seed >> 32, 2, number])
        seed = job.seed if number == 0 else int(rng.integers(2**62))
        rows = np.sort(rng.choice(job.rows, len(job.rows))) if self.bootstrap else job.rows
        columns = min(job.columns, self.columns)
        recipe, design = job.recipe, job.design
        if self.recipes:
            recipe = Recipe((*recipe.parts, self.recipes[number % len(self.recipes)]))
        if self.shapes:
            design = replace(design, hidden_layers=tuple(self.shapes[number % len(self.shapes)]))
        if self.numeric_embeddings:
            own = self.numeric_embeddings[number % len(self.numeric_embeddings)]
            design = replace(design, numeric_embedding=own)
        if self.skips:
            design = replace(design, skip=self.skips[number % len(self.skips)])
        start = job.start[number : number + 1]
        return replace(job, recipe=recipe, rows=rows, seed=seed, design=design, start=start, columns=columns)


def check_recipes(recipes: tuple[Regularizer, ...]) -> None:
    """Refuse what is no regularizer, and what would plan again."""
    for one in recipes if isinstance(recipes, tuple) else (recipes,):
        if not isinstance(one, Regularizer) or not isinstance(recipes, tuple):
            raise UsageError(
                f"Ensemble(recipes={recipes!r}): pass regularizers in a tuple, such as (Dropout(0.2), L2())."
            )
        if any(overrides(part, "plan") for part in Recipe((one,)).parts):
            raise UsageError(f"Ensemble(recipes=...): {one!r} cannot stand inside an ensemble. Put it beside this one.")


def check_shapes(shapes: tuple[tuple[int, ...], ...]) -> None:
    """Refuse what are no widths of hidden layers."""
    rule = "pass widths of at least 1 in tuples, such as ((64,), (128, 128))"
    if not isinstance(shapes, tuple) or not all(isinstance(widths, tuple) for widths in shapes):
        raise UsageError(f"Ensemble(shapes={shapes!r}): {rule}.")
    for width in (width for widths in shapes for width in widths):
        if isinstance(width, bool) or not isinstance(width, int) or width < 1:
            raise UsageError(f"Ensemble(shapes={shapes!r}): {rule}.")


def check_embeddings(kinds: tuple[str, ...]) -> None:
    """Refuse what are no names of embeddings."""
    if not isinstance(kinds, tuple):
        raise UsageError(
            f"Ensemble(numeric_embeddings={kinds!r}): pass names in a tuple, such as ('none', 'periodic')."
        )
    for kind in kinds:
        check_embedding(kind, f"Ensemble(numeric_embeddings={kinds!r})")


def check_skips(skips: tuple[bool, ...]) -> None:
    """Refuse what are no answers."""
    if not isinstance(skips, tuple) or not all(isinstance(one, bool) for one in skips):
        raise UsageError(f"Ensemble(skips={skips!r}): pass True and False in a tuple, such as (False, True).")


@dataclass(frozen=True)
class Snapshots(Regularizer):
    """Keep copies of a network along its training as further members of the ensemble.

    Every `every` epochs the weights are copied, those that validation sees; of the copies the newest `count` are kept,
    and their predictions are averaged with those of the network itself. Copies differ most under a learning rate that
    falls to zero and starts again: `AdamW(schedule="cosine", cycles=5)` with `every` a fifth of the epochs.

    Parameters
    ----------
    every : int, at least 1, default 20
        Epochs between two copies. inf turns it off.
    count : int, at least 1, default 5
        Copies to keep at most; one that equals the final network is not counted twice.

    References
    ----------
    Huang, Li, Pleiss, Liu, Hopcroft and Weinberger (2017), Snapshot ensembles: train 1, get M for free, ICLR.

    Examples
    --------
    >>> snapshots = Snapshots(every=2, count=2)
    >>> memory = snapshots.begin(torch.zeros(1, 1))
    >>> for number in range(1, 8):
    ...     epoch = Epoch(torch.tensor([number]), {}, torch.full((1, 1), float(number)))
    ...     memory, _ = snapshots.end_epoch(memory, epoch)
    >>> snapshots.snapshots(memory)
    [tensor([[6.]]), tensor([[4.]])]
    """

    every: int = 20
    count: int = 5
    off: ClassVar = {"every": math.inf}
    ranges: ClassVar = {"every": Range(40, 5)}

    def __post_init__(self) -> None:
        """Check the ranges."""
        require(self, "every", at_least=1, whole=True)
        require(self, "count", at_least=1, at_most=1000, whole=True)

    def begin(self, parameters: Tensor) -> Memory:
        """Places for the copies of each network, (networks, count, size), NaN while they are empty."""
        places = int(torch.as_tensor(self.count).max())
        return {"copies": parameters.new_full((len(parameters), places, parameters.shape[1]), math.nan)}

    def end_epoch(self, memory: Memory, epoch: Epoch) -> tuple[Memory, None]:
        """Copy where it is time; the newest copy takes the place of the oldest."""
        number = epoch.number.to(torch.float64)
        turn = number / torch.as_tensor(self.every, dtype=torch.float64, device=number.device)
        due = (turn == turn.round()) & (turn > 0)
        places = torch.arange(memory["copies"].shape[1], device=number.device)
        count = torch.as_tensor(self.count, dtype=torch.float64, device=number.device)
        place = torch.where(due, (turn - 1) % count, -1.0).view(-1, 1)
        chosen = (place == places).unsqueeze(-1)
        return {"copies": torch.where(chosen, epoch.parameters[:, None], memory["copies"])}, None

    def snapshots(self, memory: Memory) -> list[Tensor]:
        """The copies."""
        return list(memory["copies"].unbind(1))
