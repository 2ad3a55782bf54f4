"""What a study can be asked, what it measures, what it notices, and how it is repeated."""

import time

import numpy as np
import pandas as pd
import pytest
from made_study import make_study
from sklearn import metrics

import dashpot
from dashpot import jobs, training
from dashpot.errors import DataError, UsageError
from dashpot.regularizers import L1, L2, Dropout, Ensemble, Recipe
from dashpot.report import render, summarize, to_markdown
from dashpot.stack import Stack
from dashpot.studies import compare, run, tested
from dashpot.studies.bootstrap import Bootstrap
from dashpot.studies.checks import copied_share, group_columns, leaking_columns
from dashpot.studies.compare import study_design
from dashpot.studies.effects import PRIOR
from dashpot.studies.problem import prepare
from dashpot.studies.questions import TOGETHER, asked_questions, default_questions, expanded
from dashpot.studies.repeat import read_run, run_text
from dashpot.studies.scores import SCORES, choose_scores
from dashpot.studies.splits import draw_splits

quick = {"hidden_layers": (8,), "epochs": 6, "workers": 1, "yardsticks": ()}
asked = [L2(0.001), Dropout(0.3), L1(0.001)]


@pytest.fixture(scope="module")
def survey():
    frame, vote = dashpot.load_anes96()
    return frame.iloc[:200], vote.iloc[:200]


@pytest.fixture(scope="module")
def study(survey):
    return compare(*survey, regularizers=asked, splits=5, ask=["alone", "leave-one-out", "pairs"], **quick)


# ---- questions


def test_leaving_one_out_is_measured_against_the_whole(study):
    effects = study.effects.set_index("regularizer")
    without = f"All but {Dropout(0.3)!r}"
    assert effects.loc[without, "against"] == TOGETHER
    rows = study.results.query("part == 'test' and metric == 'log_loss'")
    table = rows.pivot(index="split", columns="method", values="value")
    assert effects.loc[without, "difference"] == pytest.approx((table[TOGETHER] - table[without]).mean())


def test_pairs_are_all_pairs_of_what_was_asked(study):
    names = set(study.effects["regularizer"])
    assert sum(" + " in name for name in names) == 3
    assert len(names) == 3 + 1 + 3 + 3


def test_the_default_combination_is_taken_apart_into_its_four_parts():
    questions, against = expanded(default_questions(None), ["leave-one-out"])
    assert len(against) == 4
    assert set(against.values()) == {TOGETHER}
    assert len(questions) == 5


def test_ensemble_sizes_are_questions_of_their_own():
    questions, _ = expanded(asked_questions([L2(0.1)]), ["ensemble-size"])
    assert list(questions) == [f"Ensemble of {size}" for size in (2, 4, 8, 16)]


@pytest.mark.parametrize("ask", [[], ["everything"], "alone", ["leave-one-out"]])
def test_questions_that_make_no_sense_are_refused(ask, survey):
    with pytest.raises(UsageError, match=r"^compare\(ask"):
        compare(*survey, regularizers=[L2(0.1)], ask=ask, **quick)


# ---- scores


def test_scikit_learns_scorers_are_scores():
    rng = np.random.default_rng(0)
    truth, odds = rng.integers(0, 3, 80), rng.dirichlet(np.ones(3), 80)
    [f1, *_] = choose_scores(["f1_macro"], "classification")
    assert f1.measure(truth, odds, None) == pytest.approx(metrics.f1_score(truth, odds.argmax(1), average="macro"))
    assert f1.perfect == 1.0
    [median, *_] = choose_scores("neg_median_absolute_error", "regression")
    amounts = rng.normal(size=(80, 1))
    assert median.measure(amounts, amounts + 2, None) == pytest.approx(-2)
    assert median.perfect == 0.0


def test_a_scorer_of_ones_own_decides(survey):
    def misses(model, X, y, sample_weight=None):
        return -float(np.average(model.predict(X) != y, weights=sample_weight))

    study = compare(*survey, regularizers=[L2(0.1)], splits=5, metric=[misses, "brier"], **quick)
    assert study.score.name == "misses"
    accuracy = study.results.query("part == 'test' and metric == 'accuracy' and method == 'No regularizer'")[
        "value"
    ].mean()
    own = study.results.query("part == 'test' and metric == 'misses' and method == 'No regularizer'")["value"].mean()
    assert own == pytest.approx(accuracy - 1)
    assert {"misses", "brier", "log_loss"} <= set(study.yardsticks)
    assert render(summarize(study))


def test_pinball_loss_and_its_quantile():
    [score, *_] = choose_scores("pinball_0.9", "regression")
    truth, outputs = np.array([[1.0], [3.0]]), np.array([[0.0], [5.0]])
    assert score.measure(truth, outputs, None) == pytest.approx((0.9 * 1 + 0.1 * 2) / 2)
    with pytest.raises(UsageError, match="between 0 and 1"):
        choose_scores("pinball_2", "regression")


def test_honest_probabilities_have_almost_no_calibration_error_and_bold_ones_have_one():
    rng = np.random.default_rng(0)
    sure = rng.uniform(0.2, 0.8, 20_000)
    truth = (rng.random(20_000) < sure).astype(int)
    bold = np.clip(1.5 * sure - 0.25, 0, 1)
    honest, too_bold = (
        SCORES["calibration_error"].measure(truth, np.column_stack([1 - p, p]), None) for p in (sure, bold)
    )
    assert honest < 0.015
    assert too_bold == pytest.approx(np.abs(bold - sure).mean(), abs=0.015)


def test_every_score_has_effects_of_its_own(study):
    table = study.effects_on("auc")
    assert set(table["regularizer"]) == set(study.effects["regularizer"])
    with pytest.raises(UsageError, match="this study measured"):
        study.effects_on("rmse")


# ---- a fixed test set, time


def test_a_fixed_test_set_is_the_same_in_every_split(survey):
    fixed = np.arange(200) % 4 == 0
    study = compare(*survey, regularizers=asked, splits=5, test=fixed, **quick)
    for rows in study.tested.rows:
        np.testing.assert_array_equal(rows, np.flatnonzero(fixed))
    assert np.isfinite(study.effects[["low", "high", "p"]]).all(axis=None)
    assert "bootstrap" in " ".join(summarize(study)["methods"])


def test_the_bootstrap_covers_the_truth_of_rows_and_repeats():
    rng, covered, names = np.random.default_rng(0), [], ("a", "b")
    truth = np.zeros((60, 1))
    for _ in range(60):
        rows = {name: 9 + rng.normal(0, 1, (60, 1)) for name in names}
        predicted = {
            (k, name): (rows[name] + rng.normal(0, 0.3)).astype(np.float32) for k in range(4) for name in names
        }
        known = tested.Tested([np.arange(60)] * 4, truth, None, None, predicted)
        first, second = (dict.fromkeys(range(4), name) for name in names)
        interval = Bootstrap(known, SCORES["mae"], 0.9).interval(first, second)
        covered.append(interval.low <= 0 <= interval.high)
    assert 0.8 <= np.mean(covered) <= 0.99


def test_a_test_set_that_parts_a_group_or_leaves_nothing_is_refused(survey):
    with pytest.raises(DataError, match="test"):
        compare(*survey, regularizers=asked, test=np.ones(200, dtype=bool), **quick)
    with pytest.raises(DataError, match="group"):
        compare(*survey, regularizers=asked, test=np.arange(200) < 50, groups=np.arange(200) % 40, **quick)


def test_a_short_budget_makes_fewer_splits_and_nothing_else_differs(survey):
    start = time.perf_counter()
    study = compare(*survey, regularizers=[L2(0.1)], splits=400, budget=1.5, **quick)
    assert time.perf_counter() - start < 15
    assert 1 <= study.settings["splits"] < 400
    assert any("The budget allowed" in note for note in study.notes)
    whole = compare(*survey, regularizers=[L2(0.1)], splits=max(2, study.settings["splits"]), **quick)
    same = whole.results[whole.results["split"] < study.settings["splits"]]
    pd.testing.assert_frame_equal(same.drop(columns="seconds"), study.results.drop(columns="seconds"))


def test_a_budget_that_allows_fewer_than_five_splits_gives_no_verdict_and_says_so(survey, monkeypatch):
    monkeypatch.setattr(run.Rounds, "_fitting", lambda self, done, end, slowest: 2 if done == 1 else 0)
    study = compare(*survey, regularizers=[L2(0.1)], splits=10, budget=60, **quick)
    assert (study.settings["splits"], study.settings["partial"]) == (3, True)
    assert "The budget allowed 3 of 10 splits; fewer than five are too few for a verdict." in study.notes
    assert set(study.effects["verdict"]) == {"too few data"}


def test_a_budget_shorter_than_one_split_keeps_what_is_answered(survey):
    asked = [L2(0.01), L2(0.1), Dropout(0.2), Dropout(0.5), *map(L2, range(1, 9))]
    study = compare(*survey, regularizers=asked, splits=10, budget=1e-3, **quick)
    assert (study.settings["splits"], study.settings["partial"]) == (1, True)
    assert 1 <= len(study.effects) < len(asked)
    assert study.settings["asked"] == len(asked) + 1
    notes = " ".join(study.notes)
    assert "The budget ended before these were answered: " in notes
    assert "L2(strength=8), Combined recipe." in notes
    assert set(study.effects["verdict"]) == {"too few data"}
    assert study.effects["low"].isna().all()
    assert "splits = 10\n" in run_text(study.settings)


def test_yardsticks_that_a_budget_has_no_time_for_are_noted(survey):
    study = compare(*survey, regularizers=[L2(0.1)], splits=10, budget=1e-3, **quick | {"yardsticks": ("forest",)})
    assert "Random forest" not in set(study.yardsticks["method"])
    assert "The budget ended before these yardsticks were fitted: forest." in study.notes


def test_an_interrupted_study_keeps_what_is_answered(survey, monkeypatch):
    train = run.train_as_done

    def stopped(examples, jobs, *more, **named):
        for number, done in enumerate(train(examples, jobs, *more, **named)):
            if number == len(jobs) - 5:
                raise KeyboardInterrupt
            yield done

    monkeypatch.setattr(run, "train_as_done", stopped)
    study = compare(*survey, regularizers=asked, splits=5, **quick)
    assert study.settings["interrupted"]
    assert 1 <= len(study.effects) < 4
    assert study.settings["questions"] == 4  # what was not answered was asked, and Holm's adjustment counts it
    assert "Stopped by hand before these were answered" in study.notes[-1]


# ---- what is noticed


def problem_of(X, y):
    """A problem and its splits."""
    rng = np.random.default_rng(0)
    problem = prepare(X, y, "auto", None, None, 5, None, rng)
    return problem, draw_splits(problem.strata, None, 5, 5, rng)


def test_a_column_that_gives_the_target_away_is_named():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 300)
    X = pd.DataFrame({"plain": rng.normal(size=300), "outcome code": y * 7 + rng.normal(0, 0.1, 300)})
    problem, drawn = problem_of(X, y)
    assert [leak["column"] for leak in leaking_columns(problem, drawn[0])] == ["outcome code"]


def test_copies_across_a_split_are_counted():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(100, 3)), rng.integers(0, 2, 100)
    problem, drawn = problem_of(X, y)
    assert copied_share(problem, drawn[0]) == 0
    problem, drawn = problem_of(np.vstack([X, X]), np.r_[y, y])
    assert copied_share(problem, drawn[0]) > 0.6


def test_columns_that_look_like_groups_are_named():
    frame = pd.DataFrame({"household_id": np.arange(300) // 3, "row_id": np.arange(300), "age": np.arange(300) % 60})
    assert group_columns(frame) == ["household_id"]


def noticed(**changes):
    """The numbers of what a made study notices."""
    return [finding.number for finding in make_study(**changes).findings]


def test_findings_have_their_numbers():
    assert 1 in noticed(yardsticks={PRIOR: 0.3})
    assert 2 in noticed(yardsticks={PRIOR: -0.25, "Logistic regression": 0.2})
    assert 3 in noticed(yardsticks={PRIOR: -0.25, "Boosted trees": 0.2})
    assert 11 in noticed(splits=3)
    assert noticed(yardsticks={PRIOR: -0.25, "Boosted trees": -0.1}) == []


def test_findings_of_a_table_come_from_its_checks():
    study = make_study()
    checks = {
        "smallest_share": 0.03,
        "smallest_class": "rare",
        "leaks": [{"column": "code", "score": 0.999}],
        "copies": 0.3,
        "group_columns": ["household_id"],
    }
    object.__setattr__(study, "checks", checks)
    assert {6, 8, 9, 10} <= {finding.number for finding in study.findings}
    for finding in study.findings:
        assert all(text.endswith(".") and "\n" not in text for text in (finding.what, finding.meaning, finding.action))


def test_a_network_that_learns_by_heart_is_told_so():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(200, 20)), rng.integers(0, 2, 200)
    options = {"hidden_layers": (64,), "epochs": 300, "workers": 1, "yardsticks": ()}
    study = compare(X, y, regularizers=[L2(0.0001)], splits=5, **options)
    assert {1, 4, 7} <= {finding.number for finding in study.findings}
    page = render(summarize(study))
    assert "learns its training rows by heart" in page
    assert "Can the probabilities be trusted?" in page


# ---- to repeat it


def test_a_study_is_repeated_from_its_settings(study, survey, tmp_path):
    about, options = read_run(study.write_run(tmp_path / "run.toml", {"file": "a.csv", "target": "vote"}))
    assert about == {"file": "a.csv", "target": "vote"}
    again = compare(*survey, workers=1, **options)
    pd.testing.assert_frame_equal(again.effects, study.effects)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("not toml [", "is no TOML file"),
        ("", "has no .compare."),
        ("[compare]\nsplits = 5\nworld = 1\n[regularizers]\na = ['L2(0.1)']", "'world' is not a setting"),
        ("[compare]\nsplits = 5\n[regularizers]\na = ['import os']", "write a regularizer"),
        ("[compare]\nsplits = 5\n[regularizers]\na = [3]", "is no regularizer"),
    ],
)
def test_settings_that_cannot_be_read_get_one_line(text, message, tmp_path):
    path = tmp_path / "run.toml"
    path.write_text(text)
    with pytest.raises((DataError, UsageError), match=message):
        read_run(path)


def test_the_markdown_twin_escapes_what_users_wrote(study):
    text = to_markdown(summarize(study))
    assert text.startswith("# What helps a network predict vote?")
    assert "## How this was done" in text
    nasty = to_markdown(summarize(make_study(target="<b>`|*x*", notes=("[a](b)",))))
    assert "<b>" not in nasty.replace("\\<b\\>", "")
    assert "\\[a\\](b)" in nasty


def test_the_json_twin_and_the_notebook_show_the_same_headline(study, tmp_path):
    written = study.write_json(tmp_path / "results.json").read_text(encoding="utf-8")
    assert study.headline in written
    assert study.headline in study._repr_html_()


def test_a_study_that_was_stopped_goes_on_to_the_same_figures(survey, monkeypatch, tmp_path):
    settings = {
        "regularizers": [Dropout(0.3), Ensemble(2)],
        "splits": 3,
        "epochs": 4,
        "workers": 1,
        "hidden_layers": (8,),
    }
    whole = compare(*survey, **settings)
    trained = []
    train_stack = training.train_stack

    def counted(*arguments):
        if len(trained) == 2:
            raise KeyboardInterrupt
        trained.append(1)
        return train_stack(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(training, "train_stack", counted)
        patch.setattr(jobs, "LARGEST_STACK", 1)
        with pytest.raises(KeyboardInterrupt):
            compare(*survey, checkpoint=tmp_path / "kept", **settings)
    assert list((tmp_path / "kept").rglob("stack-*.safetensors"))
    epochs = []
    train_epoch = Stack.train_epoch
    monkeypatch.setattr(Stack, "train_epoch", lambda self: epochs.append(len(self.members)) or train_epoch(self))
    again = compare(*survey, checkpoint=tmp_path / "kept", **settings)
    assert sum(epochs) == (12 - 2) * 4  # in each split without and with dropout, once more for each ensemble
    pd.testing.assert_frame_equal(again.effects, whole.effects)


def test_ctrl_c_is_not_kept_by_the_network_of_scikit_learn(survey, monkeypatch):
    """It catches KeyboardInterrupt, warns, and returns; the study would go on as if nothing had been said."""
    from sklearn.neural_network._multilayer_perceptron import BaseMultilayerPerceptron

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(BaseMultilayerPerceptron, "_update_no_improvement_count", interrupted)
    with pytest.raises(KeyboardInterrupt):
        compare(*survey, regularizers=[L2(0.1)], splits=3, workers=1, yardsticks=["mlp"], epochs=2)


def test_a_network_that_several_questions_ask_for_is_trained_once(survey, monkeypatch):
    trained = []
    once = training.train_stack

    def counted(examples, prepared, *more):
        trained.append(len(prepared))
        return once(examples, prepared, *more)

    monkeypatch.setattr(training, "train_stack", counted)
    study = compare(*survey, regularizers=None, ask=["ensemble-size"], splits=2, **quick)
    assert sum(trained) == 2 * 16
    assert study.settings["networks"] == 2 * 16


def test_networks_that_are_shared_are_those_that_would_be_trained_alone(survey):
    problem = prepare(*survey, "auto", None, None, 5, None, np.random.default_rng(0))
    [split] = draw_splits(problem.strata, None, 1, 5, np.random.default_rng(1))
    design = study_design(problem, (8,), 3)
    recipes = [Recipe(()), Recipe((Ensemble(3),)), Recipe((Dropout(0.5), Ensemble(2, bootstrap=True)))]
    planned = [jobs.Job(recipe, split.training, split.validation, 7, design) for recipe in recipes]
    together = training.train(problem.examples, planned, workers=1)
    for job, members in zip(planned, together, strict=True):
        [alone] = training.train(problem.examples, [job], workers=1)
        for network, same in zip(members, alone, strict=True):
            np.testing.assert_array_equal(network.layers[0][0], same.layers[0][0])
    assert together[0][0] is together[1][0]
