"""Draw the pictures of docs/regularizers.md: each by the command that stands beside it.

python examples/pictures.py [name ...]
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
from imblearn.under_sampling import TomekLinks
from PIL import Image
from sklearn.datasets import load_digits

import dashpot
from dashpot.landscapes.pictures import save_figure
from dashpot.regularizers import Augment, Regularizer, Resample, parse

PAGE = Path(__file__).parents[1] / "docs" / "regularizers.md"
COMMAND = re.compile(r'`dashpot show "(?P<call>[^`]+)" -o (?P<path>pictures/(?P<name>\w+)\.png)`')
COLOURS = 160  # of a picture: enough for these, and small files


def draw(regularizer: Regularizer, path: Path, *data: Any) -> None:
    """Draw one, with few colours."""
    save_figure(dashpot.show(regularizer, *data), path)
    Image.open(path).convert("RGB").quantize(COLOURS).save(path, optimize=True)
    print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


def mirrored(batch: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Every other picture, left for right."""
    chosen = rng.random(len(batch)) < 0.5
    return np.where(chosen[:, None, None], batch[:, :, ::-1], batch)


def by_functions(folder: Path) -> None:
    """Those whose argument is an object, which no command line can name."""
    draw(Resample(TomekLinks()), folder / "Resample.png")
    digits = load_digits()
    draw(Augment(mirrored), folder / "Augment.png", digits.data, digits.target, (8, 8))


def main() -> None:
    """Those that are named, or all."""
    names = sys.argv[1:]
    found = {match["name"]: match for match in COMMAND.finditer(PAGE.read_text(encoding="utf-8"))}
    for name, match in found.items():
        if not names or name in names:
            draw(parse(match["call"]), PAGE.parent / match["path"])
    if not names:
        by_functions(PAGE.parent / "pictures")


if __name__ == "__main__":
    main()
