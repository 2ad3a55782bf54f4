"""The protocol of "Well-tuned simple nets excel on tabular datasets" (Kadra et al. 2021), raced within minutes.

One stratified split a table, seed 11: 60 % training, 20 % validation, 20 % test; balanced accuracy. The race gets the
training and validation rows; the test rows are scored once. Beside it the published figures of the paper's cocktail
(up to four days on twenty cores), XGBoost and the plain network, on the tables that are here. The rows stand in
another order than on OpenML, so a split of the same seed holds other rows. What the CSV holds is not run again. With
`--candidates` no figure depends on what else the machine does, as long as the budget is not reached.

    python benchmarks/kadra.py --data ../shared/data --published ../shared/published [--budget 60] [--candidates 33]
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
from leaderboard import versions
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import train_test_split

import dashpot

warnings.filterwarnings("ignore")
SEED = 11
COLUMNS = {"MLP+C": "cocktail", "XGB": "XGBoost", "MLP": "plain network", "CatBoost": "CatBoost"}


def published(folder: Path) -> pd.DataFrame:
    """Balanced accuracy in percent by table, under the names that the tables have here."""
    found = pd.read_csv(folder / "kadra_methods.csv")
    names = found["dataset"].str.lower().str.replace("-", "_").str.removesuffix("_2pcs")
    return found.set_index(names)[list(COLUMNS)].rename(columns=COLUMNS)


def measured(load: Any, name: str, budget: float, candidates: int | None) -> dict[str, Any]:
    """A race on the training and validation rows of a table, and its score on the test rows."""
    X, y, _ = load.tabular(name)
    y = y.astype(str)
    rows, tests = train_test_split(np.arange(len(y)), test_size=0.2, random_state=SEED, stratify=y)
    start = time.perf_counter()
    model = dashpot.race(
        X.iloc[rows],
        y.iloc[rows],
        budget=budget,
        candidates=candidates,
        task="classification",
        metric="balanced_accuracy",
        random_state=SEED,
    )
    seconds = time.perf_counter() - start
    found = model.race_
    return {
        "table": name,
        "rows": len(y),
        "budget": budget,
        "candidates": candidates or 0,
        "ours": 100 * balanced_accuracy_score(y.iloc[tests], model.predict(X.iloc[tests])),
        "out of fold": 100 * found.score,
        "default out of fold": 100 * found.default_score,
        "recipes": len(found.candidates),
        "seconds": seconds,
        "versions": versions(),
    }


def summary(found: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """Means over the same tables for each length of race, and how often ours is above (a tie is half)."""
    lines = []
    for (budget, candidates), own in found.groupby(["budget", "candidates"]):
        both = own.set_index("table").join(known, how="inner")
        for column in COLUMNS.values():
            pair = both[["ours", column]].dropna()
            above = np.sign((pair["ours"] - pair[column]).round(3))
            lines.append(
                {
                    "budget": budget,
                    "candidates": candidates,
                    "beside": column,
                    "tables": len(pair),
                    "ours": pair["ours"].mean(),
                    "theirs": pair[column].mean(),
                    "ours above": float((above + 1).sum() / 2),
                }
            )
    return pd.DataFrame(lines)


def asked(name: str) -> argparse.ArgumentParser:
    """What a benchmark of races beside published figures can be told."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--published", type=Path, required=True)
    parser.add_argument("--budget", type=float, default=60.0)
    parser.add_argument("--candidates", type=int)
    parser.add_argument("--tables", nargs="*", default=[])
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results" / f"{name}.csv")
    return parser


def main() -> None:
    """Race, write after each table, print the tables and the means."""
    options = asked("kadra").parse_args()
    sys.path.insert(0, str(options.data))
    import load  # type: ignore[import-not-found]

    found = pd.read_csv(options.output) if options.output.exists() else pd.DataFrame()
    keys = ["table", "budget", "candidates"]
    done = set(found[keys].itertuples(index=False, name=None)) if len(found) else set()
    for name in options.tables or load.suite("kadra"):
        if (name, options.budget, options.candidates or 0) not in done:
            new = measured(load, name, options.budget, options.candidates)
            found = pd.concat([found, pd.DataFrame([new])], ignore_index=True)
            found.to_csv(options.output, index=False, float_format="%.5g")
            print(found.iloc[-1].drop("versions").to_dict(), flush=True)
    known = published(options.published)
    print(found.drop(columns="versions").join(known, on="table").round(2).to_string(index=False))
    print(summary(found, known).round(2).to_string(index=False))


if __name__ == "__main__":
    main()
