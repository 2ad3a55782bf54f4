"""Many networks in place of one: members of other rows, columns, recipes and shapes, and copies along a training."""

import math

import numpy as np
import pytest

import dashpot
from dashpot import (
    L2,
    Dropout,
    EarlyStopping,
    Ensemble,
    MLPClassifier,
    MLPRegressor,
    MovingAverage,
    Recipe,
    Snapshots,
    UsageError,
    load_anes96,
)
from dashpot.optimizers import SCHEDULES, SGD, AdamW
from dashpot.regularizers import parse

SMALL = {"hidden_layers": (6,), "random_state": 0, "workers": 1, "max_epochs": 12, "tolerance": 0.0}


@pytest.fixture(scope="module")
def survey():
    return load_anes96()


def fitted(survey, *regularizers, **settings):
    return MLPClassifier(**SMALL | settings, regularizers=regularizers).fit(*survey)


def same(one, other):
    return all(np.array_equal(w, v) for (w, _), (v, _) in zip(one.layers, other.layers, strict=True))


def test_members_have_recipes_and_shapes_in_turn(survey):
    variants = Ensemble(4, recipes=(L2(0.1), Recipe(()), Dropout(0.5)), shapes=((4,), (5, 3)))
    model = fitted(survey, variants)
    assert [[len(b) for _, b in n.layers[:-1]] for n in model.networks_] == [[4], [5, 3], [4], [5, 3]]
    alone = fitted(survey, L2(0.1), hidden_layers=(4,))
    assert same(model.networks_[0], alone.networks_[0])
    assert parse(repr(variants)) == variants


@pytest.mark.parametrize(
    "wrong",
    [
        {"recipes": (Ensemble(2),)}, {"recipes": L2()}, {"recipes": ("L2",)}, {"shapes": (4,)}, {"shapes": ((0,),)},
        {"shapes": ((True,),)}, {"shapes": [(4,)]},
    ],
)  # fmt: skip
def test_recipes_and_shapes_that_make_no_sense_are_refused(wrong):
    with pytest.raises(UsageError, match=next(iter(wrong))):
        Ensemble(2, **wrong)


def test_snapshots_are_the_network_at_those_epochs(survey):
    """What was kept after 4 and 8 epochs is what 4 and 8 epochs give; the one at the end is the network itself."""
    optimizer = SGD(0.01)
    model = fitted(survey, Snapshots(every=4), optimizer=optimizer)
    assert [network.snapshot for network in model.networks_] == [False, True, True]
    for network, epochs in zip(model.networks_, [12, 4, 8], strict=True):
        assert same(network, fitted(survey, max_epochs=epochs, optimizer=optimizer).networks_[0])
    newest = fitted(survey, Snapshots(every=2, count=2), optimizer=optimizer)
    assert len(newest.networks_) == 2
    assert len(newest.history_) == 1


def test_snapshots_of_averages_are_averages(survey):
    recipe, optimizer = MovingAverage(0.9), AdamW(0.001)
    model = fitted(survey, Snapshots(every=6), recipe, optimizer=optimizer)
    assert same(model.networks_[1], fitted(survey, recipe, max_epochs=6, optimizer=optimizer).networks_[0])


def test_each_member_of_an_ensemble_has_its_snapshots(survey):
    model = fitted(survey, Ensemble(2), Snapshots(every=5), EarlyStopping(patience=20))
    assert [network.snapshot for network in model.networks_] == [False, True, True] * 2
    assert model.predict_proba(survey[0]).shape == (944, 2)


def test_a_warm_start_goes_on_from_the_members_and_not_from_their_snapshots(survey):
    recipe = (Ensemble(2), Snapshots(every=5))
    warm = MLPClassifier(**SMALL, regularizers=recipe, warm_start=True).fit(*survey)
    plain = MLPClassifier(**SMALL, regularizers=(Ensemble(2),), warm_start=True).fit(*survey)
    for one, other in zip(warm.fit(*survey).networks_[::3], plain.fit(*survey).networks_, strict=True):
        assert same(one, other)
    assert len(warm.networks_) == 6


def test_snapshots_survive_a_file(survey, tmp_path):
    model = fitted(survey, Snapshots(every=5), optimizer=AdamW(0.01, schedule="cosine", cycles=2))
    again = dashpot.load(model.save(tmp_path / "model"))
    assert [network.snapshot for network in again.networks_] == [False, True, True]
    assert again.optimizer == model.optimizer
    np.testing.assert_array_equal(again.predict_proba(survey[0]), model.predict_proba(survey[0]))


def test_a_schedule_may_run_in_cycles():
    """Snapshot ensembles restart a cosine from its top: Huang et al. (2017), equation 2."""
    optimizer, steps, cycles = AdamW(0.1, schedule="cosine", cycles=5), 100, 5
    for step in range(steps):
        expected = 0.1 / 2 * (math.cos(math.pi * (step % (steps // cycles)) / (steps // cycles)) + 1)
        assert optimizer.rate_at(step / steps) == pytest.approx(expected, abs=1e-9)
    for schedule in SCHEDULES:
        assert AdamW(0.1, schedule=schedule).rate_at(0.3) == 0.1 * SCHEDULES[schedule](0.3)


def test_shapes_and_columns_work_for_amounts_too(survey):
    frame, _ = survey
    model = MLPRegressor(**SMALL, regularizers=(Ensemble(3, columns=0.5, shapes=((3,), (2, 2))), Snapshots(every=6)))
    assert model.fit(frame.drop(columns="age"), frame["age"]).predict(frame.drop(columns="age")).shape == (944,)
