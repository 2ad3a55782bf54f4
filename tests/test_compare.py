"""A study is fair: paired, chosen before tested, the same on any number of workers, and says no clearly."""

import sys

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics
from sklearn.datasets import load_digits

import dashpot
from dashpot import training
from dashpot.errors import DataError, UsageError
from dashpot.regularizers import L2, Dropout, Recipe, Shift
from dashpot.report import summarize
from dashpot.studies import compare, results
from dashpot.studies.compare import _first_networks, study_design
from dashpot.studies.curves import best_regularizer
from dashpot.studies.effects import BASELINE, PRIOR, scores_on_test
from dashpot.studies.problem import prepare
from dashpot.studies.questions import TOGETHER, asked_questions, default_questions
from dashpot.studies.repeat import run_text
from dashpot.studies.results import Trial, setting
from dashpot.studies.run import Round
from dashpot.studies.scores import SCORES, choose_scores
from dashpot.studies.splits import deal, draw_splits, quantile_bins, sample_rows
from dashpot.studies.statistics import corrected_interval
from dashpot.studies.words import methods_paragraphs
from dashpot.studies.yardsticks import candidates
from dashpot.training import Done

quick = {"hidden_layers": (8,), "epochs": 8, "splits": 3, "workers": 1, "random_state": 0}
asked = [(L2(0.001), L2(0.1)), Dropout(0.3)]


@pytest.fixture(scope="module")
def survey():
    frame, vote = dashpot.load_anes96()
    return frame.iloc[:240], vote.iloc[:240]


@pytest.fixture(scope="module")
def study(survey):
    return compare(*survey, regularizers=asked, **quick)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_every_row_is_in_one_part_of_a_split_and_tested_once_in_each_round(rng):
    strata = rng.integers(0, 3, 101)
    drawn = draw_splits(strata, None, splits=10, folds=5, rng=rng)
    for split in drawn:
        together = np.concatenate([split.training, split.validation, split.test])
        np.testing.assert_array_equal(np.sort(together), np.arange(101))
    for turn in (drawn[:5], drawn[5:]):
        np.testing.assert_array_equal(np.sort(np.concatenate([split.test for split in turn])), np.arange(101))


def test_parts_keep_the_shares_of_classes_and_have_their_sizes(rng):
    strata = np.repeat([0, 1], [400, 100])
    for split in draw_splits(strata, None, splits=5, folds=5, rng=rng):
        for part, size in ((split.training, 300), (split.validation, 100), (split.test, 100)):
            assert len(part) == pytest.approx(size, abs=2)
            assert strata[part].mean() == pytest.approx(0.2, abs=0.02)


def test_every_class_is_always_learned_even_with_two_rows(rng):
    strata = np.repeat([0, 1, 2], [50, 30, 2])
    for split in draw_splits(strata, None, splits=20, folds=5, rng=rng):
        assert set(strata[split.training]) == {0, 1, 2}


def test_groups_are_never_parted(rng):
    groups = rng.integers(0, 30, 300)
    for split in draw_splits(rng.integers(0, 2, 300), groups, splits=6, folds=3, rng=rng):
        parts = [set(groups[rows]) for rows in (split.training, split.validation, split.test)]
        assert all(parts)
        assert not parts[0] & parts[1] | parts[0] & parts[2] | parts[1] & parts[2]


def test_bins_of_a_target_are_about_equally_full(rng):
    counts = np.bincount(quantile_bins(rng.normal(size=1000), folds=5))
    assert len(counts) == 10
    assert counts.min() > 90


def test_a_sample_keeps_the_shares_and_the_size(rng):
    strata = np.repeat([0, 1], [9000, 1000])
    rows = sample_rows(strata, None, 500, rng)
    assert len(set(rows)) == 500
    assert strata[rows].mean() == pytest.approx(0.1, abs=0.01)
    assert len(np.bincount(deal(strata, None, 7, rng))) == 7


@pytest.mark.parametrize("weighted", [False, True])
def test_scores_agree_with_scikit_learn(rng, weighted):
    truth, odds = rng.integers(0, 3, 60), rng.dirichlet(np.ones(3), 60)
    weights = rng.uniform(0.5, 2, 60) if weighted else None
    score = {name: SCORES[name].measure(truth, odds, weights) for name in ("log_loss", "accuracy", "auc")}
    assert score["log_loss"] == pytest.approx(metrics.log_loss(truth, odds, sample_weight=weights))
    hits = metrics.accuracy_score(truth, odds.argmax(1), sample_weight=weights)
    assert score["accuracy"] == pytest.approx(hits)
    if not weighted:
        area = metrics.roc_auc_score(truth, odds, multi_class="ovr")
        balanced = metrics.balanced_accuracy_score(truth, odds.argmax(1))
        assert score["auc"] == pytest.approx(area)
        assert SCORES["balanced_accuracy"].measure(truth, odds, None) == pytest.approx(balanced)


@pytest.mark.parametrize("weighted", [False, True])
def test_scores_of_amounts_agree_with_scikit_learn(rng, weighted):
    truth, outputs = rng.normal(size=(50, 2)), rng.normal(size=(50, 2))
    weights = rng.uniform(0.5, 2, 50) if weighted else None
    theirs = {
        "r2": metrics.r2_score,
        "rmse": metrics.root_mean_squared_error,
        "mae": metrics.mean_absolute_error,
        "pinball": metrics.mean_pinball_loss,
    }
    for name, measure in theirs.items():
        expected = measure(truth, outputs, sample_weight=weights)
        assert SCORES[name].measure(truth, outputs, weights) == pytest.approx(expected)


def test_scores_that_do_not_exist_are_nan():
    one_class = np.zeros(5, dtype=int)
    assert np.isnan(SCORES["auc"].measure(one_class, np.full((5, 2), 0.5), None))
    assert np.isnan(SCORES["r2"].measure(np.ones((5, 1)), np.zeros((5, 1)), None))


def test_the_prior_predicts_weighted_class_shares_and_unseen_classes_get_nothing(rng):
    targets = np.array([0, 0, 1, 1, 1, 0] * 6 + [2, 2])
    [split] = draw_splits(np.zeros(38, dtype=int), None, 1, 5, rng)
    without = type(split)(split.training[targets[split.training] < 2], split.validation, split.test, 0)
    weights = np.where(targets == 1, 3.0, 1.0)
    found = list(candidates(rng.normal(size=(38, 2)), targets, weights, 3, without))
    counts = np.bincount(targets[without.training], weights[without.training], minlength=3)
    np.testing.assert_allclose(found[0].predict(np.zeros((1, 2)))[0], counts / counts.sum())
    for candidate in found:
        probabilities = candidate.predict(rng.normal(size=(4, 2)))
        np.testing.assert_allclose(probabilities.sum(axis=1), 1)
        assert (probabilities[:, 2] == 0).all()


def test_questions_take_classes_instances_strengths_and_names():
    questions = asked_questions([Dropout, L2(0.1), (L2(0.1), L2(0.2)), L2])
    assert [len(grid) for grid in questions.values()] == [3, 1, 2, 3, 3]
    assert list(questions) == ["Dropout", repr(L2(0.1)), "L2", "L2 #2", TOGETHER]
    assert questions[TOGETHER][0].parts[1:3] == (L2(0.1), L2(0.1))
    assert list(asked_questions({"mine": Recipe((L2(0.1), Dropout(0.2)))})) == ["mine"]


def test_resampling_is_asked_about_only_where_classes_are_uneven():
    even, uneven, tiny = (default_questions(np.array(counts)) for counts in ([50, 50], [90, 30], [90, 5]))
    assert "SMOTE" not in even
    assert {"SMOTE", "Oversampling", "Undersampling"} <= set(uneven)
    assert "SMOTE" not in tiny
    assert "Oversampling" in tiny
    assert "Oversampling" not in default_questions(None)
    assert TOGETHER in even


def test_a_study_has_its_tables(study):
    assert set(study.effects["regularizer"]) == {"L2", repr(Dropout(0.3)), TOGETHER}
    assert {"difference", "low", "high", "p", "adjusted_p", "verdict", "accuracy_points"} <= set(study.effects)
    assert set(study.yardsticks["method"]) >= {PRIOR, "Logistic regression", "Boosted trees", BASELINE}
    assert set(study.curves["method"]) >= {BASELINE}
    assert study.curves[["mean", "low", "high"]].notna().all(axis=None)
    assert study.settings["networks"] == 3 * 6
    assert study.headline


def test_effects_are_paired_differences_of_the_results(study):
    rows = study.results.query("part == 'test' and chosen and metric == 'log_loss'")
    table = rows.pivot(index="split", columns="method", values="value")
    found = study.effects.set_index("regularizer")["difference"]
    assert found["L2"] == pytest.approx((table[BASELINE] - table["L2"]).mean())


def test_batches_grow_with_the_table(rng):
    for rows, size in ((500, 64), (3400, 64), (3500, 128), (15_000, 256)):
        problem = prepare(rng.normal(size=(rows, 1)), rng.normal(size=rows), "auto", None, None, 5, None, rng)
        assert study_design(problem, (8,), 1).batch_size == size


def test_the_strength_is_the_one_that_validates_best(study):
    validated = study.results.query("part == 'validation' and metric == 'log_loss' and method == 'L2'")
    for _, rows in validated.groupby("split"):
        assert rows["chosen"].sum() == 1
        assert rows.loc[rows["chosen"], "value"].item() == rows["value"].min()


def test_only_chosen_strengths_are_ever_tested(study):
    tested = study.results.query("part == 'test'")
    assert tested["chosen"].all()
    assert (tested.groupby(["split", "method", "metric"]).size() == 1).all()


def test_networks_never_see_test_rows_before_the_choice(survey, monkeypatch):
    looked, jobs = [], []
    predictions, train = results.predictions, training.train_as_done
    monkeypatch.setattr(results, "predictions", lambda *given: looked.append(given[2]) or predictions(*given))
    monkeypatch.setattr(
        sys.modules["dashpot.studies.run"],
        "train_as_done",
        lambda examples, given, *more, **named: jobs.extend(given) or train(examples, given, *more, **named),
    )
    compare(*survey, regularizers=asked, **quick)
    for job in jobs:
        assert not set(job.rows) & set(job.validation)
    parts = {len(rows) for rows in looked}
    assert len(looked) == 3 * (
        6 + 2 * 4
    )  # six trials validate, four methods are tested, and their training rows scored
    assert len(parts) <= 6
    for number in range(0, len(jobs), 6):
        split = jobs[number : number + 6]
        assert {job.seed for job in split} == {split[0].seed}
        assert all(np.array_equal(job.rows, split[0].rows) for job in split)


def test_a_regularizer_that_is_off_has_no_effect_at_all(survey):
    study = compare(*survey, regularizers=[L2(0.0)], **quick)
    assert study.effects["difference"].item() == 0.0
    assert study.effects["p"].item() == 1.0


def test_the_surfaces_are_of_the_first_split_without_regularizer_and_with_the_best(study):
    best = best_regularizer(study.results, study.score)
    assert set(study.surfaces) == {BASELINE, best}
    recipes = {BASELINE: Recipe(()), "fair": Recipe((L2(0.01),)), "good": Recipe((Dropout(0.3),))}
    trials = [Trial(split, method, recipe) for split in range(2) for method, recipe in recipes.items()]
    found = Round(trials=trials, trained={k: Done(k, (f"network {k}",), 0.0) for k in range(len(trials))})
    kinds, values = {BASELINE: "baseline"}, {BASELINE: 0.5, "fair": 0.4, "good": 0.3}
    scores = pd.DataFrame(
        {"split": one.split, "method": one.method, "setting": setting(one.recipe), "value": values[one.method]}
        | {"kind": kinds.get(one.method, "regularizer")}
        for one in trials
    ).assign(chosen=True, part="test", metric=study.score.name)
    assert _first_networks(scores, found, study.score) == {BASELINE: "network 0", "good": "network 2"}


def test_equal_seeds_give_equal_studies_on_any_number_of_workers(survey, study):
    again = compare(*survey, regularizers=asked, **quick | {"workers": 2})
    pd.testing.assert_frame_equal(again.effects, study.effects)
    other = compare(*survey, regularizers=asked, **quick | {"random_state": 1})
    assert not other.effects["difference"].equals(study.effects["difference"])


def test_the_call_on_the_page_repeats_the_study(survey, study):
    frame, vote = survey
    names = {name: getattr(dashpot, name) for name in ("compare", "L2", "Dropout", "Recipe")}
    again = eval(summarize(study)["code"], names | {"X": frame, "y": vote})
    pd.testing.assert_frame_equal(again.effects, study.effects)


def test_corrected_intervals_can_be_asked_for(survey, study):
    corrected = compare(*survey, regularizers=asked, intervals="corrected", **quick)
    own, usual = (found.effects.set_index("regularizer") for found in (corrected, study))
    pd.testing.assert_series_equal(own["difference"], usual["difference"].loc[own.index])
    scores = scores_on_test(corrected.results, "log_loss")
    for name in own.index:
        expected = corrected_interval(scores[BASELINE] - scores[name], corrected.settings["test_share"])
        assert own.loc[name, "low"] == pytest.approx(expected.low)
        assert own.loc[name, "high"] == pytest.approx(expected.high)
    assert "Nadeau and Bengio" in " ".join(methods_paragraphs(corrected.settings))
    assert 'intervals = "corrected"' in run_text(corrected.settings)
    with pytest.raises(UsageError, match="intervals is rows or corrected"):
        compare(*survey, regularizers=asked, intervals="narrow", **quick)


def test_progress_ends_at_the_total(survey):
    seen = []
    compare(*survey, regularizers=[L2(0.1)], progress=lambda *done: seen.append(done), **quick)
    assert seen[-1][0] == seen[-1][1]


def test_amounts_are_a_regression(survey):
    frame, _ = survey
    study = compare(frame.drop(columns="age"), frame["age"].astype(float), regularizers=[L2(0.01)], **quick)
    assert study.settings["task"] == "regression"
    assert study.score.name == "r2"
    assert "Ridge regression" in set(study.yardsticks["method"])
    assert study.yardsticks.set_index("method").loc[PRIOR, "r2"] == pytest.approx(0, abs=0.1)


def test_weights_and_groups_are_used_and_said(survey):
    frame, vote = survey
    weights, groups = np.linspace(0.5, 2, len(vote)), np.arange(len(vote)) // 4
    study = compare(frame, vote, weights=weights, groups=groups, regularizers=[L2(0.01)], **quick)
    page = study.settings
    assert page["weighted"]
    assert page["grouped"]
    plain = compare(frame, vote, regularizers=[L2(0.01)], **quick)
    assert not plain.yardsticks["log_loss"].equals(study.yardsticks["log_loss"])


def test_rows_without_a_target_and_large_tables_are_noted(survey):
    frame, vote = survey
    holes = vote.astype(object).copy()
    holes.iloc[:7] = None
    study = compare(frame, holes, regularizers=[L2(0.01)], max_rows=150, **quick)
    assert "7 rows without a value of 'vote' were left out." in study.notes
    assert "a sample of 150 of the 233 rows" in study.notes[1]
    assert study.settings["rows"] == 150


def test_targets_of_any_kind_are_taken(survey, rng):
    frame, vote = survey
    for values in (list(vote), vote.to_numpy(), (vote == "Dole").to_numpy(), vote.to_frame()):
        problem = prepare(frame, values, "auto", None, None, 5, None, rng)
        assert problem.task == "classification"
        assert len(problem.classes) == 2


def failing(survey, change):
    """The survey with something wrong."""
    frame, vote = (part.copy() for part in survey)
    return {"X": frame, "y": vote} | change(frame, vote)


wrong_data = {
    "no rows": (lambda X, y: {"X": X.iloc[:0], "y": y.iloc[:0]}, "no rows"),
    "few rows": (lambda X, y: {"X": X.iloc[:12], "y": y.iloc[:12]}, "12 rows with a target; at least 20"),
    "one class": (lambda X, y: {"y": y.where(y.isna(), "Dole")}, "one class only, 'Dole'"),
    "single row": (lambda X, y: {"y": ["odd", *y.iloc[1:]]}, "class 'odd' has 1 row; at least 2"),
    "all missing": (lambda X, y: {"y": [None] * len(y)}, "every value of the target is missing"),
    "other length": (lambda X, y: {"y": y.iloc[:100]}, "100 values for 240 rows"),
    "constant": (lambda X, y: {"y": np.ones(len(y)), "task": "regression"}, "is 1 in every row"),
    "infinite": (lambda X, y: {"y": [np.inf, *range(239)], "task": "regression"}, "row 1 holds inf"),
    "text amounts": (lambda X, y: {"task": "regression"}, "which is no finite number"),
    "two targets": (lambda X, y: {"y": np.ones((len(y), 2))}, "one target at a time"),
    "negative weight": (
        lambda X, y: {"weights": [-1.0, *np.ones(239)]},
        "row 1 has -1.0; weights must be numbers of at least 0",
    ),
    "no weight": (lambda X, y: {"weights": np.zeros(240)}, "all weights are 0"),
    "short weights": (lambda X, y: {"weights": np.ones(3)}, "weights.: 3 values for 240 rows"),
    "missing group": (lambda X, y: {"groups": [None, *range(239)]}, "missing in row 1"),
    "few groups": (lambda X, y: {"groups": np.arange(240) % 3}, "3 groups; at least 6"),
}


@pytest.mark.parametrize("name", wrong_data)
def test_data_that_cannot_be_studied_get_one_clear_line(survey, name):
    change, message = wrong_data[name]
    with pytest.raises(DataError, match=message) as caught:
        compare(**failing(survey, change), regularizers=[L2(0.1)], **quick)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "wrong",
    [
        {"splits": 1},
        {"splits": 2.5},
        {"test_size": 0.0},
        {"test_size": 0.7},
        {"level": 1.0},
        {"task": "ranking"},
        {"metric": "r2"},
        {"metric": "acuracy"},
        {"epochs": 0},
        {"hidden_layers": (0,)},
        {"max_rows": 3},
        {"workers": 0},
        {"regularizers": []},
        {"regularizers": "Dropout"},
        {"regularizers": [3]},
        {"regularizers": {BASELINE: L2(0.1)}},
    ],
)
def test_parameters_out_of_range_get_one_clear_line(survey, wrong):
    with pytest.raises(UsageError, match=r"^compare\(|^regularizers") as caught:
        compare(*survey, **quick | wrong)
    assert "\n" not in str(caught.value)


def test_a_misspelt_metric_is_understood():
    with pytest.raises(UsageError, match="Did you mean 'accuracy'"):
        choose_scores("acuracy", "classification")


def test_pictures_can_be_asked_about_their_transformations(tmp_path):
    images, digits = load_digits(return_X_y=True)
    pictures = images[:300].reshape(-1, 8, 8)
    settings = {"splits": 2, "epochs": 15, "hidden_layers": (16,), "yardsticks": (), "random_state": 0}
    found = compare(pictures, digits[:300], regularizers=[Shift(0.1)], image_shape=(8, 8), **settings)
    assert any(name.startswith("Shift") for name in found.results["method"])
    assert "image_shape = [8, 8]" in found.write_run(tmp_path / "run.toml").read_text()
    flat = compare(images[:300], digits[:300], regularizers=[Shift(0.1)], image_shape=(8, 8), **settings)
    pd.testing.assert_frame_equal(found.results.drop(columns="seconds"), flat.results.drop(columns="seconds"))
    with pytest.raises(UsageError, match="image_shape"):
        compare(images[:300], digits[:300], image_shape=(8,), **settings)


def test_pictures_are_asked_about_small_moves_by_default():
    assert "Moved pictures" in default_questions(None, pictures=True)
    assert "Moved pictures" not in default_questions(None)
