"""What a race found out: who took part, who survived, what mattered, and how good the winner is to be thought."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dashpot.races.course import paired
from dashpot.races.judging import Judge
from dashpot.races.space import Candidate, built_of, layers_of

if TYPE_CHECKING:
    import pandas as pd

    from dashpot.races.trees import Trees


@dataclass(frozen=True, eq=False, repr=False)
class Race:
    """The course and the result of a race.

    Losses are by the metric where it is a mean over rows: log-loss, wrong classes (0 or 1), squared distance of
    probabilities, absolute error, or squared error over the target's variance; else log-loss or the latter.

    Attributes
    ----------
    candidates : tuple of Candidate
        In the order in which they began; the first ones are the default recipe, once for each numeric embedding of its
        ensemble.
    losses : float array (candidates, rows)
        Of each row, out of fold; NaN where the candidate was out of the race before.
    row_weights : float array (rows,)
        What each row counts; for balanced accuracy every class counts as much as the others.
    weights : float array (candidates,)
        The share of each in the ensemble; the default ensemble, and `trees`, take the rest.
    best : int
        The position of the recipe that is recommended if there is to be only one.
    left_out : float array (rows,)
        Loss of each row under an ensemble whose weights were chosen on the other folds.
    default_losses : float array (rows,)
        Loss of each row under the default recipe: the mean of its networks, one a fold for each numeric embedding.
    judge : Judge
        The metric, and how rows are compared by it.
    score, default_score : float
        The metric of that ensemble, and of the default recipe, on the same rows.
    seconds : float
        What it took, from the call to the model.
    interrupted : bool
        Whether Ctrl-C ended it.
    trees : Trees or None
        What trees and a linear model are in the ensemble, where that was asked.
    components : float array (rows,) or None
        Of a race of autoencoders: what each row costs, drawn again from as many principal components of the other
        folds.
    default_share : float
        The share of the default ensemble, trained on all rows as the estimator does it; 0 where its recipe diverged in
        the folds, and without a target.
    groups : int array (rows,) or None
        Rows of one group count as one draw in every interval.
    """

    candidates: tuple[Candidate, ...]
    losses: np.ndarray
    row_weights: np.ndarray
    weights: np.ndarray
    best: int
    left_out: np.ndarray
    default_losses: np.ndarray
    judge: Judge
    score: float
    default_score: float
    seconds: float = 0.0
    interrupted: bool = False
    trees: Trees | None = None
    components: np.ndarray | None = None
    default_share: float = 0.0
    groups: np.ndarray | None = None

    @property
    def estimate(self) -> float:
        """Mean loss of the model on rows left out; too low, since they decided who stays and when training stops."""
        return float(np.average(self.left_out, weights=self.row_weights))

    @property
    def default_diverged(self) -> bool:
        """Whether no embedding of the default recipe came through all folds."""
        return not bool(np.isfinite(self.default_losses).all())

    @property
    def gain(self) -> tuple[float, float, float]:
        """How much less that is than the loss of the default recipe; 95 % interval over rows, or groups."""
        mean, error = paired(self.default_losses, self.left_out, self.row_weights, self.groups)
        return mean, mean - 1.96 * error, mean + 1.96 * error

    @property
    def table(self) -> pd.DataFrame:
        """A row for each candidate, the best first: rows run, loss, share in the ensemble, what it is."""
        import pandas as pd

        rows = []
        for one, losses, weight in zip(self.candidates, self.losses, self.weights, strict=True):
            known = ~np.isnan(losses)
            rows.append(
                {
                    "candidate": one.number,
                    "rows": int(known.sum()),
                    "loss": float(np.average(losses[known], weights=self.row_weights[known])),
                    "share": weight,
                    "hidden layers": layers_of(one),
                    "activation": one.design.activation,
                    "skip": one.design.skip,
                    "norm": one.design.norm,
                    "batch size": one.design.batch_size,
                    "numeric embedding": one.design.numeric_embedding,
                    "learning rate": one.design.optimizer.learning_rate,
                    "decay": one.design.optimizer.decay,
                    "recipe": ", ".join(map(repr, one.recipe.parts)),
                }
            )
        found = pd.DataFrame(rows).set_index("candidate")
        return found.sort_values(["rows", "loss"], ascending=[False, True])

    @property
    def effects(self) -> pd.DataFrame:
        """What mattered: mean loss on the first fold of the candidates with a choice, less that of the others.

        Every candidate ran on the first fold, so this compares all. The interval is 95 %, over families: candidates
        of one family share shape and regularizers, and are no independent witnesses. Medians of families, since a
        single bad learning rate can cost without bound; families that diverged are left out.
        """
        import pandas as pd
        from scipy.stats import ttest_ind

        families: dict[frozenset[str], list[float]] = defaultdict(list)
        for one, loss in zip(self.candidates, self._first_fold(), strict=True):
            if not one.default:
                families[one.choices].append(loss)
        middle = {choices: float(np.median(losses)) for choices, losses in families.items()}
        middle = {choices: loss for choices, loss in middle.items() if np.isfinite(loss)}
        rows = []
        for choice in sorted({choice for choices in middle for choice in choices}):
            own = [loss for choices, loss in middle.items() if choice in choices]
            others = [loss for choices, loss in middle.items() if choice not in choices]
            if min(len(own), len(others)) >= 2:
                low, high = ttest_ind(own, others, equal_var=False).confidence_interval()
                rows.append((choice, len(own), float(np.mean(own) - np.mean(others)), low, high))
        columns = ["choice", "families", "difference", "from", "to"]
        return pd.DataFrame(rows, columns=columns).set_index("choice").sort_values("difference")

    def _first_fold(self) -> np.ndarray:
        """Mean loss of each candidate on the rows that all of them have seen."""
        shared = ~np.isnan(self.losses).any(axis=0)
        return np.asarray(np.average(self.losses[:, shared], axis=1, weights=self.row_weights[shared]))

    def report(self, path: str | Path) -> Path:
        """Write one offline page: who began, the ensemble, what mattered, and how far to believe it."""
        from dashpot.report.raced import write_race

        return write_race(self, Path(path))

    def __repr__(self) -> str:
        """The result in a few lines."""
        best = self.candidates[self.best]
        finished = int(np.isfinite(self.losses).all(axis=1).sum())
        ended = ", interrupted" if self.interrupted else ""
        members = int((self.weights > 0).sum())
        beside = f" beside the default one ({100 * self.default_share:.0f} %)" if self.default_share else ""
        became = f"{members} are in the ensemble{beside}"
        if self.components is not None:
            became = "the best was trained on all rows"
        return (
            f"{len(self.candidates)} recipes began, {finished} went through all folds, "
            f"{became} ({self.seconds:.0f} s{ended}).\n"
            f"{self._scores()}\n"
            f"{self.beside_components()}"
            "These rows decided, too, who stays and when training stops: expect a greater loss and a smaller "
            "difference on new rows.\n"
            f"One recipe alone: {', '.join(map(repr, best.recipe.parts))}; "
            f"hidden layers {layers_of(best)}, {', '.join(built_of(best.design))}."
            f"{'' if self.trees is None else chr(10) + self.beside_trees()}"
        )

    def beside_components(self) -> str:
        """Whether an autoencoder is worth it beside as many principal components, in a line; nothing for a target."""
        if self.components is None:
            return ""
        floor = float(np.average(self.components, weights=self.row_weights))
        mean, error = paired(self.components, self.left_out, self.row_weights, self.groups)
        low, high = mean - 1.96 * error, mean + 1.96 * error
        verdict = f"{mean / max(floor, 1e-12):.0%} less error" if low > 0 else "the autoencoder is not worth it"
        return (
            f"As many principal components have {floor:.4f}: {verdict} (difference {mean:.4f}, 95 % interval over rows "
            f"{low:.4f} to {high:.4f}).\n"
        )

    def beside_trees(self) -> str:
        """What trees and a linear model take of the ensemble, and what they add, in sentences."""
        if self.trees is None:
            return ""
        mean, low, high = self.trees.gain(self.left_out, self.row_weights, self.groups)
        each = ", ".join(
            f"{name} {100 * share:.0f} % (alone {self.trees.scores[name]:.4f})"
            for name, share in self.trees.shares.items()
        )
        return (
            f"Trees and a linear model take {100 * self.trees.share:.0f} % of the ensemble: {each}. Networks alone "
            f"would have {self.judge.score.label} {self.trees.score_without:.4f} on rows left out (difference "
            f"{mean:.4f}, 95 % interval over rows {low:.4f} to {high:.4f}; above 0 is better with the others)."
        )

    def _scores(self) -> str:
        """The metric, and the loss where it is another, of the ensemble and of the default recipe."""
        label = self.judge.score.label
        began = f"{label[0].upper()}{label[1:]} on rows left out: {self.score:.4f}; the default recipe"
        if self.default_diverged:
            return f"{began} diverged."
        (mean, low, high), unit = self.gain, "" if self.judge.by_rows else " of losses"
        interval = f"difference{unit} {mean:.4f}, 95 % interval over rows {low:.4f} to {high:.4f}; above 0 is better"
        return f"{began} has {self.default_score:.4f} ({interval})."
