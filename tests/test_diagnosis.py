"""Initialization made visible: first weights, units, gradients, dead and equal units; the command that draws them."""

import numpy as np
import pandas as pd
import pytest
import torch
from click.testing import CliRunner
from sklearn.datasets import load_diabetes

from dashpot import (
    L2,
    Ensemble,
    Gaussian,
    He,
    MLPClassifier,
    MLPRegressor,
    Orthogonal,
    Snapshots,
    Zero,
    diagnose,
    load_anes96,
)
from dashpot.cli import dashpot
from dashpot.diagnosis import diagnose_initializers, initializer_table, plot_initializers
from dashpot.diagnosis.measures import CONSTANT, equal_units, groups, states
from dashpot.diagnosis.network import _first
from dashpot.errors import UsageError
from dashpot.landscapes.rows import layers_of, seen_by
from dashpot.networks import Layer
from dashpot.optimizers import SGD, AdamW


@pytest.fixture(scope="module")
def survey():
    return load_anes96()


@pytest.fixture(scope="module")
def model(survey):
    return MLPClassifier(
        (8, 6),
        "relu",
        regularizers=(),
        optimizer=AdamW(2e-3, schedule="cosine", decay=0.02, beta2=0.95),
        max_epochs=20,
        random_state=0,
    ).fit(*survey)


@pytest.mark.parametrize(
    "recipe",
    [
        (),
        (He(),),
        (Orthogonal(gain=2.0), Ensemble(3, bootstrap=True)),
        (Ensemble(3, columns=0.5, recipes=(Zero(layers="first"), He()), shapes=((5,), (4, 3), (2,))),),
    ],
)
def test_the_start_is_where_training_began(survey, recipe):
    """One full-batch epoch at a rate of almost nothing leaves a network where it began."""
    frame, vote = survey
    settings = {"optimizer": SGD(1e-12), "batch_size": len(vote), "max_epochs": 1, "random_state": 3}
    still = MLPClassifier((5, 4), regularizers=recipe, **settings).fit(frame, vote)
    for number, network in enumerate(still.networks_):
        for first, last in zip(_first(still, network, number), layers_of(network), strict=True):
            torch.testing.assert_close(first.weights, last.weights)
        one = diagnose(still, frame, vote, member=number)
        assert one.start_loss == pytest.approx(one.end_loss, rel=1e-4)


def test_the_measures_are_those_of_the_units_that_numpy_computes(model, survey):
    frame, vote = survey
    network, one = model.networks_[0], diagnose(model, frame, vote)
    rows = seen_by(network, model, frame, vote)
    units = rows.inputs[0].double().numpy()
    for depth, (weights, biases) in enumerate(network.layers):
        units = units @ weights + biases
        units = np.maximum(units, 0) if depth < 2 else units
        assert one.end[depth].mean == pytest.approx(units.mean(), rel=1e-4)
        assert one.end[depth].spread == pytest.approx(units.std(), rel=1e-4)
        assert one.end[depth].dead == (np.ptp(units, axis=0) <= CONSTANT * np.abs(units).max(0)).sum()


def test_the_gradient_is_the_slope_of_the_loss(model, survey):
    rows, layers = seen_by(model.networks_[0], model, *survey), layers_of(model.networks_[0])
    shares = []
    for i, layer in enumerate(layers):
        moved = [
            rows.losses([Layer(w + sign * 1e-3, b) if j == i else Layer(w, b) for j, (w, b) in enumerate(layers)])
            for sign in (1, -1)
        ]
        shares.append(float(moved[0] - moved[1]) / 2e-3 / layer.weights.numel())
    measured = [state.gradient_mean for state in states(layers, rows)[1]]
    np.testing.assert_allclose(measured, shares, atol=2e-5)


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
def test_from_zero_weights_the_units_of_a_layer_stay_equal(survey, activation):
    zero = MLPClassifier((8, 6), activation, regularizers=Zero(), max_epochs=30, random_state=0).fit(*survey)
    one = diagnose(zero, *survey)
    assert one.staying_equal == [[tuple(range(8))], [tuple(range(6))], []]
    assert one.table.loc["hidden 1", "groups"].tolist() == [1, 1]
    assert one.table.loc["hidden 2", "equal"].tolist() == [6, 6]


def test_from_random_weights_no_units_are_equal(model, survey):
    assert diagnose(model, *survey).staying_equal == [[], [], []]


def test_two_copied_units_are_one_group_and_dead_units_are_counted():
    weights = torch.tensor([[[1.0, 2.0, 1.0, 0.0], [3.0, 1.0, 3.0, 0.0]]])
    layer = Layer(weights, torch.tensor([[[0.5, 0.0, 0.5, -1.0]]]))
    assert groups(equal_units(layer)) == [(0, 2)]
    np.testing.assert_array_equal(equal_units(layer), equal_units(layer).T)


def test_relu_units_with_low_biases_are_dead(survey):
    frame, vote = survey
    model = MLPClassifier((4,), regularizers=(), max_epochs=1, random_state=0).fit(frame, vote)
    model.networks_[0].layers[0][1][1] = -1e4
    assert diagnose(model, frame, vote).end[0].dead == 1


def test_every_kind_of_table_and_target_is_looked_at(survey):
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    X = X.assign(word=np.where(X["sex"] > 0, "a", "b"))
    X.loc[::7, "bmi"] = np.nan
    regressor = MLPRegressor((4,), regularizers=L2(0.01), max_epochs=3, random_state=0)
    assert np.isfinite(diagnose(regressor.fit(X, y), X, y).table.to_numpy(float)).all()
    two = pd.DataFrame({"a": y, "b": -y})
    assert diagnose(regressor.fit(X, two), X, two).end[-1].units == 2
    linear = MLPRegressor((), regularizers=(), max_epochs=3, random_state=0).fit(X, y)
    assert diagnose(linear, X, y).layers == ["output"]
    assert diagnose(linear, X, y).plot().axes


def test_rows_of_weight_zero_are_left_out(model, survey):
    frame, vote = survey
    chosen = np.arange(len(vote)) < 300
    weighted = diagnose(model, frame, vote, chosen.astype(float)).table
    pd.testing.assert_frame_equal(weighted, diagnose(model, frame[chosen], vote[chosen]).table, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"member": 5}, r"diagnose\(member=5\): must be from 0 to 0"),
        ({"sample_weight": [1.0]}, "one for each row"),
        ({"sample_weight": np.zeros(944)}, "some above it"),
    ],
)
def test_bad_settings_are_refused_in_a_line(model, survey, options, message):
    with pytest.raises(UsageError, match=message):
        diagnose(model, *survey, **options)


def test_without_a_seed_the_first_weights_are_unknown(survey):
    model = MLPClassifier((4,), regularizers=(), max_epochs=1).fit(*survey)
    with pytest.raises(UsageError, match="random_state=None does not tell"):
        diagnose(model, *survey)


def test_of_snapshots_only_the_first_network_is_known(survey):
    model = MLPClassifier((4,), regularizers=(Ensemble(2), Snapshots(1, 2)), max_epochs=4, random_state=0).fit(*survey)
    assert len(model.networks_) > 2
    assert diagnose(model, *survey).start_loss > 0
    with pytest.raises(UsageError, match="Only member=0"):
        diagnose(model, *survey, member=1)


def test_initializers_are_compared_and_the_estimator_stays_as_it_is(survey):
    frame, vote = survey
    model = MLPClassifier((6, 4), regularizers=(He(), L2(0.001)), max_epochs=3, random_state=0)
    found = diagnose_initializers(model, frame, vote)
    assert {"Zero()", "He(distribution='normal')", "Gaussian(deviation=0.05)"} <= set(found)
    assert model.regularizers == (He(), L2(0.001))
    assert not hasattr(model, "networks_")
    table = initializer_table(found)
    assert table.loc["Zero()", "stay_equal"] == 10
    assert (table.drop("Zero()")["stay_equal"] == 0).all()
    assert len(plot_initializers(found).axes) == 6
    with pytest.raises(UsageError, match="sets no first weights"):
        diagnose_initializers(model, frame, vote, initializers=[L2(0.1)])
    with pytest.raises(UsageError, match="there is none"):
        diagnose_initializers(model, frame, vote, initializers=[])


def test_a_wider_start_gives_wider_units(survey):
    """Units of the first layer scale with the deviation of its weights."""
    model = MLPClassifier((32,), "relu", regularizers=(), max_epochs=1, random_state=0)
    found = diagnose_initializers(model, *survey, initializers=[Gaussian(deviation=0.05), Gaussian(deviation=0.5)])
    narrow, wide = (one.start[0].spread for one in found.values())
    assert wide == pytest.approx(10 * narrow, rel=1e-3)


def test_the_command_draws_and_tells(survey, tmp_path):
    frame, vote = survey
    frame.assign(vote=vote)[:80].to_csv(tmp_path / "survey.csv", index=False)
    arguments = ["diagnose", str(tmp_path / "survey.csv"), "--target", "vote", "--epochs", "2", "--hidden", "5"]
    for more, word in (((), "hidden 1"), (("--initializers",), "Zero()")):
        target = tmp_path / f"picture{len(more)}.png"
        done = CliRunner().invoke(dashpot, [*arguments, *more, "-o", str(target)])
        assert done.exit_code == 0, done.output
        assert word in done.output
        assert target.read_bytes()[:4] == b"\x89PNG"
    refused = CliRunner().invoke(dashpot, [*arguments, "-o", str(tmp_path / "picture.doc")])
    assert isinstance(refused.exception, UsageError)
