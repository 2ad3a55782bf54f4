"""A map of a table with its measures, beside the maps that people draw today."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from dashpot.errors import DataError, UsageError, did_you_mean
from dashpot.estimators import Autoencoder
from dashpot.maps.measures import OURS, faithfulness, told_by_neighbors, worth
from dashpot.maps.peers import PEERS, Drawn, drawn, installed
from dashpot.networks import CLIP
from dashpot.optimizers import AdamW
from dashpot.regularizers import KeepNeighbors, Noise
from dashpot.tables import PictureEncoder, TableEncoder

STEPS = {"default": 3_000, "best": 15_000}  # steps of training for a map, whatever the number of rows
BATCH = 256
MOST_CLASSES = 20  # different numbers in a label; more of them are amounts
SIZES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)


@dataclass(frozen=True, eq=False)
class Map:
    """A map of a table: each row a point, near where rows are alike.

    Attributes
    ----------
    model : Autoencoder
        `model.transform` places new rows at once, `model.inverse_transform` draws the row of any point.
    codes : float array (rows, 2)
        Every row, in the order of the table.
    held_out : bool array (rows,)
        The rows that no map has learned from: all measures are taken on them.
    measures : data frame, one row for each map
        "reconstruction" (mean error of a cell, in units of spread), "trustworthiness", "continuity",
        "neighbors_kept", "label" (how well the nearest row tells the label), "seconds".
    sizes : data frame
        "code_size", "autoencoder" and "PCA": the mean error of a cell of rows held out, for codes of several sizes.
    elbow : int
        The code size behind which the error falls slowly.
    peers : dict of str to array (rows, 2)
        The other maps.
    table : data frame or array
    label : array (rows,) or None
    """

    model: Autoencoder
    codes: np.ndarray
    held_out: np.ndarray
    measures: pd.DataFrame
    sizes: pd.DataFrame
    elbow: int
    peers: dict[str, np.ndarray]
    table: Any
    label: np.ndarray | None
    label_name: str

    def worth(self) -> str:
        """Whether the autoencoder is worth it, beside its floor and the other maps, in words."""
        return worth(self.measures)

    def places(self) -> pd.DataFrame:
        """For every row its place on the map, the mean error of drawing it again, and whether it was held out."""
        return pd.DataFrame(
            {
                "x": self.codes[:, 0],
                "y": self.codes[:, 1],
                "error": -self.model.score_samples(self.table),
                "held_out": self.held_out,
            }
        )

    def report(self, path: str | Path) -> Path:
        """Write one offline page: the maps side by side, measures, axes, reconstructions."""
        from dashpot.report.mapped import write_map

        return write_map(self, Path(path))


def embed(
    X: Any,
    label: Any = None,
    *,
    hidden_layers: Sequence[int] = (256, 256, 128),
    max_epochs: int | None = None,
    preset: str = "default",
    peers: Sequence[str] = PEERS,
    sizes: Sequence[int] | None = None,
    image_shape: Any = None,
    random_state: int = 0,
    workers: int | None = None,
    progress: Callable[[str], None] | None = None,
) -> Map:
    """Draw a table as a map, and measure it beside PCA, t-SNE and UMAP on rows held out.

    Parameters
    ----------
    X : frame or array of shape (rows, columns)
        Numbers, text, dates; missing cells are fine.
    label : array (rows,) or None
        A column that no map sees: classes or amounts. The measures say how well the nearest row tells it. Numbers with
        more than 20 different values are amounts; classes with more can be passed as text.
    hidden_layers : sequence of int, default (256, 256, 128)
        Of the encoder; the decoder mirrors it.
    max_epochs : int or None
        None is as `preset` says.
    preset : {"default", "best"}, default "default"
        About 3,000 steps in all, or 15,000: five times the seconds, for a map whose nearest rows tell more.
    peers : sequence of {"PCA", "t-SNE", "UMAP"}
        Maps to draw beside. UMAP is left out where the package umap-learn is not installed.
    sizes : sequence of int or None
        Code sizes whose error is told. None chooses by the number of columns; () leaves it out.
    image_shape : (height, width), (height, width, channels) or None
        Rows are pictures.
    random_state : int, default 0
        Equal numbers give equal maps.
    workers : int or None
        Cores to use; None is all.
    progress : callable or None
        Called with what is being drawn.

    Raises
    ------
    DataError, UsageError
        For data or parameters that cannot be used.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> found = embed(
    ...     load_iris().data,
    ...     load_iris().target_names[load_iris().target],
    ...     hidden_layers=(16,),
    ...     max_epochs=20,
    ...     peers=["PCA"],
    ...     sizes=[1, 2],
    ... )
    >>> found.codes.shape, found.measures.index.tolist(), found.elbow
    ((150, 2), ['autoencoder', 'PCA'], 1)
    """
    say = progress or (lambda _: None)
    chosen = _chosen_peers(peers)
    if preset not in list(STEPS):
        raise UsageError(f"embed(preset={preset!r}): must be {' or '.join(STEPS)}.{did_you_mean(str(preset), STEPS)}")
    count = _rows(X)
    if count < 12:
        raise DataError(f"embed: has to hold rows out, but n_samples = {count}. Pass at least 12 rows.")
    _check_cells(X, image_shape)
    held_out = np.zeros(count, dtype=bool)
    held_out[np.random.default_rng(random_state).permutation(count)[: count // 4]] = True
    label, label_name = _checked_label(label, count)
    training, new = _taken(X, ~held_out), _taken(X, held_out)
    shared: dict[str, Any] = {"image_shape": image_shape, "random_state": random_state, "workers": workers}
    say(OURS)
    start = time.perf_counter()
    model = map_model(count - held_out.sum(), hidden_layers, max_epochs, preset, **shared).fit(training)
    codes = np.zeros((count, 2))
    codes[~held_out], codes[held_out] = model.transform(training), model.transform(new)
    maps = {OURS: Drawn(codes[~held_out], codes[held_out], time.perf_counter() - start, True)}
    seen, seen_new = (_seen(model, part) for part in (training, new))
    for name in chosen:
        say(name)
        maps[name] = drawn(name, seen, seen_new, random_state)
    measures = _measured(maps, seen_new, label, held_out)
    measures["reconstruction"] = pd.Series(_reconstructed(model, new))
    say("codes of several sizes")
    errors = _errors_by_size(training, new, _checked_sizes(sizes, model), hidden_layers, shared)
    others = {name: _whole(one, held_out) for name, one in maps.items() if name != OURS}
    return Map(model, codes, held_out, measures, errors, elbow(errors), others, X, label, label_name)


def map_model(
    rows: int,
    hidden_layers: Sequence[int] = (256, 256, 128),
    max_epochs: int | None = None,
    preset: str = "default",
    **settings: Any,
) -> Autoencoder:
    """An autoencoder with a code of two numbers whose neighbours stay together, for so many training rows."""
    steps = STEPS[preset]
    epochs = max_epochs or int(np.clip(steps * BATCH / max(rows, 1), 20, steps // 5))
    recipe = (Noise("inputs", "gaussian", 0.5), KeepNeighbors(3.0))
    optimizer = AdamW(learning_rate=4e-3, schedule="cosine", decay=0.0, beta2=0.95)
    return Autoencoder(
        2, hidden_layers, regularizers=recipe, optimizer=optimizer, batch_size=BATCH, max_epochs=epochs, **settings
    )


def elbow(errors: pd.DataFrame) -> int:
    """The code size whose error lies farthest below the straight line from the first to the last one."""
    if not len(errors):
        return 0
    sizes, values = np.log(errors["code_size"].to_numpy(float)), errors["autoencoder"].to_numpy(float)
    if len(errors) < 3:
        return int(errors["code_size"].iloc[0])
    line = values[0] + (values[-1] - values[0]) * (sizes - sizes[0]) / (sizes[-1] - sizes[0])
    return int(errors["code_size"].iloc[int(np.argmax(line - values))])


def _chosen_peers(peers: Sequence[str]) -> list[str]:
    """The peers that can be drawn here."""
    for name in peers:
        if name not in PEERS:
            raise UsageError(f"embed(peers): {name!r} is none of {', '.join(PEERS)}.{did_you_mean(str(name), PEERS)}")
    return [name for name in peers if installed(name)]


def _check_cells(X: Any, image_shape: Any) -> None:
    """Refuse cells that cannot be used, by their row in the whole table; what this learns of it is forgotten."""
    encoder = TableEncoder("embed") if image_shape is None else PictureEncoder(image_shape, "embed")
    encoder.fit(X).transform(X)


def _rows(X: Any) -> int:
    """Rows of a frame or an array."""
    return int(X.shape[0]) if hasattr(X, "shape") else len(X)


def _taken(X: Any, rows: np.ndarray) -> Any:
    """Some of the rows, by a mask."""
    if hasattr(X, "iloc"):
        return X.iloc[np.flatnonzero(rows)]
    frame = nw.from_native(X, pass_through=True)
    if isinstance(frame, nw.DataFrame):
        return frame[np.flatnonzero(rows).tolist()].to_native()
    return np.asarray(X)[rows]


def _checked_label(label: Any, count: int) -> tuple[np.ndarray | None, str]:
    """The label as amounts or as text, and its name."""
    if label is None:
        return None, ""
    values, name = np.asarray(label), getattr(label, "name", None)
    if values.shape != (count,):
        raise UsageError(f"embed(label): has shape {values.shape}, the table {count} rows. Pass one for each.")
    if values.dtype.kind not in "fiu" or len(np.unique(values)) <= MOST_CLASSES:
        return values.astype(str), str(name or "label")
    if not np.isfinite(values).all():
        raise DataError(f"embed(label): row {int(np.flatnonzero(~np.isfinite(values))[0]) + 1} is missing.")
    return values.astype(np.float64), str(name or "label")


def _checked_sizes(sizes: Sequence[int] | None, model: Autoencoder) -> list[int]:
    """The code sizes to compare: smaller than a row, and not more than thirty-two by default."""
    most = len(model.cells_)
    return [size for size in (SIZES if sizes is None else sizes) if size < most or size == 1]


def _seen(model: Autoencoder, table: Any) -> np.ndarray:
    """Rows in units of their columns' spread, extremes pulled in, missing cells at the centre."""
    (network,) = model.networks_
    return network.seen(model.encoder_.transform(table), CLIP).astype(np.float32)


def _measured(
    maps: dict[str, Drawn], seen_new: np.ndarray, label: np.ndarray | None, held_out: np.ndarray
) -> pd.DataFrame:
    """The measures of each map on the rows held out."""
    rows = {}
    for name, one in maps.items():
        rows[name] = faithfulness(seen_new, one.new_codes)
        if label is not None:
            rows[name]["label"] = told_by_neighbors(one.codes, label[~held_out], one.new_codes, label[held_out])
        rows[name] |= {"seconds": one.seconds, "places_new": float(one.places_new)}
    return pd.DataFrame.from_dict(rows, orient="index")


def _reconstructed(model: Autoencoder, table: Any) -> dict[str, float]:
    """The mean error of a cell of new rows, by the network and by as many principal components."""
    inputs = model.encoder_.transform(table)
    return {OURS: -model.score(table), "PCA": model._mean_error(model.components_network_, inputs)}


def _errors_by_size(
    training: Any, new: Any, sizes: Sequence[int], hidden_layers: Sequence[int], shared: dict[str, Any]
) -> pd.DataFrame:
    """The mean error of a cell of new rows for codes of several sizes."""
    rows = []
    for size in sizes:
        model = Autoencoder(size, hidden_layers[-2:], max_epochs=100, **shared).fit(training)
        rows.append({"code_size": size, "autoencoder": -model.score(new), "PCA": _reconstructed(model, new)["PCA"]})
    return pd.DataFrame(rows, columns=["code_size", "autoencoder", "PCA"])


def _whole(one: Drawn, held_out: np.ndarray) -> np.ndarray:
    """The codes of all rows, in the order of the table."""
    codes = np.zeros((len(held_out), 2))
    codes[~held_out], codes[held_out] = one.codes, one.new_codes
    return codes
