"""How the default recipe was chosen: kinds of members, and mixes of them, on training rows alone.

The rows on which `leaderboard.py` tests (split 0) are put away; the rest is split once more, three quarters to train,
at most 3,000 rows. Eight members of each kind train there. Each mix, eight members of its kinds in equal parts, is
scored on the last quarter: log-loss, or 1 - R2. What the CSV holds already is not run again. Needs the tables
(`--data`), with their `load.py`.

    python benchmarks/default_recipe.py --data ../shared/data [--suite core] [--splits 1] [--tables sick segment ...]
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from leaderboard import SMALLEST, split_of
from scipy.stats import t as student
from sklearn.metrics import log_loss, r2_score
from sklearn.model_selection import train_test_split

from dashpot import Dropout, EarlyStopping, Ensemble, MLPClassifier, MLPRegressor, Noise
from dashpot.optimizers import AdamW

warnings.filterwarnings("ignore")
MEMBERS, ROWS = 8, 3_000
RECIPE = (Dropout(0.25), Noise("inputs", "gaussian", 0.05), EarlyStopping(patience=25), Ensemble(MEMBERS))
SLOW = AdamW(learning_rate=2e-3, schedule="cosine", decay=0.02, beta2=0.95)
FAST = replace(SLOW, learning_rate=4e-3)

# The first is the default of before: the others are measured against it.
KINDS: dict[str, dict[str, Any]] = {
    "plain": {"optimizer": SLOW},
    "fast": {"optimizer": FAST},
    "gelu": {"optimizer": FAST, "activation": "gelu"},
    "pieces": {"optimizer": FAST, "numeric_embedding": "piecewise_linear"},
    "pieces gelu": {"optimizer": FAST, "numeric_embedding": "piecewise_linear", "activation": "gelu"},
    "pieces mish": {"optimizer": FAST, "numeric_embedding": "piecewise_linear", "activation": "mish"},
    "waves": {"optimizer": FAST, "numeric_embedding": "periodic"},
    "waves gelu": {"optimizer": FAST, "numeric_embedding": "periodic", "activation": "gelu"},
}
MIXES: tuple[tuple[str, ...], ...] = (
    *((kind,) for kind in KINDS),
    ("fast", "pieces"),
    ("pieces", "waves"),
    ("pieces", "pieces", "waves"),
    ("fast", "pieces", "waves"),
    ("gelu", "pieces gelu"),
    ("pieces gelu", "waves gelu"),
    ("pieces gelu", "pieces gelu", "waves gelu"),
    ("gelu", "pieces gelu", "waves gelu"),
    ("fast", "pieces", "pieces", "waves"),
    ("gelu", "pieces gelu", "pieces gelu", "waves gelu"),
)


def inner_split(y: pd.Series, classes: bool, number: int, most: int = ROWS) -> tuple[np.ndarray, np.ndarray]:
    """Rows to train on, so many at most, and to score on, none of which the leaderboard tests on."""
    known = split_of(y, classes, 0)[0]
    rows, tests = (known[part] for part in split_of(y.iloc[known], classes, 100 + number))
    if len(rows) > most:
        frequent = classes and y.iloc[rows].value_counts().min() >= 2
        rows, _ = train_test_split(
            rows, train_size=most, random_state=number, stratify=y.iloc[rows] if frequent else None
        )
    return rows, tests[np.isin(y.iloc[tests], y.iloc[rows].unique())] if classes else tests


def members(X: pd.DataFrame, y: pd.Series, rows: np.ndarray, tests: np.ndarray, kind: str, classes: bool) -> Any:
    """What eight members of a kind predict for the test rows, (members, rows, outputs), and the seconds they took."""
    estimator = (MLPClassifier if classes else MLPRegressor)(
        regularizers=RECIPE, random_state=0, workers=1, **KINDS[kind]
    )
    start = time.process_time()
    estimator.fit(X.iloc[rows], y.iloc[rows].to_numpy())
    seconds = time.process_time() - start
    return estimator._member_predictions(X.iloc[tests]), seconds


def score(predicted: np.ndarray, truth: np.ndarray, known: np.ndarray | None) -> float:
    """Log-loss, or 1 - R2, of the mean over members."""
    mean = predicted.mean(0)
    if known is None:
        return float(1 - r2_score(truth, mean))
    mean = np.clip(mean, SMALLEST, 1)
    return float(log_loss(truth, mean / mean.sum(1, keepdims=True), labels=known))


def measured(load: Any, name: str, number: int) -> list[dict[str, Any]]:
    """All mixes on one split of one table."""
    X, y, about = load.tabular(name)
    classes = about["task"] != "regression"
    y = y.astype(str) if classes else y.astype(float)
    rows, tests = inner_split(y, classes, number)
    truth, known = y.iloc[tests].to_numpy(), np.unique(y.iloc[rows]) if classes else None
    found = {kind: members(X, y, rows, tests, kind, classes) for kind in KINDS}
    results = []
    for mix in MIXES:
        shares = Counter(mix[number % len(mix)] for number in range(MEMBERS))  # in turn, as in `Ensemble`
        predicted = np.concatenate([found[kind][0][:share] for kind, share in shares.items()])
        seconds = sum(found[kind][1] * share / MEMBERS for kind, share in shares.items())
        about_it = {"table": name, "task": about["task"], "rows": len(rows), "split": number, "mix": " + ".join(mix)}
        results.append(about_it | {"score": score(predicted, truth, known), "processor": seconds})
    return results


def summary(found: pd.DataFrame, first: str = next(iter(KINDS))) -> pd.DataFrame:
    """Mean difference of log scores to the first kind, its 95 % interval over tables, and processor time against it."""
    rows = []
    for mix, own in found.groupby("mix"):
        both = own.merge(found[found["mix"] == first], on=["table", "split"], suffixes=("", "_first"))
        ratios = np.log(both["score"] / both["score_first"]).groupby(both["table"]).mean()
        half = ratios.std() / np.sqrt(len(ratios)) * student.ppf(0.975, max(len(ratios) - 1, 1))
        times = np.exp(np.log(both["processor"] / both["processor_first"]).mean())
        rows.append(
            (mix, ratios.mean(), ratios.mean() - half, ratios.mean() + half, ratios.median(), (ratios < 0).mean())
        )
        rows[-1] = (*rows[-1], ratios.max(), times, len(ratios))
    names = ["mix", "difference", "from", "to", "median", "better", "worst", "processor time", "tables"]
    return pd.DataFrame(rows, columns=names).set_index("mix").sort_values("difference")


def main() -> None:
    """Measure, write after each table, print the summary."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--suite", default="core")
    parser.add_argument("--tables", nargs="*", default=[])
    parser.add_argument("--splits", type=int, default=1)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results" / "default_recipe.csv")
    options = parser.parse_args()
    sys.path.insert(0, str(options.data))
    import load  # type: ignore[import-not-found]

    found = pd.read_csv(options.output) if options.output.exists() else pd.DataFrame()
    known = set(zip(found["table"], found["split"], strict=True)) if len(found) else set()
    for number in range(options.splits):
        for name in options.tables or load.suite(options.suite):
            if (name, number) not in known:
                found = pd.concat([found, pd.DataFrame(measured(load, name, number))], ignore_index=True)
                found.to_csv(options.output, index=False, float_format="%.5g")
                print(f"{name} {number}", flush=True)
    print(summary(found).round(3).to_string())


if __name__ == "__main__":
    main()
