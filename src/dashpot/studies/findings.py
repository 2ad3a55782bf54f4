"""Numbered findings: what a study noticed, what it means, and what to do. The numbers are those of docs/compare.md."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from dashpot.studies.effects import BASELINE, BEST_NETWORK, PRIOR, best_network
from dashpot.studies.scores import calibration_error
from dashpot.studies.statistics import FEWEST_DIFFERENCES
from dashpot.studies.words import listed, number, plural, rows_like_these

if TYPE_CHECKING:
    from dashpot.studies.study import Study

LINEAR = ("Logistic regression", "Ridge regression")
TREES = ("Boosted trees", "Random forest")

_wide_gap = 0.2  # of the way from the prior to a perfect score
_small_class = 0.1
_many_copies = 0.02
_few_rows = 150


@dataclass(frozen=True)
class Finding:
    """One thing that a reader should know.

    Attributes
    ----------
    number : int
        As in docs/compare.md.
    what, meaning, action : str
        What was seen, what it means, what to do; one sentence each.
    """

    number: int
    what: str
    meaning: str
    action: str


def findings(study: "Study") -> list[Finding]:
    """Everything that was noticed, by number."""
    return [found for look in _looks if (found := look(study)) is not None]


def _verdicts(study: "Study") -> pd.Series:
    """Method -> verdict against the best network."""
    return study.yardsticks.set_index("method")["verdict"]


def _worse_than_prior(study: "Study") -> Finding | None:
    few = study.settings["splits"] < FEWEST_DIFFERENCES  # nothing at all is shown then
    if few or _verdicts(study).get(PRIOR, "worse") == "worse":
        return None
    return Finding(
        1,
        "The best network is not shown to be better than the prior, which looks at no column.",
        "These columns hold little about the target, or there are too few rows to learn it.",
        "Look for columns that should matter, or for more rows, before choosing regularizers.",
    )


def _linear_is_as_good(study: "Study") -> Finding | None:
    verdicts = _verdicts(study)
    name = next((name for name in LINEAR if name in verdicts), None)
    if name is None or verdicts[name] not in ("better", "as good", "no clear difference"):
        return None
    word = {"better": "better than", "as good": "as good as"}.get(str(verdicts[name]), "not clearly behind")
    return Finding(
        2,
        f"{name} is {word} the best network.",
        "What a network adds, curves and interactions, does not show in these rows.",
        "Prefer the linear model: its coefficients can be read.",
    )


def _trees_win(study: "Study") -> Finding | None:
    verdicts = _verdicts(study)
    winning = [name for name in TREES if verdicts.get(name) == "better"]
    if not winning:
        return None
    return Finding(
        3,
        f"{listed(winning)} {'does' if len(winning) == 1 else 'do'} better than the best network.",
        "The target depends on thresholds or rough steps of the columns, which trees draw easily.",
        "Use trees here, or an ensemble of both.",
    )


def score_gaps(study: "Study") -> pd.DataFrame:
    """Mean training and test score of each method and their gap, positive where training is better."""
    rows = study.results[study.results["chosen"] & (study.results["metric"] == study.score.name)]
    table = rows.pivot_table(index="method", columns="part", values="value", aggfunc="mean", sort=False)
    if "training" not in table:
        return pd.DataFrame(columns=["training", "test", "gap"])
    return table.assign(gap=study.score.sign * (table["training"] - table["test"]))[["training", "test", "gap"]]


def _overfits(study: "Study") -> Finding | None:
    gaps, whole = score_gaps(study), study.settings["margin"] * 20
    if BASELINE not in gaps.index or not gaps.loc[BASELINE, "gap"] > _wide_gap * whole:
        return None
    train, test = (number(gaps.loc[BASELINE, part]) for part in ("training", "test"))
    return Finding(
        4,
        f"Without regularizer the network learns its training rows by heart: {study.score.label} {train} there, "
        f"{test} on test rows.",
        "It has more freedom than these rows can fill, which is what regularizers are for.",
        "Use those that help below; a smaller network or more rows close the gap too.",
    )


def _underfits(study: "Study") -> Finding | None:
    gaps, table = score_gaps(study), study.yardsticks.set_index("method")
    rivals = [name for name in table.index if name not in (BASELINE, BEST_NETWORK, PRIOR)]
    networks = [name for name in gaps.index if name == BASELINE or name in set(study.effects["regularizer"])]
    if not rivals or not networks:
        return None
    sign = study.score.sign
    trained = (sign * gaps.loc[networks, "training"]).max()
    rival = (sign * table.loc[rivals, study.score.name]).max()
    if not trained < rival - study.settings["margin"]:
        return None
    return Finding(
        5,
        "Even on their own training rows the networks score worse than another model does on test rows.",
        "They underfit: too few epochs, too narrow, or regularized too strongly.",
        "Train longer (epochs), or wider (hidden layers), before adding regularizers.",
    )


def _imbalanced(study: "Study") -> Finding | None:
    share = study.checks.get("smallest_share")
    if share is None or share >= _small_class:
        return None
    return Finding(
        6,
        f"Class {study.checks['smallest_class']!r} has {100 * share:.1f} % of the rows.",
        "Accuracy looks good for a model that never predicts it.",
        "Judge by log-loss, balanced accuracy or AUC, and choose the threshold by what mistakes cost.",
    )


def _not_calibrated(study: "Study") -> Finding | None:
    if study.tested is None or study.settings["task"] != "classification":
        return None
    chosen = best_network(study.results, study.score)
    once = {split: str(chosen[split]) for split in chosen.index[: study.settings["folds"]]}
    targets, predicted, weights = study.tested.pooled(once)
    if not np.isfinite(predicted).all():
        return None
    observed = calibration_error(targets, predicted, weights)
    if observed < 0.02 or observed <= honest_calibration_error(predicted, weights):
        return None
    sure = np.average(predicted.max(axis=1), weights=weights)
    right = np.average(predicted.argmax(axis=1) == targets, weights=weights)
    return Finding(
        7,
        f"The best network's probabilities are {'too bold' if sure > right else 'off'}: its likeliest class has "
        f"{100 * sure:.0f} % on average and is right in {100 * right:.0f} %.",
        "A predicted probability is then not the share of cases that come true.",
        "Calibrate (scikit-learn's CalibratedClassifierCV), or use an ensemble, before using the probabilities.",
    )


def honest_calibration_error(predicted: np.ndarray, weights: np.ndarray, share: float = 0.99) -> float:
    """The calibration error that honest probabilities stay below in this share of 100 simulated sets of rows."""
    rng, edges = np.random.default_rng(0), np.cumsum(predicted, axis=1)
    edges /= edges[:, -1:]
    drawn = [(rng.random((len(predicted), 1)) > edges[:, :-1]).sum(axis=1) for _ in range(100)]
    return float(np.quantile([calibration_error(targets, predicted, weights) for targets in drawn], share))


def _leaks(study: "Study") -> Finding | None:
    leaks = study.checks.get("leaks") or []
    if not leaks:
        return None
    name = "AUC" if study.settings["task"] == "classification" else "R²"
    worst = ", ".join(f"{leak['column']!r} ({name} {leak['score']:.3f})" for leak in leaks[:3])
    return Finding(
        8,
        f"Alone nearly perfect: {worst}.",
        "Such a column is often a copy or a consequence of the target, unknown when a prediction is needed.",
        "Ask how it came about; if it is known only afterwards, leave it out and run again.",
    )


def _copies(study: "Study") -> Finding | None:
    share = study.checks.get("copies", 0.0)
    if share < _many_copies:
        return None
    return Finding(
        9,
        f"{100 * share:.0f} % of the test rows have an identical twin, target included, among the rows learned from.",
        "If the twins are the same case entered twice, every score here is too good.",
        "Drop repeated cases, or name what they share as the group column.",
    )


def _groups_ignored(study: "Study") -> Finding | None:
    names = study.checks.get("group_columns") or []
    if not names:
        return None
    return Finding(
        10,
        f"{listed([repr(name) for name in names])} {'looks' if len(names) == 1 else 'look'} like names of groups of "
        "rows, and groups were not given.",
        "Rows of one group are alike; with some of them in training, test scores are too good.",
        "Run again with groups (--groups), which also takes the column out of the inputs.",
    )


def _too_few(study: "Study") -> Finding | None:
    rows, open_ones = study.settings["rows"], (study.effects["verdict"] == "too few data").mean()
    if rows >= _few_rows and open_ones < 0.5:
        return None
    needed = study.effects["splits_needed"].median(), study.effects["rows_needed"].median()
    way = f"{rows_like_these(needed[1], study.settings)} would" if np.isfinite(needed[1]) else "more rows would"
    if np.isfinite(needed[0]):
        way = f"{needed[0]:.0f} splits of these rows would"
    return Finding(
        11,
        f"{rows:,} rows and {plural(study.settings['splits'], 'split')} are too few to tell.",
        f"An effect of {number(study.settings['margin'])} in {study.score.label} could be there and be missed, "
        "or be chance and be believed.",
        f"To find such an effect four times in five, {way} do.",
    )


_looks: tuple[Callable[["Study"], Finding | None], ...] = (
    _worse_than_prior,
    _linear_is_as_good,
    _trees_win,
    _overfits,
    _underfits,
    _imbalanced,
    _not_calibrated,
    _leaks,
    _copies,
    _groups_ignored,
    _too_few,
)
