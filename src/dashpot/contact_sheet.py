"""A contact sheet: pictures, and what the transformations of a recipe make of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from dashpot.errors import UsageError
from dashpot.png import png
from dashpot.writing import write_bytes

GAP, FIRST_GAP = 2, 10  # pixels between pictures, and between the originals and their variants
SIDE = 64  # pixels: smaller pictures are enlarged to about this


def preview(
    images: Any,
    recipe: Any,
    path: str | Path | None = None,
    *,
    image_shape: Any = None,
    originals: int = 8,
    variants: int = 8,
    random_state: int = 0,
) -> np.ndarray:
    """Draw originals (left) and variants of each (right), as the network sees them in training.

    Parameters
    ----------
    images : array (rows, height, width[, channels]), or (rows, pixels) with `image_shape`
        Their colours are those of the sheet's scale: the lowest value is black, the highest is white.
    recipe : Regularizer or sequence of Regularizer
        Its changes of a batch and its noise on inputs are shown, for example `image_recipe("digits")`.
    path : str, Path or None
        Where to write the sheet as PNG. None writes nothing.
    image_shape : (height, width[, channels]) or None
        None takes the shape of `images`.
    originals, variants : int, default 8
        Rows of the sheet, and variants in each.
    random_state : int, default 0
        Equal seeds give equal sheets.

    Returns
    -------
    uint8 array (height, width, 3)
        The sheet.

    Raises
    ------
    UsageError
        If the pictures have another shape, or the file cannot be written.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from dashpot import image_recipe
    >>> preview(load_digits().images, image_recipe("digits"), originals=2, variants=3).shape
    (130, 270, 3)
    """
    from dashpot.tables import PictureEncoder

    if min(originals, variants) < 1:
        raise UsageError(f"preview(originals={originals}, variants={variants}): must be at least 1.")
    given = np.shape(images)
    if image_shape is None and len(given) not in (3, 4):
        raise UsageError(f"preview(images): has shape {given}. Pass image_shape=(height, width), too.")
    encoder = PictureEncoder(given[1:] if image_shape is None else image_shape, "preview").fit(images)
    pixels = encoder.transform(images)
    sheet = _sheet(_varied(pixels, recipe, encoder.inputs_, originals, variants, random_state))
    if path is not None:
        write_bytes(path, png(sheet), "preview")
    return sheet


def _varied(pixels: np.ndarray, recipe: Any, columns: Any, originals: int, variants: int, seed: int) -> np.ndarray:
    """Originals and variants, (originals, 1 + variants, height, width, channels), between 0 and 1."""
    import torch

    from dashpot.networks import CLIP, standardize
    from dashpot.randomness import draws
    from dashpot.regularizers import Recipe, Regularizer
    from dashpot.scaling import channel_scaling

    parts = Recipe((recipe,) if isinstance(recipe, Regularizer) else tuple(recipe)).bind(columns)
    centre, scale = channel_scaling(pixels.astype(np.float64), columns.image[2])
    units = standardize(pixels[:originals].astype(np.float64), centre, scale, CLIP)
    batch = torch.from_numpy(units.astype(np.float32))[None]
    seen = [batch]
    for step in range(variants):
        rng = draws(seed, step)
        changed, _ = parts.augment(batch.clone(), torch.zeros(1, batch.shape[1], 1), rng)
        seen.append(parts.perturb_units(changed, 0, rng))
    units = torch.cat(seen).numpy().astype(np.float64).clip(-0.997 * CLIP, 0.997 * CLIP)
    values = units / np.sqrt(1 - (units / CLIP) ** 2) / np.where(scale > 0, scale, 1.0) + centre
    lowest, highest = np.nanmin(pixels), np.nanmax(pixels)
    shown = ((values - lowest) / max(highest - lowest, 1e-12)).clip(0, 1)
    return shown.reshape(1 + variants, -1, *columns.image).swapaxes(0, 1)


def _sheet(pictures: np.ndarray) -> np.ndarray:
    """Pictures (originals, 1 + variants, height, width, channels) side by side on white."""
    rows, count, height, width, channels = pictures.shape
    times = max(1, SIDE // max(height, width))
    high, wide = height * times, width * times
    colours = pictures[..., :3] if channels >= 3 else pictures[..., :1].repeat(3, axis=-1)
    large = (colours * 255).round().astype(np.uint8).repeat(times, axis=2).repeat(times, axis=3)
    size = rows * (high + GAP) - GAP, count * (wide + GAP) - GAP + FIRST_GAP - GAP, 3
    sheet = np.full(size, 255, dtype=np.uint8)
    for row in range(rows):
        for place in range(count):
            top, left = row * (high + GAP), place * (wide + GAP) + (FIRST_GAP - GAP) * (place > 0)
            sheet[top : top + high, left : left + wide] = large[row, place]
    return sheet
