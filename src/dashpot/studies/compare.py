"""Which regularizers help on a table? One list of jobs, drawn in advance; one honest answer."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import dashpot
from dashpot.errors import UsageError
from dashpot.jobs import Design
from dashpot.networks import Network
from dashpot.optimizers import Adam
from dashpot.studies.checks import table_checks
from dashpot.studies.curves import best_regularizer, learning_curves
from dashpot.studies.effects import BASELINE
from dashpot.studies.problem import Problem, prepare
from dashpot.studies.questions import Questions, asked_questions, default_questions, expanded, written
from dashpot.studies.results import setting, study_loss, without_failures
from dashpot.studies.rounds import Rounds
from dashpot.studies.run import Round
from dashpot.studies.scores import Metric, Score, choose_scores
from dashpot.studies.splits import Split, draw_fixed, draw_splits, fold_count
from dashpot.studies.study import Study
from dashpot.studies.surfaces import surfaces
from dashpot.studies.tested import Tested
from dashpot.studies.yardsticks import YARDSTICKS


def compare(
    X: Any,
    y: Any,
    *,
    task: str = "auto",
    regularizers: Any = None,
    splits: int = 10,
    test_size: float = 0.2,
    metric: Metric = "auto",
    groups: Any = None,
    weights: Any = None,
    hidden_layers: tuple[int, ...] = (64, 64),
    epochs: int = 100,
    random_state: int = 0,
    workers: int | None = None,
    level: float = 0.95,
    max_rows: int | None = 5000,
    progress: Callable[[int, int], None] | None = None,
    ask: Sequence[str] = ("alone",),
    yardsticks: Sequence[str] = YARDSTICKS,
    test: Any = None,
    budget: float | None = None,
    news: Callable[[str], None] | None = None,
    checkpoint: str | Path | None = None,
    intervals: str = "rows",
    image_shape: Any = None,
) -> Study:
    """Compare networks with and without each regularizer on many splits of a table.

    In each split, networks with each regularizer at several strengths and one network without any learn
    from the same training rows and the same seed. The strength is chosen on validation rows; the test rows
    are scored only after that choice. Effects are paired differences, with intervals for the gain on new rows of
    networks that learn from parts of these, and p-values adjusted by Holm's method.

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
        (strengths to choose from). The combination of two or more is asked about too. A mapping names the
        questions and is taken as it stands. None asks about all of the first set.
    splits : int of at least 2, default 10
        Splits into training, validation and test rows. Fewer than 5 are too few for a verdict.
    test_size : float between 0 and 0.5, default 0.2
        Share of test rows, as whole folds: 0.2 is five folds. A quarter of the other rows validates.
    metric : str, scorer, or sequence of them, default "auto"
        The score that decides: "log_loss" or "r2" by default. Of several, the first decides and all are reported.
        Ours: log_loss, accuracy, balanced_accuracy, auc, brier, calibration_error; r2, rmse, mae, pinball,
        "pinball_0.9". Besides, scikit-learn's scorers, by name or as `scorer(estimator, X, y)`.
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
    ask : sequence of str, default ("alone",)
        "alone": each regularizer, and all together, against none. "leave-one-out": all together against all but one.
        "pairs": two at a time against none. "ensemble-size": 2, 4, 8 and 16 plain networks against one.
    yardsticks : sequence of str
        Models of other kinds in the same splits: "linear", "boosted", "forest", "mlp" (scikit-learn's). The prior is
        always there.
    test : bool sequence of length rows or None
        A test set that is fixed: True marks its rows. Splits then repeat training and validation only, and intervals
        come from a bootstrap over the test rows (or groups).
    budget : float or None
        Seconds to spend, about. Splits are left out where they would take longer; the first tells how many fit. With
        fewer than five there are no verdicts. Where not even one fits, questions without an answer are left out,
        and yardsticks that take more than half of the time. All that is left out is noted, and `settings["partial"]`
        is True where it is more than splits beyond five.
    news : callable or None
        `news(text)` is called with the current leader each time a question is answered.
    checkpoint : path of a folder or None
        Where the networks are kept on disk every few seconds. The same call with the same folder goes on after Ctrl-C
        or a kill, and gives the same study. Delete the folder after.
    intervals : {"rows", "corrected"}, default "rows"
        "rows": by what each test row adds to an effect, for the networks that learn from parts of these rows.
        "corrected": the corrected resampled t interval, which is wider for most learners. A fixed test set has a
        bootstrap in any case.
    image_shape : (height, width), (height, width, channels) or None
        Rows are pictures of this shape. Transformations of pictures can be asked about then, and by default a question
        on small shifts, turns and zooms is added.

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
    Bayle, Bayle, Janson and Mackey (2020), Cross-validation confidence intervals for test error, NeurIPS.
    Nadeau and Bengio (2003), Inference for the generalization error, Machine Learning 52.
    """
    start = time.perf_counter()
    _check(task, splits, test_size, hidden_layers, epochs, level, max_rows, workers, budget, yardsticks, intervals)
    own = None if regularizers is None else asked_questions(regularizers)
    if own is not None:
        expanded(own, ask)  # refuses what makes no sense before any work
    rng, folds = np.random.default_rng(random_state), fold_count(test_size)
    problem = prepare(X, y, task, weights, groups, folds, max_rows, rng, test, image_shape)
    scores = [score.of_amounts_less(problem.offset) for score in choose_scores(metric, problem.task)]
    singles = own or default_questions(problem.class_counts, pictures=image_shape is not None)
    questions, against = expanded(singles, ask)
    drawn = _draw(problem, splits, folds, rng)
    design = study_design(problem, hidden_layers, epochs)
    rounds = Rounds(problem, drawn, questions, design, scores, tuple(yardsticks), workers, progress, news, checkpoint)
    found, notes = rounds.run(None if budget is None else budget - (time.perf_counter() - start))
    planned, drawn = len(drawn), drawn[: found.splits]
    settings = _about(problem, design, scores, questions, drawn) | {
        "planned_splits": planned,
        "test_size": test_size,
        "level": level,
        "intervals": intervals,
        "max_rows": max_rows,
        "image_shape": None if image_shape is None else list(image_shape),
        "random_state": random_state,
        "ask": list(ask),
        "yardsticks": list(yardsticks),
        "singles": {name: [written(recipe) for recipe in grid] for name, grid in singles.items()},
        "seconds": round(time.perf_counter() - start, 1),
    }
    return _judged(found, problem, drawn, scores, against, settings, notes, table_checks(problem, drawn, X))


def _draw(problem: Problem, splits: int, folds: int, rng: np.random.Generator) -> list[Split]:
    """All splits in advance: of all rows, or of those that are no fixed test set."""
    groups = problem.examples.groups
    if problem.test is None:
        return draw_splits(problem.strata, groups, splits, folds, rng)
    return draw_fixed(problem.strata, groups, problem.test, splits, rng)


def _judged(
    found: Round,
    problem: Problem,
    drawn: list[Split],
    scores: Sequence[Score],
    against: Mapping[str, str],
    settings: dict[str, Any],
    notes: Sequence[str],
    checks: dict[str, Any],
) -> Study:
    """The study from what was found: effects, curves, surfaces, and what stands beside them."""
    results, left_out = without_failures(_in_order(found, settings["regularizers"]), scores[0])
    kept = set(results["method"])
    more = {
        "against": {name: reference for name, reference in against.items() if {name, reference} <= kept},
        "networks": len({id(network) for done in found.trained.values() for network in done.networks}),
        "interrupted": found.interrupted,
        "partial": found.partial,
    }
    if any(name in kept and reference not in kept for name, reference in against.items()):
        results = results[~results["method"].isin(set(against))].reset_index(drop=True)
    names = [setting(trial.recipe) for trial in found.trials]
    networks = [found.trained[k].networks if k in found.trained else () for k in range(len(found.trials))]
    curves = learning_curves(results, found.trials, names, networks, scores[0])
    examples = problem.examples
    rows = [split.test for split in drawn]
    learned = float(np.mean([len(split.training) for split in drawn])) / len(examples.targets)
    tested = Tested(rows, examples.targets, examples.weights, examples.groups, found.predicted, learned)
    shown = surfaces(problem, _first_networks(results, found, scores[0]), drawn[0].training)
    notes = [*problem.notes, *notes, *left_out]
    return Study.from_results(results, curves, settings | more, notes, tested, checks, scores, shown)


def _first_networks(results: pd.DataFrame, found: Round, score: Score) -> dict[str, Network]:
    """The chosen network of the first split, without regularizer and with the best."""
    chosen = results[results["chosen"] & (results["split"] == 0) & (results["part"] == "test")]
    picked = set(zip(chosen["method"], chosen["setting"], strict=True))
    shown, networks = (BASELINE, best_regularizer(results, score)), {}
    for number, trial in enumerate(found.trials):
        first = trial.split == 0 and trial.method in shown
        if first and (trial.method, setting(trial.recipe)) in picked and number in found.trained:
            networks[trial.method] = found.trained[number].networks[0]
    return networks


def _in_order(found: Round, questions: Mapping[str, Any]) -> pd.DataFrame:
    """The results split by split, in the order of the questions, whichever was answered first."""
    results = pd.DataFrame(found.rows)
    order = {method: place for place, method in enumerate([BASELINE, *questions])}
    place = results["method"].map(order).fillna(len(order))
    return results.iloc[np.lexsort([place, results["split"]])].reset_index(drop=True)


def _check(
    task: str,
    splits: int,
    test_size: float,
    hidden_layers: tuple[int, ...],
    epochs: int,
    level: float,
    max_rows: int | None,
    workers: int | None,
    budget: float | None,
    yardsticks: Sequence[str],
    intervals: str,
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
    known = not isinstance(yardsticks, str) and set(yardsticks) <= set(YARDSTICKS)
    rules.append((known, f"{yardsticks=}", f"yardsticks are some of {', '.join(YARDSTICKS)}, in a list"))
    rules.append((intervals in ("rows", "corrected"), f"{intervals=}", "intervals is rows or corrected"))
    rules.append((budget is None or budget > 0, f"{budget=}", "budget is a number of seconds above 0"))
    rules.append((workers is None or (_whole(workers) and workers >= 1), f"{workers=}", "workers is at least 1"))
    for holds, given, rule in rules:
        if not holds:
            raise UsageError(f"compare({given}): {rule}.")


def study_design(problem: Problem, hidden_layers: tuple[int, ...], epochs: int) -> Design:
    """What all networks of a study share."""
    learned = 0.6 * len(problem.strata)
    batch = next((size for size, most in _batches if learned <= most), _largest_batch)
    return Design(tuple(hidden_layers), "relu", study_loss(problem), Adam(1e-3), batch, epochs, 0.0)


# Rows of a batch, up to so many training rows: the same epoch takes less time in fewer, larger steps.
_batches = ((64, 2048), (128, 8192))
_largest_batch = 256


def _whole(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _about(
    problem: Problem, design: Design, scores: Sequence[Score], questions: Questions, drawn: list[Split]
) -> dict[str, Any]:
    """What a report says about the study, as plain numbers and text."""
    folds = round(len(problem.strata) / len(drawn[0].test))
    return {
        "task": problem.task,
        "target": problem.target,
        "metric": scores[0].name,
        "metrics": [score.name for score in scores],
        "rows": len(problem.strata),
        "columns": problem.columns,
        "inputs": problem.examples.inputs.shape[1],
        "classes": problem.classes,
        "grouped": problem.examples.groups is not None,
        "weighted": problem.examples.weights is not None,
        "group_count": None if problem.examples.groups is None else len(np.unique(problem.examples.groups)),
        "effective_rows": _effective(problem.examples.weights),
        "fixed_test": problem.test is not None,
        "asked": len(questions),
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


def _effective(weights: np.ndarray | None) -> float | None:
    """How many rows of equal weight tell as much (Kish, 1965); None without weights."""
    return None if weights is None else round(float(weights.sum() ** 2 / (weights @ weights)), 1)


def _shares(drawn: list[Split]) -> str:
    """Rows of each part in words."""
    parts = ("training", "validation", "test")
    means = [float(np.mean([len(getattr(split, part)) for split in drawn])) for part in parts]
    return "about {:,.0f}, {:,.0f} and {:,.0f} rows".format(*means)
