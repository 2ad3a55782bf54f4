"""Anomaly detection in one fair harness: ours and the peers on the same rows, with the same splits.

Two protocols. Contaminated: training rows and test rows are the same, anomalies included. Clean: training on half of
the normal rows, tested on the other half and all anomalies. Rows are shuffled by a seed and cut to 6,000, none is ever
repeated, scaling is fitted on the training rows, no label is seen by any method. Of each set and seed: the area under
the ROC curve and the average precision. The results grow row by row: a second run goes on where the first stopped.

Our defaults were chosen on every second set of the suite in alphabetical order (`chosen_on`).

    python benchmarks/anomaly.py --data ../shared/data
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score, roc_auc_score

sys.path.insert(0, str(Path(__file__).parent))
from anomaly_ours import ABLATION, OURS
from anomaly_peers import PEERS, Peer
from anomaly_tables import print_tables

MOST_ROWS = 6000
PROTOCOLS = ("contaminated", "clean")
METHODS = PEERS | OURS | ABLATION


def split(X: np.ndarray, y: np.ndarray, protocol: str, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Training rows, test rows, and the labels of the test rows."""
    order = np.random.default_rng(seed).permutation(len(y))[:MOST_ROWS]
    X, y = X[order], y[order]
    if protocol == "contaminated":
        return X, X, y
    normal = np.flatnonzero(y == 0)
    half = normal[: len(normal) // 2]
    rest = np.setdiff1d(np.arange(len(y)), half)
    return X[half], X[rest], y[rest]


def chosen_on(names: list[str]) -> list[str]:
    """The sets on which our defaults were chosen."""
    return sorted(names)[::2]


def run(load: Any, methods: dict[str, Peer], seeds: int, output: Path) -> None:
    """Compute what the output does not have yet."""
    done = set()
    if output.exists():
        done = set(pd.read_csv(output)[["set", "protocol", "seed", "method"]].itertuples(index=False, name=None))
    for seed in range(seeds):
        for name in load.suite("anomaly"):
            X, y, _ = load.anomaly(name)
            for protocol in PROTOCOLS:
                train, test, labels = split(X, y, protocol, seed)
                for method, score in methods.items():
                    if (name, protocol, seed, method) in done:
                        continue
                    row = measured(score, train, test, labels, protocol == "contaminated", seed)
                    row = {"set": name, "protocol": protocol, "seed": seed, "method": method, **row}
                    pd.DataFrame([row]).to_csv(output, mode="a", header=not output.exists(), index=False)
        print(f"seed {seed} done", flush=True)


def measured(
    score: Peer, train: np.ndarray, test: np.ndarray, labels: np.ndarray, same: bool, seed: int
) -> dict[str, float]:
    """Both figures of one method on one split, its seconds, and how busy the machine was."""
    start = time.perf_counter()
    scores = score(train, test, same, seed)
    return {
        "auroc": round(float(roc_auc_score(labels, scores)), 5),
        "ap": round(float(average_precision_score(labels, scores)), 5),
        "seconds": round(time.perf_counter() - start, 3),
        "load": round(os.getloadavg()[0], 1),
    }


def main() -> None:
    """Run what is missing, then print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--published", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--methods", nargs="*", default=list(PEERS | OURS))
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/anomaly.csv"))
    given = parser.parse_args()
    warnings.filterwarnings("ignore")
    sys.path.insert(0, str(given.data))
    import load  # type: ignore[import-not-found]

    run(load, {name: METHODS[name] for name in given.methods}, given.seeds, given.output)
    print_tables(given.output, chosen_on(load.suite("anomaly")), given.published)


if __name__ == "__main__":
    main()
