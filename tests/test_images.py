"""What is true of pictures and of what changes them, and of no other rows."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from dashpot import MLPClassifier, MLPRegressor, image_recipe, load, preview
from dashpot.cli import main
from dashpot.errors import DataError, UsageError
from dashpot.jobs import Design, Examples, Job
from dashpot.losses import CrossEntropy
from dashpot.optimizers import AdamW
from dashpot.png import png
from dashpot.randomness import draws
from dashpot.regularizers import (
    Augment,
    Blur,
    Brightness,
    ColourShift,
    Contrast,
    Crop,
    Erase,
    Flip,
    Recipe,
    Regularizer,
    Rotate,
    Shift,
    Zoom,
)  # fmt: skip
from dashpot.regularizers.base import with_fields
from dashpot.tables.encode import Inputs
from dashpot.training import train

ALL = [Flip(0.5), Rotate(20.0), Shift(0.3), Zoom(0.3), Crop(0.4), Erase(0.5, 1.0), Blur(1.0, 1.0), Brightness(0.5),
       Contrast(0.5), ColourShift(0.5)]  # fmt: skip
DIGITS = load_digits()


def changed(regularizer, pictures, seed=0):
    """Pictures (rows, height, width, channels) after one step of one network."""
    bound = with_fields(regularizer, {"image": pictures.shape[1:]})
    rows = torch.as_tensor(pictures, dtype=torch.float32).reshape(1, len(pictures), -1)
    return bound.augment(rows, torch.zeros(1, len(pictures), 1), draws(seed))[0].numpy().reshape(pictures.shape)


def small(**settings):
    return MLPClassifier(hidden_layers=(8,), max_epochs=3, random_state=0, **settings)


# ---- the transformations


def test_flips_mirror_about_half_of_the_pictures():
    pictures = np.random.default_rng(0).normal(size=(400, 3, 4, 2)).astype(np.float32)
    flipped = changed(Flip(0.5), pictures)
    mirrored = (flipped == pictures[:, :, ::-1]).all((1, 2, 3))
    assert 150 < mirrored.sum() < 250
    np.testing.assert_array_equal(flipped[~mirrored], pictures[~mirrored])
    np.testing.assert_array_equal(changed(Flip(1.0, "vertical"), pictures), pictures[:, ::-1])


def test_shifts_move_by_whole_pixels_onto_background():
    picture = np.full((200, 9, 9, 1), 7.0)
    picture[:, 4, 4] = 1.0
    moved = changed(Shift(0.2), picture)
    assert ((np.abs(moved - 1) < 1e-5).sum((1, 2, 3)) == 1).all()
    np.testing.assert_allclose(np.sort(moved.reshape(200, -1))[:, 1:], 7.0, atol=1e-5)
    _, down, across, _ = np.nonzero(np.abs(moved - 1) < 1e-5)
    assert set(down) == set(across) == {2, 3, 4, 5, 6}


def test_a_turn_goes_by_its_angle():
    height = width = 31
    y, x = np.mgrid[:height, :width] - 15.0
    blob = np.exp(-((y - 0) ** 2 + (x - 9) ** 2) / 8)[None, :, :, None].repeat(300, 0)
    turned = changed(Rotate(30.0), blob)[..., 0]
    mass = turned.sum((1, 2))
    across, down = (turned * x).sum((1, 2)) / mass, (turned * y).sum((1, 2)) / mass
    angles = np.degrees(np.arctan2(down, across))
    np.testing.assert_allclose(np.hypot(across, down), 9, atol=0.1)
    assert np.abs(angles).max() < 30.5
    assert angles.std() == pytest.approx(30 / np.sqrt(3), rel=0.1)


def test_zoom_changes_the_area_by_the_square_of_its_factor():
    y, x = np.mgrid[:41, :41] - 20.0
    disc = (np.hypot(y, x) < 8).astype(float)[None, :, :, None].repeat(200, 0)
    sides = np.sqrt(changed(Zoom(0.4), disc).sum((1, 2, 3)) / disc[0].sum())
    assert 0.58 < sides.min() < 0.65
    assert 1.35 < sides.max() < 1.42


def test_crops_show_a_part_of_the_picture_and_nothing_else():
    _, x = np.mgrid[:16, :16].astype(float)
    ramp = x[None, :, :, None].repeat(200, 0)
    cut = changed(Crop(0.5), ramp)[:, 8, :, 0]
    slopes = np.diff(cut[:, 4:-4]).mean(1)
    assert 0.49 < slopes.min() < 0.6 < 0.9 < slopes.max() <= 1.001


def test_erased_patches_are_rectangles_of_background():
    pictures = np.zeros((100, 12, 10, 3))
    pictures[:, 1:-1, 1:-1] = 5.0
    erased = changed(Erase(0.5, probability=1.0), pictures)
    for before, after in zip(pictures, erased, strict=True):
        rows, columns = np.nonzero((before != after).any(2))
        if len(rows):
            assert (after[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1] == 0).all()
            assert np.ptp(rows) < 6
            assert np.ptp(columns) < 5


def test_blur_spreads_a_point_and_keeps_its_sum():
    point = np.zeros((50, 15, 15, 1))
    point[:, 7, 7] = 1
    blurred = changed(Blur(1.0, probability=1.0), point)
    np.testing.assert_allclose(blurred.sum((1, 2, 3)), 1, rtol=1e-5)
    assert blurred.max((1, 2, 3)).min() < 0.25


def test_light_moves_all_pixels_contrast_keeps_the_mean_and_colours_move_apart():
    pictures = np.random.default_rng(1).normal(size=(100, 5, 5, 3))
    lighter = changed(Brightness(0.3), pictures) - pictures
    assert lighter.std((1, 2, 3)).max() < 1e-6
    assert 0.25 < np.abs(lighter).max() <= 0.3 + 1e-6
    contrast = changed(Contrast(0.3), pictures)
    np.testing.assert_allclose(contrast.mean((1, 2, 3)), pictures.mean((1, 2, 3)), atol=1e-6)
    ratio = contrast.std((1, 2, 3)) / pictures.std((1, 2, 3))
    assert 0.69 < ratio.min() < 0.8 < 1.2 < ratio.max() < 1.31
    coloured = changed(ColourShift(0.3), pictures) - pictures
    assert coloured.std((1, 2)).max() < 1e-6
    assert coloured.mean((1, 2)).std(1).min() > 0


@pytest.mark.parametrize("regularizer", ALL, ids=lambda r: type(r).__name__)
def test_a_picture_that_is_all_background_stays_but_for_light(regularizer):
    flat = np.full((20, 6, 7, 2), 0.3, dtype=np.float32)
    after = changed(regularizer, flat)
    if type(regularizer) in (Brightness, ColourShift):
        assert (after != flat).any()
    else:
        np.testing.assert_allclose(after, flat, atol=1e-6)


@pytest.mark.parametrize("regularizer", ALL, ids=lambda r: type(r).__name__)
def test_the_probability_is_the_share_of_pictures_that_change(regularizer):
    pictures = np.random.default_rng(2).normal(size=(500, 9, 9, 1)).astype(np.float32)
    after = changed(with_fields(regularizer, {"probability": 0.3}), pictures)
    assert 0.2 < (after != pictures).any((1, 2, 3)).mean() < 0.4


@pytest.mark.parametrize(("height", "width", "channels"), [(1, 1, 1), (1, 5, 3), (7, 3, 1), (28, 28, 1), (9, 11, 3)])
def test_networks_do_not_touch_at_any_size_of_picture(height, width, channels):
    """One after another, all at once: each network alone, and in stacks of other sizes, bit for bit."""
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(90, height * width * channels)).astype(np.float32)
    count = inputs.shape[1]
    names = tuple(f"x{i}" for i in range(count))
    columns = Inputs(names, np.arange(count), np.zeros(count, dtype=bool), (height, width, channels))
    examples = Examples(inputs, rng.integers(3, size=90), columns)
    design = Design((5,), "tanh", CrossEntropy(3), AdamW(0.02), 37, 2, 0.0)
    jobs = [Job(Recipe(tuple(ALL)), np.arange(90), np.arange(0), seed, design) for seed in range(5)]
    together = train(examples, jobs, workers=1)
    for number, job in enumerate(jobs):
        (alone,), (pair, _) = (
            train(examples, [job], workers=1)[0],
            [n[0] for n in train(examples, [job, jobs[(number + 1) % 5]], workers=1)],
        )
        for other in (alone, pair):
            np.testing.assert_array_equal(together[number][0].layers[0][0], other.layers[0][0])


# ---- functions of others


def test_any_function_may_change_a_batch():
    shapes = []

    def darker(batch, rng):
        shapes.append(batch.shape)
        return batch - rng.random()

    small(image_shape=(8, 8), regularizers=[Augment(darker)]).fit(DIGITS.images, DIGITS.target)
    assert set(shapes) == {(128, 8, 8)}


def test_a_function_that_gives_another_shape_is_refused():
    with pytest.raises(UsageError, match=r"shape \(128, 8, 7\); shape \(128, 8, 8\) is needed"):
        small(image_shape=(8, 8), regularizers=[Augment(lambda batch, rng: batch[..., 1:])]).fit(
            DIGITS.images, DIGITS.target
        )


def test_a_function_is_left_out_of_the_model_file(tmp_path):
    model = small(image_shape=(8, 8), regularizers=[Augment(lambda batch, rng: batch)]).fit(
        DIGITS.images, DIGITS.target
    )
    with pytest.warns(UserWarning, match="left out of the file"):
        model.save(tmp_path / "model")
    np.testing.assert_array_equal(load(tmp_path / "model").predict(DIGITS.data), model.predict(DIGITS.data))


# ---- rows that are pictures


def test_every_pixel_stays_and_channels_share_a_scale():
    model = small(image_shape=(8, 8)).fit(DIGITS.images, DIGITS.target)
    network = model.networks_[0]
    assert (DIGITS.data.std(0) == 0).any()
    assert network.layers[0][0].shape[0] == model.n_features_in_ == 64
    assert len(set(network.scale)) == len(set(network.centre)) == 1
    assert network.scale[0] == pytest.approx(1 / DIGITS.data.std(), rel=0.1)


def test_pictures_may_come_as_rows_pictures_frames_and_bytes(tmp_path):
    model = small(image_shape=(8, 8), regularizers=image_recipe("digits")).fit(DIGITS.images, DIGITS.target)
    frame = pd.DataFrame(DIGITS.data, columns=DIGITS.feature_names)
    expected = model.predict_proba(DIGITS.data)
    for X in (DIGITS.images, DIGITS.images[..., None], DIGITS.images.astype(np.uint8), DIGITS.images.tolist()):
        np.testing.assert_array_equal(model.predict_proba(X), expected)
    named = clone(model).fit(frame, DIGITS.target)
    np.testing.assert_array_equal(named.predict_proba(frame[frame.columns[::-1]]), expected)
    for one in (model, named):
        loaded = load(one.save(tmp_path / "model"))
        assert loaded.image_shape == (8, 8)
        np.testing.assert_array_equal(loaded.predict_proba(DIGITS.images), expected)


def test_colours_and_amounts():
    rng = np.random.default_rng(0)
    X = rng.random((60, 4, 5, 3))
    model = MLPRegressor(hidden_layers=(4,), max_epochs=2, image_shape=(4, 5, 3), regularizers=image_recipe("photos"))
    assert model.fit(X, X[:, 0, 0, 0]).predict(X.reshape(60, -1)).shape == (60,)
    assert len(np.unique(model.networks_[0].scale)) == 3


@pytest.mark.parametrize(
    ("shape", "X", "message"),
    [
        ((8, 9), DIGITS.images, r"pictures in X have shape \(8, 8\). Pass image_shape=\(8, 8\)"),
        ((8, 9), DIGITS.data, "needs 8 x 9 x 1 = 72 columns, X has 64"),
        ("8x8", DIGITS.data, r"must be \(height, width\)"),
        ((8, 0), DIGITS.data, r"must be \(height, width\)"),
        ((8, 8, 1, 1), DIGITS.data, r"must be \(height, width\)"),
        (64, DIGITS.data, r"must be \(height, width\)"),
    ],
)
def test_wrong_shapes_are_one_line(shape, X, message):
    with pytest.raises(UsageError, match=message) as caught:
        small(image_shape=shape).fit(X, DIGITS.target)
    assert "\n" not in str(caught.value)


def test_wrong_pictures_at_prediction_and_pixels_that_are_no_numbers():
    model = small(image_shape=(8, 8)).fit(DIGITS.images, DIGITS.target)
    with pytest.raises(ValueError, match=r"pictures of shape \(7, 8\)"):
        model.predict(DIGITS.images[:, 1:])
    with pytest.raises(ValueError, match="X has 63 features"):
        model.predict(DIGITS.data[:, 1:])
    frame = pd.DataFrame(DIGITS.data).astype(object)
    frame[3] = "a"
    with pytest.raises(DataError, match="a pixel is a number"):
        small(image_shape=(8, 8)).fit(frame, DIGITS.target)


@pytest.mark.parametrize("regularizer", ALL, ids=lambda r: type(r).__name__)
def test_rows_of_a_table_are_no_pictures(regularizer):
    with pytest.raises(UsageError, match=r"rows are no pictures\. Pass image_shape"):
        small(regularizers=regularizer).fit(DIGITS.data, DIGITS.target)


# ---- the contact sheet


def test_the_sheet_shows_originals_and_variants(tmp_path):
    sheet = preview(DIGITS.data, image_recipe("digits"), tmp_path / "a.png", image_shape=(8, 8), variants=3)
    again = preview(DIGITS.images, image_recipe("digits"), variants=3)
    np.testing.assert_array_equal(sheet, again)
    first = sheet[:64:8, :64:8, 0] / 255 * 16
    np.testing.assert_allclose(first, DIGITS.images[0], atol=0.1)
    assert (tmp_path / "a.png").read_bytes() == png(sheet)


def test_the_sheet_is_a_png_that_others_read(tmp_path):
    image = pytest.importorskip("PIL.Image", reason="Pillow reads the sheet")
    sheet = preview(DIGITS.images, Flip(), tmp_path / "a.png")
    np.testing.assert_array_equal(np.asarray(image.open(tmp_path / "a.png")), sheet)


def run(*arguments):
    with pytest.raises(SystemExit) as end:
        main([str(one) for one in arguments])
    return end.value.code


def test_the_command_draws_digits_tables_and_folders(tmp_path, capsys):
    sheet = tmp_path / "sheet.png"
    assert run("augment-preview", "digits", "-o", sheet, "--with", "Rotate(15)") == 0
    assert "8 pictures, 8 variants" in capsys.readouterr().out
    table = tmp_path / "pixels.csv"
    pd.DataFrame(DIGITS.data[:20]).assign(y=DIGITS.target[:20]).to_csv(table, index=False)
    assert run("augment-preview", table, "-o", sheet, "--image-shape", "8,8", "--target", "y") == 0
    pytest.importorskip("PIL", reason="Pillow reads picture files")
    folder = tmp_path / "folder"
    folder.mkdir()
    assert run("augment-preview", folder, "-o", tmp_path / "b.png") == 3
    (folder / "one.png").write_bytes(sheet.read_bytes())
    assert run("augment-preview", folder, "-o", sheet, "--preset", "photos") == 0
    (folder / "two.png").write_bytes(b"no picture")
    assert run("augment-preview", folder, "-o", tmp_path / "b.png") == 3
    assert not (tmp_path / "b.png").exists()


def test_the_command_says_what_is_missing(tmp_path, capsys):
    table = tmp_path / "pixels.csv"
    pd.DataFrame(DIGITS.data[:20]).to_csv(table, index=False)
    assert run("augment-preview", table, "-o", tmp_path / "a.png") == 2
    assert "--image-shape" in capsys.readouterr().err
    assert run("augment-preview", table, "-o", tmp_path / "a.png", "--image-shape", "8,9") == 2
    assert run("augment-preview", table, "-o", tmp_path / "a.png", "--image-shape", "8") == 2
    assert run("augment-preview", tmp_path / "none.csv", "-o", tmp_path / "a.png", "--image-shape", "8,8") in (2, 3)
    assert not (tmp_path / "a.png").exists()


def test_fit_and_predict_know_pictures(tmp_path):
    table = tmp_path / "pixels.csv"
    pd.DataFrame(DIGITS.data[:300]).add_prefix("p").assign(y=DIGITS.target[:300]).to_csv(table, index=False)
    model = tmp_path / "model.dashpot"
    asked = ("--image-shape", "8,8", "--with", "Shift(0.1)", "--epochs", 2)
    assert run("fit", table, "--target", "y", "-o", model, *asked) == 0
    assert load(model).image_shape == (8, 8)


def test_presets_are_recipes_and_others_are_refused():
    assert all(isinstance(part, Regularizer) for kind in ("digits", "photos") for part in image_recipe(kind).parts)
    with pytest.raises(UsageError, match="digits, photos"):
        image_recipe("cats")


@pytest.mark.slow
def test_moved_digits_help_where_training_rows_are_few():
    """Ten splits, 100 training rows each: the measured page is docs/images.md."""
    gains = []
    for seed in range(10):
        X, Z, y, z = train_test_split(
            DIGITS.images, DIGITS.target, train_size=100, stratify=DIGITS.target, random_state=seed
        )
        plain, moved = (
            MLPClassifier(image_shape=(8, 8), regularizers=r, max_epochs=200, random_state=seed).fit(X, y).score(Z, z)
            for r in ((), image_recipe("digits"))
        )
        gains.append(moved - plain)
    assert np.mean(gains) > 2 * np.std(gains, ddof=1) / np.sqrt(10)


def test_two_functions_of_ones_own_draw_apart():
    seen = []

    def note(batch, rng):
        seen.append(rng.random())
        return batch

    Recipe((Augment(note), Augment(note))).augment(torch.ones(1, 4, 3), torch.ones(1, 4, 1), draws([0]))
    assert seen[0] != seen[1]
