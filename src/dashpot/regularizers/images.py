"""Any function of one's own on a batch, and recipes that suit kinds of pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from dashpot.errors import UsageError
from dashpot.randomness import Draws, draws
from dashpot.ranges import require
from dashpot.regularizers.base import Regularizer, spread, with_fields
from dashpot.regularizers.geometry import Crop, Flip, Rotate, Shift, Zoom
from dashpot.regularizers.light import Brightness, ColourShift, Contrast, Erase
from dashpot.regularizers.pictures import Shape
from dashpot.regularizers.recipe import Recipe

if TYPE_CHECKING:
    from dashpot.tables.encode import Inputs

__doctest__ = (torch, draws)  # names that the examples below use


@dataclass(frozen=True)
class Augment(Regularizer):
    """Any function of your own that changes a batch, at each training step.

    Parameters
    ----------
    function : callable `f(batch, rng) -> batch`, or None, default None
        `batch` is a NumPy array of standardized inputs, (rows, height, width[, channels]) where rows are pictures, else
        (rows, inputs), and must come back in this shape; `rng` is a `numpy.random.Generator`. Each network's batch
        comes by itself. None changes nothing.
    probability : float in [0, 1], default 1.0
        Share of the rows whose changed version is taken. 0 turns it off.

    References
    ----------
    Shorten and Khoshgoftaar (2019), Journal of Big Data 6.

    Examples
    --------
    >>> Augment(lambda batch, rng: batch[:, ::-1]).augment(torch.arange(3.0).view(1, 1, 3), None, draws(seed=0))[0]
    tensor([[[2., 1., 0.]]])
    """

    function: Callable[[np.ndarray, np.random.Generator], np.ndarray] | None = None
    probability: float = 1.0
    image: Shape | None = field(default=None, init=False, repr=False, compare=False)
    off: ClassVar = {"probability": 0.0}

    def __post_init__(self) -> None:
        """Check that it can be called."""
        if self.function is not None and not callable(self.function):
            raise UsageError(f"Augment(function={self.function!r}): must be callable, as f(batch, rng) -> batch.")
        require(self, "probability", at_least=0, at_most=1)

    def bind(self, columns: Inputs) -> Regularizer:
        """Learn the shape of the pictures, if rows are pictures."""
        return with_fields(self, {"image": columns.image})

    def augment(self, inputs: Tensor, targets: Any, rng: Draws) -> tuple[Tensor, Any]:
        """Change each network's batch by itself."""
        if self.function is None:
            return inputs, targets
        keys = rng.here[..., 0].cpu().numpy().view(np.uint32)
        changed = [self._called(batch, np.random.default_rng(key)) for batch, key in zip(inputs, keys.T, strict=True)]
        chosen = rng.at("chosen").uniform((*inputs.shape[:2], 1)) < spread(self.probability, inputs)
        return torch.where(chosen, torch.stack(changed).to(inputs), inputs), targets

    def _called(self, batch: Tensor, rng: np.random.Generator) -> Tensor:
        """The function's batch as rows, or one line that says what is wrong with it."""
        assert self.function is not None
        rows, inputs = batch.shape
        own = (inputs,) if self.image is None else self.image[:2] if self.image[2] == 1 else self.image
        shape = (rows, *own)
        changed = np.asarray(self.function(batch.cpu().numpy().reshape(shape).copy(), rng))
        if changed.shape != shape or changed.dtype.kind not in "fiu":
            raise UsageError(
                f"{self!r}: gave {changed.dtype} numbers of shape {changed.shape}; shape {shape} is needed. "
                "Return a batch like the one that was given."
            )
        return torch.from_numpy(np.ascontiguousarray(changed).reshape(rows, inputs).astype(batch.cpu().numpy().dtype))


PRESETS: dict[str, tuple[Regularizer, ...]] = {
    "digits": (Shift(0.1), Rotate(10.0), Zoom(0.1)),
    "photos": (
        Flip(0.5),
        Crop(0.2),
        Rotate(5.0, probability=0.5),
        Brightness(0.2),
        Contrast(0.2),
        ColourShift(0.1),
        Erase(0.4, probability=0.25),
    ),
}


def image_recipe(preset: str) -> Recipe:
    """Transformations of pictures that suit a kind of picture.

    Parameters
    ----------
    preset : {"digits", "photos"}
        Digits and letters are moved, turned and zoomed a little, never mirrored. Photographs are mirrored, cut, turned,
        lit and coloured otherwise, and lose patches.

    Raises
    ------
    UsageError
        If there is no such preset.

    Examples
    --------
    >>> image_recipe("digits").parts[0]
    Shift(share=0.1, probability=1.0)
    """
    if preset not in PRESETS:
        raise UsageError(f"image_recipe({preset!r}): must be one of {', '.join(PRESETS)}.")
    return Recipe(PRESETS[preset])
