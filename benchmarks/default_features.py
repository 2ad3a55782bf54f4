"""Whether features of networks, and their sizes, help the default recipe: on training rows alone.

Rows as in `default_recipe.py`: those on which `leaderboard.py` tests are put away, the rest is split once more, at most
3,000 rows to train. Six members of the default recipe train there (two of each numeric embedding), and again with each
change; their mean prediction is scored on the last quarter: log-loss, or 1 - R2. What the CSV holds already is not run
again. Needs the tables (`--data`), with their `load.py`. The second line looks at skips with more members and tables,
the third at sizes and batches where there are many rows.

    python benchmarks/default_features.py --data ../shared/data [--tables sick segment ...] [--kinds scale skip ...]
    python benchmarks/default_features.py --data ../shared/data --suite core --members 12 --kinds default skip ...
    python benchmarks/default_features.py --data ../shared/data --rows 30000 --members 3 --output X.csv --tables ...
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from default_recipe import ROWS, inner_split, score, summary

from dashpot import Dropout, EarlyStopping, Ensemble, MLPClassifier, MLPRegressor, Noise, WeightDecay
from dashpot.estimators.base import DEFAULT_OPTIMIZER, MEMBERS
from dashpot.optimizers import Optimizer

warnings.filterwarnings("ignore")
PARTS = (Noise("inputs", "gaussian", 0.05), EarlyStopping(patience=25))
FALLING = (Dropout(0.25, schedule="flat_cosine"), WeightDecay(0.02, schedule="flat_cosine"))
TABLES = (
    "heart_h", "boston", "vowel", "indo_pep", "insurance_charges", "hcv", "colic", "wine_red",
    "car", "australian", "skillcraft", "steel_plates", "kc1", "segment", "ess9_immigration", "drug_cannabis",
)  # fmt: skip


def at_rate(rate: float) -> Optimizer:
    """The default optimizer with another learning rate."""
    return replace(DEFAULT_OPTIMIZER, learning_rate=rate)


# The first is the default recipe, with fewer members: the others are measured against it.
KINDS: dict[str, dict[str, Any]] = {
    "default": {},
    "input scale": {"learned": ("input_scale",)},
    "skip": {"skip": True},
    "layer norm": {"norm": "layer"},
    "batch norm": {"norm": "batch"},
    "learned activation": {"learned": ("activation",)},
    "learned frequencies": {"learned": ("frequencies",)},
    "log cosine": {"optimizer": replace(DEFAULT_OPTIMIZER, schedule="log_cosine")},
    "falling dropout and decay": {
        "optimizer": replace(DEFAULT_OPTIMIZER, decay=0.0),
        "regularizers": FALLING,
    },
    "beta2 0.999": {"optimizer": replace(DEFAULT_OPTIMIZER, beta2=0.999)},
    "width 64": {"hidden_layers": (64, 64)},
    "width 256": {"hidden_layers": (256, 256)},
    "width 256, dropout 0.1": {"hidden_layers": (256, 256), "regularizers": (Dropout(0.1),)},
    "width 512": {"hidden_layers": (512, 512)},
    "three layers": {"hidden_layers": (128, 128, 128)},
    "three layers of 256": {"hidden_layers": (256, 256, 256)},
    "three layers of 256, dropout 0.1": {"hidden_layers": (256, 256, 256), "regularizers": (Dropout(0.1),)},
    "skip, three layers": {"hidden_layers": (128, 128, 128), "skip": True},
    "dropout 0.1": {"regularizers": (Dropout(0.1),)},
    "dropout 0.1, skip": {"regularizers": (Dropout(0.1),), "skip": True},
    "batches of 32": {"batch_size": 32},
    "batches of 64": {"batch_size": 64},
    "batches of 256": {"batch_size": 256},
    "batches of 512": {"batch_size": 512},
    "batches of 256, learning rate 0.0057": {"batch_size": 256, "optimizer": at_rate(5.7e-3)},
    "batches of 512, learning rate 0.008": {"batch_size": 512, "optimizer": at_rate(8e-3)},
    "batches of 1024, learning rate 0.0113": {"batch_size": 1024, "optimizer": at_rate(1.13e-2)},
    "batches of 256, 100 epochs": {"batch_size": 256, "max_epochs": 100},
    "batches of 512, 100 epochs": {"batch_size": 512, "max_epochs": 100},
    "thresholds for pieces": {"numeric_embeddings": ("none", "thresholds", "periodic")},
    "thresholds beside pieces": {"numeric_embeddings": (*MEMBERS.numeric_embeddings, "thresholds")},
    "learning rate 0.002": {"optimizer": at_rate(2e-3)},
    "learning rate 0.008": {"optimizer": at_rate(8e-3)},
    "100 epochs": {"max_epochs": 100},
    "400 epochs": {"max_epochs": 400},
    "skip, learned frequencies": {"skip": True, "learned": ("frequencies",)},
    "skip, input scale": {"skip": True, "learned": ("input_scale",)},
    "skip, learned activation": {"skip": True, "learned": ("activation",)},
    "skip, all learned": {"skip": True, "learned": ("input_scale", "frequencies", "activation")},
    "skip, layer norm": {"skip": True, "norm": "layer"},
    "skip, batch norm": {"skip": True, "norm": "batch"},
}
# One network for each numeric embedding, with so many members that share its weights.
SHARED = {"shared, 2 of each": 2, "shared, 8 of each": 8}
# Half of the members of each.
HALVES: dict[str, tuple[str, str]] = {
    "half skip": ("default", "skip"),
    "half skip, layer norm": ("default", "skip, layer norm"),
}


class Table(NamedTuple):
    """Rows to train on, those to predict, and the classes; None for amounts."""

    X: pd.DataFrame
    y: np.ndarray
    X_test: pd.DataFrame
    known: np.ndarray | None


def members(table: Table, kind: str, count: int) -> np.ndarray:
    """What so many members of a kind predict for the test rows, (members, rows, outputs)."""
    if kind in SHARED:
        one = (Dropout(0.25), *PARTS, Ensemble(SHARED[kind], shared=True))
        each = [{"regularizers": one, "numeric_embedding": name} for name in MEMBERS.numeric_embeddings]
        return np.concatenate([fitted(table, own) for own in each])
    settings = {"regularizers": (Dropout(0.25),), "batch_size": 128} | KINDS[kind]
    numeric = settings.pop("numeric_embeddings", MEMBERS.numeric_embeddings)
    recipe = (*settings["regularizers"], *PARTS, replace(MEMBERS, members=count, numeric_embeddings=numeric))
    return fitted(table, settings | {"regularizers": recipe})


def fitted(table: Table, settings: dict[str, Any]) -> np.ndarray:
    """What the members of one estimator predict."""
    estimator = (MLPClassifier if table.known is not None else MLPRegressor)(random_state=0, workers=1, **settings)
    return np.asarray(estimator.fit(table.X, table.y)._member_predictions(table.X_test))


def measured(load: Any, name: str, kinds: list[str], number: int, count: int, most: int) -> list[dict[str, Any]]:
    """Some kinds on one split of one table, with so many rows to train on at most."""
    X, y, about = load.tabular(name)
    classes = about["task"] != "regression"
    y = y.astype(str) if classes else y.astype(float)
    rows, tests = inner_split(y, classes, number, most)
    own, truth = y.iloc[rows].to_numpy(), y.iloc[tests].to_numpy()
    table = Table(X.iloc[rows], own, X.iloc[tests], np.unique(own) if classes else None)
    found: dict[str, tuple[np.ndarray, float]] = {}
    for kind in dict.fromkeys(one for asked in kinds for one in HALVES.get(asked, (asked,))):
        start = time.process_time()
        found[kind] = members(table, kind, count), time.process_time() - start
    for kind in set(kinds) & set(HALVES):
        (one, first), (other, second) = (found[half] for half in HALVES[kind])
        found[kind] = np.concatenate([one[: count // 2], other[count // 2 :]]), (first + second) / 2
    results = []
    for kind in kinds:
        predicted, seconds = found[kind]
        clipped = predicted if classes else predicted.clip(own.min(), own.max())
        scores = {"score": score(predicted, truth, table.known), "clipped": score(clipped, truth, table.known)}
        about_it = {"table": name, "task": about["task"], "rows": len(rows), "split": number, "mix": kind}
        about_it["members"] = count
        results.append(about_it | scores | {"processor": seconds})
    return results


def main() -> None:
    """Measure, write after each table, print the summary."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--tables", nargs="*", default=TABLES)
    parser.add_argument("--suite", help="every table of it")
    parser.add_argument("--members", type=int, default=6)
    parser.add_argument("--rows", type=int, default=ROWS, help="to train on, at most")
    parser.add_argument("--kinds", nargs="*", default=[*KINDS, *SHARED, *HALVES])
    parser.add_argument("--split", type=int, default=0)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results" / "default_features.csv")
    options = parser.parse_args()
    sys.path.insert(0, str(options.data))
    import load  # type: ignore[import-not-found]

    found = pd.read_csv(options.output) if options.output.exists() else pd.DataFrame()
    run = options.split, options.members
    known = set(found[["table", "split", "members", "mix"]].itertuples(index=False, name=None)) if len(found) else set()
    for name in load.suite(options.suite) if options.suite else options.tables:
        kinds = [kind for kind in options.kinds if (name, *run, kind) not in known]
        if kinds:
            found = pd.concat([found, pd.DataFrame(measured(load, name, kinds, *run, options.rows))], ignore_index=True)
            found.to_csv(options.output, index=False, float_format="%.5g")
            print(f"{name}", flush=True)
    print(summary(found[found["members"] == options.members], next(iter(KINDS))).round(3).to_string())


if __name__ == "__main__":
    main()
