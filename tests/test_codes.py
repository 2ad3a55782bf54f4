"""Codes of autoencoders: tied to their decoder, of unrelated numbers, or noisy and normal."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.datasets import load_breast_cancer, load_digits, load_iris
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler
from torch.distributions import Normal, kl_divergence

from dashpot import (
    Autoencoder,
    Decorrelation,
    EarlyStopping,
    TiedWeights,
    UsageError,
    VariationalCode,
    load,
    load_anes96,
)
from dashpot.networks import Layer
from dashpot.optimizers import Adam
from dashpot.randomness import draws

QUICK = {"hidden_layers": (16,), "max_epochs": 30, "random_state": 0, "workers": 1}


@pytest.fixture(scope="module")
def cancer():
    return StandardScaler().fit_transform(load_breast_cancer().data)


@pytest.fixture(scope="module")
def normal():
    """An autoencoder with a variational code, and rows that it has not learned from."""
    rows = load_digits().data[np.random.default_rng(0).permutation(1797)]
    settings = QUICK | {"hidden_layers": (64,), "max_epochs": 40, "image_shape": (8, 8)}
    return Autoencoder(6, code="variational", **settings).fit(rows[:1300]), rows[:1300], rows[1300:]


# ---- tied weights


def test_tied_weights_are_transposes_of_each_other():
    model = Autoencoder(2, tied=True, **(QUICK | {"hidden_layers": (16, 8)})).fit(load_iris().data)
    layers = model.networks_[0].layers
    assert len(layers) == 6
    for (weights, _), (image, _) in zip(layers[:3], layers[:2:-1], strict=True):
        np.testing.assert_allclose(weights, image.T, atol=1e-5)
    assert np.abs(layers[0][0]).max() > 0.1
    assert model.history_[0]["loss"][-1] < model.history_[0]["loss"][0]


@pytest.mark.parametrize("hidden", [(), (16,), (24, 16)])
def test_tied_weights_begin_as_principal_components(cancer, hidden):
    still = {"hidden_layers": hidden, "optimizer": Adam(1e-9), "max_epochs": 1, "standardize": False}
    model = Autoencoder(3, tied=True, regularizers=(), random_state=0, **still).fit(cancer)
    assert model.error_ == pytest.approx(model.components_error_, rel=1e-3)


def test_tied_weights_may_be_drawn_together_slowly():
    first, last = Layer(torch.ones(1, 3, 2), torch.zeros(1, 1, 2)), Layer(torch.zeros(1, 2, 3), torch.zeros(1, 1, 3))
    encoder, decoder = TiedWeights(0.5).constrain([first, last], None)
    assert encoder.weights.unique().tolist() == [0.75]
    assert decoder.weights.unique().tolist() == [0.25]


def test_layers_that_do_not_mirror_each_other_are_left_alone():
    layers = [Layer(torch.ones(1, *shape), torch.zeros(1, 1, shape[1])) for shape in ((5, 3), (3, 2), (2, 4))]
    kept = TiedWeights().constrain(layers, None)
    assert all(one is other for one, other in zip(kept, layers, strict=True))


# ---- numbers that say different things


def test_the_penalty_is_the_mean_squared_correlation():
    units = torch.tensor(
        np.random.default_rng(0).normal(size=(1, 50, 5)) @ np.random.default_rng(1).normal(size=(5, 5))
    )
    related = np.corrcoef(units[0].numpy().T)
    expected = (related[~np.eye(5, dtype=bool)] ** 2).mean()
    assert Decorrelation(2.0).penalty([], [units, units]).item() == pytest.approx(2 * expected, rel=1e-4)


def test_a_unit_that_never_changes_is_related_to_none():
    units = torch.zeros(1, 20, 3)
    assert Decorrelation(1.0).penalty([], [units, units]).item() == 0


def test_the_gradient_of_the_correlation_is_that_of_finite_differences():
    units = torch.tensor(np.random.default_rng(0).normal(size=(2, 6, 3)), requires_grad=True)
    assert torch.autograd.gradcheck(lambda u: Decorrelation(0.7).penalty([], [u, u]), units)


def test_numbers_of_a_bounded_code_are_kept_apart(cancer):
    def relation(recipe):
        settings = QUICK | {"max_epochs": 60}
        codes = Autoencoder(3, code="bounded", regularizers=recipe, **settings).fit_transform(cancer)
        return (np.corrcoef(codes.T)[np.triu_indices(3, 1)] ** 2).mean()

    assert relation((Decorrelation(2.0, layers="middle"),)) < 0.5 * relation(())


def test_a_bounded_code_is_measured_beside_principal_components_without_bounds(cancer):
    bounded, linear = (Autoencoder(3, code=code, **QUICK).fit(cancer) for code in ("bounded", "linear"))
    assert bounded.components_error_ == pytest.approx(linear.components_error_, rel=1e-5)
    assert bounded.error_ < 1.1 * bounded.components_error_


# ---- a variational code


def test_the_divergence_is_that_of_normal_distributions():
    units = torch.tensor(np.random.default_rng(0).normal(size=(1, 8, 4)))
    seen = VariationalCode(0.5).perturb_units(units, 1, draws(seed=0))
    means, variances = units[..., :2], units[..., 2:].exp()
    expected = kl_divergence(Normal(means, variances.sqrt()), Normal(0.0, 1.0)).sum(-1).mean()
    inputs = torch.zeros(1, 8, 10)
    assert VariationalCode(0.5).penalty([], [inputs, seen]).item() == pytest.approx(2 * 0.5 / 10 * expected.item())


def test_no_layer_sees_the_variances():
    layers = [Layer(torch.ones(1, *shape), torch.zeros(1, 1, shape[1])) for shape in ((3, 4), (4, 3))]
    kept = VariationalCode().constrain(layers, None)
    assert kept[0] is layers[0]
    assert kept[1].weights[0, :, 0].tolist() == [1, 1, 0, 0]


def test_a_straight_variational_autoencoder_is_probabilistic_principal_component_analysis(cancer):
    """Codes have noise of variance strength over that of the component; one below the strength says nothing."""
    variances = PCA().fit(cancer).explained_variance_
    strength = 1.0
    settings = {"hidden_layers": (), "standardize": False, "max_epochs": 150, "random_state": 0, "workers": 1}
    recipe = VariationalCode(strength)
    model = Autoencoder(9, code="variational", regularizers=recipe, optimizer=Adam(5e-3, "cosine"), **settings)
    model.fit(cancer)
    expected = np.minimum(strength / variances[:9], 1)
    np.testing.assert_allclose(model.code_noise_**2, expected, atol=0.08)
    np.testing.assert_allclose(model.code_spread_**2, 1 - expected, atol=0.12)
    assert (expected == 1).sum() >= 2


def test_codes_of_new_rows_are_standard_normal_together_with_their_noise(normal):
    model, _, new = normal
    codes = model.transform(new)
    codes = codes + np.random.default_rng(0).normal(size=codes.shape) * model.code_noise_
    assert np.abs(codes.mean(0)).max() < 0.3
    assert (np.abs(codes.std(0) - 1) < 0.3).all()
    assert np.abs(np.corrcoef(codes.T) - np.eye(6)).max() < 0.3
    assert (model.code_noise_ > 0.05).all()
    assert model.error_ < model.components_error_


def test_samples_look_like_rows(normal):
    model, rows, new = normal
    drawn = model.sample(300, random_state=0)
    assert drawn.shape == (300, 64)
    near = NearestNeighbors(n_neighbors=1).fit(rows)
    rng = np.random.default_rng(0)
    shuffled = np.column_stack([rng.permutation(column) for column in new.T])
    distance = {name: np.median(near.kneighbors(part)[0]) for name, part in (("drawn", drawn), ("shuffled", shuffled))}
    assert distance["drawn"] < 0.6 * distance["shuffled"]
    assert np.abs(drawn.mean(0) - rows.mean(0)).mean() < 0.15 * rows.std()
    assert drawn.std(0).mean() > 0.5 * rows.std(0).mean()


def test_samples_of_a_table_are_a_table():
    frame, _ = load_anes96()
    frame = frame.iloc[:200].assign(old=lambda f: np.where(f.age > 50, "old", "young"))
    model = Autoencoder(3, code="variational", **QUICK).fit(frame)
    drawn = model.sample(5, random_state=1)
    assert list(drawn.columns) == list(frame.columns)
    assert set(drawn.old) <= {"old", "young"}
    pd.testing.assert_frame_equal(drawn, model.sample(5, random_state=1))


def test_a_saved_variational_autoencoder_draws_the_same_rows(normal, tmp_path):
    model, _, new = normal
    again = load(model.save(tmp_path / "codes.dashpot"))
    assert np.array_equal(again.sample(4, random_state=0), model.sample(4, random_state=0))
    assert np.array_equal(again.transform(new), model.transform(new))
    assert np.array_equal(again.code_noise_, model.code_noise_)


def test_the_strength_of_a_variational_code_may_be_set(cancer):
    weak, strong = (
        Autoencoder(3, code="variational", regularizers=VariationalCode(strength), **QUICK).fit(cancer)
        for strength in (0.02, 0.8)
    )
    assert (weak.code_noise_ < strong.code_noise_).all()
    assert weak.error_ < strong.error_
    assert weak.recipe_.parts == (VariationalCode(0.02, layers=2),)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda X: Autoencoder(2, regularizers=VariationalCode(), **QUICK).fit(X), "Set code='variational'"),
        (lambda X: Autoencoder(2, **QUICK).fit(X).sample(3), "no known distribution"),
        (lambda X: Autoencoder(2, code="variational", **QUICK).fit(X).sample(0), "n_samples=0"),
        (lambda X: Decorrelation(layers="second"), "middle"),
        (lambda X: TiedWeights(1.5), "at most 1"),
        (lambda X: VariationalCode(-1), "at least 0"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(call, words):
    with pytest.raises(UsageError, match=words) as refused:
        call(load_iris().data)
    assert "\n" not in str(refused.value)


def test_early_stopping_may_watch_a_variational_code(cancer):
    model = Autoencoder(2, code="variational", regularizers=(VariationalCode(), EarlyStopping(patience=5)), **QUICK)
    assert np.isfinite(model.fit(cancer).error_)
