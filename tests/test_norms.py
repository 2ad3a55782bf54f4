"""What is true of each norm penalty and limit, and of no other regularizer."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.optimize import minimize

from dashpot import MLPClassifier, MLPRegressor, load
from dashpot.errors import UsageError
from dashpot.jobs import Design, Examples, Job
from dashpot.losses import SquaredError
from dashpot.networks import Layer
from dashpot.optimizers import SGD, Adam, AdamW, Step
from dashpot.regularizers import (
    L1,
    L2,
    Activity,
    Dropout,
    ElasticNet,
    Ensemble,
    GroupLasso,
    MaxNorm,
    Noise,
    Orthogonality,
    Recipe,
    SpectralNorm,
    WeightDecay,
    parse,
)
from dashpot.regularizers.recipe import stacked
from dashpot.regularizers.spectra import largest_singular_value
from dashpot.tables.encode import Inputs
from dashpot.training import train


def grouped_examples(rows=128, seed=0):
    """Four columns of 1, 3, 2 and 2 inputs; only the first two matter."""
    rng = np.random.default_rng(seed)
    source = np.array([0, 1, 1, 1, 5, 5, 7, 7])
    inputs = rng.normal(size=(rows, 8)).astype(np.float32)
    slopes = np.array([1.5, 1.0, -1.0, 0.3, 0, 0, 0, 0])
    targets = (inputs @ slopes + 0.3 * rng.normal(size=rows)).astype(np.float32)[:, None]
    return Examples(inputs, targets, Inputs(tuple("abcdefgh"), source, np.zeros(8, dtype=bool)))


def fit(examples, recipe, **settings):
    standard = {
        "hidden_layers": (), "activation": "tanh", "loss": SquaredError(), "optimizer": SGD(0.05),
        "batch_size": 128, "epochs": 600, "tolerance": 0.0, "standardize": False,
    }  # fmt: skip
    rows = np.arange(len(examples.inputs))
    return train(examples, [Job(Recipe(tuple(recipe)), rows, rows[:0], 0, Design(**standard | settings))], workers=1)[
        0
    ][0]


# ---- group lasso


@pytest.mark.parametrize("optimizer", [SGD(0.05, momentum=0.0), Adam(0.01, schedule="cosine")])
def test_group_lasso_without_hidden_layer_minimizes_its_objective_with_exact_zeros(optimizer):
    examples, strength = grouped_examples(), 0.3
    groups = [np.flatnonzero(examples.columns.source == number) for number in (0, 1, 5, 7)]

    def objective(parameters):
        residual = examples.inputs @ parameters[:8] + parameters[8] - examples.targets[:, 0]
        norms = [np.sqrt(len(group)) * np.linalg.norm(parameters[group]) for group in groups]
        return (residual**2).mean() + strength * sum(norms)

    network = fit(examples, [GroupLasso(strength)], optimizer=optimizer, epochs=1500)
    (weights, bias) = network.layers[0]
    found = np.append(weights.ravel(), bias).astype(float)
    best = min(
        (minimize(objective, start, method="Powell", options={"maxiter": 20_000, "ftol": 1e-12, "xtol": 1e-8}).fun
        for start in (np.zeros(9), found)),
    )  # fmt: skip
    assert objective(found) <= best + 1e-5
    zero = [bool((weights[group] == 0).all()) for group in groups]
    assert zero == [False, False, True, True]
    assert (weights[groups[1]] != 0).all()


def test_the_proximal_step_of_group_lasso_is_exact_where_step_sizes_differ():
    rng = np.random.default_rng(1)
    weights, sizes = rng.normal(size=(2, 6, 4)), rng.uniform(0.01, 1, size=(2, 6, 4))
    layer, step_sizes = (Layer(torch.tensor(part), torch.zeros(2, 1, 4)) for part in (weights, sizes))
    step = Step([1.0, 1.0], torch.device("cpu"), lambda: [step_sizes])
    columns = Inputs(tuple("abcdef"), np.array([0, 0, 0, 3, 4, 4]), np.zeros(6, dtype=bool))
    result = GroupLasso(1.2).bind(columns).constrain([layer], step)[0].weights.numpy()
    for network in range(2):
        for group in ([0, 1, 2], [3], [4, 5]):
            new, old, size = (part[network, group] for part in (result, weights, sizes))
            pull = 1.2 * np.sqrt(len(group))
            if (new == 0).all():
                assert np.linalg.norm(old / size) <= pull
            else:  # the gradient of (new - old)^2 / (2 size) + pull * |new| is zero
                np.testing.assert_allclose((new - old) / size + pull * new / np.linalg.norm(new), 0, atol=1e-6)


def survey(rows=240):
    """Two columns that matter, a category of four levels and two numbers that do not."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "age": rng.normal(50, 10, rows),
            "region": rng.choice(["north", "south", "east", "west"], rows),
            "income": rng.normal(3, 1, rows),
            "party": rng.choice(["left", "middle", "right"], rows),
            "noise": rng.normal(size=rows),
        }
    )
    score = (frame.income - 3) + 2.0 * (frame.party == "left")
    return frame, (score + 0.2 * rng.normal(size=rows) > 0.6).astype(int)


def test_surviving_columns_are_those_that_group_lasso_left(tmp_path):
    frame, target = survey()
    settings = {"hidden_layers": (8,), "max_epochs": 60, "batch_size": 32, "optimizer": AdamW(0.01), "random_state": 0}
    model = MLPClassifier(regularizers=[GroupLasso(0.05), Ensemble(2)], **settings).fit(frame, target)
    assert model.surviving_columns_ == ["income", "party"]
    assert load(model.save(tmp_path / "model.dashpot")).surviving_columns_ == ["income", "party"]
    rows = model.networks_[0].layers[0][0]
    region = model.encoder_.inputs_.source == 1
    assert (rows[region] == 0).all()
    assert (rows[model.encoder_.inputs_.source == 3] != 0).any(1).all()
    model.networks_[1].layers[0][0][0] = 1.0
    assert model.surviving_columns_ == ["age", "income", "party"]  # one member is enough
    free = MLPClassifier(regularizers=[], **settings | {"max_epochs": 2}).fit(frame, target)
    assert free.surviving_columns_ == list(frame.columns)


def test_columns_without_influence_do_not_survive():
    frame, target = survey()
    model = MLPRegressor(hidden_layers=(4,), regularizers=[], max_epochs=2).fit(frame.to_numpy()[:, [0, 2]], target)
    assert model.surviving_columns_ == [0, 1]
    model.networks_[0].scale[1] = 0
    assert model.surviving_columns_ == [0]


# ---- singular values


def test_orthogonality_brings_singular_values_to_one():
    settings = {"hidden_layers": (8, 8), "epochs": 300, "batch_size": 32}
    plain = fit(grouped_examples(), [], **settings)
    held = fit(grouped_examples(), [Orthogonality(1.0)], **settings)

    def distance(network):
        return max(np.abs(np.linalg.svd(w, compute_uv=False) - 1).max() for w, _ in network.layers[:2])

    assert distance(held) < 0.1 < 0.5 < distance(plain)


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (3, 1), (1, 3)])
def test_orthogonality_is_zero_where_columns_or_rows_are_orthonormal(shape):
    weights = torch.linalg.qr(torch.randn(max(shape), min(shape), generator=torch.Generator().manual_seed(0)))[0]
    weights = weights if shape[0] >= shape[1] else weights.T
    layers = [Layer(weights[None], torch.zeros(1, 1, shape[1]))]
    assert float(Orthogonality(1.0, "all").penalty(layers, [])) < 1e-10
    assert float(Orthogonality(1.0, "hidden").penalty(layers, [])) == 0
    twice = [Layer(2 * weights[None], layers[0].biases)]
    assert float(Orthogonality(1.0, "all").penalty(twice, [])) == pytest.approx(9 * min(shape), rel=1e-5)


@pytest.mark.parametrize("shape", [(128, 128), (32, 128), (128, 10), (7, 3), (5, 1)])
def test_power_iteration_is_near_the_largest_singular_value_from_below(shape):
    weights = torch.randn(16, *shape, generator=torch.Generator().manual_seed(0))
    share = largest_singular_value(weights) / torch.linalg.svdvals(weights)[:, 0]
    assert bool((share <= 1 + 1e-5).all())
    assert bool((share > 0.91).all())  # a random matrix is the worst case: its singular values are close


def test_spectral_norm_holds_its_limit_in_training():
    settings = {"hidden_layers": (32, 16), "epochs": 40, "batch_size": 32}
    free = [np.linalg.norm(w, 2) for w, _ in fit(grouped_examples(), [], **settings).layers]
    held = [np.linalg.norm(w, 2) for w, _ in fit(grouped_examples(), [SpectralNorm(0.7)], **settings).layers]
    assert max(held) <= 0.7 * 1.02
    assert max(held) > 0.69
    assert max(free) > 1


# ---- activity


def test_activity_makes_hidden_units_sparse():
    def active(network, inputs):
        weights, biases = network.layers[0]
        return (np.maximum(inputs @ weights + biases, 0) > 1e-3).mean()

    examples = grouped_examples()
    settings = {"hidden_layers": (16,), "activation": "relu", "epochs": 400, "batch_size": 32}
    plain, sparse = fit(examples, [], **settings), fit(examples, [Activity(0.02)], **settings)
    assert active(sparse, examples.inputs) < 0.7 * active(plain, examples.inputs)


def test_activity_looks_at_the_hidden_layers_it_was_told():
    units = [torch.ones(1, 4, 9), torch.full((1, 4, 3), -2.0), torch.ones(1, 4, 5)]
    sums = {which: float(Activity(1.0, which).penalty([], units)) for which in ("hidden", "first", "none", 2)}
    assert sums == {"hidden": 11.0, "first": 6.0, "none": 0.0, 2: 5.0}


# ---- a strength for each layer


def layers_of_ones():
    return [Layer(torch.ones(1, 2, 2), torch.zeros(1, 1, 2)) for _ in range(3)]


@pytest.mark.parametrize(("which", "touched"), [
    ("all", [True, True, True]), ("first", [True, False, False]), ("hidden", [True, True, False]),
    ("output", [False, False, True]), ("none", [False] * 3), (2, [False, True, False]),
])  # fmt: skip
def test_layers_chooses_where_a_norm_acts(which, touched):
    layers = layers_of_ones()
    step = Step([0.1], torch.device("cpu"), layers_of_ones)
    for one in (L1(0.1, which), ElasticNet(0.1, 1.0, which), WeightDecay(0.1, which), MaxNorm(0.1, which),
                SpectralNorm(0.1, which)):  # fmt: skip
        result = one.constrain(layers, step)
        assert [bool((new.weights != old.weights).any()) for new, old in zip(result, layers, strict=True)] == touched
    assert float(L2(0.5, which).penalty(layers, [])) == 0.5 * 4 * sum(touched)


def test_several_parts_give_a_strength_per_layer():
    examples = grouped_examples()
    parts = [L2(0.01, layers="first"), L2(0.3, layers=2), L2(0.0, layers="output")]
    network = fit(examples, parts, hidden_layers=(8, 8), epochs=60, batch_size=32)
    weak = fit(examples, [L2(0.01, layers="first")], hidden_layers=(8, 8), epochs=60, batch_size=32)
    ratios = [np.linalg.norm(a) / np.linalg.norm(b) for (a, _), (b, _) in zip(network.layers, weak.layers, strict=True)]
    assert ratios[1] < 0.7 < ratios[0]


def test_a_layer_that_is_not_there_is_refused_in_one_line():
    for refused in (0, True, "last", 1.5):
        with pytest.raises(UsageError, match=r"layers must be one of all, first, hidden, output, none, or the number"):
            L2(0.1, layers=refused)
    with pytest.raises(UsageError, match=r"layers=4: the network has 3 layers of weights"):
        L2(0.1, layers=4).penalty(layers_of_ones(), [])
    with pytest.raises(UsageError, match="hidden, first, none"):
        Dropout(0.1, layers="output")


def test_where_and_when_are_written_only_if_they_are_not_the_default():
    assert repr(L2(0.1)) == "L2(strength=0.1)"
    assert repr(Dropout(0.1, 2, "rising")) == "Dropout(rate=0.1, layers=2, schedule='rising')"
    assert parse(repr(Noise("weights", layers="first"))) == Noise("weights", layers="first")


def test_a_schedule_moves_the_strength_of_a_norm_over_the_epochs():
    layers, step = layers_of_ones(), Step([0.1] * 3, torch.device("cpu"), layers_of_ones)
    halfway = torch.tensor([0.0, 0.5, 1.0])
    layers = [Layer(*(part.expand(3, -1, -1) for part in layer)) for layer in layers]

    def at(part):
        return stacked([Recipe((part,))] * 3).at(halfway)

    assert at(L2(0.5, schedule="falling")).penalty(layers, []).tolist() == [6.0, 3.0, 0.0]
    shrunk = at(WeightDecay(1.0, schedule="rising")).constrain(layers, step)[0].weights[:, 0, 0]
    assert shrunk.tolist() == pytest.approx([1.0, 0.95, 0.9])
    for cls in (L1, ElasticNet):
        one = cls(0.2, schedule="flat_cosine")
        full, plain = (at(part).constrain(layers, step)[0].weights for part in (one, cls(0.2)))
        assert torch.equal(full[:2], plain[:2])
        assert torch.allclose(full[2], layers[0].weights[2])
    for refused in (L1, L2, ElasticNet, WeightDecay):
        with pytest.raises(UsageError, match="schedule must be one of constant, rising, falling"):
            refused(0.1, schedule="sometimes")


def test_a_decay_that_falls_is_between_none_and_all():
    """Dropout 0.15 and decay 0.02 of RealMLP are flat for half of the training, then fall along half a cosine."""
    examples = grouped_examples()
    norms = [
        np.linalg.norm(fit(examples, recipe, hidden_layers=(8,), epochs=30, batch_size=32).layers[0][0])
        for recipe in ([], [WeightDecay(0.3, schedule="flat_cosine")], [WeightDecay(0.3)])
    ]
    assert norms[0] > 1.02 * norms[1]
    assert norms[1] > 1.02 * norms[2]
