"""The protocol of TANGOS (Jeffares et al. 2023), raced within minutes on small UCI tables.

Tables as there cut to the first 1,000 rows; 80 % of the rows race (five folds, as there), 20 % are scored once. Squared
errors in units of the training targets' variance, or log-loss. The rank of ours among the published columns (no
regularizer, L1, L2, dropout, batch norm, input noise, mixup, TANGOS). Their splits are not public, and not all of their
targets are named (Facebook): ranks over tables count, single tables do not. What the CSV holds is not run again.

    python benchmarks/tangos.py --data ../shared/data --published ../shared/published [--budget 60] [--candidates 33]
"""

from __future__ import annotations

import sys
import time
import warnings
from typing import Any

import numpy as np
import pandas as pd
from kadra import asked
from leaderboard import SMALLEST, versions
from scipy.stats import rankdata
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

import dashpot

warnings.filterwarnings("ignore")
COLUMNS = ["Baseline", "L1", "L2", "DO", "BN", "IN", "MU", "TANGOS"]
CODES = {
    "facebook_metrics": "FB",
    "boston": "BH",
    "weather_bias": "WE",
    "wine_red": "WQ",
    "skillcraft": "SC",
    "forest_fires": "FF",
    "protein": "PR",
    "student_por_g3": "ST",
    "abalone": "AB",
    "heart_statlog": "HE",
    "breast_w": "BR",
    "cervical_biopsy": "CE",
    "credit_approval": "CR",
    "hcv": "HC",
    "australian": "AU",
    "primary_tumor": "TU",
    "entrance_exam": "EN",
    "thoracic_surgery": "TH",
    "soybean": "SO",
}


def loss(model: Any, X: pd.DataFrame, truth: pd.Series, variance: float) -> float:
    """Log-loss, or squared error over the training targets' variance; classes that training lacks are left out."""
    if not hasattr(model, "classes_"):
        return float(np.mean((truth - model.predict(X)) ** 2) / variance)
    known = np.isin(truth, model.classes_)
    probabilities = np.clip(model.predict_proba(X[known]), SMALLEST, 1)
    probabilities /= probabilities.sum(1, keepdims=True)
    return float(log_loss(truth[known], probabilities, labels=model.classes_))


def measured(load: Any, name: str, rows: int, split: int, budget: float, candidates: int | None) -> dict[str, Any]:
    """A race and the default ensemble on one split of a table."""
    X, y, about = load.tabular(name)
    X, y = X.iloc[:rows], y.iloc[:rows]
    classes = about["task"] != "regression"
    y = y.astype(str) if classes else y.astype(float)
    stratify = y if classes and y.value_counts().min() >= 2 else None
    X, new, y, truth = train_test_split(X, y, test_size=0.2, random_state=split, stratify=stratify)
    variance = 1.0 if classes else float(np.var(y))
    start = time.perf_counter()
    task = "classification" if classes else "regression"
    model = dashpot.race(X, y, budget=budget, candidates=candidates, task=task, random_state=split)
    seconds = time.perf_counter() - start
    plain = (dashpot.MLPClassifier if classes else dashpot.MLPRegressor)(random_state=split).fit(X, y)
    return {
        "table": name,
        "split": split,
        "budget": budget,
        "candidates": candidates or 0,
        "ours": loss(model, new, truth, variance),
        "default": loss(plain, new, truth, variance),
        "out of fold": model.race_.estimate,
        "recipes": len(model.race_.candidates),
        "seconds": seconds,
        "versions": versions(),
    }


def summary(found: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """Mean ranks among the published columns, of ours and of the default in turn, over the tables of each task."""
    lines = []
    for (budget, candidates), own in found.groupby(["budget", "candidates"]):
        means = own.groupby("table")[["ours", "default"]].mean().join(known)
        for task, tables in means.groupby("task"):
            for column in ("ours", "default"):
                ranks = rankdata(tables[[column, *COLUMNS]], axis=1)
                about = {"budget": budget, "candidates": candidates, "task": task, "tables": len(tables)}
                theirs = dict(zip(COLUMNS, ranks[:, 1:].mean(0), strict=True))
                lines.append(about | {"who": column, "rank": ranks[:, 0].mean()} | theirs)
    return pd.DataFrame(lines)


def main() -> None:
    """Race, write after each table, print the tables and the mean ranks."""
    parser = asked("tangos")
    parser.add_argument("--splits", type=int, default=1)
    options = parser.parse_args()
    sys.path.insert(0, str(options.data))
    import load  # type: ignore[import-not-found]

    published = pd.read_csv(options.published / "tangos_table1.csv").set_index("code")
    known = published.loc[list(CODES.values())].set_axis(list(CODES))
    found = pd.read_csv(options.output) if options.output.exists() else pd.DataFrame()
    keys = ["table", "split", "budget", "candidates"]
    done = set(found[keys].itertuples(index=False, name=None)) if len(found) else set()
    for split in range(options.splits):
        for name in options.tables or load.suite("tangos"):
            if (name, split, options.budget, options.candidates or 0) in done:
                continue
            cut = 1000 if known.loc[name, "n"] == 1000 else 10**9
            new = measured(load, name, cut, split, options.budget, options.candidates)
            found = pd.concat([found, pd.DataFrame([new])], ignore_index=True)
            found.to_csv(options.output, index=False, float_format="%.5g")
            print(found.iloc[-1].drop("versions").to_dict(), flush=True)
    print(found.drop(columns="versions").join(known[["task", *COLUMNS]], on="table").round(3).to_string(index=False))
    print(summary(found, known).round(2).to_string(index=False))


if __name__ == "__main__":
    main()
