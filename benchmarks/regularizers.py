"""What does each regularizer cost? The time of a training step with it, relative to a step without any.

64 networks, 32 columns, 10 classes, two hidden layers of 128, batches of 64, AdamW: one stack as `train` makes it for
one of two cores, on one thread. In each round every public regularizer trains one epoch, what happens at its end
included, and so does the network without any, before and behind them; ratios are taken within a round, medians over
the rounds. Ensembles, resampling and first weights act before the first step, so that a step costs nothing more.

    python benchmarks/regularizers.py [--rounds 5] [--output benchmarks/results/regularizers.csv]
"""

from __future__ import annotations

import argparse
import time
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from dashpot import regularizers
from dashpot.jobs import Design, Examples, Job, prepare, stacks
from dashpot.losses import CrossEntropy
from dashpot.optimizers import AdamW
from dashpot.regularizers import (
    L1,
    L2,
    Dropout,
    EarlyStopping,
    ElasticNet,
    He,
    InputDropout,
    MaxNorm,
    Noise,
    Recipe,
    Regularizer,
    WeightDecay,
)
from dashpot.regularizers.noise import KINDS, TARGETS
from dashpot.stack import Stack
from dashpot.tables.encode import Inputs
from dashpot.threads import no_denormals, one_thread

NETWORKS, ROWS, COLUMNS, CLASSES, WIDTH, BATCH = 64, 1280, 32, 10, 128, 64
IMAGE = (4, 4, 2)  # the 32 columns, for what changes pictures
FIRST_SET = "all of the first set at once"

warnings.filterwarnings("ignore")


def examples() -> Examples:
    """Classes that depend on the inputs, so that gradients stay alive; nine inputs are three source columns."""
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(ROWS, COLUMNS)).astype(np.float32)
    classes = (inputs @ rng.normal(size=(COLUMNS, CLASSES)) + rng.normal(size=(ROWS, CLASSES))).argmax(1)
    source = np.concatenate([np.arange(COLUMNS - 9), COLUMNS - 9 + np.repeat(np.arange(3), 3)])
    names = tuple(f"x{i}" for i in range(COLUMNS))
    return Examples(inputs, classes, Inputs(names, source, np.zeros(COLUMNS, dtype=bool), IMAGE))


def recipes() -> dict[str, Recipe]:
    """Every public regularizer at a middling strength; Noise at each target and of each kind."""
    classes = [getattr(regularizers, name) for name in regularizers.__all__]
    found: dict[str, Recipe] = {}
    for cls in classes:
        if cls in (Regularizer, Recipe, Noise):
            continue
        one = cls.grid()[len(cls.grid()) // 2]
        found[repr(one)] = Recipe((one,))
    noises = [Noise(target) for target in TARGETS] + [Noise("inputs", kind) for kind in KINDS[1:]]
    found |= {repr(one): Recipe((one,)) for one in noises}
    first = [L2(), L1(), ElasticNet(), WeightDecay(), MaxNorm(), Dropout(), InputDropout(), EarlyStopping(), He()]
    found[FIRST_SET] = Recipe((*first, *noises[: len(TARGETS)]))
    return found


def milliseconds_per_step(data: Examples, recipe: Recipe) -> float:
    """One epoch of a stack, its set-up left out."""
    design = Design((WIDTH, WIDTH), "relu", CrossEntropy(CLASSES), AdamW(1e-3), BATCH, 10, 0.0)
    rows = np.arange(ROWS)
    jobs = [Job(recipe, rows, rows[:BATCH], seed, design) for seed in range(NETWORKS)]
    with one_thread(), no_denormals():
        stack = Stack(data, stacks(data, prepare(data, jobs), workers=2)[0], "cpu")
        start = time.perf_counter()
        stack.end_epoch(stack.train_epoch())
        return (time.perf_counter() - start) / stack.steps * 1e3


def measure(rounds: int) -> pd.DataFrame:
    """Every round and recipe: milliseconds a step, and the ratio to none in the same round."""
    data, asked, found = examples(), recipes(), []
    milliseconds_per_step(data, replace(asked[FIRST_SET]))  # warm up
    for number in range(rounds):
        taken = {"none": milliseconds_per_step(data, Recipe(()))}
        taken |= {name: milliseconds_per_step(data, recipe) for name, recipe in asked.items()}
        taken["none"] = (taken["none"] + milliseconds_per_step(data, Recipe(()))) / 2
        found += [(number, name, value, value / taken["none"]) for name, value in taken.items()]
    return pd.DataFrame(found, columns=["round", "regularizer", "ms per step", "relative to none"])


def main() -> None:
    """Measure, print as a table of Markdown, write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results" / "regularizers.csv")
    options = parser.parse_args()
    table = measure(options.rounds)
    medians = table.groupby("regularizer", sort=False)[["ms per step", "relative to none"]].median()
    print(f"torch {torch.__version__}, {options.rounds} rounds\n\n| regularizer | ms per step | relative to none |")
    print("|---|---|---|")
    for name, (value, ratio) in medians.iterrows():
        print(f"| `{name}` | {value:.1f} | {ratio:.2f} |")
    options.output.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(options.output, index=False, float_format="%.4g")


if __name__ == "__main__":
    main()
