"""How far the loss that a race reports is from its loss on rows that no part of the race saw.

Each table is split in halves; one half races (33 recipes, no time limit), the other judges the race and the default
network. Log-loss, or squared error over the training targets' variance. Needs the tables (`--data`), with `load.py`.

    python benchmarks/race_estimate.py --data ../shared/data [--splits 2]
"""

from __future__ import annotations

import argparse
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

from dashpot import MLPClassifier, MLPRegressor, race

warnings.filterwarnings("ignore")
TABLES = (
    *("heart_h", "colic", "boston", "indo_pep", "australian", "mammographic", "credit_g", "breast_w"),
    *("insurance_charges", "wine_red", "card_logwage", "beauty_logwage", "hiv_results", "kc1"),
)


def measured(X: pd.DataFrame, y: pd.Series, classes: bool, split: int) -> dict[str, float]:
    """The loss that the race reports, its loss on the other half, and the default network's there."""
    half, other, known, truth = train_test_split(
        X, y, random_state=split, test_size=0.5, stratify=y if classes else None
    )
    task = "classification" if classes else "regression"
    winner = race(half, known, budget=None, candidates=33, task=task, random_state=split)
    plain = (MLPClassifier if classes else MLPRegressor)(random_state=split).fit(half, known)

    def loss(model: Any) -> float:
        if classes:
            return float(log_loss(truth, model.predict_proba(other)))
        return float(np.mean((truth - model.predict(other)) ** 2) / np.var(known))

    return {"reported": winner.race_.estimate, "race": loss(winner), "default": loss(plain)}


def main() -> None:
    """Measure, write after each split, print the mean ratios."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--splits", type=int, default=2)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results" / "race_estimate.csv")
    options = parser.parse_args()
    sys.path.insert(0, str(options.data))
    import load  # type: ignore[import-not-found]

    found: list[dict[str, Any]] = []
    for name in TABLES:
        X, y, about = load.tabular(name)
        classes = about["task"] != "regression"
        y = y.astype(str) if classes else y.astype(float)
        for split in range(11, 11 + options.splits):
            found.append({"table": name, "split": split} | measured(X, y, classes, split))
            pd.DataFrame(found).to_csv(options.output, index=False, float_format="%.4g")
            print(found[-1], flush=True)
    table = pd.DataFrame(found)
    for one, other in (("reported", "race"), ("race", "default")):
        ratios = np.log(table[one] / table[other])
        print(f"{one} / {other}: {np.exp(ratios.mean()):.3f}, less on {(ratios < 0).sum()} of {len(ratios)}")


if __name__ == "__main__":
    main()
