"""Which regularizers help on a table? One list of jobs, drawn in advance; one honest answer."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd

import dashpot
from dashpot.errors import UsageError
from dashpot.jobs import Design, Job
from dashpot.optimizers import Adam
from dashpot.regularizers import Recipe
from dashpot.studies.curves import learning_curves
from dashpot.studies.effects import BASELINE
from dashpot.studies.problem import Problem, prepare
from dashpot.studies.questions import Questions, asked_questions, default_questions, written
from dashpot.studies.results import Trial, network_results, setting, study_loss, without_failures, yardstick_results
from dashpot.studies.scores import Score, choose_scores
from dashpot.studies.splits import Split, draw_splits, fold_count
from dashpot.studies.study import Study
from dashpot.training import train


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
        (strengths to choose from). The combination of two or more is asked about too. A mapping names the
        questions and is taken as it stands. None asks about all of the first set.
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
    _check(task, splits, test_size, hidden_layers, epochs, level, max_rows, workers)
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
    scored = network_results(problem, drawn, trials, networks, scores)
    yards = yardstick_results(problem, drawn, scores, workers)
    results, notes = without_failures(pd.concat([scored, yards], ignore_index=True), scores[0])
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
    names = [setting(trial.recipe) for trial in trials]
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
    workers: int | None,
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
    rules.append((workers is None or (_whole(workers) and workers >= 1), f"{workers=}", "workers is at least 1"))
    for holds, given, rule in rules:
        if not holds:
            raise UsageError(f"compare({given}): {rule}.")


def study_design(problem: Problem, hidden_layers: tuple[int, ...], epochs: int) -> Design:
    """What all networks of a study share."""
    return Design(tuple(hidden_layers), "relu", study_loss(problem), Adam(1e-3), 64, epochs, 0.0)


def _whole(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _trials(questions: Questions, splits: int) -> Iterator[Trial]:
    """Baseline and every method at every strength, split by split."""
    for split in range(splits):
        yield Trial(split, BASELINE, Recipe(()))
        for method, grid in questions.items():
            for recipe in grid:
                yield Trial(split, method, recipe)


def _about(problem: Problem, design: Design, score: Score, questions: Questions, drawn: list[Split]) -> dict[str, Any]:
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
