"""What is true of the dropout family and of the kinds of noise; prediction with noise."""

import numpy as np
import pytest
import torch
from scipy.stats import norm
from torch.nn import functional

from dashpot import MLPClassifier, MLPRegressor, load
from dashpot.errors import UsageError
from dashpot.networks import Layer
from dashpot.randomness import draws
from dashpot.regularizers import (
    L2,
    AlphaDropout,
    DropConnect,
    Dropout,
    Ensemble,
    GaussianDropout,
    InputDropout,
    Noise,
)
from dashpot.regularizers.recipe import Recipe, stacked
from dashpot.tables.encode import Inputs

ONES = torch.ones(4, 200, 100)


# ---- against PyTorch's own


def test_dropout_is_that_of_torch_in_values_and_share():
    ours = Dropout(0.3).perturb_units(ONES, 1, draws(range(4)))
    torch.manual_seed(0)
    peer = functional.dropout(ONES, 0.3)
    assert torch.allclose(ours.unique(), peer.unique())
    assert float((ours == 0).float().mean()) == pytest.approx(float((peer == 0).float().mean()), abs=0.01)


def test_alpha_dropout_is_that_of_torch():
    units = torch.full((4, 200, 100), 0.7)
    torch.manual_seed(0)
    peer = functional.alpha_dropout(units, 0.2, training=True)
    ours = AlphaDropout(0.2).perturb_units(units, 1, draws(range(4)))
    assert torch.allclose(ours.unique(), peer.unique(), atol=1e-5)
    assert float((ours < 0).float().mean()) == pytest.approx(0.2, abs=0.005)


def test_alpha_dropout_keeps_mean_and_variance_through_selu_layers_and_dropout_does_not():
    units = {"alpha": draws([0]).normal((1, 500, 256)), "plain": draws([0]).normal((1, 500, 256))}
    for depth in range(1, 9):
        weights = draws([depth]).normal((1, 256, 256)) / 16
        units = {name: functional.selu(torch.bmm(one, weights)) for name, one in units.items()}
        units["alpha"] = AlphaDropout(0.1).perturb_units(units["alpha"], depth, draws([depth], 1))
        units["plain"] = Dropout(0.1).perturb_units(units["plain"], depth, draws([depth], 1))
    assert abs(float(units["alpha"].mean())) < 0.05
    assert float(units["alpha"].var()) == pytest.approx(1, abs=0.12)
    assert abs(float(units["plain"].var()) - 1) > 0.12


# ---- own theorems


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_gaussian_dropout_has_mean_and_variance_of_dropout(rate):
    gaussian = GaussianDropout(rate).perturb_units(ONES, 1, draws(range(4)))
    plain = Dropout(rate).perturb_units(ONES, 1, draws(range(4)))
    assert float(gaussian.mean()) == pytest.approx(1, abs=0.01)
    assert float(gaussian.var()) == pytest.approx(float(plain.var()), rel=0.05)


def test_dropconnect_keeps_the_expected_weights_and_all_biases():
    layer = Layer(torch.ones(4, 100, 50), torch.ones(4, 1, 50))
    seen = [DropConnect(0.3).perturb_weights([layer], draws(range(4), step))[0] for step in range(30)]
    assert float(torch.stack([one.weights for one in seen]).mean()) == pytest.approx(1, abs=0.005)
    assert all(torch.equal(one.biases, layer.biases) for one in seen)


@pytest.mark.parametrize("cls", [Dropout, GaussianDropout, AlphaDropout])
def test_several_parts_give_a_rate_per_layer(cls):
    recipe = Recipe((cls(0.1, layers=1), cls(0.5, layers=2)))
    units = [recipe.perturb_units(ONES, depth, draws(range(4))) for depth in range(4)]
    assert torch.equal(units[0], ONES)
    assert torch.equal(units[3], ONES)
    assert float(units[1].var()) < 0.7 * float(units[2].var())


def test_a_schedule_moves_the_rate_over_the_epochs():
    recipe = stacked([Recipe((Dropout(0.4, schedule="rising"),))] * 4)
    shares = [
        float((recipe.at(torch.full((4,), t)).perturb_units(ONES, 1, draws(range(4))) == 0).float().mean())
        for t in (0.0, 0.5, 1.0)
    ]
    assert shares == pytest.approx([0, 0.2, 0.4], abs=0.01)
    for refused in (Dropout, InputDropout, GaussianDropout, AlphaDropout, DropConnect, Noise):
        with pytest.raises(UsageError, match="schedule must be one of constant, rising, falling"):
            refused(schedule="sometimes")


# ---- kinds of noise

COLUMNS = Inputs(("number", "a", "b", "c"), np.array([0, 2, 2, 2]), np.array([False, True, True, True]))


def rows_with_a_category(networks=3, rows=400):
    numbers = draws(range(networks)).normal((networks, rows, 1))
    levels = functional.one_hot((draws(range(networks), 1).uniform((networks, rows)) * 3).long(), 3)
    return torch.cat([numbers, levels.float()], dim=2)


def test_swap_takes_values_of_the_same_column_and_whole_categories():
    inputs = rows_with_a_category()
    noisy = Noise("inputs", "swap", 0.4).bind(COLUMNS).perturb_units(inputs, 0, draws(range(3)))
    assert bool((noisy[..., 1:].sum(2) == 1).all())
    for network in range(3):
        assert np.isin(noisy[network, :, 0], inputs[network, :, 0]).all()
    assert float((noisy[..., 0] != inputs[..., 0]).float().mean()) == pytest.approx(0.4, abs=0.04)
    changed = (noisy[..., 1:] != inputs[..., 1:]).any(2).float().mean()
    assert float(changed) == pytest.approx(0.4 * 2 / 3, abs=0.04)  # another row often has the same level


def test_swap_keeps_the_distribution_of_a_column_and_breaks_its_ties_to_others():
    inputs = draws([0]).normal((1, 4000, 1)).expand(1, 4000, 2)
    noisy = Noise("inputs", "swap", 0.5).perturb_units(inputs, 0, draws([0], step=1))[0].numpy()
    assert noisy.std(0) == pytest.approx(inputs[0].numpy().std(0), abs=0.03)
    assert np.corrcoef(noisy.T)[0, 1] == pytest.approx(0.25, abs=0.05)


def test_salt_and_pepper_is_the_smallest_or_the_largest_value_of_a_column():
    inputs = draws(range(3)).normal((3, 1000, 2))
    noisy = Noise("inputs", "salt_and_pepper", 0.2).perturb_units(inputs, 0, draws(range(3), 5))
    low, high = noisy == inputs.amin(1, keepdim=True), noisy == inputs.amax(1, keepdim=True)
    assert float(low.float().mean()) == pytest.approx(0.1, abs=0.02)
    assert float(high.float().mean()) == pytest.approx(0.1, abs=0.02)
    assert bool((low | high | (noisy == inputs)).all())


def test_masking_silences_the_announced_share():
    noisy = Noise("activations", "masking", 0.25).perturb_units(ONES, 1, draws(range(4)))
    assert noisy.unique().tolist() == [0, 1]
    assert float(noisy.mean()) == pytest.approx(0.75, abs=0.01)


def test_swapped_labels_are_those_of_other_rows():
    targets = functional.one_hot(torch.arange(1000) % 4 // 3, 2).float()[None]  # one in four is of class 1
    _, noisy = Noise("labels", "swap", 0.4).augment(targets, targets, draws([0]))
    assert bool((noisy.sum(2) == 1).all())
    assert float((noisy != targets).any(2).float().mean()) == pytest.approx(0.4 * 2 * 0.25 * 0.75, abs=0.03)
    assert float(noisy[..., 1].mean()) == pytest.approx(0.25, abs=0.04)


def test_noise_may_keep_to_one_layer():
    layers = [Layer(torch.ones(1, 3, 3), torch.zeros(1, 1, 3)) for _ in range(3)]
    seen = Noise("weights", level=0.1, layers="first").perturb_weights(layers, draws(0))
    assert [bool((one.weights != 1).any()) for one in seen] == [True, False, False]
    noise = Noise("activations", level=0.1, layers=2)
    assert [bool((noise.perturb_units(ONES, depth, draws(range(4))) != 1).any()) for depth in range(4)] == [
        False,
        False,
        True,
        False,
    ]


# ---- prediction with noise


def moons(rows=120):
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(rows, 3))
    return inputs, (inputs[:, 0] + inputs[:, 1] ** 2 + 0.3 * rng.normal(size=rows))


def test_gaussian_noise_at_prediction_gives_the_probit_integral():
    """A linear model with Gaussian input noise: mean and spread of its output are known."""
    inputs, amounts = moons()
    model = MLPRegressor((), regularizers=[Noise("inputs", level=0.2)], standardize=True, max_epochs=20, random_state=0)
    model.fit(inputs, amounts)
    network = model.networks_[0]
    expected = 0.2 * np.linalg.norm(network.layers[0][0]) * network.target_scale[0]
    spread = model.predict_spread(inputs[:20], samples=2000)
    np.testing.assert_allclose(spread, expected, rtol=0.1)
    error = norm.ppf(0.9999) * expected / np.sqrt(2000)
    np.testing.assert_allclose(model.predict(inputs[:20], samples=2000), model.predict(inputs[:20]), atol=error)


def test_monte_carlo_dropout_gives_mean_and_spread_and_is_the_same_again(tmp_path):
    inputs, amounts = moons(300)
    model = MLPClassifier((16,), regularizers=[Dropout(0.3), L2(1e-4), Ensemble(2)], max_epochs=10, random_state=0)
    model.fit(inputs, amounts > 0.5)
    mean, spread = model.predict_proba(inputs, samples=40), model.predict_spread(inputs, samples=40)
    assert mean.shape == spread.shape == (300, 2)
    np.testing.assert_allclose(mean.sum(1), 1)
    np.testing.assert_allclose(spread[:, 0], spread[:, 1], atol=1e-9)
    assert 0 < spread.mean() < 0.5
    assert 0 < np.abs(mean - model.predict_proba(inputs)).mean() < 0.1
    np.testing.assert_array_equal(model.predict_proba(inputs, samples=40), mean)
    read = load(model.save(tmp_path / "model.dashpot"))
    np.testing.assert_array_equal(read.predict_proba(inputs, samples=40), mean)
    assert model.predict(inputs, samples=40).tolist() == model.classes_[mean.argmax(1)].tolist()


def test_the_spread_of_dropout_is_that_of_its_masks():
    """One hidden layer, one output: the variance of its dropout is rate / (1 - rate) * sum of (unit * weight)^2."""
    inputs, amounts = moons()
    model = MLPRegressor((12,), "relu", regularizers=[Dropout(0.4)], max_epochs=30, random_state=1).fit(inputs, amounts)
    network = model.networks_[0]
    (first, offset), (second, _) = network.layers
    standardized = (inputs - network.centre) * network.scale
    standardized /= np.sqrt(1 + standardized**2 / 9)
    parts = np.maximum(standardized @ first + offset, 0) * second[:, 0] * network.target_scale[0]
    expected = np.sqrt(0.4 / 0.6 * (parts**2).sum(1))
    np.testing.assert_allclose(model.predict_spread(inputs, samples=3000), expected, rtol=0.12)


def test_samples_without_noise_in_the_recipe_are_refused_in_one_line():
    inputs, amounts = moons()
    model = MLPRegressor((4,), regularizers=[L2(0.1), Dropout(0.0)], max_epochs=2).fit(inputs, amounts)
    with pytest.raises(UsageError, match=r"MLPRegressor.predict\(samples=10\): nothing in the recipe disturbs"):
        model.predict(inputs, samples=10)
    for wrong in (-1, 2.5, True):
        with pytest.raises(UsageError, match="must be a whole number of at least 1"):
            model.predict_spread(inputs, samples=wrong)
