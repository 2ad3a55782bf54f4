"""What all changes of pictures share: which pictures are drawn, and what lies beyond their edge.

Every picture draws for itself. Where a picture ends, its background goes on: the median of its own border, by channel.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from dashpot.errors import UsageError
from dashpot.randomness import Draws
from dashpot.regularizers.base import Regularizer, spread, with_fields

if TYPE_CHECKING:
    from dashpot.tables.encode import Inputs

Shape = tuple[int, int, int]


def image_of(columns: Inputs, regularizer: Regularizer) -> Shape:
    """The shape of the pictures, or one line that says how to give it."""
    if columns.image is None:
        raise UsageError(
            f"{type(regularizer).__name__}: changes pictures, but the rows are no pictures. "
            "Pass image_shape=(height, width) to the estimator, or leave it out."
        )
    return columns.image


class Picture(Regularizer):
    """Base of what changes pictures: draws which ones, and gives them back as rows."""

    probability: float
    image: Shape | None

    def bind(self, columns: Inputs) -> Regularizer:
        """Learn the shape of the pictures."""
        return with_fields(self, {"image": image_of(columns, self)})

    def augment(self, inputs: Tensor, targets: Tensor, rng: Draws) -> tuple[Tensor, Tensor]:
        """Change each picture with the probability; targets stay."""
        pictures = inputs.reshape(*inputs.shape[:2], *(self.image or (1, inputs.shape[2], 1)))
        chosen = rng.at("chosen").uniform(inputs.shape[:2]) < spread(self.probability, inputs[:, :, 0])
        for name, silent in self.off.items():
            chosen = chosen & (spread(getattr(self, name), chosen) != silent)
        changed = self._changed(pictures, rng).reshape(inputs.shape)
        return torch.where(chosen[:, :, None], changed, inputs), targets

    @abstractmethod
    def _changed(self, pictures: Tensor, rng: Draws) -> Tensor:
        """All pictures changed, (networks, rows, height, width, channels)."""


def signs(pictures: Tensor, rng: Draws) -> Tensor:
    """Uniform in (-1, 1), one for each picture, (networks, rows)."""
    return rng.uniform(pictures.shape[:2]).mul(2).sub(1).to(pictures)


def each(values: Tensor) -> Tensor:
    """A value for each picture, (networks, rows), with as many axes as pictures."""
    return values[:, :, None, None, None]


def background(pictures: Tensor) -> Tensor:
    """The median of each picture's border, (networks, rows, 1, 1, channels)."""
    sides = pictures[:, :, :, 0], pictures[:, :, :, -1]
    border = torch.cat([pictures[:, :, 0], pictures[:, :, -1], *sides], dim=2)
    return border.median(2).values[:, :, None, None]
