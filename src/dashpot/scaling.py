"""Standardization is part of a network: centre and scale by its own training rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dashpot.embeddings import Embedding, embedded, learned, quantiles
from dashpot.networks import standardize
from dashpot.tables.encode import Inputs

if TYPE_CHECKING:
    from dashpot.jobs import Job, Sample

MOST_ROWS = 10_000  # that edges of embeddings are taken from
LARGEST_AMOUNT = 1e30  # of a target: float32 holds what is computed from it
COARSE = 1e-4  # of their size: float32 blurs amounts that differ by less


def offset_of(amounts: np.ndarray) -> np.ndarray:
    """What to subtract from amounts (rows, outputs) so that float32 tells them apart; 0 where it does anyway."""
    low, median, high = np.quantile(amounts, (0.25, 0.5, 0.75), axis=0)
    spread = np.where(high > low, high - low, np.ptp(amounts, axis=0))
    return np.where(spread < COARSE * np.abs(median), median, 0.0)


def scaling(sample: Sample, design: Any) -> tuple[np.ndarray, ...]:
    """Centre and scale of the inputs, centre and scale of the targets, by one network's own training rows.

    Numbers: the median, and 1.349 over the distance of the quartiles (or half the range, where that is 0).
    Indicators: the mean and the standard deviation. A constant input gets scale 0, a constant target 1.
    Pixels of pictures: mean and standard deviation over all pixels of the channel, so that they stay comparable.
    """
    targets = design.loss.encode(sample.targets)
    width = targets.shape[1]
    if not design.standardize:
        count = sample.inputs.shape[1]
        centre = restored_shares(sample, design.loss, width).astype(np.float32)
        return *(np.full(count, v, dtype=np.float32) for v in (0, 1)), centre, np.ones(width, dtype=np.float32)
    columns, inputs = sample.examples.columns, sample.inputs.astype(np.float64)
    centre, scale = input_scaling(inputs, columns)
    target_centre, target_scale = restored_shares(sample, design.loss, width), np.ones(width)
    if design.loss.standardizes:
        target_centre, target_scale = design.loss.scale(targets)
    return tuple(part.astype(np.float32) for part in (centre, scale, target_centre, target_scale))


def restored_shares(sample: Sample, loss: Any, outputs: int) -> np.ndarray:
    """What brings the probabilities of a network that trained on other shares of the classes back to the true ones."""
    if sample.shares is None:
        return np.zeros(outputs)
    seen = sample.seen
    if seen is None:
        seen = np.bincount(sample.targets, weights=sample.weights, minlength=len(sample.shares))
        seen = seen / seen.sum()
    ratios = np.divide(sample.shares, seen, out=np.ones_like(seen), where=(seen > 0) & (sample.shares > 0))
    shift = np.zeros(max(outputs, 2))
    shift[: len(ratios)] = np.log(ratios)
    return np.asarray(loss.shift(shift))


def channel_scaling(pixels: np.ndarray, channels: int) -> tuple[np.ndarray, np.ndarray]:
    """Centre and factor of each pixel, (inputs,): one for all pixels of a channel, missing ones left out."""
    values = pixels.reshape(-1, channels)
    known = ~np.isnan(values)
    count = known.sum(0).clip(min=1)
    centre = np.where(known, values, 0.0).sum(0) / count
    spread = np.sqrt((np.where(known, values - centre, 0.0) ** 2).sum(0) / count)
    scale = np.divide(1.0, spread, out=np.zeros_like(spread), where=spread > 0)
    return np.tile(centre, pixels.shape[1] // channels), np.tile(scale, pixels.shape[1] // channels)


def input_scaling(inputs: np.ndarray, columns: Inputs) -> tuple[np.ndarray, np.ndarray]:
    """Centre and factor of each input, missing cells left out."""
    if columns.image is not None:
        return channel_scaling(inputs, columns.image[2])
    absent = np.isnan(inputs)
    filled = absent.all(0)
    if filled.any():
        inputs = np.where(filled, 0.0, inputs)
    missing = bool(absent.any())
    low, centre, high = quantiles(inputs, np.array([0.25, 0.5, 0.75]))
    spread = (high - low) / 1.349
    lowest, highest = (np.nanmin, np.nanmax) if missing else (np.min, np.max)
    half_range = (highest(inputs, axis=0) - lowest(inputs, axis=0)) / 2
    spread = np.where(spread > 0, spread, half_range)
    mean, deviation = (np.nanmean, np.nanstd) if missing else (np.mean, np.std)
    centre = np.where(columns.indicator, mean(inputs, axis=0), centre)
    spread = np.where(columns.indicator, deviation(inputs, axis=0), spread)
    return centre, np.divide(1.0, spread, out=np.zeros_like(spread), where=spread > 0)


def embedding_of(sample: Sample, design: Any, scale: tuple[np.ndarray, ...], seed: int) -> Embedding:
    """The embedding of a network by its own training rows, scaled as it scales them, and its seed."""
    numbers = embedded(sample.examples.columns, design.numeric_embedding)
    if not len(numbers):
        return Embedding()
    some = slice(None, None, -(-len(sample) // MOST_ROWS))
    inputs = sample.inputs[some, numbers].astype(np.float64)
    values = standardize(inputs, scale[0][numbers], scale[1][numbers], design.clipping)
    values[np.isnan(inputs)] = np.nan  # missing cells have no place among the quantiles
    return learned(design.numeric_embedding, numbers, values, sample.targets[some], seed)


def silenced(job: Job, columns: Inputs, scales: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
    """The scaling of a network that sees some of the source columns only: the others have scale 0."""
    if job.columns == 1 or job.start:
        return scales
    known = np.unique(columns.source)
    rng = np.random.default_rng([job.seed & 0xFFFFFFFF, job.seed >> 32, 4])
    seen = rng.choice(known, max(1, round(job.columns * len(known))), replace=False)
    centre, scale, *targets = scales
    return centre, np.where(np.isin(columns.source, seen), scale, np.float32(0)), *targets
