"""Members that share their weights up to rank-one factors: one network to the stack, several to everybody else."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from test_layers import FEATURES, LOSSES, RECIPE, assert_same, examples_of, job_of, table

from dashpot import (
    SMOTE,
    Dropout,
    EarlyStopping,
    Ensemble,
    GroupLasso,
    Mixup,
    MLPClassifier,
    MLPRegressor,
    Snapshots,
    diagnose,
    landscape,
)
from dashpot.checkpoints import Checkpoints
from dashpot.errors import UsageError
from dashpot.jobs import prepare, stacks
from dashpot.learned import APART, Factors
from dashpot.loading import load
from dashpot.networks import Layer
from dashpot.optimizers import SGD, AdamW
from dashpot.regularizers import parse
from dashpot.stack import Stack, member_seed
from dashpot.training import train

SHARED = Ensemble(3, shared=True)
every = pytest.mark.parametrize("name", list(FEATURES))


def assert_all_same(some, others):
    assert len(some) == len(others)
    for one, other in zip(some, others, strict=True):
        assert_same(one, other)


# ---- the laws


@every
@pytest.mark.parametrize("kind", list(LOSSES))
def test_a_shared_network_is_the_same_alone_and_in_a_stack(name, kind):
    examples = examples_of(kind)
    jobs = [
        job_of(name, seed, np.arange(9 * seed, 9 * seed + 121), (*RECIPE, SHARED), kind, epochs=3 + seed)
        for seed in range(3)
    ]
    together = train(examples, jobs, workers=1)
    for job, networks in zip(jobs, together, strict=True):
        assert len(networks) == 3
        assert_all_same(networks, train(examples, [job], workers=1)[0])


def test_one_member_that_shares_is_a_plain_network():
    examples = examples_of()
    one, other = train(
        examples, [job_of("skip", recipe=(*RECIPE, Ensemble(1, shared=True))), job_of("skip")], workers=1
    )
    assert_all_same(one, other)


def test_networks_that_share_do_not_stand_in_a_stack_with_others():
    examples = examples_of()
    recipes = [RECIPE, (*RECIPE, SHARED), (*RECIPE, Ensemble(2, shared=True))]
    planned = [
        one for recipe in recipes for one in job_of("skip", recipe=recipe).recipe.plan(job_of("skip", recipe=recipe))
    ]
    assert len(stacks(examples, prepare(examples, planned))) == 3


@pytest.mark.parametrize("name", ["skip", "all"])
def test_a_shared_training_that_was_killed_goes_on(name, tmp_path):
    examples = examples_of()
    recipe = (*RECIPE, Snapshots(every=2), SHARED)
    planned = [job_of(name, seed, recipe=recipe, epochs=epochs) for seed, epochs in enumerate((3, 6))]
    whole = train(examples, planned, workers=1)
    assert len(whole[1]) > 3  # snapshots of each member, too
    checkpoints = Checkpoints(tmp_path / "kept")
    prepared = prepare(examples, [one for job in planned for one in job.recipe.plan(job)])
    half = Stack(examples, checkpoints.arrange(examples, prepared, [prepared])[0], "cpu")
    for _ in range(4):
        half.end_epoch(half.train_epoch())
    checkpoints.keep(half, "stack-0")
    for some, others in zip(train(examples, planned, workers=1, checkpoints=checkpoints), whole, strict=True):
        assert_all_same(some, others)


# ---- what they are


def test_members_differ_by_a_factor_for_each_input_and_each_output():
    networks = train(examples_of(), [job_of("skip", recipe=(*RECIPE, SHARED))], workers=1)[0]
    for first, second in zip(networks[0].layers, networks[1].layers, strict=True):
        ratios = (second[0] / first[0]).astype(np.float64)
        np.testing.assert_allclose(ratios * ratios[0, 0], np.outer(ratios[:, 0], ratios[0]), rtol=2e-3)
        assert not np.allclose(first[1], second[1])
    assert ratios.std() > 0.1


def test_factors_multiply_the_weights_that_are_shared():
    layer = Layer(torch.tensor([[[1.0, 2.0], [3.0, 4.0]]]), torch.tensor([[[0.5, 0.0]]]))
    factors = Factors(
        torch.tensor([[0.0, 1.0, -1.0, 0.0]]),
        torch.tensor([[0.0, 0.0, 1.0, 0.0]]),
        torch.tensor([[0.0, 1.0, 0.0, 0.0]]),
    )
    found = factors.layers(layer)
    assert found.weights.tolist() == [[[1, 2], [6, 8]], [[0, 0], [6, 4]]]
    assert found.biases.tolist() == [[[0.5, 1.0]], [[0.5, 0.0]]]


def test_members_begin_apart():
    examples = examples_of()
    prepared = prepare(examples, job_of("skip", recipe=(SHARED,)).recipe.plan(job_of("skip", recipe=(SHARED,))))
    stack = Stack(examples, prepared, "cpu")
    factors = stack._learned(stack.parameters).members
    assert [bool(one.inputs.any()) for one in factors] == [True, False, False, True]
    assert float(factors[0].inputs.std()) == pytest.approx(APART, rel=0.5)
    assert not any(bool(one.outputs.any()) or bool(one.biases.any()) for one in factors)


def test_each_member_has_a_share_of_the_activation_for_each_unit():
    networks = train(examples_of(), [job_of("activation", recipe=(SHARED,))], workers=1)[0]
    widths = [len(biases) for _, biases in networks[2].layers[:-1]]
    assert [len(bend.mix) for bend in networks[2].activation] == widths


def test_each_member_has_an_order_of_its_own():
    examples = examples_of()
    job = job_of("skip", seed=5, recipe=(SHARED,))
    order, _ = Stack(examples, prepare(examples, job.recipe.plan(job)), "cpu")._batches()
    plain, _ = Stack(examples, prepare(examples, [job_of("skip", seed=5)]), "cpu")._batches()
    assert torch.equal(order[0], plain[0])
    assert not torch.equal(order[0], order[1])
    assert member_seed(5, 0) == 5
    assert len({member_seed(5, place) for place in range(9)}) == 9


@pytest.mark.parametrize("kind", list(LOSSES))
def test_the_validation_loss_is_the_mean_over_the_members(kind):
    examples, held, loss = examples_of(kind), np.arange(150, 190), LOSSES[kind]
    networks = train(examples, [job_of("layer norm", recipe=(SHARED,), kind=kind)], workers=1)[0]
    weights, losses = examples.weights[held] / examples.weights[held].sum(), []
    for network in networks:
        outputs, targets = network.outputs(examples.inputs[held]), loss.encode(examples.targets[held])
        if loss.standardizes:
            outputs, targets = ((one - network.target_centre) / network.target_scale for one in (outputs, targets))
        tensors = (torch.from_numpy(np.asarray(one, dtype=np.float32))[None] for one in (outputs, targets))
        losses.append(float((loss.per_row(*tensors)[0].numpy() * weights).sum()))
    assert networks[0].history["validation_loss"][-1] == pytest.approx(np.mean(losses), rel=1e-4)
    assert np.std(losses) > 0


def test_gradients_of_factors_are_those_of_finite_differences():
    examples = examples_of("amounts")
    settings = {"optimizer": SGD(1.0, momentum=0.0), "activation": "tanh", "batch_size": 200}
    job = job_of("skip", recipe=(SHARED,), kind="amounts", **settings)
    stack = Stack(examples, prepare(examples, job.recipe.plan(job)), "cpu")
    before = stack.parameters.clone()
    stack.train_epoch()
    moved = (before - stack.parameters)[0]
    for place in moved.abs().topk(8).indices.tolist() + list(range(220, 240)):
        losses = []
        for step in (-0.02, 0.02):
            stack.parameters.copy_(before)
            stack.parameters[0, place] += step
            stack.epoch = 0
            losses.append(float(stack.train_epoch()))
        assert float(moved[place]) == pytest.approx((losses[1] - losses[0]) / 0.04, abs=0.01)


# ---- with the others


def test_members_stop_together_at_their_best_epoch():
    frame, y = table()
    recipe = (Dropout(0.1), EarlyStopping(patience=1), Ensemble(4, shared=True))
    settings = {"max_epochs": 60, "random_state": 0, "optimizer": AdamW(0.05)}
    model = MLPClassifier((16,), regularizers=recipe, **settings).fit(frame, y > 0)
    assert len(model.networks_) == 4
    assert len({network.best_epoch for network in model.networks_}) == 1
    assert model.networks_[0].epochs < 60


def test_the_ensemble_predicts_the_mean_and_is_kept_in_a_file(tmp_path):
    frame, y = table()
    model = MLPClassifier((8,), regularizers=(SHARED, Mixup(0.2)), max_epochs=5, random_state=0).fit(frame, y > 0)
    each = model._member_predictions(frame)
    np.testing.assert_allclose(model.predict_proba(frame), each.mean(0))
    assert model.predict_spread(frame).max() > 0
    read = load(model.save(tmp_path / "model.dashpot"))
    np.testing.assert_array_equal(read.predict_proba(frame), model.predict_proba(frame))
    assert read.recipe_ == model.recipe_
    assert landscape(model, frame, y > 0, points=3).losses.shape


def test_rows_that_were_made_and_scores_that_are_watched():
    frame, y = table()
    recipe = (SMOTE(), EarlyStopping("balanced_accuracy", patience=2), GroupLasso(0.01), SHARED)
    model = MLPClassifier((8,), regularizers=recipe, max_epochs=4, random_state=0).fit(frame, y > 1)
    assert len(model.networks_) == 3
    assert np.isfinite(model.predict_proba(frame)).all()


def test_equal_seeds_give_equal_members_and_other_seeds_others():
    frame, y = table()
    settings = {"regularizers": (Dropout(0.1), SHARED), "max_epochs": 3}
    first, again, other = (MLPRegressor((8,), **settings, random_state=s).fit(frame, y) for s in (0, 0, 1))
    np.testing.assert_array_equal(first.predict(frame), again.predict(frame))
    assert not np.array_equal(first.predict(frame), other.predict(frame))


def test_what_it_cannot_do_is_said_in_one_line():
    frame, y = table(80)
    for other in ({"bootstrap": True}, {"columns": 0.5}, {"shapes": ((3,),)}, {"numeric_embeddings": ("none",)}):
        with pytest.raises(UsageError, match="members that share their weights are alike"):
            Ensemble(3, shared=True, **other)
    model = MLPRegressor((4,), regularizers=SHARED, max_epochs=1, random_state=0, warm_start=True).fit(frame, y)
    with pytest.raises(UsageError, match="members that share their weights begin anew"):
        model.fit(frame, y)
    with pytest.raises(UsageError, match="share their weights have no first weights of their own"):
        diagnose(model, frame, y)
    assert parse(repr(SHARED)) == SHARED
    assert repr(Ensemble(3)) == "Ensemble(members=3, bootstrap=False)"
