"""Trees and linear models as numbers: as scikit-learn predicts, saved without it, refused where a file lies."""

import dataclasses

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine

import dashpot
from dashpot import YardstickClassifier, YardstickRegressor, model_files
from dashpot.errors import ModelFileError, UsageError
from dashpot.yardsticks.fitting import Rows, fitted_boosted, fitted_forest, fitted_linear
from dashpot.yardsticks.frozen import frozen_boosting, frozen_forest, frozen_linear

FREEZE = {
    "linear": lambda rows: (fitted_linear(rows, 0.5), lambda model: frozen_linear(model, rows.classes)),
    "boosted": lambda rows: (fitted_boosted(rows, 12), lambda model: frozen_boosting(model, rows.classes, 12)),
    "forest": lambda rows: (fitted_forest(rows, 2), lambda model: frozen_forest(model, rows.classes)),
}


def rows_of(data, absent=False):
    """Rows with missing cells; with `absent` one class more than the rows hold."""
    X, y = data(return_X_y=True)
    X = X.astype(np.float32)
    X[np.random.default_rng(0).random(X.shape) < 0.1] = np.nan
    if data is load_diabetes:
        return Rows(X, y, None, None)
    return Rows(X, np.where(y > 0, y + absent, y), None, int(y.max()) + 1 + absent)


def expected(model, rows):
    """What scikit-learn predicts, with a column for each class."""
    if rows.classes is None:
        return model.predict(rows.inputs)[:, None]
    found = np.zeros((len(rows.inputs), rows.classes))
    found[:, model.classes_] = model.predict_proba(rows.inputs)
    return found


@pytest.mark.parametrize("kind", FREEZE)
@pytest.mark.parametrize(
    ("data", "absent"),
    [(load_diabetes, False), (load_breast_cancer, False), (load_breast_cancer, True), (load_wine, False)],
)
def test_frozen_models_predict_what_scikit_learn_predicts(kind, data, absent):
    rows = rows_of(data, absent)
    model, freeze = FREEZE[kind](rows)
    frozen = freeze(model)
    frozen.check()
    np.testing.assert_allclose(frozen.predict(rows.inputs), expected(model, rows), rtol=1e-5, atol=1e-6)


def test_a_forest_of_several_outputs():
    X, y = load_diabetes(return_X_y=True)
    model = YardstickRegressor("forest").fit(X, np.column_stack([y, -y]))
    found = model.predict(X)
    assert found.shape == (len(X), 2)
    assert np.corrcoef(found[:, 0], -found[:, 1])[0, 1] > 0.99


@pytest.mark.parametrize("kind", FREEZE)
def test_another_process_could_predict_the_same(kind, tmp_path):
    frame, vote = dashpot.load_anes96()
    model = YardstickClassifier(kind).fit(frame, vote)
    same = dashpot.load(model.save(tmp_path / "m.dashpot"))
    np.testing.assert_array_equal(same.predict_proba(frame), model.predict_proba(frame))
    assert same.get_params() == model.get_params()


def test_rows_of_weight_zero_are_left_out():
    frame, vote = dashpot.load_anes96()
    weights = (np.arange(len(frame)) < 300).astype(float)
    weighted = YardstickClassifier("forest").fit(frame, vote, weights)
    X = weighted.encoder_.transform(frame)[:300]
    numbers = np.unique(vote, return_inverse=True)[1]
    alone = frozen_forest(fitted_forest(Rows(X, numbers[:300], np.ones(300), 2), 1), 2)
    np.testing.assert_array_equal(alone.predict(X), weighted.predict_proba(frame)[:300])


@pytest.mark.parametrize(
    "change",
    [
        {"left": lambda nodes: nodes - 1},
        {"root": lambda nodes: nodes + 10**6},
        {"feature": lambda nodes: nodes + 100},
        {"output": lambda nodes: nodes + 5},
        {"value": lambda nodes: nodes * np.nan},
        {"threshold": lambda nodes: nodes[1:]},
    ],
)
def test_trees_that_lead_in_circles_or_nowhere_are_refused(change):
    rows = rows_of(load_wine)
    frozen = frozen_boosting(fitted_boosted(rows, 3), 3, 3)
    ((name, how),) = change.items()
    with pytest.raises(ValueError, match=r"shapes|nodes"):
        dataclasses.replace(frozen, **{name: how(getattr(frozen, name))}).check()


def test_a_file_of_a_newer_format_is_refused_with_the_way_out(tmp_path, monkeypatch):
    frame, vote = dashpot.load_anes96()
    monkeypatch.setattr(model_files, "FORMAT", 2)
    path = YardstickClassifier("linear").fit(frame, vote).save(tmp_path / "m.dashpot")
    monkeypatch.undo()
    with pytest.raises(ModelFileError, match=r"has format 2; this version reads 1\. Update dashpot"):
        dashpot.load(path)


def test_a_file_that_lies_is_refused_in_one_line(tmp_path):
    frame, vote = dashpot.load_anes96()
    model = YardstickClassifier("boosted", 5).fit(frame, vote)
    model.frozen_ = dataclasses.replace(model.frozen_, left=model.frozen_.left * 0)
    with pytest.raises(ModelFileError, match="is damaged or was not written by dashpot"):
        dashpot.load(model.save(tmp_path / "m.dashpot"))


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"kind": "bosted"}, "kind='bosted'.*boosted, forest, linear.*Did you mean 'boosted'"),
        ({"kind": "forest", "strength": 0.5}, "strength=0.5.*whole number"),
        ({"kind": "linear", "strength": -1}, "strength=-1.*above 0"),
    ],
)
def test_bad_parameters_are_one_line(parameters, words):
    frame, vote = dashpot.load_anes96()
    with pytest.raises(UsageError, match=words):
        YardstickClassifier(**parameters).fit(frame, vote)


def test_boosted_trees_refuse_two_outputs():
    X, y = load_diabetes(return_X_y=True)
    with pytest.raises(UsageError, match="one output only"):
        YardstickRegressor("boosted").fit(X, np.column_stack([y, y]))
