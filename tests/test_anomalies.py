"""Odd rows: found without labels, explained in words, judged by networks that did not see them."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score
from sklearn.utils.estimator_checks import parametrize_with_checks

import dashpot
from dashpot import AnomalyDetector, DataError, ModelFileError, UsageError, load_anes96
from dashpot.anomalies import Kind
from dashpot.anomalies.floors import worth
from dashpot.anomalies.folds import fingerprints, folds_of
from dashpot.anomalies.judges import KINDS
from dashpot.anomalies.juries import PARTS, midmost_first, weights_of
from dashpot.anomalies.neighbours import mean_distances
from dashpot.anomalies.scale import Scale
from dashpot.anomalies.standard import CAP, Standard
from dashpot.anomalies.tails import scores_of_juries, tail_probabilities
from dashpot.anomalies.threshold import cheapest, labels_of
from dashpot.anomalies.wording import words_of
from dashpot.optimizers import AdamW
from dashpot.reconstruction import Cell
from dashpot.report.detection import histogram, render_detection, summarize_detection
from dashpot.tables.schema import Column

QUICK = {"kinds": KINDS[:1], "folds": 2, "max_epochs": 3, "random_state": 0, "workers": 1}


@parametrize_with_checks([AnomalyDetector(**QUICK | {"max_epochs": 1})])
def test_scikit_learns_checks(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def plane():
    """300 rows near a plane in four dimensions, the first six far from it, though each value alone is usual."""
    rng = np.random.default_rng(0)
    hidden = rng.normal(size=(300, 2))
    table = hidden @ rng.normal(size=(2, 4)) + 0.05 * rng.normal(size=(300, 4))
    table[:6] = rng.permuted(table[:6], axis=0)
    table[:6, 0] += np.where(rng.random(6) < 0.5, 1.5, -1.5)
    return table


@pytest.fixture(scope="module")
def detector(plane):
    return AnomalyDetector(random_state=0, workers=1).fit(plane)


@pytest.fixture(scope="module")
def survey():
    frame, _ = load_anes96()
    return frame.assign(region=np.where(np.arange(len(frame)) % 3 == 0, "north", "south"))


@pytest.fixture(scope="module")
def surveyed(survey):
    return AnomalyDetector(kinds=KINDS[:1], max_epochs=20, random_state=0, workers=1).fit(survey)


def test_rows_off_the_plane_are_among_the_oddest(detector):
    oddest = np.argsort(-detector.training_scores_)
    assert len(set(range(6)) & set(oddest[:10])) >= 5
    assert set(range(6)) <= set(oddest[:20])


def test_the_code_sees_what_breaks_the_correlations(plane):
    found = AnomalyDetector(parts=("code",), random_state=0, workers=1).fit(plane)
    assert set(range(6)) <= set(np.argsort(-found.training_scores_)[:10])


def test_a_training_row_is_judged_as_at_fit(detector, plane):
    np.testing.assert_allclose(detector.anomaly_scores(plane), detector.training_scores_, atol=1e-9)
    np.testing.assert_allclose(detector.anomaly_scores(plane[::-1]), detector.training_scores_[::-1], atol=1e-9)


def test_equal_numbers_give_equal_scores_on_any_number_of_workers(plane):
    one, two = (AnomalyDetector(max_epochs=3, random_state=0, workers=workers).fit(plane) for workers in (1, 2))
    np.testing.assert_array_equal(one.training_scores_, two.training_scores_)


def test_contamination_flags_its_share(plane):
    found = AnomalyDetector(contamination=0.1, **QUICK).fit_predict(plane)
    assert (found == -1).sum() == 30


def test_auto_flags_rows_three_spreads_above_the_median(detector):
    scores = detector.training_scores_
    limit = np.median(scores) + 3 * 1.4826 * np.median(np.abs(scores - np.median(scores)))
    assert detector.offset_ == pytest.approx(-limit)


def test_at_most_alpha_of_new_usual_rows_have_p_values_below_alpha():
    rng = np.random.default_rng(1)
    shares = []
    for seed in range(6):
        table = rng.normal(size=(700, 2)) @ rng.normal(size=(2, 4)) + 0.1 * rng.normal(size=(700, 4))
        p = AnomalyDetector(**QUICK | {"random_state": seed}).fit(table[:300]).p_values(table[300:])
        shares.append([(p <= alpha).mean() for alpha in (0.02, 0.05, 0.1, 0.2)])
    alphas = np.array([0.02, 0.05, 0.1, 0.2])
    chance = np.sqrt(alphas * (1 - alphas) * (1 / 300 + 1 / 400) / 6)
    assert (np.mean(shares, axis=0) <= alphas + 2.5 * chance).all()


@given(st.integers(2, 60), st.integers(2, 4), st.integers(0, 2**31))
@settings(deadline=None, max_examples=40)
def test_p_values_are_shares_of_the_scores_that_are_as_great(rows, folds, seed):
    rng = np.random.default_rng(seed)
    known, known_fold = rng.normal(size=rows), np.arange(rows) % folds
    new = rng.normal(size=(5, 1)).repeat(folds, axis=1)
    p = tail_probabilities(new, np.full(5, -1), known, known_fold)
    np.testing.assert_allclose(p, [(1 + (known >= score).sum()) / (1 + rows) for score in new[:, 0]])


def test_the_nearest_references_are_those_of_a_sorted_list():
    rng = np.random.default_rng(0)
    points, references = rng.normal(size=(50, 3)), rng.normal(size=(40, 3))
    distances = np.sort(np.linalg.norm(points[:, None] - references, axis=2), axis=1)
    wanted = np.column_stack([distances[:, :count].mean(1) for count in (1, 7, 40)])
    np.testing.assert_allclose(mean_distances(points, references, (1, 7, 99)), wanted, rtol=1e-3)


def test_a_missing_number_adds_nothing_to_a_distance():
    points, references = np.array([[1.0, np.nan], [1.0, 2.0]]), np.array([[1.0, 5.0], [4.0, 2.0]])
    assert mean_distances(points, references, (1, 2)).tolist() == [[0.0, 1.5], [3.0, 3.0]]


def test_one_cell_makes_a_row_odd_up_to_a_limit_only():
    standard = Standard((Cell(0, 0, 1, False),), np.zeros(1), np.ones(1))
    times = standard.times(np.zeros((3, 1)), np.array([[2.0], [25.0], [np.nan]]), usual=np.ones(1))
    assert times.tolist() == [[2.0], [CAP], [0.0]]


def test_a_measure_that_is_very_odd_counts_more_than_the_mean():
    scale = Scale(np.zeros(4), np.ones(4), np.full(4, 0.25))
    one, all_four = np.exp([[8.0, 0, 0, 0], [2.0, 2, 2, 2]])
    assert scale.scores(one[None])[0] > scale.scores(all_four[None])[0] > 1.99


@pytest.mark.parametrize("part", ["residual", "code", "nearest", "tenth"])
def test_each_part_alone_finds_a_row_far_from_all(plane, part):
    found = AnomalyDetector(parts=(part,), **QUICK).fit(plane)
    usual, far = found.anomaly_scores(plane[6:]), found.anomaly_scores([[20.0, -20, 20, -20]])
    assert far[0] > np.quantile(usual, 0.99)


def test_odd_rows_that_are_alike_are_found_by_the_nearest_tenth(plane):
    rng = np.random.default_rng(0)
    table = np.vstack([plane[6:], [20, -20, 20, -20] + 0.001 * rng.normal(size=(12, 4))])
    nearest, tenth = (AnomalyDetector(parts=(part,), trim=0, **QUICK).fit(table) for part in ("nearest", "tenth"))
    assert set(np.argsort(-tenth.training_scores_)[:12]) == set(range(294, 306))
    assert nearest.training_scores_[294:].mean() < np.median(nearest.training_scores_)


def test_a_sixth_of_the_rows_that_is_odd_and_alike_is_found_where_so_many_are_trimmed(plane):
    rng = np.random.default_rng(0)
    table = np.vstack([plane[6:], [3, -3, 3, -3] + 0.1 * rng.normal(size=(60, 4))])
    odd = np.arange(len(table)) >= len(plane) - 6
    few, many = (AnomalyDetector(trim=trim, **QUICK).fit(table).training_scores_ for trim in (0.1, 0.4))
    assert roc_auc_score(odd, many) > 0.95
    assert roc_auc_score(odd, few) < 0.3


def test_rows_in_the_midst_of_the_others_come_first():
    rows = np.array([[9.0], [9.1], [0.0], [0.21], [0.1], [0.4]])
    assert midmost_first(rows).ravel().tolist() == [0.1, 0.21, 0.0, 0.4, 9.0, 9.1]


def test_parts_count_alike_and_networks_share_the_weight_of_theirs():
    np.testing.assert_allclose(weights_of(("residual", "tenth"), 4, trim=0.0), [0.25] * 4 + [1])
    np.testing.assert_allclose(weights_of(("residual", "tenth"), 2, trim=0.1), [0.5] * 2 + [0.96, 0.04])
    np.testing.assert_allclose(weights_of(("nearest", "tenth"), 2, trim=0.4), [0.36, 0.36, 0.64, 0.64])


def test_p_values_of_training_rows_are_their_ranks(detector, plane):
    p = detector.p_values(plane)
    assert p.min() == pytest.approx(1 / 300)
    assert p.max() == 1
    assert (np.argsort(p) == np.argsort(-detector.training_scores_)).mean() > 0.9


def test_the_column_that_was_changed_is_named(surveyed, survey):
    row = survey.iloc[[10]].assign(age=19.0, TVnews=7.0, educ=7.0, income=1.0, PID=0.0, selfLR=7.0)
    found = surveyed.explain(row, most=2)
    assert set(found["column"]) <= {"selfLR", "income", "PID", "educ", "ClinLR", "DoleLR", "popul", "TVnews", "age"}
    assert found["times"].is_monotonic_decreasing
    assert "was expected" in found["words"][0]


def test_seen_values_are_those_of_the_table(surveyed, survey):
    found = surveyed.explain(survey.iloc[[0]], most=len(survey.columns)).set_index("column")
    assert float(found.loc["age", "seen"].replace(",", "")) == survey["age"].iloc[0]
    assert found.loc["region", "seen"] == "'north'"
    assert found["share"].sum() == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(
    ("seen", "expected", "texts"),
    [
        (101325, 101345, ("101,325", "101,345")),
        (101325, 101325.25, ("101,325", "101,325.2")),
        (2026, 2025.5, ("2026", "2025.5")),
        (1e12, 0.001, ("1e+12", "0.001")),
        (np.nan, 5, ("missing", "5")),
    ],
)
def test_numbers_have_as_many_digits_as_tell_them_apart(seen, expected, texts):
    words = words_of(Cell(0, 0, 1, False), Column("pressure", "number"), np.array([seen]), np.array([expected]))
    assert (words.seen, words.expected) == texts


def test_times_of_one_day_are_told_apart():
    column = Column("arrival", "date")
    words = words_of(Cell(0, 0, 1, False), column, np.array([19000.75]), np.array([19000.5]))
    assert words[:2] == ("2022-01-08 18:00", "2022-01-08 12:00")
    assert words_of(Cell(0, 0, 1, False), column, np.zeros(1), np.ones(1))[:2] == ("1970-01-01", "1970-01-02")


def test_an_odd_number_is_a_reason_though_it_is_near_the_others():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"pressure": 101325 + rng.normal(size=200), "size": rng.normal(size=200)})
    found = AnomalyDetector(**QUICK).fit(table)
    assert found.reasons(pd.DataFrame({"pressure": [101345.0], "size": [0.0]}))[0].startswith(
        "pressure is 101,345, 101,3"
    )


def test_missing_cells_are_neither_punished_nor_an_error(surveyed, survey):
    row = survey.iloc[[5]].copy()
    empty = row.assign(age=np.nan)
    assert np.isfinite(surveyed.anomaly_scores(empty)).all()
    assert surveyed.explain(empty, most=10).set_index("column").loc["age", "times"] == 0


def test_a_row_with_a_missing_cell_is_no_odder_for_it(plane):
    table = plane.copy()
    table[100, 1] = np.nan
    found = AnomalyDetector(parts=("nearest", "tenth"), **QUICK).fit(table)
    assert found.training_scores_[100] < np.quantile(found.training_scores_, 0.9)


@pytest.fixture(scope="module", params=["two levels", "three levels", "three levels and missing cells"])
def coloured(request):
    """A detector that knows the colours red, green, and perhaps blue, and a row of a colour."""
    colours = np.resize(["red", "green", "blue"] if "three" in request.param else ["red", "green"], 120).astype(object)
    if "missing" in request.param:
        colours[::10] = None
    table = pd.DataFrame({"colour": colours, "size": np.arange(120.0), "weight": np.arange(120.0) ** 2})
    return AnomalyDetector(**QUICK).fit(table), table.iloc[[1]].assign(size=50.5)


def test_an_unseen_level_is_said_to_be_one(coloured):
    found, row = coloured
    assert found.reasons(row.assign(colour="violet"), most=1) == ["colour is 'violet', which the fit had not seen"]


@pytest.mark.parametrize("colour", [None, "violet"])
def test_a_category_that_is_missing_or_unseen_counts_for_nothing(coloured, colour):
    found, row = coloured
    strange = row.assign(colour=colour)
    assert found.explain(strange).set_index("column").loc["colour", "times"] == 0
    inputs, targets, fold = found._encoded(strange)
    own = next(cell for cell in found.standard_.cells if cell.category)
    assert fold[0] == -1
    assert np.isnan(targets[0, own.first : own.past]).all()
    seen = found.networks_[0].seen(inputs)
    assert (seen[0, own.first : own.past] == 0).all()


@pytest.mark.parametrize("colour", [None, "violet"])
def test_a_row_is_no_odder_for_a_category_that_is_missing_or_unseen(colour):
    rng = np.random.default_rng(0)
    colours = rng.choice(np.array(["red", "green", "blue", "white"], dtype=object), 600)
    table = pd.DataFrame({"colour": colours, "size": rng.normal(size=600), "weight": rng.normal(size=600)})
    found = AnomalyDetector(parts=("nearest", "tenth"), **QUICK).fit(table[:300])
    whole, without = found.anomaly_scores(table[300:]), found.anomaly_scores(table[300:].assign(colour=colour))
    assert (without <= whole + 1e-6).all()


def test_levels_unseen_at_fit_are_drift():
    table = pd.DataFrame({"sex": ["f", "m"] * 150, "size": np.arange(300.0)})
    found = AnomalyDetector(**QUICK).fit(table)
    moved = found.drift(table.assign(sex=np.resize(["q", "f", "q", "m"], 300))).set_index("what")
    assert moved.loc["sex", "p"] < 0.001


def test_every_row_has_a_reason(surveyed, survey):
    assert all(surveyed.reasons(survey.head(20)))


def test_drift_names_the_column_that_moved(surveyed, survey):
    same = surveyed.drift(survey)
    assert (same["p"] > 0.05).all()
    moved = surveyed.drift(survey.assign(age=survey["age"] + 15))
    assert moved["what"][0] == "age"
    assert moved["p"][0] < 0.001


def test_rows_as_those_of_the_fit_have_not_drifted():
    rng, fewest = np.random.default_rng(0), []
    for seed in range(8):
        found = AnomalyDetector(**QUICK | {"folds": 4, "random_state": seed}).fit(rng.normal(size=(300, 3)))
        fewest.append(found.drift(rng.normal(size=(3000, 3)))["p"].min())
    assert sum(p < 0.05 for p in fewest) <= 1


def test_scores_are_compared_jury_by_jury():
    by_fold, fold = np.array([[1.0, 3.0], [np.nan, 5.0]]), np.array([-1, 1])
    assert scores_of_juries(by_fold, fold).tolist() == [[1.0, 3.0], [5.0, 5.0]]


def test_juries_that_differ_are_no_drift(detector, plane, monkeypatch):
    rng = np.random.default_rng(0)
    of_juries = rng.choice(detector.training_scores_, size=(2000, len(detector.juries_)))
    monkeypatch.setattr(detector, "_scores_by_fold", lambda inputs, targets, fold: of_juries)
    moved = detector.drift(rng.normal(size=(2000, plane.shape[1]))).set_index("what")
    assert moved.loc["the score", "p"] > 0.05


def test_simple_methods_stand_beside(surveyed, survey):
    table = surveyed.floors(survey)
    assert list(table["method"]) == ["AnomalyDetector", "PCA residual", "kNN", "isolation forest"]
    assert table["agreement"][0] == 1
    assert "auroc" not in table


@pytest.mark.parametrize(("theirs", "words"), [(0.9, "not worth it"), (0.1, "find more")])
def test_with_labels_the_better_method_is_named(theirs, words):
    table = pd.DataFrame({"method": ["AnomalyDetector", "kNN"], "agreement": [1, 0.5], "auroc": [0.8, 0.8]}).assign(
        average_precision=[0.5, theirs]
    )
    assert words in worth(table)


def test_a_method_that_agrees_makes_the_autoencoders_needless():
    assert "add little" in worth(pd.DataFrame({"method": ["AnomalyDetector", "kNN"], "agreement": [1, 0.97]}))


def test_the_threshold_follows_the_cost_of_a_miss(plane):
    labels = np.arange(300) < 6
    dear = AnomalyDetector(**QUICK).fit(plane).choose_threshold(plane, labels, cost=1000)
    cheap = AnomalyDetector(**QUICK).fit(plane).choose_threshold(plane, labels, cost=0.001)
    assert (dear.predict(plane)[:6] == -1).all()
    assert (cheap.predict(plane) == -1).sum() <= (dear.predict(plane) == -1).sum()


@given(st.lists(st.tuples(st.floats(-5, 5), st.booleans()), min_size=2, max_size=30), st.floats(0.1, 10))
@example([(5.0, True), (np.nextafter(5.0, 0), False)], 1.0)
@example([(1e9, True), (2e9, True)], 1.0)
@settings(deadline=None, max_examples=60)
def test_no_cut_is_cheaper_than_the_cheapest(rows, cost):
    scores, odd = np.array([s for s, _ in rows]), np.array([o for _, o in rows])

    def price(limit):
        return cost * (odd & (scores <= limit)).sum() + (~odd & (scores > limit)).sum()

    chosen = price(cheapest(scores, odd, cost))
    assert all(chosen <= price(limit) + 1e-9 for limit in [*scores, scores.min() - 1, scores.max() + 1])


def test_labels_may_be_written_in_several_ways():
    for values in ([0, 1], [1, -1], ["no", "yes"], [False, True], [0.0, 1.0]):
        assert list(labels_of(values, 2)) == [False, True]
    with pytest.raises(DataError, match="is no label"):
        labels_of(["maybe", "1"], 2)


def test_a_file_gives_the_same_detector(surveyed, survey, tmp_path):
    loaded = dashpot.load(surveyed.save(tmp_path / "odd.dashpot"))
    fresh = survey.assign(age=survey["age"] + 1)
    np.testing.assert_array_equal(loaded.anomaly_scores(fresh), surveyed.anomaly_scores(fresh))
    np.testing.assert_array_equal(loaded.p_values(survey), surveyed.p_values(survey))
    assert loaded.get_params()["folds"] == surveyed.folds
    assert loaded.offset_ == surveyed.offset_
    assert loaded.reasons(survey.head(3)) == surveyed.reasons(survey.head(3))


def test_a_file_gives_the_same_scores_to_the_last_bit_where_rows_are_wide(tmp_path):
    table = np.random.default_rng(0).normal(size=(60, 200))
    fitted = AnomalyDetector(parts=PARTS, **QUICK).fit(table)
    loaded = dashpot.load(fitted.save(tmp_path / "odd.dashpot"))
    np.testing.assert_array_equal(loaded.score_samples(table), fitted.score_samples(table))


def test_a_file_with_arrays_that_do_not_fit_is_refused(detector, tmp_path, monkeypatch):
    monkeypatch.setattr(detector, "quantiles_", detector.quantiles_[:, :2])
    path = detector.save(tmp_path / "odd.dashpot")
    with pytest.raises(ModelFileError):
        dashpot.load(path)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"contamination": 0.7}, "contamination=0.7"),
        ({"parts": ("colour",)}, "parts"),
        ({"folds": 1}, "folds=1"),
        ({"trim": 0.5}, "trim=0.5"),
        ({"max_epochs": 0}, "max_epochs=0"),
        ({"optimizer": "adam"}, "optimizer"),
        ({"kinds": ()}, r"kinds=\(\)"),
        ({"kinds": [(64, 64, "relu", 0.3)]}, "one Kind or more"),
    ],
)
def test_parameters_out_of_range_are_refused_in_one_line(parameters, words):
    with pytest.raises(UsageError, match=words) as error:
        AnomalyDetector(**parameters).fit(np.eye(4))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "table",
    [
        pd.DataFrame({"a": ["x", "y"] * 20, "b": ["u", "v", "w", "w"] * 10}),
        pd.DataFrame(np.random.default_rng(0).normal(size=(8, 30))),
        pd.DataFrame({"a": np.arange(40.0), "b": 1.0}),
        pd.DataFrame({"a": [1e30, -1e30] * 10 + [0.0] * 10, "b": np.arange(30.0)}),
        pd.DataFrame({"a": [1.0, np.nan] * 20, "b": np.arange(40.0)}),
        pd.DataFrame({"a": [1.0, 2.0] * 20}),
        pd.DataFrame({"a": np.arange(3.0)}),
    ],
    ids=["categories", "wide", "constant", "huge", "missing", "two values", "three rows"],
)
def test_awkward_tables_get_scores(table):
    found = AnomalyDetector(**QUICK).fit(table)
    assert np.isfinite(found.training_scores_).all()
    assert len(found.reasons(table)) == len(table)
    np.testing.assert_allclose(found.anomaly_scores(table), found.training_scores_, atol=1e-9)


def test_a_table_without_a_cell_to_reconstruct_is_refused_in_one_line():
    with pytest.raises(DataError, match="no column has a cell to reconstruct") as error:
        AnomalyDetector(**QUICK).fit(pd.DataFrame({"a": ["x", None] * 10}))
    assert "\n" not in str(error.value)


def test_equal_rows_share_a_fold_and_zero_has_no_sign():
    inputs = np.array([[0.0, 1], [-0.0, 1], [2, 3], [2, 3], [4, 5], [6, 7]], dtype=np.float32)
    fold = folds_of(fingerprints(inputs), 4, np.random.default_rng(0))
    assert fold[0] == fold[1]
    assert fold[2] == fold[3]
    assert set(fold) == {0, 1, 2, 3}


def test_a_missing_cell_has_no_sign():
    rows = np.array([[np.nan, 1], [-np.float32(np.nan), 1]], dtype=np.float32)
    assert np.signbit(rows[:, 0]).tolist() == [False, True]
    first, second = fingerprints(rows)
    assert first == second
    assert np.signbit(rows[1, 0])


def test_an_untrained_network_is_worse(plane):
    one = {"kinds": KINDS[:1], "parts": ("residual",), "random_state": 0, "workers": 1}
    untrained = AnomalyDetector(optimizer=AdamW(1e-12), max_epochs=1, **one).fit(plane)
    trained = AnomalyDetector(**one).fit(plane)
    assert untrained.training_scores_[:6].mean() < trained.training_scores_[:6].mean()


def test_kinds_can_be_chosen(plane):
    found = AnomalyDetector(kinds=[Kind(16, 0.5, "tanh", 0.1, 0.2)], max_epochs=2, folds=2, random_state=0).fit(plane)
    assert len(found.networks_) == 2
    assert found.networks_[0].layers[1][0].shape == (16, 2)


def test_the_page_escapes_and_loads_nothing(surveyed, survey):
    ranked = pd.DataFrame(
        {"row": [1], "score": [3.0], "p_value": [0.01], "flagged": [True], "reasons": ["<script>alert(1)</script>"]}
    )
    page = render_detection(summarize_detection(surveyed, ranked, "<b>x</b>.csv", surveyed.floors(survey)))
    assert "<script" not in page
    assert "<b>x" not in page
    assert "http" not in page
    assert "&lt;script&gt;" in page


def test_every_row_is_in_the_histogram():
    bars = histogram(np.array([0.0, 0.0, 1.0, 5.0]), threshold=2.0)["bars"]
    assert sum(bar["count"] for bar in bars) == 4
    assert [bar["odd"] for bar in bars] == [False, False, True]


def command(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    code = "from dashpot.cli import main; main()"
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, cwd=folder)


def test_detect_writes_ranked_rows_a_page_and_a_model_that_judges_new_rows(tmp_path, survey):
    survey.head(200).assign(known=[1, 0] * 100).to_csv(tmp_path / "rows.csv", index=False)
    first = command(
        "detect", "rows.csv", "-o", "flags.csv", "--report", "page.html", "--save", "odd.dashpot",
        "--contamination", "0.05", "--trim", "0.3", "--labels", "known", folder=tmp_path,
    )  # fmt: skip
    assert first.returncode == 0, first.stderr
    flags = pd.read_csv(tmp_path / "flags.csv")
    assert flags["score"].is_monotonic_decreasing
    assert flags["flagged"].sum() == 10
    assert flags["reasons"].notna().sum() == 50
    assert "AUROC" in first.stdout
    place = flags["row"].to_numpy() - 1
    assert (flags["age"].to_numpy() == survey["age"].to_numpy()[place]).all()
    again = command("detect", "rows.csv", "-o", "again.csv", "--model", "odd.dashpot", folder=tmp_path)
    assert again.returncode == 0
    assert "Since the fit: nothing has moved" in again.stdout
    assert pd.read_csv(tmp_path / "again.csv")["score"].equals(flags["score"])


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--labels", "nothing"], 2, "not a column"),
        (["--cost", "3"], 2, "--cost needs --labels"),
        (["--contamination", "0.9"], 2, "--contamination"),
        (["--trim", "0.5"], 2, "--trim"),
        (["--trim", "0.2", "--model", "rows.csv"], 2, "learns nothing"),
        (["--model", "rows.csv"], 4, "no model file"),
        (["--report", "rows.csv"], 2, "named twice"),
    ],
)
def test_wrong_calls_of_detect_end_in_one_line(tmp_path, arguments, code, words):
    pd.DataFrame({"a": np.arange(20.0)}).to_csv(tmp_path / "rows.csv", index=False)
    found = command("detect", "rows.csv", "-o", "flags.csv", *arguments, folder=tmp_path)
    assert found.returncode == code
    assert words in found.stderr
    assert len(found.stderr.splitlines()) == 1
    assert not (tmp_path / "flags.csv").exists()
