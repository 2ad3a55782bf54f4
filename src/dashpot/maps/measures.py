"""How faithful a map is: what stayed near, what came near, and what the map cannot tell."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.manifold import trustworthiness
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor, NearestNeighbors

OURS = "autoencoder"
NEAR = 10  # neighbours that are compared
MOST_ROWS = 2_000  # rows among which neighbours are compared, since all distances are needed


def faithfulness(rows: np.ndarray, codes: np.ndarray, seed: int = 0) -> dict[str, float]:
    """Trustworthiness, continuity and the share of neighbours kept, each from 0 to 1, 1 is best.

    Parameters
    ----------
    rows : array (rows, inputs)
        In the units in which distances count.
    codes : array (rows, code)
    seed : int
        Chooses the rows, where there are more than 2,000.

    References
    ----------
    Venna and Kaski (2001), ICANN (trustworthiness: what is near on the map was near before; continuity: what was near
    is near on the map).
    """
    chosen = np.random.default_rng(seed).permutation(len(rows))[:MOST_ROWS]
    rows, codes = rows[chosen], codes[chosen]
    near = min(NEAR, max(1, (len(rows) - 1) // 2))
    if len(rows) < 4:
        return {"trustworthiness": np.nan, "continuity": np.nan, "neighbors_kept": np.nan}
    return {
        "trustworthiness": float(trustworthiness(rows, codes, n_neighbors=near)),
        "continuity": float(trustworthiness(codes, rows, n_neighbors=near)),
        "neighbors_kept": _kept(rows, codes, near),
    }


def _kept(rows: np.ndarray, codes: np.ndarray, near: int) -> float:
    """The share of each row's nearest rows that are among its nearest on the map."""
    before, after = (
        NearestNeighbors(n_neighbors=near).fit(one).kneighbors(return_distance=False) for one in (rows, codes)
    )
    return float(np.mean([len(np.intersect1d(a, b)) for a, b in zip(before, after, strict=True)]) / near)


def told_by_neighbors(codes: np.ndarray, values: np.ndarray, new_codes: np.ndarray, new_values: np.ndarray) -> float:
    """How well the nearest row tells a column of new rows: accuracy of classes, R2 of amounts by five rows."""
    if values.dtype.kind == "f":
        model = KNeighborsRegressor(min(5, len(codes))).fit(codes, values)
    else:
        model = KNeighborsClassifier(1).fit(codes, values)
    return float(model.score(new_codes, new_values))


def worth(table: pd.DataFrame) -> str:
    """Whether the autoencoder earns its place beside its floor and the other maps, given the measures of all."""
    ours = table.loc[OURS]
    parts = []
    if "PCA" in table.index:
        gain = 1 - ours["reconstruction"] / table.loc["PCA", "reconstruction"]
        parts.append(
            f"From two numbers it draws new rows again with {gain:.0%} less error than two principal components."
            if gain > 0.01
            else "Two principal components draw new rows again as well: the autoencoder is not worth it for that."
        )
    better = [name for name in table.index if table.loc[name, "trustworthiness"] > ours["trustworthiness"] + 0.01]
    if better:
        listed = " and ".join(better)
        parts.append(f"Neighbours on the map of {listed} can be trusted more; it cannot draw a row from a point.")
    elif "PCA" not in table.index or ours["trustworthiness"] > table.loc["PCA", "trustworthiness"] + 0.01:
        parts.append("No other map's neighbours can be trusted more.")
    else:
        parts.append("Neighbours on PCA's map can be trusted as much.")
    return " ".join(parts)
