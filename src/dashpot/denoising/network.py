"""Multilayer perceptrons from a noisy window of a picture to the correction of its middle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from dashpot.denoising.corruption import Corruption
from dashpot.denoising.patches import around, assembled, places, turned, turned_back
from dashpot.networks import Network, bends

BLOCK = 16_384  # windows at once, to bound memory


@dataclass(eq=False)
class WindowDenoiser:
    """Networks that see a window of a picture and correct the pixels in its middle, or a whole small picture.

    Windows are measured in units of the noise and enter along their principal axes, each divided by its spread:
    decorrelated inputs learn several times faster. A correction is what to add to the noisy pixels (residual learning).

    Attributes
    ----------
    shape : (height, width)
        Of a window. A window of several planes has them one below another; the one in the middle is corrected.
    inner : (height, width)
        Of what is corrected, in the middle of the window.
    corruption : Corruption
        The levels that the networks know.
    basis : float32 array (height * width, axes)
        From pixels to coordinates along the principal axes.
    spread : float
        Of corrections, in units of the noise: 1 for the networks.
    weights : float32 array, shaped like the inner window
        How much each pixel of a correction counts: the inverse of its mean squared error on windows held out.
    networks : tuple of Network
    linear : float32 array (inputs, inner pixels) or None
        A linear correction that those of the networks are added to.
    error, linear_error, noisy_error : float
        Mean squared error on windows held out, in units of the noise: of the networks, of the best linear correction
        (Wiener's: shrunken principal components), and of no correction.

    References
    ----------
    Burger, Schuler and Harmeling (2012), CVPR; Zhang et al. (2017), IEEE Transactions on Image Processing 26.
    """

    shape: tuple[int, int]
    inner: tuple[int, int]
    corruption: Corruption
    basis: np.ndarray
    spread: float
    weights: np.ndarray
    networks: tuple[Network, ...]
    linear: np.ndarray | None = None
    error: float = np.nan
    linear_error: float = np.nan
    noisy_error: float = np.nan

    def denoise(self, plane: np.ndarray, level: float, stride: int = 2, symmetries: int = 1) -> np.ndarray:
        """Return the plane without noise, float32 (height, width): overlapping corrections, averaged by `weights`.

        Parameters
        ----------
        plane : array (height, width), or (planes, height, width) where windows have several
        level : float
            Standard deviation of the noise.
        stride : int, default 2
            Pixels from window to window: 1 is best, larger is quicker.
        symmetries : {1, ..., 8}, default 1
            Turned and mirrored copies that are averaged.
        """
        plane = np.asarray(plane, dtype=np.float32)
        views = [turned(plane, k) for k in range(symmetries)]
        passes = [turned_back(self._denoise(view, level, stride), k) for k, view in enumerate(views)]
        return np.asarray(np.mean(passes, axis=0))

    def _denoise(self, plane: np.ndarray, level: float, stride: int) -> np.ndarray:
        """One pass over a plane, or several of one picture."""
        windows = around(plane, self.shape[1])
        rows, columns = (places(length, stride) for length in plane.shape[-2:])
        found = np.empty((len(rows), len(columns), *self.inner), dtype=np.float32)
        lines = max(1, BLOCK // len(columns))
        for start in range(0, len(rows), lines):
            block = windows[np.ix_(rows[start : start + lines], columns)].reshape(-1, self.shape[0] * self.shape[1])
            levels = np.full(len(block), level, dtype=np.float32)
            found[start : start + lines] = self.cleaned(block, levels).reshape(-1, len(columns), *self.inner)
        return assembled(found, rows, columns, plane.shape[-2:], self.weights)

    def cleaned(self, windows: np.ndarray, levels: np.ndarray) -> np.ndarray:
        """The middle of noisy windows (count, height * width) without noise, float32 (count, inner pixels)."""
        units = self.corruption.units(levels)
        seen = windows / units
        corrections = self.corrections(features(seen, self.basis, levels, self.corruption))
        return np.asarray((seen[:, middle(self.shape, self.inner)] + corrections) * units)

    def corrections(self, inputs: np.ndarray) -> np.ndarray:
        """The mean of what the networks say, on top of the linear correction if there is one, in units of the noise."""
        found = np.asarray(self.spread * np.mean([outputs(network, inputs) for network in self.networks], axis=0))
        return found if self.linear is None else found + inputs @ self.linear


def features(windows: np.ndarray, basis: np.ndarray, levels: np.ndarray, corruption: Corruption) -> np.ndarray:
    """Inputs of the networks: coordinates along the basis, and where levels differ the place of theirs in the range."""
    coordinates = windows @ basis
    if not corruption.blind:
        return np.asarray(coordinates)
    place = np.log(levels / corruption.lowest) / np.log(corruption.highest / corruption.lowest)
    return np.column_stack([coordinates, 2 * place.astype(np.float32) - 1])


def outputs(network: Network, inputs: np.ndarray) -> np.ndarray:
    """What a network says in single precision: half the time of `Network.outputs`, and pixels need no more."""
    units = inputs
    for bend, (weights, biases) in zip(
        bends(network.activation, len(network.layers) - 1), network.layers[:-1], strict=True
    ):
        units = bend.predict(units @ weights + biases)
    weights, biases = network.layers[-1]
    return np.asarray(units @ weights + biases)


def middle(shape: tuple[int, int], inner: tuple[int, int]) -> np.ndarray:
    """The pixels of a window that are corrected, numbered row by row.

    Examples
    --------
    >>> middle((3, 4), (1, 2))
    array([5, 6])
    """
    top, left = (shape[0] - inner[0]) // 2, (shape[1] - inner[1]) // 2
    numbers = np.arange(shape[0] * shape[1]).reshape(shape)
    return numbers[top : top + inner[0], left : left + inner[1]].ravel()


def glimpse(side: int, sharp: int, coarse: int = 3) -> np.ndarray:
    """What is seen of a window, float32 (side * side, numbers): pixels in the middle, means of blocks beyond.

    Every number is taken relative to the mean of the `sharp` x `sharp` pixels in the middle.

    Parameters
    ----------
    side : odd int, a multiple of `coarse`
        Of the window.
    sharp : odd int
        Of the middle that is seen pixel by pixel.
    coarse : odd int, default 3
        Of the blocks that tile the window; those within the middle are left out.

    Examples
    --------
    >>> glimpse(9, 5).shape
    (81, 33)
    """
    pixels = np.eye(side * side, dtype=np.float32)
    core = middle((side, side), (sharp, sharp))
    blocks = pixels.reshape(-1, side // coarse, coarse, side // coarse, coarse).mean((2, 4)).reshape(side * side, -1)
    within = np.isin(np.flatnonzero(np.ones(side * side)), core).astype(np.float32)
    beyond = (blocks * (1 - within[:, None])).sum(0) > 0
    seen = np.hstack([pixels[:, core], blocks[:, beyond]])
    return np.asarray(seen - pixels[:, core].mean(1, keepdims=True))


def principal_basis(windows: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """The principal axes of what is seen of windows, divided by the spread along them, float32 (pixels, axes)."""
    numbers = (windows @ seen).astype(np.float64)
    squares, axes = np.linalg.eigh(numbers.T @ numbers / len(numbers))
    kept = squares > 1e-6 * squares.mean()  # the mean that was taken out leaves one axis without spread
    return np.asarray(seen @ (axes[:, kept] / np.sqrt(squares[kept])), dtype=np.float32)


def least_squares(inputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """The matrix from inputs to targets of least squared error, float32 (inputs, outputs)."""
    gram = 1e-4 * len(inputs) * np.eye(inputs.shape[1])
    towards = np.zeros((inputs.shape[1], targets.shape[1]))
    for start in range(0, len(inputs), BLOCK):
        x, y = (part[start : start + BLOCK].astype(np.float64) for part in (inputs, targets))
        gram += x.T @ x
        towards += x.T @ y
    return np.asarray(np.linalg.solve(gram, towards), dtype=np.float32)


class Drawn(NamedTuple):
    """Clean windows (count, height * width), their noisy twins or None, and the noise of each or None (count,).

    Twins that are None are made by the corruption; levels that are None are drawn from its range.
    """

    clean: np.ndarray
    noisy: np.ndarray | None = None
    levels: np.ndarray | None = None


Drawing = Callable[[int, np.random.Generator, bool], Drawn]
HELD = 50  # one of so many windows is held out


@dataclass(frozen=True)
class WindowPlan:
    """How `train_windows` trains: shapes, how many windows, and the design and recipe of the networks.

    `from_linear`: the networks learn what the best linear correction leaves, and count as far as that helps on windows
    held out. That is for inputs that say nearly all there is to say, as estimates do.
    """

    shape: tuple[int, int]
    inner: tuple[int, int]
    seen: np.ndarray
    count: int
    design: Any
    recipe: Any
    seed: int
    workers: int | None = None
    from_linear: bool = False


def train_windows(draw: Drawing, corruption: Corruption, plan: WindowPlan, progress: Any = None) -> WindowDenoiser:
    """Return networks trained on random windows.

    Parameters
    ----------
    draw : callable
        `draw(count, rng, judged)` gives windows to learn from, or some that are held out.
    corruption : Corruption
    plan : WindowPlan
    progress : callable or None
        As in `train`.
    """
    from dashpot.jobs import Examples, Job
    from dashpot.tables.encode import Inputs
    from dashpot.training import train

    basis, inputs, targets, noisy_error = _pairs(draw, corruption, plan)
    held, width, rows = len(inputs) - plan.count, inputs.shape[1], np.arange(len(inputs))
    linear = least_squares(inputs[held:], targets[held:]) if plan.from_linear else None
    left = targets if linear is None else targets - inputs @ linear
    spread = max(float(left.std()), 1e-6)
    columns = Inputs(tuple(map(str, range(width))), np.arange(width), np.zeros(width, dtype=bool))
    job = Job(plan.recipe, rows[held:], rows[:held], plan.seed, plan.design)
    examples = Examples(inputs, left / spread, columns)
    (networks,) = train(examples, [job], workers=plan.workers, progress=progress)
    ones = np.ones(plan.inner, dtype=np.float32)
    found = WindowDenoiser(plan.shape, plan.inner, corruption, basis, spread, ones, networks)
    if linear is not None:
        found.spread *= _believed(found.corrections(inputs[:held]), left[:held])
        found.linear = linear
    errors = np.mean((found.corrections(inputs[:held]) - targets[:held]) ** 2, axis=0)
    found.weights = (errors.mean() / np.maximum(errors, 1e-12)).reshape(plan.inner).astype(np.float32)
    part = slice(held, held + 4 * BLOCK)
    linear = inputs[:held] @ least_squares(inputs[part], targets[part])
    found.error, found.noisy_error = float(errors.mean()), noisy_error
    found.linear_error = float(np.mean((linear - targets[:held]) ** 2))
    return found


def _believed(corrections: np.ndarray, wanted: np.ndarray) -> float:
    """The share of corrections, from 0 to 1, that comes nearest to the ones wanted."""
    return float(np.clip(np.sum(corrections * wanted) / max(np.sum(corrections**2), 1e-12), 0, 1))


def _pairs(draw: Drawing, corruption: Corruption, plan: WindowPlan) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """The basis, inputs and corrections, those held out first, and the mean squared noise; block by block."""
    rng = np.random.default_rng([plan.seed & 0xFFFFFFFF, plan.seed >> 32])
    where = middle(plan.shape, plan.inner)

    def block(count: int, judged: bool, number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        some_levels = corruption.levels(count, rng)
        clean, noisy, levels = draw(count, rng, judged)
        levels = some_levels if levels is None else levels
        units = corruption.units(levels)
        seen = (corruption.corrupted(clean, levels, plan.seed, number) if noisy is None else noisy) / units
        return seen, (clean / units - seen)[:, where], levels

    basis = principal_basis(block(2 * BLOCK, False, 0)[0], plan.seen)
    sizes = [min(2 * BLOCK, plan.count - start) for start in range(0, plan.count, 2 * BLOCK)]
    inputs, corrections = [], []
    for number, count in enumerate([max(1, plan.count // HELD), *sizes]):
        seen, correction, levels = block(count, number == 0, number + 1)
        inputs.append(features(seen, basis, levels, corruption))
        corrections.append(correction)
    return basis, np.concatenate(inputs), np.concatenate(corrections), float(np.mean(corrections[0] ** 2))
