"""Three promises of the detector, measured on real tables: contamination, p-values, speed.

"contamination": trained on usual rows with 0 to 20 % anomalies among them, tested on others; what the detector,
isolation forest and kNN lose. "p-values": trained on half of the usual rows; the share of the other half with p at
most alpha. "speed": networks trained per second on shuttle, beside PyOD's AutoEncoder.

    python benchmarks/anomaly_checks.py --data ../shared/data contamination p-values speed
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
from anomaly import split
from anomaly_ours import ABLATION, OURS
from anomaly_peers import PEERS, pyod_autoencoder

from dashpot import AnomalyDetector

SHARES = (0.0, 0.01, 0.05, 0.1, 0.2)
ALPHAS = (0.01, 0.05, 0.1, 0.2)
LEAST_ROWS, MOST_ROWS = 150, 2000  # training rows of the contamination curve


def contamination(load: Any) -> None:
    """Mean AUROC and average precision by the share of anomalies among the training rows, and what is lost."""
    methods = {"dashpot": OURS["dashpot"], "dashpot, trim 0.4": ABLATION["trim 0.4"]}
    methods |= {name: PEERS[name] for name in ("isolation forest", "kNN, k = 5")}
    rows: list[dict[str, Any]] = []
    for name in load.suite("anomaly"):
        X, y, _ = load.anomaly(name)
        rng = np.random.default_rng(0)
        usual, odd = (rng.permutation(np.flatnonzero(y == label)) for label in (0, 1))
        count = min(len(usual) // 2, MOST_ROWS, int(len(odd) // 2 / max(SHARES)))
        if count < LEAST_ROWS:
            continue
        test = np.concatenate([usual[count : count + MOST_ROWS], odd[len(odd) // 2 :][:MOST_ROWS]])
        for share in SHARES:
            few = round(share * count)
            train = np.concatenate([usual[: count - few], odd[:few]])
            for method, score in methods.items():
                scores = score(X[train], X[test], False, 0)
                figures = {"auroc": roc_auc_score(y[test], scores), "ap": average_precision_score(y[test], scores)}
                rows.append({"set": name, "share": share, "method": method, **figures})
    found = pd.DataFrame(rows)
    table = 100 * found.groupby(["method", "share"])[["auroc", "ap"]].mean().unstack("share")
    print(f"\ncontamination: {found['set'].nunique()} sets\n{table.round(1).to_string()}")


def p_values(load: Any) -> None:
    """The share of new usual rows whose p-value is at most alpha, set by set."""
    rows = {}
    for name in load.suite("anomaly"):
        X, y, _ = load.anomaly(name)
        train, test, labels = split(X, y, "clean", 0)
        p = AnomalyDetector(random_state=0).fit(train).p_values(test[labels == 0])
        few = min(len(train), len(p))
        rows[name] = {alpha: (p <= alpha).mean() for alpha in ALPHAS} | {
            f"z {alpha}": ((p <= alpha).mean() - alpha) / np.sqrt(2 * alpha * (1 - alpha) / few) for alpha in ALPHAS
        }
    table = pd.DataFrame(rows).T
    print(f"\np-values: share of new usual rows at most alpha, and its distance in standard errors\n{table.round(3)}")
    print(f"mean\n{table.mean().round(4).to_string()}")


def speed(load: Any) -> None:
    """Networks trained per second on shuttle, the whole fit with its scores of the training rows counted."""
    X, y, _ = load.anomaly("shuttle")
    AnomalyDetector(max_epochs=1).fit(X[:300])
    print(f"\nspeed: shuttle, {X.shape[0]:,} rows, load {os.getloadavg()[0]:.1f}")
    start = time.perf_counter()
    fitted = AnomalyDetector(random_state=0).fit(X)
    ours = time.perf_counter() - start
    print(f"dashpot: {ours:.2f} s, {len(fitted.networks_)} networks, AUROC {_auroc(y, fitted.training_scores_)}")
    start = time.perf_counter()
    scores = pyod_autoencoder(X, X, True, 0)
    theirs = time.perf_counter() - start
    print(f"PyOD AutoEncoder: {theirs:.2f} s, 1 network, AUROC {_auroc(y, scores)}")
    print(f"networks per second: {len(fitted.networks_) * theirs / ours:.0f} times")


def _auroc(labels: np.ndarray, scores: np.ndarray) -> str:
    """As text."""
    return f"{roc_auc_score(labels, scores):.4f}"


CHECKS = {"contamination": contamination, "p-values": p_values, "speed": speed}


def main() -> None:
    """Run the checks that are named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("checks", nargs="*", default=list(CHECKS), metavar="CHECK")
    given = parser.parse_args()
    warnings.filterwarnings("ignore")
    sys.path.insert(0, str(given.data))
    import load  # type: ignore[import-not-found]

    for name in given.checks:
        CHECKS[name](load)


if __name__ == "__main__":
    main()
