"""The long table of results: every method scored, chosen on validation rows, then tested."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed, effective_n_jobs

from dashpot.errors import DataError
from dashpot.losses import Binary, CrossEntropy, Loss, SquaredError
from dashpot.networks import Network
from dashpot.regularizers import Recipe
from dashpot.studies.effects import BASELINE, PRIOR, scores_on_test
from dashpot.studies.problem import Problem
from dashpot.studies.questions import written
from dashpot.studies.scores import Score
from dashpot.studies.splits import Split
from dashpot.studies.yardsticks import Candidate, fitted, rows_of
from dashpot.training import Done


@dataclass(frozen=True)
class Trial:
    """One job of a study: a method at one strength on one split."""

    split: int
    method: str
    recipe: Recipe


Predicted = dict[tuple[int, str], np.ndarray]


def network_results(
    problem: Problem,
    drawn: list[Split],
    trials: list[Trial],
    trained: Mapping[int, Done],
    scores: list[Score],
) -> tuple[list[dict[str, Any]], Predicted]:
    """Validation scores of trained trials; test and training scores and predictions of those that validation chose."""
    rows: list[dict[str, Any]] = []
    predicted: Predicted = {}
    for (split, method), numbers in _by_split_and_method(trials, sorted(trained)).items():
        tried = [
            (
                setting(trials[k].recipe),
                partial(predictions, problem, trained[k].networks),
                {
                    "epochs": float(np.mean([network.epochs for network in trained[k].networks])),
                    "seconds": trained[k].seconds,
                },
            )
            for k in numbers
        ]
        kind = "baseline" if method == BASELINE else "regularizer"
        about = {"split": split, "method": method, "kind": kind}
        own, predicted[split, method] = _scored(problem, drawn[split], tried, scores, about)
        rows += own
    return rows, predicted


def setting(recipe: Recipe) -> str:
    """A recipe as the results name it."""
    return written(recipe) if recipe.parts else "none"


def _by_split_and_method(trials: list[Trial], numbers: Iterable[int]) -> dict[tuple[int, str], list[int]]:
    """Numbers of the trials of each method in each split, weak to strong."""
    found: dict[tuple[int, str], list[int]] = {}
    for number in numbers:
        found.setdefault((trials[number].split, trials[number].method), []).append(number)
    return found


def predictions(problem: Problem, members: tuple[Network, ...], rows: np.ndarray) -> np.ndarray:
    """Probabilities or amounts for some rows, the mean over the members."""
    inputs = problem.examples.inputs[rows]
    with np.errstate(all="ignore"):  # a network that diverged answers NaN, which is looked for later
        return np.mean([_predicted(problem, network.outputs(inputs)) for network in members], axis=0)


def _predicted(problem: Problem, outputs: np.ndarray) -> np.ndarray:
    """Raw outputs as probabilities of classes; amounts as they are."""
    return study_loss(problem).predict(outputs)


def study_loss(problem: Problem) -> Loss:
    """One logit for two classes, a softmax for more; squared error for amounts."""
    if not problem.classes:
        return SquaredError()
    return Binary() if len(problem.classes) == 2 else CrossEntropy(len(problem.classes))


def yardstick_results(
    problem: Problem,
    drawn: list[Split],
    splits: Iterable[int],
    scores: list[Score],
    asked: Sequence[str],
    workers: int | None,
    end: float | None = None,
) -> tuple[list[dict[str, Any]], Predicted, set[str]]:
    """The same for the yardsticks, split by split on the workers, and those that none is begun of after `end`."""
    count = min(effective_n_jobs(-1 if workers is None else workers), len(drawn)) if asked else 1
    found = Parallel(n_jobs=count)(
        delayed(_yardsticks_of_split)(problem, number, drawn[number], scores, asked, end) for number in splits
    )
    rows = [row for own, _, _ in found for row in own]
    predicted = {place: values for _, own, _ in found for place, values in own.items()}
    return rows, predicted, {name for *_, missing in found for name in missing}


def _yardsticks_of_split(
    problem: Problem, number: int, split: Split, scores: list[Score], asked: Sequence[str], end: float | None
) -> tuple[list[dict[str, Any]], Predicted, set[str]]:
    """Fit and score every yardstick on one split."""
    examples = problem.examples
    targets = examples.targets if problem.classes else examples.targets[:, 0]
    classes = len(problem.classes) or None
    tried: dict[str, list[Any]] = {}
    missing: set[str] = set()
    learned = rows_of(examples.inputs, targets, examples.weights, classes, split)
    for name in (PRIOR, *asked):
        if name != PRIOR and end is not None and time.perf_counter() > end:
            missing.add(name)
            continue
        for candidate in fitted(name, learned):
            measured = {"epochs": np.nan, "seconds": candidate.seconds}
            tried.setdefault(candidate.method, []).append(
                (candidate.setting, _on_rows(candidate, examples.inputs), measured)
            )
    rows: list[dict[str, Any]] = []
    predicted: Predicted = {}
    for method, settings in tried.items():
        about = {"split": number, "method": method, "kind": "yardstick"}
        own, predicted[number, method] = _scored(problem, split, settings, scores, about)
        rows += own
    return rows, predicted, missing


def _on_rows(candidate: Candidate, inputs: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """A yardstick's predictions by row numbers."""
    return lambda rows: candidate.predict(inputs[rows])


def _scored(
    problem: Problem,
    split: Split,
    tried: Sequence[tuple[str, Callable[[np.ndarray], np.ndarray], dict[str, float]]],
    scores: list[Score],
    about: dict[str, Any],
) -> tuple[list[dict[str, Any]], np.ndarray]:
    """Score every setting on the validation rows, choose one, and score it alone on the test and training rows."""
    validated = [_measure(problem, predict(split.validation), split.validation, scores) for _, predict, _ in tried]
    values = np.array([scores[0].sign * measured[scores[0].name] for measured in validated])
    best = int(np.argmax(np.where(np.isfinite(values), values, -np.inf)))
    chosen = tried[best][1]
    tested = chosen(split.test).astype(np.float32)  # as it is kept, so that what is found later is the same
    parts = [("validation", k, measured) for k, measured in enumerate(validated)]
    parts.append(("test", best, _measure(problem, tested.astype(np.float64), split.test, scores)))
    parts.append(("training", best, _measure(problem, chosen(split.training), split.training, scores)))
    rows = [
        about
        | {"setting": tried[k][0], "chosen": k == best, "part": part, "metric": name, "value": value}
        | tried[k][2]
        for part, k, measured in parts
        for name, value in measured.items()
    ]
    return rows, tested


def _measure(problem: Problem, predicted: np.ndarray, rows: np.ndarray, scores: list[Score]) -> dict[str, float]:
    """Every score on some rows; NaN for predictions that are not finite."""
    if not np.isfinite(predicted).all():
        return {score.name: np.nan for score in scores}
    targets = problem.examples.targets[rows]
    weights = None if problem.examples.weights is None else problem.examples.weights[rows]
    return {score.name: score.measure(targets, predicted, weights) for score in scores}


def without_failures(results: pd.DataFrame, score: Score) -> tuple[pd.DataFrame, list[str]]:
    """Leave out methods without a score on some split, and say so."""
    values = scores_on_test(results, score.name)
    failed = values.isna().sum()
    failed = failed[failed > 0]
    if BASELINE in failed.index or len(failed) == values.shape[1]:
        raise DataError(
            f"compare(metric={score.name!r}): the network without regularizer has no {score.label} on "
            f"{failed.get(BASELINE)} of {len(values)} splits. Use larger test parts or another metric."
        )
    notes = [
        f"{method} is left out: on {count} of {len(values)} splits its predictions were not finite numbers."
        for method, count in failed.items()
    ]
    return results[~results["method"].isin(failed.index)].reset_index(drop=True), notes
