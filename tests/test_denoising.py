"""Noise out of pictures and tables: what the networks add, what stays as it was, what a file holds."""

import io
import json
import struct
import zipfile
import zlib
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits, load_sample_image, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

import dashpot
from dashpot import DataError, Denoiser, ModelFileError, Noise, UsageError, load_anes96
from dashpot.cli import dashpot as command
from dashpot.denoising import looks, network, noise_level, psnr, ssim
from dashpot.denoising.alike import IN_ESTIMATE, IN_NOISE, cleaned_together, most_alike, thresholded_together
from dashpot.denoising.classical import sliding_cosine
from dashpot.denoising.corruption import corruption_of
from dashpot.denoising.files import PictureFile, read_picture, write_picture
from dashpot.denoising.held import held_out, parted
from dashpot.denoising.kinds import Kind, crossed, may_be_a_kind, mirror_images_help
from dashpot.denoising.looks import TwoLooks
from dashpot.denoising.network import WindowDenoiser, glimpse, least_squares, principal_basis
from dashpot.denoising.patches import assembled, cut, drawn, turned, turned_back
from dashpot.denoising.planes import OPPONENT, full_range, joined, planes_of, scaled, unscaled
from dashpot.denoising.rows import Rows
from dashpot.denoising.shipped import shipped_photographs
from dashpot.denoising.subjects import Pass, Windows, pairs_of, pictures_of
from dashpot.networks import Network
from dashpot.png import _unfiltered, png, read_deep
from dashpot.report.denoised import Shown, render_denoised, summarize_pictures, summarize_table
from dashpot.training import train

SMALL = {"hidden_layers": (32,), "windows": 4_000, "max_epochs": 2, "random_state": 0, "workers": 1}
STRONG = Noise("inputs", "gaussian", 0.2)


@parametrize_with_checks([Denoiser(hidden_layers=(4,), windows=1_000, max_epochs=1, random_state=0, workers=1)])
def test_scikit_learns_checks(estimator, check):
    check(estimator)


def test_it_stands_in_a_pipeline():
    X, y = load_wine(return_X_y=True)
    model = make_pipeline(Denoiser(**SMALL), LogisticRegression(max_iter=5000)).fit(X, y)
    assert model.score(X, y) > 0.8


def noisy(clean, level, seed=0):
    return clean + np.random.default_rng(seed).normal(0, level, np.shape(clean))


@pytest.fixture(scope="module")
def digits():
    return load_digits().images / 16


@pytest.fixture(scope="module")
def of_digits(digits):
    return Denoiser(STRONG, (256,), windows=60_000, max_epochs=6, random_state=0, workers=1).fit(digits[:1500])


@pytest.fixture(scope="module")
def photograph():
    return load_sample_image("flower.jpg")[100:260, 200:400]


@pytest.fixture(scope="module")
def of_photographs():
    crop = load_sample_image("china.jpg")[:240, :320]
    return Denoiser(hidden_layers=(64,), windows=30_000, max_epochs=3, random_state=0, workers=1).fit([crop])


@pytest.fixture(scope="module")
def survey():
    frame, vote = load_anes96()
    return frame.assign(vote=np.asarray(vote))


@pytest.fixture(scope="module")
def of_survey(survey):
    return Denoiser(random_state=0, workers=1).fit(survey.iloc[:700])


# --- what it is for


def test_small_pictures_come_nearer_to_their_clean_twins_than_by_the_best_linear_correction(of_digits, digits):
    given = noisy(digits[1500:], 0.2)
    before, after = psnr(digits[1500:], given.clip(0, 1)), psnr(digits[1500:], of_digits.transform(given))
    assert after > before + 2.5
    assert of_digits.error_ < 0.9 * of_digits.linear_error_ < of_digits.noisy_error_
    assert "not worth it" not in of_digits.verdict_


def test_a_photograph_of_unknown_noise_is_estimated_and_cleaned_in_colour(of_photographs, photograph):
    given = noisy(photograph, 25).clip(0, 255).round().astype(np.uint8)
    found = of_photographs.transform([given])[0]
    assert found.dtype == np.uint8
    assert found.shape == photograph.shape
    assert psnr(photograph / 255, found / 255) > psnr(photograph / 255, given / 255) + 2  # a small network
    assert abs(of_photographs.estimated_level(given) - 25 / 255) < 0.02


def test_a_given_level_is_taken_within_the_range(of_photographs, photograph):
    assert of_photographs.estimated_level(photograph, level=0.1) == 0.1
    assert of_photographs.estimated_level(photograph, level=0.9) == 0.25
    weak, strong = (of_photographs.transform([photograph], level=level)[0] for level in (0.02, 0.25))
    assert np.abs(strong - photograph.astype(float)).mean() > np.abs(weak - photograph.astype(float)).mean()


def test_stride_and_symmetries_help_a_little_and_harm_never(of_photographs, photograph):
    photograph = photograph[:70, :70]
    given = noisy(photograph / 255, 0.1)
    quick = psnr(photograph / 255, of_photographs.transform([given])[0])
    best = clone(of_photographs).set_params(stride=1, symmetries=8)
    best._keep(of_photographs.subject_, of_photographs.model_)
    assert psnr(photograph / 255, best.transform([given])[0]) > quick


def test_numbers_of_a_table_come_nearer_to_the_truth():
    X = load_wine(as_frame=True).data
    X = X.sample(frac=1, random_state=0)
    denoiser = Denoiser(Noise("inputs", "gaussian", 0.5), random_state=0, workers=1).fit(X.iloc[:140])
    rows, spread = X.iloc[140:], X.iloc[:140].std()
    given = rows + noisy(np.zeros(rows.shape), 0.5) * spread.to_numpy()
    left = (((denoiser.transform(given) - rows) / spread) ** 2).to_numpy().mean() / 0.5**2
    assert left < 0.8


def test_additive_noise_leaves_categories_and_missing_cells_as_they_are(of_survey, survey):
    rows = survey.iloc[700:].copy()
    rows.iloc[3, 2] = np.nan
    found = of_survey.transform(rows)
    assert list(found["vote"]) == list(rows["vote"])
    assert np.isnan(found.iloc[3, 2])
    assert found.iloc[:, :9].isna().to_numpy().sum() == 1
    assert not np.allclose(found["age"], rows["age"])
    assert list(found.index) == list(rows.index)
    assert list(found.columns) == list(rows.columns)


def test_masking_fills_missing_cells_and_leaves_the_others(survey):
    denoiser = Denoiser(Noise("inputs", "masking", 0.3), random_state=0, workers=1).fit(survey.iloc[:700])
    rows = survey.iloc[700:].copy()
    rows["vote"] = rows["vote"].astype(object).mask(np.arange(len(rows)) % 2 == 0)
    found = denoiser.transform(rows)
    assert not found["vote"].isna().any()
    assert (found.drop(columns="vote") == rows.drop(columns="vote")).all(axis=None)
    told = (found["vote"] == survey["vote"].iloc[700:])[::2]
    assert told.mean() > 0.85  # three of five voted for Clinton


@pytest.mark.parametrize("levels", [("a", "b"), ("a", "b", "c")])
def test_masking_fills_what_means_missing_and_keeps_levels_that_the_fit_had_not_seen(levels):
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"level": rng.choice(levels, 200), "size": rng.normal(size=200)})
    model = Denoiser(Noise("inputs", "masking", 0.3), **SMALL).fit(rows)
    found = model.transform(rows[:5].assign(level=["new", "NA", "?", None, "b"]))["level"]
    assert list(found[[0, 4]]) == ["new", "b"]
    assert set(found[1:4]) <= set(levels)


def test_noise_too_rare_for_a_verdict_is_told():
    model = Denoiser(Noise("inputs", "masking", 1e-6), **SMALL).fit(np.random.default_rng(0).normal(size=(50, 3)))
    assert "too rare" in model.verdict_


@pytest.mark.parametrize("kind", ["swap", "masking", "gaussian"])
def test_whole_numbers_stay_whole_numbers(kind, survey):
    model = Denoiser(Noise("inputs", kind, 0.3), **SMALL).fit(survey.iloc[:700])
    rows = survey.iloc[700:]
    assert [cells.dtype for _, cells in model.transform(rows).items()] == list(rows.dtypes)
    found = model.transform(rows.assign(age=rows["age"].astype(float).where(rows["age"] < 60)))["age"]
    assert (found.dropna() == found.dropna().round()).all()
    amounts = rows.assign(age=rows["age"] + 0.5)  # these are no whole numbers
    if kind != "masking":
        assert (model.transform(amounts)["age"] != model.transform(amounts)["age"].round()).mean() > 0.9


@pytest.mark.parametrize("backend", ["numpy_nullable", "pyarrow"])
@pytest.mark.parametrize("kind", ["masking", "gaussian"])
def test_types_with_missing_cells_come_back_as_they_were(kind, backend, survey):
    holes = survey.assign(age=survey["age"].where(survey["age"] < 60), young=survey["age"] < 40)
    rows = holes.convert_dtypes(dtype_backend=backend).drop(columns="vote")
    found = Denoiser(Noise("inputs", kind, 0.3), **SMALL).fit(rows).transform(rows)
    assert list(found.dtypes) == list(rows.dtypes)
    assert found["age"].isna().sum() == (0 if kind == "masking" else rows["age"].isna().sum())


@pytest.mark.parametrize("kind", ["masking", "gaussian"])
def test_days_stay_days_and_times_their_zone(kind):
    days = pd.date_range("2020-01-01", periods=200)
    times = pd.date_range("2020-01-01", periods=200, freq="7h", tz="Europe/Berlin")
    rows = pd.DataFrame({"size": np.arange(200.0), "day": days, "time": times})
    rows.loc[3, ["day", "time"]] = pd.NaT
    found = Denoiser(Noise("inputs", kind, 0.3), **SMALL).fit(rows).transform(rows)
    assert (found["day"].dropna() == found["day"].dropna().dt.normalize()).all()
    assert str(found["time"].dt.tz) == "Europe/Berlin"
    assert found.isna().sum().sum() == (0 if kind == "masking" else 2)


def test_a_whole_number_that_its_type_cannot_hold_gets_a_wider_one():
    size = np.random.default_rng(0).integers(0, 4, 200)
    rows = pd.DataFrame({"small": size.astype(np.uint8), "large": size * 10.0})
    model = Denoiser(Noise("inputs", "gaussian", 1.0), **SMALL).fit(rows)
    assert model.transform(rows)["small"].dtype == np.uint8
    assert model.transform(rows.assign(large=-300.0))["small"].min() < 0


def test_swapped_categories_are_put_right(survey):
    denoiser = Denoiser(Noise("inputs", "swap", 0.2), random_state=0, workers=1).fit(survey.iloc[:700])
    rows = survey.iloc[700:]
    wrong = rows.assign(vote=np.where(rows["vote"] == "Clinton", "Dole", "Clinton"))
    sure = (rows["PID"] - 3).abs() == 3
    assert (denoiser.transform(wrong)["vote"] == rows["vote"])[sure].mean() > 0.1
    assert (denoiser.transform(rows)["vote"] == rows["vote"]).mean() > 0.95


def test_pairs_teach_without_a_word_on_their_noise(digits):
    pairs = noisy(digits, 0.2)
    denoiser = Denoiser(hidden_layers=(64,), windows=20_000, max_epochs=4, random_state=0, workers=1)
    found = denoiser.fit(pairs[:1500], digits[:1500]).transform(pairs[1500:])
    assert psnr(digits[1500:], found) > psnr(digits[1500:], pairs[1500:].clip(0, 1)) + 1
    assert abs(denoiser.model_.corruption.highest - 0.2) < 0.005


def test_pairs_of_tables_teach_too():
    X = load_breast_cancer().data
    given = X + noisy(np.zeros(X.shape), 0.4) * X.std(0)
    denoiser = Denoiser(random_state=0, workers=1).fit(given, X)
    assert abs(denoiser.model_.corruption.highest - 0.4) < 0.02
    assert denoiser.error_ < denoiser.noisy_error_


@pytest.mark.parametrize("kind", ["uniform", "multiplicative", "masking", "salt_and_pepper"])
def test_every_kind_of_noise_is_taken_out_of_pictures(kind, digits):
    noise = Noise("inputs", kind, 0.3)
    denoiser = Denoiser(noise, (64,), windows=20_000, max_epochs=3, random_state=0, workers=1).fit(digits[:1500])
    assert denoiser.error_ < denoiser.noisy_error_


# --- a second look


@pytest.fixture(scope="module")
def twice():
    crop = load_sample_image("china.jpg")[:200, :260, 1] / 255
    level = Noise("inputs", "gaussian", 0.15)
    return Denoiser(level, (64,), looks=2, windows=30_000, max_epochs=3, random_state=0, workers=1).fit([crop])


def test_a_second_look_comes_nearer_to_the_clean_picture_than_the_first(twice, photograph):
    assert isinstance(twice.model_, TwoLooks)
    assert twice.error_ < twice.model_.first.error
    clean = load_sample_image("china.jpg")[220:400, :180, 1] / 255
    given = noisy(clean, 0.15)
    first = twice.model_.first.denoise(given, 0.15)
    assert psnr(clean, twice.transform([given])[0]) > psnr(clean, first.clip(0, 1)) + 0.1


def test_a_second_look_takes_pictures_in_colour_and_of_any_size(twice, photograph):
    for picture in (photograph[:40, :50], photograph[:9, :60, 0] / 255, photograph[:7, :7, 0]):
        (found,) = twice.transform([picture])
        assert found.shape == picture.shape
        assert found.dtype == picture.dtype


def test_a_file_of_a_second_look_at_fewer_planes_is_refused_in_one_line(twice, tmp_path, monkeypatch):
    path = twice.save(tmp_path / "old.dashpot")
    monkeypatch.setattr("dashpot.denoising.saved.window_again", lambda of_a_kind: (99, 11))
    with pytest.raises(ModelFileError, match="as an earlier version did") as caught:
        dashpot.load(path)
    assert "\n" not in str(caught.value)


def test_a_linear_start_comes_back_from_a_file_and_must_fit(twice, tmp_path, monkeypatch):
    again = dashpot.load(twice.save(tmp_path / "twice.dashpot")).model_.second
    np.testing.assert_array_equal(again.linear, twice.model_.second.linear)
    monkeypatch.setattr(twice.model_.second, "linear", np.zeros((3, 49), dtype=np.float32))
    path = twice.save(tmp_path / "wrong.dashpot")
    with pytest.raises(ModelFileError, match="damaged"):
        dashpot.load(path)


def test_the_planes_of_a_second_look_are_where_they_are_looked_for():
    rng = np.random.default_rng(0)
    clean = rng.random((60, 1, 1)) + np.linspace(0, 1, 400).reshape(20, 20)
    given = (clean[0] + rng.normal(0, 0.2, (20, 20))).astype(np.float32)
    few = looks.seen_again(given, clean[1], 0.2)
    many = looks.seen_again(given, clean[1], 0.2, Kind.of(list(clean), False))
    for planes in (few, many):
        classical = cleaned_together(given, thresholded_together(given, 0.2), 0.2)
        np.testing.assert_array_equal(planes[looks.CLASSICAL[len(planes)]], classical)
        np.testing.assert_array_equal(planes[len(planes) // 2], clean[1].astype(np.float32))
    np.testing.assert_array_equal(many[list(looks.WITHOUT_KIND)], few)


@pytest.mark.parametrize("kindred", [True, False])
def test_pictures_around_one_mean_are_a_kind_and_the_mean_of_all_pixels_is_none(kindred):
    rng = np.random.default_rng(0)
    mean = rng.random((20, 20)) if kindred else np.full((20, 20), 0.5)
    clean = mean + rng.normal(0, 0.05, (30, 20, 20))
    found = clean + rng.normal(0, 0.1, (4, 30, 20, 20))  # noisy, far, classical, first estimate
    planes = [*found[:3], 0 * clean, found[3], np.broadcast_to(mean, clean.shape)]
    planes += [planes[-1], 0 * clean, found[2], np.full_like(clean, 0.1)]
    assert looks._kind_helps(list(np.stack([clean, *planes], axis=1))) == kindred


def test_a_mixture_follows_how_much_each_estimate_follows_the_noise():
    rng = np.random.default_rng(0)
    clean = rng.normal(0, 0.2, (80, 80)).astype(np.float32)
    given = clean + rng.normal(0, 0.2, clean.shape).astype(np.float32)

    class Three(TwoLooks):
        def _estimates(self, plane, level, stride, symmetries):
            return np.stack([0 * plane, plane, 0 * plane])

    found = Three(None, None).denoise(given, 0.2)
    np.testing.assert_allclose(found, given / 2, atol=0.05)  # Wiener's share: half signal, half noise


def test_a_picture_too_small_to_tell_stays_with_the_first_estimate():
    shares = looks.best_shares(np.ones((1, 1)), np.array([[[0.0]], [[1.0]]]), np.zeros(2), 1.0)
    np.testing.assert_allclose(shares, [0.5, 0.5])  # all the way without a prior
    np.testing.assert_allclose(looks.best_shares(np.ones((5, 5)), np.zeros((3, 5, 5)), np.zeros(3), 0.1), [1, 0, 0])


def test_networks_count_as_far_as_they_help_beside_a_linear_start(twice):
    assert twice.model_.first.linear is None
    assert twice.model_.second.linear.shape == (twice.model_.second.basis.shape[1], 49)
    wanted = np.random.default_rng(0).normal(size=(50, 4))
    assert [network._believed(times * wanted, wanted) for times in (2, 0.5, -1, 0)] == [0.5, 1, 0, 0]


@pytest.mark.parametrize("believed", [None, 0.0])
def test_networks_learn_what_a_linear_start_leaves_and_are_left_out_where_not_believed(monkeypatch, believed):
    learned = []

    def draw(count, rng, judged):
        clean, noise = rng.normal(size=(2, count, 9)).astype(np.float32)
        return network.Drawn(clean, clean + noise, np.ones(count, dtype=np.float32))

    def spy(examples, jobs, **options):
        learned.append(examples)
        return train(examples, jobs, **options)

    monkeypatch.setattr("dashpot.training.train", spy)
    if believed is not None:
        monkeypatch.setattr(network, "_believed", lambda corrections, wanted: believed)
    plan = Denoiser(STRONG, **SMALL)._plan(Windows((0.0, 1.0)))
    seen = np.eye(9, dtype=np.float32)
    plan = replace(plan, shape=(3, 3), inner=(3, 3), seen=seen, count=4000, from_linear=True)
    found = network.train_windows(draw, corruption_of(Noise("inputs", "gaussian", 1.0), "test"), plan)
    assert found.error == pytest.approx(0.5, abs=0.05)  # nothing beats Wiener's half here
    assert found.error < 1.03 * found.linear_error
    inputs, targets = learned[0].inputs, learned[0].targets
    assert abs(np.corrcoef((inputs @ found.linear).ravel(), targets.ravel())[0, 1]) < 0.02
    if believed is not None:
        np.testing.assert_array_equal(found.corrections(inputs), inputs @ found.linear)


def test_where_a_second_look_does_not_help_there_is_none():
    flat = np.random.default_rng(0).random((60, 60))  # nothing but noise: nothing is alike
    model = Denoiser(STRONG, **SMALL, looks=2).fit([flat])
    if isinstance(model.model_, TwoLooks):
        assert model.error_ < model.model_.first.error
    assert not isinstance(Denoiser(STRONG, **SMALL, looks=2).fit(load_digits().images / 16).model_, TwoLooks)


def test_patches_that_are_alike_are_found_far_away():
    plane = np.random.default_rng(0).random((60, 60)).astype(np.float32)
    plane[20:28, 34:42] = plane[6:14, 24:32]
    rows, columns, differences = most_alike(plane, 8, np.array([6]), IN_NOISE)
    own = np.flatnonzero(columns[:, 0] == 24)[0]
    assert (rows[own, 0], columns[own, 0]) == (6, 24)
    assert (rows[own, 1], columns[own, 1]) == (20, 34)
    assert rows.min() >= 0
    assert max(rows.max(), columns.max()) <= 52
    assert differences[own, 1] == pytest.approx(0, abs=1e-6)
    there, here = plane[rows[own, 2] :, columns[own, 2] :][:8, :8], plane[6:14, 24:32]
    assert differences[own, 2] == pytest.approx(np.square(there - here).mean(), rel=1e-4)


def test_in_an_estimate_only_patches_that_stand_apart_are_alike():
    smooth = np.add.outer(np.linspace(0, 1, 60), np.linspace(0, 1, 60))
    rows, columns, _ = most_alike(smooth, 8, np.array([6, 21]), IN_ESTIMATE)
    assert rows.shape[1] == 64
    assert not ((rows - rows[:, :1]) % 4).any()
    assert not ((columns - columns[:, :1]) % 4).any()
    assert all(len(set(zip(r, c, strict=True))) == 64 for r, c in zip(rows, columns, strict=True))


def test_cleaning_alike_patches_together_adds_to_a_first_estimate():
    clean = load_sample_image("china.jpg")[100:200, 300:400, 1] / 255
    given = noisy(clean, 0.15)
    estimate = sliding_cosine(given, 0.15)
    assert psnr(clean, cleaned_together(given, estimate, 0.15)) > psnr(clean, estimate)
    assert np.isfinite(cleaned_together(given[:5, :9], given[:5, :9], 0.1)).all()
    assert np.isfinite(thresholded_together(given[:5, :9], 0.1)).all()
    assert np.allclose(cleaned_together(given, given, 1e-6), given, atol=1e-3)  # without noise nothing is taken
    assert np.allclose(thresholded_together(given, 1e-6), given, atol=1e-3)


def test_patches_cleaned_together_need_no_estimate_to_begin_with():
    clean = load_sample_image("china.jpg")[100:200, 300:400, 1] / 255
    given = noisy(clean, 0.15)
    once = thresholded_together(given, 0.15)
    twice = cleaned_together(given, once, 0.15)
    assert psnr(clean, twice) > psnr(clean, once) + 0.2
    assert psnr(clean, once) > psnr(clean, given) + 6


def test_a_constant_picture_is_found_again_from_its_noise():
    given = noisy(np.full((64, 64), 0.5), 0.2)
    assert np.abs(cleaned_together(given, thresholded_together(given, 0.2), 0.2) - 0.5).mean() < 0.02


def test_unlike_patches_are_not_cleaned_together():
    rng = np.random.default_rng(0)
    clean = rng.choice([0.0, 1.0], size=(64, 64))  # no patch is like another one
    given = clean + rng.normal(0, 0.2, clean.shape)
    assert psnr(clean, cleaned_together(given, clean, 0.2)) > psnr(clean, given)


@pytest.fixture(scope="module")
def blobs():
    """Pictures of one kind: bright spots at the same places, each more or less bright."""
    rng, (down, right) = np.random.default_rng(0), np.indices((20, 20))
    spots = [np.exp(-((down - a) ** 2 + (right - b) ** 2) / 6) for a, b in ((5, 5), (5, 14), (14, 9))]
    return np.stack([0.2 + sum(rng.random() * spot for spot in spots) / 2 for _ in range(80)])


def test_what_pictures_of_a_kind_have_in_common_is_used(blobs, tmp_path):
    model = Denoiser(STRONG, (64,), looks=2, windows=20_000, max_epochs=3, random_state=0, workers=1).fit(blobs[:70])
    assert model.model_.kind.size == (20, 20)
    given = noisy(blobs[70:], 0.2)
    found = model.transform(given)
    assert psnr(blobs[70:], found) > psnr(blobs[70:], np.stack([model.model_.first.denoise(p, 0.2) for p in given])) + 1
    larger = np.pad(given[0], 4, mode="symmetric")
    assert np.array_equal(model.transform([larger])[0], model.model_.first.denoise(larger, 0.2).clip(0, 1))
    loaded = dashpot.load(model.save(tmp_path / "kind.dashpot"))
    assert np.array_equal(loaded.transform(given), found)


def test_pictures_without_anything_in_common_are_no_kind():
    textures = np.random.default_rng(0).random((60, 20, 20))
    model = Denoiser(STRONG, **SMALL, looks=2).fit(textures)
    assert getattr(model.model_, "kind", None) is None


def test_the_expected_picture_of_a_kind_is_near_the_clean_one(blobs):
    kind = Kind.of(blobs[:60], mirrored=False)
    assert len(kind.squares) == 3
    found = np.stack([kind.expected(one, 0.2) for one in noisy(blobs[60:], 0.2)])
    assert psnr(blobs[60:], found) > 25
    assert not may_be_a_kind(list(blobs[:49]))
    kinds = crossed(list(blobs), mirrored=False)
    assert len(kinds) == 80
    assert np.array_equal(kinds[0].mean, kinds[15].mean)
    assert not np.allclose(kinds[0].mean, kinds[16].mean)
    assert not mirror_images_help(list(blobs), 0.2)
    assert mirror_images_help([*blobs[:64], *blobs[64:, :, ::-1]], 0.2)


# --- the same again


def test_the_same_seed_gives_the_same_denoiser_on_any_number_of_workers(digits):
    one, two = (Denoiser(STRONG, **SMALL | {"networks": 2, "workers": w}).fit(digits) for w in (1, 2))
    assert np.array_equal(one.transform(digits[:5]), two.transform(digits[:5]))
    other = Denoiser(STRONG, **SMALL | {"random_state": 1}).fit(digits)
    assert not np.array_equal(one.transform(digits[:5]), other.transform(digits[:5]))


@pytest.mark.parametrize("name", ["of_digits", "of_photographs", "twice", "of_survey"])
def test_a_file_brings_back_the_same_denoiser(name, request, tmp_path, digits, photograph, survey):
    model = request.getfixturevalue(name)
    data = {"of_digits": digits[:3], "of_photographs": [photograph], "of_survey": survey.iloc[:50]}
    data = data.get(name, [photograph[:60]])
    loaded = dashpot.load(model.save(tmp_path / "model.dashpot"))
    first, second = model.transform(data), loaded.transform(data)
    if name == "of_survey":
        pd.testing.assert_frame_equal(first, second)
    else:
        assert np.array_equal(np.asarray(first), np.asarray(second))
    assert loaded.verdict_ == model.verdict_


def test_numbers_of_numpy_come_back_from_a_file(of_digits, tmp_path):
    model = clone(of_digits).set_params(stride=np.int64(1), random_state=np.int64(7))
    model._keep(of_digits.subject_, of_digits.model_)
    loaded = dashpot.load(model.save(tmp_path / "model.dashpot"))
    assert (loaded.stride, loaded.random_state) == (1, 7)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("of_digits", {"spread": -1.0}),
        ("of_digits", {"networks": []}),
        ("of_digits", {"corruption": ["gaussian", 0.5, 0.2]}),
        ("of_digits", {"subject": {"kind": "whole", "ends": [0, 1], "size": [8, 9]}}),
        ("of_digits", {"subject": {"kind": "whole", "ends": [1, 0], "size": [8, 8]}}),
        ("of_digits", {"subject": {"kind": "whole", "ends": [0, 1], "size": [10**6, 10**6]}}),
        ("of_digits", {"subject": {"kind": "windows", "ends": [0, 1]}}),
        ("of_digits", {"subject": {"kind": "else"}}),
        ("of_photographs", {"parameters": {"stride": 0}}),
    ],
)
def test_a_tampered_file_is_refused(name, change, request, tmp_path):
    path = request.getfixturevalue(name).save(tmp_path / "model.dashpot")
    with zipfile.ZipFile(path) as file:
        content = {one: file.read(one) for one in file.namelist()}
    described = json.loads(content["model.json"])
    inner = described if "spread" in described else described["model"]
    inner.update(change)
    content["model.json"] = json.dumps(described).encode()
    with zipfile.ZipFile(path, "w") as file:
        for one, part in content.items():
            file.writestr(one, part)
    with pytest.raises(ModelFileError):
        dashpot.load(path)


# --- data in, data out


def test_pictures_come_back_in_their_own_type_and_units(of_photographs, photograph):
    grey = photograph[:, :, 1]
    for picture in (photograph, grey, photograph.astype(np.uint16) * 257, grey / 255, np.dstack([grey] * 2)):
        (found,) = of_photographs.transform([picture], level=0.02)
        assert found.dtype == picture.dtype
        assert found.shape == picture.shape
        assert np.abs(found.astype(float) - picture).mean() < 0.1 * np.ptp(picture)


def test_each_picture_is_scaled_by_its_own_type(of_photographs, photograph):
    twins = [photograph[:, :, 0] / 255, photograph[:, :, 0], photograph[:, :, 0].astype(np.uint16) * 257]
    for order in (twins, twins[::-1]):
        units = pictures_of(order).units(order, "Denoiser.fit")
        assert np.allclose(units, units[0], atol=1e-6)
    seen = of_photographs.subject_.units([noisy(twins[0], 0.1), twins[1].astype(float)], "Denoiser.fit")
    assert np.allclose(seen[0], noisy(twins[0], 0.1))
    assert np.allclose(seen[1], twins[0])
    assert of_photographs.estimated_level(noisy(twins[0], 0.1)) == pytest.approx(0.1, abs=0.02)


def test_a_picture_far_beyond_the_range_of_the_fit_is_refused_in_one_line(twice, photograph):
    with pytest.raises(DataError, match=r"picture 1 \(int64\) holds .* was fitted on 0 to 1") as error:
        twice.transform([photograph / 255, photograph.astype(np.int64)])
    assert "\n" not in str(error.value)
    assert full_range([np.full((2, 2), -1.0)]) == (-1.0, 0.0)


def test_an_array_of_one_picture_in_colour_is_one_picture(of_photographs, photograph):
    alone = of_photographs.transform(photograph[:40, :50], level=0.1)
    assert np.array_equal(alone, of_photographs.transform([photograph[:40, :50]], level=0.1)[0])
    assert Denoiser(**SMALL).fit(photograph[:40, :50]).model_.shape == (27, 27)
    assert of_photographs.transform(photograph[:8, :40], level=0.1).shape == (8, 40, 3)


def test_one_picture_alone_and_pictures_of_mixed_size_are_taken(of_photographs, photograph):
    grey = photograph[:, :, 0]
    alone = of_photographs.transform(grey, level=0.1)
    many = of_photographs.transform([grey, grey[:20, :9]], level=0.1)
    assert np.array_equal(alone, many[0])
    assert many[1].shape == (20, 9)


def test_arrays_and_frames_of_one_table_are_cleaned_alike():
    X = load_wine(as_frame=True).data
    frame, array = (Denoiser(**SMALL).fit(one).transform(one) for one in (X, X.to_numpy()))
    assert isinstance(frame, pd.DataFrame)
    assert isinstance(array, np.ndarray)
    assert np.array_equal(frame.to_numpy(), array)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"stride": 8}, "stride=8"),
        ({"windows": 10}, "windows=10"),
        ({"hidden_layers": (0,)}, "hidden_layers"),
        ({"networks": True}, "networks=True"),
        ({"looks": 3}, "looks=3"),
        ({"symmetries": 9}, "from 1 to 8"),
        ({"corruption": 0.2}, "must be Noise"),
        ({"corruption": Noise("weights")}, "must be Noise"),
        ({"corruption": Noise("inputs", "masking", 0)}, "level above 0"),
        ({"corruption": (Noise("inputs", "masking", 0.1), Noise("inputs", "masking", 0.2))}, "a range needs"),
        ({"corruption": (Noise("inputs", "gaussian", 0.1), Noise("inputs", "uniform", 0.2))}, "of one kind"),
    ],
)
def test_parameters_out_of_range_are_named(given, sentence, digits):
    with pytest.raises(UsageError, match="Denoiser") as error:
        Denoiser(**SMALL | given).fit(digits)
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("pictures", "sentence"),
    [
        ([], "there is no picture"),
        ([np.zeros((30, 30)), np.zeros(5)], "picture 1 has shape (5,)"),
        ([np.zeros((30, 30)), np.full((30, 30), np.nan)], "picture 1 has a missing or infinite pixel"),
        ([np.array([["a"]])], "a pixel is a number"),
        ([np.zeros((3, 300))], "3 pixels high or wide"),
    ],
)
def test_pictures_that_are_none_are_named(pictures, sentence):
    with pytest.raises(DataError) as error:
        Denoiser(**SMALL).fit(pictures)
    assert sentence in str(error.value)


@pytest.mark.parametrize("form", [np.asarray, lambda y: pd.DataFrame({"label": y}), lambda y: y[:, None]])
def test_labels_of_any_form_are_ignored(form):
    X, y = load_wine(return_X_y=True)
    one, two = (Denoiser(**SMALL).fit(X, labels) for labels in (None, form(y)))
    assert np.array_equal(one.transform(X), two.transform(X))


def test_a_table_of_one_column_has_a_twin_of_one_column():
    clean = load_wine().data[:, :1]
    assert Denoiser(**SMALL).fit(noisy(clean, 0.4 * clean.std()), clean).model_.corruption.highest < 0.5


def test_pairs_that_do_not_fit_are_refused(digits):
    with pytest.raises(DataError, match="differ in number or size"):
        Denoiser(**SMALL).fit(digits[:10], digits[:9])


def test_a_picture_of_another_size_than_the_small_ones_is_refused(of_digits):
    with pytest.raises(DataError, match=r"shape \(9, 8\)"):
        of_digits.transform(np.zeros((2, 9, 8)))


def test_a_range_of_levels_is_refused_for_a_table():
    ends = (Noise("inputs", "gaussian", 0.1), Noise("inputs", "gaussian", 0.2))
    with pytest.raises(UsageError, match="for pictures"):
        Denoiser(ends, **SMALL).fit(load_wine().data)


def test_a_table_without_numbers_has_no_added_noise(survey):
    with pytest.raises(UsageError, match="no column holds any"):
        Denoiser(**SMALL).fit(survey[["vote"]])
    swapped = Denoiser(Noise("inputs", "swap", 0.2), **SMALL).fit(survey[["vote"]].assign(again=survey["vote"]))
    assert set(swapped.transform(survey[["vote"]].assign(again=survey["vote"]))["vote"]) == {"Clinton", "Dole"}


def test_pairs_without_noise_are_refused(digits):
    for pairs in (digits, load_wine().data):
        with pytest.raises(DataError, match="are the same"):
            Denoiser(**SMALL).fit(pairs, pairs)


def test_the_level_of_pairs_is_that_of_the_numbers(survey):
    given = survey.assign(age=survey["age"] + noisy(np.zeros(len(survey)), 0.5) * survey["age"].std())
    one = Denoiser(**SMALL).fit(given[["age", "vote"]], survey[["age", "vote"]])
    assert abs(one.model_.corruption.highest - 0.5) < 0.05


def test_a_table_is_no_picture(of_digits, survey):
    with pytest.raises(DataError, match="fitted on pictures"):
        of_digits.transform(survey)


def test_columns_that_cannot_be_used_stay_as_they_are():
    rows = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 3)), columns=list("abc")).assign(same=1)
    rows.iloc[3, :3] = np.nan
    found = Denoiser(**SMALL).fit(rows).transform(rows)
    assert set(found["same"]) == {1}
    assert found.iloc[3, :3].isna().all()
    wide = np.random.default_rng(0).normal(size=(10, 80))
    assert Denoiser(**SMALL).fit(wide).transform(wide[:3]).shape == (3, 80)


def test_the_noise_of_a_table_is_not_estimated(of_survey, survey):
    with pytest.raises(UsageError, match="cannot be told"):
        of_survey.estimated_level(survey)
    with pytest.raises(UsageError, match="above 0"):
        of_survey.transform(survey, level=0)


# --- the parts


@settings(max_examples=30, deadline=None)
@given(st.integers(5, 30), st.integers(5, 30), st.sampled_from([3, 5, 7]), st.integers(1, 3))
def test_patches_put_together_again_are_the_picture(height, width, side, stride):
    plane = np.random.default_rng(0).random((height, width))
    patches, rows, columns = cut(plane, side, stride)
    weights = 1 + np.random.default_rng(1).random((side, side))
    assert np.allclose(assembled(patches, rows, columns, plane.shape, weights), plane)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 7), st.integers(1, 6), st.integers(1, 6))
def test_turning_back_undoes_turning(symmetry, height, width):
    picture = np.arange(height * width).reshape(height, width)
    assert np.array_equal(turned_back(turned(picture, symmetry), symmetry), picture)


def test_random_patches_come_from_the_planes():
    planes = [np.full((12, 12), 1.0), np.full((30, 30), 2.0)]
    found = drawn(planes, 7, 400, np.random.default_rng(0))
    assert found.shape == (400, 7, 7)
    assert set(np.unique(found)) == {1.0, 2.0}
    assert (found[:, 0, 0] == 2).mean() > 0.8  # the larger has more places


def test_colours_are_taken_apart_and_put_together():
    picture = np.random.default_rng(0).random((6, 7, 3)).astype(np.float32)
    planes = planes_of(picture, opponent=True)
    assert np.allclose(joined([plane.values for plane in planes], picture, True), picture, atol=1e-6)
    noise = planes_of(noisy(np.zeros((300, 300, 3)), 1).astype(np.float32), True)
    assert all(abs(plane.values.std() - plane.noise) < 0.02 for plane in noise)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_whole_numbers_survive_the_way_to_units_and_back(kind):
    ends = 0.0, float(np.iinfo(kind).max)
    values = np.linspace(*ends, 64).astype(kind).reshape(8, 8)
    assert np.array_equal(unscaled(scaled(values, ends), ends, values.dtype), values)
    assert np.array_equal(unscaled(np.full((1, 1), 1.7), ends, values.dtype), [[ends[1]]])


def test_the_basis_makes_what_is_seen_white():
    windows = np.random.default_rng(0).normal(size=(5000, 81)) @ np.random.default_rng(1).normal(size=(81, 81))
    inputs = windows @ principal_basis(windows, glimpse(9, 5))
    assert np.allclose(inputs.T @ inputs / len(inputs), np.eye(inputs.shape[1]), atol=0.01)


def test_least_squares_finds_the_matrix():
    x, matrix = np.random.default_rng(0).normal(size=(500, 5)), np.random.default_rng(1).normal(size=(5, 3))
    assert np.allclose(least_squares(x, x @ matrix), matrix, atol=1e-3)


@pytest.mark.parametrize("level", [0.05, 0.1, 0.25])
def test_the_noise_of_a_photograph_is_estimated(level, photograph):
    grey = photograph.mean(2) / 255
    assert abs(noise_level(noisy(grey, level)) / level - 1) < 0.2


def test_similarity_falls_with_noise_and_is_one_for_the_same_picture(photograph):
    clean = photograph / 255
    found = [ssim(clean, noisy(clean, level).clip(0, 1)) for level in (0.0, 0.05, 0.2)]
    assert found[0] == pytest.approx(1)
    assert found[0] > found[1] > found[2] > 0
    assert psnr(clean, clean) == np.inf
    with pytest.raises(DataError, match="Cut them alike"):
        psnr(clean, clean[1:])


def test_similarity_is_that_of_scikit_image(photograph):
    metrics = pytest.importorskip("skimage.metrics", reason="scikit-image is not installed")
    clean = photograph[:, :, 0] / 255
    given = noisy(clean, 0.1)
    options = {"data_range": 1.0, "gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    assert ssim(clean, given) == pytest.approx(metrics.structural_similarity(clean, given, **options), abs=1e-6)


def test_the_classical_filter_takes_noise_out(photograph):
    clean = photograph[:, :, 0] / 255
    given = noisy(clean, 0.1)
    assert psnr(clean, sliding_cosine(given, 0.1)) > psnr(clean, given) + 5


def test_photographs_come_with_scikit_learn():
    found = shipped_photographs(without=("flower",))
    assert "china" in found
    assert "flower" not in found
    assert all(one.dtype == np.uint8 for one in found.values())


def test_a_corruption_at_a_range_of_levels_has_noise_of_each():
    corruption = corruption_of((STRONG, Noise("inputs", "gaussian", 0.02)), "Denoiser")
    levels = corruption.levels(1000, np.random.default_rng(0))
    assert (corruption.lowest, corruption.highest) == (0.02, 0.2)
    assert levels.min() >= 0.02
    assert levels.max() <= 0.2
    rows = corruption.corrupted(np.zeros((1000, 400), dtype=np.float32), levels, seed=0)
    assert np.allclose(rows.std(1) / levels, 1, atol=0.25)


def test_corrections_of_a_pixel_are_averaged_by_their_weights():
    pattern = np.arange(9, dtype=np.float32)
    weights = np.arange(1, 10, dtype=np.float32).reshape(3, 3) ** 2
    none, one = np.zeros(9, dtype=np.float32), np.ones(9, dtype=np.float32)
    says = Network([(np.zeros((9, 9), dtype=np.float32), pattern)], "relu", none, one, 0.0, none, one)
    corruption = corruption_of(Noise("inputs", "gaussian", 1.0), "Denoiser")
    model = WindowDenoiser((3, 3), (3, 3), corruption, np.eye(9, dtype=np.float32), 1.0, weights, (says,))
    found = model.denoise(np.zeros((9, 9)), level=1.0, stride=1)
    assert found[4, 4] == pytest.approx((pattern * weights.ravel()).sum() / weights.sum())


def test_each_plane_of_a_colour_picture_is_told_its_own_noise(photograph):
    told = []

    class Listening:
        corruption = corruption_of(STRONG, "Denoiser")

        def denoise(self, plane, level, stride, symmetries):
            told.append((level, stride, symmetries))
            return plane

    found = Windows((0.0, 255.0)).cleaned(Listening(), [photograph], 0.1, Pass(3, 4))
    assert np.abs(found[0].astype(int) - photograph).max() <= 1
    assert [one[1:] for one in told] == [(3, 4)] * 3
    assert [one[0] for one in told] == pytest.approx([0.1 * 3**-0.5, 0.1, 0.1])


def test_colours_are_turned_by_a_rotation():
    lengths = np.linalg.norm(OPPONENT, axis=1)
    assert np.allclose(OPPONENT @ OPPONENT.T, np.diag(lengths**2))
    assert np.allclose(OPPONENT[0], 1 / 3)
    assert np.allclose(OPPONENT[1:].sum(1), 0)


def test_rows_held_out_are_not_learned_from():
    parts = held_out(50)
    assert len(parts[True]) == 5
    assert sorted([*parts[True], *parts[False]]) == list(range(50))
    assert held_out(1)[False].tolist() == [0]


@pytest.mark.parametrize("sizes", [[(64, 64)], [(40, 90), (20, 20)], [(30, 30)] * 12])
def test_windows_held_out_share_no_pixel_with_those_learned_from(sizes):
    starts = np.cumsum([0, *(height * width for height, width in sizes)])
    clean = [
        start + np.arange(height * width).reshape(height, width)
        for start, (height, width) in zip(starts, sizes, strict=False)
    ]
    draw = Windows((0.0, 1.0)).drawing(clean, clean, corruption_of(STRONG, "Denoiser"))
    seen = [np.unique(draw(2_000, np.random.default_rng(0), judged).noisy) for judged in (True, False)]
    assert not np.intersect1d(*seen).size
    assert all(len(one) for one in seen)


def test_channels_of_a_picture_are_held_out_together():
    clean = [np.full((30, 30, 3), number, dtype=np.float32) for number in range(20)]
    pairs = pairs_of(clean, None, corruption_of(STRONG, "Denoiser"))
    held, learned = ({round(float(one.max())) for one in pairs[judged]} - {0} for judged in (True, False))
    assert not held & learned
    assert len(pairs[True]) == 2 * 6


def test_pictures_too_small_for_a_strip_are_learned_from_and_judged_by():
    clean = [np.zeros((50, 50))]
    assert parted(clean, 27)[True][0].shape == parted(clean, 27)[False][0].shape == (50, 50)


def test_pictures_of_a_kind_are_judged_by_what_others_have_in_common(blobs):
    pairs = pairs_of(list(blobs), None, corruption_of(STRONG, "Denoiser"))
    kinds = looks._kinds(pairs, mirrored=False)
    mean = np.mean([pair[0] for pair in pairs[False]], axis=0)
    assert np.allclose(kinds[True][0].mean, mean.ravel(), atol=1e-6)
    assert [len(kinds[judged]) for judged in (True, False)] == [len(pairs[judged]) for judged in (True, False)]


def test_rows_are_held_out_in_stretches_so_that_neighbours_promise_nothing():
    held = held_out(1000)[True]
    assert len(held) == 100
    assert (np.diff(held) > 1).sum() == 4


def test_few_rows_come_back_less_often():
    wine = load_wine().data
    assert Rows.of(wine[:20]).settings.windows == 5_000
    assert Rows.of(wine).settings.windows == 17_800
    assert Rows.of(np.repeat(wine, 6, axis=0)).settings.windows == 100_000


def test_levels_of_a_category_are_masked_together_and_missing_cells_get_no_noise():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"kind": rng.choice(list("abcd"), 400), "size": rng.normal(size=400)})
    frame.loc[:99, "size"] = np.nan
    rows = Rows.of(frame)
    clean = rows.units(frame, "Denoiser.fit")
    kinds = np.flatnonzero(~rows._amounts())[:4]
    aims, seen, _ = rows.drawing(clean, None, corruption_of(Noise("inputs", "masking", 0.4), "D"))(2_000, rng, False)
    masked = seen[:, kinds].sum(1) == 0
    assert 0.3 < masked.mean() < 0.5
    assert (aims[:, kinds].sum(1) == 1).all()
    aims, seen, _ = rows.drawing(clean, None, corruption_of(Noise("inputs", "gaussian", 0.4), "D"))(2_000, rng, False)
    numbers = rows._amounts()
    absent = (aims[:, numbers] == 0).all(1)
    assert 0.1 < absent.mean() < 0.4
    assert (seen[absent][:, numbers] == 0).all()
    assert np.array_equal(seen[:, kinds], aims[:, kinds])


def test_both_numbers_of_a_date_are_masked_together():
    frame = pd.DataFrame(
        {"day": pd.date_range("2019-01-01", periods=900), "size": np.random.default_rng(0).random(900)}
    )
    rows = Rows.of(frame)
    clean = rows.units(frame, "Denoiser.fit")
    masking = corruption_of(Noise("inputs", "masking", 0.4), "Denoiser")
    seen = rows.drawing(clean, None, masking)(2_000, np.random.default_rng(0), False).noisy
    days = np.flatnonzero(rows.encoder.inputs_.source == 0)
    assert len(days) > 1
    masked = seen[:, days] == 0
    assert 0.3 < masked[:, 0].mean() < 0.5
    assert (masked == masked[:, :1]).mean() > 0.99  # a clean number may be 0, too


def test_the_verdict_says_where_networks_are_not_worth_it():
    alone = np.random.default_rng(0).normal(size=(120, 4))  # nothing to learn beyond the spread
    assert "not worth it" in Denoiser(random_state=0, workers=1).fit(alone).verdict_


def test_as_many_networks_as_asked_correct(digits):
    assert len(Denoiser(STRONG, **SMALL | {"networks": 3}).fit(digits).model_.networks) == 3


# --- files


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [None, 3])
def test_a_picture_file_comes_back_as_it_was(kind, channels, tmp_path):
    shape = (9, 7) if channels is None else (9, 7, channels)
    pixels = np.random.default_rng(0).integers(0, np.iinfo(kind).max, shape, endpoint=True).astype(kind)
    found = read_picture(write_picture(tmp_path / "a.png", PictureFile(pixels, None)))
    assert found.alpha is None
    assert found.pixels.dtype == kind
    assert np.array_equal(found.pixels, pixels)


def filtered(kind, line, above, step):
    """A line of bytes as the PNG specification (ISO/IEC 15948, 9.2) writes it with a filter."""
    left = np.concatenate([np.zeros(step, dtype=int), line[:-step]])
    corner = np.concatenate([np.zeros(step, dtype=int), above[:-step]])
    near = [np.abs(left + above - corner - one) for one in (left, above, corner)]
    first, second = (near[0] <= near[1]) & (near[0] <= near[2]), near[1] <= near[2]
    paeth = np.where(first, left, np.where(second, above, corner))
    guess = [np.zeros_like(line), left, above, (left + above) // 2, paeth][kind]
    return bytes([kind]) + ((line - guess) % 256).astype(np.uint8).tobytes()


def test_deep_pictures_with_every_png_filter_are_read():
    pixels = np.random.default_rng(0).integers(0, 65_536, (10, 8, 3)).astype(np.uint16)
    pixels[:, 4:] = pixels[:, :1]  # equal neighbours make ties
    lines = pixels.astype(">u2").reshape(10, -1).view(np.uint8).astype(int)
    before = np.vstack([np.zeros_like(lines[:1]), lines[:-1]])
    packed = zlib.compress(
        b"".join(filtered(n % 5, *both, 6) for n, both in enumerate(zip(lines, before, strict=True)))
    )
    whole = png(pixels)
    head = whole[: whole.index(b"IDAT") - 4]
    found = read_deep(head + struct.pack(">I", len(packed)) + b"IDAT" + packed + b"\0\0\0\0")
    assert np.array_equal(found, pixels)
    assert np.array_equal(read_deep(whole), pixels)


def test_a_damaged_deep_picture_is_told():
    whole = png(np.random.default_rng(0).integers(0, 65_536, (5, 4, 3)).astype(np.uint16))
    with pytest.raises(ValueError, match="damaged"):
        read_deep(whole[:60])
    with pytest.raises(ValueError, match="damaged"):
        _unfiltered(9, np.zeros(12, dtype=np.uint8), np.zeros(12, dtype=np.uint8), 6)


def test_transparency_is_kept(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 4)).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    found = read_picture(tmp_path / "a.png")
    assert found.pixels.shape == (8, 8, 3)
    assert np.array_equal(found.alpha, pixels[:, :, 3])
    again = read_picture(write_picture(tmp_path / "b.png", found))
    assert np.array_equal(again.alpha, found.alpha)


@pytest.mark.parametrize("ending", ["jpg", "png", "tif"])
def test_a_picture_is_read_upright(ending, tmp_path):
    pixels = np.zeros((16, 32), dtype=np.uint8)
    pixels[:, 16:] = 255
    exif = Image.Exif()
    exif[274] = 6  # to be turned by a quarter, clockwise
    Image.fromarray(pixels).save(tmp_path / f"a.{ending}", exif=exif)
    found = read_picture(tmp_path / f"a.{ending}").pixels
    assert found.shape == (32, 16)
    assert found[:14].max() < 50 < 200 < found[18:].min()


def test_colours_of_16_bits_are_read_upright(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 65_536, (3, 5, 3)).astype(np.uint16)
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(np.zeros((1, 1), dtype=np.uint8)).save(tmp_path / "a.png", exif=exif)
    turned = (tmp_path / "a.png").read_bytes()
    chunk = turned[turned.index(b"eXIf") - 4 : turned.index(b"IDAT") - 4]
    content = png(pixels)
    place = content.index(b"IDAT") - 4
    (tmp_path / "a.png").write_bytes(content[:place] + chunk + content[place:])
    assert np.array_equal(read_picture(tmp_path / "a.png").pixels, np.rot90(pixels, -1))


def test_floats_stay_floats_and_need_a_format_that_holds_them(tmp_path, photograph, of_photographs):
    pixels = noisy(photograph[:40, :40, 0] / 255, 0.1).astype(np.float32)
    Image.fromarray(pixels).save(tmp_path / "a.tif")
    found = read_picture(tmp_path / "a.tif")
    assert np.array_equal(found.pixels, pixels)
    assert np.array_equal(read_picture(write_picture(tmp_path / "b.tif", found)).pixels, pixels)
    with pytest.raises(UsageError, match="does not hold floats"):
        write_picture(tmp_path / "a.png", found)
    of_photographs.save(tmp_path / "p.dashpot")
    done = ran(tmp_path / "a.tif", "-o", tmp_path / "c.tif", "--model", tmp_path / "p.dashpot")
    assert done.exit_code == 0, done.output
    assert psnr(photograph[:40, :40, 0] / 255, read_picture(tmp_path / "c.tif").pixels) > 22


def test_a_file_that_is_no_picture_is_named(tmp_path):
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match="no picture that can be read"):
        read_picture(tmp_path / "a.png")
    with pytest.raises(UsageError, match="16 bits"):
        write_picture(tmp_path / "a.jpg", PictureFile(np.zeros((4, 4), dtype=np.uint16), None))


# --- the page and the command


def test_the_page_escapes_and_loads_nothing(of_photographs, of_survey, photograph, survey):
    clean = photograph / 255
    shown = Shown("<script>alert(1)</script>.png", noisy(clean, 0.1).clip(0, 1), clean, 0.1, clean)
    text = render_denoised(summarize_pictures([shown], of_photographs))
    assert "<script>alert" not in text
    assert "&lt;script&gt;" in text
    assert "PSNR" in text
    assert text.count("data:image/png;base64") == 4
    assert "http:" not in text
    assert "https:" not in text
    rows = survey.rename(columns={"age": "<b>age</b>"})
    text = render_denoised(summarize_table(rows, rows, "survey.csv", of_survey))
    assert "<b>age" not in text
    assert "What changed in 944 rows" in text


@pytest.fixture
def pictures(tmp_path, photograph):
    """A folder with two noisy photographs, one with their clean twins, and one of clean photographs to learn from."""
    for name in ("noisy", "clean", "learn"):
        (tmp_path / name).mkdir()
    for number in range(2):
        clean = photograph[:60, 60 * number : 60 * number + 60]
        Image.fromarray(clean).save(tmp_path / "clean" / f"{number}.png")
        given = noisy(clean, 25).clip(0, 255).round().astype(np.uint8)
        Image.fromarray(given).save(tmp_path / "noisy" / f"{number}.png")
    Image.fromarray(photograph).save(tmp_path / "learn" / "a.png")
    return tmp_path


def ran(*arguments):
    return CliRunner().invoke(command, ["denoise", *map(str, arguments)])


def test_a_folder_of_pictures_is_cleaned_measured_and_shown(pictures, of_photographs):
    of_photographs.save(pictures / "p.dashpot")
    done = ran(
        *(pictures / "noisy", "-o", pictures / "out", "--model", pictures / "p.dashpot"),
        *("--reference", pictures / "clean", "--report", pictures / "page.html"),
    )
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in (pictures / "out").iterdir()) == ["0.png", "1.png"]
    assert "Networks" in done.output
    assert "dB" in done.output
    assert (pictures / "page.html").read_text().count("<figure>") == 8


def test_the_level_and_the_best_pass_are_taken_from_the_command(pictures, of_photographs):
    of_photographs.save(pictures / "p.dashpot")
    photo, model = pictures / "noisy" / "0.png", ("--model", pictures / "p.dashpot")
    found = []
    for number, more in enumerate([(), ("--best",), ("--level", 0.25)]):
        done = ran(photo, "-o", pictures / f"{number}.png", *model, *more)
        assert done.exit_code == 0, done.output
        found.append(read_picture(pictures / f"{number}.png").pixels)
    loaded = dashpot.load(pictures / "p.dashpot")
    given = read_picture(photo).pixels
    assert np.array_equal(found[0], loaded.transform([given])[0])
    assert np.array_equal(found[2], loaded.transform([given], level=0.25)[0])
    assert np.array_equal(found[1], loaded.set_params(stride=1, symmetries=8).transform([given])[0])


def test_the_kind_of_noise_is_taken_from_the_command(tmp_path, survey):
    survey.iloc[:200].to_csv(tmp_path / "clean.csv", index=False)
    more = "--learn-from", tmp_path / "clean.csv", "--kind", "masking", "--level", 0.3, "--save", tmp_path / "m.dashpot"
    done = ran(tmp_path / "clean.csv", "-o", tmp_path / "out.csv", *more)
    assert done.exit_code == 0, done.output
    corruption = dashpot.load(tmp_path / "m.dashpot").model_.corruption
    assert (corruption.noise.kind, corruption.highest) == ("masking", 0.3)


def test_a_file_with_arrays_of_other_shapes_is_refused(of_digits, tmp_path):
    path = of_digits.save(tmp_path / "model.dashpot")
    with zipfile.ZipFile(path) as file:
        content = {one: file.read(one) for one in file.namelist()}
    (name,) = [one for one in content if one.endswith("safetensors")]
    tensors = load_tensors(content[name])
    tensors["basis"] = tensors["basis"][:-1]
    content[name] = save_tensors(tensors)
    with zipfile.ZipFile(path, "w") as file:
        for one, part in content.items():
            file.writestr(one, part)
    with pytest.raises(ModelFileError):
        dashpot.load(path)


def test_a_table_is_cleaned(tmp_path, survey, of_survey):
    of_survey.save(tmp_path / "t.dashpot")
    survey.iloc[700:].to_csv(tmp_path / "rows.csv", index=False)
    more = "--model", tmp_path / "t.dashpot", "--report", tmp_path / "page.html"
    done = ran(tmp_path / "rows.csv", "-o", tmp_path / "out.csv", *more)
    assert done.exit_code == 0, done.output
    assert list(pd.read_csv(tmp_path / "out.csv").columns) == list(survey.columns)
    assert "." not in (tmp_path / "out.csv").read_text()  # the survey holds whole numbers
    assert "What changed" in (tmp_path / "page.html").read_text()


def test_wrong_calls_are_one_line_and_write_nothing(pictures, of_survey, of_photographs, survey):
    of_survey.save(pictures / "t.dashpot")
    of_photographs.save(pictures / "p.dashpot")
    survey.to_csv(pictures / "rows.csv", index=False)
    photo, out = pictures / "noisy" / "0.png", pictures / "out.png"
    for arguments, sentence in [
        ((), "name a picture"),
        ((photo,), "-o names"),
        ((pictures / "none.png", "-o", out), "No such file"),
        ((photo, "-o", photo), "named twice"),
        ((photo, "-o", pictures / "out.csv"), "so must be the output"),
        ((photo, "-o", out, "--kind", "swap"), "for tables"),
        ((photo, "-o", out, "--model", pictures / "t.dashpot"), "fitted on a table"),
        ((photo, "-o", out, "--model", pictures / "t.dashpot", "--save", pictures / "x"), "learns nothing"),
        ((pictures / "rows.csv", "-o", pictures / "out.csv"), "needs --learn-from"),
        ((pictures / "noisy", "-o", pictures / "noisy"), "would overwrite"),
        ((photo, "-o", out, "--learn-from", photo), "a folder of clean pictures"),
        ((photo, "-o", out, "--model", pictures / "p.dashpot", "--reference", pictures / "learn" / "a.png"), "twin"),
    ]:
        done = ran(*arguments)
        message = str(done.exception) if done.exception else done.output
        assert done.exit_code != 0, arguments
        assert sentence in message
        assert "\n" not in message
    assert not out.exists()
    assert not (pictures / "out.csv").exists()


def test_predict_points_to_denoise(tmp_path, survey, of_survey):
    of_survey.save(tmp_path / "t.dashpot")
    survey.to_csv(tmp_path / "rows.csv", index=False)
    arguments = ["predict", tmp_path / "t.dashpot", tmp_path / "rows.csv", "-o", tmp_path / "p.csv"]
    done = CliRunner().invoke(command, [*map(str, arguments)])
    assert "Use dashpot denoise" in str(done.exception)


def test_an_unreadable_picture_in_a_folder_is_named_before_any_is_written(pictures, of_photographs):
    of_photographs.save(pictures / "p.dashpot")
    (pictures / "noisy" / "z.png").write_bytes(b"no picture")
    done = ran(pictures / "noisy", "-o", pictures / "out", "--model", pictures / "p.dashpot")
    assert "no picture that can be read" in str(done.exception)
    assert not (pictures / "out").exists()


def test_the_bytes_of_a_written_picture_open_elsewhere(tmp_path):
    path = write_picture(tmp_path / "a.png", PictureFile(np.full((5, 6, 3), 40_000, dtype=np.uint16), None))
    with Image.open(io.BytesIO(path.read_bytes())) as image:
        assert image.size == (6, 5)
