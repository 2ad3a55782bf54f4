"""The loss surface: its middle, its directions, its curvature, and the command that draws it."""

import io
import time

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from sklearn.metrics import log_loss

from dashpot import L2, Ensemble, MLPClassifier, MLPRegressor, landscape, load_anes96, sharpness
from dashpot.cli import dashpot
from dashpot.errors import DataError, UsageError
from dashpot.landscapes import (
    Landscape,
    between,
    member_sharpness,
    plot_landscapes,
    plot_lines,
    sharpness_table,
)
from dashpot.landscapes.rows import layers_of, member_of, seen_by
from dashpot.landscapes.sharpness import largest_eigenvalues
from dashpot.landscapes.surface import filter_normalized
from dashpot.optimizers import Adam


@pytest.fixture(scope="module")
def survey():
    return load_anes96()


@pytest.fixture(scope="module")
def model(survey):
    return MLPClassifier((8, 6), regularizers=(), max_epochs=20, random_state=0).fit(*survey)


@pytest.fixture(scope="module")
def line():
    """No hidden layer and squared error: the loss is a paraboloid whose curvature is known."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    y = X @ [1.0, -2.0, 0.5] + 0.3 * rng.normal(size=200)
    optimizer = Adam(0.05, schedule="cosine")
    settings = {"regularizers": (), "standardize": False, "optimizer": optimizer, "max_epochs": 200, "random_state": 0}
    return MLPRegressor((), **settings).fit(X, y), X, y


def test_the_middle_is_the_loss_of_the_solution(model, survey):
    frame, vote = survey
    own = landscape(model, frame, vote, points=5)
    assert own.centre == pytest.approx(log_loss(vote, model.predict_proba(frame)), rel=1e-4)
    assert own.losses.shape == (5, 5)
    assert own.losses.min() == own.centre


def test_equal_seeds_give_equal_surfaces_and_rows_may_be_weighted(model, survey):
    frame, vote = survey
    first, again = (landscape(model, frame, vote, points=5, seed=3).losses for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, landscape(model, frame, vote, points=5, seed=4).losses)
    chosen = np.arange(len(vote)) < 300
    weighted = landscape(model, frame, vote, chosen.astype(float), points=3).centre
    assert weighted == pytest.approx(landscape(model, frame[chosen], vote[chosen], points=3).centre, rel=1e-4)


def test_directions_are_as_long_as_each_units_weights(model):
    layers = layers_of(member_of(model, 0))
    for layer, direction in zip(layers, filter_normalized(layers, np.random.default_rng(0)), strict=True):
        torch.testing.assert_close(direction.norm(dim=1), layer.weights.norm(dim=1))


def test_squared_error_of_a_line_is_a_paraboloid(line):
    model, X, y = line
    own = landscape(model, X, y, points=9)
    second = np.diff(own.losses, 2, axis=1)
    np.testing.assert_allclose(second, second[0, 0], rtol=2e-3)
    np.testing.assert_allclose(own.losses, own.losses[::-1, ::-1], rtol=0.02)  # even around the minimum


def test_the_eigenvalue_is_that_of_the_hessian(line, model, survey):
    fitted, X, y = line
    design = np.column_stack([X, np.ones(len(X))])
    expected = np.linalg.eigvalsh(2 * design.T @ design / len(X))[-1]
    assert sharpness(fitted, X, y).eigenvalue == pytest.approx(expected, rel=0.01)
    frame, vote = survey
    rows, layers = seen_by(model.networks_[0], model, frame, vote), layers_of(model.networks_[0])
    flat = torch.cat([part.flatten() for layer in layers for part in layer])

    def loss(vector):
        pieces = torch.split(vector, [part.numel() for layer in layers for part in layer])
        parts = [
            piece.view_as(part) for piece, part in zip(pieces, [p for layer in layers for p in layer], strict=True)
        ]
        return rows.losses([type(layers[0])(*pair) for pair in zip(parts[::2], parts[1::2], strict=True)]).sum()

    dense = torch.linalg.eigvalsh(torch.autograd.functional.hessian(loss, flat))
    largest = dense[dense.abs().argmax()]
    assert sharpness(model, frame, vote, rounds=500).eigenvalue == pytest.approx(float(largest), rel=0.02)


def test_l2_makes_the_loss_smoother(survey):
    frame, vote = survey
    halves = (frame[:600], vote[:600], frame[600:], vote[600:])
    settings = {"hidden_layers": (64, 64), "max_epochs": 100, "random_state": 0}
    models = {
        "none": MLPClassifier(regularizers=(), **settings).fit(*halves[:2]),
        "L2": MLPClassifier(regularizers=L2(0.01), **settings).fit(*halves[:2]),
    }
    table = sharpness_table(models, *halves)
    assert table.loc["L2", "rise"] < table.loc["none", "rise"]
    assert table.loc["L2", "gap"] < table.loc["none", "gap"]
    highest = {name: landscape(one, *halves[:2], points=5).losses.max() for name, one in models.items()}
    assert highest["L2"] < highest["none"] / 2


def test_a_line_between_two_solutions_meets_both(model, survey):
    frame, vote = survey
    other = MLPClassifier((8, 6), regularizers=(), max_epochs=3, random_state=0).fit(frame, vote)
    steps, losses = between(model, other, frame, vote, points=7)
    assert steps[1] == pytest.approx(0)
    assert losses[1] == pytest.approx(landscape(model, frame, vote, points=3).centre, rel=1e-4)
    assert losses[5] == pytest.approx(landscape(other, frame, vote, points=3).centre, rel=1e-4)
    with pytest.raises(UsageError, match="differ in shape"):
        between(model, MLPClassifier((4,), regularizers=(), max_epochs=1).fit(frame, vote), frame, vote)


def test_a_large_grid_is_quick():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(1000, 20)), rng.integers(2, size=1000)
    model = MLPClassifier((128, 128), regularizers=(), max_epochs=1, random_state=0).fit(X, y)
    start = time.process_time()
    assert landscape(model, X, y).losses.shape == (41, 41)
    assert time.process_time() - start < 10  # 5 s on two cores, in processor time: a busy machine fails no test


@pytest.mark.parametrize("ensemble", [Ensemble(3), Ensemble(3, columns=0.5, shapes=((6, 5), (4,)))])
def test_each_member_of_a_stack_is_as_sharp_as_alone(survey, ensemble):
    frame, vote = survey
    model = MLPClassifier((6, 5), regularizers=ensemble, max_epochs=10, random_state=0).fit(frame, vote)
    weights = np.linspace(0, 1, len(vote))
    together = member_sharpness(model, frame, vote, weights, rounds=300)
    assert len(together) == 3
    for member, one in enumerate(together):
        alone = sharpness(model, frame, vote, weights, member=member, rounds=300)
        assert one.loss == alone.loss
        assert one.rise == alone.rise
        assert one.eigenvalue == pytest.approx(alone.eigenvalue, rel=1e-2)
    assert len({one.eigenvalue for one in together}) == 3


def test_the_largest_eigenvalue_is_found_where_the_one_of_largest_size_is_negative():
    matrices = torch.diag_embed(torch.tensor([[-9.0, 1.0, 4.0], [5.0, -2.0, 3.0], [-3.0, -2.0, -1.0]]))
    found = largest_eigenvalues(
        lambda vectors: (matrices @ vectors[..., None])[..., 0], torch.tensor([[1.0, 2.0, 1.5]] * 3), 1000
    )
    np.testing.assert_allclose(found, [4.0, 5.0, -1.0], rtol=0.01)


def test_rows_in_parts_give_the_loss_of_the_whole(model, survey, monkeypatch):
    frame, vote = survey
    whole = landscape(model, frame, vote, points=5)
    monkeypatch.setattr("dashpot.landscapes.rows.LARGEST", 8 * 100)
    np.testing.assert_allclose(landscape(model, frame, vote, points=5).losses, whole.losses, rtol=1e-5)


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber", "poisson"])
def test_every_loss_and_kind_of_column_has_a_landscape(survey, loss):
    frame, _ = survey
    X = frame.assign(word=np.where(frame["age"] > 40, "old", "young"))
    X.loc[::5, "income"] = np.nan
    model = MLPRegressor((4,), loss=loss, regularizers=(), max_epochs=2, random_state=0).fit(X, frame["TVnews"])
    own = landscape(model, X, frame["TVnews"], points=3, span=2.0)
    assert np.isfinite(own.losses).all()
    assert np.isfinite(sharpness(model, X, frame["TVnews"], rounds=5).eigenvalue)
    assert own.plot().axes  # the Poisson loss may be negative


def test_losses_that_are_not_finite_count_as_high():
    steps = np.linspace(-1, 1, 5)
    losses = steps[:, None] ** 2 + steps**2
    losses[0, 0], losses[4, 4] = np.nan, np.inf
    figure = Landscape(steps, losses).plot()
    figure.savefig(io.BytesIO(), format="png")
    with pytest.raises(UsageError, match="without a finite loss"):
        Landscape(steps, np.full((5, 5), np.nan)).plot()


@pytest.mark.parametrize("weights", [np.zeros(944), -np.ones(944), np.ones(3), np.full(944, np.nan)])
def test_weights_that_make_no_sense_are_refused_in_a_line(model, survey, weights):
    with pytest.raises(UsageError, match="one for each row"):
        landscape(model, *survey, weights)
    with pytest.raises(UsageError, match="one for each row"):
        sharpness(model, *survey, weights)


@pytest.mark.parametrize(("options", "message"), [({"level": -1}, "level=-1"), ({"rounds": 0}, "rounds=0")])
def test_sharpness_refuses_bad_settings(model, survey, options, message):
    with pytest.raises(UsageError, match=message):
        sharpness(model, *survey, **options)


def test_lines_are_drawn_for_training_and_new_rows(model, survey):
    frame, vote = survey
    other = MLPClassifier((8, 6), regularizers=L2(0.01), max_epochs=3, random_state=0).fit(frame, vote)
    rows = {"training rows": (frame, vote), "new rows": (frame[:90], vote[:90])}
    figure = plot_lines(("none", model), {"L2": other}, rows, points=5)
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == list(rows)
    with pytest.raises(UsageError, match="0 others"):
        plot_lines(("none", model), {}, rows)


@pytest.mark.parametrize(
    ("options", "message"), [({"points": 4}, "odd"), ({"span": 0}, "above 0"), ({"member": 7}, "from 0 to 0")]
)
def test_bad_settings_are_refused_in_a_line(model, survey, options, message):
    with pytest.raises(UsageError, match=message):
        landscape(model, *survey, **options)


def test_pictures_are_drawn_on_one_scale(model, survey, tmp_path):
    own = landscape(model, *survey, points=5)
    assert own.save(tmp_path / "one.png").stat().st_size > 10_000
    figure = plot_landscapes({"a": own, "b": own})
    assert len(figure.axes) == 5  # two contours, two surfaces, one scale
    with pytest.raises(UsageError, match="png"):
        own.save(tmp_path / "one.txt")


def test_the_command_draws_and_tells(survey, tmp_path):
    frame, vote = survey
    frame.assign(vote=vote)[:80].to_csv(tmp_path / "survey.csv", index=False)
    target = tmp_path / "surface.png"
    arguments = [str(tmp_path / "survey.csv"), "--target", "vote", "--epochs", "3", "--points", "5", "--hidden", "8"]
    done = CliRunner().invoke(dashpot, ["landscape", *arguments, "--with", "L2(0.01)", "-o", str(target)])
    assert done.exit_code == 0, done.output
    assert "L2(strength=0.01)" in done.output
    assert target.exists()
    refused = CliRunner().invoke(dashpot, ["landscape", *arguments, "-o", str(tmp_path / "surface.doc")])
    assert isinstance(refused.exception, UsageError)


def test_the_command_takes_weights_draws_lines_and_keeps_rare_classes_for_training(survey, tmp_path):
    frame, vote = survey
    rare = vote.astype(object).where(np.arange(len(vote)) != 7, "other")[:80]
    frame.assign(vote=rare, w=1.0)[:80].to_csv(tmp_path / "survey.csv", index=False)
    arguments = ["landscape", str(tmp_path / "survey.csv"), "--target", "vote", "--weights", "w", "--epochs", "2"]
    target, line = tmp_path / "surface.png", tmp_path / "line.svg"
    small = ["--points", "3", "--hidden", "4", "-o", str(target), "--line", str(line)]
    for seed in range(4):
        done = CliRunner().invoke(dashpot, [*arguments, *small, "--seed", str(seed)])
        assert done.exit_code == 0, done.output
    assert line.read_text().startswith("<?xml")
    even = CliRunner().invoke(dashpot, [*arguments, "--points", "4"])
    assert isinstance(even.exception, UsageError)
    same = CliRunner().invoke(dashpot, [*arguments, "-o", str(target), "--line", str(target)])
    assert isinstance(same.exception, UsageError)


def test_the_command_names_the_row_without_a_target(survey, tmp_path):
    frame, vote = survey
    frame.assign(vote=vote.astype(object).where(np.arange(len(vote)) != 4))[:40].to_csv(
        tmp_path / "survey.csv", index=False
    )
    done = CliRunner().invoke(dashpot, ["landscape", str(tmp_path / "survey.csv"), "--target", "vote"])
    assert isinstance(done.exception, DataError)
    assert "row 5 is missing" in str(done.exception)
