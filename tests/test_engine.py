"""The engine against mathematics and against other people's code: gradients, draws, optimizers, theorems."""

import dataclasses
import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist
from sklearn.linear_model import Lasso, LogisticRegression, Ridge
from sklearn.metrics import log_loss
from sklearn.neural_network import MLPClassifier
from torch.nn import functional

from dashpot.jobs import Design, Examples, Job, Sample, prepare
from dashpot.losses import AbsoluteError, Binary, CrossEntropy, Huber, Poisson, SquaredError
from dashpot.networks import ACTIVATIONS, Layer, Network, forward, layers_of, parameter_count, standardize
from dashpot.optimizers import SCHEDULES, SGD, Adam, AdamW, StackedOptimizer
from dashpot.randomness import draws
from dashpot.ranges import require
from dashpot.regularizers import (
    L1,
    L2,
    SMOTE,
    Dropout,
    EarlyStopping,
    ElasticNet,
    Ensemble,
    Gaussian,
    Glorot,
    He,
    LeCun,
    MaxNorm,
    Noise,
    Orthogonal,
    Oversample,
    Resample,
    Undersample,
    Uniform,
    UnitVariance,
    WeightDecay,
    Zero,
)
from dashpot.regularizers.base import Regularizer
from dashpot.regularizers.recipe import Recipe, stacked
from dashpot.stack import Stack
from dashpot.step import step
from dashpot.tables.encode import Inputs
from dashpot.training import train


def numbers(inputs, targets, weights=None):
    """Examples of measured numbers."""
    inputs = np.asarray(inputs, dtype=np.float32)
    width = inputs.shape[1]
    columns = Inputs(tuple(f"x{i}" for i in range(width)), np.arange(width), np.zeros(width, dtype=bool))
    targets = np.asarray(targets)
    return Examples(inputs, targets if targets.ndim == 1 else targets.astype(np.float32), columns, weights)


def linear_examples(rows=128, width=6, seed=0):
    """Amounts that depend on half of the inputs."""
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(rows, width))
    slopes = np.where(np.arange(width) % 2, 0.0, rng.normal(1.5, 0.3, width))
    return numbers(inputs, (inputs @ slopes + 0.5 + 0.3 * rng.normal(size=rows))[:, None])


def class_examples(rows=128, width=4, classes=2, seed=0):
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(rows, width))
    score = inputs @ rng.normal(size=width) + 0.5 * rng.normal(size=rows)
    return numbers(inputs, np.digitize(score, np.quantile(score, np.arange(1, classes) / classes)))


def fit(examples, recipe=(), seed=0, rows=None, validation=(), **settings):
    """One network."""
    standard = {
        "hidden_layers": (8,), "activation": "tanh", "loss": SquaredError(), "optimizer": SGD(0.05),
        "batch_size": 32, "epochs": 10, "tolerance": 0.0, "standardize": False,
    }  # fmt: skip
    rows = np.arange(len(examples.inputs)) if rows is None else rows
    job = Job(Recipe(tuple(recipe)), rows, np.asarray(validation, dtype=int), seed, Design(**standard | settings))
    return train(examples, [job], workers=1)[0][0]


# ---- gradients


def random_layers(widths, networks=2, dtype=torch.float64):
    generator = torch.Generator().manual_seed(3)
    parameters = torch.randn(networks, parameter_count(widths), generator=generator, dtype=dtype) / 2
    return parameters, layers_of(parameters, widths)


def targets_of(loss, shape):
    generator = torch.Generator().manual_seed(4)
    if isinstance(loss, CrossEntropy):
        return torch.eye(shape[-1], dtype=torch.float64)[torch.randint(shape[-1], shape[:-1], generator=generator)]
    if isinstance(loss, Binary):
        return torch.randint(2, shape, generator=generator).double()
    return torch.randn(shape, generator=generator, dtype=torch.float64).abs()


ALL_LOSSES = [SquaredError(), AbsoluteError(), Huber(0.7), Poisson(), Binary(), CrossEntropy(3)]


@pytest.mark.parametrize("loss", ALL_LOSSES, ids=lambda loss: type(loss).__name__)
@pytest.mark.parametrize("activation", list(ACTIVATIONS))
@pytest.mark.parametrize("hidden", [(), (1,), (5, 4)])
def test_gradients_are_those_of_finite_differences(loss, activation, hidden):
    outputs = 3 if isinstance(loss, CrossEntropy) else 1
    widths = (4, *hidden, outputs)
    parameters, _ = random_layers(widths)
    generator = torch.Generator().manual_seed(5)
    inputs = torch.randn(2, 32, 4, generator=generator, dtype=torch.float64)
    targets = targets_of(loss, (2, 32, outputs))
    weights = torch.rand(2, 32, generator=generator, dtype=torch.float64) / 32
    recipe = Recipe((L2(0.01), ElasticNet(0.02, share=0.3)))
    design = Design(hidden, activation, loss)

    def objective(flat):
        layers = layers_of(flat, widths)
        predicted, units = forward(layers, inputs, activation)
        return ((loss.per_row(predicted, targets) * weights).sum(1) + recipe.penalty(layers, units)).double()

    leaves = [Layer(*(part.detach().requires_grad_() for part in layer)) for layer in layers_of(parameters, widths)]
    losses, gradients = step(leaves, inputs, targets, weights, recipe, design, draws([0, 1]))
    found = torch.cat([part.flatten(1) for part in gradients], dim=1)
    for i in range(found.shape[1]):
        shift = torch.zeros_like(parameters)
        shift[:, i] = 1e-6
        slope = (objective(parameters + shift) - objective(parameters - shift)) / 2e-6
        torch.testing.assert_close(found[:, i], slope, atol=1e-6, rtol=1e-5)
    predicted, _ = forward(layers_of(parameters, widths), inputs, activation)
    torch.testing.assert_close(losses, (loss.per_row(predicted, targets) * weights).sum(1))


def test_the_gradient_of_l2_is_twice_strength_times_weight():
    _, layers = random_layers((3, 4, 2))
    weights = [layer.weights.detach().requires_grad_() for layer in layers]
    penalty = L2(0.1).penalty([Layer(one, None) for one in weights], [])
    for one, gradient in zip(weights, torch.autograd.grad(penalty.sum(), weights), strict=True):
        torch.testing.assert_close(gradient, 0.2 * one.detach())


# ---- draws


def test_draws_have_the_moments_of_their_distributions():
    rng = draws(range(50), step=7)
    uniform, normal = rng.uniform((50, 100, 200)), rng.normal((50, 100, 200))
    assert float(uniform.min()) >= 0
    assert float(uniform.max()) < 1
    assert abs(float(uniform.mean()) - 1 / 2) < 0.001
    assert abs(float(uniform.var()) - 1 / 12) < 0.001
    assert abs(float(normal.mean())) < 0.004
    assert abs(float(normal.var()) - 1) < 0.005
    assert abs(float((normal**4).mean()) - 3) < 0.05
    counts = torch.histc(uniform, 100, 0, 1)
    assert float(((counts - 10_000) ** 2 / 10_000).sum()) < 180  # chi-square, 99 degrees of freedom


@pytest.mark.parametrize(
    "other",
    [draws(range(50), 8), draws(range(50, 100), 7), *(draws(range(50), 7).at(p) for p in ("Dropout#0", 1, 2, 3))],
)
@pytest.mark.parametrize("lag", [0, 1, 2, 17])
def test_draws_of_other_seeds_steps_and_places_are_independent(other, lag):
    shape = (50, 20_000)
    one, two = draws(range(50), 7).normal(shape), torch.roll(other.normal(shape), lag, dims=1)
    correlations = (one * two).mean(1) * math.sqrt(shape[1])  # standard normal under independence
    assert float(correlations.abs().max()) < 4.5
    assert 0.6 < float(correlations.std()) < 1.5


def test_positions_of_one_draw_are_independent():
    normal = draws(range(50), 7).normal((50, 20_000))
    for lag in (1, 2, 3, 4, 32, 64, 1024):
        correlations = (normal * torch.roll(normal, lag, dims=1)).mean(1) * math.sqrt(20_000)
        assert float(correlations.abs().max()) < 4.5


def test_draws_are_equal_alone_and_in_a_stack():
    together, alone = draws([4, 5, 2**40 + 6], step=3).at("x"), draws(2**40 + 6, step=3).at("x")
    for shape in ((1, 7), (32, 9), (5,)):
        assert torch.equal(together.uniform((3, *shape))[2:], alone.uniform((1, *shape)))
        assert torch.equal(together.normal((3, *shape))[2:], alone.normal((1, *shape)))
        assert torch.equal(together.chance(0.3, (3, *shape))[2:], alone.chance(0.3, (1, *shape)))


@pytest.mark.parametrize("probability", [0.0, 0.001, 0.1, 0.5, 0.9, 0.999, 1.0])
def test_chance_is_exact_on_average(probability):
    shares = torch.stack([draws(range(64), step).chance(probability, (64, 1000)).mean() for step in range(300)])
    error = math.sqrt(probability * (1 - probability) / (64 * 1000 * 300))
    assert abs(float(shares.double().mean()) - probability) <= 6 * error + 1e-5 * probability


def test_chance_takes_one_probability_and_value_for_each_network():
    probability, value = torch.tensor([0.0, 0.25, 1.0]), torch.tensor([5.0, 4.0, 3.0])
    drawn = draws(range(3)).chance(probability, (3, 100, 100), value)
    assert [set(network.unique().tolist()) for network in drawn] == [{0.0}, {0.0, 4.0}, {3.0}]
    assert abs(float(drawn[1].mean()) - 1) < 0.06


def test_dropout_keeps_the_expected_value():
    means = [float(Dropout(0.3).perturb_units(torch.ones(8, 32, 64), 1, draws(range(8), s)).mean()) for s in range(100)]
    assert abs(np.mean(means) - 1) < 0.005


# ---- theorems


def test_no_hidden_layer_and_l2_is_ridge_regression():
    examples, strength = linear_examples(), 0.3
    network = fit(examples, [L2(strength)], hidden_layers=(), optimizer=SGD(0.1), batch_size=128, epochs=600)
    ridge = Ridge(alpha=strength * 128).fit(examples.inputs, examples.targets)
    weights, biases = network.layers[0]
    np.testing.assert_allclose(weights.T.ravel(), np.ravel(ridge.coef_), atol=1e-5)
    np.testing.assert_allclose(biases, ridge.intercept_, atol=1e-5)


@pytest.mark.parametrize(("loss", "classes"), [(Binary(), 2), (CrossEntropy(2), 2), (CrossEntropy(3), 3)])
def test_no_hidden_layer_and_l2_is_logistic_regression(loss, classes):
    examples, strength = class_examples(classes=classes), 0.01
    network = fit(
        examples, [L2(strength)], hidden_layers=(), loss=loss, optimizer=SGD(0.5), batch_size=128, epochs=1500
    )
    # two outputs share a slope between them, so that their penalty is half that of one output
    inverse = 2 * 128 * strength / (2 if loss == CrossEntropy(2) else 1)
    peer = LogisticRegression(C=1 / inverse, tol=1e-10, max_iter=10_000).fit(examples.inputs, examples.targets)
    probabilities = loss.predict(network.outputs(examples.inputs))
    np.testing.assert_allclose(probabilities, peer.predict_proba(examples.inputs), atol=1e-4)


@pytest.mark.parametrize("optimizer", [SGD(0.05, momentum=0.0), SGD(0.02, momentum=0.9), Adam(0.01, schedule="cosine")])
def test_l1_without_hidden_layer_is_the_lasso_with_exact_zeros(optimizer):
    examples, strength = linear_examples(), 0.4
    network = fit(examples, [L1(strength)], hidden_layers=(), optimizer=optimizer, batch_size=128, epochs=2000)
    lasso = Lasso(alpha=strength / 2, tol=1e-10).fit(
        examples.inputs.astype(float), examples.targets.ravel().astype(float)
    )
    weights, biases = network.layers[0]
    np.testing.assert_allclose(weights.ravel(), lasso.coef_, atol=2e-4)
    np.testing.assert_allclose(biases, lasso.intercept_, atol=2e-4)
    np.testing.assert_array_equal(weights.ravel() == 0, lasso.coef_ == 0)
    assert 0 < (weights == 0).sum() < weights.size


def test_weights_of_scikit_learn_give_its_probabilities():
    examples = class_examples(classes=3)
    peer = MLPClassifier((7, 5), activation="relu", max_iter=30, random_state=0, tol=0, n_iter_no_change=100)
    with pytest.warns(UserWarning, match="Maximum iterations"):
        peer.fit(examples.inputs, examples.targets)
    layers = list(zip(peer.coefs_, peer.intercepts_, strict=True))
    width = examples.inputs.shape[1]
    network = Network(layers, "relu", np.zeros(width), np.ones(width), False, np.zeros(3), np.ones(3))
    probabilities = CrossEntropy(3).predict(network.outputs(examples.inputs))
    np.testing.assert_allclose(probabilities, peer.predict_proba(examples.inputs), atol=1e-6)


@pytest.mark.parametrize("activation", list(ACTIVATIONS))
def test_prediction_in_numpy_is_the_forward_pass_of_training(activation):
    examples = linear_examples(rows=64)
    network = fit(examples, activation=activation, hidden_layers=(9, 5), standardize=True, epochs=3)
    inputs = torch.from_numpy(examples.inputs)[None].double()
    units = (inputs - torch.from_numpy(network.centre)) * torch.from_numpy(network.scale)
    units = units / torch.sqrt(1 + units**2 / 9)
    layers = [
        Layer(torch.from_numpy(w)[None].double(), torch.from_numpy(b)[None, None].double()) for w, b in network.layers
    ]
    outputs, _ = forward(layers, units, activation)
    expected = outputs[0].numpy() * network.target_scale + network.target_centre
    np.testing.assert_allclose(network.outputs(examples.inputs), expected, atol=1e-9)


@pytest.mark.parametrize("extreme", [1e9, 1e25, 1e37, -1e37])
def test_an_extreme_input_is_the_same_in_training_and_in_prediction(extreme):
    inputs = np.array([[-1.0, 1.0, extreme]], dtype=np.float32)
    centre, scale = np.array([0.5], dtype=np.float32), np.array([10.0], dtype=np.float32)
    learned = standardize(torch.from_numpy(inputs.copy()), torch.from_numpy(centre), torch.from_numpy(scale), True)
    np.testing.assert_allclose(learned.numpy(), standardize(inputs.astype(float), centre, scale, True), rtol=1e-5)


# ---- optimizers

PEERS = [
    (SGD(0.1, momentum=0.0), lambda p: torch.optim.SGD(p, 0.1)),
    (SGD(0.1, momentum=0.9), lambda p: torch.optim.SGD(p, 0.1, momentum=0.9)),
    (Adam(0.01), lambda p: torch.optim.Adam(p, 0.01)),
    (Adam(0.01, beta1=0.5, beta2=0.9, epsilon=1e-4), lambda p: torch.optim.Adam(p, 0.01, (0.5, 0.9), 1e-4)),
    (AdamW(0.01, decay=0.3), lambda p: torch.optim.AdamW(p, 0.01, weight_decay=0.3)),
]


@pytest.mark.parametrize(("optimizer", "peer"), PEERS, ids=[repr(o)[:70] for o, _ in PEERS])
@pytest.mark.parametrize("clip", [math.inf, 0.5])
def test_optimizers_take_the_steps_of_torch(optimizer, peer, clip):
    widths = (5, 3)
    parameters, _ = random_layers(widths, networks=3, dtype=torch.float32)
    theirs = [torch.nn.Parameter(row.clone()) for row in parameters]
    peers = [peer([row]) for row in theirs]
    other = dataclasses.replace(optimizer, clip=clip, learning_rate=0.5)  # a neighbour with its own learning rate
    ours = dataclasses.replace(optimizer, clip=clip)
    stack = StackedOptimizer([ours, other, ours], parameters, widths, [40] * 3)
    generator = torch.Generator().manual_seed(0)
    for _ in range(40):
        gradients = torch.randn(parameters.shape, generator=generator)
        for row, own, gradient in zip(theirs, peers, gradients, strict=True):
            row.grad = gradient.clone()
            torch.nn.utils.clip_grad_norm_([row], clip)
            own.step()
        stack.update(gradients.clone())
        for i in (0, 2):
            torch.testing.assert_close(stack.parameters[i], theirs[i].data, atol=2e-6, rtol=2e-5)


def test_long_gradients_are_shortened_and_others_are_not():
    parameters = torch.zeros(2, 64)
    stack = StackedOptimizer([SGD(1.0, momentum=0.0, clip=2.0)] * 2, parameters, (9, 6), [1, 1])
    gradients = torch.ones(2, 64) * torch.tensor([[10.0], [0.1]])
    stack.update(gradients)
    torch.testing.assert_close(torch.linalg.vector_norm(parameters, dim=1), torch.tensor([2.0, 0.8]))


def rates(schedule, steps=700):
    stack = StackedOptimizer([SGD(0.5, schedule=schedule)], torch.zeros(1, 64), (9, 6), [steps])
    found = []
    for _ in range(steps):
        found.append(stack.learning_rates()[0])
        stack.update(torch.zeros(1, 64))
    return np.array(found)


def test_schedules_move_the_learning_rate():
    share = np.arange(700) / 700
    np.testing.assert_allclose(rates("constant"), 0.5)
    np.testing.assert_allclose(rates("cosine"), 0.25 * (1 + np.cos(np.pi * share)))
    restarts = rates("warm_restarts")
    np.testing.assert_allclose(restarts[[0, 100, 300]], 0.5)
    np.testing.assert_allclose(restarts[[50, 200, 500]], 0.25)
    cycles = rates("log_cosine")
    assert cycles[0] == 0
    assert len([i for i in range(1, 699) if cycles[i - 1] < cycles[i] > cycles[i + 1]]) == 4
    assert all(0 <= schedule(t) <= 1 for schedule in SCHEDULES.values() for t in np.linspace(0, 1, 99))


def test_weight_decay_is_l2_with_half_the_strength_under_plain_descent():
    def weights(recipe):
        optimizer = SGD(1e-3, momentum=0.0)
        return fit(linear_examples(), recipe, optimizer=optimizer, hidden_layers=(), epochs=50).layers[0][0]

    # the regularizer decays after the step, not before: the same but for a term in the square of the rate
    np.testing.assert_allclose(weights([WeightDecay(0.5)]), weights([L2(0.25)]), atol=5e-4)
    assert np.abs(weights([WeightDecay(0.5)]) - weights([])).max() > 0.01


# ---- losses


def test_losses_are_those_of_torch_and_scikit_learn():
    generator = torch.Generator().manual_seed(0)
    outputs, targets = torch.randn(2, 50, 3, generator=generator) * 5, torch.rand(2, 50, 3, generator=generator)
    for loss, peer in (
        (SquaredError(), functional.mse_loss),
        (AbsoluteError(), functional.l1_loss),
        (Huber(0.3), lambda *two: functional.huber_loss(*two, delta=0.3)),
        (Binary(), functional.binary_cross_entropy_with_logits),
        (Poisson(), functional.poisson_nll_loss),
    ):
        torch.testing.assert_close(loss.per_row(outputs, targets).mean(), peer(outputs, targets))
    labels = torch.randint(3, (2, 50), generator=generator)
    encoded = torch.from_numpy(CrossEntropy(3).encode(labels.numpy()).reshape(2, 50, 3))
    ours = CrossEntropy(3).per_row(outputs, encoded)
    torch.testing.assert_close(
        ours.flatten(), functional.cross_entropy(outputs.view(-1, 3), labels.view(-1), reduction="none")
    )
    probabilities = CrossEntropy(3).predict(outputs[0].double().numpy())
    assert log_loss(labels[0].numpy(), probabilities, labels=[0, 1, 2]) == pytest.approx(
        float(ours[0].mean()), rel=1e-5
    )


@pytest.mark.parametrize("loss", [Binary(), CrossEntropy(3), Poisson()])
def test_losses_stay_finite_far_out(loss):
    outputs = torch.tensor([[[1e4, -1e4, 0.0]]], requires_grad=True)
    targets = torch.tensor([[[0.0, 1.0, 0.0]]])
    value = loss.per_row(outputs, targets).sum()
    (gradient,) = torch.autograd.grad(value, outputs)
    assert bool(value.isfinite())
    assert bool(gradient.isfinite().all())


# ---- initializers


@pytest.mark.parametrize(
    ("initializer", "variance"),
    [
        (He(), 2 / 300), (He(distribution="uniform"), 2 / 300), (LeCun(), 1 / 300), (Glorot(), 2 / 500),
        (Glorot(distribution="uniform"), 2 / 500), (Gaussian(deviation=0.3), 0.09), (Uniform(limit=0.3), 0.03),
        (Zero(), 0.0),
    ],
    ids=repr,
)  # fmt: skip
def test_first_weights_have_their_variance(initializer, variance):
    layers = [Layer(torch.ones(1, 300, 200), torch.ones(1, 1, 200))] * 2
    for layer in initializer.initialize(layers, draws(0)):
        assert float(layer.weights.var()) == pytest.approx(variance, rel=0.03)
        assert abs(float(layer.weights.mean())) < 0.005
        assert not layer.biases.any()


@pytest.mark.parametrize("shape", [(8, 8), (20, 6), (6, 20)])
def test_orthogonal_keeps_lengths(shape):
    weights = Orthogonal(gain=2.0).weights(torch.ones(1, *shape), draws(0))[0]
    product = weights.T @ weights if shape[0] >= shape[1] else weights @ weights.T
    torch.testing.assert_close(product, 4 * torch.eye(min(shape)), atol=1e-5, rtol=0)


def test_initializers_choose_their_layers():
    examples = linear_examples()
    for where, zero in (("hidden", [True, False]), ("output", [False, True]), ("all", [True, True])):
        layers = fit(examples, [Zero(where)], epochs=1, optimizer=SGD(1e-30, momentum=0.0)).layers
        assert [not np.abs(weights).max() > 1e-20 for weights, _ in layers] == zero


def test_zero_keeps_the_units_of_a_layer_equal():
    network = fit(linear_examples(), [Zero()], activation="sigmoid", hidden_layers=(6,), epochs=30)
    first, second = network.layers[0][0], network.layers[1][0]
    np.testing.assert_allclose(first, first[:, :1].repeat(6, axis=1), atol=1e-5)  # rounding alone
    np.testing.assert_allclose(second, second[:1].repeat(6, axis=0), atol=1e-5)
    assert np.abs(first).max() > 0.01


# ---- regularizers


def test_max_norm_holds_its_limit_in_hidden_layers():
    network = fit(linear_examples(), [MaxNorm(0.4)], hidden_layers=(9, 7), epochs=20)
    norms = [np.linalg.norm(weights, axis=0) for weights, _ in network.layers]
    for hidden in norms[:-1]:
        assert hidden.max() <= 0.4 * (1 + 1e-5)
    assert max(hidden.max() for hidden in norms[:-1]) > 0.39
    free = fit(linear_examples(), hidden_layers=(9, 7), epochs=20)
    assert np.linalg.norm(free.layers[0][0], axis=0).max() > 0.4


def rare(rows=90, width=3):
    rng = np.random.default_rng(0)
    targets = np.repeat([0, 1, 2], [60, 20, 10])
    return numbers(rng.normal(size=(rows, width)) + targets[:, None], targets)


def test_smote_puts_points_between_neighbours_of_one_class():
    examples = rare()
    sample = SMOTE(neighbors=3).resample(Sample(examples, np.arange(90)), np.random.default_rng(0))
    assert np.bincount(sample.targets).tolist() == [60, 60, 60]
    np.testing.assert_array_equal(sample.inputs[:90], examples.inputs)
    for label in (1, 2):
        own = examples.inputs[examples.targets == label].astype(float)
        near = np.argsort(cdist(own, own), axis=1)[:, 1:4]
        starts, ends = np.repeat(own, 3, axis=0), own[near.ravel()]
        for point in sample.made.inputs[sample.made.targets == label]:
            along = ((point - starts) * (ends - starts)).sum(1) / ((ends - starts) ** 2).sum(1)
            gaps = np.linalg.norm(starts + along.clip(0, 1)[:, None] * (ends - starts) - point, axis=1)
            assert gaps.min() < 1e-5


def test_over_and_undersampling_reach_their_ratio_with_real_rows():
    start = Sample(rare(), np.arange(90))
    for regularizer, counts in (
        (Oversample(), [60, 60, 60]), (Oversample(0.5), [60, 30, 30]),
        (Undersample(), [10, 10, 10]), (Undersample(0.5), [20, 20, 10]),
    ):  # fmt: skip
        sample = regularizer.resample(start, np.random.default_rng(0))
        assert np.bincount(sample.targets).tolist() == counts
        assert sample.made is None
        if isinstance(regularizer, Undersample):
            assert len(np.unique(sample.rows)) == len(sample.rows)


def test_a_sampler_that_makes_rows_trains():
    from imblearn import over_sampling

    network = fit(rare(), [Resample(over_sampling.SMOTE(k_neighbors=3))], loss=CrossEntropy(3))
    assert network.diverged is None
    assert np.isfinite(network.history["loss"]).all()


def test_ensembles_begin_with_the_plain_network_and_bootstrap_draws_rows():
    examples = linear_examples()
    design = Design((4,), "tanh", SquaredError(), epochs=3)
    job = Job(Recipe(()), np.arange(64), np.arange(64, 128), 5, design)
    (alone,), members = train(examples, [job, dataclasses.replace(job, recipe=Recipe((Ensemble(4),)))], workers=1)
    np.testing.assert_array_equal(alone.layers[0][0], members[0].layers[0][0])
    assert len({member.layers[0][0].tobytes() for member in members}) == 4
    rows = [planned.rows for planned in Ensemble(3, bootstrap=True).plan(job)]
    assert all(len(r) == 64 and len(np.unique(r)) < 60 for r in rows)
    assert not np.array_equal(rows[0], rows[1])


def test_label_noise_replaces_the_announced_share():
    targets = torch.eye(4)[torch.randint(4, (3, 5000), generator=torch.Generator().manual_seed(0))]
    _, noisy = Noise("labels", level=0.4).augment(targets, targets, draws(range(3)))
    changed = (noisy != targets).any(-1).float().mean()
    assert float(changed) == pytest.approx(0.4 * 3 / 4, abs=0.02)  # one draw in four is the same class
    assert bool((noisy.sum(-1) == 1).all())


@pytest.mark.parametrize("kind", ["gaussian", "uniform", "multiplicative"])
def test_noise_has_its_deviation(kind):
    noisy = Noise("inputs", kind, 0.3).perturb_units(torch.ones(2, 100, 100), 0, draws([0, 1]))
    assert float(noisy.std()) == pytest.approx(0.3, abs=0.01)
    assert float(noisy.mean()) == pytest.approx(1, abs=0.01)


# ---- early stopping, divergence, tolerance, epochs


def test_training_for_the_best_number_of_epochs_gives_the_weights_that_early_stopping_kept():
    examples = class_examples(rows=96, width=8)
    split = {"rows": np.arange(48), "validation": np.arange(48, 96), "loss": Binary(), "hidden_layers": (32,)}
    stopped = fit(examples, [EarlyStopping(patience=5), Dropout(0.2)], epochs=300, optimizer=AdamW(0.02), **split)
    assert 1 < stopped.best_epoch == stopped.epochs - 5
    assert int(np.argmin(stopped.history["validation_loss"])) + 1 == stopped.best_epoch
    again = fit(examples, [Dropout(0.2)], epochs=stopped.best_epoch, optimizer=AdamW(0.02), **split)
    for (w, b), (v, c) in zip(stopped.layers, again.layers, strict=True):
        np.testing.assert_array_equal(w, v)
        np.testing.assert_array_equal(b, c)
    last = fit(
        examples,
        [EarlyStopping(patience=5, restore_best=False), Dropout(0.2)],
        epochs=300,
        optimizer=AdamW(0.02),
        **split,
    )
    assert last.epochs == stopped.epochs
    assert not np.array_equal(last.layers[0][0], stopped.layers[0][0])
    assert last.best_epoch is None, "best_epoch is the epoch whose weights were kept"


def test_early_stopping_holds_out_a_stratified_share_of_its_own_rows():
    examples = rare()
    design = Design((4,), "tanh", CrossEntropy(3))
    job = Job(Recipe((EarlyStopping(validation_share=0.3),)), np.arange(90), np.arange(0), 0, design)
    held = prepare(examples, [job])[0].job
    assert np.bincount(examples.targets[held.validation]).tolist() == [18, 6, 3]
    assert np.array_equal(np.sort(np.concatenate([held.rows, held.validation])), np.arange(90))


def test_divergence_is_recorded_and_the_neighbours_go_on():
    examples = linear_examples()
    design = Design((8,), "relu", SquaredError(), SGD(0.01), batch_size=32, epochs=12, tolerance=0)
    wild = dataclasses.replace(design, optimizer=SGD(1e3))
    jobs = [
        Job(Recipe(()), np.arange(100), np.arange(100, 128), seed, one)
        for seed, one in enumerate([design, wild, design])
    ]
    together = train(examples, jobs, workers=1)
    assert together[1][0].diverged is not None
    assert together[1][0].epochs < 12
    assert all(np.isfinite(part).all() for layer in together[1][0].layers for part in layer)
    assert np.isfinite(together[1][0].outputs(examples.inputs)).all()
    for number in (0, 2):
        (alone,) = train(examples, [jobs[number]], workers=1)[0]
        assert together[number][0].diverged is None
        assert together[number][0].epochs == 12
        np.testing.assert_array_equal(together[number][0].layers[0][0], alone.layers[0][0])


def test_training_stops_when_the_weights_stand_still():
    settings = {"hidden_layers": (), "optimizer": SGD(0.1), "batch_size": 128, "epochs": 2000}
    still = fit(linear_examples(), tolerance=1e-4, **settings)
    assert 10 < still.epochs < 500
    assert fit(linear_examples(), tolerance=0.0, **settings | {"epochs": 600}).epochs == 600


@pytest.mark.parametrize(("rows", "batch"), [(1, 64), (63, 64), (64, 64), (65, 64), (157, 40), (100, 1000), (10, 1)])
def test_an_epoch_takes_every_row_once(rows, batch):
    examples = linear_examples(rows=200)
    chosen = np.random.default_rng(0).permutation(200)[:rows]
    design = Design((), "tanh", SquaredError(), batch_size=batch)
    stack = Stack(examples, prepare(examples, [Job(Recipe(()), chosen, np.arange(0), 3, design)]), "cpu")
    orders = []
    for epoch in range(3):
        stack.epoch = epoch
        order, weights = (part[0].numpy() for part in stack.feed.batches(stack.epoch))
        assert sorted(order[weights > 0]) == sorted(chosen)
        assert set(order.ravel()) <= set(chosen), "what fills a batch up is of the network's own rows"
        sizes = (weights > 0).sum(1)
        assert sizes.max() <= batch
        assert sizes.max() - sizes.min() <= 1
        np.testing.assert_allclose(weights.sum(1), 1, rtol=1e-5)
        orders.append(order[weights > 0])
    assert rows < 10 or not np.array_equal(orders[0], orders[1])


def test_the_orders_of_two_epochs_are_independent():
    """Philox streams of neighbouring counters overlap; one seed in hundred then repeats its order."""
    examples = linear_examples(rows=500)
    design = Design((), "tanh", SquaredError(), batch_size=500)
    jobs = [Job(Recipe(()), np.arange(500), np.arange(0), seed, design) for seed in range(100)]
    stack = Stack(examples, prepare(examples, jobs), "cpu")
    orders = []
    for stack.epoch in range(2):
        order, weights = stack.feed.batches(stack.epoch)
        orders.append(order[weights > 0].view(100, 500))
    same = (orders[0] == orders[1]).sum(1)  # Poisson with mean 1
    assert int(same.max()) < 10
    assert 0.5 < float(same.double().mean()) < 1.5


# ---- the promise to those who write their own


@dataclass(frozen=True)
class Centred(Regularizer):
    """Penalize the mean of the hidden units."""

    strength: float = 1.0
    off: ClassVar = {"strength": 0.0}

    def __post_init__(self):
        require(self, "strength", at_least=0)

    def penalty(self, layers, units):
        return self.strength * sum(hidden.mean((1, 2)).square() for hidden in units[1:])


def test_a_regularizer_of_fifteen_lines_works():
    examples = linear_examples()
    networks = {strength: fit(examples, [Centred(strength)], epochs=40) for strength in (0.0, 10.0)}
    np.testing.assert_array_equal(networks[0.0].layers[0][0], fit(examples, epochs=40).layers[0][0])

    def mean(network):
        weights, biases = network.layers[0]
        return abs(np.tanh(examples.inputs @ weights + biases).mean())

    assert mean(networks[10.0]) < mean(networks[0.0])
    jobs = [
        Job(Recipe((Centred(s),)), np.arange(128), np.arange(0), 0, Design((4,), "tanh", SquaredError(), epochs=3))
        for s in (0.0, 0.5, 5.0)
    ]
    together = train(examples, jobs, workers=1)
    for job, (network,) in zip(jobs, together, strict=True):
        np.testing.assert_array_equal(network.layers[0][0], train(examples, [job], workers=1)[0][0].layers[0][0])


# ---- the hooks that no part of the first set uses


@dataclass(frozen=True)
class Averaged(Regularizer):
    """The mean of the weights of all steps is shown; the last weights are a snapshot."""

    strength: float = 1.0
    schedule: str = "constant"
    off: ClassVar = {"strength": 0.0}

    def begin(self, parameters):
        return {"mean": torch.zeros_like(parameters), "last": parameters.clone(), "steps": torch.zeros(len(parameters))}

    def end_step(self, memory, parameters):
        steps = memory["steps"] + 1
        mean = memory["mean"] + (parameters - memory["mean"]) / steps[:, None]
        return {"mean": mean, "last": parameters.clone(), "steps": steps}

    def shown(self, memory, parameters):
        return memory["mean"]

    def snapshots(self, memory):
        return [memory["last"], torch.full_like(memory["last"], torch.nan)]


def test_what_is_shown_is_kept_and_snapshots_come_behind_it():
    examples, design = class_examples(), Design((4,), "tanh", Binary(), SGD(0.05), epochs=3)
    jobs = [Job(Recipe(recipe), np.arange(128), np.arange(0), 0, design) for recipe in ((Averaged(),), ())]
    (averaged, last), (plain,) = train(examples, jobs)
    np.testing.assert_array_equal(last.layers[0][0], plain.layers[0][0])
    assert not np.array_equal(averaged.layers[0][0], plain.layers[0][0])


def test_a_schedule_moves_a_strength_between_off_and_itself():
    progress = torch.tensor([0.0, 0.5, 1.0])
    part = stacked([Recipe((Averaged(2.0, "rising"),))] * 3)
    assert part.at(progress).parts[0].strength.tolist() == [0.0, 1.0, 2.0]
    falling = stacked([Recipe((Averaged(2.0, "flat_cosine"),))] * 3).at(progress).parts[0]
    np.testing.assert_allclose(falling.strength.numpy(), [2.0, 2.0, 0.0], atol=1e-6)
    unscheduled = stacked([Recipe((Averaged(2.0),))] * 3)
    assert unscheduled.at(progress) is unscheduled


@dataclass(frozen=True)
class Uphill(Regularizer):
    """Inputs take a step of the strength up the slope of the loss."""

    strength: float = 1.0
    off: ClassVar = {"strength": 0.0}

    def oppose(self, inputs, slope, rng):
        return inputs + self.strength.view(-1, 1, 1) * slope(inputs).sign()


def test_inputs_may_be_moved_against_the_network():
    examples = class_examples()
    opposed, plain = fit(examples, [Uphill(0.2)], loss=Binary()), fit(examples, loss=Binary())
    assert opposed.history["loss"][-1] > plain.history["loss"][-1]


@dataclass(frozen=True)
class FirstRows(Regularizer):
    """An epoch is the first row, again and again."""

    on: float = 1.0
    off: ClassVar = {"on": 0.0}

    def order(self, sample, rng):
        return np.zeros(len(sample), dtype=int)


def test_an_order_may_choose_the_rows_of_an_epoch():
    examples, same = linear_examples(), linear_examples()
    same.inputs[1:] += 100.0
    same.targets[1:] = 7.0
    first, second = (fit(table, [FirstRows()]).layers[0][0] for table in (examples, same))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_unit_variance_begins_with_units_of_mean_zero_and_variance_one(activation):
    rng = np.random.default_rng(0)
    inputs = (rng.normal(size=(600, 3)) @ rng.normal(size=(3, 12)) + rng.standard_t(2, size=(600, 12))).astype(
        np.float32
    )
    columns = Inputs(tuple("abcdefghijkl"), np.arange(12), np.zeros(12, dtype=bool))
    examples = Examples(inputs, (inputs[:, :1] > 0).astype(np.float32), columns)
    recipe = Recipe((UnitVariance(layers="all"),))
    design = Design((20, 20, 20), activation, SquaredError())
    job = Job(recipe, np.arange(500), np.arange(0), 3, design)
    stack = Stack(examples, prepare(examples, [job]), "cpu")
    network = stack._network(0, stack.parameters)
    units = standardize(inputs[:500].astype(float), network.centre, network.scale, network.clip)
    for weights, biases in network.layers:
        before = units @ weights + biases
        assert before.mean(0) == pytest.approx(np.zeros(before.shape[1]), abs=1e-3)
        assert before.std(0) == pytest.approx(np.ones(before.shape[1]), abs=1e-3)
        units = ACTIVATIONS[activation].predict(before)
