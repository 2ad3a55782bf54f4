"""Which regularizers help how often? One study of every table of a suite, with the defaults of `compare`.

Each table: every default regularizer at three strengths on 10 splits, beside the yardsticks; log-loss for classes, R2
for amounts. The table of answers grows table by table, and a second run goes on where the first one stopped; answers of
another state of the library (version and last commit of src) are dropped then and found anew.

    python benchmarks/regularizers_by_table.py --data ../shared/data [--published ../shared/published]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import dashpot
from dashpot import compare
from dashpot.report import render, summarize

# Our question -> the column of the published tables that asks the same.
TANGOS = {"L1": "L1", "L2": "L2", "Dropout": "DO", "Noise on inputs": "IN", "No regularizer": "Baseline"}
KADRA = {"Weight decay": "WD", "Dropout": "DO", "No regularizer": "PN"}


def study_of(name: str, tabular: Any, workers: int | None) -> pd.DataFrame:
    """The answers for one table, one row for each question and one for no regularizer."""
    X, y, about = tabular(name)
    task = "regression" if about["task"] == "regression" else "classification"
    if task == "classification":  # a class with one row cannot be both learned and tested
        kept = y.map(y.value_counts()).astype(int) > 1
        X, y = X[kept].reset_index(drop=True), y[kept].reset_index(drop=True)
    load, start = os.getloadavg()[0], time.perf_counter()
    study = compare(X, y, task=task, splits=10, workers=workers, random_state=0)
    seconds = time.perf_counter() - start
    page = len(render(summarize(study)).encode())
    scores = study.results.query("part == 'test' and metric == @study.score.name").groupby("method")["value"].mean()
    none = {"regularizer": "No regularizer", "difference": 0.0, "verdict": ""}
    answers = pd.concat([study.effects, pd.DataFrame([none])], ignore_index=True)
    answers["score"] = answers["regularizer"].map(scores)
    answers["rank"] = (-study.score.sign * answers["score"]).rank()
    columns = ["regularizer", "difference", "low", "high", "adjusted_p", "verdict", "score", "rank"]
    first = {"table": name, "rows": study.settings["rows"], "task": task, "metric": study.score.name}
    last = {
        "best_yardstick": study.yardsticks.loc[
            ~study.yardsticks["method"].str.contains("etwork|No reg"), "method"
        ].iloc[0],
        "networks": study.settings["networks"],
        "seconds": round(seconds, 1),
        "load": round(load, 1),
        "page_bytes": page,
        "engine": engine(),
    }
    return answers[columns].assign(**last).assign(**first)[[*first, *columns, *last]]


@cache
def engine() -> str:
    """Version and last commit of the library that runs; marked if it differs from that commit."""
    here = Path(dashpot.__file__).parent

    def git(*words: str) -> str:
        return subprocess.run(["git", "-C", here, *words], capture_output=True, text=True, check=False).stdout.strip()

    changed = " changed" if git("status", "--porcelain", "--", ".") else ""
    return f"{dashpot.__version__} {git('log', '-1', '--format=%h', '--', '.')}{changed}"


def known_tables(output: Path) -> set[str]:
    """Tables that this state of the library has answered; what another has said is dropped."""
    if not output.exists():
        return set()
    answers = pd.read_csv(output)
    own = answers[answers["engine"] == engine()] if "engine" in answers else answers.iloc[:0]
    if len(own) < len(answers):
        print(f"dropped {answers['table'].nunique() - own['table'].nunique()} tables of another state", flush=True)
        output.unlink()
        if len(own):
            own.to_csv(output, index=False)
    return set(own["table"])


def run(data: Path, given: argparse.Namespace) -> None:
    """Study the tables that are not in the output yet: those named first, then the smallest first."""
    sys.path.insert(0, str(data))
    import load  # type: ignore[import-not-found]

    output, known = given.output, known_tables(given.output)
    small = [name for name in load.suite(given.suite) if load.SETS[name]["n"] <= given.most_rows]
    names = [name for name in dict.fromkeys([*given.first, *small]) if name not in known]
    for name in names[: given.limit]:
        try:
            answers = study_of(name, load.tabular, given.workers)
        except Exception as error:  # one table that fails must not cost the others
            print(f"{name}: {error}", flush=True)
            continue
        answers.to_csv(output, mode="a", header=not output.exists(), index=False)
        known.add(name)
        print(f"{name}: {answers['seconds'].iloc[0]} s", flush=True)


def mean_ranks(path: Path, columns: list[str], ascending: bool) -> pd.Series:
    """Mean rank of each column of a published table; rank 1 is best."""
    table = pd.read_csv(path)
    return table[columns].rank(axis=1, ascending=ascending).mean()


def summary(output: Path, published: Path | None) -> str:
    """How often each regularizer helps, as a Markdown table."""
    answers = pd.read_csv(output)
    theirs: dict[str, dict[str, str]] = {}
    if published is not None:
        tangos = mean_ranks(
            published / "tangos_table1.csv", ["Baseline", "L1", "L2", "DO", "BN", "IN", "MU", "TANGOS"], True
        )
        columns = list(pd.read_csv(published / "kadra_single_regularizers.csv").columns[2:])
        kadra = mean_ranks(published / "kadra_single_regularizers.csv", columns, False)
        theirs["TANGOS, of 8"] = {ours: f"{tangos[name]:.1f}" for ours, name in TANGOS.items()}
        theirs[f"Kadra, of {len(columns)}"] = {ours: f"{kadra[name]:.1f}" for ours, name in KADRA.items()}
    lines = [["regularizer", "tables", "helps", "hurts", "neither", "mean rank", *theirs]]
    for name, own in sorted(answers.groupby("regularizer"), key=lambda item: item[1]["rank"].mean()):
        counts = own["verdict"].value_counts()
        counted = [str(counts.get(word, 0)) for word in ("helps", "hurts")]
        still = str(int(own["verdict"].isin(["no difference", "no evidence", "too few data"]).sum()))
        published_ranks = [ranks.get(str(name), "") for ranks in theirs.values()]
        words = ["", "", ""] if name == "No regularizer" else [*counted, still]
        lines.append([str(name), str(len(own)), *words, f"{own['rank'].mean():.1f}", *published_ranks])
    lines.insert(1, ["---"] * len(lines[0]))
    once = answers.drop_duplicates("table")
    about = (
        f"{len(once)} tables; a study took {once['seconds'].median():.0f} s at the median and "
        f"{once['seconds'].max():.0f} s at most, {(once['seconds'] > 300).sum()} above 300 s; "
        f"the page {once['page_bytes'].max() / 1e3:.0f} kB at most."
    )
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + f"\n\n{about}"


def main() -> None:
    """Run the studies, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--suite", default="core")
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/regularizers_by_table.csv"))
    parser.add_argument("--published", type=Path)
    parser.add_argument("--workers", type=int)
    parser.add_argument("--most-rows", type=int, default=5000)
    parser.add_argument("--first", nargs="*", default=[])
    parser.add_argument("--limit", type=int, default=int(np.iinfo(np.int32).max))
    given = parser.parse_args()
    warnings.filterwarnings("ignore")
    if given.data is not None:
        given.output.parent.mkdir(parents=True, exist_ok=True)
        run(given.data, given)
    print(summary(given.output, given.published))


if __name__ == "__main__":
    main()
