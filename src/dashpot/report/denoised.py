"""The page of a denoiser: pictures before, after and their difference; of tables what changed in each column."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from dashpot import __version__
from dashpot.denoising.classical import sliding_cosine
from dashpot.denoising.quality import psnr, ssim
from dashpot.png import png
from dashpot.report.page import page

if TYPE_CHECKING:
    from dashpot.denoising import Denoiser

WIDEST = 420  # pixels of a picture on the page; larger ones show their middle, so that noise stays noise
GAIN = 2  # how much stronger a difference is drawn than it is


@dataclass(frozen=True)
class Shown:
    """One picture before and after, all values between 0 and 1.

    Attributes
    ----------
    name : str
    before, after : arrays (height, width[, 3])
    level : float
        The noise that was taken out, a share of the range from black to white.
    clean : array or None
        What the picture should be, where that is known.
    """

    name: str
    before: np.ndarray
    after: np.ndarray
    level: float
    clean: np.ndarray | None = None

    @property
    def scores(self) -> list[dict[str, str]]:
        """PSNR and SSIM of the noisy picture, of a classical filter that needs no training, and of the networks."""
        if self.clean is None:
            return []
        rows = {"Before": self.before, "Sliding DCT (classical)": self.classical, "Networks": self.after}
        return [
            {"name": name, "psnr": f"{psnr(self.clean, values):.2f} dB", "ssim": f"{ssim(self.clean, values):.3f}"}
            for name, values in rows.items()
        ]

    @property
    def classical(self) -> np.ndarray:
        """What the classical filter makes of the picture, channel by channel."""
        channels = np.moveaxis(np.atleast_3d(self.before), 2, 0)
        found = np.stack([sliding_cosine(channel, self.level) for channel in channels], axis=2)
        return np.asarray(found.reshape(self.before.shape).clip(0, 1))


def summarize_pictures(pictures: Sequence[Shown], denoiser: Denoiser) -> dict[str, Any]:
    """What the page says of pictures, as plain values."""
    count = f"{len(pictures)} picture{'' if len(pictures) == 1 else 's'}"
    return _head(f"{count} without noise", denoiser) | {"pictures": [_one(picture) for picture in pictures]}


def summarize_table(before: pd.DataFrame, after: pd.DataFrame, name: str, denoiser: Denoiser) -> dict[str, Any]:
    """What the page says of a table: for each column how many cells changed, and by how much.

    Parameters
    ----------
    before, after : DataFrame
    name : str
        Of the table.
    denoiser : Denoiser, fitted on a table
    """
    columns = []
    for column in after.columns:
        old, new = before[column].astype(object), after[column].astype(object)
        changed = ~((old == new) | (old.isna() & new.isna())).to_numpy()
        numbers = pd.to_numeric(old, errors="coerce"), pd.to_numeric(new, errors="coerce")
        spread = numbers[0].std()
        distance = (numbers[1] - numbers[0]).abs().mean() / spread if spread > 0 else np.nan
        amount = "" if np.isnan(distance) else f"{distance:.2f}"
        filled = int((old.isna() & new.notna()).sum())
        columns.append({"name": str(column), "changed": int(changed.sum()), "filled": filled, "distance": amount})
    return _head(f"{name} without noise", denoiser) | {"columns": columns, "rows": f"{len(after):,}"}


def _head(headline: str, denoiser: Denoiser) -> dict[str, Any]:
    """How every page begins."""
    noise = denoiser.model_.corruption
    level = f"{noise.lowest:.3g} to {noise.highest:.3g}" if noise.blind else f"{noise.highest:.3g}"
    return {
        "version": __version__,
        "title": "dashpot denoise",
        "headline": headline,
        "lead": denoiser.verdict_,
        "facts": [f"{noise.noise.kind.replace('_', ' ')} noise, level {level}", f"dashpot {__version__}"],
        "pictures": [],
        "columns": [],
    }


def _one(shown: Shown) -> dict[str, Any]:
    """One picture: its drawings and its scores."""
    panels = [("Before", _middle(shown.before)), ("After", _middle(shown.after))]
    panels.append((f"Difference, {GAIN} times", 0.5 + GAIN * (_middle(shown.before) - _middle(shown.after))))
    if shown.clean is not None:
        panels.append(("Clean", _middle(shown.clean)))
    return {
        "name": shown.name,
        "level": f"{shown.level:.3f} ({255 * shown.level:.1f} of 255)",
        "panels": [{"title": title, "source": _source(values)} for title, values in panels],
        "scores": shown.scores,
    }


def _middle(values: np.ndarray) -> np.ndarray:
    """The middle of a picture that is too large for the page."""
    height, width = values.shape[:2]
    top, left = max(0, height - WIDEST) // 2, max(0, width - WIDEST) // 2
    return values[top : top + WIDEST, left : left + WIDEST]


def _source(values: np.ndarray) -> str:
    """Values between 0 and 1 as the address that holds a picture."""
    colours = np.repeat(values[:, :, None], 3, axis=2) if values.ndim == 2 else values
    pixels = np.asarray((np.clip(colours, 0, 1) * 255).round(), dtype=np.uint8)
    return "data:image/png;base64," + base64.b64encode(png(np.ascontiguousarray(pixels))).decode()


def render_denoised(summary: dict[str, Any]) -> str:
    """The page: one file, nothing loaded, no script, everything escaped."""
    return page("denoised.html", summary, found=summary)
