"""The end of a race: an ensemble of those who went through all folds, and the recipe that is best alone."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from dashpot.errors import DataError
from dashpot.estimators import MLPClassifier, MLPRegressor
from dashpot.estimators.combining import Weighted, greedy
from dashpot.networks import Network
from dashpot.races.course import Course, Runner
from dashpot.races.result import Race
from dashpot.races.space import Candidate
from dashpot.races.trees import Others, Trees

ROUNDS = 40  # of greedy selection
COPIES, ROUNDING = 49, 2e-4  # of either at most; what a network more costs, as a part of a share
FINALISTS = 20  # may join where the metric is no mean over rows, and so slower to compute


def finished(
    model: MLPClassifier | MLPRegressor, course: Course, others: Others | None = None
) -> MLPClassifier | MLPRegressor:
    """The estimator with the ensemble's networks, and the course of the race."""
    finishers = _eligible(course)
    networks = np.stack([*([course.default()[0]] * bool(course.anchor)), *(one.predictions for one in finishers)])
    predictions = networks if others is None else np.concatenate([networks, others.predictions])
    own, beside = np.split(_shares(course, predictions), [len(networks)])
    best = simplest(course, finishers)
    found = _told(course, finishers, best, own, _left_out(course, predictions))
    model.race_ = replace(found, trees=None if others is None else _beside(course, networks, others, beside))
    _recommend(model, best.candidate)
    model._keep(_networks(course, finishers, own if own.any() else _shares(course, networks)))
    return model


def _told(course: Course, finishers: Sequence[Runner], best: Runner, shares: np.ndarray, left_out: np.ndarray) -> Race:
    """What is to be told of a race: who ran, the shares in the ensemble, and what that predicts for rows left out."""
    anchored = bool(course.anchor)
    by_runner = dict(zip(finishers, shares[anchored:], strict=True))
    default, default_losses = course.default()
    targets = course.examples.targets[course.rows]
    score, default_score = (course.judge.value(one, targets, course.weights) for one in (left_out, default))
    return Race(
        tuple(runner.candidate for runner in course.runners),
        np.array([runner.losses for runner in course.runners]),
        course.weights,
        np.array([by_runner.get(runner, 0.0) for runner in course.runners]),
        course.runners.index(best),
        course.judge.losses(left_out, targets),
        default_losses,
        course.judge,
        score,
        default_score,
        default_share=float(shares[0]) if anchored else 0.0,
        groups=course.groups,
    )


def _networks(course: Course, finishers: Sequence[Runner], shares: np.ndarray) -> tuple[Network, ...]:
    """The networks of the members, each so often that its share is near the one wanted, the default ensemble first."""
    whole = course.anchor
    own = shares[bool(whole) :]
    if not own.any():
        return whole
    counts = whole_numbers(own / own.sum())
    survivors = [network for one, count in zip(finishers, counts, strict=True) for network in one.networks * count]
    if not whole:
        return tuple(survivors)
    aim = shares[0] / shares.sum()

    def miss(times: tuple[int, ...]) -> float:
        sizes = times[0] * len(whole), times[1] * len(survivors)
        return abs(sizes[0] / sum(sizes) - aim) + ROUNDING * sum(sizes)

    first, then = min(itertools.product(range(1, COPIES + 1), repeat=2), key=miss)
    return whole * first + tuple(survivors) * then


def _eligible(course: Course) -> list[Runner]:
    """Who may join the ensemble: who went through all folds; where the metric is slow to compute, the best of them."""
    finishers = course.finishers()
    if not finishers:
        raise DataError("race: every network diverged. Look at the table's scales, or pass fixed=[MaxNorm()].")
    if course.judge.by_rows:
        return finishers
    every = np.ones(len(course.rows), dtype=bool)
    return sorted(finishers, key=lambda one: course.cost(one.predictions, every))[:FINALISTS]


def _shares(course: Course, predictions: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
    """The share of each member in the ensemble, chosen on all rows, or some of them, bool (rows,).

    That of the default ensemble, which comes first if it is there, is brought half way to a half: what greedy selection
    finds on few rows is partly luck.
    """
    rows = np.ones(len(course.rows), dtype=bool) if rows is None else rows
    weights = greedy(predictions[:, rows], partial(course.cost, chosen=rows), ROUNDS).weights
    if not course.anchor or weights[0] == 1:
        return weights
    first = (weights[0] + 0.5) / 2
    rest = weights[1:] / weights[1:].sum()
    return np.array([first, *(1 - first) * rest])


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
        combined[own] = Weighted(_shares(course, predictions, ~own)).combine(predictions[:, own])
    return combined


def simplest(course: Course, finishers: Sequence[Runner]) -> Runner:
    """The simplest candidate that is within one standard error of the best; of equally simple ones the better."""
    return min(course.near(finishers, [], 1.0), key=lambda one: (one.candidate.size, course.mean_loss(one)))
