"""Photographs that other libraries ship, to train a denoiser that suits most pictures."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np

__all__ = ["shipped_photographs"]

# Photographs in the wheels of scikit-image; its drawings, texts and microscope pictures are left out.
SCIKIT_IMAGE = (
    "astronaut.png", "brick.png", "camera.png", "chelsea.png", "coffee.png", "coins.png", "grass.png", "gravel.png",
    "moon.png", "motorcycle_left.png", "rocket.jpg",
)  # fmt: skip


def shipped_photographs(without: tuple[str, ...] = ()) -> dict[str, np.ndarray]:
    """Return the photographs that scikit-learn ships, and those of scikit-image where it is installed, by name.

    Parameters
    ----------
    without : tuple of str
        Names to leave out, for example to judge a denoiser by them.

    Returns
    -------
    dict of uint8 arrays (height, width) or (height, width, 3)

    Examples
    --------
    >>> shipped_photographs()["china"].shape
    (427, 640, 3)
    """
    from sklearn.datasets import load_sample_images

    from dashpot.denoising.files import read_picture

    samples = load_sample_images()
    found = {Path(name).stem: image for name, image in zip(samples.filenames, samples.images, strict=True)}
    for folder in _scikit_image_folders():
        for name in SCIKIT_IMAGE:
            if (folder / name).is_file():
                found[Path(name).stem] = read_picture(folder / name).pixels
    return {name: picture for name, picture in found.items() if name not in without}


def _scikit_image_folders() -> list[Path]:
    """The folder of scikit-image's pictures, found without importing it."""
    found = find_spec("skimage")
    places = [] if found is None else list(found.submodule_search_locations or [])
    return [Path(place) / "data" for place in places]
