"""What each kind of ensemble brings: log-loss and error on held-out rows, and how much members disagree.

Five tables that come with dashpot and scikit-learn (of the digits, 600), three stratified splits of 70 to 30 %. The
networks are two layers of 64 with dropout, noise and early stopping, the strengths of the default recipe; the other
members are scikit-learn's with its defaults. Nothing was tuned on the test rows.

    python benchmarks/ensembles.py [--output benchmarks/results/ensembles.csv]
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from dashpot import (
    L2,
    Dropout,
    EarlyStopping,
    Ensemble,
    EnsembleClassifier,
    MLPClassifier,
    Noise,
    Recipe,
    Snapshots,
    WeightDecay,
    load_anes96,
)
from dashpot.optimizers import AdamW

SPLITS = 3
NOISY = (Dropout(0.25), Noise("inputs", "gaussian", 0.05))
BASE = (*NOISY, EarlyStopping(patience=25))
VARIANTS = (Dropout(0.4), WeightDecay(0.3), L2(1e-3), Recipe(()))
SHAPES = ((64, 64), (128,), (32, 32, 32))
OPTIMIZER = {"learning_rate": 2e-3, "schedule": "cosine", "decay": 0.02, "beta2": 0.95}

warnings.filterwarnings("ignore")


def tables() -> Iterator[tuple[str, Any, Any]]:
    """Name, inputs, classes."""
    yield "anes96", *load_anes96()
    for load in (load_breast_cancer, load_iris, load_wine):
        yield load.__name__.removeprefix("load_"), *load(return_X_y=True, as_frame=True)
    X, y = load_digits(return_X_y=True, as_frame=True)
    rows = np.sort(np.random.default_rng(0).permutation(len(X))[:600])
    yield "digits", X.iloc[rows].reset_index(drop=True), y.iloc[rows].reset_index(drop=True)


def network(*regularizers: Any, epochs: int = 200, cycles: int = 1, seed: int = 0) -> MLPClassifier:
    """A network or several."""
    optimizer = AdamW(**OPTIMIZER, cycles=cycles)
    return MLPClassifier((64, 64), regularizers=regularizers, optimizer=optimizer, max_epochs=epochs, random_state=seed)


def models(seed: int) -> dict[str, Any]:
    """Every way to ensemble, and what they are made of."""
    several = network(*BASE, Ensemble(8), seed=seed)
    linear = make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000))
    boosting, forest = (kind(random_state=seed) for kind in (HistGradientBoostingClassifier, RandomForestClassifier))
    members = [("8 networks", several), ("linear", linear), ("boosting", boosting), ("forest", forest)]
    ways = {way: EnsembleClassifier(members, way, random_state=seed) for way in ("mean", "vote", "greedy", "stack")}
    return {
        "1 network": network(*BASE, seed=seed),
        "1 training with 5 snapshots": network(*NOISY, Snapshots(40), cycles=5, seed=seed),
        "8 networks: bootstrap": network(*BASE, Ensemble(8, bootstrap=True), seed=seed),
        "8 networks: half of the columns": network(*BASE, Ensemble(8, columns=0.5), seed=seed),
        "8 networks: recipes and shapes": network(*BASE, Ensemble(8, recipes=VARIANTS, shapes=SHAPES), seed=seed),
        **dict(members),
        **{f"these four: {way}": model for way, model in ways.items()},
    }


def scores() -> Iterator[dict[str, Any]]:
    """A row for each table, split and model."""
    for name, X, y in tables():
        for seed in range(SPLITS):
            train, test, known, truth = train_test_split(X, y, test_size=0.3, stratify=y, random_state=seed)
            for model_name, model in models(seed).items():
                start = time.perf_counter()
                found = model.fit(train, known).predict_proba(test)
                loss = log_loss(truth, np.clip(found, 1e-7, 1), labels=model.classes_)
                error = np.mean(model.classes_[found.argmax(1)] != truth)
                seconds = time.perf_counter() - start
                yield {
                    "table": name,
                    "split": seed,
                    "model": model_name,
                    "loss": loss,
                    "error": error,
                    "seconds": seconds,
                }
            print(name, seed, flush=True)


def diversity() -> pd.DataFrame:
    """The members on the survey: how good, how different, how much they count."""
    X, y = load_anes96()
    train, test, known, truth = train_test_split(X, y, test_size=0.3, stratify=y, random_state=0)
    return models(0)["these four: greedy"].fit(train, known).diversity(test, truth)


def markdown(table: pd.DataFrame) -> str:
    """A table of Markdown."""
    rows = [["", *table.columns], ["---"] * (1 + len(table.columns))]
    rows += [
        [name, *(f"{value:.3f}" for value in values)] for name, values in zip(table.index, table.values, strict=True)
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def main() -> None:
    """Measure, print as tables of Markdown, write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    found = pd.DataFrame(scores())
    if options.output is not None:
        found.round(5).to_csv(options.output, index=False)
    order = list(dict.fromkeys(found["model"]))
    for value in ("loss", "error"):
        means = found.pivot_table(value, "model", "table").loc[order]
        means["rank"] = means.rank().mean(axis=1)
        print(f"\n{value}\n\n{markdown(means)}")
    print(f"\n{markdown(diversity())}")


if __name__ == "__main__":
    main()
