"""Do changed pictures help where training rows are few? Accuracy on held-out digits, with and without.

The 1,797 digits of scikit-learn, 8 x 8. For each number of training rows and each of many splits (stratified), five
networks-to-be learn the same rows and are scored on all others: a table of the pixels without `image_shape`, pictures
without any regularizer, pictures with `image_recipe("digits")`, and each of its parts. Differences are paired by split;
their intervals use the corrected resampled t-test (Nadeau and Bengio 2003), as splits share rows.

    python benchmarks/images.py [--splits 20] [--output benchmarks/results/images.csv]
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import t
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from dashpot import MLPClassifier, Rotate, Shift, Zoom, image_recipe

ROWS = (50, 100, 200, 500)
RECIPES = {
    "table, no image_shape": None,
    "pictures": (),
    "Shift(0.1)": (Shift(0.1),),
    "Rotate(10.0)": (Rotate(10.0),),
    "Zoom(0.1)": (Zoom(0.1),),
    'image_recipe("digits")': image_recipe("digits"),
}

warnings.filterwarnings("ignore")


def accuracy(name: str, rows: int, seed: int) -> float:
    """Share of the held-out digits that a network gets right."""
    X, y = load_digits(return_X_y=True)
    train, test, known, truth = train_test_split(X, y, train_size=rows, stratify=y, random_state=seed)
    recipe = RECIPES[name]
    shape = None if recipe is None else (8, 8)
    model = MLPClassifier(regularizers=recipe or (), image_shape=shape, random_state=seed, batch_size=32)
    return float(model.fit(train, known).score(test, truth))


def interval(gains: np.ndarray, rows: int) -> tuple[float, float]:
    """Mean difference, and half the width of its 95 % interval."""
    splits = len(gains)
    error = gains.std(ddof=1) * np.sqrt(1 / splits + (1797 - rows) / rows)
    return float(gains.mean()), float(t.ppf(0.975, splits - 1) * error)


def main() -> None:
    """Measure, print as a table of Markdown, write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--splits", type=int, default=20)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results" / "images.csv")
    options = parser.parse_args()
    found = [
        (rows, name, seed, accuracy(name, rows, seed))
        for rows in ROWS
        for name in RECIPES
        for seed in range(options.splits)
    ]
    table = pd.DataFrame(found, columns=["rows", "recipe", "split", "accuracy"])
    print("| training rows | recipe | accuracy | difference from pictures | its standard error over splits |")
    print("|---|---|---|---|---|")
    for (rows, name), group in table.groupby(["rows", "recipe"], sort=False):
        plain = table.query("rows == @rows and recipe == 'pictures'")["accuracy"].to_numpy()
        gains = group["accuracy"].to_numpy() - plain
        mean, half = interval(gains, rows)
        naive = gains.std(ddof=1) / np.sqrt(len(gains))
        print(f"| {rows} | {name} | {group['accuracy'].mean():.3f} | {mean:+.3f} ± {half:.3f} | {naive:.4f} |")
    options.output.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(options.output, index=False, float_format="%.4f")


if __name__ == "__main__":
    main()
