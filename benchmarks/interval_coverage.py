"""How often do the intervals of a study hold the true gain of real learners? Simulated rows, so the truth is known.

For each pair of learners: the true gain for training sets of this size (fresh rows), then 600 studies of 10 splits.
Beside the corrected interval stands the one within turns of five folds, which takes folds for independent.

    python benchmarks/interval_coverage.py
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import stats

from dashpot.studies.splits import draw_splits
from dashpot.studies.statistics import corrected_interval

Arrays = tuple[np.ndarray, np.ndarray]


def ridge(X: np.ndarray, y: np.ndarray, Z: np.ndarray, penalty: float) -> np.ndarray:
    """Predictions of ridge regression."""
    return Z @ np.linalg.solve(X.T @ X + penalty * np.eye(X.shape[1]), X.T @ y)


def logistic(X: np.ndarray, y: np.ndarray, Z: np.ndarray, penalty: float) -> np.ndarray:
    """Probabilities of logistic regression, by Newton's steps."""
    w = np.zeros(X.shape[1])
    for _ in range(12):
        p = 1 / (1 + np.exp(-X @ w))
        curvature = (X * (p * (1 - p) + 1e-9)[:, None]).T @ X + penalty * np.eye(len(w))
        w -= np.linalg.solve(curvature, X.T @ (p - y) + penalty * w)
    return 1 / (1 + np.exp(-Z @ w))


def neighbours(X: np.ndarray, y: np.ndarray, Z: np.ndarray, count: int) -> np.ndarray:
    """The mean of the nearest neighbours."""
    distances = ((Z[:, None] - X[None]) ** 2).sum(-1)
    return y[np.argpartition(distances, count - 1, axis=1)[:, :count]].mean(axis=1)


def squared(p: np.ndarray, t: np.ndarray) -> float:
    """Mean squared error."""
    return float(np.mean((p - t) ** 2))


def surprise(p: np.ndarray, t: np.ndarray) -> float:
    """Log-loss."""
    return float(-np.mean(np.log(np.clip(np.where(t > 0, p, 1 - p), 1e-6, 1))))


def mistakes(p: np.ndarray, t: np.ndarray) -> float:
    """Share of wrong classes."""
    return float(np.mean((p > 0.5) != (t > 0)))


Pair = tuple[str, int, int, Callable[..., np.ndarray], float, Callable[..., np.ndarray], float, Callable[..., float]]
PAIRS: list[Pair] = [
    ("ridge 30 over none", 150, 12, ridge, 1e-6, ridge, 30, squared),
    ("ridge 30 over none", 100, 40, ridge, 1e-6, ridge, 30, squared),
    ("ridge 30 over none", 600, 40, ridge, 1e-6, ridge, 30, squared),
    ("logistic 5 over 0.01", 150, 12, logistic, 0.01, logistic, 5, surprise),
    ("logistic 5 over 0.01", 400, 30, logistic, 0.01, logistic, 5, surprise),
    ("the same, accuracy", 150, 12, logistic, 0.01, logistic, 5, mistakes),
    ("the same, accuracy", 400, 30, logistic, 0.01, logistic, 5, mistakes),
    ("7 neighbours over 1", 150, 4, neighbours, 1, neighbours, 7, squared),
    ("ridge 1 over 7 neighbours", 150, 4, neighbours, 7, ridge, 1, squared),
]


def rows(pair: Pair, count: int, rng: np.random.Generator) -> Arrays:
    """Simulated rows: a linear score of all columns, with noise."""
    X = rng.normal(size=(count, pair[2]))
    score = X @ np.linspace(0, 0.4, pair[2])
    if pair[3] is logistic:
        return X, (rng.random(count) < 1 / (1 + np.exp(-1.5 * score))).astype(float)
    return X, score + rng.normal(size=count)


def gain(pair: Pair, X: np.ndarray, y: np.ndarray, Z: np.ndarray, t: np.ndarray) -> float:
    """How much less error the second learner makes."""
    _, _, _, first, a, second, b, error = pair
    return error(first(X, y, Z, a), t) - error(second(X, y, Z, b), t)


def studied(pair: Pair, seed: int) -> np.ndarray:
    """The gains of one study."""
    rng = np.random.default_rng(seed)
    X, y = rows(pair, pair[1], rng)
    drawn = draw_splits(np.zeros(len(X), dtype=int), None, 10, 5, rng)
    learned = [np.r_[split.training, split.validation] for split in drawn]
    return np.array([gain(pair, X[a], y[a], X[s.test], y[s.test]) for a, s in zip(learned, drawn, strict=True)])


def main() -> None:
    """Print one line for each pair."""
    print("| learners | rows | columns | covered, corrected | covered, folds independent |\n|---|---|---|---|---|")
    for pair in PAIRS:
        rng, size, fresh = np.random.default_rng(5), int(pair[1] * 0.8), 1000 if neighbours in pair else 5000
        truths = []
        for _ in range(1500):
            X, y = rows(pair, size + fresh, rng)
            truths.append(gain(pair, X[:size], y[:size], X[size:], y[size:]))
        truth = np.mean(truths)
        gains = np.array([studied(pair, seed) for seed in range(600)])
        intervals = [corrected_interval(own, test_share=0.25) for own in gains]
        covered = np.mean([one.low <= truth <= one.high for one in intervals])
        within = np.sqrt(gains.reshape(-1, 2, 5).var(axis=2, ddof=1).mean(axis=1) / 5)
        plain = np.mean(np.abs(gains.mean(axis=1) - truth) <= stats.t.ppf(0.975, 8) * within)
        print(f"| {pair[0]} | {pair[1]} | {pair[2]} | {100 * covered:.1f} % | {100 * plain:.1f} % |", flush=True)


if __name__ == "__main__":
    main()
