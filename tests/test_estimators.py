"""The estimators: scikit-learn's own checks, its tools, and what is ours."""

import contextlib
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import StackingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier as PeerClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks

import dashpot
from dashpot import (
    Autoencoder,
    DataError,
    Dropout,
    EarlyStopping,
    Ensemble,
    MLPClassifier,
    MLPRegressor,
    ModelFileError,
    UsageError,
    load_anes96,
)
from dashpot.estimators import base, described
from dashpot.losses import SquaredError
from dashpot.optimizers import SGD, AdamW

SMALL = {
    "hidden_layers": (16,),
    "regularizers": (),
    "max_epochs": 60,
    "random_state": 0,
    "workers": 1,
    "batch_size": 32,
    "optimizer": AdamW(0.02),
}
CHECKED = [MLPClassifier(**SMALL), MLPRegressor(**SMALL), Autoencoder(1, **SMALL)]
WEIGHTS = "a row of weight 2 is not two rows: mini-batches of other sizes take other steps"


def expected_failures(estimator):
    """Checks that no network trained by mini-batches passes; scikit-learn's own MLP has the same list."""
    return {
        "check_sample_weight_equivalence_on_dense_data": WEIGHTS,
        "check_sample_weight_equivalence_on_sparse_data": WEIGHTS,
    }


@parametrize_with_checks(CHECKED, expected_failed_checks=expected_failures)
def test_scikit_learns_checks(estimator, check):
    check(estimator)


def test_scikit_learns_checks_are_all_collected():
    for estimator in CHECKED:
        assert len(list(estimator_checks_generator(estimator))) >= 40


@pytest.fixture(scope="module")
def survey():
    return load_anes96()


def test_it_works_in_a_pipeline_with_a_column_transformer_and_a_grid_search(survey):
    frame, vote = survey
    columns = ColumnTransformer([("numbers", StandardScaler(), ["age", "educ", "PID"])])
    pipeline = make_pipeline(columns, MLPClassifier(**SMALL | {"max_epochs": 5}))
    grid = {"mlpclassifier__regularizers": [(), (Dropout(0.3),)]}
    search = GridSearchCV(pipeline, grid, cv=2, n_jobs=2).fit(frame, vote)
    assert search.best_score_ > 0.8


def test_it_can_be_calibrated_and_stacked(survey):
    frame, vote = survey
    model = MLPClassifier(**SMALL | {"max_epochs": 5})
    assert CalibratedClassifierCV(model, cv=2).fit(frame, vote).score(frame, vote) > 0.8
    stack = StackingClassifier([("network", model)], LogisticRegression(), cv=2)
    assert stack.fit(frame, vote).score(frame, vote) > 0.8


def test_text_and_missing_cells_need_no_preparation(survey):
    frame, vote = survey
    frame = frame.astype(object).where(np.random.default_rng(0).random(frame.shape) > 0.1)
    frame["region"] = np.where(frame.index % 3 == 0, "north", "south")
    assert MLPClassifier(**SMALL).fit(frame, vote).score(frame, vote) > 0.8


def test_many_outputs_are_learned_together():
    X, y = load_diabetes(return_X_y=True)
    model = MLPRegressor(**SMALL).fit(X, np.column_stack([y, -y]))
    assert model.predict(X).shape == (len(X), 2)
    assert model.score(X, np.column_stack([y, -y])) > 0.4


def test_the_result_does_not_depend_on_the_number_of_workers():
    X, y = load_iris(return_X_y=True)
    recipe = (Dropout(0.2), EarlyStopping(patience=5), Ensemble(40))
    one, two = (
        MLPClassifier(**SMALL | {"workers": n, "regularizers": recipe, "max_epochs": 10}).fit(X, y) for n in (1, 2)
    )
    assert (one.predict_proba(X) == two.predict_proba(X)).all()


def test_history_has_a_training_and_a_validation_curve_for_every_member():
    X, y = load_iris(return_X_y=True)
    model = MLPClassifier(**SMALL | {"regularizers": (EarlyStopping(patience=3), Ensemble(3))}).fit(X, y)
    assert len(model.history_) == 3
    for history in model.history_:
        assert len(history["loss"]) == len(history["validation_loss"])
        assert np.isfinite(history["validation_loss"]).all()


def test_members_disagree_and_their_spread_is_told():
    X, y = load_diabetes(return_X_y=True)
    model = MLPRegressor(**SMALL | {"regularizers": (Ensemble(3),), "max_epochs": 5}).fit(X, y)
    assert model.predict_spread(X).shape == y.shape
    assert (model.predict_spread(X) > 0).all()


def test_a_validation_set_of_ones_own_is_used(survey):
    frame, vote = survey
    model = MLPClassifier(**SMALL | {"regularizers": (EarlyStopping(patience=3),)})
    model.fit(frame[:700], vote[:700], validation=(frame[700:], vote[700:]))
    assert model.n_iter_ < 60


def test_class_weights_move_predictions_toward_the_rare_class(survey):
    frame, vote = survey
    plain = MLPClassifier(**SMALL | {"max_epochs": 5}).fit(frame, vote)
    heavy = MLPClassifier(**SMALL | {"max_epochs": 5}, class_weight={"Dole": 20.0}).fit(frame, vote)
    assert (heavy.predict(frame) == "Dole").mean() > (plain.predict(frame) == "Dole").mean()


def test_a_row_of_weight_zero_is_a_row_left_out(survey):
    frame, vote = survey
    weights = np.r_[np.ones(500), np.zeros(444)]
    model = MLPClassifier(**SMALL | {"max_epochs": 3}, standardize=True)
    left = model.fit(frame[:500], vote[:500]).networks_[0]
    zero = model.fit(frame, vote, sample_weight=weights).networks_[0]
    for (a, _), (b, _) in zip(left.layers, zero.layers, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_warm_start_goes_on_where_it_stopped(survey):
    frame, vote = survey
    model = MLPClassifier(**SMALL | {"max_epochs": 3, "optimizer": AdamW(1e-3)}, warm_start=True)
    first = model.fit(frame, vote).history_[0]["loss"][-1]
    assert model.fit(frame, vote).history_[0]["loss"][0] < first * 1.02


def test_weights_copied_from_scikit_learn_give_its_probabilities():
    X, y = load_iris(return_X_y=True)
    peer = PeerClassifier((16,), max_iter=20, random_state=0)
    with pytest.warns(ConvergenceWarning):
        peer.fit(X, y)
    model = MLPClassifier(**SMALL | {"max_epochs": 1, "activation": "relu"}, standardize=False).fit(X, y)
    model.networks_[0].layers = [*zip(peer.coefs_, peer.intercepts_, strict=True)]
    np.testing.assert_allclose(model.predict_proba(X), peer.predict_proba(X), atol=1e-6)


def test_divergence_is_named_and_the_model_still_predicts():
    X, y = load_diabetes(return_X_y=True)
    model = MLPRegressor(**SMALL | {"optimizer": SGD(1e3)})
    with pytest.warns(ConvergenceWarning, match=r"network 0 diverged in epoch \d+.*learning_rate"):
        model.fit(X, y)
    assert np.isfinite(model.predict(X)).all()


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"hidden_layers": (0,)}, "hidden_layers"),
        ({"activation": "rellu"}, "Did you mean 'relu'"),
        ({"activation": ["relu"]}, "activation"),
        ({"tolerance": "small"}, "tolerance must be a number at least 0 and below 1"),
        ({"workers": 0}, "Pass 1 or more"),
        ({"max_epochs": 0}, "max_epochs"),
        ({"optimizer": "adam"}, "optimizer"),
        ({"regularizers": ["dropout"]}, "Dropout"),
    ],
)
def test_wrong_parameters_are_one_clear_line(parameters, words):
    X, y = load_iris(return_X_y=True)
    with pytest.raises(UsageError, match=words):
        MLPClassifier(**SMALL | parameters).fit(X, y)


def test_one_class_is_refused():
    with pytest.raises(DataError, match="one class"):
        MLPClassifier(**SMALL).fit([[1.0], [2.0]], ["a", "a"])


# ---- model files


@pytest.fixture
def model_file(tmp_path, survey):
    frame, vote = survey
    model = MLPClassifier(**SMALL | {"max_epochs": 3, "regularizers": (Dropout(0.2), Ensemble(2))}).fit(frame, vote)
    return model, model.save(tmp_path / "vote.dashpot")


def test_another_process_predicts_bit_for_bit_the_same(model_file, survey, tmp_path):
    model, path = model_file
    code = (
        "import dashpot, numpy, sys; frame, _ = dashpot.load_anes96(); "
        "numpy.save(sys.argv[2], dashpot.load(sys.argv[1]).predict_proba(frame))"
    )
    subprocess.run([sys.executable, "-c", code, path, tmp_path / "p.npy"], check=True)
    assert (np.load(tmp_path / "p.npy") == model.predict_proba(survey[0])).all()


def test_a_loaded_regressor_keeps_parameters_and_shapes(tmp_path):
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    model = MLPRegressor(**SMALL | {"max_epochs": 3}).fit(X, y)
    same = dashpot.load(model.save(tmp_path / "m.dashpot"))
    assert (same.predict(X) == model.predict(X)).all()
    assert same.get_params()["optimizer"] == model.optimizer


def test_numbers_of_numpy_are_kept_in_a_model_file(tmp_path):
    X, y = load_diabetes(return_X_y=True)
    numbers = {"clip_outputs": np.bool_(True), "random_state": np.int64(3), "optimizer": AdamW(np.float32(0.5))}
    loaded = dashpot.load(MLPRegressor(**SMALL | {"max_epochs": 1} | numbers).fit(X, y).save(tmp_path / "m.dashpot"))
    kept = loaded.get_params()
    assert (kept["clip_outputs"], kept["random_state"], kept["optimizer"].learning_rate) == (True, 3, 0.5)


def test_a_damaged_model_file_is_refused_in_one_line(model_file, tmp_path):
    content = model_file[1].read_bytes()
    broken = tmp_path / "broken.dashpot"
    for share in range(0, 100, 7):
        broken.write_bytes(content[: len(content) * share // 100])
        with pytest.raises(ModelFileError, match=r"broken\.dashpot"):
            dashpot.load(broken)


def test_a_file_whose_members_are_not_its_networks_is_refused(model_file, tmp_path, monkeypatch):
    model = dashpot.load(model_file[1])
    for places in ([0], [1, 1], [0, 1, 2], []):
        monkeypatch.setattr(described, "distinct", lambda networks, places=places: (list(networks), places))
        with pytest.raises(ModelFileError):
            dashpot.load(model.save(tmp_path / "other.dashpot"))


def test_flipped_bytes_are_refused_or_harmless(model_file, tmp_path, survey):
    content = bytearray(model_file[1].read_bytes())
    rng = np.random.default_rng(0)
    broken = tmp_path / "broken.dashpot"
    for place in rng.integers(len(content), size=100):
        flipped = content.copy()
        flipped[place] ^= 1 << int(rng.integers(8))
        broken.write_bytes(flipped)
        with contextlib.suppress(ModelFileError):
            dashpot.load(broken).predict(survey[0][:5])


def test_new_levels_and_reordered_columns_are_fine_and_missing_ones_are_named():
    frame = pd.DataFrame({"a": [1.0, 2, 3, 4] * 5, "b": list("xyxy") * 5})
    model = MLPClassifier(**SMALL | {"max_epochs": 2}).fit(frame, [0, 1, 0, 1] * 5)
    new = pd.DataFrame({"b": ["z"], "a": [2.0]})
    assert model.predict(new).shape == (1,)
    with pytest.raises(DataError, match="'b'"):
        model.predict(frame[["a"]])


@pytest.mark.parametrize(("preset", "members"), [("fast", 3), ("default", 16), ("best", 48)])
def test_presets_say_how_many_networks_the_default_recipe_has(preset, members):
    X, y = load_iris(return_X_y=True)
    model = MLPClassifier(preset=preset, max_epochs=1, hidden_layers=(4,), random_state=0).fit(X, y)
    assert len(model.networks_) == members
    kinds = {network.embedding.kind for network in model.networks_}
    assert ("thresholds" in kinds) == (preset == "best")
    assert len(MLPClassifier(preset=preset, regularizers=(), max_epochs=1).fit(X, y).networks_) == 1


def test_an_unknown_preset_is_refused():
    with pytest.raises(UsageError, match="fast, default, best"):
        MLPRegressor(preset="fats").fit(*load_iris(return_X_y=True))


@pytest.mark.parametrize(("rows", "batch", "rate"), [(9_999, 128, 0.004), (20_000, 512, 0.008), (90_000, 1024, 0.0113)])
def test_batches_and_the_learning_rate_grow_with_the_rows(rows, batch, rate):
    design = MLPRegressor()._design(SquaredError(), rows)
    assert (design.batch_size, round(design.optimizer.learning_rate, 4)) == (batch, rate)
    assert MLPRegressor(optimizer=SGD(0.1))._design(SquaredError(), rows).optimizer == SGD(0.1)
    assert MLPRegressor(batch_size=64)._design(SquaredError(), rows).batch_size == 64
    assert MLPRegressor(image_shape=(8, 8))._design(SquaredError(), rows).batch_size == 128


def test_an_estimator_counts_its_training_rows(monkeypatch):
    monkeypatch.setattr(base, "BATCHES", {0: 128, 100: 512})
    X = np.random.default_rng(0).normal(size=(600, 2))
    settings = {"regularizers": (), "hidden_layers": (4,), "max_epochs": 1, "random_state": 0}
    many, given = (MLPRegressor(batch_size=size, **settings).fit(X, X[:, 0]) for size in ("auto", 512))
    assert not np.array_equal(many.networks_[0].layers[0][0], given.networks_[0].layers[0][0])  # another learning rate
    fast = MLPRegressor(batch_size=512, optimizer=replace(base.DEFAULT_OPTIMIZER, learning_rate=8e-3), **settings)
    np.testing.assert_array_equal(many.predict(X), fast.fit(X, X[:, 0]).predict(X))


@pytest.mark.parametrize("size", ["automatic", 0, 2.5, None])
def test_a_batch_size_that_is_none_is_refused(size):
    with pytest.raises(UsageError, match=r"batch_size=.*must be whole numbers of at least 1, or 'auto'\."):
        MLPClassifier(batch_size=size).fit([[1.0], [2.0]], [0, 1])
