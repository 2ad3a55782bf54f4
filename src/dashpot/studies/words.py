"""What a study found, in plain sentences. What beats the networks is named first."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from dashpot.studies.effects import BASELINE, BEST_NETWORK, PRIOR
from dashpot.studies.scores import SCORES, Score
from dashpot.studies.spreads import turns

if TYPE_CHECKING:
    from dashpot.studies.study import Study

# Method name -> how a sentence begins with it.
_spoken = {
    "Boosted trees": "A boosted tree model",
    "Random forest": "A random forest",
    "scikit-learn MLP": "The plain network of scikit-learn",
    "Logistic regression": "Logistic regression",
    "Ridge regression": "Ridge regression",
    PRIOR: "Always predicting the prior",
}


def headline(study: "Study") -> str:
    """The most important finding, one sentence."""
    return sentences(study)[0]


def sentences(study: "Study") -> list[str]:
    """All findings, the most important first: what beats the networks, then what helps, then what hurts."""
    found = [
        _against_yardsticks(study),
        _what_helps(study),
        _what_hurts(study),
        _what_the_whole_needs(study),
        _what_is_level(study),
        _what_is_open(study),
    ]
    return [sentence for sentence in found if sentence]


def _against_yardsticks(study: "Study") -> str | None:
    """A yardstick that is ahead of the best network; None if the networks are ahead."""
    table, score = study.yardsticks.set_index("method"), study.score
    name = next(str(method) for method in table.index if method != BASELINE)
    if name == BEST_NETWORK:
        return None
    own, networks = (number(table.loc[method, score.name]) for method in (name, BEST_NETWORK))
    values = f"{score.label} {own} against {networks}"
    if name == PRIOR:
        return f"No network does better here than {_spoken[PRIOR].lower()}: {values}."
    if table.loc[name, "verdict"] == "better":
        return f"{_spoken.get(name, name)} does better than every network tried here: {values}."
    spoken = _spoken.get(name, name)
    if table.loc[name, "verdict"] == "as good":
        return f"{spoken} does as well as the best network: {values}."
    return f"{spoken} does at least as well as the best network: {values}, which these data cannot tell from chance."


def _against_none(study: "Study") -> pd.DataFrame:
    """The effects that are measured against no regularizer."""
    return study.effects[study.effects["against"] == BASELINE]


def _what_helps(study: "Study") -> str | None:
    """How many regularizers help, which one most, and by how much."""
    effects = _against_none(study)
    if effects.empty:
        return None
    helping = effects[effects["verdict"] == "helps"]
    if helping.empty:
        return (
            f"None of the {counted(len(effects))} regularizers shows a gain over a network without one "
            "that these data can tell from chance."
            if len(effects) > 1
            else f"{effects['regularizer'].iloc[0]} shows no gain that these data can tell from chance."
        )
    best = helping.iloc[0]
    return f"{_how_many_help(len(helping), len(effects), best['regularizer'])}: {size_of(best, study.score)}."


def _how_many_help(helping: int, asked: int, best: str) -> str:
    """The first half of the sentence: how many of how many, and which most."""
    if asked == 1:
        return f"{best} helps here"
    if helping == 1:
        return f"One of {counted(asked)} regularizers helps here, {best}"
    return f"{counted(helping).capitalize()} of {counted(asked)} regularizers help here, {best} most"


def size_of(effect: pd.Series, score: Score) -> str:
    """An effect in words: direction, size, and the second unit if it points the same way."""
    verb = "rises" if (effect["difference"] > 0) == (score.sign > 0) else "falls"
    text = f"{score.label} {verb} by {number(abs(effect['difference']))}"
    also = effect.get("accuracy_points")
    if also is not None and abs(also) >= 0.05 and score.name != "accuracy":
        text += f" and accuracy {'rises' if also > 0 else 'falls'} by {abs(also):.1f} points"
    also = effect.get("rmse_percent")
    if also is not None and abs(also) >= 0.05 and score.name != "rmse":
        text += f" and the typical error {'grows' if also > 0 else 'shrinks'} by {abs(also):.1f} %"
    return text


def _what_hurts(study: "Study") -> str | None:
    """The regularizers that hurt."""
    effects = _against_none(study)
    names = list(effects.loc[effects["verdict"] == "hurts", "regularizer"])
    if not names:
        return None
    return f"{listed(names)} {'hurts' if len(names) == 1 else 'hurt'}."


def _what_the_whole_needs(study: "Study") -> str | None:
    """Which parts of the combination are worth having: those without which it gets worse."""
    effects = study.effects[study.effects["against"] != BASELINE]
    if effects.empty:
        return None
    named = {
        verdict: [name.removeprefix("All but ") for name in effects.loc[effects["verdict"] == verdict, "regularizer"]]
        for verdict in ("hurts", "helps")
    }
    said = [f"needs {listed(named['hurts'])}"] if named["hurts"] else []
    said += [f"is better without {listed(named['helps'])}"] if named["helps"] else []
    if not said:
        return "Of the combination, no single part is shown to be needed."
    return f"The combination {' and '.join(said)}."


def _what_is_level(study: "Study") -> str | None:
    """The regularizers that are shown to make no difference worth having."""
    effects = _against_none(study)
    level = effects[effects["verdict"] == "no difference"]
    if level.empty:
        return None
    most = max(abs(level["low"]).max(), abs(level["high"]).max())
    makes = "makes" if len(level) == 1 else "make"
    return f"{listed(list(level['regularizer']))} {makes} less than {number(most)} of a difference either way."


def power_sentence(study: "Study") -> str:
    """What a study of this size can find, and what a larger one would."""
    effects = study.effects
    if not effects["detectable"].notna().any():
        return ""
    label, least = study.score.label, number(study.settings["margin"])
    text = (
        f"A study of this size finds a change of {number(effects['detectable'].median())} in {label} four times in five"
    )
    if effects["detectable"].median() <= study.settings["margin"]:
        return f"{text}."
    splits, rows = effects["splits_needed"].median(), effects["rows_needed"].median()
    if not pd.isna(splits):
        return f"{text}; for a change of {least} it would need {splits:.0f} splits."
    if pd.isna(rows):
        return f"{text}."
    needed = rows_like_these(rows, study.settings)
    return f"{text}; for a change of {least} it would need {needed}: more splits would not do."


def rows_like_these(rows: float, settings: dict[str, Any]) -> str:
    """How many rows, and of what kind: in groups as large, weighted as unevenly."""
    text = f"about {_rounded(rows)} rows"
    if settings.get("group_count"):
        text += f", in about {_rounded(rows * settings['group_count'] / settings['rows'])} groups like these"
    if settings.get("effective_rows"):
        equal = _rounded(rows * settings["effective_rows"] / settings["rows"])
        text += f", weighted like these (they tell as much as {equal} of equal weight)"
    return text


def _rounded(count: float) -> str:
    """Two digits of a count."""
    return f"{float(f'{count:.2g}'):,.0f}"


def _what_is_open(study: "Study") -> str | None:
    """The regularizers that the study is too small for."""
    names = list(study.effects.loc[study.effects["verdict"] == "too few data", "regularizer"])
    if not names:
        return None
    if len(names) == len(study.effects):
        return "There are too few data to tell whether any regularizer helps or hurts."
    return f"There are too few data to tell about {listed(names)}."


def counted(count: int) -> str:
    """A count in a sentence: words up to ten."""
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    return words[count] if count < len(words) else str(count)


def plural(count: int, name: str) -> str:
    """A count and what is counted."""
    return f"{count:,} {name}{'' if count == 1 else 's'}"


def listed(names: list[str]) -> str:
    """Names in a sentence: a, b and c."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def number(value: float) -> str:
    """A number as people write it: three decimals below 10, fewer above; a true minus sign."""
    if pd.isna(value):
        return "–"
    size = abs(value)
    decimals = 3 if size < 10 else 2 if size < 100 else 1 if size < 1000 else 0
    if size >= 1e7 or 0 < size < 5e-7:
        text = f"{value:.1e}"
    elif 0 < size < 0.5 * 10**-decimals:  # one digit that tells it from zero
        text = f"{value:.{-math.floor(math.log10(size))}f}"
    else:
        text = f"{value:,.{decimals}f}"
    return text.replace("-", "−")


def question(regularizer: str, against: str) -> str:
    """A regularizer, and what it is compared with where that is not the network without any."""
    return regularizer if against == BASELINE else f"{regularizer} (against {against})"


def aligned(value: float, decimals: int) -> str:
    """A number of a column in which all have as many decimals; a true minus sign, and none before a zero."""
    return "–" if pd.isna(value) else f"{round(value, decimals) + 0.0:,.{decimals}f}".replace("-", "−")


def telling_decimals(smallest: float) -> int:
    """How many decimals show two digits of the smallest amount that matters."""
    return max(0, 1 - math.floor(math.log10(smallest))) if 0 < smallest < np.inf else 3


def methods_paragraphs(settings: dict[str, Any]) -> list[str]:
    """What was done, to quote in a paper."""
    s = settings
    label = SCORES[s["metric"]].label if s["metric"] in SCORES else s["metric"].replace("_", " ")
    kind = "stratified by class" if s["task"] == "classification" else "stratified by quantile of the target"
    grouped = ", rows of one group always together" if s["grouped"] else ""
    weighted = " Case weights entered the training loss and every score." if s["weighted"] else ""
    layers = " × ".join(map(str, s["hidden_layers"])) or "none"
    return [
        f"The {s['rows']:,} rows were split {plural(s['splits'], 'time')} into training, validation and test rows "
        f"({s['shares']}; {_repeats(s)}, {kind}{grouped}). In each split one "
        "network was trained without any regularizer and one with each regularizer at each of its strengths, "
        f"all from the same training rows and the same random seed, {s['networks']:,} networks in all. The "
        "strength was chosen on the validation rows, which early stopping watches too; the test rows were "
        f"scored only after that choice.{weighted}",
        f"Networks: hidden layers of {layers} units, {s['activation']}, {s['optimizer']}, batches of "
        f"{s['batch_size']}, at most {s['epochs']} epochs. Training loss in the learning curves is measured during the "
        "epoch, with noise and dropout on and without penalties; training scores are measured afterwards, with both "
        "off. Missing numbers, text columns and scaling were "
        "handled inside each network from its own training rows. The yardsticks learned from the same "
        "training rows and chose their own strength on the same validation rows (logistic or ridge "
        "regression: the penalty; boosted trees: the number of trees; random forest: the rows of a leaf; "
        "scikit-learn's MLP has its defaults). The “best network” is, in each split, "
        "the one that validated best.",
        f"An effect is the mean paired difference in {label} to the network without regularizer on the same split "
        "(for “all but” one: to the combination), its sign turned so that a positive effect is a gain. "
        f"{_intervals(s)} P-values were adjusted by Holm’s method over the {s['questions']} questions. The verdict is "
        f"“no difference” where the interval lies within {number(s['margin'] / 5)} on either side (a hundredth of the "
        "way from the prior to a perfect prediction); otherwise “helps” or “hurts” where the adjusted p-value is below "
        f"{1 - s['level']:.2g}; “too few data” where the interval holds a gain and a loss of {number(s['margin'])} "
        "(a twentieth of that way), or with fewer than five splits; or else “no evidence”.",
    ]


def _repeats(s: dict[str, Any]) -> str:
    """How the splits were drawn."""
    if s.get("fixed_test"):
        return "the test rows fixed beforehand, the others divided anew each time"
    return f"repeated {s['folds']}-fold cross-validation"


def _intervals(s: dict[str, Any]) -> str:
    """How the intervals were made."""
    if s.get("fixed_test"):
        units = "groups of rows" if s["grouped"] else "rows"
        return (
            f"Intervals ({100 * s['level']:g} %, each for itself) and p-values are those of Student’s t, with the "
            f"standard error of a paired bootstrap over the test {units} (200 draws) and of the repeats."
        )
    if s.get("intervals") == "corrected":
        return (
            f"Intervals ({100 * s['level']:g} %, each for itself) and p-values are those of the corrected resampled "
            "t-test (Nadeau and Bengio, 2003), which takes the correlation of splits for the share of test rows."
        )
    units = "groups of rows" if s["grouped"] else "rows"
    return (
        f"Intervals ({100 * s['level']:g} %, each for itself) and p-values are those of Student’s t for the gain, on "
        f"new rows, of networks that learn from parts of these. The variance of the mean is estimated from {units} and "
        "splits, both taken as drawn at random (two-way clustering; Cameron, Gelbach and Miller, 2011), with "
        f"{_freedom(s)} degrees of freedom; half of what is added where rows learn from each other is counted besides. "
        "For scores that have no value for a row, such as the calibration error, it is the corrected resampled t-test "
        "(Nadeau and Bengio, 2003)."
    )


def _freedom(s: dict[str, Any]) -> int:
    """Each turn of cross-validation has one less than its splits; groups may have less."""
    free = sum(size - 1 for size in turns(s["splits"], s["folds"]))
    return max(1, min(free, (s.get("group_count") or s["rows"]) - 1))
