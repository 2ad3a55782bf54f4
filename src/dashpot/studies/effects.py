"""From the long table of results to effects: what each regularizer and each yardstick changes."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dashpot.studies.bootstrap import Bootstrap
from dashpot.studies.row_intervals import RowIntervals
from dashpot.studies.scores import SCORES, Score
from dashpot.studies.statistics import Interval, Power, corrected_interval, judge_intervals, power_of

BASELINE = "No regularizer"
BEST_NETWORK = "Best network"
PRIOR = "Prior"

# The smallest effect worth having, as a share of the way from the prior's score to a perfect one.
worthwhile = 0.05
# The largest that does not matter: with half of the rows right by chance, half a point of accuracy.
negligible = 0.01


def scores_on_test(results: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Test scores of what was chosen, one row for each split and one column for each method."""
    rows = (results["part"] == "test") & results["chosen"] & (results["metric"] == metric)
    methods = list(dict.fromkeys(results["method"]))
    return results[rows].pivot(index="split", columns="method", values="value").reindex(columns=methods)


def best_network(results: pd.DataFrame, score: Score) -> pd.Series:
    """For each split the network method that validates best: what a user would have chosen there."""
    rows = (results["part"] == "validation") & results["chosen"] & (results["metric"] == score.name)
    networks = results[rows & results["kind"].isin(["baseline", "regularizer"])]
    best = (networks["value"] * score.sign).groupby(networks["split"]).idxmax()
    return networks.loc[best].set_index("split")["method"]


def best_network_scores(results: pd.DataFrame, metric: str, chosen: pd.Series) -> pd.Series:
    """Its test scores, one for each split."""
    scores = scores_on_test(results, metric)
    return pd.Series([scores.loc[split, method] for split, method in chosen.items()], index=chosen.index)


def margin(results: pd.DataFrame, score: Score) -> float:
    """The smallest effect worth having, in the unit of the score."""
    prior = scores_on_test(results, score.name)[PRIOR].mean()
    return float(worthwhile * abs(score.perfect - prior))


@dataclass(frozen=True)
class Uncertainty:
    """How sure a difference is: by its test rows where the score has values for rows, or else by the splits.

    Attributes
    ----------
    test_share, level, clusters
        As in `corrected_interval`.
    of_rows : RowIntervals, Bootstrap or None
        Intervals from what was predicted for the test rows.
    """

    test_share: float
    level: float
    clusters: int | None = None
    of_rows: RowIntervals | Bootstrap | None = None

    def interval(self, table: pd.DataFrame, score: Score, method: str, reference: str, chosen: pd.Series) -> Interval:
        """The mean paired gain over a reference, from a table of test scores, splits x methods."""
        names = [
            dict(chosen) if name == BEST_NETWORK else dict.fromkeys(table.index, name) for name in (method, reference)
        ]
        found = None if self.of_rows is None else self.of_rows.interval(*names)
        if found is not None:
            return found
        gains = score.sign * (table[method] - table[reference]).to_numpy()
        if not np.isfinite(gains).all():
            return Interval(np.nan, np.nan, np.nan, np.nan, len(gains))
        return corrected_interval(gains, self.test_share, self.level, self.clusters)


def regularizer_effects(
    results: pd.DataFrame,
    score: Score,
    sure: Uncertainty,
    rows: int,
    against: Mapping[str, str] | None = None,
    asked: int = 0,
) -> pd.DataFrame:
    """What each regularizer changes against its reference (the baseline) on the same splits, best first."""
    scores = scores_on_test(results, score.name)
    methods = _methods(results, "regularizer")
    references = [(against or {}).get(method, BASELINE) for method in methods]
    chosen = best_network(results, score)
    intervals = [sure.interval(scores, score, *pair, chosen) for pair in zip(methods, references, strict=True)]
    least = margin(results, score)
    unanswered = max(0, asked - len(methods))
    judged = judge_intervals(intervals, sure.level, least, least * negligible / worthwhile, unanswered)
    second, also = _second_unit(results, score, methods, references)
    rows_of_table = []
    for method, reference, value, (interval, adjusted, word) in zip(methods, references, also, judged, strict=True):
        rows_of_table.append(
            {
                "regularizer": method,
                "against": reference,
                "strength": chosen_settings(results, method),
                "difference": interval.difference,
                "low": interval.low,
                "high": interval.high,
                "p": interval.p,
                "adjusted_p": adjusted,
                "verdict": word,
                second: value,
            }
            | _needed(interval, len(scores), sure.level, least, max(asked, len(methods)), rows)
        )
    table = pd.DataFrame(rows_of_table)
    return table.sort_values("difference", ascending=False, kind="stable", ignore_index=True)


def _needed(interval: Interval, splits: int, level: float, least: float, questions: int, rows: int) -> dict[str, float]:
    """What a study of this size can find, and how many splits or rows would find the smallest effect worth having."""
    power = Power(np.nan, None, None)
    if interval.spread is not None:
        power = power_of(interval.spread, splits, least, questions, rows, level)
    return {
        "detectable": power.detectable,
        "splits_needed": np.nan if power.splits is None else power.splits,
        "rows_needed": np.nan if power.rows is None else power.rows,
    }


def yardstick_effects(results: pd.DataFrame, scores: Sequence[Score], sure: Uncertainty) -> pd.DataFrame:
    """Every yardstick beside the networks, best first; differences are to the best network of each split."""
    chosen = best_network(results, scores[0])
    columns = {score.name: _compared(results, score.name, chosen) for score in scores}
    methods = list(columns[scores[0].name])
    own = columns[scores[0].name]
    rivals = [method for method in methods if method not in (BASELINE, BEST_NETWORK)]
    intervals = [sure.interval(own, scores[0], method, BEST_NETWORK, chosen) for method in rivals]
    least = margin(results, scores[0])
    words = judge_intervals(intervals, sure.level, least, least * negligible / worthwhile)
    judged = dict(zip(rivals, words, strict=True))
    rows = [
        {"method": method}
        | {score.name: float(columns[score.name][method].mean()) for score in scores}
        | _comparison(judged.get(method))
        for method in methods
    ]
    return pd.DataFrame(rows).sort_values(
        scores[0].name, ascending=scores[0].sign < 0, kind="stable", ignore_index=True
    )


def _compared(results: pd.DataFrame, metric: str, chosen: pd.Series) -> pd.DataFrame:
    """Test scores of the baseline, the best network and the yardsticks: splits x methods."""
    scores = scores_on_test(results, metric)
    table = scores[[BASELINE, *_methods(results, "yardstick")]].copy()
    table[BEST_NETWORK] = best_network_scores(results, metric, chosen)
    return table


def _comparison(judged: tuple | None) -> dict[str, object]:
    """The columns that compare a yardstick to the best network; empty for the networks themselves."""
    if judged is None:
        return {"difference": np.nan, "low": np.nan, "high": np.nan, "adjusted_p": np.nan, "verdict": ""}
    interval, adjusted, word = judged
    words = {"helps": "better", "hurts": "worse", "no evidence": "no clear difference", "no difference": "as good"}
    return {
        "difference": interval.difference,
        "low": interval.low,
        "high": interval.high,
        "adjusted_p": adjusted,
        "verdict": words.get(word, word),
    }


def _methods(results: pd.DataFrame, kind: str) -> list[str]:
    """The methods of a kind, in the order of the study."""
    return list(dict.fromkeys(results.loc[results["kind"] == kind, "method"]))


def _second_unit(
    results: pd.DataFrame, score: Score, methods: list[str], references: list[str]
) -> tuple[str, list[float]]:
    """The mean effect in a unit that everyone knows: points of accuracy, or percent less error."""
    pairs = list(zip(methods, references, strict=True))
    if SCORES["accuracy"].task == score.task:
        scores = scores_on_test(results, "accuracy")
        return "accuracy_points", [float(100 * (scores[m] - scores[r]).mean()) for m, r in pairs]
    means = scores_on_test(results, "rmse").mean()
    return "rmse_percent", [float(100 * (means[m] / means[r] - 1)) if means[r] else np.nan for m, r in pairs]


def chosen_settings(results: pd.DataFrame, method: str) -> str:
    """The strengths that validation chose, most frequent first, with their numbers of splits."""
    own = results[results["method"] == method]
    names = short_names(list(dict.fromkeys(own["setting"])))
    chosen = own[own["chosen"] & (own["part"] == "test")].drop_duplicates("split")
    counts = chosen["setting"].map(names).value_counts()
    if len(counts) == 1:
        return "" if str(counts.index[0]) == method else str(counts.index[0])
    words = [str(name).split(" ") for name in counts.index]
    if all(len(word) == 2 and word[0] == words[0][0] for word in words):  # the field's name once is enough
        words = [words[0], *([word[1]] for word in words[1:])]
    return ", ".join(f"{' '.join(word)} ×{count}" for word, count in zip(words, counts, strict=True))


def _plain(value: str | None) -> str:
    """A number without needless digits; other text as it is."""
    try:
        return f"{float(value):g}" if value else "–"
    except ValueError:
        return str(value)


def short_names(settings: list[str]) -> dict[str, str]:
    """Settings by what tells them apart: `Dropout(rate=0.1)` beside `Dropout(rate=0.5)` is `rate 0.1`."""
    if len(settings) == 1:
        return {settings[0]: settings[0]}
    fields = [dict(re.findall(r"(\w+)=([^,()]+)", setting)) for setting in settings]
    parts = [setting.count("(") for setting in settings]
    differing = [name for name in fields[0] if len({field.get(name) for field in fields}) > 1]
    short = [" ".join(f"{name} {_plain(field.get(name))}" for name in differing) for field in fields]
    if set(parts) != {1} or len(set(short)) < len(settings):
        return {setting: f"level {level}" for level, setting in enumerate(settings, start=1)}
    return dict(zip(settings, short, strict=True))
