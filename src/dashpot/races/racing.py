"""The race itself: heats of candidates, fold by fold; the clearly worse leave, the survivors vote."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from dashpot.errors import DataError, UsageError
from dashpot.estimators import MLPClassifier, MLPRegressor
from dashpot.jobs import Examples
from dashpot.races.course import Course, Runner, weights_of
from dashpot.races.finish import finished
from dashpot.races.judging import MONITORS, judge_of, score_of
from dashpot.races.records import Records
from dashpot.races.space import FAMILY, POOL, Candidate, draw, kind_of
from dashpot.races.trees import out_of_fold
from dashpot.regularizers import EarlyStopping, Ensemble, Recipe, Regularizer
from dashpot.studies.scores import Score
from dashpot.studies.splits import deal, quantile_bins
from dashpot.tables import task_of

HEAT = 8 * FAMILY  # candidates that begin together, where there is time
NOISE = 2.0  # standard errors by which a candidate must be worse than the leader before it leaves
SHARE = 0.4  # of a heat's candidates that go on from fold to fold on average, for planning its time
STACKED = 0.4  # a network in a family takes this share of the seconds of one alone, before any family has run
Progress = Callable[[str], None]


def race(
    X: Any,
    y: Any,
    *,
    budget: float | None = 300.0,
    candidates: int | None = None,
    task: str = "auto",
    metric: Any = "auto",
    regularizers: Sequence[Regularizer] = POOL,
    fixed: Sequence[Regularizer] = (),
    folds: int = 5,
    weights: Any = None,
    groups: Any = None,
    max_epochs: int = 200,
    random_state: int = 0,
    workers: int | None = None,
    progress: Progress | None = None,
    checkpoint: str | Path | None = None,
    trees: bool = False,
) -> MLPClassifier | MLPRegressor:
    """Search recipes and shapes for a table; the networks that survive are the model.

    Candidates begin in heats. On each fold every candidate still in the race trains one network on the other folds;
    then those leave that are worse than the leader by more than two standard errors of their difference on the same
    rows. Who went through all folds may join the ensemble, by greedy selection with repeats on out-of-fold predictions.

    Parameters
    ----------
    X : frame or array of shape (rows, columns)
    y : array of shape (rows,)
    budget : float or None, default 300
        Seconds to spend, about: no new fold begins that would not end in time. None is no limit.
    candidates : int or None
        How many recipes may begin. With it and without a budget the result depends on the seed alone. None is no limit.
    task : {"auto", "classification", "regression"}
    metric : str, scorer or Score, default "auto"
        What the model is to be good at, as in `compare`: "log_loss" or "r2" by default; accuracy, balanced_accuracy,
        auc, brier; mae, rmse; scikit-learn's scorers. It chooses the ensemble, but for accuracies, where the loss does.
        Candidates leave by their losses on the same rows: by the metric where it is a mean over rows (log_loss,
        accuracy, balanced_accuracy, brier, r2, mae), else by log-loss or squared error. For balanced_accuracy classes
        are weighted in training and in all losses, so that each counts as much as the others; probabilities are those
        of such classes. For mae networks train on absolute errors.
    regularizers : sequence of Regularizer
        What the race may put into recipes, each at strengths from its own `ranges`.
    fixed : sequence of Regularizer
        What is in every recipe, the default one included, as it is.
    folds : int of at least 2, default 5
    weights : array of shape (rows,) or None
        Weight of each row in losses and scores.
    groups : array of shape (rows,) or None
        Rows of one group are left out together.
    max_epochs : int, default 200
    random_state : int, default 0
    workers : int or None
        Cores to use; the result does not depend on it, but for the budget.
    progress : callable or None
        Called with a sentence after each fold.
    checkpoint : path of a folder or None
        Where the networks of every fold that is done are kept. The same call with the same folder goes on after Ctrl-C
        or a kill; with `candidates` and no budget it comes to the same result. More time or more candidates may be
        given then. Delete the folder after.
    trees : bool, default False
        Whether boosted trees, a random forest and a linear model run on the same folds first, so that `race_.trees`
        says what share of the ensemble they would take. The model holds networks only in any case.

    Ctrl-C ends the race early: those who went through all folds by then are the model.

    Returns
    -------
    model : MLPClassifier or MLPRegressor, fitted
        `networks_` are those of the ensemble, one that counts double twice; `race_` is the `Race`; its parameters are
        those of the best single recipe (the simplest one within a standard error), so `clone(model).fit` trains that.

    Raises
    ------
    DataError, UsageError
        For data or parameters that cannot be used.

    References
    ----------
    Maron and Moore (1994), Hoeffding races, NIPS; Caruana et al. (2004), ICML (greedy selection).

    Examples
    --------
    >>> from dashpot import load_anes96, race
    >>> frame, vote = load_anes96()
    >>> model = race(frame, vote, budget=None, candidates=9, folds=2, max_epochs=5)
    >>> len(model.race_.candidates), bool(model.score(frame, vote) > 0.85)
    (9, True)
    """
    started = time.monotonic()
    _check(task, budget, candidates, folds, regularizers, fixed)
    task = task_of(y) if task == "auto" else task
    score = score_of(metric, task)
    model = _estimator(task, score, max_epochs, random_state, workers)
    design_of = model._check_parameters()
    examples, rows, _ = model._examples(X, y, weights, None, groups, goes_on=False)
    design = design_of(model._loss(examples.targets))
    judge = judge_of(score, examples.targets[rows], weights_of(examples, rows))
    default, pool = _entrants(Candidate(0, model.recipe_, design), regularizers, fixed)
    drawn = draw(design, pool, fixed, examples.classes, random_state, MONITORS.get(score.name, ("loss",)))
    fold = _folds(examples, rows, folds, random_state)
    settings = [rows, fold, random_state, score.name, default, pool, list(fixed)]
    records = None if checkpoint is None else Records(Path(checkpoint), examples, settings)
    course = Course(examples, rows, fold, judge, model._seed(), workers, records)
    limit = None if budget is None else started + budget
    others = out_of_fold(course) if trees else None
    interrupted = False
    try:
        _run(course, itertools.chain([default], drawn), candidates, limit, progress)
    except KeyboardInterrupt:
        interrupted = True
        if not course.finishers():
            raise
        course.runners = [runner for runner in course.runners if runner.known.any()]
    return finished(model, course, time.monotonic() - started + course.before, interrupted, others)


def _estimator(
    task: str, score: Score, max_epochs: int, random_state: int, workers: int | None
) -> MLPClassifier | MLPRegressor:
    """An estimator that aims at the score."""
    if task == "classification":
        balanced = "balanced" if score.name == "balanced_accuracy" else None
        return MLPClassifier(max_epochs=max_epochs, random_state=random_state, workers=workers, class_weight=balanced)
    loss = "absolute_error" if score.name == "mae" else "squared_error"
    return MLPRegressor(max_epochs=max_epochs, random_state=random_state, workers=workers, loss=loss)


def _entrants(
    default: Candidate, regularizers: Sequence[Regularizer], fixed: Sequence[Regularizer]
) -> tuple[Candidate, list[Regularizer]]:
    """The default candidate with what is fixed in it, and what may be drawn: nothing twice, and no ensemble."""
    taken = {"Ensemble", *map(kind_of, fixed)}
    own, pool = ([one for one in parts if kind_of(one) not in taken] for parts in (default.recipe.parts, regularizers))
    return replace(default, recipe=Recipe((*fixed, *own))), pool


def _check(
    task: str,
    budget: float | None,
    candidates: int | None,
    folds: int,
    regularizers: Sequence[Regularizer],
    fixed: Sequence[Regularizer],
) -> None:
    """Refuse what makes no race."""
    if task not in ("auto", "classification", "regression"):
        raise UsageError(f"race(task={task!r}): must be auto, classification or regression.")
    if budget is None and candidates is None:
        raise UsageError("race(budget=None, candidates=None): would never end. Set one of them.")
    if budget is not None and not 0 < budget < float("inf"):
        raise UsageError(f"race(budget={budget!r}): must be seconds above 0, or None.")
    if candidates is not None and (isinstance(candidates, bool) or candidates < 1):
        raise UsageError(f"race(candidates={candidates!r}): must be a whole number of at least 1.")
    if isinstance(folds, bool) or not isinstance(folds, int) or folds < 2:
        raise UsageError(f"race(folds={folds!r}): must be a whole number of at least 2.")
    for part in (*regularizers, *fixed):
        if not isinstance(part, Regularizer) or isinstance(part, Ensemble | EarlyStopping):
            raise UsageError(
                f"race: {part!r} cannot take part. Pass regularizers such as Dropout(); "
                "early stopping and the ensemble are part of the race."
            )


def _folds(examples: Examples, rows: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """The fold of each training row, stratified, groups whole."""
    if len(rows) < 4 * folds:
        raise DataError(f"race(X): {len(rows)} rows; {folds} folds need at least {4 * folds}. Use fewer folds.")
    groups = None if examples.groups is None else examples.groups[rows]
    if groups is not None and len(np.unique(groups)) < folds:
        raise DataError(f"race(groups): {len(np.unique(groups))} groups for {folds} folds. Use fewer folds.")
    targets = examples.targets[rows]
    strata = targets if examples.classes else quantile_bins(targets[:, 0], folds)
    return deal(strata, groups, folds, np.random.default_rng([seed, 1]))


def _run(
    course: Course,
    drawn: Iterator[Candidate],
    most: int | None,
    limit: float | None,
    progress: Progress | None,
) -> None:
    """Heat after heat, until nobody may begin any more; the default recipe goes first, and through all folds."""
    default = course.enter([next(drawn)])
    for fold in range(course.folds):
        course.run(default, fold)
    while True:
        room = HEAT if most is None else min(HEAT, most - len(course.runners))
        count = min(room, _affordable(course, limit))
        if count < 1:
            return
        _heat(course, course.enter(list(itertools.islice(drawn, count))), limit, progress)


def _heat(course: Course, runners: list[Runner], limit: float | None, progress: Progress | None) -> None:
    """Candidates that begin together: fold by fold, whoever is clearly worse leaves."""
    for fold in range(course.folds):
        course.run(runners, fold)
        finishers = course.finishers()
        runners = course.near(runners, finishers, NOISE)
        if limit is not None and runners:
            left = _left(course, limit) / max(course.folds - fold - 1, 1)
            kept = int(left / course.pace[-1]) if left > 0 else 0
            runners = sorted(runners, key=course.mean_loss)[:kept]
        if progress is not None:
            best = min(map(course.mean_loss, finishers), default=np.nan)
            progress(f"{len(course.runners)} recipes began, fold {fold + 1}: {len(runners)} go on; best {best:.4f}")
        if not runners:
            return


def _affordable(course: Course, limit: float | None) -> int:
    """How many candidates can begin and be expected to end in time, in whole families where there is time for one."""
    if limit is None:
        return HEAT
    each = np.median(course.pace[-2 * course.folds :]) * (1 + SHARE * (course.folds - 1))
    if len(course.pace) == course.folds:
        each *= STACKED
    count = int(max(_left(course, limit), 0.0) / each)
    return count // FAMILY * FAMILY if count >= FAMILY else 0


def _left(course: Course, limit: float) -> float:
    """Seconds left; what was taken up from an earlier session counts as if it had run in this one."""
    return limit - time.monotonic() - course.before
