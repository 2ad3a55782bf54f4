"""Which regularizers help on a table? One list of jobs, drawn in advance; one honest answer."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed, effective_n_jobs
from scipy.special import softmax

import dashpot
from dashpot.errors import DataError, UsageError
from dashpot.jobs import Design, Job
from dashpot.networks import Network
from dashpot.regularizers import Recipe
from dashpot.studies.curves import learning_curves
from dashpot.studies.effects import BASELINE, scores_on_test
from dashpot.studies.problem import Problem, prepare
from dashpot.studies.questions import Questions, asked_questions, default_questions, written
from dashpot.studies.scores import Score, choose_scores
from dashpot.studies.splits import Split, draw_splits, fold_count
from dashpot.studies.study import Study
from dashpot.studies.yardsticks import Candidate, candidates
from dashpot.training import train


@dataclass(frozen=True)
class Trial:
    """One job of a study: a method at one strength on one split."""

    split: int
    method: str
    recipe: Recipe


def compare(
    X: Any,
    y: Any,
    *,
    task: str = "auto",
    regularizers: Any = None,
    splits: int = 10,
    test_size: float = 0.2,
    metric: str = "auto",
    groups: Any = None,
    weights: Any = None,
    hidden_layers: tuple[int, ...] = (64, 64),
    epochs: int = 100,
    random_state: int = 0,
    workers: int | None = None,
    level: float = 0.95,
    max_rows: int | None = 5000,
    progress: Callable[[int, int], None] | None = None,
) -> Study:
    """Compare networks with and without each regularizer on many splits of a table.

    In each split, networks with each regularizer at several strengths and one network without any learn
    from the same training rows and the same seed. The strength is chosen on validation rows; the test rows
    are scored only after that choice. Effects are paired differences, with
    intervals by the corrected resampled t-test and p-values adjusted by Holm's method.

    Parameters
    ----------
    X : frame or array of shape (rows, columns)
        Numbers, text, dates; missing cells are fine.
    y : sequence of length rows
        Classes or amounts; rows without a value are left out.
    task : "auto", "classification" or "regression"
        "auto" looks at `y`.
    regularizers : sequence, mapping or None
        What to ask about: an instance, a class (tried at three strengths), or a tuple of instances
        (strengths to choose from). A mapping gives each a name. None asks about all of the first set.
    splits : int of at least 2, default 10
        Splits into training, validation and test rows. Fewer than 5 are too few for a verdict.
    test_size : float between 0 and 0.5, default 0.2
        Share of test rows, as whole folds: 0.2 is five folds. A quarter of the other rows validates.
    metric : str, default "auto"
        The score that decides: "log_loss" or "r2" by default; see `dashpot.studies.scores`.
    groups : sequence of length rows or None
        Rows of one group stay on one side of every split.
    weights : sequence of length rows or None
        Survey or case weights, in training and in all scores.
    hidden_layers : tuple of int, default (64, 64)
        Widths of the hidden layers.
    epochs : int, default 100
        Passes through the training rows, at most.
    random_state : int, default 0
        Equal seeds give equal results, on any number of workers.
    workers : int or None
        Processes; None is one for each core.
    level : float between 0.5 and 1, default 0.95
        Confidence level; verdicts are given at 1 - level.
    max_rows : int or None, default 5000
        Larger tables are sampled down to this, with a note. None uses every row.
    progress : callable or None
        `progress(done, total)` is called while networks train.

    Returns
    -------
    Study

    Raises
    ------
    UsageError
        If a parameter is out of range or unknown.
    DataError
        If the table cannot be studied: no rows, one class, a class with one row, too few rows or groups.

    References
    ----------
    Nadeau and Bengio (2003), Inference for the generalization error, Machine Learning 52.
    """
    start = time.perf_counter()
    _check(task, splits, test_size, hidden_layers, epochs, level, max_rows)
    questions = None if regularizers is None else asked_questions(regularizers)
    rng = np.random.default_rng(random_state)
    folds = fold_count(test_size)
    problem = prepare(X, y, task, weights, groups, folds, max_rows, rng)
    scores = choose_scores(metric, problem.task)
    if questions is None:
        questions = default_questions(np.bincount(problem.examples.targets) if problem.classes else None)
    drawn = draw_splits(problem.strata, problem.examples.groups, splits, folds, rng)
    design = study_design(problem, hidden_layers, epochs)
    trials = list(_trials(questions, splits))
    jobs = [
        Job(
            trial.recipe,
            drawn[trial.split].training,
            drawn[trial.split].validation,
            drawn[trial.split].seed,
            design,
        )
        for trial in trials
    ]
    networks = train(problem.examples, jobs, workers=workers, progress=progress)
    scored = _network_results(problem, drawn, trials, networks, scores)
    yards = _yardstick_results(problem, drawn, scores, workers)
    results, notes = _without_failures(pd.concat([scored, yards], ignore_index=True), scores[0])
    settings = _about(problem, design, scores[0], questions, drawn) | {
        "test_size": test_size,
        "level": level,
        "grouped": groups is not None,
        "weighted": weights is not None,
        "max_rows": max_rows,
        "random_state": random_state,
        "networks": sum(map(len, networks)),
        "seconds": round(time.perf_counter() - start, 1),
    }
    names = [_setting(trial.recipe) for trial in trials]
    curves = learning_curves(results, trials, names, networks, scores[0])
    return Study.from_results(results, curves, settings, (*problem.notes, *notes))


def _check(
    task: str,
    splits: int,
    test_size: float,
    hidden_layers: tuple[int, ...],
    epochs: int,
    level: float,
    max_rows: int | None,
) -> None:
    """Refuse parameters out of range before any work is done."""
    rules = [
        (
            task in ("auto", "classification", "regression"),
            f"{task=}",
            "task is auto, classification or regression",
        ),
        (_whole(splits) and splits >= 2, f"{splits=}", "splits is a whole number of at least 2"),
        (0 < test_size <= 0.5, f"{test_size=}", "test_size is a share above 0 and at most 0.5"),
        (
            all(_whole(w) and w >= 1 for w in hidden_layers),
            f"{hidden_layers=}",
            "widths are whole numbers of at least 1",
        ),
        (_whole(epochs) and epochs >= 1, f"{epochs=}", "epochs is a whole number of at least 1"),
        (0.5 <= level < 1, f"{level=}", "level is at least 0.5 and below 1"),
        (
            max_rows is None or (_whole(max_rows) and max_rows >= 100),
            f"{max_rows=}",
            "max_rows is at least 100, or None",
        ),
    ]
    for holds, given, rule in rules:
        if not holds:
            raise UsageError(f"compare({given}): {rule}.")


def study_design(problem: Problem, hidden_layers: tuple[int, ...], epochs: int) -> Design:
    """What all networks of a study share."""
    return Design(tuple(hidden_layers), "relu", None, None, 64, epochs, 0.0)


def _whole(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _trials(questions: Questions, splits: int) -> Iterator[Trial]:
    """Baseline and every method at every strength, split by split."""
    for split in range(splits):
        yield Trial(split, BASELINE, Recipe(()))
        for method, grid in questions.items():
            for recipe in grid:
                yield Trial(split, method, recipe)


def _network_results(
    problem: Problem,
    drawn: list[Split],
    trials: list[Trial],
    networks: list[tuple[Network, ...]],
    scores: list[Score],
) -> pd.DataFrame:
    """Validation scores of every trial; test scores of those that validation chose."""
    rows: list[dict[str, Any]] = []
    for (split, method), numbers in _by_split_and_method(trials).items():
        tried = [
            (
                _setting(trials[k].recipe),
                partial(predictions, problem, networks[k]),
                {"epochs": float(np.mean([network.epochs for network in networks[k]])), "seconds": np.nan},
            )
            for k in numbers
        ]
        kind = "baseline" if method == BASELINE else "regularizer"
        rows += _scored(
            problem, drawn[split], tried, scores, {"split": split, "method": method, "kind": kind}
        )
    return pd.DataFrame(rows)


def _setting(recipe: Recipe) -> str:
    """A recipe as the results name it."""
    return written(recipe) if recipe.parts else "none"


def _by_split_and_method(trials: list[Trial]) -> dict[tuple[int, str], list[int]]:
    """Numbers of the trials of each method in each split, weak to strong."""
    found: dict[tuple[int, str], list[int]] = {}
    for number, trial in enumerate(trials):
        found.setdefault((trial.split, trial.method), []).append(number)
    return found


def predictions(problem: Problem, members: tuple[Network, ...], rows: np.ndarray) -> np.ndarray:
    """Probabilities or amounts for some rows, the mean over the members."""
    inputs = problem.examples.inputs[rows]
    with np.errstate(all="ignore"):  # a network that diverged answers NaN, which is looked for later
        return np.mean([_predicted(problem, network.outputs(inputs)) for network in members], axis=0)


def _predicted(problem: Problem, outputs: np.ndarray) -> np.ndarray:
    """Raw outputs as probabilities of classes; amounts as they are."""
    outputs = np.asarray(outputs, dtype=np.float64)
    return softmax(outputs, axis=1) if problem.classes else outputs


def _yardstick_results(
    problem: Problem, drawn: list[Split], scores: list[Score], workers: int | None
) -> pd.DataFrame:
    """The same for the yardsticks, split by split on the workers."""
    count = min(effective_n_jobs(-1 if workers is None else workers), len(drawn))
    rows = Parallel(n_jobs=count)(
        delayed(_yardsticks_of_split)(problem, number, split, scores) for number, split in enumerate(drawn)
    )
    return pd.DataFrame([row for part in rows for row in part])


def _yardsticks_of_split(
    problem: Problem, number: int, split: Split, scores: list[Score]
) -> list[dict[str, Any]]:
    """Fit and score every yardstick on one split."""
    examples = problem.examples
    targets = examples.targets if problem.classes else examples.targets[:, 0]
    classes = len(problem.classes) or None
    tried: dict[str, list[Any]] = {}
    for candidate in candidates(examples.inputs, targets, examples.weights, classes, split):
        measured = {"epochs": np.nan, "seconds": candidate.seconds}
        tried.setdefault(candidate.method, []).append(
            (candidate.setting, _on_rows(candidate, examples.inputs), measured)
        )
    rows: list[dict[str, Any]] = []
    for method, settings in tried.items():
        rows += _scored(
            problem, split, settings, scores, {"split": number, "method": method, "kind": "yardstick"}
        )
    return rows


def _on_rows(candidate: Candidate, inputs: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """A yardstick's predictions by row numbers."""
    return lambda rows: candidate.predict(inputs[rows])


def _scored(
    problem: Problem,
    split: Split,
    tried: Sequence[tuple[str, Callable[[np.ndarray], np.ndarray], dict[str, float]]],
    scores: list[Score],
    about: dict[str, Any],
) -> list[dict[str, Any]]:
    """Score every setting on the validation rows, choose one, and score it alone on the test rows."""
    validated = [
        _measure(problem, predict(split.validation), split.validation, scores) for _, predict, _ in tried
    ]
    values = np.array([scores[0].sign * measured[scores[0].name] for measured in validated])
    best = int(np.argmax(np.where(np.isfinite(values), values, -np.inf)))
    parts = [("validation", k, measured) for k, measured in enumerate(validated)]
    parts.append(("test", best, _measure(problem, tried[best][1](split.test), split.test, scores)))
    return [
        about
        | {"setting": tried[k][0], "chosen": k == best, "part": part, "metric": name, "value": value}
        | tried[k][2]
        for part, k, measured in parts
        for name, value in measured.items()
    ]


def _measure(
    problem: Problem, predicted: np.ndarray, rows: np.ndarray, scores: list[Score]
) -> dict[str, float]:
    """Every score on some rows; NaN for predictions that are not finite."""
    if not np.isfinite(predicted).all():
        return {score.name: np.nan for score in scores}
    targets = problem.examples.targets[rows]
    weights = None if problem.examples.weights is None else problem.examples.weights[rows]
    return {score.name: score.measure(targets, predicted, weights) for score in scores}


def _without_failures(results: pd.DataFrame, score: Score) -> tuple[pd.DataFrame, list[str]]:
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


def _about(
    problem: Problem, design: Design, score: Score, questions: Questions, drawn: list[Split]
) -> dict[str, Any]:
    """What a report says about the study, as plain numbers and text."""
    folds = round(len(problem.strata) / len(drawn[0].test))
    return {
        "task": problem.task,
        "target": problem.target,
        "metric": score.name,
        "rows": len(problem.strata),
        "columns": problem.columns,
        "inputs": problem.examples.inputs.shape[1],
        "classes": problem.classes,
        "splits": len(drawn),
        "folds": folds,
        "test_share": float(np.mean([len(s.test) / (len(s.training) + len(s.validation)) for s in drawn])),
        "shares": _shares(drawn),
        "hidden_layers": list(design.hidden_layers),
        "activation": design.activation,
        "optimizer": repr(design.optimizer),
        "batch_size": design.batch_size,
        "epochs": design.epochs,
        "version": dashpot.__version__,
        "regularizers": {name: [written(recipe) for recipe in grid] for name, grid in questions.items()},
    }


def _shares(drawn: list[Split]) -> str:
    """Rows of each part in words."""
    parts = ("training", "validation", "test")
    means = [float(np.mean([len(getattr(split, part)) for split in drawn])) for part in parts]
    return "about {:,.0f}, {:,.0f} and {:,.0f} rows".format(*means)
