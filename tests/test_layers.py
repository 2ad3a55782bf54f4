"""What hidden layers may have beside weights and an activation, and what networks may learn beside weights."""

from __future__ import annotations

import dataclasses
import itertools
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import torch

from dashpot import (
    Adversarial,
    Autoencoder,
    Dropout,
    EarlyStopping,
    Ensemble,
    MLPClassifier,
    MLPRegressor,
    MovingAverage,
    Snapshots,
    UnitVariance,
    diagnose,
    race,
    sharpness,
)
from dashpot.checkpoints import Checkpoints
from dashpot.cli import main
from dashpot.errors import ModelFileError, UsageError
from dashpot.jobs import Design, Examples, Job, prepare, stacks
from dashpot.landscapes.rows import layers_of, seen_by
from dashpot.learned import FACTORS, Learned
from dashpot.loading import load
from dashpot.losses import Binary, CrossEntropy, SquaredError
from dashpot.networks import Bend, Layer, Network, built, forward, over_rows, settled
from dashpot.optimizers import SGD, AdamW
from dashpot.races.space import POOL, draw, repeats
from dashpot.regularizers import L2, Noise, Recipe, parse
from dashpot.stack import Stack, shares_of, slope
from dashpot.tables.encode import Inputs
from dashpot.training import train

FEATURES = {
    "skip": {"skip": True},
    "batch norm": {"norm": "batch"},
    "layer norm": {"norm": "layer"},
    "input scale": {"learned": ("input_scale",)},
    "activation": {"learned": ("activation",)},
    "frequencies": {"learned": ("frequencies",), "numeric_embedding": "periodic"},
    "all": {"skip": True, "norm": "batch", "learned": tuple(FACTORS), "numeric_embedding": "periodic"},
    "skip and layer norm": {"skip": True, "norm": "layer", "learned": ("input_scale", "activation")},
}
every = pytest.mark.parametrize("name", list(FEATURES))
RECIPE = (Dropout(0.1), Noise("inputs", "gaussian", 0.05), L2(1e-4), EarlyStopping(patience=4))


def examples_of(kind="binary", rows=190, seed=0):
    """Numbers, one with missing cells; rows with weights."""
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(rows, 4)).astype(np.float32)
    score = np.sin(2 * inputs[:, 0]) + inputs[:, 1] * inputs[:, 2] + 0.3 * rng.normal(size=rows)
    targets = {
        "binary": (score > 0).astype(np.int64),
        "classes": np.digitize(score, [-0.5, 0.5]),
        "amounts": np.stack([score, -score], 1).astype(np.float32),
    }[kind]
    inputs[rng.random(rows) < 0.1, 3] = np.nan
    columns = Inputs(tuple("abcd"), np.arange(4), np.zeros(4, dtype=bool))
    return Examples(inputs, targets, columns, weights=rng.uniform(0.5, 2, rows))


LOSSES = {"binary": Binary(), "classes": CrossEntropy(3), "amounts": SquaredError()}


def job_of(name, seed=0, rows=range(150), recipe=RECIPE, kind="binary", **changes):
    settings = {"hidden_layers": (9, 9, 5), "activation": "gelu", "batch_size": 40, "epochs": 6, "tolerance": 0.0}
    design = Design(**{"loss": LOSSES[kind], "optimizer": AdamW(0.01)} | settings | FEATURES[name] | changes)
    return Job(Recipe(recipe), np.array(rows), np.arange(150, 190), seed, design)


def assert_same(one, other):
    for (weights, biases), (others, more) in zip(one.layers, other.layers, strict=True):
        np.testing.assert_array_equal(weights, others)
        np.testing.assert_array_equal(biases, more)
    assert one.activation == other.activation
    np.testing.assert_array_equal(one.embedding.first, other.embedding.first)
    np.testing.assert_equal(one.history, other.history)


# ---- the laws, for each


@every
@pytest.mark.parametrize("kind", list(LOSSES))
def test_a_network_is_the_same_alone_and_in_a_stack(name, kind):
    examples = examples_of(kind)
    jobs = [job_of(name, seed, np.arange(9 * seed, 9 * seed + 121), kind=kind, epochs=4 + seed) for seed in range(3)]
    assert len(stacks(examples, prepare(examples, jobs))) == 1
    together, backwards = train(examples, jobs, workers=1), train(examples, jobs[::-1], workers=2)[::-1]
    for job, networks, others in zip(jobs, together, backwards, strict=True):
        assert_same(networks[0], others[0])
        assert_same(networks[0], train(examples, [job], workers=1)[0][0])


@every
@pytest.mark.parametrize("hidden", [(), (1,), (1, 1), (31, 31), (64, 64), (129, 7)])
def test_widths_do_not_matter_to_that(name, hidden):
    examples = examples_of("amounts")
    jobs = [job_of(name, seed, recipe=(), kind="amounts", hidden_layers=hidden, epochs=2) for seed in range(3)]
    for job, networks in zip(jobs, train(examples, jobs, workers=1), strict=True):
        assert_same(networks[0], train(examples, [job], workers=1)[0][0])


@every
@pytest.mark.parametrize("kind", list(LOSSES))
def test_numpy_predicts_what_validation_saw(name, kind):
    examples = examples_of(kind)
    network = train(examples, [job_of(name, recipe=(), kind=kind)], workers=1)[0][0]
    held, loss = np.arange(150, 190), LOSSES[kind]
    outputs, targets = network.outputs(examples.inputs[held]), loss.encode(examples.targets[held])
    if loss.standardizes:
        outputs, targets = ((one - network.target_centre) / network.target_scale for one in (outputs, targets))
    tensors = (torch.from_numpy(np.asarray(one, dtype=np.float32))[None] for one in (outputs, targets))
    weights = examples.weights[held] / examples.weights[held].sum()
    expected = float((loss.per_row(*tensors)[0].numpy() * weights).sum())
    assert network.history["validation_loss"][-1] == pytest.approx(expected, rel=1e-4)


@every
def test_it_does_something(name):
    examples = examples_of()
    embedding = FEATURES[name].get("numeric_embedding", "none")
    off = {"skip": False, "norm": "none", "learned": (), "numeric_embedding": embedding}
    on, without = train(examples, [job_of(name), job_of(name, **off)], workers=1)
    assert abs(on[0].outputs(examples.inputs) - without[0].outputs(examples.inputs)).max() > 1e-3


@every
def test_a_training_that_was_killed_goes_on(name, tmp_path):
    examples = examples_of()
    recipe = (*RECIPE, MovingAverage(0.9), Snapshots(every=2))
    jobs = [job_of(name, seed, recipe=recipe, epochs=epochs) for seed, epochs in enumerate((3, 6))]
    whole = train(examples, jobs, workers=1)
    checkpoints = Checkpoints(tmp_path / "kept")
    half = Stack(examples, checkpoints.arrange(examples, prepare(examples, jobs), [prepare(examples, jobs)])[0], "cpu")
    for _ in range(4):
        half.end_epoch(half.train_epoch())
    checkpoints.keep(half, "stack-0")
    for some, others in zip(train(examples, jobs, workers=1, checkpoints=checkpoints), whole, strict=True):
        for one, other in zip(some, others, strict=True):
            assert_same(one, other)


@every
def test_gradients_are_those_of_finite_differences(name):
    """One step of plain gradient descent against the loss by differences, with all that is learned."""
    examples = examples_of("amounts")
    job = job_of(name, recipe=(), kind="amounts", optimizer=SGD(1.0, momentum=0.0), activation="tanh", batch_size=200)
    stack = Stack(examples, prepare(examples, [job]), "cpu")
    generator = torch.Generator().manual_seed(1)
    stack.parameters += 0.1 * torch.randn(stack.parameters.shape, generator=generator)
    before = stack.parameters.clone()
    first = float(stack.train_epoch())
    moved = (before - stack.parameters)[0]
    largest = moved.abs().topk(12).indices.tolist()
    beside = list(range(sum(w.size + b.size for w, b in stack._network(0, before).layers), stack.parameters.shape[1]))
    for place in {*largest, *beside[:8]}:
        losses = []
        for step in (-0.004, 0.004):
            stack.parameters.copy_(before)
            stack.parameters[0, place] += step
            stack.epoch = 0
            losses.append(float(stack.train_epoch()))
        assert float(moved[place]) == pytest.approx((losses[1] - losses[0]) / 0.008, abs=1e-3 + 0.01 * first)


# ---- what they are


def layers_for(widths, networks=2, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [
        Layer(
            torch.randn(networks, a, b, generator=generator) / a**0.5,
            torch.randn(networks, 1, b, generator=generator),
        )
        for a, b in pairwise(widths)
    ]


def test_a_skip_adds_what_an_equally_wide_layer_before_gives():
    form = built("tanh", (6, 6, 4), True, "none")
    assert [bend.skip for bend in form] == [False, True, False]
    layers, inputs = layers_for((6, 6, 6, 4, 1)), torch.randn(2, 9, 6)
    _, units = forward(layers, inputs, form)
    torch.testing.assert_close(units[2], units[1] + torch.tanh(units[1] @ layers[1].weights + layers[1].biases))
    torch.testing.assert_close(units[3], torch.tanh(units[2] @ layers[2].weights + layers[2].biases))
    assert built("tanh", (6, 6), False, "none") == "tanh"
    assert built("tanh", (), True, "batch") == ()


def test_a_layer_norm_brings_the_sums_of_each_row_to_mean_zero_and_variance_one():
    layer, units = layers_for((5, 40))[0], torch.randn(2, 9, 5)
    sums = Bend("identity", norm="layer").sums(units, layer) - layer.biases
    torch.testing.assert_close(sums.mean(-1), torch.zeros(2, 9), atol=1e-5, rtol=0)
    torch.testing.assert_close(sums.var(-1, correction=0), torch.ones(2, 9), atol=1e-3, rtol=0)


def test_a_batch_norm_brings_each_unit_to_mean_zero_and_variance_one_and_padding_does_not_count():
    layer, units = layers_for((5, 4))[0], torch.randn(2, 32, 5)
    weights = torch.rand(2, 32)
    weights[:, 20:] = 0
    sums = Bend("identity", norm="batch").sums(units, layer, shares_of(weights)) - layer.biases
    share = (weights / weights.sum(1, keepdim=True)).unsqueeze(-1)
    torch.testing.assert_close((sums * share).sum(1), torch.zeros(2, 4), atol=1e-5, rtol=0)
    torch.testing.assert_close((sums.square() * share).sum(1), torch.ones(2, 4), atol=1e-3, rtol=0)
    units[:, 20:] = 1e6
    other = Bend("identity", norm="batch").sums(units, layer, shares_of(weights)) - layer.biases
    torch.testing.assert_close(other[:, :20], sums[:, :20])


def test_settled_layers_do_to_these_rows_what_the_batch_norm_did():
    form = built("gelu", (7, 7, 3), True, "batch")
    layers, rows, weights = layers_for((4, 7, 7, 3, 2)), torch.randn(2, 50, 4), torch.rand(2, 50)
    expected, _ = forward(layers, rows, form, shares=shares_of(weights))
    plain = tuple(bend._replace(norm="none") for bend in form)
    found, _ = forward(settled(layers, rows, form, shares_of(weights)), rows, plain)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)
    mean, factor = over_rows(torch.randn(1, 9, 3), None)
    assert mean.shape == factor.shape == (1, 1, 3)


def test_a_batch_norm_is_settled_by_the_training_rows_alone():
    examples = examples_of()
    before = train(examples, [job_of("batch norm", recipe=())], workers=1)[0][0]
    examples.inputs[150:] *= 50
    after = train(examples, [job_of("batch norm", recipe=())], workers=1)[0][0]
    for (weights, biases), (others, more) in zip(before.layers, after.layers, strict=True):
        np.testing.assert_array_equal(weights, others)
        np.testing.assert_array_equal(biases, more)


def test_with_a_batch_norm_the_size_of_weights_does_not_matter():
    """Units times ten, before the norm, are the same units."""
    layers, rows = layers_for((4, 7, 2)), torch.randn(2, 50, 4)
    longer = [Layer(layers[0].weights * 10, layers[0].biases), layers[1]]
    form = built("gelu", (7,), False, "batch")
    torch.testing.assert_close(forward(longer, rows, form)[0], forward(layers, rows, form)[0], atol=1e-3, rtol=1e-3)


def test_what_is_learned_begins_as_a_plain_network():
    learned = Learned(torch.zeros(2, 4), None, None, (torch.zeros(2, 7),))
    layers, rows = layers_for((4, 7, 2)), torch.randn(2, 5, 4)
    expected, _ = forward(layers, rows, "gelu")
    found, _ = forward(learned.layers(layers), rows, learned.activation("gelu"))
    torch.testing.assert_close(found, expected)


def test_a_scale_multiplies_an_input_and_a_mix_bends_a_part():
    scale, mix = torch.tensor([[0.5, 0.0, -1 / 6]]), torch.tensor([[0.0, -1.0, -0.5]])
    learned = Learned(scale, None, None, (mix,))
    layers, rows = layers_for((3, 3, 1), networks=1), torch.randn(1, 5, 3)
    _, units = forward(learned.layers(layers), rows, learned.activation("tanh"))
    sums = (rows * torch.tensor([4.0, 1.0, 0.0])) @ layers[0].weights + layers[0].biases
    expected = torch.stack([sums.tanh()[..., 0], sums[..., 1], (sums[..., 2] + sums.tanh()[..., 2]) / 2], -1)
    torch.testing.assert_close(units[1], expected)


def test_the_scale_of_an_input_that_matters_grows():
    """Under Adam it moves six times as fast as a weight."""
    examples = examples_of("amounts", rows=400)
    rows, none = np.arange(400), np.arange(0)
    design = dataclasses.replace(job_of("input scale", kind="amounts").design, hidden_layers=(), epochs=40)
    inputs, targets = np.nan_to_num(examples.inputs), 3 * np.nan_to_num(examples.inputs[:, [0]])
    examples = Examples(inputs, targets, examples.columns)
    stack = Stack(examples, prepare(examples, [Job(Recipe(()), rows, none, 0, design)]), "cpu")
    for _ in range(5):
        stack.train_epoch()
    scale = (1 + FACTORS["input_scale"] * stack._learned(stack.parameters).scale[0]).tolist()
    assert scale[0] == max(scale)


@every
def test_the_slope_by_the_inputs_goes_through_all_of_it(name):
    network = train(examples_of(), [job_of(name, recipe=(Adversarial(0.1), UnitVariance()))], workers=1)[0][0]
    assert np.isfinite(network.outputs(examples_of().inputs)).all()


def test_padding_does_not_count_in_the_slope():
    layers, inputs, targets = layers_for((4, 7, 1)), torch.randn(2, 32, 4), torch.ones(2, 32, 1)
    design = dataclasses.replace(job_of("batch norm").design, hidden_layers=(7,))
    weights = torch.ones(2, 32)
    weights[:, 20:] = 0
    first = slope(layers, inputs, targets, design, shares=shares_of(weights))
    inputs[:, 20:] = 7.0
    shares = shares_of(weights)
    assert shares[:, 20:].abs().max() == 0
    np.testing.assert_allclose(
        forward(layers, inputs, design.built, shares=shares)[0][:, :20],
        forward(layers, inputs[:, :20], design.built, shares=shares[:, :20])[0],
        atol=1e-5,
    )
    assert first.shape == inputs.shape


# ---- estimators


def table(rows=300, seed=0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({name: rng.normal(size=rows) for name in "abc"})
    frame["d"] = rng.choice(["x", "y", "z"], rows)
    frame.loc[::13, "c"] = np.nan
    return frame, np.sin(3 * frame["a"]) + (frame["b"] > 0.5) + 0.1 * rng.normal(size=rows)


@every
def test_a_model_file_keeps_it(name, tmp_path):
    frame, y = table()
    settings = {"max_epochs": 3, "random_state": 0} | FEATURES[name]
    model = MLPClassifier((8, 8), regularizers=Ensemble(2), **settings).fit(frame, y > 0)
    read = load(model.save(tmp_path / "model.dashpot"))
    np.testing.assert_array_equal(read.predict_proba(frame), model.predict_proba(frame))
    assert (read.skip, read.norm, tuple(read.learned)) == (model.skip, model.norm, tuple(model.learned))


@pytest.mark.parametrize(
    "bend",
    [
        Bend("gelu", norm="batch"),
        Bend("gelu", norm="rows"),
        Bend("gelu", skip=True),
        Bend("gelu", mix=(1.0,)),
        Bend("gelu", mix=(float("nan"),) * 8),
    ],
)
def test_a_damaged_layer_is_refused(bend, tmp_path):
    frame, y = table(60)
    model = MLPRegressor((8,), regularizers=(), max_epochs=1).fit(frame, y)
    model.networks_[0].activation = (bend,)
    with pytest.raises((ModelFileError, ValueError)):
        load(model.save(tmp_path / "model.dashpot"))


@every
def test_a_warm_start_goes_on_or_says_why_not(name):
    frame, y = table()
    settings = {"max_epochs": 3, "random_state": 0, "warm_start": True, "optimizer": AdamW(1e-9)} | FEATURES[name]
    model = MLPRegressor((8, 8), regularizers=(), **settings).fit(frame, y)
    before = model.predict(frame)
    if settings.get("norm") == "batch":
        with pytest.raises(UsageError, match="batch norms are part of the weights"):
            model.fit(frame, y)
        return
    np.testing.assert_allclose(model.fit(frame, y).predict(frame), before, atol=1e-4)
    if name not in ("input scale", "frequencies"):
        with pytest.raises(UsageError, match="Keep activation, skip, norm and learned"):
            model.set_params(skip=False, norm="none", learned=()).fit(frame, y)


@every
def test_landscapes_units_and_noisy_passes_see_the_same_network(name):
    frame, y = table()
    settings = {"max_epochs": 30, "random_state": 0} | FEATURES[name]
    model = MLPClassifier((8, 8), regularizers=Dropout(0.01), **settings).fit(frame, y > 0)
    network, own = model.networks_[0], model.predict_proba(frame)[np.arange(len(y)), (y > 0).astype(int)]
    expected = -np.log(own).mean()
    rows = seen_by(network, model, frame, y > 0)
    assert float(rows.losses(layers_of(network))) == pytest.approx(expected, abs=1e-4)
    assert sharpness(model, frame, y > 0, rounds=2).loss == pytest.approx(expected, abs=1e-4)
    assert diagnose(model, frame, y > 0).end_loss == pytest.approx(expected, abs=1e-4)
    np.testing.assert_allclose(model.predict_proba(frame, samples=60), model.predict_proba(frame), atol=0.1)


def test_the_units_at_the_start_are_those_of_a_batch_norm():
    frame, y = table()
    model = MLPClassifier((8,), "identity", (), max_epochs=1, random_state=0, norm="batch").fit(frame, y > 0)
    start = diagnose(model, frame, y > 0).start[0]
    assert start.mean == pytest.approx(0, abs=1e-3)
    assert start.spread == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"norm": "layers"}, "must be one of none, batch, layer. Did you mean 'layer'"),
        ({"learned": ("scale",)}, "must be some of input_scale, frequencies, activation"),
        ({"learned": "input_scales"}, "Did you mean 'input_scale'"),
    ],
)
def test_a_wrong_word_is_named(settings, words):
    frame, y = table(30)
    with pytest.raises(UsageError, match=words):
        MLPRegressor(**settings).fit(frame, y)


def test_one_word_may_stand_alone():
    frame, y = table(60)
    settings = {"regularizers": (), "max_epochs": 2, "random_state": 0}
    one, other = (
        MLPRegressor((8,), learned=names, **settings).fit(frame, y) for names in ("activation", ("activation",))
    )
    np.testing.assert_array_equal(one.predict(frame), other.predict(frame))


def test_files_of_before_still_load(tmp_path):
    """A network of before there were skips, norms and mixes has layers of a name and a number."""
    from dashpot.arrays import described_network, network_from

    weights, biases = np.ones((2, 3), dtype=np.float32), np.zeros(3, dtype=np.float32)
    last, ones = np.ones((3, 1), dtype=np.float32), np.ones(1, dtype=np.float32)
    both = np.ones(2, dtype=np.float32)
    network = Network([(weights, biases), (last, ones)], (Bend("relu", 1),), both, both, 3.0, ones, ones)
    tensors = {}
    described = described_network(network, "0", tensors)
    described["activation"] = [["relu", 1]]
    assert network_from(described, tensors, "0").activation == (Bend("relu", 1),)


# ---- predictions within the range of the training targets


def test_clipped_predictions_stay_within_the_training_targets(tmp_path):
    frame, y = table()
    model = MLPRegressor((8,), regularizers=Dropout(0.1), max_epochs=20, random_state=0, clip_outputs=True)
    model.fit(frame, y)
    far = frame.assign(a=frame["a"] * 30, b=frame["b"] * 30)
    assert model.predict(far).min() >= y.min() - 1e-6
    assert model.predict(far).max() <= y.max() + 1e-6
    assert model.predict(far, samples=4).max() <= y.max() + 1e-6
    read = load(model.save(tmp_path / "model.dashpot"))
    np.testing.assert_array_equal(read.predict(far), model.predict(far))
    free = model.set_params(clip_outputs=False).predict(far)
    assert free.max() > y.max() or free.min() < y.min()
    within = (free > y.min()) & (free < y.max())
    np.testing.assert_array_equal(free[within], read.predict(far)[within])


def test_the_range_is_that_of_the_training_rows_and_of_each_output():
    frame, y = table()
    two = np.stack([y, -10 * y], 1)
    model = MLPRegressor((4,), regularizers=(), max_epochs=1, clip_outputs=True)
    model.fit(frame[:200], two[:200], validation=(frame[200:], 100 * two[200:]))
    np.testing.assert_allclose(model.target_range_, [two[:200].min(0), two[:200].max(0)], rtol=1e-6)
    assert model.predict(frame).shape == (300, 2)


def test_a_model_without_a_range_says_so(tmp_path):
    frame, y = table(60)
    model = MLPRegressor((4,), regularizers=(), max_epochs=1).fit(frame, y)
    model.target_range_ = None
    read = load(model.save(tmp_path / "model.dashpot"))
    np.testing.assert_array_equal(read.predict(frame), model.predict(frame))
    with pytest.raises(UsageError, match="does not know the range of its training targets"):
        read.set_params(clip_outputs=True).predict(frame)


@pytest.mark.parametrize("broken", [[[0.0]], [[1.0], [0.0]], [0.0, 1.0], "all"])
def test_a_damaged_range_is_refused(broken, tmp_path):
    from dashpot.estimators.regressor import range_from

    with pytest.raises(ValueError):  # noqa: PT011
        range_from(broken)


# ---- the command line


def run(*arguments):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    return ended.value.code


def test_the_command_line_knows_them(tmp_path):
    frame, y = table(80)
    frame.assign(y=y).to_csv(tmp_path / "rows.csv", index=False)
    options = "--skip --norm layer --learned input_scale --learned activation --clip-outputs --epochs 2 --hidden 6,6"
    arguments = ["fit", str(tmp_path / "rows.csv"), "-t", "y", "-o", str(tmp_path / "model.dashpot")]
    assert run(*arguments, *options.split(), "--preset", "fast") == 0
    model = load(tmp_path / "model.dashpot")
    assert (model.skip, model.norm, model.learned) == (True, "layer", ("input_scale", "activation"))
    assert model.clip_outputs
    assert model.networks_[0].activation[1].skip


def test_classes_have_no_range(tmp_path, capsys):
    frame, y = table(80)
    frame.assign(y=y > 0).to_csv(tmp_path / "rows.csv", index=False)
    arguments = ["fit", str(tmp_path / "rows.csv"), "-t", "y", "-o", str(tmp_path / "model.dashpot"), "--clip-outputs"]
    assert run(*arguments) == 2
    assert "--clip-outputs is for amounts" in capsys.readouterr().err


# ---- members


def test_members_may_have_skips_in_turn():
    frame, y = table(80)
    recipe = (Ensemble(4, numeric_embeddings=("none", "periodic"), skips=(False, True, True)),)
    model = MLPRegressor((6, 6), regularizers=recipe, max_epochs=2, random_state=0).fit(frame, y)
    with_skips = [network.activation != "gelu" and network.activation[1].skip for network in model.networks_]
    assert with_skips == [False, True, True, False]
    assert parse(repr(recipe[0])) == recipe[0]
    for wrong in (True, (1, 0), [True]):
        with pytest.raises(UsageError, match="pass True and False in a tuple"):
            Ensemble(2, skips=wrong)
    for part in (Ensemble(2, skips=(True,)), Ensemble(2, shared=True)):
        with pytest.raises(UsageError, match="its layers stay as they are"):
            Autoencoder(regularizers=part).fit(frame)


# ---- races


def test_race_draws_skips_and_norms_where_layers_have_them():
    drawn = list(itertools.islice(draw(job_of("skip").design, POOL, (), True, 0), 160))
    designs = [one.design for one in drawn]
    assert {design.norm for design in designs} == {"none", "layer"}
    assert {design.skip for design in designs} == {False, True}
    assert all(repeats(design.hidden_layers) for design in designs if design.skip)
    assert all(design.hidden_layers for design in designs if design.norm != "none")
    words = set().union(*(one.choices for one in drawn))
    assert {"skip connections", "layer norm"} <= words


def test_race_recommends_them():
    frame, y = table(120)
    model = race(frame, y > 0, budget=None, candidates=9, folds=2, max_epochs=2)
    best = model.race_.candidates[model.race_.best].design
    assert (model.skip, model.norm) == (best.skip, best.norm)
    assert {"skip", "norm"} <= set(model.race_.table.columns)
