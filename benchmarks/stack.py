"""How fast is a stack? 64 networks against the same work done by PyTorch, scikit-learn and a naive stack.

Each shape: 8,192 rows, 32 columns, 10 classes, two hidden layers, AdamW, dropout 0.1 (none in scikit-learn).
All peers run in this process, one after another, round by round; the table gives medians over the rounds and
ratios within the run. Two-thread peers keep their default threads; ours trains one stack on each core.

    python benchmarks/stack.py [--rounds 5] [--output benchmarks/results/stack.csv]
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from joblib import Parallel, delayed
from sklearn.neural_network import MLPClassifier
from torch import nn
from torch.nn import functional

from dashpot.jobs import Design, Examples, Job, prepare, stacks
from dashpot.losses import CrossEntropy
from dashpot.optimizers import AdamW
from dashpot.regularizers import Dropout, Recipe
from dashpot.tables.encode import Inputs
from dashpot.threads import one_thread
from dashpot.training import train

NETWORKS, ROWS, COLUMNS, CLASSES = 64, 8192, 32, 10
SHAPES = [(128, 64), (32, 64), (256, 256)]  # hidden width, batch size

warnings.filterwarnings("ignore")


def data() -> tuple[np.ndarray, np.ndarray]:
    """Classes that depend on the inputs, so that gradients stay alive."""
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(ROWS, COLUMNS)).astype(np.float32)
    return inputs, (inputs @ rng.normal(size=(COLUMNS, CLASSES)) + rng.normal(size=(ROWS, CLASSES))).argmax(1)


def seconds(work: Callable[[], object]) -> float:
    """Wall-clock seconds of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def jobs(inputs: np.ndarray, classes: np.ndarray, width: int, batch: int, epochs: int) -> tuple[Examples, list[Job]]:
    """64 networks of ours."""
    columns = Inputs(tuple(f"x{i}" for i in range(COLUMNS)), np.arange(COLUMNS), np.zeros(COLUMNS, dtype=bool))
    design = Design((width, width), "relu", CrossEntropy(CLASSES), AdamW(1e-3), batch, epochs, 0.0)
    recipe = Recipe((Dropout(0.1),))
    rows = np.arange(ROWS)
    return Examples(inputs, classes, columns), [Job(recipe, rows, rows[:0], seed, design) for seed in range(NETWORKS)]


def ours(inputs: np.ndarray, classes: np.ndarray, width: int, batch: int) -> float:
    """Seconds per network and epoch: two epochs, all set-up included."""
    epochs = 2
    examples, drawn = jobs(inputs, classes, width, batch, epochs)
    return seconds(lambda: train(examples, drawn)) / NETWORKS / epochs


def torch_loop(inputs: np.ndarray, classes: np.ndarray, width: int, batch: int) -> float:
    """Seconds per network and epoch of PyTorch modules, one network after another (2 of the 64)."""
    X, y = torch.from_numpy(inputs), torch.from_numpy(classes)
    hidden = [
        nn.Linear(COLUMNS, width),
        nn.ReLU(),
        nn.Dropout(0.1),
        nn.Linear(width, width),
        nn.ReLU(),
        nn.Dropout(0.1),
    ]
    network = nn.Sequential(*hidden, nn.Linear(width, CLASSES))
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3)

    def epoch() -> None:
        order = torch.randperm(ROWS)
        for start in range(0, ROWS, batch):
            rows = order[start : start + batch]
            optimizer.zero_grad()
            functional.cross_entropy(network(X[rows]), y[rows]).backward()
            optimizer.step()

    return seconds(lambda: [epoch(), epoch()]) / 2


def scikit_learn(inputs: np.ndarray, classes: np.ndarray, width: int, batch: int) -> float:
    """Seconds per network and epoch of MLPClassifier, one after another (one of the 64, two epochs)."""
    peer = MLPClassifier((width, width), batch_size=batch, max_iter=2, random_state=0)
    return seconds(lambda: peer.fit(inputs, classes)) / 2


def naive_stack(inputs: np.ndarray, classes: np.ndarray, width: int, batch: int) -> float:
    """Seconds per network and epoch of one stack with autograd, `F.dropout` and torch's AdamW (a part of an epoch)."""
    X, y = torch.from_numpy(inputs), torch.from_numpy(classes)
    widths = list(pairwise([COLUMNS, width, width, CLASSES]))
    weights = [(torch.randn(NETWORKS, a, b) / a**0.5).requires_grad_() for a, b in widths]
    biases = [torch.zeros(NETWORKS, 1, b, requires_grad=True) for _, b in widths]
    optimizer = torch.optim.AdamW(weights + biases, lr=1e-3)
    order = torch.stack([torch.randperm(ROWS) for _ in range(NETWORKS)])

    def step(start: int) -> None:
        rows = order[:, start : start + batch]
        units = X[rows]
        optimizer.zero_grad()
        for depth, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
            units = torch.baddbmm(bias, units, weight)
            units = functional.dropout(torch.relu(units), 0.1) if depth < 2 else units
        losses = functional.cross_entropy(units.reshape(-1, CLASSES), y[rows].reshape(-1), reduction="sum")
        (losses / batch).backward()
        optimizer.step()

    steps = min(ROWS // batch, 24)
    taken = seconds(lambda: [step(number * batch) for number in range(steps)])
    return taken / steps * (ROWS // batch) / NETWORKS


def matrix_products(inputs: np.ndarray, classes: np.ndarray, width: int, batch: int) -> float:
    """Seconds per network and epoch of nothing but the matrix products of the step, in our stacks, one on each core."""
    examples, drawn = jobs(inputs, classes, width, batch, 1)
    work = [len(stack) for stack in stacks(examples, prepare(examples, drawn), workers=2)]

    def products(networks: int) -> None:
        with one_thread():
            sizes = list(pairwise([COLUMNS, width, width, CLASSES]))
            parts = [
                (torch.randn(networks, batch, a), torch.randn(networks, a, b), torch.randn(networks, batch, b))
                for a, b in sizes
            ]
            for _ in range(ROWS // batch):
                for depth, (units, weights, gradient) in enumerate(parts):
                    torch.bmm(units, weights)
                    torch.bmm(units.transpose(1, 2), gradient)
                    if depth:
                        torch.bmm(gradient, weights.transpose(1, 2))

    parallel = Parallel(n_jobs=2, prefer="threads")
    return seconds(lambda: parallel(delayed(products)(count) for count in work)) / NETWORKS


PEERS = {
    "dashpot": ours,
    "PyTorch, one after another": torch_loop,
    "scikit-learn, one after another": scikit_learn,
    "naive stack": naive_stack,
    "matrix products alone": matrix_products,
}


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results" / "stack.csv")
    options = parser.parse_args()
    inputs, classes = data()
    found = []
    for width, batch in SHAPES:
        for measured in range(options.rounds):
            for name, peer in PEERS.items():
                found.append((width, batch, measured, name, peer(inputs, classes, width, batch) * 1e3))
        table = pd.DataFrame(found, columns=["hidden", "batch", "round", "what", "ms per network and epoch"])
        medians = table[(table.hidden == width)].groupby("what", sort=False)["ms per network and epoch"].median()
        print(f"\nhidden {width}, batch {batch}, torch {torch.__version__}, {torch.get_num_threads()} threads")
        for name, value in medians.items():
            print(f"  {name:32s} {value:8.2f} ms   {value / medians['dashpot']:6.2f} x dashpot")
    options.output.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(options.output, index=False, float_format="%.4g")


if __name__ == "__main__":
    main()
