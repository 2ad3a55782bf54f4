"""The tables of the anomaly benchmark, from its file of results."""

from __future__ import annotations

from pathlib import Path

import pandas as pd


def means(results: pd.DataFrame) -> pd.DataFrame:
    """Mean AUROC and average precision in percent, a row for each method, columns for each protocol."""
    table = results.groupby(["method", "protocol"])[["auroc", "ap"]].mean().mul(100).round(1).unstack("protocol")
    table = table.swaplevel(axis=1).reindex(
        columns=[(protocol, figure) for protocol in ("contaminated", "clean") for figure in ("auroc", "ap")]
    )
    table["seeds"] = results.groupby("method")["seed"].nunique()
    return table


def published(folder: Path, sets: list[str]) -> str:
    """EntropyAE's published means on the same sets (contaminated), as a line."""
    theirs = pd.read_csv(folder / "entropyae_contaminated.csv")
    theirs.index = pd.Index([_plain(name.split("_", 1)[1]) for name in theirs["dataset"]])
    found = theirs.loc[[_plain(name) for name in sets if _plain(name) in theirs.index]]
    figures = 100 * found[["AUC_mean", "AP_mean"]].mean()
    return (
        f"EntropyAE as published, {len(found)} of the {len(sets)} sets: {figures.iloc[0]:.1f} / {figures.iloc[1]:.1f}"
    )


def _plain(name: str) -> str:
    """A name as others may write it."""
    return "".join(letter for letter in name.lower() if letter.isalnum())


def print_tables(output: Path, chosen: list[str], folder: Path | None) -> None:
    """All sets, then the sets that defaults were chosen on and the others apart."""
    results = pd.read_csv(output)
    sets = sorted(results["set"].unique())
    parts = {"all sets": sets, "chosen on": chosen, "judged on": [name for name in sets if name not in chosen]}
    for title, names in parts.items():
        print(f"\n{title}: {len(names)}")
        print(means(results[results["set"].isin(names)]).to_string())
    if folder is not None:
        print(published(folder, sets))
