"""The maps that people draw today: PCA, t-SNE and, where it is installed, UMAP."""

from __future__ import annotations

import time
import warnings
from typing import NamedTuple

import numpy as np
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

PEERS = ("PCA", "t-SNE", "UMAP")


class Drawn(NamedTuple):
    """A map: codes of training rows and of new rows, (rows, 2), and the seconds it took."""

    codes: np.ndarray
    new_codes: np.ndarray
    seconds: float
    places_new: bool  # whether new rows were placed on a map that was there before them


def installed(name: str) -> bool:
    """Whether a map can be drawn here."""
    if name != "UMAP":
        return True
    from importlib.util import find_spec

    return find_spec("umap") is not None


def drawn(name: str, rows: np.ndarray, new_rows: np.ndarray, seed: int) -> Drawn:
    """A peer's map of rows (rows, inputs) and of new rows; t-SNE cannot place new rows, so it draws both together."""
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if name == "PCA":
            pca = PCA(min(2, *rows.shape), random_state=seed).fit(rows)
            codes, new_codes = pca.transform(rows), pca.transform(new_rows)
        elif name == "t-SNE":
            both = np.vstack([rows, new_rows])
            perplexity = min(30.0, (len(both) - 1) / 3)
            codes = TSNE(2, perplexity=perplexity, init="pca" if rows.shape[1] > 1 else "random", random_state=seed)
            codes, new_codes = np.split(codes.fit_transform(both), [len(rows)])
        else:
            from umap import UMAP

            umap = UMAP(n_neighbors=min(15, len(rows) - 1), random_state=seed).fit(rows)
            codes, new_codes = umap.embedding_, umap.transform(new_rows)
    return Drawn(_flat(codes), _flat(new_codes), time.perf_counter() - start, name != "t-SNE")


def _flat(codes: np.ndarray) -> np.ndarray:
    """Two numbers for each row, also where there is one component only."""
    return np.column_stack([codes, np.zeros((len(codes), 2 - codes.shape[1]))]).astype(np.float64)
