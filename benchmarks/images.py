"""Do changed pictures help where training rows are few? Accuracy on held-out digits, with and without.

The 1,797 digits of scikit-learn, 8 x 8. 797 of them, stratified, are the test set. The other 1,000 are divided into
training sets that share no row: 20 of 50, 10 of 100, 5 of 200. On each the same network learns a table of the pixels
(without `image_shape`), pictures without any regularizer, pictures with `image_recipe("digits")`, and with each of its
parts. Differences are paired by training set; as these share no row, the plain t-interval holds, for this test
set. Nothing was tuned on the test set: the strengths are the defaults.

    python benchmarks/images.py [--output benchmarks/results/images.csv]
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import t
from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedKFold, train_test_split

from dashpot import MLPClassifier, Rotate, Shift, Zoom, image_recipe

ROWS = (50, 100, 200)
RECIPES = {
    "table, no image_shape": None,
    "pictures": (),
    "Shift(0.1)": (Shift(0.1),),
    "Rotate(10.0)": (Rotate(10.0),),
    "Zoom(0.1)": (Zoom(0.1),),
    'image_recipe("digits")': image_recipe("digits"),
}

warnings.filterwarnings("ignore")


def training_sets(rows: int) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Disjoint training sets of a size, each with the one test set: pixels, digits, test pixels, test digits."""
    X, y = load_digits(return_X_y=True)
    pool, test, known, truth = train_test_split(X, y, train_size=1000, stratify=y, random_state=0)
    folds = StratifiedKFold(1000 // rows, shuffle=True, random_state=0)
    for _, own in folds.split(pool, known):
        yield pool[own], known[own], test, truth


def accuracy(name: str, data: tuple[np.ndarray, ...], seed: int) -> float:
    """Share of the test digits that a network gets right."""
    X, y, test, truth = data
    recipe = RECIPES[name]
    shape = None if recipe is None else (8, 8)
    model = MLPClassifier(regularizers=recipe or (), image_shape=shape, random_state=seed, batch_size=32)
    return float(model.fit(X, y).score(test, truth))


def main() -> None:
    """Measure, print as a table of Markdown, write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results" / "images.csv")
    options = parser.parse_args()
    found = []
    print("| training rows | recipe | accuracy | difference from pictures, 95 % interval |\n|---|---|---|---|")
    for rows in ROWS:
        sets = list(training_sets(rows))
        scores = {name: np.array([accuracy(name, one, k) for k, one in enumerate(sets)]) for name in RECIPES}
        for name, own in scores.items():
            gains = own - scores["pictures"]
            half = t.ppf(0.975, len(sets) - 1) * gains.std(ddof=1) / np.sqrt(len(sets))
            difference = "" if name == "pictures" else f"{gains.mean():+.3f} ± {half:.3f}"
            print(f"| {rows} | {name} | {own.mean():.3f} | {difference} |", flush=True)
            found += [(rows, name, number, value) for number, value in enumerate(own)]
    options.output.parent.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame(found, columns=["rows", "recipe", "training set", "accuracy"])
    table.to_csv(options.output, index=False, float_format="%.4f")


if __name__ == "__main__":
    main()
