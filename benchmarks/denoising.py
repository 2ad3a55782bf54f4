"""Noise out of pictures and tables: `Denoiser` beside classical filters, on pictures that none has learned from.

photographs: six of scikit-image, grey, white noise of 15, 25 and 50 of 255, not cut off. Ours learns from the 400 crops
of BSD that the data hold, for each level, and once for all levels ("blind": the level is estimated). Classical filters
are tuned on ten of these crops. small: digits (8 x 8), MNIST (28 x 28) and faces (64 x 64), noise 0.2, test pictures
apart. tables: noise of 0.3 spreads, three splits; beside the best linear correction and an autoencoder.
Needs the data (`--data`, with its `load.py`), and for the pictures scikit-image, PyWavelets and bm3d. What the output
holds already is not run again.

    python benchmarks/denoising.py --data ../shared/data [--boards tables small photographs]
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.datasets import load_digits

from dashpot import Autoencoder, Denoiser, EarlyStopping, Ensemble, Noise
from dashpot.denoising import psnr, ssim
from dashpot.denoising.subjects import SMALL

warnings.filterwarnings("ignore")
JUDGED = ("astronaut", "camera", "chelsea", "coffee", "coins", "rocket")
LEVELS = (15, 25, 50)
TABLES = ("satimage", "wine_quality", "steel_plates", "mice_protein", "phoneme")
LARGE: dict[str, Any] = {"windows": 1_200_000, "max_epochs": 10, "random_state": 0}
QUICK, BEST = {"stride": 2, "symmetries": 1}, {"stride": 1, "symmetries": 8}
OURS: dict[str, tuple[bool, int, dict[str, int]]] = {  # whether the level is unknown, looks, how windows are taken
    "dashpot": (False, 1, QUICK),
    "dashpot, best": (False, 1, BEST),
    "dashpot, blind": (True, 1, QUICK),
    "dashpot, two looks": (False, 2, QUICK),
}
LUMINANCE = np.array([0.2125, 0.7154, 0.0721])

Row = dict[str, Any]
Clean = Callable[[np.ndarray], np.ndarray]


def noisy(clean: np.ndarray, level: float, seed: int) -> np.ndarray:
    """White Gaussian noise, added and not cut off."""
    return np.asarray(clean + np.random.default_rng(seed).normal(0, level, clean.shape))


def judged(method: str, pictures: dict[str, np.ndarray], level: float, filtered: Clean) -> Iterator[Row]:
    """PSNR, SSIM and seconds of a method on pictures."""
    for seed, (name, clean) in enumerate(pictures.items()):
        given, start = noisy(clean, level, seed), time.perf_counter()
        found = np.clip(filtered(given), 0, 1)
        seconds = time.perf_counter() - start
        scores = {"psnr": psnr(clean, found), "ssim": ssim(clean, found)}
        yield {"method": method, "picture": name, "level": level, **scores, "seconds": seconds}


def peers(tuning: list[np.ndarray], pictures: dict[str, np.ndarray], level: float, done: set[str]) -> Iterator[Row]:
    """Every classical filter, tuned on other pictures."""
    from denoising_peers import GRIDS, tuned

    for name, (method, _) in GRIDS.items():
        if name in done or (name == "BM3D" and min(tuning[0].shape) < 16):
            continue
        best = tuned(name, tuning[:3] if name == "BM3D" else tuning, level)
        yield from judged(name, pictures, level, lambda given, m=method, b=best: m(given, level, **b))


def photographs(load: Any, done: Callable[..., set[str]]) -> Iterator[Row]:
    """Large pictures."""
    crops = [crop / 255 for crop in load.images("bsd400_train")[0]]
    shipped = load.images("photos_skimage")[0]
    pictures = {
        name: (shipped[name] @ LUMINANCE if shipped[name].ndim == 3 else shipped[name]) / 255 for name in JUDGED
    }
    fitted: dict[Any, Denoiser] = {}
    for grey in LEVELS:
        level = grey / 255
        known = done("photographs", level)
        yield from peers(crops[360::4], pictures, level, known)
        for method, (blind, looks, path) in OURS.items():
            if method in known:
                continue
            key = "blind" if blind else grey, looks
            if key not in fitted:
                corruption = None if blind else Noise("inputs", "gaussian", level)
                fitted[key] = Denoiser(corruption, looks=looks, **LARGE).fit(crops)
            yield from judged(method, pictures, level, fitted[key].set_params(**path).transform)


def small(load: Any, done: Callable[..., set[str]]) -> Iterator[Row]:
    """Small pictures: learned from other pictures of the same kind."""
    faces, mnist = load.images("olivetti_faces")[0] / 255, load.images("mnist")[0] / 255
    digits = load_digits().images / 16
    sets = {"digits": (digits, 1297), "mnist": (mnist, 60_000), "faces": (faces, 320)}
    for name, (images, first) in sets.items():
        board = f"small {name}"
        known, level = done(board, 0.2), 0.2
        pictures = {f"{name} {number}": picture for number, picture in enumerate(images[first : first + 80])}
        rows = peers(list(images[:10]), pictures, level, known)
        yield from (row | {"board": board} for row in rows)
        for looks, method in enumerate(("dashpot", "dashpot, two looks"), start=1):
            if method not in known and images[0].size > looks * SMALL - SMALL:  # the smallest are looked at once
                model = Denoiser(Noise("inputs", "gaussian", level), looks=looks, **LARGE).fit(images[:first])
                yield from (row | {"board": board} for row in judged(method, pictures, level, model.transform))


def tables(load: Any, done: Callable[..., set[str]]) -> Iterator[Row]:
    """Numeric columns in units of their spread; what is left of the noise's energy."""
    level = 0.3
    for name in TABLES:
        if "dashpot" in done(f"table {name}", level):
            continue
        frame = load.tabular(name)[0].select_dtypes("number").dropna(axis=1)
        for seed in range(3):
            rng = np.random.default_rng(seed)
            X = frame.to_numpy(dtype=float)[rng.permutation(len(frame))[:4000]]
            cut = 3 * len(X) // 4
            X = X[:, X[:cut].std(0) > 0]
            rows = ((X - X[:cut].mean(0)) / X[:cut].std(0)).clip(-5, 5)
            given = noisy(rows[cut:], level, seed + 100)
            for method, found, seconds in _of_tables(rows[:cut], given, level, seed):
                left = float(np.mean((found - rows[cut:]) ** 2)) / level**2
                yield {"board": f"table {name}", "method": method, "picture": f"split {seed}", "level": level} | {
                    "left": left,
                    "seconds": seconds,
                }


def _of_tables(
    train: np.ndarray, given: np.ndarray, level: float, seed: int
) -> Iterator[tuple[str, np.ndarray, float]]:
    """Every method's cleaned rows, and the seconds that it took."""
    start = time.perf_counter()
    centre = train.mean(0)
    covariance = np.cov((train - centre).T)
    gain = covariance @ np.linalg.inv(covariance + level**2 * np.eye(len(covariance)))
    yield "linear", (given - centre) @ gain.T + centre, time.perf_counter() - start
    noise, start = Noise("inputs", "gaussian", level), time.perf_counter()
    recipe = [noise, EarlyStopping(patience=25), Ensemble(3)]
    coder = Autoencoder(code_size=0.9, regularizers=recipe, random_state=seed).fit(train)
    yield "denoising autoencoder, code of 90 %", coder.reconstruct(given), time.perf_counter() - start
    start = time.perf_counter()
    yield "dashpot", Denoiser(noise, random_state=seed).fit(train).transform(given), time.perf_counter() - start


BOARDS: dict[str, Callable[..., Iterator[Row]]] = {"tables": tables, "small": small, "photographs": photographs}


def main() -> None:
    """Run the boards, row by row into the output, and print the means."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--boards", nargs="+", choices=BOARDS, default=list(BOARDS))
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results" / "denoising.csv")
    options = parser.parse_args()
    sys.path.insert(0, str(options.data))
    import load

    def done(board: str, level: float) -> set[str]:
        if not options.output.exists():
            return set()
        found = pd.read_csv(options.output)
        return set(found[(found["board"] == board) & np.isclose(found["level"], level)]["method"])

    columns = ["board", "level", "method", "picture", "psnr", "ssim", "left", "seconds"]
    for board in options.boards:
        for _, rows in groupby(BOARDS[board](load, done), key=lambda row: row["method"]):  # a method is there whole
            new = pd.DataFrame([{"board": board, **row} for row in rows], columns=columns)
            new.to_csv(options.output, mode="a", header=not options.output.exists(), index=False, float_format="%.5g")
    found = pd.read_csv(options.output)
    measures = found.groupby(["board", "level", "method"], sort=False)[["psnr", "ssim", "left", "seconds"]].mean()
    print(measures.round(3).to_string())


if __name__ == "__main__":
    main()
