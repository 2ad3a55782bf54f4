"""What `Noise` does to pictures: at one level, or at any level of a range."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dashpot.errors import UsageError, shown
from dashpot.regularizers import Noise

ADDED = ("gaussian", "uniform")  # kinds whose level is the standard deviation of what is added


@dataclass(frozen=True)
class Corruption:
    """Noise of one kind, at levels between `lowest` and `highest`.

    Attributes
    ----------
    noise : Noise
        On inputs; its level is `highest`.
    lowest, highest : float
        Equal for one level.
    """

    noise: Noise
    lowest: float
    highest: float

    @property
    def added(self) -> bool:
        """Whether the level is a standard deviation in units of the picture's full range."""
        return self.noise.kind in ADDED

    @property
    def blind(self) -> bool:
        """Whether it is a range of levels."""
        return self.lowest < self.highest

    def levels(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """A level for each row, uniform on the logarithm between the ends, float32 (count,)."""
        drawn = np.exp(rng.uniform(np.log(self.lowest), np.log(self.highest), size=count))
        return drawn.astype(np.float32)

    def units(self, levels: np.ndarray) -> np.ndarray:
        """What counts as 1 to a network, for each row: the standard deviation of added noise, float32 (count, 1)."""
        return levels[:, None] if self.added else np.ones((len(levels), 1), dtype=np.float32)

    def corrupted(self, rows: np.ndarray, levels: np.ndarray, seed: int, step: int = 0) -> np.ndarray:
        """Rows (count, width) with noise, each at its own level where the level is one of added noise."""
        import torch

        from dashpot.randomness import draws

        unit = replace(self.noise, level=1.0 if self.added else self.highest)
        clean = torch.from_numpy(rows)[None]
        if not self.added:
            return np.asarray(unit.perturb_units(clean, 0, draws(seed, step))[0].numpy())
        noise = unit.perturb_units(torch.zeros_like(clean), 0, draws(seed, step))[0].numpy()
        return np.asarray(rows + levels[:, None] * noise)


def corruption_of(given: Any, caller: str) -> Corruption:
    """Return what is meant by a `Noise` on inputs, or by two of one kind, the ends of a range.

    Raises
    ------
    UsageError
        If it is anything else.
    """
    parts = (given,) if isinstance(given, Noise) else tuple(given) if isinstance(given, list | tuple) else ()
    fits = len(parts) in (1, 2) and all(isinstance(one, Noise) and one.target == "inputs" for one in parts)
    if not fits or len({one.kind for one in parts}) > 1 or min(one.level for one in parts) <= 0:
        raise UsageError(
            f'{caller}(corruption={shown(given)}): must be Noise("inputs", kind, level) with a level above 0, or two '
            "of one kind, the ends of a range."
        )
    levels = sorted(one.level for one in parts)
    if len(parts) == 2 and parts[0].kind not in ADDED:
        raise UsageError(
            f"{caller}(corruption={shown(given)}): a range needs gaussian or uniform noise. Pass one Noise."
        )
    return Corruption(replace(parts[0], level=levels[-1]), levels[0], levels[-1])
