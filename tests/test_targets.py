"""What `fit` makes of targets, labels and weights."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import DataConversionWarning
from sklearn.linear_model import LogisticRegression

import dashpot
from dashpot import (
    DataError,
    Dropout,
    EarlyStopping,
    EnsembleClassifier,
    EnsembleRegressor,
    MLPClassifier,
    MLPRegressor,
    UsageError,
    YardstickRegressor,
)
from dashpot.optimizers import AdamW
from dashpot.studies.problem import prepare

SMALL = {"hidden_layers": (8,), "regularizers": (), "max_epochs": 2, "random_state": 0, "workers": 1}
ENSEMBLE = EnsembleRegressor([MLPRegressor(**SMALL), YardstickRegressor("linear")], combine="mean")
LINEAR = SMALL | {"hidden_layers": (), "max_epochs": 200, "optimizer": AdamW(0.05)}


@pytest.fixture
def rows():
    return np.random.default_rng(0).normal(size=(20, 3))


def test_weights_validation_and_groups_go_together(rows):
    model = MLPRegressor(**SMALL | {"regularizers": (EarlyStopping(),)})
    model.fit(rows, rows[:, 0], np.ones(20), validation=(rows[:10], rows[:10, 0]), groups=np.arange(20) % 5)
    assert model.predict(rows).shape == (20,)


def test_groups_of_another_length_are_refused(rows):
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        MLPRegressor(**SMALL).fit(rows, rows[:, 0], np.ones(20), groups=np.arange(19))


def test_a_validation_target_may_have_an_axis_that_the_training_target_has_not(rows):
    y = pd.DataFrame({"y": rows[:, 0]})
    model = MLPRegressor(**SMALL).fit(rows, y["y"], validation=(rows, y))
    assert model.predict(rows).shape == (20,)
    classes = pd.DataFrame({"y": np.where(y["y"] > 0, "high", "low")})
    with pytest.warns(DataConversionWarning):
        MLPClassifier(**SMALL).fit(rows, classes["y"], validation=(rows, classes))


def test_a_validation_target_of_more_outputs_is_refused(rows):
    with pytest.raises(DataError, match="y has 2 outputs, fit had 1"):
        MLPRegressor(**SMALL).fit(rows, rows[:, 0], validation=(rows, rows[:, :2]))


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber"])
def test_small_differences_of_large_amounts_are_learned(rows, loss, tmp_path):
    y = 1.7e9 + np.column_stack([10 * rows[:, 0], -10 * rows[:, 1]])
    model = MLPRegressor(**LINEAR, loss=loss).fit(rows, y)
    assert np.abs(model.predict(rows) - y).max() < 3
    loaded = dashpot.load(model.save(tmp_path / "large.dashpot"))
    np.testing.assert_array_equal(loaded.predict(rows), model.predict(rows))


def test_the_mean_over_noisy_passes_has_the_offset(rows):
    model = MLPRegressor(**SMALL | {"regularizers": (Dropout(0.1),)}).fit(rows, 1.7e9 + 10 * rows[:, 0])
    assert np.abs(model.predict(rows, samples=5) - 1.7e9).max() < 1000


def test_a_warm_start_and_validation_rows_keep_the_offset_of_the_first_fit(rows):
    y = 1.7e9 + 10 * rows[:, 0]
    model = MLPRegressor(**LINEAR, warm_start=True).fit(rows, y, validation=(rows, y))
    model.fit(rows, y + 1)
    assert np.abs(model.predict(rows) - y - 1).max() < 3


def test_amounts_that_float32_can_tell_apart_stay_as_they_are(rows):
    years = 2000 + rows[:, :1].round(1)
    assert MLPRegressor(**SMALL).fit(rows, years).target_offset_ == 0
    assert MLPRegressor(**SMALL, loss="poisson").fit(rows, years + 1e9).target_offset_ == 0


def test_an_amount_that_float32_cannot_hold_is_refused_by_its_row(rows):
    y = np.r_[np.zeros(19), 1e39]
    with pytest.raises(DataError, match=r"row 20 holds 1e\+39; .* Leave such rows out"):
        MLPRegressor(**SMALL).fit(rows, y)


def test_compare_tells_small_differences_of_large_amounts_apart():
    X = np.random.default_rng(0).normal(size=(200, 2))
    prepared = prepare(X, 1.7e9 + X[:, 0], "regression", None, None, 5, None, np.random.default_rng(0))
    assert len(np.unique(prepared.examples.targets)) == 200


def weights_of(model, rows, y, *given, **more):
    """The total weight of each class among the training rows."""
    model._check_parameters()
    examples, used, _ = model._examples(rows, y, *given, more.get("validation"), None, model.warm_start)
    return np.bincount(examples.targets[used], examples.weights[used])


def test_balanced_classes_are_those_of_the_training_rows(rows):
    y, model = np.repeat([0, 1], 10), MLPClassifier(**SMALL, class_weight="balanced")
    np.testing.assert_allclose(weights_of(model, rows, y, None, validation=(rows[:10], y[:10])), [10, 10])


def test_balanced_classes_have_the_same_total_weight(rows):
    y, weights = np.repeat([0, 1], 10), np.r_[np.zeros(5), np.full(5, 2.0), np.full(10, 5.0)]
    totals = weights_of(MLPClassifier(**SMALL, class_weight="balanced"), rows, y, weights)
    np.testing.assert_allclose(totals, [30, 30])


def test_a_warm_start_may_lack_a_class(rows):
    model = MLPClassifier(**SMALL, class_weight="balanced", warm_start=True).fit(rows, np.arange(20) % 3)
    assert model.fit(rows, np.arange(20) % 2).predict_proba(rows).shape == (20, 3)


@pytest.mark.parametrize(("given", "words"), [({"Doel": 2.0}, "Did you mean 'Dole'"), ("balancd", "must be")])
def test_class_weights_that_name_no_class_are_refused(rows, given, words):
    with pytest.raises(UsageError, match=words):
        MLPClassifier(**SMALL, class_weight=given).fit(rows, ["Clinton", "Dole"] * 10)


@pytest.mark.parametrize("estimator", [MLPClassifier(**SMALL), EnsembleClassifier([LogisticRegression()], folds=2)])
@pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
def test_a_missing_label_is_named_by_its_row(rows, estimator, missing):
    labels = ["a", missing, *["a", "b"] * 9]
    for y in (labels, np.array(labels, dtype=object), pd.Series(labels, dtype="string")):
        with pytest.raises(DataError, match="row 2 is missing"):
            estimator.fit(rows, y)


def test_a_missing_label_of_a_validation_row_is_named(rows):
    with pytest.raises(DataError, match="row 1 is missing"):
        MLPClassifier(**SMALL).fit(rows, ["a", "b"] * 10, validation=(rows[:1], [None]))


@pytest.mark.parametrize("estimator", [MLPClassifier(**SMALL), MLPRegressor(**SMALL), YardstickRegressor("linear")])
@pytest.mark.parametrize("day", [pd.Timestamp("2026-01-01"), pd.Timestamp("2026-01-01", tz="UTC"), date(2026, 1, 1)])
def test_dates_are_no_target(rows, estimator, day):
    days = pd.Series([day + pd.Timedelta(days=row % 5) for row in range(20)], name="day")
    with pytest.raises(DataError, match=r"fit\(y='day'\): the target holds dates\. Pass a number"):
        clone(estimator).fit(rows, days)


def test_amounts_are_no_classes(rows):
    with pytest.raises(DataError, match=r"Unknown label type: continuous\. Use a regressor for amounts"):
        MLPClassifier(**SMALL).fit(rows, rows[:, 0])


@pytest.mark.parametrize("estimator", [MLPRegressor(**SMALL), YardstickRegressor("linear"), ENSEMBLE])
@pytest.mark.parametrize("value", [-1.0, np.nan, np.inf, "heavy"])
def test_a_weight_that_is_none_is_named_by_its_row(rows, estimator, value):
    weights = pd.Series([1.0, 1.0, value] + [1.0] * 17, name="w")
    with pytest.raises(DataError, match=r"fit\(sample_weight='w'\): row 3 has .*; a weight is a number of at least 0"):
        clone(estimator).fit(rows, rows[:, 0], sample_weight=weights)


def test_a_row_without_group_is_named(rows):
    groups = pd.Series([1.0, np.nan] + [2.0] * 18, name="household")
    with pytest.raises(DataError, match=r"fit\(groups='household'\): row 2 is in no group"):
        MLPRegressor(**SMALL).fit(rows, rows[:, 0], groups=groups)


@pytest.mark.parametrize("weight", [-1, np.nan, "much", None, True])
def test_class_weights_that_are_no_weights_are_refused(rows, weight):
    with pytest.raises(UsageError, match="the weight of 'b' must be a number of at least 0"):
        MLPClassifier(**SMALL, class_weight={"b": weight}).fit(rows, ["a", "b"] * 10)
