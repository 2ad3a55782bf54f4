"""Autoencoders: parts, laws, and what they leave alone."""

import json
import zipfile

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.datasets import load_breast_cancer, load_digits, load_iris
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from dashpot import (
    Autoencoder,
    DataError,
    Dropout,
    EarlyStopping,
    Ensemble,
    ModelFileError,
    Noise,
    UsageError,
    load,
    load_anes96,
)
from dashpot.jobs import Design, Examples, Job
from dashpot.networks import Bend
from dashpot.optimizers import Adam
from dashpot.reconstruction import FURTHEST, Cell, Reconstruction, cells_of
from dashpot.regularizers import Recipe, Shift
from dashpot.tables import Inputs, TableEncoder
from dashpot.training import train

QUICK = {"hidden_layers": (16,), "max_epochs": 30, "random_state": 0, "workers": 1}


@pytest.fixture(scope="module")
def iris():
    return load_iris().data


@pytest.fixture(scope="module")
def mixed():
    """Numbers, categories, a date, an id and a constant, with missing cells."""
    frame, _ = load_anes96()
    frame = frame.iloc[:300].copy()
    frame["party"] = np.where(frame.PID > 3, "right", np.where(frame.PID < 3, "left", "middle"))
    frame["older"] = frame.age > 50
    frame["day"] = pd.Timestamp("1996-09-01") + pd.to_timedelta(np.arange(300) % 60, "D")
    frame["country"] = "US"
    frame["number"] = [f"row {i}" for i in range(300)]
    frame.loc[::7, "income"] = np.nan
    frame.loc[::11, "party"] = None
    return frame


# ---- the loss


def errors_of(loss, outputs, targets):
    return loss.per_cell(torch.tensor(outputs), torch.tensor(targets)).numpy()


def test_a_category_costs_its_cross_entropy_over_that_of_guessing():
    loss = Reconstruction((Cell(0, 0, 3, True), Cell(1, 3, 4, True)))
    guessing = errors_of(loss, [[0.0, 0.0, 0.0, 0.0]], [[0.0, 1.0, 0.0, 1.0]])
    assert guessing == pytest.approx(np.ones((1, 2)))
    known = errors_of(loss, [[-20.0, 20.0, -20.0, 20.0]], [[0.0, 1.0, 0.0, 1.0]])
    assert known == pytest.approx(np.zeros((1, 2)), abs=1e-5)


def test_numbers_of_one_source_column_are_one_cell():
    loss = Reconstruction((Cell(0, 0, 3, False), Cell(1, 3, 4, False)))
    assert errors_of(loss, [[1.0, 2.0, 3.0, 4.0]], [[0.0, 0.0, 0.0, 0.0]]) == pytest.approx(np.array([[14 / 3, 16]]))
    rows = loss.per_row(torch.tensor([[[1.0, 2.0, 3.0, 4.0]]]), torch.zeros(1, 1, 4))
    assert float(rows) == pytest.approx((14 / 3 + 16) / 2)


@pytest.mark.parametrize("kind", ["squared", "absolute", "huber"])
def test_a_missing_cell_has_no_loss_and_no_gradient(kind):
    loss = Reconstruction((Cell(0, 0, 1, False), Cell(1, 1, 3, True), Cell(2, 3, 4, False)), kind)
    outputs = torch.tensor([[[3.0, 1.0, -1.0, 0.5]]], requires_grad=True)
    missing = torch.tensor([[[float("nan")] * 3 + [0.0]]])
    value = loss.per_row(outputs, missing).sum()
    (gradient,) = torch.autograd.grad(value, outputs)
    assert gradient.isfinite().all()
    assert (gradient[..., :3] == 0).all()
    assert gradient[0, 0, 3] != 0
    only = Reconstruction((Cell(0, 0, 1, False),), kind)
    assert value.item() == pytest.approx(only.per_row(outputs[..., 3:].detach(), missing[..., 3:]).item())


def test_a_cell_far_beyond_all_others_counts_as_one_at_the_limit():
    loss = Reconstruction((Cell(0, 0, 1, False),))
    outputs = torch.zeros(1, 2, 1)
    rows = loss.per_row(outputs, torch.tensor([[[1e9], [FURTHEST]]]))
    assert rows.tolist() == [[FURTHEST**2] * 2]


def test_of_several_networks_the_one_with_the_least_error_is_kept(monkeypatch):
    judged = []
    real = Autoencoder._mean_error

    def noted(self, network, inputs):
        judged.append((real(self, network, inputs), network.layers[0][0].copy()))
        return judged[-1][0]

    monkeypatch.setattr(Autoencoder, "_mean_error", noted)
    rows = load_iris().data
    model = Autoencoder(2, regularizers=Ensemble(4), optimizer=Adam(0.05), random_state=0, max_epochs=3).fit(rows)
    errors = [error for error, _ in judged[:4]]
    assert len(set(errors)) == 4
    assert model.error_ == min(errors)
    np.testing.assert_array_equal(model.networks_[0].layers[0][0], judged[int(np.argmin(errors))][1])


def test_the_error_of_a_row_is_the_mean_of_its_cells():
    cells = (Cell(0, 0, 1, False), Cell(1, 1, 4, True), Cell(2, 4, 5, True), Cell(3, 5, 7, False))
    loss = Reconstruction(cells)
    rng = np.random.default_rng(0)
    outputs = torch.tensor(rng.normal(size=(2, 8, 7)), dtype=torch.float32)
    targets = torch.tensor(rng.normal(size=(2, 8, 7)), dtype=torch.float32)
    targets[..., 1:4] = torch.eye(3)[rng.integers(3, size=(2, 8))]
    targets[..., 4] = 1.0
    assert torch.allclose(loss.per_row(outputs, targets), loss.per_cell(outputs, targets).mean(-1), atol=1e-5)


def test_trimmed_rows_teach_nothing():
    loss = Reconstruction((Cell(0, 0, 1, False),), trim=0.25)
    outputs = torch.tensor([[[0.0], [1.0], [2.0], [9.0]]])
    assert loss.per_row(outputs, torch.zeros(1, 4, 1))[0].tolist() == pytest.approx([0, 1 / 0.75, 4 / 0.75, 0])


def test_what_is_to_be_reconstructed_changes_as_the_inputs_do_but_stays_clean():
    """The target is taken after `augment` and before `perturb_units`."""
    seen = []

    class Spy(Reconstruction):
        def per_row(self, outputs, targets):
            seen.append(targets.detach().clone())
            return super().per_row(outputs, targets)

    pictures = np.zeros((8, 25), dtype=np.float32)
    pictures[:, 12] = 1.0
    cells = tuple(Cell(i, i, i + 1, False) for i in range(25))
    columns = Inputs(tuple(map(str, range(25))), np.arange(25), np.zeros(25, bool), (5, 5, 1))
    examples = Examples(pictures, pictures, columns)
    loss = Spy(cells, channels=1)
    recipe = Recipe((Shift(0.4), Noise("inputs", "gaussian", 5.0)))
    design = Design((4,), "relu", loss, epochs=3)
    train(examples, [Job(recipe, np.arange(8), np.arange(0), 1, design)], workers=1)
    moved = [row for batch in seen for row in batch.reshape(-1, 25)]
    assert len({row.argmax().item() for row in moved}) > 1
    assert all(len(row.unique()) == 2 for row in moved)


# ---- activations of their own


def test_straight_units_stay_linear_in_training_and_prediction():
    units = np.random.default_rng(0).normal(size=(1, 5, 6)).astype(np.float32)
    bend = Bend("relu", 2)
    trained = bend.train(torch.from_numpy(units.copy())).numpy()
    assert (trained[..., 4:] == units[..., 4:]).all()
    assert (trained[..., :4] == np.maximum(units[..., :4], 0)).all()
    assert np.array_equal(trained, bend.predict(units))


def test_gradients_through_straight_units_are_those_of_finite_differences():
    layers_units = torch.tensor(np.random.default_rng(0).normal(size=(1, 3, 4)), requires_grad=True)
    assert torch.autograd.gradcheck(lambda u: Bend("tanh", 1).train(u), layers_units)
    assert torch.autograd.gradcheck(lambda u: Bend("relu", 2).train(u), layers_units)


# ---- the estimator


def test_a_linear_autoencoder_is_principal_component_analysis():
    X = StandardScaler().fit_transform(load_breast_cancer().data)
    pca = PCA(3).fit(X)
    error = ((pca.inverse_transform(pca.transform(X)) - X) ** 2).mean()
    model = Autoencoder(3, hidden_layers=(), standardize=False, regularizers=(), max_epochs=1, random_state=0).fit(X)
    assert model.components_error_ == pytest.approx(error, rel=1e-4)
    assert model.error_ == pytest.approx(error, rel=1e-2)


def test_a_linear_network_from_random_weights_reaches_the_error_of_pca():
    X = StandardScaler().fit_transform(load_iris().data).astype(np.float32)
    pca = PCA(2).fit(X)
    error = ((pca.inverse_transform(pca.transform(X)) - X) ** 2).mean()
    encoder = TableEncoder().fit(X)
    loss = Reconstruction(cells_of(encoder))
    design = Design(
        (2,), (Bend("identity"),), loss, Adam(0.02, schedule="cosine"), batch_size=32, epochs=400, standardize=False
    )
    examples = Examples(X, X, encoder.inputs_)
    ((network,),) = train(examples, [Job(Recipe(()), np.arange(150), np.arange(0), 3, design)], workers=1)
    assert ((network.outputs(X) - X) ** 2).mean() == pytest.approx(error, rel=0.02)


@pytest.mark.parametrize("settings", [{}, {"image_shape": (8, 8)}])
def test_it_begins_as_principal_component_analysis_of_what_it_is_to_reconstruct(settings):
    X = load_digits().data
    X = X[:, X.std(0) > 0.5] if not settings else X
    model = Autoencoder(8, (16,), max_epochs=1, regularizers=(), random_state=0, **settings).fit(X)
    scaled = (X - X.mean(0)) / X.std(0) if not settings else (X - X.mean()) / X.std()
    pca = PCA(8).fit(scaled)
    error = ((pca.inverse_transform(pca.transform(scaled)) - scaled) ** 2).mean()
    assert model.components_error_ == pytest.approx(error, rel=0.01)


@pytest.mark.parametrize(("size", "most"), [(2, 0.9), (8, 0.8)])
def test_pictures_are_reconstructed_better_than_by_components_on_rows_held_out(size, most):
    X = load_digits().data
    model = Autoencoder(size, (64,), image_shape=(8, 8), max_epochs=60, random_state=0).fit(X[:1400])
    pca = PCA(size).fit(X[:1400])
    floor = ((pca.inverse_transform(pca.transform(X[1400:])) - X[1400:]) ** 2).mean()
    assert ((model.reconstruct(X[1400:]) - X[1400:]) ** 2).mean() < most * floor


def test_encoder_code_and_decoder_are_parts(iris):
    model = Autoencoder(2, **QUICK).fit(iris)
    codes = model.transform(iris)
    assert codes.shape == (150, 2)
    assert np.allclose(model.encoder_network_.outputs(iris), codes, atol=1e-5)
    assert np.allclose(model.decoder_network_.outputs(codes), model.reconstruct(iris))
    assert np.allclose(model.networks_[0].outputs(iris), model.reconstruct(iris), atol=1e-5)
    assert model.get_feature_names_out().tolist() == ["autoencoder0", "autoencoder1"]
    errors = ((model.reconstruct(iris) - iris) / iris.std(0)) ** 2
    assert np.allclose(-model.score_samples(iris), errors.mean(1), rtol=0.1, atol=0.02)


def test_codes_are_centred_uncorrelated_and_in_the_order_of_their_spread(iris):
    codes = Autoencoder(3, regularizers=(), **QUICK).fit_transform(iris)
    covariance = np.cov(codes.T)
    assert codes.mean(0) == pytest.approx(np.zeros(3), abs=1e-4)
    assert np.abs(covariance - np.diag(np.diag(covariance))).max() < 1e-4
    assert (np.diff(codes.std(0)) < 0).all()


def test_a_bounded_code_is_within_one(iris):
    model = Autoencoder(2, code="bounded", **QUICK).fit(iris)
    codes = model.transform(iris)
    assert np.abs(codes).max() <= 1
    assert np.allclose(model.inverse_transform(codes), model.reconstruct(iris))


def test_a_share_of_the_variance_chooses_the_size_of_the_code(iris):
    assert [Autoencoder(share, **QUICK).fit(iris).code_size_ for share in (0.5, 0.9, 0.99)] == [1, 2, 3]


def test_tables_of_anything_come_back_as_tables(mixed):
    model = Autoencoder(4, **QUICK).fit(mixed)
    again = model.reconstruct(mixed)
    assert list(again.columns) == list(mixed.columns)
    assert set(again.party) <= {"left", "middle", "right"}
    assert (again.party == mixed.party)[mixed.party.notna()].mean() > 0.6
    assert (again.country == "US").all()
    assert again.number.isna().all()
    assert again.day.dtype.kind == "M"
    assert abs(again.age - mixed.age).mean() < mixed.age.std()


def test_missing_cells_are_filled_and_the_others_stay(mixed):
    model = Autoencoder(4, **QUICK).fit(mixed)
    whole = model.impute(mixed)
    assert whole.income.notna().all()
    assert whole.party.notna().all()
    kept = mixed.notna()
    for name in mixed.columns:
        assert (whole[name][kept[name]] == mixed[name][kept[name]]).all()


def regions(**columns):
    """A small table of a number and a category, and further columns."""
    return pd.DataFrame({"age": np.arange(30.0), "region": ["n", "s", "e"] * 10} | columns)


def test_an_unseen_level_is_not_missing():
    model = Autoencoder(1, **QUICK).fit(regions())
    whole = model.impute(pd.DataFrame({"age": [1.0, 2.0], "region": ["w", None]}))
    assert whole.region[0] == "w"
    assert whole.region[1] in ("n", "s", "e")


def test_a_cell_of_a_column_that_was_whole_at_fit_is_filled():
    model = Autoencoder(1, **QUICK).fit(regions(side=["left", "right"] * 15))
    whole = model.impute(regions(side=[None, "right"] * 15))
    assert set(whole.side) <= {"left", "right"}


def test_levels_are_filled_in_as_their_column_writes_them():
    member = np.array([True, False, None] * 10, dtype=object)
    class_number = pd.Categorical([1, 2, None] * 10)
    table = regions(member=member, class_number=class_number)
    whole = Autoencoder(1, **QUICK).fit(table).impute(table)
    assert set(map(type, whole.member)) <= {bool}
    assert set(whole.class_number) <= {1, 2}


def test_a_filled_table_keeps_its_names():
    table = regions().set_axis([7, 3], axis=1)
    table.loc[0, 3] = None
    whole = Autoencoder(1, **QUICK).fit(table).impute(table)
    assert list(whole.columns) == [7, 3]
    assert whole[3].notna().all()


def test_imputed_cells_are_nearer_than_the_median():
    X = load_breast_cancer().data[:, :10]
    rng = np.random.default_rng(0)
    holes = rng.random(X.shape) < 0.1
    broken = np.where(holes, np.nan, X)
    model = Autoencoder(4, regularizers=(Noise("inputs", "masking", 0.1), EarlyStopping()), random_state=0).fit(broken)
    spread = X.std(0)
    error = (((model.impute(broken) - X) / spread)[holes] ** 2).mean()
    median = (((np.nanmedian(broken, axis=0) - X) / spread)[holes] ** 2).mean()
    assert error < 0.5 * median


def test_a_row_without_any_cell_has_no_score(iris):
    scores = Autoencoder(2, **QUICK).fit(iris).score_samples([iris[0], [np.nan] * 4])
    assert np.isfinite(scores[0])
    assert np.isnan(scores[1])


def test_equal_seeds_give_equal_codes_on_any_number_of_workers(iris):
    settings = QUICK | {"workers": 2}
    assert np.array_equal(Autoencoder(2, **QUICK).fit_transform(iris), Autoencoder(2, **settings).fit_transform(iris))


def test_all_categories_and_more_columns_than_rows_are_fine(mixed):
    categories = mixed[["party", "older"]]
    assert Autoencoder(1, **QUICK).fit(categories).reconstruct(categories).shape == categories.shape
    wide = np.random.default_rng(0).normal(size=(12, 40))
    assert Autoencoder(20, **QUICK).fit(wide).transform(wide).shape == (12, 20)


def test_a_code_that_is_not_smaller_is_pointed_out(iris):
    with pytest.warns(UserWarning, match="need not leave anything out"):
        Autoencoder(4, **QUICK).fit(iris)


def test_a_saved_autoencoder_gives_the_same(mixed, tmp_path):
    model = Autoencoder(3, regularizers=(Dropout(0.1), EarlyStopping(), Ensemble(2)), **QUICK).fit(mixed)
    again = load(model.save(tmp_path / "map.dashpot"))
    assert np.array_equal(again.transform(mixed), model.transform(mixed))
    pd.testing.assert_frame_equal(again.reconstruct(mixed), model.reconstruct(mixed))
    assert np.array_equal(again.score_samples(mixed), model.score_samples(mixed))
    assert (again.error_, again.components_error_) == (model.error_, model.components_error_)


def test_a_file_with_activations_that_do_not_fit_is_refused(iris, tmp_path):
    path = Autoencoder(2, **QUICK).fit(iris).save(tmp_path / "map.dashpot")
    with zipfile.ZipFile(path) as archive:
        described, weights = json.loads(archive.read("model.json")), archive.read("weights.safetensors")
    described["networks"][0]["activation"][0] = ["relu", 400]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("model.json", json.dumps(described))
        archive.writestr("weights.safetensors", weights)
    with pytest.raises(ModelFileError, match="Save the model again"):
        load(path)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"code_size": 0}, "code_size=0"),
        ({"code_size": 1.5}, "share of the variance"),
        ({"code": "linar"}, "Did you mean 'linear'"),
        ({"loss": "squared_error"}, "must be one of squared, absolute, huber"),
        ({"regularizers": Ensemble(2, shapes=((3,), (4,)))}, "hidden_layers"),
    ],
)
def test_parameters_that_cannot_be_used_are_named(iris, settings, words):
    with pytest.raises(UsageError, match=words):
        Autoencoder(**(QUICK | settings)).fit(iris)


def test_data_that_cannot_be_used_are_named(iris):
    with pytest.raises(DataError, match="constant"):
        Autoencoder(1).fit(np.ones((5, 2)))
    model = Autoencoder(2, **QUICK).fit(iris)
    with pytest.raises(UsageError, match="numbers each"):
        model.inverse_transform(np.zeros((3, 5)))
