"""Intervals from test rows hold the truth, and need no assumption on how splits hang together."""

import numpy as np
import pytest

from dashpot.studies import tested as predictions
from dashpot.studies.row_intervals import RowIntervals
from dashpot.studies.row_values import row_values
from dashpot.studies.scores import SCORES, choose_scores
from dashpot.studies.splits import draw_splits
from dashpot.studies.spreads import Corrected, FixedRows, SharedRows, shared_rows, turns
from dashpot.studies.statistics import corrected_interval, interval_of, power_of

ROWS = 100


def turns_of(rows, splits, rng, groups=None):
    """Test rows of repeated 5-fold cross-validation."""
    return [split.test for split in draw_splits(np.zeros(rows, dtype=int), groups, splits, 5, rng)]


def interval(gains, tested, learned=0.8):
    """The interval of a study whose test rows have these gains."""
    means = np.array([own.mean() for own in gains])
    terms = [(own - own.mean()) / len(own) for own in gains]
    return interval_of(means, shared_rows(means, terms, tested, 5, learned), 0.95)


def simulated(seed, splits=10, row=1.0, split=0.3, noise=1.0):
    """Gains of 0 on average, that vary by row, by split, and beside."""
    rng = np.random.default_rng(seed)
    tested, own = turns_of(ROWS, splits, rng), rng.normal(size=ROWS) * row
    return [own[rows] + rng.normal() * split + rng.normal(size=len(rows)) * noise for rows in tested], tested


def held(intervals):
    """How many intervals hold 0."""
    return np.mean([one.low <= 0 <= one.high for one in intervals])


@pytest.mark.parametrize("parts", [{"row": 0.0}, {"noise": 0.0}, {"split": 0.0}, {}])
@pytest.mark.parametrize("splits", [10, 13])
def test_the_interval_covers_the_truth_whether_rows_or_splits_vary(parts, splits):
    assert 0.925 <= held(interval(*simulated(seed, splits, **parts)) for seed in range(400)) <= 0.99


def test_the_corrected_interval_is_too_wide_where_rows_do_not_matter():
    studies = [simulated(seed, row=0.0, split=0.0)[0] for seed in range(400)]
    assert held(corrected_interval([own.mean() for own in gains], 0.25) for gains in studies) > 0.99


def test_more_turns_do_not_shrink_what_comes_with_the_rows():
    gains, tested = simulated(0, splits=60, row=1.0, split=0.0, noise=0.0)
    one, many = (interval(gains[:count], tested[:count]) for count in (10, 60))
    own = np.concatenate([own[np.argsort(rows)] for own, rows in zip(gains[:5], tested[:5], strict=True)])
    assert many.spread.error(60) == pytest.approx(own.std(ddof=1) / np.sqrt(ROWS), rel=0.1)
    assert many.spread.error(60) > 0.7 * one.spread.error(10)


def test_rows_that_learn_from_each_other_are_counted():
    """What a row does to another, the other does to it: their gains vary together where both are learned from."""

    def study(seed):
        rng = np.random.default_rng(seed)
        drawn = draw_splits(np.zeros(ROWS, dtype=int), None, 30, 5, rng)
        between = np.triu(rng.normal(size=(ROWS, ROWS)), 1)
        between += between.T
        return [between[s.test][:, np.r_[s.training, s.validation]].sum(axis=1) for s in drawn], [s.test for s in drawn]

    intervals = [interval(*study(seed)) for seed in range(300)]
    without = [
        interval_of(
            np.array([own.mean() for own in study(seed)[0]]), SharedRows(s.between, s.shared, 0.0, 5, ROWS), 0.95
        )
        for seed, s in enumerate(one.spread for one in intervals[:150])
    ]
    assert held(intervals) >= 0.88
    assert held(without) < held(intervals)


def study_of(values, groups=None, weights=None, splits=10, seed=0):
    """A study whose rows have these absolute errors, against a reference without any."""
    rows, rng = len(values), np.random.default_rng(seed)
    drawn = turns_of(rows, splits, rng, groups)
    targets = np.zeros((rows, 1))
    predicted = {(k, "none"): targets[own] for k, own in enumerate(drawn)}
    predicted |= {(k, "some"): values[own][:, None] for k, own in enumerate(drawn)}
    tested = predictions.Tested(drawn, targets, weights, groups, predicted)
    every = range(len(drawn))
    return RowIntervals(tested, SCORES["mae"], 0.95, 5).interval(
        dict.fromkeys(every, "some"), dict.fromkeys(every, "none")
    )


def test_rows_of_one_group_count_once():
    own = np.abs(np.random.default_rng(1).normal(size=200))
    groups = np.arange(800) // 4
    alike, ignored, single = study_of(own[groups], groups), study_of(own[groups]), study_of(own)
    assert alike.spread.error(10) == pytest.approx(single.spread.error(10), rel=0.25)
    assert ignored.spread.error(10) < 0.7 * alike.spread.error(10)


def test_a_handful_of_groups_is_left_to_the_splits():
    values = np.random.default_rng(4).normal(size=64)
    assert study_of(values, np.arange(64) // 8) is None
    assert study_of(values, np.arange(64) // 4) is not None


def test_power_counts_rows_of_alike_groups_and_of_uneven_weight_for_less():
    rng = np.random.default_rng(2)
    own = np.abs(rng.normal(size=200))
    groups = np.arange(800) // 4
    weights = rng.lognormal(0, 1, size=800)
    kish = weights.sum() ** 2 / (weights @ weights)
    values = np.abs(rng.normal(size=800))

    def needed(found, rows):
        return power_of(found.spread, 10, 0.02, 1, rows).rows

    assert needed(study_of(own[groups], groups), 800) == pytest.approx(4 * needed(study_of(own), 200), rel=0.5)
    ratio = needed(study_of(values, weights=weights), 800) / needed(study_of(values), 800)
    assert ratio == pytest.approx(800 / kish, rel=0.4)


def test_equal_weights_change_nothing():
    values = np.abs(np.random.default_rng(3).normal(size=120))
    first, second = study_of(values), study_of(values, weights=np.full(120, 2.5))
    assert first.low == pytest.approx(second.low)
    assert first.p == pytest.approx(second.p)


def test_a_score_without_values_for_rows_is_left_to_the_splits():
    tested = predictions.Tested([np.arange(10)] * 2, np.arange(10) % 2, None, None, {})
    assert row_values(SCORES["calibration_error"], tested.targets, np.full((10, 2), 0.5)) is None


def test_the_error_of_each_spread_follows_its_formula():
    spread = SharedRows(between=0.5, shared=0.02, mutual=0.01, folds=5, clusters=100)
    assert turns(12, 5) == [5, 5, 2]
    assert spread.error(10) == pytest.approx(np.sqrt(0.5 / 10 + 0.02 * (100 - 50) / 100 + 0.01))
    assert (spread.freedom(10), spread.freedom(5), spread.freedom(12)) == (8, 4, 9)
    assert Corrected(2.0, 0.25).error(10) == pytest.approx(2 * np.sqrt(0.1 + 0.25))
    assert FixedRows(0.04, 0.1, 30).error(10) == pytest.approx(np.sqrt(0.05))


# ---- values of rows


def classes(seed, count, rows=80):
    """Targets and probabilities, with ties."""
    rng = np.random.default_rng(seed)
    targets = np.r_[np.arange(count), rng.integers(0, count, rows - count)]
    probabilities = np.round(rng.dirichlet(np.ones(count), rows) + 0.5 * np.eye(count)[targets], 1) + 0.01
    return targets, probabilities / probabilities.sum(axis=1, keepdims=True)


def amounts(seed, count, rows=80):
    """Targets and predictions."""
    rng = np.random.default_rng(seed)
    targets = rng.normal(size=(rows, count))
    return targets, targets + rng.normal(size=(rows, count))


scores = [score for score in SCORES.values() if score.name != "calibration_error"]
scores.append(choose_scores("pinball_0.9", "regression")[0])


@pytest.mark.parametrize("score", scores, ids=lambda score: score.name)
@pytest.mark.parametrize("count", [2, 4])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_mean_of_the_values_of_rows_is_the_score(score, count, weighted):
    targets, predicted = (classes if score.task == "classification" else amounts)(0, count)
    weights = np.random.default_rng(1).random(80) if weighted else None
    values = row_values(score, targets, predicted, weights)
    assert np.average(values, weights=weights) == pytest.approx(score.measure(targets, predicted, weights))


@pytest.mark.parametrize("score", scores, ids=lambda score: score.name)
def test_the_spread_of_the_values_of_rows_is_that_of_the_jackknife(score):
    targets, predicted = (classes if score.task == "classification" else amounts)(2, 2, 200)
    values = row_values(score, targets, predicted)
    left = [score.measure(np.delete(targets, row, 0), np.delete(predicted, row, 0), None) for row in range(200)]
    assert values.std(ddof=1) / np.sqrt(200) == pytest.approx(np.std(left) * np.sqrt(199), rel=0.05)
