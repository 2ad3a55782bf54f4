"""Pictures of one size and one kind (faces, digits): what they have in common, whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Kind", "crossed", "may_be_a_kind", "mirror_images_help"]

LARGEST = 128  # pixels that a picture of a kind is high and wide at most
FEWEST = 50  # pictures that tell a kind
MOST = 1_000  # pictures that principal components are taken from
COMPONENTS = 256
FOLDS = 5


@dataclass(frozen=True, eq=False)
class Kind:
    """The mean and the principal components of pictures of one size.

    Attributes
    ----------
    size : (height, width)
    mean : float32 array (pixels,)
    axes : float32 array (pixels, components)
    squares : float32 array (components,)
        Variances along the axes.
    """

    size: tuple[int, int]
    mean: np.ndarray
    axes: np.ndarray
    squares: np.ndarray

    @classmethod
    def of(cls, pictures: Sequence[np.ndarray], mirrored: bool) -> Kind:
        """By clean pictures, and where `mirrored` by their mirror images, too."""
        chosen = [pictures[n] for n in np.unique(np.linspace(0, len(pictures) - 1, MOST).astype(int))]
        rows = np.stack(chosen + [one[:, ::-1] for one in chosen] * mirrored).reshape(-1, chosen[0].size)
        mean = rows.mean(0)
        centred = (rows - mean).astype(np.float32)
        squares, sides = np.linalg.eigh((centred @ centred.T).astype(np.float64) / len(rows))
        kept = np.flatnonzero(squares > 1e-6 * squares[-1])[::-1][:COMPONENTS]
        axes = centred.T @ (sides[:, kept] / np.sqrt(len(rows) * squares[kept]))
        return cls(chosen[0].shape, *(part.astype(np.float32) for part in (mean, axes, squares[kept])))

    def expected(self, noisy: np.ndarray, level: float) -> np.ndarray:
        """The clean picture that is to be expected of a noisy one: shrunken components, (height, width)."""
        gain = self.squares / (self.squares + level**2)
        return np.asarray(self.mean + self.axes @ (gain * (self.axes.T @ (noisy.ravel() - self.mean)))).reshape(
            self.size
        )


def may_be_a_kind(pictures: Sequence[np.ndarray]) -> bool:
    """Whether these are small pictures of one size, and enough of them."""
    return len({one.shape for one in pictures}) == 1 and len(pictures) >= FEWEST and max(pictures[0].shape) <= LARGEST


def mirror_images_help(pictures: Sequence[np.ndarray], level: float) -> bool:
    """Whether the expected picture comes nearer to those of the last part with mirror images of the others."""
    rest, last = pictures[: -len(pictures) // FOLDS], np.stack(pictures[-len(pictures) // FOLDS :])
    noisy = last + np.random.default_rng(0).normal(0, level, size=last.shape)
    errors = []
    for mirrored in (False, True):
        kind = Kind.of(rest, mirrored)
        errors.append(np.mean(np.square(np.stack([kind.expected(one, level) for one in noisy]) - last)))
    return bool(errors[1] < errors[0])


def crossed(pictures: Sequence[np.ndarray], mirrored: bool) -> list[Kind]:
    """For each picture the kind of pictures from other parts of the sequence.

    Parts are of neighbours: pictures of one person or thing mostly stand together.
    """
    kinds = []
    for part in np.array_split(np.arange(len(pictures)), FOLDS):
        others = np.setdiff1d(np.arange(len(pictures)), part)
        kinds += [Kind.of([pictures[n] for n in others], mirrored)] * len(part)
    return kinds
