"""The page of a race: what was tried, what came of it, what mattered, and how far its figures can be believed."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dashpot import __version__
from dashpot.report.figures import effect_figure, ticks
from dashpot.report.numbers import tick_label
from dashpot.report.page import marks, page
from dashpot.writing import write_text

if TYPE_CHECKING:
    from dashpot.races import Race
    from dashpot.races.space import Candidate
    from dashpot.regularizers.base import Regularizer

WHOLE = {"recipe": "the default ensemble, trained on all rows as without a race"}
MOST_LISTED = 100  # recipes in the table of all


def write_race(found: Race, path: Path) -> Path:
    """Write the page; the file is whole or not there."""
    summary = summarize_race(found)
    effects = effect_figure(summary) if summary["effects"] else None
    text = page("race.html", summary, found=summary, effects=effects, marks=marks)
    return write_text(path, text, "Race.report")


def summarize_race(found: Race) -> dict[str, Any]:
    """Everything that the page says, as plain values."""
    finished = int(np.isfinite(found.losses).all(axis=1).sum())
    label = found.judge.score.label
    return {
        "version": __version__,
        "title": "A race of recipes",
        "headline": f"{_plural(len(found.candidates), 'recipe')} began, {finished} went through all folds, "
        f"{_became(found)} the model",
        "lead": _lead(found),
        "facts": [
            f"{found.losses.shape[1]:,} rows",
            f"judged by {label}",
            f"{found.seconds:,.0f} seconds{' until it was interrupted' if found.interrupted else ''}",
            f"dashpot {__version__}",
        ],
        "label": label,
        "loss": found.judge.loss_label,
        "course": _course(found),
        "diverged": found.default_diverged,
        "anchored": found.default_share > 0,
        "members": _members(found),
        "best": _described(found.candidates[found.best]),
        "trees": found.beside_trees(),
        "components": found.beside_components().strip(),
        "effects": _effects(found),
        "listed": _listed(found),
        "more": max(0, len(found.candidates) - MOST_LISTED),
    }


def _became(found: Race) -> str:
    """Who is the model: how many recipes, and the default ensemble.

    >>> from types import SimpleNamespace
    >>> _became(SimpleNamespace(weights=np.array([0.3, 0.0, 0.4]), default_share=0.3))
    '2 and the default ensemble are'
    """
    members, anchored = int((found.weights > 0).sum()), found.default_share > 0
    who = [str(members)] * (members > 0 or not anchored) + ["the default ensemble"] * anchored
    return f"{' and '.join(who)} {'is' if members + anchored == 1 else 'are'}"


def _lead(found: Race) -> str:
    """The result with its interval, in sentences."""
    label, (mean, low, high) = found.judge.score.label, found.gain
    if found.default_diverged:
        return f"On rows that were left out the model has {label} {found.score:.4f}; the default recipe diverged."
    what = "" if found.judge.by_rows else f" of the {found.judge.loss_label}"
    if low > 0:
        verdict = "better, beyond the noise of these rows"
    elif high < 0:
        verdict = "worse, beyond the noise of these rows"
    else:
        verdict = "not to be told apart on these rows"
    return (
        f"On rows that were left out the model has {label} {found.score:.4f}, the default recipe "
        f"{found.default_score:.4f}: {verdict} (difference{what} {_signed(mean)}, 95 % interval {_signed(low)} "
        f"to {_signed(high)}; above 0 is better). The same rows decided who stayed and when training stopped, so "
        "expect a worse figure and a smaller difference on new rows."
    )


def _course(found: Race) -> dict[str, Any]:
    """Dots of all recipes in the order in which they began: their loss beside the default recipe's, same rows."""
    differences = _beside_default(found)
    sound = differences[np.isfinite(differences)]
    low = float(min(sound.min(), 0.0))
    high = float(max(min(sound.max(), max(np.quantile(sound, 0.75), -2 * low)), 1e-6))
    space = 0.06 * (high - low)
    low, high = low - space, high + space
    last = max(len(differences) - 1, 1)
    whole_numbers = ticks(0, last, min(last, 6))

    def down(value: float) -> float:
        return round(100 * (high - min(max(value, low), high)) / (high - low), 2)

    whole = ~np.isnan(found.losses).any(axis=1)
    dots = [
        {
            "across": round(2 + 96 * place / last, 2),
            "down": down(value) if np.isfinite(value) else 0.0,
            "kind": "member" if found.weights[place] > 0 else "whole" if whole[place] else "left",
            "radius": round(4 + 8 * float(np.sqrt(found.weights[place])), 1) if found.weights[place] > 0 else 3.5,
            "text": f"recipe {one.number}: {_brief(one)}; {_signed(value)}",
        }
        for place, (one, value) in enumerate(zip(found.candidates, differences, strict=True))
    ]
    return {
        "dots": sorted(dots, key=lambda dot: dot["radius"]),
        "levels": [{"place": down(tick), "label": tick_label(tick, signed=True)} for tick in ticks(low, high, 6)],
        "numbers": [{"place": round(2 + 96 * tick / last, 2), "label": tick_label(tick)} for tick in whole_numbers],
        "zero": down(0.0),
        "cut": int((~np.isfinite(differences) | (differences > high)).sum()),
    }


def _beside_default(found: Race) -> np.ndarray:
    """Mean loss of each recipe on the rows it ran, less the default recipe's on the same rows; inf: it diverged.

    Where the default recipe diverged, the model takes its place.
    """
    floor = found.left_out if found.default_diverged else found.default_losses
    values = []
    for losses in found.losses:
        known = ~np.isnan(losses)
        sound = np.isfinite(losses[known]).all()
        values.append(np.average((losses - floor)[known], weights=found.row_weights[known]) if sound else np.inf)
    return np.array(values)


def _members(found: Race) -> list[dict[str, Any]]:
    """The default ensemble and the recipes beside it, the largest share first."""
    losses = found.table["loss"]
    members = [
        (found.weights[place], _described(one), losses[one.number])
        for place, one in enumerate(found.candidates)
        if found.weights[place] > 0
    ]
    if found.default_share:
        loss = float(np.average(found.default_losses, weights=found.row_weights))
        members.append((found.default_share, _described(found.candidates[0]) | WHOLE, loss))
    members.sort(key=lambda one: -one[0])
    return [
        about | {"share": f"{100 * share:.0f} %", "width": round(100 * share / members[0][0], 1), "loss": f"{loss:.4f}"}
        for share, about, loss in members
    ]


def _effects(found: Race) -> list[dict[str, Any]]:
    """What mattered, with its sign turned: above 0 is better."""
    rows = []
    for choice, one in found.effects.iterrows():
        known = bool(np.isfinite(one["from"]) and np.isfinite(one["to"]))
        clear = known and one["from"] * one["to"] > 0
        rows.append(
            {
                "regularizer": str(choice),
                "difference": -float(one["difference"]),
                "low": -float(one["to"]) if known else None,
                "high": -float(one["from"]) if known else None,
                "text": _signed(-one["difference"]),
                "interval": f"{_signed(-one['to'])} to {_signed(-one['from'])}" if known else "unknown",
                "verdict": ("better" if one["difference"] < 0 else "worse") if clear else "no evidence",
            }
        )
    return rows


def _listed(found: Race) -> list[dict[str, Any]]:
    """All recipes, those that ran longest and lost least first."""
    by_number = {one.number: one for one in found.candidates}
    return [
        _described(by_number[number])
        | {
            "number": number,
            "rows": int(row["rows"]),
            "loss": f"{row['loss']:.4f}",
            "share": f"{100 * row['share']:.0f} %",
        }
        for number, row in found.table.head(MOST_LISTED).iterrows()
    ]


def _described(candidate: Candidate) -> dict[str, Any]:
    """A recipe and a shape in words."""
    from dashpot.races.space import built_of, layers_of

    design = candidate.design
    numbers = design.numeric_embedding.replace("_", " ").removesuffix("s")
    return {
        "recipe": "default recipe: " * candidate.default + ", ".join(map(brief, candidate.recipe.parts)),
        "shape": f"hidden layers {layers_of(candidate)}"
        + "".join(f", {word}" for word in built_of(design)) * bool(design.hidden_layers)
        + f", numbers as {numbers} features" * (design.numeric_embedding != "none"),
        "training": f"learning rate {design.optimizer.learning_rate:.2g}, decay {design.optimizer.decay:.2g}, "
        f"batches of {design.batch_size}",
    }


def _brief(candidate: Candidate) -> str:
    """One line for a recipe."""
    about = _described(candidate)
    return f"{about['shape']}; {about['recipe']}"


def brief(part: Regularizer) -> str:
    """A regularizer with the fields that are not at their defaults.

    >>> from dashpot.regularizers import EarlyStopping
    >>> brief(EarlyStopping(patience=25))
    'EarlyStopping(patience=25)'
    """
    given = [one for one in fields(part) if one.init and getattr(part, one.name) != one.default]
    return f"{type(part).__name__}({', '.join(f'{one.name}={getattr(part, one.name)!r}' for one in given)})"


def _signed(value: float) -> str:
    """A number with its sign."""
    return f"{value:+.4f}".replace("-", "−") if np.isfinite(value) else "diverged"


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
