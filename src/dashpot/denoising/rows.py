"""Tables to take noise out of: every row is seen whole, each column in units of its spread."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from dashpot.denoising.corruption import Corruption
from dashpot.denoising.held import held_out
from dashpot.denoising.network import Drawing, Drawn, WindowDenoiser
from dashpot.denoising.subjects import Pass, Settings
from dashpot.errors import DataError
from dashpot.randomness import draws
from dashpot.reconstruction import FURTHEST, Cell, Reconstruction, cells_of, targets_of
from dashpot.tables import TableEncoder
from dashpot.tables.cells import typed
from dashpot.tables.decode import decode, filled
from dashpot.tables.frames import Cells, table_of

OF_ANY_CELL = ("masking", "swap")  # kinds of noise that disturb categories, too; the others disturb amounts


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of a table.

    Attributes
    ----------
    encoder : TableEncoder, fitted
    centre, spread : float arrays (inputs,)
        Of amounts; 0 and 1 of indicators, 0.5 and 1 of one that tells two levels.
    count : int
        Clean rows that it was made by.
    whole : tuple of int
        Source columns of whole numbers, or of days; they come back as such from rows where they are.
    """

    encoder: TableEncoder
    centre: np.ndarray
    spread: np.ndarray
    count: int
    whole: tuple[int, ...] = ()

    @classmethod
    def of(cls, X: Any) -> Rows:
        """By a table of clean rows."""
        encoder = TableEncoder("Denoiser").fit(X)
        inputs, cells = encoder.transform(X), cells_of(encoder)
        if len(inputs) < 2:
            raise DataError(f"Denoiser.fit: has to compare rows, but n_samples = {len(inputs)}. Pass at least 2 rows.")
        whole = _whole(encoder, table_of(X, "Denoiser.fit"), range(len(encoder.columns_)))
        made = cls(encoder, *Reconstruction(cells).scale(targets_of(cells, inputs)), len(inputs), whole)
        made.centre[[cell.first for cell in made._of_two_levels()]] = 0.5  # so that a missing one is neither level
        return made

    @property
    def settings(self) -> Settings:
        """Few rows come back less often with other noise, or they are learned by heart."""
        return Settings((128, 128), int(np.clip(100 * self.count, 5_000, 100_000)), 10)

    @property
    def shape(self) -> tuple[int, int]:
        """One row."""
        return 1, len(self.centre)

    inner = shape

    @property
    def seen(self) -> np.ndarray:
        """Every number."""
        return np.eye(len(self.centre), dtype=np.float32)

    def units(self, X: Any, caller: str) -> np.ndarray:
        """Rows in units of the columns' spreads, float32 (rows, inputs), NaN where a cell is missing."""
        targets = targets_of(cells_of(self.encoder), self.encoder.transform(X))
        missing = self.encoder.missing(X)
        for cell in self._of_two_levels():  # one indicator cannot say that the cell is missing
            targets[missing[:, cell.source], cell.first] = np.nan
        return np.asarray(((targets - self.centre) / self.spread).clip(-FURTHEST, FURTHEST), dtype=np.float32)

    def level_between(self, noisy: np.ndarray, clean: np.ndarray) -> float:
        """The root mean square of the differences of all numbers, missing cells left out."""
        amounts = self._amounts()
        return float(np.sqrt(np.nanmean(np.square(noisy[:, amounts] - clean[:, amounts])))) if amounts.any() else 0.0

    def _of_two_levels(self) -> list[Cell]:
        """The categories that one indicator tells."""
        return [cell for cell in cells_of(self.encoder) if cell.category and cell.past - cell.first == 1]

    def drawing(self, clean: np.ndarray, noisy: np.ndarray | None, corruption: Corruption) -> Drawing:
        """Rows, some of which are held out, with noise in the cells that it disturbs; missing cells are 0."""
        parts = held_out(len(clean))
        disturbed = self.disturbed(corruption)

        def draw(count: int, rng: np.random.Generator, judged: bool) -> Drawn:
            chosen = rng.choice(parts[judged], size=count)
            aims = np.nan_to_num(clean[chosen])
            if noisy is None:
                seen = np.where(disturbed & ~np.isnan(clean[chosen]), self._noisy(aims, corruption, rng), aims)
            else:
                seen = np.nan_to_num(noisy[chosen])
            return Drawn(np.where(disturbed & ~np.isnan(clean[chosen]), aims, seen), seen)

        return draw

    def _noisy(self, rows: np.ndarray, corruption: Corruption, rng: np.random.Generator) -> np.ndarray:
        """Rows with noise; what comes from one column is masked, and taken from another row, together."""
        import torch

        draw = draws([int(rng.integers(2**31))], step=0)
        noise, source = corruption.noise, self.encoder.inputs_.source
        if noise.kind != "masking":
            bound = noise.bind(self.encoder.inputs_)
            return np.asarray(bound.perturb_units(torch.from_numpy(rows)[None], 0, draw)[0].numpy())
        stays = noise.perturb_units(torch.ones(1, len(rows), int(source.max()) + 1), 0, draw)[0].numpy()
        return np.asarray(rows * (stays[:, source] > 0), dtype=np.float32)

    def _amounts(self) -> np.ndarray:
        """The inputs that are numbers, bool (inputs,)."""
        found = np.zeros(len(self.centre), dtype=bool)
        for cell in cells_of(self.encoder):
            found[cell.first : cell.past] = not cell.category
        return found

    def disturbed(self, corruption: Corruption) -> np.ndarray:
        """The inputs that noise of this kind disturbs, bool (inputs,)."""
        return np.ones(len(self.centre), dtype=bool) if corruption.noise.kind in OF_ANY_CELL else self._amounts()

    def cleaned(self, model: WindowDenoiser, X: Any, level: float | None, path: Pass) -> Any:
        """The table without noise; where that is masking, its missing cells are filled and the others stay."""
        units = self.units(X, "Denoiser.transform")
        levels = np.full(len(units), level or model.corruption.highest, dtype=np.float32)
        found = model.cleaned(np.nan_to_num(units), levels).clip(-FURTHEST, FURTHEST)
        expected = decode(self.encoder, found.astype(np.float64) * self.spread + self.centre)
        rounded = _whole(self.encoder, table_of(X, "Denoiser.transform"), self.whole)
        replaced = self._replaced(X, units, model.corruption)
        return _with(_rounded(expected, rounded), replaced, X, self.encoder)

    def _replaced(self, X: Any, units: np.ndarray, corruption: Corruption) -> dict[int, np.ndarray]:
        """Which cells are replaced, by source column: of masking those that are missing, else those that are known."""
        disturbed = self.disturbed(corruption)
        unknown = {cell: np.isnan(units[:, cell.first]) for cell in cells_of(self.encoder) if disturbed[cell.first]}
        if corruption.noise.kind != "masking":
            return {cell.source: ~places for cell, places in unknown.items()}
        missing = self.encoder.missing(X)
        return {cell.source: missing[:, cell.source] if cell.category else places for cell, places in unknown.items()}

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain JSON."""
        scale = {"centre": self.centre.tolist(), "spread": self.spread.tolist()}
        return {
            "kind": "rows",
            "encoder": self.encoder.to_dict(),
            "count": self.count,
            "whole": list(self.whole),
            **scale,
        }


def _whole(encoder: TableEncoder, table: Any, sources: Iterable[int]) -> tuple[int, ...]:
    """Which of these source columns hold whole numbers, or days without a time, where a cell is not missing."""
    places, kinds = encoder.places(table), ("number", "date")
    found = {source: table.column(places[source]) for source in sources if encoder.columns_[source].kind in kinds}
    return tuple(source for source, cells in found.items() if _is_whole(cells))


def _is_whole(cells: Cells) -> bool:
    """Whether all cells that are not missing are whole numbers, or days without a time."""
    if cells.kind == "text":
        cells = Cells("date", typed(cells.values))
    if cells.values.dtype.kind == "M":
        return bool((np.isnat(cells.values) | (cells.values == cells.values.astype("datetime64[D]"))).all())
    return cells.kind == "number" and bool((np.isnan(cells.values) | (cells.values == cells.values.round())).all())


def _rounded(expected: Any, sources: Iterable[int]) -> Any:
    """Expected cells, of some source columns as whole numbers or days."""
    if isinstance(expected, pd.DataFrame):
        cells = {expected.columns[source]: expected.iloc[:, source] for source in sources}
        return expected.assign(
            **{name: one.dt.round("D") if one.dtype.kind == "M" else one.round() for name, one in cells.items()}
        )
    expected = expected.copy()
    expected[:, list(sources)] = expected[:, list(sources)].round()
    return expected


def _with(expected: Any, replaced: dict[int, np.ndarray], X: Any, encoder: TableEncoder) -> Any:
    """The table with expected cells in some places, by the number of the source column."""
    if isinstance(expected, pd.DataFrame):
        found = filled(encoder, X, expected, replaced)
        before = dict(getattr(X, "dtypes", {})) if isinstance(X, pd.DataFrame) else {}
        kinds = {
            str(name): kind for name, kind in before.items() if not isinstance(kind, np.dtype) or kind.kind in "iu"
        }
        return found.assign(**{name: _as_given(found[name], kind) for name, kind in kinds.items()})
    found = np.array(X, dtype=np.float64)
    for source, places in replaced.items():
        found[places, source] = expected[places, source]
    return found


def _as_given(cells: pd.Series, kind: Any) -> pd.Series:
    """Cells in the type of those given; whole numbers that it cannot hold, and halves, in one that can."""
    if getattr(kind, "kind", "") not in "iufb":
        return cells
    wide = cells.astype("Float64") if cells.dtype == object and kind.kind in "iuf" else cells
    try:
        given = wide.astype(kind)
    except (ValueError, TypeError):  # such as -1 in a column of uint8
        return wide
    return given if kind.kind in "fb" or (given == wide).all() else wide
