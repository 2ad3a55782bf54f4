"""What an autoencoder is to reconstruct: the cells of a row, each source column on one scale, whatever it holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from scipy.special import expit, softmax
from torch import Tensor
from torch.nn import functional

from dashpot.errors import UsageError
from dashpot.losses import Loss
from dashpot.ranges import require
from dashpot.scaling import channel_scaling

ERRORS = ("squared", "absolute", "huber")
FURTHEST = 30.0  # spreads from the mean, and logits from 0: a cell beyond counts as one there


class Cell(NamedTuple):
    """One source column among the inputs: `first` to `past` hold amounts, or the indicators of a category's levels."""

    source: int
    first: int
    past: int
    category: bool

    @property
    def levels(self) -> int:
        """Levels of a category; one indicator tells two."""
        return max(2, self.past - self.first)


def cells_of(encoder: Any) -> tuple[Cell, ...]:
    """The cells of the rows that a fitted `TableEncoder` or `PictureEncoder` gives.

    Indicators of missing cells belong to no cell: nobody is asked to reconstruct that a cell is missing.
    """
    if not hasattr(encoder, "columns_"):
        return tuple(Cell(number, number, number + 1, False) for number in range(encoder.n_features_in_))
    cells, first = [], 0
    for source, column in enumerate(encoder.columns_):
        count = len(column.inputs())
        own = count - column.missing
        if own:
            cells.append(Cell(source, first, first + own, column.kind == "category"))
        first += count
    return tuple(cells)


def targets_of(cells: Sequence[Cell], inputs: np.ndarray) -> np.ndarray:
    """What to reconstruct of encoded rows, float32 (rows, inputs): NaN where a cell is missing, or no cell at all."""
    targets = np.full(inputs.shape, np.nan, dtype=np.float32)
    for cell in cells:
        own = inputs[:, cell.first : cell.past]
        absent = cell.category and cell.past - cell.first > 1
        targets[:, cell.first : cell.past] = np.where(own.any(1, keepdims=True), own, np.nan) if absent else own
    return targets


def row_means(errors: np.ndarray) -> np.ndarray:
    """The mean error of each row's cells, (rows,), NaN where all are missing."""
    known = (~np.isnan(errors)).sum(1)
    return np.divide(np.nansum(errors, axis=1), known, out=np.full(len(errors), np.nan), where=known > 0)


@dataclass(frozen=True)
class Reconstruction(Loss):
    """The mean error of a row's cells: of amounts in units of their spread, of categories cross-entropy / log(levels).

    A cell whose target is NaN counts for nothing. Amounts beyond 30 spreads count as 30.

    Parameters
    ----------
    cells : tuple of Cell
    kind : {"squared", "absolute", "huber"}, default "squared"
        Error of amounts; Huber's turns linear at one spread.
    trim : float in [0, 1), default 0
        Share of each batch, the rows of the highest loss, that teaches nothing: odd rows are not learned.
        0 learns from all.
    channels : int, default 0
        Above 0, rows are pictures with so many channels, and all pixels of a channel have one scale.
    """

    cells: tuple[Cell, ...] = ()
    kind: str = "squared"
    trim: float = 0.0
    channels: int = 0
    standardizes: ClassVar[bool] = True
    reconstructs: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Check the word and the range."""
        if self.kind not in ERRORS:
            raise UsageError(f"Reconstruction(kind={self.kind!r}): must be one of {', '.join(ERRORS)}.")
        require(self, "trim", at_least=0, below=1)

    def scale(self, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and spread of amounts, 0 and 1 of indicators, each (outputs,); missing cells are left out."""
        if self.channels:
            centre, factor = channel_scaling(targets, self.channels)
            return centre, np.divide(1.0, factor, out=np.ones_like(factor), where=factor > 0)
        centre, spread = np.zeros(targets.shape[1]), np.ones(targets.shape[1])
        amounts = [place for cell in self.cells if not cell.category for place in range(cell.first, cell.past)]
        values = targets[:, amounts].astype(np.float64)
        known = ~np.isnan(values)
        count = known.sum(0).clip(min=1)
        centre[amounts] = np.where(known, values, 0).sum(0) / count
        deviation = np.sqrt((np.where(known, values - centre[amounts], 0) ** 2).sum(0) / count)
        spread[amounts] = np.where(deviation > 0, deviation, 1.0)
        return centre, spread

    def per_cell(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The error of each cell, (..., cells), for (..., outputs); 0, without a gradient, where it is missing."""
        layout = _layout(self.cells, outputs.shape[-1], str(outputs.device))
        amounts, categories = self._errors(outputs, targets, layout)
        cells = amounts.new_zeros(*amounts.shape[:-1], len(self.cells))
        cells.index_add_(-1, layout.owners, amounts[..., layout.places])
        return cells if categories is None else cells.index_add_(-1, layout.crossed, categories)

    def _errors(self, outputs: Tensor, targets: Tensor, layout: _Layout) -> tuple[Tensor, Tensor | None]:
        """The share of each output in its cell's error, (..., outputs), and the error of each category."""
        known = ~targets.isnan()
        aims = targets.nan_to_num(0.0).clamp(-FURTHEST, FURTHEST)
        amounts = self._amounts(outputs, aims) * (known * layout.shares)
        if not len(layout.crossed):
            return amounts, None
        logits = outputs.clamp(-FURTHEST, FURTHEST)
        total = logits.exp() @ layout.members + layout.unwritten
        crossed = total.log() - (aims * logits) @ layout.members
        return amounts, crossed * known[..., layout.firsts] / layout.levels

    def _amounts(self, outputs: Tensor, aims: Tensor) -> Tensor:
        """The error of each amount."""
        if self.kind == "squared":
            return (outputs - aims).square()
        if self.kind == "absolute":
            return (outputs - aims).abs()
        return functional.huber_loss(outputs, aims, reduction="none")

    def error(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The mean error of the cells that are there, (networks, batch)."""
        layout = _layout(self.cells, outputs.shape[-1], str(outputs.device))
        amounts, categories = self._errors(outputs, targets, layout)
        total = amounts.sum(-1) if categories is None else amounts.sum(-1) + categories.sum(-1)
        return total / (~targets.isnan()).to(outputs).matmul(layout.begins).clamp(min=1)

    def per_row(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The same, and 0 for the rows that are trimmed."""
        losses = self.error(outputs, targets)
        left_out = int(self.trim * losses.shape[1])
        if not left_out:
            return losses
        limit = losses.detach().topk(left_out, dim=1).values[:, -1:]
        return losses * (losses.detach() < limit) / (1 - self.trim)

    def errors(self, outputs: np.ndarray, targets: np.ndarray, scale: np.ndarray, centre: np.ndarray) -> np.ndarray:
        """The error of each cell, (rows, cells), NaN where it is missing; outputs and targets in their units."""
        parts = (np.asarray((part - centre) / scale, dtype=np.float32) for part in (outputs, targets))
        errors = self.per_cell(*map(torch.from_numpy, parts)).numpy()
        return np.where(np.isnan(targets[:, [cell.first for cell in self.cells]]), np.nan, errors)

    def predict(self, outputs: np.ndarray) -> np.ndarray:
        """Expected values: amounts, and the probabilities of a category's levels."""
        expected = np.array(outputs, dtype=np.float64)
        for cell in self.cells:
            if cell.category:
                own = expected[:, cell.first : cell.past]
                expected[:, cell.first : cell.past] = expit(own) if own.shape[1] == 1 else softmax(own, axis=1)
        return expected


class _Layout(NamedTuple):
    """Which outputs belong to which cell, as numbers."""

    shares: Tensor  # (outputs,): 1 / (amounts of the cell), 0 for what is no amount
    begins: Tensor  # (outputs,): 1 where a cell begins
    places: Tensor  # outputs that are amounts
    owners: Tensor  # the cell of each of them
    crossed: Tensor  # cells that are categories
    firsts: Tensor  # the first output of each of them
    members: Tensor  # (outputs, categories): 1 where an output is a level of the category
    unwritten: Tensor  # (categories,): 1 where one indicator tells two levels; the other level has logit 0
    levels: Tensor  # (categories,): logarithm of the levels


@lru_cache(maxsize=64)
def _layout(cells: tuple[Cell, ...], outputs: int, device: str) -> _Layout:
    """The layout of the cells."""
    shares, begins = torch.zeros(outputs), torch.zeros(outputs)
    owners = [(place, number) for number, cell in enumerate(cells) for place in range(cell.first, cell.past)]
    amounts = [(place, number) for place, number in owners if not cells[number].category]
    categories = [number for number, cell in enumerate(cells) if cell.category]
    members = torch.zeros(outputs, len(categories))
    for place, number in amounts:
        shares[place] = 1 / (cells[number].past - cells[number].first)
    for cell in cells:
        begins[cell.first] = 1.0
    for column, number in enumerate(categories):
        members[cells[number].first : cells[number].past, column] = 1.0
    parts = (
        shares,
        begins,
        torch.tensor([place for place, _ in amounts], dtype=torch.long),
        torch.tensor([number for _, number in amounts], dtype=torch.long),
        torch.tensor(categories, dtype=torch.long),
        torch.tensor([cells[number].first for number in categories], dtype=torch.long),
        members,
        torch.tensor([float(cells[number].past - cells[number].first == 1) for number in categories]),
        torch.tensor([float(cells[number].levels) for number in categories]).log(),
    )
    return _Layout(*(part.to(device) for part in parts))
