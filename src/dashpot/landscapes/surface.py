"""The loss around a solution: a grid of weights is a stack of networks, evaluated at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from joblib import Parallel, delayed
from torch import Tensor

from dashpot.errors import UsageError
from dashpot.landscapes.pictures import plot_landscapes, save_figure
from dashpot.landscapes.rows import LARGEST, Rows, checked_weights, layers_of, member_of, seen_by
from dashpot.networks import Layer
from dashpot.threads import one_thread

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class Landscape:
    """The loss on a square of weights; its middle is the solution.

    Attributes
    ----------
    steps : float array (points,)
        Positions along both directions; 1 moves every unit's incoming weights by their own length.
    losses : float array (points, points)
        Mean loss over the rows, without penalties and without noise; rows are the second direction.
    """

    steps: np.ndarray
    losses: np.ndarray

    @property
    def centre(self) -> float:
        """The loss of the solution itself."""
        middle = len(self.steps) // 2
        return float(self.losses[middle, middle])

    def plot(self) -> Figure:
        """Contours and the surface, side by side."""
        return plot_landscapes({"": self})

    def save(self, path: str | Path) -> Path:
        """Write the picture; the suffix (png, svg, pdf) says how."""
        return save_figure(self.plot(), path)


def filter_normalized(layers: Sequence[Layer], rng: np.random.Generator) -> list[Tensor]:
    """A random direction in which every unit's incoming weights are as long as the unit's own; biases stay.

    Without this, networks with small weights would look sharper than the same function with large ones.
    """
    directions = []
    for layer in layers:
        drawn = torch.from_numpy(rng.normal(size=layer.weights.shape).astype(np.float32))
        lengths = layer.weights.norm(dim=1, keepdim=True) / drawn.norm(dim=1, keepdim=True).clamp(min=1e-12)
        directions.append(drawn * lengths)
    return directions


def landscape(
    estimator: Any,
    X: Any,
    y: Any,
    sample_weight: Any = None,
    *,
    points: int = 41,
    span: float = 1.0,
    member: int = 0,
    seed: int = 0,
) -> Landscape:
    """The loss around a solution, on a grid along two random, filter-normalized directions.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor, fitted
    X, y : table and target of the rows on which the loss is measured
    sample_weight : array (rows,) or None
    points : int, at least 3, default 41
        Points along each direction, an odd number, so that the solution is one of them.
    span : float above 0, default 1.0
        How far to go each way, in lengths of the weights themselves.
    member : int, default 0
        Which network of an ensemble.
    seed : int, default 0
        Equal seeds give equal directions.

    Returns
    -------
    Landscape

    References
    ----------
    Li, Xu, Taylor, Studer and Goldstein (2018), Visualizing the loss landscape of neural nets, NeurIPS 31.

    Examples
    --------
    >>> from dashpot import MLPClassifier, L2, landscape, load_anes96
    >>> frame, vote = load_anes96()
    >>> model = MLPClassifier((8,), regularizers=L2(0.01), max_epochs=5, random_state=0).fit(frame, vote)
    >>> landscape(model, frame, vote, points=5).losses.shape
    (5, 5)
    """
    if isinstance(points, bool) or not isinstance(points, int) or points < 3 or points % 2 == 0:
        raise UsageError(f"landscape(points={points!r}): must be an odd whole number of at least 3.")
    if not span > 0:
        raise UsageError(f"landscape(span={span!r}): must be above 0.")
    network = member_of(estimator, member)
    weights = checked_weights(sample_weight, X, "landscape")
    rows, layers = seen_by(network, estimator, X, y, weights), layers_of(network)
    steps = np.linspace(-span, span, points)
    return Landscape(steps, grid_losses(rows, layers, steps, np.random.default_rng(seed)))


def grid_losses(rows: Rows, layers: Sequence[Layer], steps: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The loss at every pair of steps along two filter-normalized directions, (steps, steps)."""
    first, second = filter_normalized(layers, rng), filter_normalized(layers, rng)
    along, across = (torch.from_numpy(axis.ravel().astype(np.float32)) for axis in np.meshgrid(steps, steps))
    most = max(1, LARGEST // (rows.inputs.shape[1] * max(layer.weights.shape[2] for layer in layers)))

    def losses(a: Tensor, b: Tensor) -> Tensor:
        with one_thread():
            return rows.losses_in_parts(
                [
                    Layer(w + a.view(-1, 1, 1) * d + b.view(-1, 1, 1) * e, c.expand(len(a), -1, -1))
                    for (w, c), d, e in zip(layers, first, second, strict=True)
                ]
            )

    parts = Parallel(n_jobs=-1, prefer="threads")(
        delayed(losses)(a, b) for a, b in zip(along.split(most), across.split(most), strict=True)
    )
    return np.asarray(torch.cat(parts).view(len(steps), len(steps)).double().numpy())
