"""Learning curves of a study: the baseline beside the best regularizer."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import pandas as pd

from dashpot.networks import Network
from dashpot.studies.effects import BASELINE, scores_on_test
from dashpot.studies.scores import Score

# The band holds the middle 80 % of the splits.
_band = (10, 90)


class Tried(Protocol):
    """What is needed of a trial."""

    @property
    def split(self) -> int:
        """Number of its split."""

    @property
    def method(self) -> str:
        """Name of its method."""


def best_regularizer(results: pd.DataFrame, score: Score) -> str | None:
    """The regularizer with the largest mean gain on test rows."""
    means = score.sign * scores_on_test(results, score.name).mean()
    networks = results.loc[results["kind"] == "regularizer", "method"].unique()
    return str(means[networks].idxmax()) if len(networks) else None


def learning_curves(
    results: pd.DataFrame,
    trials: Sequence[Tried],
    settings: Sequence[str],
    networks: Sequence[tuple[Network, ...]],
    score: Score,
) -> pd.DataFrame:
    """Loss by epoch over splits, as `method`, `part`, `epoch`, `mean`, `low`, `high`."""
    chosen = results[results["chosen"] & (results["part"] == "test")]
    picked = set(zip(chosen["split"], chosen["method"], chosen["setting"], strict=True))
    frames = []
    for method in (BASELINE, best_regularizer(results, score)):
        members = [
            group
            for trial, setting, group in zip(trials, settings, networks, strict=True)
            if group and trial.method == method and (trial.split, trial.method, setting) in picked
        ]
        for part, name in (("training", "loss"), ("validation", "validation_loss")):
            frames.append(
                _curve([[network.history[name] for network in group] for group in members], str(method), part)
            )
    return pd.concat(frames, ignore_index=True)


def _curve(histories: list[list[Sequence[float]]], method: str, part: str) -> pd.DataFrame:
    """Mean and band over splits, up to the epoch that at least half of the splits reached."""
    of_splits = [_mean_of_members(group) for group in histories]
    lengths = sorted(map(len, of_splits))
    length = lengths[len(lengths) // 2] if lengths else 0
    table = np.full((len(of_splits), length), np.nan)
    for row, values in zip(table, of_splits, strict=True):
        row[: len(values)] = values[:length]
    table = table[:, np.isfinite(table).any(axis=0)] if length else table
    epochs = np.arange(1, table.shape[1] + 1)
    low, high = np.nanpercentile(table, _band, axis=0) if table.size else (epochs * 1.0, epochs * 1.0)
    mean = np.nanmean(table, axis=0) if table.size else epochs * 1.0
    return pd.DataFrame({"method": method, "part": part, "epoch": epochs, "mean": mean, "low": low, "high": high})


def _mean_of_members(histories: list[Sequence[float]]) -> np.ndarray:
    """The mean curve of an ensemble, up to its shortest member."""
    length = min(map(len, histories))
    return np.mean([np.asarray(history[:length], dtype=np.float64) for history in histories], axis=0)
