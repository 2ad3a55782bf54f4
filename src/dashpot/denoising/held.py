"""What is held out, to judge a denoiser by: rows, whole pictures, or a strip of each picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["held_out", "parted"]

STRETCHES = 5  # in which rows or small pictures are held out
MANY = 10  # pictures, of which some are held out whole


def held_out(rows: int) -> dict[bool, np.ndarray]:
    """The rows to judge by (True), a tenth, and those to learn from; one row alone is both.

    They are held out in stretches: neighbours are often alike (of one person, of one place), and a row whose neighbour
    is known would be promised to come out better than new ones do.
    """
    parts = np.array_split(np.arange(rows), STRETCHES if rows >= 10 * STRETCHES else 1)
    held = np.concatenate([part[-max(1, len(part) // 10) :] for part in parts])
    return {True: held, False: np.setdiff1d(np.arange(rows), held) if rows > 1 else held}


def parted(pictures: Sequence[np.ndarray], window: int) -> dict[bool, list[np.ndarray]]:
    """The pictures to judge by (True) and to learn from, which share no pixel.

    Of ten or more, some are held out whole, as rows are; of fewer a strip of each, at least one window wide. Where all
    are too small for that, the same pictures are both.

    Parameters
    ----------
    pictures : sequence of arrays (height, width[, channels])
    window : int
        Pixels that a network sees; pictures twice as long have a strip held out.

    Examples
    --------
    >>> parts = parted([np.zeros((40, 100))], window=27)
    >>> [part[0].shape for part in (parts[True], parts[False])]
    [(40, 27), (40, 73)]
    """
    if len(pictures) >= MANY:
        return {judged: [pictures[row] for row in rows] for judged, rows in held_out(len(pictures)).items()}
    pieces = [_pieces(picture, window) for picture in pictures]
    strips = [strip for _, *strips in pieces for strip in strips]
    return {True: strips or list(pictures), False: [first for first, *_ in pieces]}


def _pieces(picture: np.ndarray, window: int) -> list[np.ndarray]:
    """A picture without a strip at the end of its longer side, and that strip; or whole where it is too small."""
    axis = int(np.argmax(picture.shape[:2]))
    length = picture.shape[axis]
    cuts = [length - max(window, length // 10)] if length >= 2 * window else []
    return np.split(picture, cuts, axis=axis)
