"""What is usual of each cell, so that all columns count alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dashpot.reconstruction import FURTHEST, Cell, Reconstruction, targets_of

CAP = 10.0  # usual errors: one column alone cannot make a row endlessly odd
LEAST_AMOUNT, LEAST_CATEGORY = 0.1, 0.5  # usual errors are at least this: spreads, or doubts


@dataclass(frozen=True, eq=False)
class Standard:
    """The cells of a table, and the centre and spread of its columns.

    Attributes
    ----------
    cells : tuple of Cell
    centre, spread : float arrays (inputs,)
        Of amounts; 0 and 1 of indicators.
    """

    cells: tuple[Cell, ...]
    centre: np.ndarray
    spread: np.ndarray

    @classmethod
    def of(cls, cells: Sequence[Cell], inputs: np.ndarray) -> Standard:
        """By the rows of a table."""
        return cls(tuple(cells), *Reconstruction(tuple(cells)).scale(targets_of(cells, inputs)))

    @property
    def held(self) -> np.ndarray:
        """The inputs that hold a cell, int (cells' inputs,): not those that only say that one is missing."""
        return np.concatenate([np.arange(cell.first, cell.past) for cell in self.cells])

    @property
    def levels(self) -> np.ndarray:
        """Which of the inputs that hold a cell tell the level of a category, bool (cells' inputs,)."""
        return np.concatenate([np.full(cell.past - cell.first, cell.category) for cell in self.cells])

    def errors(self, outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """How far each cell is from what was expected, in spreads or doubts, (rows, cells), NaN where it is missing."""
        return Reconstruction(self.cells, "absolute").errors(outputs, targets, self.spread, self.centre)

    def known(self, targets: np.ndarray) -> np.ndarray:
        """Which cells are there, bool (rows, cells)."""
        return ~np.isnan(targets[:, [cell.first for cell in self.cells]])

    def usual(self, outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """The median error of each cell, as a standard deviation, (cells,)."""
        errors = self.errors(outputs, targets)
        known = ~np.isnan(errors)
        medians = [1.4826 * np.median(e[k]) if k.any() else 1.0 for e, k in zip(errors.T, known.T, strict=True)]
        least = [LEAST_CATEGORY if cell.category else LEAST_AMOUNT for cell in self.cells]
        return np.maximum(medians, least)

    def times(self, outputs: np.ndarray, targets: np.ndarray, usual: np.ndarray) -> np.ndarray:
        """Errors as multiples of the usual one, capped, (rows, cells); 0 where the cell is missing."""
        return np.minimum(np.nan_to_num(self.errors(outputs, targets) / usual), CAP)

    def units(self, targets: np.ndarray) -> np.ndarray:
        """Rows as points whose distances count each column alike, float32 (rows, inputs); missing cells are 0."""
        scaled = np.clip((targets - self.centre) / self.spread, -FURTHEST, FURTHEST)
        return np.nan_to_num(scaled).astype(np.float32)
