"""Simple methods beside the detector, and whether it is worth having."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.stats import spearmanr
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.neighbors import NearestNeighbors

from dashpot.anomalies.threshold import labels_of
from dashpot.errors import DataError

if TYPE_CHECKING:
    from dashpot.anomalies.reading import Reading

OURS = "AnomalyDetector"
SAME = 0.95  # a rank correlation from which two methods say the same
MOST_ROWS = 10_000  # more rows than this are sampled: the floors are for comparison


def floors(detector: Reading, X: Any, y: Any) -> pd.DataFrame:
    """PCA, kNN and isolation forest, fitted on the rows that they judge, beside the detector."""
    _, targets, _ = detector._encoded(X)
    ours = detector.anomaly_scores(X)
    odd = None if y is None else labels_of(y, len(ours))
    if odd is not None and odd.all() | ~odd.any():
        raise DataError("AnomalyDetector.floors(y): the labels are all alike. Pass both, or none.")
    if len(ours) > MOST_ROWS:
        some = np.sort(np.random.default_rng(0).permutation(len(ours))[:MOST_ROWS])
        targets, ours, odd = targets[some], ours[some], None if odd is None else odd[some]
    table = detector.standard_.units(targets).astype(np.float64)
    found = {OURS: ours, **{name: method(table) for name, method in METHODS.items()}}
    return pd.DataFrame([_row(name, scores, ours, odd) for name, scores in found.items()])


def _row(name: str, scores: np.ndarray, ours: np.ndarray, odd: np.ndarray | None) -> dict[str, Any]:
    """One method beside ours, and against the labels."""
    top = max(1, len(ours) // 20)
    same = len(set(np.argsort(-scores)[:top]) & set(np.argsort(-ours)[:top])) / top
    agreement = 1.0 if name == OURS else float(np.nan_to_num(spearmanr(scores, ours).statistic))
    row = {"method": name, "agreement": round(agreement, 3), "same_top": round(same, 3)}
    if odd is not None:
        row |= {
            "auroc": round(float(roc_auc_score(odd, scores)), 4),
            "average_precision": round(float(average_precision_score(odd, scores)), 4),
        }
    return row


def _pca(table: np.ndarray) -> np.ndarray:
    """Squared distance to the subspace of 90 % of the variance."""
    pca = PCA(0.9, svd_solver="full").fit(table)
    return np.asarray(np.square(table - pca.inverse_transform(pca.transform(table))).sum(1))


def _neighbours(table: np.ndarray) -> np.ndarray:
    """Distance to the neighbour at a tenth of the rows, at most 500."""
    count = min(len(table) - 1, max(5, min(500, len(table) // 10)))
    return np.asarray(NearestNeighbors(n_neighbors=count + 1).fit(table).kneighbors(table)[0][:, -1])


def _forest(table: np.ndarray) -> np.ndarray:
    """scikit-learn's isolation forest with its defaults."""
    return -np.asarray(IsolationForest(random_state=0).fit(table).score_samples(table))


METHODS = {"PCA residual": _pca, "kNN": _neighbours, "isolation forest": _forest}


def worth(table: pd.DataFrame) -> str:
    """Whether the autoencoders earn their place here, in a sentence."""
    others = table[table["method"] != OURS]
    if "auroc" in table:
        best = others.loc[others["average_precision"].idxmax()]
        ours = table.loc[table["method"] == OURS].iloc[0]
        if best["average_precision"] >= ours["average_precision"]:
            return (
                f"On your labels {best['method']} finds at least as much (average precision "
                f"{best['average_precision']:.3f} against {ours['average_precision']:.3f}): "
                "the autoencoders are not worth it here."
            )
        return (
            f"On your labels the autoencoders find more than {best['method']}, the best of the simple methods "
            f"(average precision {ours['average_precision']:.3f} against {best['average_precision']:.3f})."
        )
    nearest = others.loc[others["agreement"].idxmax()]
    if nearest["agreement"] >= SAME:
        return (
            f"{nearest['method']} ranks the rows nearly the same (rank correlation {nearest['agreement']:.2f}): "
            "the autoencoders add little here but the reasons."
        )
    return (
        f"The simple methods rank the rows differently (nearest: {nearest['method']}, rank correlation "
        f"{nearest['agreement']:.2f}). Without labels nobody can say which is right: look at the first rows of each."
    )
