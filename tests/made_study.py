"""A study that never trained a network: scores drawn at random around effects that are known."""

import numpy as np
import pandas as pd

from dashpot.studies.effects import BASELINE, PRIOR
from dashpot.studies.study import Study

effects = {
    "Dropout": 0.06,
    "L2": 0.03,
    "Noise on inputs": 0.005,
    "L1": 0.0,
    "Max norm": -0.004,
    "SMOTE": -0.05,
}


def settings_of(metric="log_loss", task="classification", **changes):
    """Everything that a study writes down about itself."""
    return {
        "task": task,
        "target": "vote",
        "metric": metric,
        "rows": 944,
        "columns": 9,
        "splits": 10,
        "folds": 5,
        "test_size": 0.2,
        "test_share": 0.25,
        "shares": "60 %, 20 % and 20 % of them",
        "level": 0.95,
        "grouped": False,
        "weighted": False,
        "max_rows": None,
        "hidden_layers": [64, 64],
        "activation": "relu",
        "optimizer": "Adam(learning_rate=0.001)",
        "batch_size": 64,
        "epochs": 100,
        "random_state": 0,
        "networks": 650,
        "seconds": 41.0,
        "version": "0.1.0",
        "regularizers": {"Dropout": ["Dropout(rate=0.1)", "Dropout(rate=0.3)"], "L2": ["L2(strength=0.01)"]},
    } | changes


def results_of(gains=effects, yardsticks=None, metric="log_loss", splits=10, noise=0.01, seed=0):
    """A long table of results in which each method's mean gain is the one given."""
    rng = np.random.default_rng(seed)
    yardsticks = {PRIOR: -0.25, "Logistic regression": 0.02, "Boosted trees": 0.0} if yardsticks is None else yardsticks
    sign = -1 if metric == "log_loss" else 1
    others = ("accuracy", "auc") if metric == "log_loss" else ("rmse", "mae")
    kinds = {BASELINE: ("baseline", 0.0)}
    kinds |= {name: ("regularizer", gain) for name, gain in gains.items()}
    kinds |= {name: ("yardstick", gain) for name, gain in yardsticks.items()}
    rows = []
    for split in range(splits):
        shared = rng.normal(0.4, 0.03)
        for method, (kind, gain) in kinds.items():
            value = shared + sign * (gain + rng.normal(0, noise) * (method != BASELINE))
            values = {metric: value, others[0]: 0.85 + gain / 2, others[1]: 0.9 + gain / 3}
            weak, strong = (f"{method.replace(' ', '')}(rate={rate})" for rate in (0.1, 0.5))
            for part, setting, chosen in (
                ("validation", weak, split % 3 > 0),
                ("validation", strong, split % 3 == 0),
                ("test", weak if split % 3 else strong, True),
            ):
                rows += [
                    (split, method, kind, setting, chosen, part, name, score, 100.0, np.nan)
                    for name, score in values.items()
                ]
    columns = ["split", "method", "kind", "setting", "chosen", "part", "metric", "value", "epochs", "seconds"]
    return pd.DataFrame(rows, columns=columns)


def curves_of(methods=(BASELINE, "Dropout"), epochs=100):
    """Learning curves: training falls, validation turns."""
    epoch = np.arange(1, epochs + 1)
    frames = []
    for number, method in enumerate(methods):
        training = 0.7 * np.exp(-epoch / 25) + 0.12 + 0.12 * number
        validation = 0.4 + 0.3 * np.exp(-epoch / 15) + (0.002, 0.0002)[number] * epoch
        for part, mean in (("training", training), ("validation", validation)):
            frames.append(
                pd.DataFrame(
                    {
                        "method": method,
                        "part": part,
                        "epoch": epoch,
                        "mean": mean,
                        "low": mean - 0.03,
                        "high": mean + 0.04,
                    }
                )
            )
    return pd.concat(frames, ignore_index=True)


def make_study(notes=(), **changes):
    """The made study, judged."""
    known = {"metric", "splits"} & set(changes)
    results = results_of(
        **{
            name: value
            for name, value in changes.items()
            if name in ("gains", "yardsticks", "noise", "seed") or name in known
        }
    )
    settings = settings_of(
        **{name: value for name, value in changes.items() if name not in ("gains", "yardsticks", "noise", "seed")}
    )
    return Study.from_results(results, curves_of(), settings, notes)
