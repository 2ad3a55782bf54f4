"""What people use today to find anomalies, each as one function: training rows, test rows -> a score for each test row.

Columns are standardized by the training rows, as the peers' own documentation asks for. Where the test rows are the
training rows, a row is no neighbour of itself.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import NearestNeighbors

Peer = Callable[[np.ndarray, np.ndarray, bool, int], np.ndarray]


def standardized(train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both in units of the training rows' spread; columns that are constant there are left out."""
    train, test = train.astype(np.float64), test.astype(np.float64)
    spread = train.std(0)
    kept = spread > 0
    centre = train[:, kept].mean(0)
    return (train[:, kept] - centre) / spread[kept], (test[:, kept] - centre) / spread[kept]


def neighbours(train: np.ndarray, test: np.ndarray, same: bool, count: int) -> np.ndarray:
    """Distance to the neighbour number `count`."""
    train, test = standardized(train, test)
    count = min(count, len(train) - 1)
    search = NearestNeighbors(n_neighbors=count + same).fit(train)
    return np.asarray(search.kneighbors(test)[0][:, -1])


def five_neighbours(train: np.ndarray, test: np.ndarray, same: bool, seed: int) -> np.ndarray:
    """Distance to the fifth neighbour."""
    return neighbours(train, test, same, 5)


def many_neighbours(train: np.ndarray, test: np.ndarray, same: bool, seed: int) -> np.ndarray:
    """Distance to the neighbour at a tenth of the training rows."""
    return neighbours(train, test, same, max(5, len(train) // 10))


def isolation_forest(train: np.ndarray, test: np.ndarray, same: bool, seed: int) -> np.ndarray:
    """scikit-learn's, with its defaults."""
    return -np.asarray(IsolationForest(random_state=seed).fit(train).score_samples(test))


def pca_residual(train: np.ndarray, test: np.ndarray, same: bool, seed: int) -> np.ndarray:
    """Squared distance to the subspace that holds 90 % of the variance."""
    train, test = standardized(train, test)
    pca = PCA(0.9, svd_solver="full").fit(train)
    return np.asarray(np.square(test - pca.inverse_transform(pca.transform(test))).sum(1))


def mahalanobis(train: np.ndarray, test: np.ndarray, same: bool, seed: int) -> np.ndarray:
    """Squared Mahalanobis distance, directions without variance left out."""
    train, test = standardized(train, test)
    inverse = np.linalg.pinv(np.atleast_2d(np.cov(train.T)), rcond=1e-6, hermitian=True)
    return np.asarray(np.einsum("ij,jk,ik->i", test, inverse, test))


def ecod(train: np.ndarray, test: np.ndarray, same: bool, seed: int) -> np.ndarray:
    """Empirical tail probabilities (Li et al. 2022): their logarithms, by the skewed side where there is one."""
    everything = train if same else np.vstack([train, test])  # as the paper's code: test rows take part
    count = len(everything)
    scores = np.zeros((3, len(test)))
    for column, values in zip(everything.T, test.T, strict=True):
        ordered = np.sort(column)
        left = -np.log(np.maximum(np.searchsorted(ordered, values, "right"), 1) / count)
        right = -np.log(np.maximum(count - np.searchsorted(ordered, values, "left"), 1) / count)
        skew = np.sign(np.nan_to_num(((column - column.mean()) ** 3).mean()))
        scores += left, right, np.where(skew < 0, left, np.where(skew > 0, right, left + right))
    return np.asarray(scores.max(0))


def pyod_autoencoder(train: np.ndarray, test: np.ndarray, same: bool, seed: int) -> np.ndarray:
    """PyOD's AutoEncoder with its defaults."""
    from pyod.models.auto_encoder import AutoEncoder

    model = AutoEncoder(verbose=0, random_state=seed, device="cpu").fit(train.astype(np.float32))
    return np.asarray(model.decision_scores_ if same else model.decision_function(test.astype(np.float32)))


PEERS: dict[str, Peer] = {
    "kNN, k = 5": five_neighbours,
    "kNN, k = 10 %": many_neighbours,
    "isolation forest": isolation_forest,
    "ECOD": ecod,
    "PCA residual": pca_residual,
    "Mahalanobis": mahalanobis,
    "PyOD AutoEncoder": pyod_autoencoder,
}
