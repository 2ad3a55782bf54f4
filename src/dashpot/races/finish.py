"""The end of a race: an ensemble of those who went through all folds, and the recipe that is best alone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from dashpot.errors import DataError
from dashpot.estimators import MLPClassifier, MLPRegressor
from dashpot.estimators.combining import greedy
from dashpot.races.course import Course, Runner
from dashpot.races.result import Race
from dashpot.races.space import Candidate
from dashpot.races.trees import Others, Trees

ROUNDS = 40  # of greedy selection
FINALISTS = 20  # may join where the metric is no mean over rows, and so slower to compute


def finished(
    model: MLPClassifier | MLPRegressor,
    course: Course,
    seconds: float,
    interrupted: bool,
    others: Others | None = None,
) -> MLPClassifier | MLPRegressor:
    """The estimator with the ensemble's networks, and the course of the race."""
    finishers = _eligible(course)
    networks = np.stack([runner.predictions for runner in finishers])
    predictions = networks if others is None else np.concatenate([networks, others.predictions])
    chosen = _shares(course, predictions)
    weights = chosen[: len(networks)]
    best = simplest(course, finishers)
    shares = np.zeros(len(course.runners))
    shares[[course.runners.index(runner) for runner in finishers]] = weights
    left_out = _left_out(course, predictions)
    targets = course.examples.targets[course.rows]
    both = (left_out, course.runners[0].predictions)
    score, default_score = (course.judge.value(one, targets, course.weights) for one in both)
    model.race_ = Race(
        tuple(runner.candidate for runner in course.runners),
        np.array([runner.losses for runner in course.runners]),
        course.weights,
        shares,
        course.runners.index(best),
        course.judge.losses(left_out, targets),
        course.judge,
        score,
        default_score,
        seconds,
        interrupted,
        None if others is None else _beside(course, networks, others, chosen[len(networks) :]),
    )
    _recommend(model, best.candidate)
    counts = whole_numbers(weights / weights.sum() if weights.any() else _shares(course, networks))
    model._keep(tuple(n for r, count in zip(finishers, counts, strict=True) for n in r.networks * count))
    return model


def _eligible(course: Course) -> list[Runner]:
    """Who may join the ensemble: who went through all folds; where the metric is slow to compute, the best of them."""
    finishers = course.finishers()
    if not finishers:
        raise DataError("race: every network diverged. Look at the table's scales, or pass fixed=[MaxNorm()].")
    if course.judge.by_rows:
        return finishers
    every = np.ones(len(course.rows), dtype=bool)
    return sorted(finishers, key=lambda one: course.cost(one.predictions, every))[:FINALISTS]


def _shares(course: Course, predictions: np.ndarray) -> np.ndarray:
    """The share of each member in the ensemble, (members,)."""
    every = np.ones(len(course.rows), dtype=bool)
    return greedy(predictions, partial(course.cost, chosen=every), ROUNDS).weights


def _beside(course: Course, networks: np.ndarray, others: Others, shares: np.ndarray) -> Trees:
    """What other models are in the ensemble, and what networks alone would be."""
    targets, weights = course.examples.targets[course.rows], course.weights
    every = np.ones(len(course.rows), dtype=bool)
    best: dict[str, tuple[float, np.ndarray]] = {}
    for name, one in zip(others.names, others.predictions, strict=True):
        cost = course.cost(one, every)
        if name not in best or cost < best[name][0]:
            best[name] = cost, one
    alone = _left_out(course, networks)
    kinds = zip(others.names, others.settings, strict=True)
    return Trees(
        {name: course.judge.value(one, targets, weights) for name, (_, one) in best.items()},
        {kind: float(share) for kind, share in zip(kinds, shares, strict=True) if share > 0},
        course.judge.losses(alone, targets),
        course.judge.value(alone, targets, weights),
    )


def _recommend(model: MLPClassifier | MLPRegressor, candidate: Candidate) -> None:
    """Give the estimator the parameters of one candidate."""
    design = candidate.design
    model.recipe_ = candidate.recipe
    model.set_params(
        hidden_layers=design.hidden_layers,
        activation=design.activation,
        optimizer=design.optimizer,
        batch_size=design.batch_size,
        numeric_embedding=design.numeric_embedding,
        skip=design.skip,
        norm=design.norm,
        regularizers=candidate.recipe.parts,
    )


def whole_numbers(weights: np.ndarray) -> list[int]:
    """How often each member counts, in the smallest whole numbers that have the proportions of greedy weights."""
    for total in range(1, ROUNDS + 1):
        counts = np.rint(weights * total)
        if np.allclose(counts, weights * total, atol=1e-6):
            break
    return [int(count) for count in counts]


def _left_out(course: Course, predictions: np.ndarray) -> np.ndarray:
    """What an ensemble predicts for each row that was chosen on the other folds: selection has not seen the row."""
    combined = np.empty(predictions.shape[1:])
    for fold in range(course.folds):
        own = course.fold == fold
        others = greedy(predictions[:, ~own], partial(course.cost, chosen=~own), ROUNDS)
        combined[own] = others.combine(predictions[:, own])
    return combined


def simplest(course: Course, finishers: Sequence[Runner]) -> Runner:
    """The simplest candidate that is within one standard error of the best; of equally simple ones the better."""
    return min(course.near(finishers, [], 1.0), key=lambda one: (one.candidate.size, course.mean_loss(one)))
