"""A second look: networks that see a first estimate, and what it shows far away or in all pictures of a kind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs
from scipy.optimize import nnls

from dashpot.denoising.alike import cleaned_together, thresholded_together
from dashpot.denoising.corruption import Corruption
from dashpot.denoising.kinds import Kind, crossed, may_be_a_kind, mirror_images_help
from dashpot.denoising.network import Drawing, Drawn, WindowDenoiser, WindowPlan, middle, train_windows
from dashpot.denoising.patches import drawn

__all__ = ["TwoLooks", "look_again"]

SIDE = 11  # pixels of a window, of every plane
TILE = 180  # pixels of a training picture at most, so that it holds alike patches and not too many
PIXELS = 5  # of training pictures for each window
# Pixels seen of each plane, and whether it is seen relative to the first estimate's mean; by the number of planes.
SEEN = {
    5: ((11, 1), (11, 1), (11, 1), (11, 1), (7, 1)),
    9: ((11, 1), (11, 1), (11, 1), (1, 0), (11, 1), (7, 1), (7, 0), (1, 0), (7, 1)),
}
CLASSICAL = {5: 3, 9: 2}  # the plane that no network had a part in
WITHOUT_KIND = (0, 1, 4, 2, 8)  # where the five planes are among the nine
SHIFT = 0.1  # standard deviations of the noise by which a picture is changed to see what follows
HELD = 10  # pixels to learn from for each to judge by


@dataclass(eq=False)
class TwoLooks:
    """Networks that look at a picture once, and networks that look again.

    The second see the same place in several planes: the noisy picture, the first estimate, and what alike patches
    everywhere say when they are cleaned together, as the first estimate says and without it; of pictures of one kind
    also what their principal components and their mean say, and the place. They correct the first estimate. At last
    alike patches are cleaned together once more, as this better estimate says, and each picture is the mixture of these
    three that is expected to be best.

    Attributes
    ----------
    first, second : WindowDenoiser
    kind : Kind or None
        What the pictures have in common. Pictures of another size get the first look only.

    References
    ----------
    Burger, Schuler and Harmeling (2013), GCPR: learning to combine internal and external denoisers.
    """

    first: WindowDenoiser
    second: WindowDenoiser
    kind: Kind | None = None

    @property
    def corruption(self) -> Corruption:
        """The levels that the networks know."""
        return self.first.corruption

    @property
    def error(self) -> float:
        """Mean squared error in units of the noise: the first look's on windows held out, times what the second leaves.

        What it leaves of the first look's error is measured on pictures held out.
        """
        return self.first.error * self.second.error / self.second.noisy_error

    @property
    def linear_error(self) -> float:
        """That of the best linear correction."""
        return self.first.linear_error

    @property
    def noisy_error(self) -> float:
        """That of no correction."""
        return self.first.noisy_error

    def denoise(self, plane: np.ndarray, level: float, stride: int = 2, symmetries: int = 1) -> np.ndarray:
        """Return the plane without noise, as `WindowDenoiser.denoise` does."""
        if self.kind is not None and plane.shape != self.kind.size:
            return self.first.denoise(plane, level, stride, symmetries)
        plane = np.asarray(plane, dtype=np.float32)
        estimates = self._estimates(plane, level, stride, symmetries)
        signs = np.random.default_rng(0).choice(np.array([-1, 1], dtype=np.float32), plane.shape)
        quick = max(stride, 2), 1  # how far estimates follow the noise hardly depends on how many windows are averaged
        still = estimates if (stride, symmetries) == quick else self._estimates(plane, level, *quick)
        moved = self._estimates(plane + np.float32(SHIFT * level) * signs, level, *quick)
        slopes = np.asarray(np.sum((moved - still) * signs, axis=(1, 2), dtype=np.float64))
        shares = best_shares(plane, estimates, slopes / (SHIFT * level), level)
        return np.tensordot(shares.astype(np.float32), estimates, axes=1)

    def _estimates(self, plane: np.ndarray, level: float, stride: int, symmetries: int) -> np.ndarray:
        """The second look, patches cleaned as it says, and without any network: (3, height, width)."""
        planes = seen_again(plane, self.first.denoise(plane, level, stride, symmetries), level, self.kind)
        found = self.second.denoise(planes, level, stride, symmetries if self.kind is None else 1)
        return np.stack([found, cleaned_together(plane, found, level), planes[CLASSICAL[len(planes)]]])


def best_shares(noisy: np.ndarray, estimates: np.ndarray, slopes: np.ndarray, level: float) -> np.ndarray:
    """The shares of estimates in the mixture whose squared error is expected to be least, (estimates,), with sum 1.

    Without the clean picture: how far the noisy one lies along the way from the first estimate to another one, less
    what the noise itself contributes to that, which is its variance times the slopes (Stein 1981). Shares are drawn to
    the first estimate where a picture is too small to tell; those of the others are at least 0.

    Parameters
    ----------
    noisy : array (height, width)
    estimates : array (estimates, height, width)
    slopes : array (estimates,)
        Sum over pixels of how much each pixel of an estimate follows the same one of the noisy picture. From one
        random change of the picture (Ramani, Blu and Unser 2008).
    level : float
        Standard deviation of the noise.

    References
    ----------
    Stein (1981), Annals of Statistics 9; Ramani, Blu and Unser (2008), IEEE Transactions on Image Processing 17.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> clean = rng.normal(size=(100, 100))
    >>> noisy = clean + rng.normal(size=(100, 100))
    >>> best_shares(noisy, np.stack([0 * noisy, noisy]), np.array([0, noisy.size]), 1.0).round(1)
    array([0.5, 0.5])
    """
    first = estimates[0].astype(np.float64)
    steps = (estimates[1:] - first).reshape(len(estimates) - 1, -1)
    towards = steps @ (noisy - first).ravel() - level**2 * (slopes[1:] - slopes[0])
    lower = np.linalg.cholesky(steps @ steps.T + level**2 * np.eye(len(steps)))
    others, _ = nnls(lower.T, np.linalg.solve(lower, towards))
    return np.array([1 - others.sum(), *others])


def seen_again(noisy: np.ndarray, estimate: np.ndarray, level: float, kind: Kind | None = None) -> np.ndarray:
    """The planes of a second look, float32 (planes, height, width); the first estimate is in the middle."""
    far = cleaned_together(noisy, estimate, level)
    thresholded = thresholded_together(noisy, level)
    classical = cleaned_together(noisy, thresholded, level)
    planes = [noisy, far, estimate, classical, thresholded]
    if kind is not None:
        down, right = (level * (2 * axis / max(axis.max(), 1) - 1) for axis in np.indices(noisy.shape))
        expected, mean = kind.expected(noisy, level), kind.mean.reshape(kind.size)
        planes = [noisy, far, classical, down, estimate, expected, mean, right, thresholded]
    return np.stack(planes).astype(np.float32)


def window_again(of_a_kind: bool) -> tuple[int, int]:
    """Height and width of what a second look sees: planes one below another."""
    return (9 if of_a_kind else 5) * SIDE, SIDE


def look_again(
    first: WindowDenoiser,
    pairs: dict[bool, list[np.ndarray]],
    whole: bool,
    plan: WindowPlan,
    progress: Any = None,
) -> WindowDenoiser | TwoLooks:
    """Return the networks with others that look again, or alone where these do not help on pictures held out.

    Parameters
    ----------
    first : WindowDenoiser
    pairs : dict of lists of arrays (1 or 2, height, width)
        Planes to judge by (True) and to learn from: clean, and their noisy twins where the corruption makes none.
    whole : bool
        Whether each plane is a picture, and not one of several channels.
    plan : WindowPlan
        How the first were trained.
    progress : callable or None
        As in `train`.
    """
    learned, held = ([pair[0] for pair in pairs[judged]] for judged in (False, True))
    kindred = whole and may_be_a_kind([*learned, *held])
    mirrored = kindred and mirror_images_help(learned, first.corruption.highest)
    lessons = _lessons(first, pairs, kindred, mirrored, plan)
    shape = window_again(lessons.of_a_kind)
    again = replace(plan, shape=shape, seen=_seen(shape, plan.inner), seed=plan.seed ^ 1, from_linear=True)
    second = train_windows(_drawing(lessons, plan.inner), first.corruption, again, progress)
    if second.error >= second.noisy_error:
        return first
    kind = Kind.of([*learned, *held], mirrored) if lessons.of_a_kind else None
    return TwoLooks(first, second, kind)


class Lessons(NamedTuple):
    """Stacks of a clean tile, the planes of a second look, and one that tells the level; held out (True) or not."""

    stacks: dict[bool, list[np.ndarray]]
    of_a_kind: bool


def _lessons(
    first: WindowDenoiser, pairs: dict[bool, list[np.ndarray]], of_a_kind: bool, mirrored: bool, plan: WindowPlan
) -> Lessons:
    """What the second networks learn from: the first look at training pictures; of a kind as far as that helps."""
    rng = np.random.default_rng([plan.seed & 0xFFFFFFFF, plan.seed >> 32, 2])
    kinds = _kinds(pairs, mirrored) if of_a_kind else {judged: [None] * len(part) for judged, part in pairs.items()}
    pixels = {False: PIXELS * plan.count, True: PIXELS * plan.count // HELD}
    tiles = [
        (judged, kinds[judged][number], tile)
        for judged in (False, True)
        for number, tile in _tiles(pairs[judged], pixels[judged], mirrored, rng)
    ]
    levels = first.corruption.levels(len(tiles), rng)
    found = Parallel(n_jobs=effective_n_jobs(-1 if plan.workers is None else plan.workers))(
        delayed(_stack)(first, tile, float(level), kind, plan.seed, step)
        for step, ((_, kind, tile), level) in enumerate(zip(tiles, levels, strict=True))
    )
    stacks = {out: [one for (judged, *_), one in zip(tiles, found, strict=True) if judged == out] for out in pixels}
    if of_a_kind and not _kind_helps(stacks[False]):
        kept = [0, *(1 + place for place in WITHOUT_KIND), -1]
        return Lessons({judged: [stack[kept] for stack in part] for judged, part in stacks.items()}, False)
    return Lessons(stacks, of_a_kind)


def _kinds(pairs: dict[bool, list[np.ndarray]], mirrored: bool) -> dict[bool, list[Kind]]:
    """For each picture a kind that does not know it."""
    learned = [pair[0] for pair in pairs[False]]
    return {False: crossed(learned, mirrored), True: [Kind.of(learned, mirrored)] * len(pairs[True])}


def _tiles(
    pairs: Sequence[np.ndarray], pixels: int, mirrored: bool, rng: np.random.Generator
) -> Iterator[tuple[int, np.ndarray]]:
    """Parts of pictures and which they come from, picture by picture in random order, until there are enough pixels."""
    while True:
        for number in rng.permutation(len(pairs)):
            height, width = pairs[number].shape[1:]
            top, left = rng.integers(max(height - TILE, 0) + 1), rng.integers(max(width - TILE, 0) + 1)
            tile = pairs[number][:, top : top + TILE, left : left + TILE]
            yield int(number), tile[:, :, ::-1] if mirrored and rng.random() < 0.5 else tile
            pixels -= tile[0].size
            if pixels <= 0:
                return


def _stack(
    first: WindowDenoiser, tile: np.ndarray, level: float, kind: Kind | None, seed: int, step: int
) -> np.ndarray:
    """The clean tile, the planes of a second look, and one that tells the level, (planes, height, width)."""
    clean = np.ascontiguousarray(tile[0], dtype=np.float32)
    if len(tile) > 1:
        noisy = np.ascontiguousarray(tile[1])
    else:
        levels = np.array([level], dtype=np.float32)
        noisy = first.corruption.corrupted(clean.reshape(1, -1), levels, seed, step).reshape(clean.shape)
    planes = seen_again(noisy, first.denoise(noisy, level), level, kind)
    return np.concatenate([clean[None], planes, np.full((1, *clean.shape), level, dtype=np.float32)])


def _kind_helps(stacks: Sequence[np.ndarray]) -> bool:
    """Whether what pictures of the kind have in common makes the best mixture of the estimates 1 % better.

    The mean over all pixels of all pictures is in both mixtures: that is no kind.
    """
    pixels = np.concatenate([stack.reshape(len(stack), -1)[:, ::7] for stack in stacks], axis=1).astype(np.float64)
    own, level = pixels[5], pixels[-1]
    common = np.full_like(own, pixels[7].mean())
    estimates, aim = (np.stack([*pixels[2:4], common, pixels[6]]) - own) / level, (pixels[0] - own) / level
    with_kind, without = (estimates[:count].T for count in (4, 3))
    errors = [float(np.mean(np.square(aim - x @ np.linalg.lstsq(x, aim)[0]))) for x in (with_kind, without)]
    return errors[0] < 0.99 * errors[1]


def _seen(shape: tuple[int, int], inner: tuple[int, int]) -> np.ndarray:
    """What is seen of a window of several planes, float32 (pixels, numbers)."""
    pixels = np.eye(shape[0] * shape[1], dtype=np.float32)
    mean, side = pixels[:, middle(shape, inner)].mean(1, keepdims=True), shape[1]
    seen = []
    for number, (width, relative) in enumerate(SEEN[shape[0] // side]):
        own = pixels[:, number * side**2 + middle((side, side), (width, width))]
        seen.append(own - mean * relative)
    return np.hstack(seen)


def _drawing(lessons: Lessons, inner: tuple[int, int]) -> Drawing:
    """Windows of all planes; some pictures are held out."""
    margin = (SIDE - inner[0]) // 2
    margins = (0, 0), (margin, margin), (margin, margin)
    padded = {out: [np.pad(one, margins, mode="symmetric") for one in part] for out, part in lessons.stacks.items()}

    def draw(count: int, rng: np.random.Generator, judged: bool) -> Drawn:
        found = drawn(padded[judged], SIDE, count, rng, turn=not lessons.of_a_kind)
        clean = np.broadcast_to(found[:, :1], (count, found.shape[1] - 2, SIDE, SIDE))
        return Drawn(clean.reshape(count, -1), found[:, 1:-1].reshape(count, -1), found[:, -1, 0, 0])

    return draw
