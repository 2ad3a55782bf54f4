"""What a user would pick instead, beside ours: repeated splits of every table of a suite, error, seconds and memory.

75 % of the rows train; classes by log-loss, amounts by 1 - R2 (both: less is better). Every fit is a process of its
own, so that its processor time and memory are its own. Boosted trees and forests see categories as such, where they
can; RealMLP and TabM do, too, with missing numbers at the median; linear models and scikit-learn's MLP see our
encoder's numbers, standardized. All at their defaults. What the CSV holds already is not run again. Needs the tables
(`--data`), with their `load.py`; LightGBM, XGBoost, CatBoost and pytabkit where they are installed.

    python benchmarks/leaderboard.py --data ../shared/data [--suite core] [--splits 1] [--models dashpot linear ...]
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import os
import pickle
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t as student
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss, r2_score
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier as SklearnClassifier
from sklearn.neural_network import MLPRegressor as SklearnRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import dashpot
from dashpot.tables import TableEncoder

warnings.filterwarnings("ignore")
SMALLEST = 1e-7  # probabilities below are taken for it: one certain mistake is no infinite loss
CORES = len(os.sched_getaffinity(0))


def scaled(model: Any) -> Any:
    """A model behind standardization."""
    return make_pipeline(StandardScaler(), model)


def models(classes: bool, stops: bool) -> dict[str, Callable[[], tuple[str, Any]]]:
    """What each model wants to see ("frame", "native" or "numbers"), and the model; `stops`: validation is possible."""
    pick = (lambda one, other: one) if classes else (lambda one, other: other)
    boosting = pick(HistGradientBoostingClassifier, HistGradientBoostingRegressor)
    perceptron = pick(SklearnClassifier, SklearnRegressor)
    forest = pick(RandomForestClassifier, RandomForestRegressor)
    network, task = pick(dashpot.MLPClassifier, dashpot.MLPRegressor), pick("classification", "regression")
    found: dict[str, Callable[[], tuple[str, Any]]] = {
        "dashpot": lambda: ("frame", network(random_state=0)),
        "dashpot, best": lambda: ("frame", network(preset="best", random_state=0)),
        "race 30 s": lambda: ("frame", Race(30, task)),
        "race 5 min": lambda: ("frame", Race(300, task)),
        "prior": lambda: ("numbers", pick(DummyClassifier, DummyRegressor)()),
        "linear": lambda: ("numbers", scaled(pick(LogisticRegression(max_iter=2000), Ridge()))),
        "sklearn MLP": lambda: ("numbers", scaled(perceptron(random_state=0))),
        "sklearn MLP, stops": lambda: ("numbers", scaled(perceptron(random_state=0, early_stopping=stops))),
        "boosting": lambda: (
            "native",
            boosting(random_state=0, early_stopping=False, categorical_features="from_dtype"),
        ),
        "boosting, stops": lambda: (
            "native",
            boosting(random_state=0, early_stopping=stops, categorical_features="from_dtype"),
        ),
        "forest": lambda: ("numbers", forest(random_state=0, n_jobs=CORES)),
    }
    return found | _others(pick)


class Race:
    """`dashpot.race` as an estimator."""

    def __init__(self, budget: float, task: str) -> None:
        self.budget, self.task = budget, task

    def fit(self, X: Any, y: Any) -> None:
        """The winner of the race."""
        self.model = dashpot.race(X, y, budget=self.budget, task=self.task, random_state=0)
        self.classes_ = getattr(self.model, "classes_", None)
        self.predict = self.model.predict
        self.predict_proba = getattr(self.model, "predict_proba", None)


def _others(pick: Callable[[Any, Any], Any]) -> dict[str, Callable[[], tuple[str, Any]]]:
    """The peers that are installed."""
    found: dict[str, Callable[[], tuple[str, Any]]] = {}
    if importlib.util.find_spec("lightgbm"):
        import lightgbm

        model = pick(lightgbm.LGBMClassifier, lightgbm.LGBMRegressor)
        found["LightGBM"] = lambda: ("native", model(random_state=0, n_jobs=CORES, verbose=-1))
    if importlib.util.find_spec("xgboost"):
        import xgboost

        booster = pick(xgboost.XGBClassifier, xgboost.XGBRegressor)
        found["XGBoost"] = lambda: ("native", Numbered(booster(random_state=0, n_jobs=CORES, enable_categorical=True)))
    if importlib.util.find_spec("catboost"):
        found["CatBoost"] = lambda: ("text", CatBoost(pick(True, False)))
    if importlib.util.find_spec("pytabkit"):
        import pytabkit

        for name, kind in (("RealMLP-TD", "RealMLP_TD"), ("TabM", "TabM_D")):
            peer = pick(getattr(pytabkit, f"{kind}_Classifier"), getattr(pytabkit, f"{kind}_Regressor"))
            found[name] = lambda peer=peer: ("filled", peer(random_state=0, device="cpu", n_threads=CORES))
    return found


class Numbered:
    """XGBoost wants classes as numbers."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def fit(self, X: Any, y: Any) -> None:
        """Fit on class numbers, or on amounts."""
        if hasattr(self.model, "predict_proba"):
            self.classes_, y = np.unique(y, return_inverse=True)
            self.predict_proba = self.model.predict_proba
        self.predict = self.model.predict
        self.model.fit(X, y)


class CatBoost:
    """CatBoost wants to be told which columns are categories."""

    def __init__(self, classes: bool) -> None:
        import catboost

        kind = catboost.CatBoostClassifier if classes else catboost.CatBoostRegressor
        self.model = kind(random_seed=0, thread_count=CORES, verbose=False, allow_writing_files=False)

    def fit(self, X: Any, y: Any) -> None:
        """Fit, text columns as categories."""
        self.model.fit(X, y, cat_features=[name for name in X if X[name].dtype == object])
        self.classes_ = getattr(self.model, "classes_", None)
        self.predict = self.model.predict
        self.predict_proba = getattr(self.model, "predict_proba", None)


def views(X: pd.DataFrame, rows: np.ndarray, tests: np.ndarray) -> dict[str, Callable[[], tuple[Any, Any]]]:
    """Training and test rows as the models want to see them; whatever is learned is learned on training rows."""
    numeric = [pd.api.types.is_numeric_dtype(X[name]) and X[name].dtype != bool for name in X]

    def native() -> tuple[Any, Any]:
        frame = X.copy()
        for name, is_number in zip(X, numeric, strict=True):
            if not is_number:
                texts = pd.Series([str(value) for value in X[name]], index=X.index, dtype=object).where(X[name].notna())
                levels = texts.iloc[rows].dropna().unique()[:254]
                frame[name] = pd.Categorical(texts, categories=levels)
            else:
                frame[name] = X[name].astype(float)
        frame.columns = [f"column {number}" for number in range(frame.shape[1])]
        return frame.iloc[rows], frame.iloc[tests]

    def text() -> tuple[Any, Any]:
        frame = X.copy()
        for name, is_number in zip(X, numeric, strict=True):
            texts = pd.Series([str(value) for value in X[name]], index=X.index, dtype=object)
            frame[name] = X[name].astype(float) if is_number else texts
        return frame.iloc[rows], frame.iloc[tests]

    def numbers() -> tuple[Any, Any]:
        encoded = TableEncoder().fit(X.iloc[rows]).transform(X)
        middle = np.nan_to_num(np.nanmean(encoded[rows], axis=0))
        filled = np.where(np.isnan(encoded), middle, encoded)
        return filled[rows], filled[tests]

    def filled() -> tuple[Any, Any]:
        train, new = native()
        middle = train.median(numeric_only=True)
        return train.fillna(middle).fillna(dict.fromkeys(middle.index, 0.0)), new.fillna(middle)

    whole = {"frame": lambda: (X.iloc[rows], X.iloc[tests]), "native": native, "text": text, "numbers": numbers}
    return whole | {"filled": filled}


def scored(model: Any, classes: bool, train: Any, y: Any, new: Any, truth: Any) -> dict[str, float]:
    """Score on the test rows, and seconds of the fit."""
    start = time.perf_counter()
    model.fit(train, y)
    seconds = time.perf_counter() - start
    if not classes:
        return {"score": 1 - r2_score(truth, model.predict(new)), "seconds": seconds}
    known = np.asarray(model.classes_).astype(str)
    probabilities = np.clip(np.asarray(model.predict_proba(new), dtype=float), SMALLEST, 1)
    probabilities /= probabilities.sum(1, keepdims=True)
    order = np.argsort(known)  # CatBoost has "2" before "10"
    return {"score": log_loss(truth, probabilities[:, order], labels=known[order]), "seconds": seconds}


def alone(work: Callable[[], dict[str, float]]) -> dict[str, Any]:
    """The result of `work` in a process of its own, with its processor seconds and the memory that it took, in MB."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        before = resident("VmRSS", os.getpid())
        try:
            found: dict[str, Any] = work()
        except Exception as error:
            found = {"failed": f"{type(error).__name__}: {error}"[:200]}
        processes = family(os.getpid())  # workers live on until their parent ends
        found["processor"] = sum(map(processor, processes))
        found["memory"] = sum(resident("VmHWM", one) for one in processes) - before
        with os.fdopen(writing, "wb") as pipe:
            pickle.dump(found, pipe)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    return pickle.loads(text) if text else {"failed": "the process died"}


def family(process: int) -> list[int]:
    """A process, its children and theirs."""
    threads = Path(f"/proc/{process}/task").glob("*/children")
    children = [int(child) for thread in threads for child in thread.read_text().split()]
    return [process, *(one for child in children for one in family(child))]


def processor(process: int) -> float:
    """Seconds that a process has spent on all cores."""
    spent = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[11:15]
    return sum(map(int, spent)) / os.sysconf("SC_CLK_TCK")


def resident(name: str, process: int) -> float:
    """Memory of a process in MB: VmRSS now, VmHWM at its highest."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(name)), 0.0)


def versions() -> str:
    """Ours and the peers', those that are installed."""
    names = ("dashpot", "scikit-learn", "lightgbm", "xgboost", "catboost", "pytabkit", "torch")
    found = {}
    for name in names:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return " ".join(f"{name}={version}" for name, version in found.items())


def split_of(y: pd.Series, classes: bool, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Training and test rows; test rows of a class that training lacks are left out."""
    frequent = classes and y.value_counts().min() >= 2
    rows, tests = train_test_split(
        np.arange(len(y)), test_size=0.25, random_state=number, stratify=y if frequent else None
    )
    return rows, tests[np.isin(y.iloc[tests], y.iloc[rows].unique())] if classes else tests


def measured(load: Any, name: str, number: int, asked: list[str], known: set[Any]) -> list[dict[str, Any]]:
    """All models on one split of one table."""
    X, y, about = load.tabular(name)
    classes = about["task"] != "regression"
    y = y.astype(str) if classes else y.astype(float)
    rows, tests = split_of(y, classes, number)
    stops = not classes or y.iloc[rows].value_counts().min() >= 3
    seen, found = views(X, rows, tests), []
    for model_name, make in models(classes, stops).items():
        if (name, number, model_name) in known or (asked and model_name not in asked):
            continue

        def work(make: Callable[[], tuple[str, Any]] = make) -> dict[str, float]:
            view, model = make()
            train, new = seen[view]()
            return scored(model, classes, train, y.iloc[rows].to_numpy(), new, y.iloc[tests].to_numpy())

        about_it = {"table": name, "rows": len(y), "task": about["task"], "split": number, "model": model_name}
        found.append(about_it | alone(work) | {"versions": versions()})
    return found


def ranking(found: pd.DataFrame) -> pd.DataFrame:
    """Mean rank of each model, its 95 % interval over tables, and seconds; only splits count that all models have."""
    scores = found.assign(score=found["score"].fillna(np.inf)).pivot(
        index=["table", "split"], columns="model", values="score"
    )
    ranks = scores.dropna().groupby("table").mean().rank(axis=1)
    half = ranks.std() / np.sqrt(len(ranks)) * student.ppf(0.975, max(len(ranks) - 1, 1))
    return pd.DataFrame(
        {
            "mean rank": ranks.mean(),
            "from": ranks.mean() - half,
            "to": ranks.mean() + half,
            "first": (ranks == 1).sum(),
            "median seconds": found.groupby("model")["seconds"].median(),
            "median processor seconds": found.groupby("model")["processor"].median(),
            "tables": len(ranks),
        }
    ).sort_values("mean rank")


def main() -> None:
    """Measure, write after each table, print the ranking."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--suite", default="core")
    parser.add_argument("--splits", type=int, default=1)
    parser.add_argument("--models", nargs="*", default=[])
    parser.add_argument("--tables", nargs="*", default=[])
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results" / "leaderboard.csv")
    options = parser.parse_args()
    sys.path.insert(0, str(options.data))
    import load  # type: ignore[import-not-found]

    found = pd.read_csv(options.output) if options.output.exists() else pd.DataFrame()
    known = set(zip(found["table"], found["split"], found["model"], strict=True)) if len(found) else set()
    for number in range(options.splits):
        for name in options.tables or load.suite(options.suite):
            new = measured(load, name, number, options.models, known)
            if new:
                found = pd.concat([found, pd.DataFrame(new)], ignore_index=True)
                found.to_csv(options.output, index=False, float_format="%.5g")
                shown = [f"{one['model']} {one.get('score', np.nan):.4f} ({one['processor']:.1f} s)" for one in new]
                print(f"{name:20s} {number}", *shown, sep="  ", flush=True)
    asked = found["model"].isin(options.models or found["model"])
    asked &= found["table"].isin(options.tables or found["table"])
    print(ranking(found[asked]).round(2).to_string())


if __name__ == "__main__":
    main()
