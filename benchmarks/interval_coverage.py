"""How often do the intervals of a study hold the true gain of real learners? Simulated rows, so the truth is known.

For each pair of learners, studies of 5, 10 and 30 splits of fresh tables. The truth of a study is what its interval is
about: the mean gain, on new rows, of learners that learn from parts of these rows. Beside it, at 10 splits: how often
the interval holds the mean gain over all tables, and how often the corrected resampled t interval holds either.

    python benchmarks/interval_coverage.py [--only ridge] [--studies 300]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree
from sklearn.tree import DecisionTreeRegressor

from dashpot.jobs import Design, Examples, Job
from dashpot.losses import SquaredError
from dashpot.optimizers import Adam
from dashpot.regularizers import Dropout, Recipe
from dashpot.studies.splits import Split, draw_splits
from dashpot.studies.spreads import shared_rows
from dashpot.studies.statistics import Interval, corrected_interval, interval_of
from dashpot.tables import TableEncoder
from dashpot.training import train

# Rows to learn from, their targets, sets of rows to predict, a seed -> predictions.
Learner = Callable[[np.ndarray, np.ndarray, list[np.ndarray], int], list[np.ndarray]]
# The same for all splits at once: columns, targets, rows to learn from, sets of rows to predict, seeds.
Splits = list[tuple[np.ndarray, list[np.ndarray], int]]
Error = Callable[[np.ndarray, np.ndarray], np.ndarray]

_most_splits = 30


def ridge(penalty: float) -> Learner:
    """Ridge regression."""

    def learn(X: np.ndarray, y: np.ndarray, sets: list[np.ndarray], seed: int) -> list[np.ndarray]:
        slopes = np.linalg.solve(X.T @ X + penalty * np.eye(X.shape[1]), X.T @ y)
        return [rows @ slopes for rows in sets]

    return learn


def logistic(penalty: float) -> Learner:
    """Logistic regression, by Newton's steps."""

    def learn(X: np.ndarray, y: np.ndarray, sets: list[np.ndarray], seed: int) -> list[np.ndarray]:
        slopes = np.zeros(X.shape[1])
        for _ in range(10):
            p = 1 / (1 + np.exp(-X @ slopes))
            curvature = (X * (p * (1 - p) + 1e-9)[:, None]).T @ X + penalty * np.eye(len(slopes))
            slopes -= np.linalg.solve(curvature, X.T @ (p - y) + penalty * slopes)
        return [1 / (1 + np.exp(-rows @ slopes)) for rows in sets]

    return learn


def neighbours(count: int) -> Learner:
    """The mean of the nearest rows."""

    def learn(X: np.ndarray, y: np.ndarray, sets: list[np.ndarray], seed: int) -> list[np.ndarray]:
        near = cKDTree(X)
        return [y[near.query(rows, count)[1].reshape(len(rows), -1)].mean(axis=1) for rows in sets]

    return learn


def tree(leaf: int, columns: int | None = None, more: int = 0) -> Learner:
    """A regression tree; with `columns`, each node looks at that many, drawn by the seed."""

    def learn(X: np.ndarray, y: np.ndarray, sets: list[np.ndarray], seed: int) -> list[np.ndarray]:
        model = DecisionTreeRegressor(min_samples_leaf=leaf, max_features=columns, random_state=seed % 10_000 + more)
        model.fit(X, y)
        return [model.predict(rows) for rows in sets]

    return learn


def networks(recipe: Recipe, more: int, X: np.ndarray, y: np.ndarray, splits: Splits) -> list[list[np.ndarray]]:
    """One hidden layer of 16 units, 40 epochs; all splits in one stack."""
    examples = Examples(X.astype(np.float32), y.astype(np.float32).reshape(-1, 1), TableEncoder().fit(X).inputs_)
    design = Design((16,), "relu", SquaredError(), Adam(1e-2), 64, 40, 0.0)
    jobs = [Job(recipe, learned, np.arange(0), seed + more, design) for learned, _, seed in splits]
    trained = train(examples, jobs, workers=1)
    return [
        [one.outputs(rows.astype(np.float32))[:, 0] for rows in sets]
        for (one,), (_, sets, _) in zip(trained, splits, strict=True)
    ]


def squared(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Squared errors; for new rows against the mean of their target, which leaves out what no learner can know."""
    return (predicted - truth) ** 2


def surprise(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Log-loss, for new rows by the probability of the class."""
    likely = np.clip(predicted, 1e-6, 1 - 1e-6)
    return -(truth * np.log(likely) + (1 - truth) * np.log(1 - likely))


def mistakes(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """The probability that the class is wrong; 0 or 1 for a row whose class is known."""
    return np.where(predicted > 0.5, 1 - truth, truth)


@dataclass(frozen=True)
class Pair:
    """Two learners on tables of a kind: `smooth` is a linear score of all columns, otherwise steps of three of them."""

    name: str
    rows: int
    columns: int
    smooth: bool
    classes: bool
    first: Learner | tuple[Recipe, int]  # a recipe of networks, and what is added to their seed
    second: Learner | tuple[Recipe, int]
    error: Error
    null: bool = False


PAIRS = [
    Pair("ridge 30 over none", 100, 40, True, False, ridge(1e-6), ridge(30), squared),
    Pair("ridge 30 over none", 150, 12, True, False, ridge(1e-6), ridge(30), squared),
    Pair("ridge 30 over none", 600, 40, True, False, ridge(1e-6), ridge(30), squared),
    Pair("ridge 100 over none", 2000, 40, True, False, ridge(1e-6), ridge(100), squared),
    Pair("logistic 5 over 0.01, log-loss", 150, 12, True, True, logistic(0.01), logistic(5), surprise),
    Pair("logistic 5 over 0.01, log-loss", 400, 30, True, True, logistic(0.01), logistic(5), surprise),
    Pair("logistic 5 over 0.01, accuracy", 400, 30, True, True, logistic(0.01), logistic(5), mistakes),
    Pair("7 neighbours over 1", 100, 4, True, False, neighbours(1), neighbours(7), squared),
    Pair("7 neighbours over 1", 150, 4, True, False, neighbours(1), neighbours(7), squared),
    Pair("15 neighbours over 3", 600, 4, True, False, neighbours(3), neighbours(15), squared),
    Pair("tree, leaves of 10 over 2", 150, 6, False, False, tree(2), tree(10), squared),
    Pair("tree, leaves of 10 over 2", 600, 6, False, False, tree(2), tree(10), squared),
    Pair("tree, leaves of 20 over 5, accuracy", 600, 6, False, True, tree(5), tree(20), mistakes),
    Pair("tree, leaves of 20 over 5, Brier", 2000, 6, False, True, tree(5), tree(20), squared),
    Pair("tree over itself, other seed", 300, 6, False, False, tree(5, 2), tree(5, 2, 7), squared, null=True),
    Pair("tree over itself, accuracy", 300, 6, False, True, tree(5, 2), tree(5, 2, 7), mistakes, null=True),
    Pair(
        "network, dropout over none",
        150,
        6,
        False,
        False,
        (Recipe(()), 0),
        (Recipe((Dropout(0.3),)), 0),
        squared,
    ),
    Pair(
        "network, dropout over none",
        400,
        6,
        False,
        False,
        (Recipe(()), 0),
        (Recipe((Dropout(0.3),)), 0),
        squared,
    ),
    Pair("network over itself", 150, 6, False, False, (Recipe(()), 0), (Recipe(()), 7), squared, null=True),
]


def drawn_rows(pair: Pair, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Columns, targets, and the mean of each target given its columns."""
    X = rng.normal(size=(count, pair.columns))
    if pair.smooth:
        score = X @ np.linspace(0, 0.4, pair.columns)
    else:
        score = np.sign(X[:, 0]) * (X[:, 1] > 0) + 0.7 * np.abs(X[:, 2]) - 0.5
    if not pair.classes:
        return X, score + rng.normal(size=count), score
    chance = 1 / (1 + np.exp(-1.5 * score))
    return X, (rng.random(count) < chance).astype(float), chance


@dataclass(frozen=True)
class Studied:
    """What the splits of one table found, and what is true of them."""

    splits: list[Split]
    gains: list[np.ndarray]  # of each test row
    truths: np.ndarray  # the gain on new rows, of each split

    def intervals(self, splits: int, level: float = 0.95) -> tuple[Interval, Interval]:
        """From rows, and from splits alone."""
        gains, drawn = self.gains[:splits], self.splits[:splits]
        means = np.array([own.mean() for own in gains])
        terms = [(own - own.mean()) / len(own) for own in gains]
        spread = shared_rows(means, terms, [split.test for split in drawn], 5, 0.8)
        changed = any(own.any() for own in gains)
        return interval_of(means, spread, level, changed), corrected_interval(means, 0.25, level)


def studied(pair: Pair, seed: int) -> Studied:
    """One table, learned from in every split."""
    rng = np.random.default_rng(seed)
    X, y, _ = drawn_rows(pair, pair.rows, rng)
    new, _, means = drawn_rows(pair, min(10 * pair.rows, 2000), rng)
    drawn = draw_splits(np.zeros(len(X), dtype=int), None, _most_splits, 5, rng)
    splits: Splits = [(np.r_[one.training, one.validation], [X[one.test], new], one.seed) for one in drawn]
    before, after = (predicted(learner, X, y, splits) for learner in (pair.first, pair.second))
    gains = [
        pair.error(a[0], y[split.test]) - pair.error(b[0], y[split.test])
        for split, a, b in zip(drawn, before, after, strict=True)
    ]
    truths = [np.mean(pair.error(a[1], means) - pair.error(b[1], means)) for a, b in zip(before, after, strict=True)]
    return Studied(drawn, gains, np.array(truths))


def predicted(
    learner: Learner | tuple[Recipe, int], X: np.ndarray, y: np.ndarray, splits: Splits
) -> list[list[np.ndarray]]:
    """What a learner predicts in every split."""
    if isinstance(learner, tuple):
        return networks(*learner, X, y, splits)
    return [learner(X[learned], y[learned], sets, seed) for learned, sets, seed in splits]


def covered(pair: Pair, studies: int) -> dict[str, float | str | int]:
    """How often the intervals hold what is true, in percent."""
    found = [studied(pair, seed) for seed in range(studies)]
    overall = 0.0 if pair.null else float(np.mean([one.truths for one in found]))
    row: dict[str, float | str | int] = {"learners": pair.name, "rows": pair.rows, "columns": pair.columns}
    for splits in (5, 10, 30):
        pairs = [one.intervals(splits) for one in found]
        truths = [0.0 if pair.null else float(one.truths.mean()) for one in found]
        for name, column in (("rows", 0), ("corrected", 1)):
            for about, true in (("", truths), (", all tables", [overall] * studies)):
                held = [one[column].low <= truth <= one[column].high for one, truth in zip(pairs, true, strict=True)]
                row[f"{name}, {splits} splits{about}"] = round(100 * float(np.mean(held)), 1)
        row[f"narrower by, {splits} splits"] = round(
            100 * (1 - np.mean([a.high - a.low for a, _ in pairs]) / np.mean([b.high - b.low for _, b in pairs])), 0
        )
    return row | {"studies": studies}


def main() -> None:
    """Run the pairs that are not in the table yet, then print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="pairs whose name begins so")
    parser.add_argument("--studies", type=int, default=300)
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/interval_coverage.csv"))
    given = parser.parse_args()
    known = pd.read_csv(given.output) if given.output.exists() else pd.DataFrame({"learners": [], "rows": []})
    done = set(zip(known["learners"], known["rows"], strict=True))
    for pair in PAIRS:
        if pair.name.startswith(given.only) and (pair.name, pair.rows) not in done:
            known = pd.concat([known, pd.DataFrame([covered(pair, given.studies)])], ignore_index=True)
            known.to_csv(given.output, index=False)
            print(pair.name, pair.rows, flush=True)
    lines = [list(known.columns), ["---"] * len(known.columns), *known.astype(str).to_numpy().tolist()]
    print("\n".join(f"| {' | '.join(line)} |" for line in lines))


if __name__ == "__main__":
    main()
