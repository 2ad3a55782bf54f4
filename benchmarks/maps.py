"""Maps and codes: the autoencoder beside PCA, t-SNE and UMAP, on rows that none of them has learned from.

Reconstruction: mean squared error of a cell of new rows, in units of the column's spread (pictures: of the pixels'),
for codes of 2, 8 and 32 numbers, beside as many principal components. Maps: trustworthiness (10 neighbours) and
accuracy of the nearest training row, for the maps of `embed`, principal components and UMAP. MNIST in its
official split, the others 75 % to train, three seeds. Needs the data (`--data`), with its `load.py`, and umap-learn.
What the output holds already is not run again.

    python benchmarks/maps.py --data ../shared/data [--sets digits satimage] [--parts codes maps best peers]
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from dashpot import Autoencoder, EarlyStopping
from dashpot.maps.embedding import map_model
from dashpot.maps.measures import faithfulness, told_by_neighbors
from dashpot.networks import CLIP

warnings.filterwarnings("ignore")
SETS = ("digits", "satimage", "mfeat_fourier", "mice_protein", "mnist")
SIZES = (2, 8, 32)


class Split(NamedTuple):
    """Rows and classes, to learn from and new."""

    X: Any
    y: np.ndarray
    new: Any
    new_y: np.ndarray
    image_shape: tuple[int, int] | None


def split_of(name: str, seed: int, load: Any) -> Split:
    """A set, divided by a seed; MNIST as it was published."""
    if name == "mnist":
        X, y, about = load.images("mnist")
        X = X.reshape(len(X), -1).astype(np.float32) / 255
        first = about.get("n_train", 60_000)
        return Split(X[:first], y[:first].astype(str), X[first:], y[first:].astype(str), (28, 28))
    if name == "digits":
        digits = load_digits()
        X, y, shape = digits.data, digits.target, (8, 8)
    else:
        X, y, _ = load.tabular(name)
        shape = None
    order = np.random.default_rng(seed).permutation(len(y))
    train, test = order[len(order) // 4 :], order[: len(order) // 4]
    taken: Callable[[np.ndarray], Any] = (lambda rows: X.iloc[rows]) if hasattr(X, "iloc") else (lambda rows: X[rows])
    y = np.asarray(y).astype(str)
    return Split(taken(train), y[train], taken(test), y[test], shape)


def codes(split: Split, seed: int) -> Iterator[dict[str, Any]]:
    """Error of new rows for codes of several sizes, and of as many principal components."""
    large = len(split.y) > 20_000
    for size in SIZES:
        start = time.perf_counter()
        settings: dict[str, Any] = {"image_shape": split.image_shape, "random_state": seed}
        settings |= {"max_epochs": 5, "regularizers": EarlyStopping()} if large else {}
        model = Autoencoder(size, **settings).fit(split.X)
        seconds = time.perf_counter() - start
        inputs = model.encoder_.transform(split.new)
        pca = model._mean_error(model.components_network_, inputs)
        yield {"method": f"autoencoder {size}", "error": -model.score(split.new), "seconds": seconds}
        yield {"method": f"PCA {size}", "error": pca}


def maps(split: Split, seed: int, preset: str = "default", name: str = "map") -> Iterator[dict[str, Any]]:
    """Measures of a map of `embed`."""
    start = time.perf_counter()
    settings: dict[str, Any] = {"image_shape": split.image_shape, "random_state": seed}
    model = map_model(len(split.y), preset=preset, **settings).fit(split.X)
    seconds = time.perf_counter() - start
    (network,) = model.networks_
    seen_new = network.seen(model.encoder_.transform(split.new), CLIP)
    placed = measured(name, split, seen_new, model.transform(split.X), model.transform(split.new), seconds)
    yield placed | {"error": -model.score(split.new)}


def peers(split: Split, seed: int) -> Iterator[dict[str, Any]]:
    """Measures of principal components and UMAP, which see rows as the networks do."""
    network, model = _seen_by(split)
    seen, seen_new = (network.seen(model.encoder_.transform(X), CLIP) for X in (split.X, split.new))
    pca = PCA(2).fit(seen)
    yield measured("PCA map", split, seen_new, pca.transform(seen), pca.transform(seen_new), 0.0)
    from umap import UMAP

    start = time.perf_counter()
    umap = UMAP(random_state=seed).fit(seen)
    seconds = time.perf_counter() - start
    yield measured("UMAP", split, seen_new, umap.embedding_, umap.transform(seen_new), seconds)


def _seen_by(split: Split) -> tuple[Any, Autoencoder]:
    """A network, hardly trained, that standardizes these rows, and its model."""
    model = Autoencoder(2, (), max_epochs=1, regularizers=(), image_shape=split.image_shape, random_state=0)
    return model.fit(split.X).networks_[0], model


def measured(
    name: str, split: Split, seen_new: np.ndarray, placed: np.ndarray, new: np.ndarray, seconds: float
) -> dict[str, Any]:
    """One map's measures."""
    nearest = told_by_neighbors(placed, split.y, new, split.new_y)
    return {"method": name, **faithfulness(seen_new, new), "nearest": nearest, "seconds": seconds}


PARTS = {  # a row that each writes, and how
    "codes": ("PCA 2", codes),
    "maps": ("map", maps),
    "best": ("best map", partial(maps, preset="best", name="best map")),
    "peers": ("UMAP", peers),
}


def main() -> None:
    """Run what is not there yet."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", type=Path, required=True)
    options.add_argument("--sets", nargs="+", default=SETS, choices=SETS)
    options.add_argument("--parts", nargs="+", default=PARTS, choices=PARTS)
    options.add_argument("--output", type=Path, default=Path(__file__).parent / "results" / "maps.csv")
    chosen = options.parse_args()
    sys.path.insert(0, str(chosen.data))
    import load

    known = pd.read_csv(chosen.output) if chosen.output.exists() else pd.DataFrame(columns=["set", "seed", "method"])
    for name in chosen.sets:
        for seed in range(1 if name == "mnist" else 3):
            there = set(known[(known["set"] == name) & (known["seed"] == seed)]["method"])
            for part in (part for part in chosen.parts if not there & {PARTS[part][0]}):
                rows = [{"set": name, "seed": seed} | row for row in PARTS[part][1](split_of(name, seed, load), seed)]
                known = pd.concat([known, pd.DataFrame(rows)], ignore_index=True)
                known.round(4).to_csv(chosen.output, index=False)
                print(pd.DataFrame(rows).round(3).to_string(), flush=True)


if __name__ == "__main__":
    main()
