"""One network before training and after it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from dashpot.diagnosis.measures import LayerState, groups, states
from dashpot.diagnosis.pictures import plot_diagnosis
from dashpot.errors import UsageError
from dashpot.jobs import Design, Job
from dashpot.landscapes.pictures import save_figure
from dashpot.landscapes.rows import checked_weights, layers_of, member_of, seen_by
from dashpot.learned import unlearned
from dashpot.networks import Layer, Network, bends, settled
from dashpot.stack import first_layers
from dashpot.threads import no_denormals, one_thread

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """Units and gradients of each layer of a network, at its start and at its end.

    Attributes
    ----------
    start, end : tuple of LayerState
        Before the first step, and with the weights that were kept; an entry for each layer of weights.
    start_loss, end_loss : float
        Mean loss over the rows, without noise and without penalties.
    """

    start: tuple[LayerState, ...]
    end: tuple[LayerState, ...]
    start_loss: float
    end_loss: float

    @property
    def layers(self) -> list[str]:
        """Names of the layers: hidden layers are numbered from 1 on."""
        return [f"hidden {number}" for number in range(1, len(self.start))] + ["output"]

    @property
    def staying_equal(self) -> list[list[tuple[int, ...]]]:
        """For each layer, the groups of units that were equal at the start and still are, as numbers from 0 on."""
        return [groups(a.equal & b.equal) for a, b in zip(self.start, self.end, strict=True)]

    @property
    def table(self) -> pd.DataFrame:
        """A row for each layer and moment.

        Columns units, mean, spread, gradient_mean, gradient_spread, dead (units with one value for every row), equal
        (units that equal another one at that moment), groups (of units that are equal at the start and at the end).
        """
        import pandas as pd

        staying = [len(one) for one in self.staying_equal]
        measured = ("units", "mean", "spread", "gradient_mean", "gradient_spread", "dead")
        rows = {
            (layer, moment): {name: getattr(state, name) for name in measured}
            | {"equal": int(state.equal.any(1).sum()), "groups": count}
            for moment, found in (("start", self.start), ("end", self.end))
            for layer, state, count in zip(self.layers, found, staying, strict=True)
        }
        ordered = [(layer, moment) for layer in self.layers for moment in ("start", "end")]
        index = pd.MultiIndex.from_tuples(ordered, names=["layer", "moment"])
        return pd.DataFrame([rows[place] for place in ordered], index=index)

    def plot(self) -> Figure:
        """Units, gradients, and units that are lost, layer by layer, at the start and at the end."""
        return plot_diagnosis(self)

    def save(self, path: str | Path) -> Path:
        """Write the picture; the suffix (png, svg, pdf) says how."""
        return save_figure(self.plot(), path)


def diagnose(estimator: Any, X: Any, y: Any, sample_weight: Any = None, *, member: int = 0) -> Diagnosis:
    """Look at the units and gradients of each layer, before training and after it.

    The first weights are drawn again from the seed, so `random_state` must be a whole number. After a second fit with
    `warm_start` they are still those of the first fit.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor, fitted
    X, y : table and target of the rows to look at
    sample_weight : array (rows,) or None
        Weights of the rows in the loss; rows of weight 0 are left out.
    member : int, default 0
        Which network of an ensemble.

    Returns
    -------
    Diagnosis

    Raises
    ------
    UsageError
        If the first weights cannot be known, or the rows or the member make no sense.

    References
    ----------
    Glorot and Bengio (2010), Understanding the difficulty of training deep feedforward neural networks, AISTATS.

    Examples
    --------
    >>> from dashpot import MLPClassifier, Zero, diagnose, load_anes96
    >>> frame, vote = load_anes96()
    >>> model = MLPClassifier((4,), regularizers=Zero(), max_epochs=5, random_state=0).fit(frame, vote)
    >>> diagnose(model, frame, vote).staying_equal[0]
    [(0, 1, 2, 3)]
    """
    network = member_of(estimator, member, "diagnose")
    weights = checked_weights(sample_weight, X, "diagnose")
    rows = seen_by(network, estimator, X, y, weights, "diagnose")
    with one_thread(), no_denormals():
        plain, begun = unlearned(network.activation), _first(estimator, network, member, rows.inputs)
        if estimator.norm == "batch":
            normed = tuple(bend._replace(norm="batch") for bend in bends(plain, len(begun) - 1))
            begun = list(settled(begun, rows.inputs, normed, rows.weights.unsqueeze(-1)))
        start_loss, start = states(begun, replace(rows, activation=plain))
        end_loss, end = states(layers_of(network), rows)
    return Diagnosis(tuple(start), tuple(end), start_loss, end_loss)


def _first(estimator: Any, network: Network, member: int, inputs: Tensor | None = None) -> list[Layer]:
    """The weights with which a member of an estimator began."""
    seed = estimator.random_state
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer):
        raise UsageError(
            f"diagnose: random_state={seed!r} does not tell the first weights. Fit with a whole number, random_state=0."
        )
    design = Design((), network.activation, estimator.loss_)
    jobs = estimator.recipe_.plan(Job(estimator.recipe_, np.arange(1), np.arange(0), estimator._seed(), design))
    if jobs[0].design.shared > 1:
        raise UsageError(
            "diagnose: members that share their weights have no first weights of their own. Fit one alone."
        )
    if len(jobs) != len(estimator.networks_) and member:
        raise UsageError(f"diagnose(member={member}): snapshots share first weights. Only member=0 can be told apart.")
    job = jobs[0 if jobs[0].design.shared > 1 else member]
    if job.design.shared > 1:
        raise UsageError(
            "diagnose: members that share their weights have no first weights of their own. Fit one network."
        )
    widths = [len(network.layers[0][0]), *(weights.shape[1] for weights, _ in network.layers)]
    empty = [Layer(torch.zeros(1, a, b), torch.zeros(1, 1, b)) for a, b in pairwise(widths)]
    return [Layer(*layer) for layer in first_layers(empty, network.activation, job.recipe, job.seed, inputs)]
