"""Every table of a suite, as it comes: the default network against the prior, a linear model and boosting.

One split of each table, 75 % to train; classes by log-loss, amounts by 1 - R2 (both: less is better). Needs the
tables (`--data`), with its `load.py`.

    python benchmarks/core.py --data ../shared/data [--suite core] [--output benchmarks/results/core.csv]
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss, r2_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from dashpot import MLPClassifier, MLPRegressor
from dashpot.tables import TableEncoder

warnings.filterwarnings("ignore")


def models(classes: bool, stops: bool) -> dict[str, Any]:
    """Ours, and what a user would pick instead; the peers get our encoder's numbers.

    Boosting stops early where every class has two rows to split (`stops`); elsewhere it refuses to.
    """
    filled = FunctionTransformer(lambda X: np.nan_to_num((X - np.nanmean(X, 0)) / (np.nanstd(X, 0) + 1e-9)))
    if classes:
        linear: Any = LogisticRegression(max_iter=2000)
        return {
            "dashpot": MLPClassifier(random_state=0),
            "prior": DummyClassifier(),
            "linear": make_pipeline(filled, linear),
            "boosting": HistGradientBoostingClassifier(early_stopping=stops, random_state=0),
        }
    return {
        "dashpot": MLPRegressor(random_state=0),
        "prior": DummyRegressor(),
        "linear": make_pipeline(filled, StandardScaler(), Ridge()),
        "boosting": HistGradientBoostingRegressor(early_stopping=True, random_state=0),
    }


def scored(model: Any, classes: bool, X: Any, y: Any, new: Any, truth: Any) -> tuple[float, float]:
    """Score on the test rows, and seconds of the fit."""
    start = time.perf_counter()
    model.fit(X, y)
    seconds = time.perf_counter() - start
    if not classes:
        return 1 - r2_score(truth, model.predict(new)), seconds
    return log_loss(truth, np.clip(model.predict_proba(new), 1e-7, 1), labels=model.classes_), seconds


def main() -> None:
    """Measure, print, write after each table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--suite", default="core")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results" / "core.csv")
    options = parser.parse_args()
    sys.path.insert(0, str(options.data))
    from load import suite, tabular  # type: ignore[import-not-found]

    found: list[dict[str, Any]] = []
    options.output.parent.mkdir(parents=True, exist_ok=True)
    for name in suite(options.suite):
        X, y, about = tabular(name)
        classes = about["task"] != "regression"
        y = y.astype(str) if classes else y
        frequent = classes and y.value_counts().min() >= 2
        rows, tests = train_test_split(
            np.arange(len(y)), test_size=0.25, random_state=0, stratify=y if frequent else None
        )
        seen = np.isin(y.iloc[tests], y.iloc[rows].unique()) if classes else np.ones(len(tests), dtype=bool)
        tests = tests[seen]
        encoder = TableEncoder().fit(X.iloc[rows])
        numbers = encoder.transform(X)
        stops = not classes or y.iloc[rows].value_counts().min() >= 2
        for model_name, model in models(classes, stops).items():
            table = (X.iloc[rows], X.iloc[tests]) if model_name == "dashpot" else (numbers[rows], numbers[tests])
            score, seconds = scored(model, classes, table[0], y.iloc[rows], table[1], y.iloc[tests])
            found.append({"table": name, "rows": len(y), "model": model_name, "score": score, "seconds": seconds})
        pd.DataFrame(found).to_csv(options.output, index=False, float_format="%.4g")
        own = {one["model"]: one for one in found[-4:]}
        print(
            f"{name:22s} {len(y):6d}",
            *(f"{m} {own[m]['score']:.4f} ({own[m]['seconds']:.1f} s)" for m in own),
            flush=True,
        )
    table = pd.DataFrame(found).pivot(index="table", columns="model", values="score")
    print(table.rank(axis=1).mean().to_string())
    print(f"better than the prior on {(table['dashpot'] < table['prior']).sum()} of {len(table)}")


if __name__ == "__main__":
    main()
