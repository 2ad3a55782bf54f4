"""Numeric embeddings: what they are, and that they are part of a network as its standardization is."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch

import dashpot
from dashpot import (
    L2,
    Adversarial,
    Dropout,
    EarlyStopping,
    Ensemble,
    GroupLasso,
    InputDropout,
    Mixup,
    MLPClassifier,
    MLPRegressor,
    Noise,
    UnitVariance,
    diagnose,
    race,
)
from dashpot.checkpoints import Checkpoints
from dashpot.embeddings import EMBEDDINGS, PIECES, SHORTEST, Embedding, embedded, learned, quantiles, together, width
from dashpot.errors import ModelFileError, UsageError
from dashpot.jobs import Design, Examples, Job, prepare
from dashpot.landscapes.rows import layers_of, seen_by
from dashpot.loading import load
from dashpot.losses import Binary
from dashpot.networks import Layer, forward
from dashpot.optimizers import AdamW
from dashpot.regularizers import Recipe, parse
from dashpot.regularizers.base import Regularizer
from dashpot.stack import Stack
from dashpot.step import slope
from dashpot.tables.encode import Inputs
from dashpot.training import train

every = pytest.mark.parametrize("kind", list(EMBEDDINGS))
RECIPE = (Dropout(0.1), Noise("inputs", "gaussian", 0.05), InputDropout(0.1), Mixup(0.2), UnitVariance(), L2(1e-4))


def examples_of(rows=200, seed=0):
    """Three numbers with missing cells, a number of three values, an indicator."""
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(rows, 5)).astype(np.float32)
    inputs[:, 3] = rng.integers(0, 3, rows)
    inputs[:, 4] = rng.random(rows) < 0.3
    targets = ((np.sin(3 * inputs[:, 0]) > 0) ^ (inputs[:, 1] > 0.5)).astype(np.int64)
    inputs[rng.random(rows) < 0.1, 2] = np.nan
    distinct = np.array([rows, rows, rows, 3, 2])
    columns = Inputs(tuple("abcde"), np.arange(5), np.arange(5) == 4, distinct=distinct)
    return Examples(inputs, targets, columns)


def design_of(kind, **changes):
    settings = {"hidden_layers": (9,), "loss": Binary(), "optimizer": AdamW(0.01), "epochs": 6, "tolerance": 0.0}
    return Design(**{"activation": "relu"} | settings | changes, numeric_embedding=kind)


def job_of(kind, seed=0, rows=range(150), recipe=RECIPE, **changes):
    return Job(Recipe(recipe), np.array(rows), np.arange(150, 200), seed, design_of(kind, **changes))


def assert_same(one, other):
    for (weights, biases), (others, more) in zip(one.layers, other.layers, strict=True):
        np.testing.assert_array_equal(weights, others)
        np.testing.assert_array_equal(biases, more)
    assert one.embedding.kind == other.embedding.kind
    for name in ("numbers", "first", "second"):
        np.testing.assert_array_equal(getattr(one.embedding, name), getattr(other.embedding, name))


# ---- what they are


def test_a_piece_is_the_share_of_it_that_lies_below_a_number():
    """Gorishniy et al. (2022), equation 1, by interpolation, less its value at the centre."""
    rng = np.random.default_rng(1)
    values = np.round(rng.normal(size=(300, 2)), 1)
    values[:60, 1] = 0.5  # no piece lies between equal quantiles
    points = quantiles(values, np.linspace(0, 1, PIECES + 1))
    embedding = learned("piecewise_linear", np.array([0, 1]), values, np.zeros(300), seed=3)
    units = rng.normal(0, 2, size=(50, 2))
    found = embedding(units)
    np.testing.assert_array_equal(found[:, :2], units)
    for number in range(2):
        for piece, (low, high) in enumerate(zip(points[:-1, number], points[1:, number], strict=True)):
            expected = np.zeros(len(units))
            if high - low > SHORTEST:
                expected = np.interp(units[:, number], [low, high], [0, 1]) - np.interp(0, [low, high], [0, 1])
            np.testing.assert_allclose(found[:, 2 + number * PIECES + piece], expected, atol=1e-5)


@pytest.mark.parametrize("classes", [True, False])
def test_thresholds_stand_where_the_target_jumps(classes):
    rng = np.random.default_rng(0)
    values = rng.normal(size=(400, 3))
    values[::7, 0] = np.nan
    jumps = (values[:, 0] > 0.3).astype(np.int64) + 2 * (values[:, 1] > -0.8)
    targets = jumps if classes else np.column_stack([jumps, -jumps]).astype(np.float32)
    embedding = learned("thresholds", np.arange(3), values, targets, seed=3)
    for number, jump in enumerate((0.3, -0.8)):
        begins, slopes = embedding.first[number, PIECES // 2 :], embedding.second[number, PIECES // 2 :]
        ends = begins + np.divide(1, slopes, out=np.zeros_like(slopes), where=slopes > 0)
        assert np.min(np.abs(begins - jump) + np.abs(ends - jump)) < 0.03


@pytest.mark.parametrize(("rows", "least"), [(100, 10), (2000, 40), (19, None)])
def test_a_threshold_has_rows_on_both_sides(rows, least):
    values, targets = np.arange(rows)[:, None], np.arange(rows) % 3 == 0
    found = learned("thresholds", np.array([0]), values.astype(float), targets.astype(np.int64), seed=0)
    begins = found.first[0, PIECES // 2 :][found.second[0, PIECES // 2 :] > 0]
    assert len(begins) == 0 if least is None else len(begins) > 0
    assert np.all((begins >= (least or 0) - 1) & (begins <= rows - 1 - (least or 0)))


@every
def test_missing_cells_have_no_place_among_what_an_embedding_learns(kind):
    rng = np.random.default_rng(0)
    values, targets = rng.normal(size=(300, 2)), rng.integers(0, 2, 300)
    values[:, 1] = np.nan
    found = learned(kind, np.arange(2), values, targets, seed=1)
    assert np.isfinite(found.first).all()
    assert kind == "periodic" or not found.second[1].any()


def test_thresholds_are_those_of_the_known_cells():
    rng = np.random.default_rng(0)
    values, targets = rng.normal(size=(300, 1)), rng.integers(0, 2, 300)
    absent = targets * rng.random(300) > 0.3
    values[absent] = np.nan
    found = learned("thresholds", np.array([0]), values, targets, seed=1)
    known = learned("thresholds", np.array([0]), values[~absent], targets[~absent], seed=1)
    np.testing.assert_array_equal(found.first, known.first)
    np.testing.assert_array_equal(found.second, known.second)


def test_pieces_of_a_number_that_is_mostly_missing_lie_where_it_is_known():
    examples = examples_of()
    examples.inputs[:, 0] = np.random.default_rng(1).normal(size=200)
    examples.inputs[40:, 0] = np.nan
    network = train(examples, [job_of("piecewise_linear")], workers=1)[0][0]
    assert (network.embedding.second[0] > 0).all()  # zeros in the place of missing cells would be one edge many times


def test_a_wave_is_the_cosine_of_its_frequency_times_a_number():
    embedding = learned("periodic", np.array([1]), np.zeros((9, 1)), np.zeros(9), seed=3)
    units = np.random.default_rng(0).normal(size=(20, 2))
    angles = units[:, 1:] * embedding.first + embedding.second
    np.testing.assert_allclose(embedding(units)[:, 2:], np.cos(angles) - np.cos(embedding.second), atol=1e-6)
    other = learned("periodic", np.array([1]), np.zeros((9, 1)), np.zeros(9), seed=4)
    assert not np.allclose(embedding.first, other.first)


@every
def test_tensors_and_arrays_are_embedded_alike(kind):
    rng = np.random.default_rng(0)
    values, targets = rng.normal(size=(90, 2)), rng.integers(0, 2, 90)
    own = [learned(kind, np.array([0, 2]), values + shift, targets, seed) for seed, shift in enumerate((0.0, 1.0))]
    units = rng.normal(size=(2, 30, 3)).astype(np.float32)
    found = together(own)(torch.from_numpy(units))
    assert found.shape == (2, 30, 3 + 2 * EMBEDDINGS[kind].features)
    for network, embedding in enumerate(own):
        np.testing.assert_allclose(found[network].numpy(), embedding(units[network]), atol=1e-5)


@every
def test_at_the_centre_every_feature_is_zero(kind):
    network = train(examples_of(), [job_of(kind)], workers=1)[0][0]
    missing = np.full((1, 5), np.nan, dtype=np.float32)
    np.testing.assert_allclose(network.read(missing), 0, atol=1e-7)
    assert network.read(missing).shape == (1, 5 + 3 * EMBEDDINGS[kind].features)


@every
def test_categories_pixels_and_numbers_of_few_values_stay_as_they_are(kind):
    columns = examples_of().columns
    assert width(columns, kind) == 5 + 3 * EMBEDDINGS[kind].features
    assert width(columns, "none") == 5
    assert width(dataclasses.replace(columns, image=(1, 5, 1)), kind) == 5
    few = dataclasses.replace(columns, distinct=np.full(5, 4))
    bare = train(dataclasses.replace(examples_of(), columns=few), [job_of(kind), job_of("none")], workers=1)
    assert_same(*(networks[0] for networks in bare))


# ---- part of a network


@every
def test_a_network_is_the_same_alone_and_in_a_stack(kind):
    examples = examples_of()
    jobs = [job_of(kind, seed, np.arange(20 * seed, 20 * seed + 110)) for seed in range(3)]
    assert len(Stack(examples, prepare(examples, jobs), "cpu").members) == 3
    together_, backwards = train(examples, jobs, workers=1), train(examples, jobs[::-1], workers=2)[::-1]
    for job, networks, others in zip(jobs, together_, backwards, strict=True):
        assert_same(networks[0], others[0])
        assert_same(networks[0], train(examples, [job], workers=1)[0][0])


@every
def test_networks_that_stop_early_take_their_embedding_along(kind):
    examples = examples_of()
    jobs = [job_of(kind, seed, np.arange(seed, seed + 120), epochs=epochs) for seed, epochs in enumerate((2, 9, 4))]
    for job, networks in zip(jobs, train(examples, jobs, workers=1), strict=True):
        assert_same(networks[0], train(examples, [job], workers=1)[0][0])


def test_edges_are_those_of_the_own_training_rows():
    examples = examples_of()
    before = train(examples, [job_of("piecewise_linear")], workers=1)[0][0]
    examples.inputs[150:] *= 100
    after = train(examples, [job_of("piecewise_linear")], workers=1)[0][0]
    np.testing.assert_array_equal(before.embedding.first, after.embedding.first)
    points = before.seen(examples.inputs[:150])[:, 0]
    np.testing.assert_allclose(before.embedding.first[0, [0, 8]], [points.min(), np.median(points)], atol=1e-3)


class Watching(Regularizer):
    """Remembers how wide the inputs are that it is given."""

    widths: list = []  # noqa: RUF012

    def perturb_units(self, units, depth, rng):
        if depth == 0:
            self.widths.append(units.shape[-1])
        return units


@every
def test_what_acts_on_inputs_acts_before_they_are_embedded(kind):
    train(examples_of(), [job_of(kind, recipe=(Watching(),))], workers=1)
    assert set(Watching.widths) == {5}


@every
def test_the_slope_by_the_inputs_goes_through_the_embedding(kind):
    examples, job = examples_of(), job_of(kind)
    stack = Stack(examples, prepare(examples, [job]), "cpu")
    layers = [Layer(*(part.double() for part in layer)) for layer in layers_of(stack._network(0, stack.parameters))]
    embedding, design = stack.feed.embedding.each(torch.Tensor.double), job.design
    inputs = torch.randn(1, 8, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    targets = torch.ones(1, 8, 1, dtype=torch.float64)
    found = slope(layers, inputs, targets, design, embedding)

    def loss(at):
        from dashpot.networks import forward

        return design.loss.per_row(forward(layers, at, "relu", embedding=embedding)[0], targets)

    for column in range(5):
        step = torch.zeros(5, dtype=torch.float64)
        step[column] = 1e-7
        rise = (loss(inputs + step) - loss(inputs - step)) / 2e-7
        torch.testing.assert_close(found[..., column], rise, atol=1e-5, rtol=1e-4)
    assert train(examples, [job_of(kind, recipe=(Adversarial(0.1),))], workers=1)


@every
def test_a_training_that_was_killed_goes_on(kind, tmp_path):
    examples = examples_of()
    jobs = [job_of(kind, seed, epochs=epochs) for seed, epochs in enumerate((3, 6))]
    whole = train(examples, jobs, workers=1)
    checkpoints = Checkpoints(tmp_path / "kept")
    half = Stack(examples, checkpoints.arrange(examples, prepare(examples, jobs), [prepare(examples, jobs)])[0], "cpu")
    for _ in range(4):
        half.end_epoch(half.train_epoch())
    checkpoints.keep(half, "stack-0")
    for one, other in zip(train(examples, jobs, workers=1, checkpoints=checkpoints), whole, strict=True):
        assert_same(one[0], other[0])


# ---- estimators


def table(rows=400, seed=0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({name: rng.normal(size=rows) for name in "abc"})
    frame["d"] = rng.choice(["x", "y", "z"], rows)
    frame.loc[::13, "c"] = np.nan
    return frame, np.sin(3 * frame["a"]) + (frame["b"] > 0.5) + 0.1 * rng.normal(size=rows)


@every
def test_waves_and_steps_are_found_where_numbers_alone_do_not_show_them(kind):
    frame, y = table()
    settings = {"hidden_layers": (), "regularizers": (), "max_epochs": 100, "optimizer": AdamW(0.02), "random_state": 0}
    linear = MLPRegressor(**settings).fit(frame[:300], y[:300]).score(frame[300:], y[300:])
    additive = MLPRegressor(**settings, numeric_embedding=kind).fit(frame[:300], y[:300])
    assert (
        additive.score(frame[300:], y[300:])
        > linear + {"piecewise_linear": 0.5, "thresholds": 0.5, "periodic": 0.2}[kind]
    )


@every
def test_a_model_file_keeps_the_embedding(kind, tmp_path):
    frame, y = table()
    model = MLPClassifier((8,), regularizers=Ensemble(2), max_epochs=3, random_state=0, numeric_embedding=kind)
    model.fit(frame, y > 0)
    read = load(model.save(tmp_path / "model.dashpot"))
    assert read.numeric_embedding == kind
    np.testing.assert_array_equal(read.predict_proba(frame), model.predict_proba(frame))
    read.set_params(warm_start=True).fit(frame, y > 0)
    np.testing.assert_array_equal(read.networks_[1].embedding.first, model.networks_[1].embedding.first)


@pytest.mark.parametrize("damage", ["numbers", "first", "kind"])
def test_a_damaged_embedding_is_refused(damage, tmp_path):
    frame, y = table(60)
    model = MLPRegressor((3,), regularizers=(), max_epochs=1, numeric_embedding="periodic").fit(frame, y)
    embedding = model.networks_[0].embedding
    broken = {
        "numbers": dataclasses.replace(embedding, numbers=embedding.numbers + 7),
        "first": dataclasses.replace(embedding, first=embedding.first * np.float32("nan")),
        "kind": dataclasses.replace(embedding, kind="piecewise_linear"),
    }[damage]
    model.networks_[0].embedding = broken
    with pytest.raises(ModelFileError):
        load(model.save(tmp_path / "model.dashpot"))


@every
def test_group_lasso_drops_a_number_with_all_its_features(kind):
    frame, y = table()
    settings = {
        "optimizer": AdamW(2e-3, schedule="cosine", decay=0.02, beta2=0.95),
        "max_epochs": 60,
        "random_state": 0,
    }
    model = MLPRegressor((8,), "relu", GroupLasso(0.3), **settings, numeric_embedding=kind).fit(frame, y)
    assert model.surviving_columns_ == ["a", "b"]
    weights, embedding = model.networks_[0].layers[0][0], model.networks_[0].embedding
    owners = np.concatenate([np.arange(len(model.encoder_.inputs_.names)), embedding.further])
    alive = np.array([bool((weights[owners == one] != 0).any()) for one in range(len(model.encoder_.inputs_.names))])
    np.testing.assert_array_equal(alive, model.networks_[0].used())


@every
def test_the_loss_around_a_network_and_its_units_are_those_of_the_embedded_network(kind):
    frame, y = table()
    model = MLPClassifier((6,), regularizers=(), max_epochs=5, random_state=0, numeric_embedding=kind).fit(frame, y > 0)
    rows = seen_by(model.networks_[0], model, frame, y > 0)
    own = model.predict_proba(frame)[np.arange(len(y)), (y > 0).astype(int)]
    assert float(rows.losses(layers_of(model.networks_[0]))) == pytest.approx(-np.log(own).mean(), abs=1e-5)
    assert diagnose(model, frame, y > 0).end_loss == pytest.approx(-np.log(own).mean(), abs=1e-5)


def test_many_rows_are_predicted_block_by_block(monkeypatch):
    frame, y = table()
    model = MLPRegressor((6,), regularizers=(), max_epochs=5, numeric_embedding="piecewise_linear").fit(frame, y)
    whole = model.predict(frame)
    monkeypatch.setattr(dashpot.networks, "BLOCK", 37)
    np.testing.assert_allclose(model.predict(frame), whole, rtol=1e-9)


def test_noisy_passes_go_through_the_embedding():
    frame, y = table()
    model = MLPRegressor((6,), regularizers=Dropout(0.01), max_epochs=30, numeric_embedding="periodic", random_state=0)
    model.fit(frame, y)
    np.testing.assert_allclose(model.predict(frame, samples=60), model.predict(frame), atol=0.1)


def test_members_may_differ_in_their_embedding():
    frame, y = table()
    kinds = ("none", "piecewise_linear", "periodic")
    recipe = (EarlyStopping(patience=3), Ensemble(6, numeric_embeddings=kinds))
    model = MLPClassifier((8,), regularizers=recipe, max_epochs=4, random_state=0).fit(frame, y > 0)
    assert [network.embedding.kind for network in model.networks_] == [*kinds, *kinds]
    assert parse(repr(recipe[1])) == recipe[1]
    alone = MLPClassifier((8,), regularizers=recipe[0], max_epochs=4, random_state=0).fit(frame, y > 0)
    assert_same(model.networks_[0], alone.networks_[0])


def test_race_draws_embeddings_and_recommends_them():
    frame, y = table(120)
    model = race(frame, y > 0, budget=None, candidates=13, folds=2, max_epochs=2)
    assert len(set(model.race_.table["numeric embedding"])) >= 2
    best = model.race_.candidates[model.race_.best]
    assert model.numeric_embedding == best.design.numeric_embedding


@pytest.mark.parametrize("change", [{"numeric_embedding": "periodic"}, {"hidden_layers": (5,)}])
def test_a_warm_start_with_another_shape_is_refused(change):
    frame, y = table(60)
    model = MLPRegressor((4,), regularizers=(), max_epochs=1, warm_start=True).fit(frame, y)
    with pytest.raises(UsageError, match=r"layers of \(\d+, 4, 1\), this one would have .* set warm_start=False"):
        model.set_params(**change).fit(frame, y)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda X, y: MLPRegressor(numeric_embedding="piecewise").fit(X, y), "Did you mean 'piecewise_linear'"),
        (
            lambda X, y: Ensemble(2, numeric_embeddings=("nothing",)),
            "must be one of none, piecewise_linear, thresholds, periodic",
        ),
        (lambda X, y: Ensemble(2, numeric_embeddings="none"), "pass names in a tuple"),
        (
            lambda X, y: dashpot.Autoencoder(regularizers=Ensemble(2, numeric_embeddings=("periodic",))).fit(X),
            "inputs stay as they are",
        ),
    ],
)
def test_a_wrong_embedding_is_named(call, words):
    frame, y = table(30)
    with pytest.raises(UsageError, match=words):
        call(frame, y)


def test_a_network_without_an_embedding_has_none():
    assert Embedding().further.size == 0
    units = np.ones((3, 2))
    assert Embedding()(units) is units
    network = train(examples_of(), [job_of("none")], workers=1)[0][0]
    assert network.embedding.kind == "none"


def test_whether_a_number_is_missing_is_not_embedded():
    columns = Inputs(("a", "a is missing"), np.array([0, 0]), np.array([False, True]), distinct=np.array([90, 90]))
    assert embedded(columns, "periodic").tolist() == [0]


@every
def test_what_noise_and_dropout_change_is_what_is_embedded(kind):
    values, targets = np.random.default_rng(0).normal(size=(99, 2)), np.arange(99) % 2
    embedding = together([learned(kind, np.array([0, 1]), values, targets, seed=1)])
    reads = 2 + len(embedding.further)
    layers = [Layer(torch.randn(1, reads, 3), torch.zeros(1, 1, 3)), Layer(torch.randn(1, 3, 1), torch.zeros(1, 1, 1))]
    inputs = torch.randn(1, 7, 2)
    changed = inputs.flip(1)
    noisy, _ = forward(layers, inputs, "tanh", lambda units, depth: changed if depth == 0 else units, embedding)
    expected, _ = forward(layers, changed, "tanh", embedding=embedding)
    torch.testing.assert_close(noisy, expected)


@every
def test_validation_rows_are_embedded(kind):
    examples = examples_of()
    ((network,),) = train(examples, [job_of(kind)])
    logits = network.outputs(examples.inputs[150:])[:, 0]
    losses = np.logaddexp(0, np.where(examples.targets[150:] == 1, -logits, logits))
    assert network.history["validation_loss"][-1] == pytest.approx(losses.mean(), rel=1e-4)
