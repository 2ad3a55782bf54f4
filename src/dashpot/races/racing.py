"""The race itself: what takes part, on which folds, by which judge; the default ensemble and the survivors vote."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from dashpot.errors import DataError, UsageError
from dashpot.estimators import Autoencoder, EnsembleClassifier, EnsembleRegressor, MLPClassifier, MLPRegressor
from dashpot.jobs import Examples, Job
from dashpot.races import reconstructing
from dashpot.races.course import Course, weights_of
from dashpot.races.finish import finished
from dashpot.races.heats import Progress, run
from dashpot.races.judging import MONITORS, Judge, judge_of, score_of
from dashpot.races.records import Records
from dashpot.races.space import POOL, Candidate, draw, kind_of, predicting, spread
from dashpot.races.trees import Others, mixed, out_of_fold
from dashpot.regularizers import EarlyStopping, Ensemble, Recipe, Regularizer
from dashpot.studies.scores import Score
from dashpot.studies.splits import deal, quantile_bins
from dashpot.tables import task_of


def race(
    X: Any,
    y: Any = None,
    *,
    budget: float | None = 300.0,
    candidates: int | None = None,
    task: str = "auto",
    metric: Any = "auto",
    regularizers: Sequence[Regularizer] | None = None,
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
    code_size: float | None = None,
) -> MLPClassifier | MLPRegressor | Autoencoder | EnsembleClassifier | EnsembleRegressor:
    """Search recipes and shapes for a table; the default ensemble and the networks that survive are the model.

    Without a target autoencoders race: by the error of drawing rows again that were left out. Their codes cannot be
    averaged, so the best of them, trained again on all rows, is the model.

    Candidates begin in heats. On each fold every candidate still in the race trains one network on the other folds;
    then those leave that are worse than the leader by more than two standard errors of their difference on the same
    rows. Who went through all folds may join the default ensemble, which trains on all rows (of 10,000 and more where
    there is time for it), by greedy selection with repeats on out-of-fold predictions; it keeps a quarter of the votes.

    Parameters
    ----------
    X : frame or array of shape (rows, columns)
    y : array of shape (rows,) or None, default None
        None is a race of autoencoders.
    budget : float or None, default 300
        Seconds to spend, about: no new fold begins that would not end in time. None is no limit.
    candidates : int or None
        How many recipes may begin; the default one begins in any case, with as many of its numeric embeddings as there
        is time for. With `candidates` and without a budget the result depends on the seed alone. None is no limit.
    task : {"auto", "classification", "regression"}
    metric : str, scorer or Score, default "auto"
        What the model is to be good at, as in `compare`: "log_loss" or "r2" by default; accuracy, balanced_accuracy,
        auc, brier; mae, rmse; scikit-learn's scorers. It chooses the ensemble, but for accuracies, where the loss does.
        Candidates leave by their losses on the same rows: by the metric where it is a mean over rows (log_loss,
        accuracy, balanced_accuracy, brier, r2, mae), else by log-loss or squared error. For balanced_accuracy classes
        are weighted in training and in all losses, so that each counts as much as the others; probabilities are those
        of such classes. For mae networks train on absolute errors.
    regularizers : sequence of Regularizer or None, default None
        What the race may put into recipes, each at strengths from its own `ranges`. None is a dozen that often help.
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
        Whether boosted trees, a random forest and a linear model run on the same folds first and may join the ensemble;
        `race_.trees` says with what share. The model is an `EnsembleClassifier` or an `EnsembleRegressor` then.
    code_size : int, float or None, default None
        Numbers in the code of the autoencoders, or the share of the variance that as many principal components explain.
        None is 2.

    Ctrl-C ends the race early: those who went through all folds by then are the model, if anybody did.

    Returns
    -------
    model : MLPClassifier, MLPRegressor, Autoencoder, or with trees EnsembleClassifier or EnsembleRegressor; fitted
        `networks_` are those of the ensemble, one that counts double twice; `race_` is the `Race`; its parameters are
        those of the best single recipe (the simplest one within a standard error), so `clone(model).fit` trains that.
        An autoencoder is that recipe, trained on all rows.

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
    >>> model = race(frame, code_size=3, budget=None, candidates=5, folds=2, max_epochs=5)
    >>> model.transform(frame).shape
    (944, 3)
    """
    started = time.monotonic()
    redrawn = y is None
    wanted = regularizers if regularizers is not None else reconstructing.POOL if redrawn else POOL
    _check(task, budget, candidates, folds, wanted, fixed)
    _check_target(redrawn, code_size, metric, task, trees, (*wanted, *fixed))
    shared: dict[str, Any] = {"max_epochs": max_epochs, "random_state": random_state, "workers": workers}
    score, model = reconstructing.aim(code_size, shared) if redrawn else _aim(y, task, metric, shared)
    model._check_parameters()
    examples, rows, _ = model._examples(X, y, weights, None, groups, goes_on=False)
    design = model._design(model._loss(examples.targets), len(rows))
    defaults, pool = _entrants(Candidate(0, model.recipe_, design, default=True), wanted, fixed)
    monitors, space = MONITORS.get(score.name, ("loss",)), reconstructing.SPACE if redrawn else predicting(len(rows))
    drawn = draw(design, pool, fixed, examples.classes, random_state, monitors, space, len(defaults))
    fold = _folds(examples, rows, folds, random_state, not redrawn)
    begin = reconstructing.Beginning(examples, design, rows, model.code_size) if redrawn else None
    settings = [rows, fold, random_state, score.name, defaults, list(fixed), begin and begin.code, spread(pool, space)]
    records = None if checkpoint is None else Records(Path(checkpoint), examples, settings)
    judge = reconstructing.JUDGE if redrawn else _judge(score, model, examples, rows)
    whole = None if redrawn else Job(_whole(model.recipe_, defaults[0]), rows, rows[:0], model._seed(), design)
    course = Course(examples, rows, fold, judge, model._seed(), workers, records, begin, whole)
    limit = None if budget is None else started + budget
    others, limit = _others(course, limit) if trees else (None, limit)
    interrupted = run(course, defaults, drawn, candidates, limit, progress)
    if begin is not None:
        found = reconstructing.finished(model, course, begin, {"X": X, "sample_weight": weights, "groups": groups})
    else:
        networks = finished(model, course, others)
        found = _with_others(networks, X, y, examples) if trees else networks
    found.race_ = replace(found.race_, seconds=time.monotonic() - started + course.before, interrupted=interrupted)
    return found


def _judge(score: Score, model: Any, examples: Examples, rows: np.ndarray) -> Judge:
    """The judge of a race with a target; amounts are judged as the user gave them."""
    score = score.of_amounts_less(getattr(model, "target_offset_", 0.0))
    return judge_of(score, examples.targets[rows], weights_of(examples, rows))


def _others(course: Course, limit: float | None) -> tuple[Others, float | None]:
    """Models of other kinds, and the end of the race, earlier by what it takes to fit those that join."""
    started = time.monotonic()
    found = out_of_fold(course)
    spent = time.monotonic() - started
    return found, None if limit is None else limit - spent / (course.folds - 1)


def _with_others(
    networks: MLPClassifier | MLPRegressor, X: Any, y: Any, examples: Examples
) -> EnsembleClassifier | EnsembleRegressor:
    """The networks and what has a share beside them, as one model with the same course and recipe."""
    model = mixed(networks, networks.race_.trees, X, y, examples.weights)
    model.race_, model.recipe_ = networks.race_, networks.recipe_
    return model


def _check_target(
    redrawn: bool, code_size: float | None, metric: Any, task: str, trees: bool, parts: Sequence[Regularizer]
) -> None:
    """Refuse what does not go with a target, or without one."""
    if redrawn:
        reconstructing.check(metric, task, trees, parts)
    elif code_size is not None:
        raise UsageError(f"race(code_size={code_size!r}): is for autoencoders. Leave it out, or the target.")


def _aim(y: Any, task: str, metric: Any, shared: dict[str, Any]) -> tuple[Score, MLPClassifier | MLPRegressor]:
    """The score of a race with a target, and an estimator that aims at it."""
    task = task_of(y) if task == "auto" else task
    score = score_of(metric, task)
    return score, _estimator(task, score, shared)


def _estimator(task: str, score: Score, shared: dict[str, Any]) -> MLPClassifier | MLPRegressor:
    """An estimator that aims at the score."""
    if task == "classification":
        return MLPClassifier(class_weight="balanced" if score.name == "balanced_accuracy" else None, **shared)
    return MLPRegressor(loss="absolute_error" if score.name == "mae" else "squared_error", **shared)


def _entrants(
    default: Candidate, regularizers: Sequence[Regularizer], fixed: Sequence[Regularizer]
) -> tuple[list[Candidate], list[Regularizer]]:
    """The default recipe with what is fixed in it, once for each of its numeric embeddings, and what may be drawn.

    Nothing is there twice, and no ensemble: the race makes its own.
    """
    taken = {"Ensemble", *map(kind_of, fixed)}
    own, pool = ([one for one in parts if kind_of(one) not in taken] for parts in (default.recipe.parts, regularizers))
    ensembles = [part for part in default.recipe.parts if isinstance(part, Ensemble)]
    kinds = [kind for part in ensembles for kind in part.numeric_embeddings] or [default.design.numeric_embedding]
    recipe = Recipe((*fixed, *own))
    designs = [replace(default.design, numeric_embedding=kind) for kind in kinds]
    return [replace(default, number=number, recipe=recipe, design=one) for number, one in enumerate(designs)], pool


def _whole(recipe: Recipe, default: Candidate) -> Recipe:
    """The default recipe with what is fixed in it, as an ensemble."""
    return Recipe((*default.recipe.parts, *(part for part in recipe.parts if isinstance(part, Ensemble))))


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
    if candidates is not None and (
        isinstance(candidates, bool) or not isinstance(candidates, int | np.integer) or candidates < 1
    ):
        raise UsageError(f"race(candidates={candidates!r}): must be a whole number of at least 1.")
    if isinstance(folds, bool) or not isinstance(folds, int) or folds < 2:
        raise UsageError(f"race(folds={folds!r}): must be a whole number of at least 2.")
    for part in (*regularizers, *fixed):
        if not isinstance(part, Regularizer) or isinstance(part, Ensemble | EarlyStopping):
            raise UsageError(
                f"race: {part!r} cannot take part. Pass regularizers such as Dropout(); "
                "early stopping and the ensemble are part of the race."
            )


def _folds(examples: Examples, rows: np.ndarray, folds: int, seed: int, stratified: bool = True) -> np.ndarray:
    """The fold of each training row, groups whole; stratified by the target, where there is one."""
    if len(rows) < 4 * folds:
        raise DataError(f"race(X): {len(rows)} rows; {folds} folds need at least {4 * folds}. Use fewer folds.")
    groups = None if examples.groups is None else examples.groups[rows]
    if groups is not None and len(np.unique(groups)) < folds:
        raise DataError(f"race(groups): {len(np.unique(groups))} groups for {folds} folds. Use fewer folds.")
    strata, targets = np.zeros(len(rows), dtype=int), examples.targets[rows]
    if stratified:
        strata = targets if examples.classes else quantile_bins(targets[:, 0], folds)
    return deal(strata, groups, folds, np.random.default_rng([seed, 1]))
