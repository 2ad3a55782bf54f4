"""A denoiser, built from what a model file says."""

from __future__ import annotations

from typing import Any

import numpy as np

from dashpot.arrays import network_from
from dashpot.denoising.corruption import Corruption
from dashpot.denoising.denoiser import Denoiser
from dashpot.denoising.described import ARRAYS, OF_A_KIND, PLAIN, SECOND
from dashpot.denoising.kinds import Kind
from dashpot.denoising.looks import TwoLooks, window_again
from dashpot.denoising.network import WindowDenoiser
from dashpot.denoising.rows import Rows
from dashpot.denoising.subjects import Subject, WholePictures, Windows
from dashpot.errors import ModelFileError
from dashpot.model_files import Tensors
from dashpot.regularizers import Noise
from dashpot.tables import TableEncoder


def denoiser_from(described: dict[str, Any], tensors: Tensors) -> Denoiser:
    """A denoiser from what a file says; a ValueError where parts do not fit."""
    kind, lowest, highest = described["corruption"]
    ends = [Noise("inputs", str(kind), float(level)) for level in dict.fromkeys((lowest, highest))]
    parameters = {name: value for name, value in described["parameters"].items() if name in PLAIN}
    widths = None if described["hidden_layers"] is None else tuple(map(int, described["hidden_layers"]))
    model = Denoiser(tuple(ends) if len(ends) > 1 else ends[0], widths, **parameters)
    model._check_parameters()
    subject = _subject(described["subject"])
    corruption = Corruption(ends[-1], float(lowest), float(highest))
    found = _windows((*subject.shape, *subject.inner), corruption, described, tensors, "")
    again = described.get("second")
    model._keep(subject, found if again is None else _two_looks(found, again, tensors))
    return model


def _two_looks(first: WindowDenoiser, described: dict[str, Any], tensors: Tensors) -> TwoLooks:
    """Networks that look again, from what a file says."""
    kind = None
    if described["kind"] is not None:
        height, width = map(int, described["kind"])
        kind = Kind((height, width), *(tensors[f"kind.{name}"] for name in OF_A_KIND))
        count = len(kind.squares)
        shapes = kind.mean.shape, kind.axes.shape, kind.squares.shape
        numbers = [getattr(kind, name) for name in OF_A_KIND]
        if shapes != ((height * width,), (height * width, count), (count,)) or not all(map(_finite, numbers)):
            raise ValueError("kind")
    shape = window_again(kind is not None)
    if len(tensors[f"{SECOND}basis"]) < np.prod(shape):
        raise ModelFileError(
            "load: this Denoiser takes a second look as an earlier version did, at fewer planes. Fit it anew."
        )
    second = _windows((*shape, *first.inner), first.corruption, described, tensors, SECOND)
    return TwoLooks(first, second, kind)


def _windows(
    sides: tuple[int, ...],
    corruption: Corruption,
    described: dict[str, Any],
    tensors: Tensors,
    key: str,
) -> WindowDenoiser:
    """Networks and how they see windows, from what a file says."""
    found = WindowDenoiser(
        (sides[0], sides[1]),
        (sides[2], sides[3]),
        corruption,
        tensors[f"{key}basis"],
        float(described["spread"]),
        tensors[f"{key}weights"],
        tuple(network_from(one, tensors, f"{key}{number}") for number, one in enumerate(described["networks"])),
        tensors.get(f"{key}linear"),
        *map(float, described["errors"]),
    )
    _check(found)
    return found


def _finite(array: np.ndarray) -> bool:
    """Whether all numbers are finite."""
    return bool(np.isfinite(array).all())


def _subject(described: dict[str, Any]) -> Subject:
    """What was denoised, from what a file says."""
    if described["kind"] == "rows":
        encoder = TableEncoder.from_dict(described["encoder"], "Denoiser")
        centre, spread = (np.array(described[name], dtype=float) for name in ("centre", "spread"))
        inputs = (len(encoder.inputs_.names),)
        if centre.shape != inputs or spread.shape != inputs or not np.isfinite(centre).all() or not (spread > 0).all():
            raise ValueError("shapes")
        whole = tuple(int(source) for source in described.get("whole", ()))
        if any(not 0 <= source < encoder.n_features_in_ for source in whole):
            raise ValueError("columns")
        return Rows(encoder, centre, spread, int(described["count"]), whole)
    low, high = map(float, described["ends"])
    if not low < high:
        raise ValueError("range")
    if described["kind"] == "windows":
        return Windows((low, high))
    size = tuple(int(number) for number in described["size"])
    if len(size) not in (2, 3) or min(size) < 1:
        raise ValueError("size")
    return WholePictures((low, high), size)


def _check(found: WindowDenoiser) -> None:
    """Refuse arrays whose shapes do not fit together, or that hold anything but finite numbers."""
    pixels, corrected = int(np.prod(found.shape)), int(np.prod(found.inner))
    inputs = found.basis.shape[-1] + found.corruption.blind
    fits = found.basis.shape == (pixels, inputs - found.corruption.blind) and found.weights.shape == found.inner
    fits = fits and 0 < found.corruption.lowest <= found.corruption.highest
    for network in found.networks:
        fits = fits and len(network.centre) == inputs and len(network.target_centre) == corrected
    arrays = [one for name in ARRAYS if (one := getattr(found, name)) is not None]
    finite = all(map(_finite, arrays)) and found.spread >= 0
    fits = fits and (found.linear is None or found.linear.shape == (inputs, corrected))
    if not found.networks or not fits or not finite or (found.weights <= 0).any():
        raise ValueError("shapes")
