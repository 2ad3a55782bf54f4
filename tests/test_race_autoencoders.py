"""Races without a target: autoencoders, by the error of drawing rows again that were left out."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from sklearn.datasets import load_digits

import dashpot
from dashpot import Autoencoder, DataError, Dropout, UsageError, VariationalCode, race
from dashpot.cli import dashpot as command
from dashpot.races import course
from dashpot.races.space import FAMILY


def short(table, **options):
    """A race that ends in seconds."""
    given = {"budget": None, "candidates": 9, "folds": 2, "max_epochs": 6, "workers": 1} | options
    return race(table, **given)


@pytest.fixture(scope="module")
def digits():
    return load_digits().data[:240]


@pytest.fixture(scope="module")
def winner(digits):
    return short(digits, code_size=4)


def test_the_winner_is_an_autoencoder_of_the_code_size_trained_on_all_rows(winner, digits):
    assert isinstance(winner, Autoencoder)
    assert winner.transform(digits).shape == (240, 4)
    best = winner.race_.candidates[winner.race_.best]
    assert winner.hidden_layers == best.design.hidden_layers
    assert winner.recipe_ == best.recipe
    assert winner.optimizer == best.design.optimizer


def test_losses_are_those_of_rows_that_a_network_has_not_learned_from(digits, monkeypatch):
    learned = []
    real = course.train

    def noted(examples, jobs, **options):
        learned.extend((set(job.rows.tolist()), set(job.validation.tolist())) for job in jobs)
        return real(examples, jobs, **options)

    monkeypatch.setattr(course, "train", noted)
    found = short(digits, candidates=5).race_
    assert all(not rows & left_out and len(rows) + len(left_out) == 240 for rows, left_out in learned)
    assert np.isfinite(found.losses[0]).all()
    assert found.losses.shape == (5, 240)


def test_every_network_begins_as_the_principal_components_of_its_own_training_rows(digits, monkeypatch):
    starts = []
    real = course.train
    monkeypatch.setattr(course, "train", lambda examples, jobs, **_: starts.extend(jobs) or real(examples, jobs))
    short(digits, candidates=5, code_size=3)
    assert all(
        len(job.start) == 1 and job.design.hidden_layers[len(job.start[0].layers) // 2 - 1] == 3 for job in starts
    )
    first, other = starts[0].start[0], starts[1].start[0]
    assert not np.array_equal(first.centre, other.centre) or not np.array_equal(
        first.layers[-1][0], other.layers[-1][0]
    )


def test_principal_components_stand_beside(winner):
    found = winner.race_
    assert (found.components >= 0).all()
    assert np.average(found.components) > found.score
    assert "As many principal components have" in repr(found)
    assert "less error" in repr(found)


def test_an_autoencoder_that_is_no_better_is_said_not_to_be_worth_it():
    noise = np.random.default_rng(0).normal(size=(160, 6))
    found = short(noise, candidates=1, max_epochs=3).race_
    assert "the autoencoder is not worth it" in repr(found)


def test_the_same_seed_gives_the_same_race(digits):
    first, second = (short(digits[:120], candidates=5, random_state=3) for _ in range(2))
    np.testing.assert_array_equal(first.race_.losses, second.race_.losses)
    assert np.array_equal(first.transform(digits), second.transform(digits))


def test_missing_cells_categories_and_rows_without_any_cell_are_fine():
    frame, _ = dashpot.load_anes96()
    frame = frame.iloc[:120].assign(old=lambda f: np.where(f.age > 50, "old", "young"))
    frame.loc[frame.index[::7], "income"] = np.nan
    frame.loc[frame.index[3], :] = None
    model = short(frame, candidates=5, code_size=0.6)
    assert np.isfinite(model.race_.losses[0]).all()
    assert model.race_.losses[0][3] == 0
    assert model.code_size_ == model.code_size >= 2


def test_a_race_goes_on_where_it_was(digits, tmp_path, monkeypatch):
    whole = short(digits[:120], candidates=5)
    short(digits[:120], candidates=1, checkpoint=tmp_path)
    trained = []
    real = course.train
    monkeypatch.setattr(course, "train", lambda e, jobs, **_: trained.extend(jobs) or real(e, jobs))
    again = short(digits[:120], candidates=5, checkpoint=tmp_path)
    np.testing.assert_array_equal(again.race_.losses, whole.race_.losses)
    assert len(trained) <= 2 * FAMILY
    with pytest.raises(UsageError, match="other data, settings or seed"):
        short(digits[:120], candidates=5, code_size=5, checkpoint=tmp_path)


def test_families_differ_in_widths_noise_and_sparsity(digits):
    found = short(digits[:40], candidates=41, max_epochs=1).race_
    recipes = " ".join(repr(one.recipe) for one in found.candidates)
    for word in ("kind='gaussian'", "kind='masking'", "Activity(", "Dropout(", "TiedWeights("):
        assert word in recipes
    assert len({one.design.hidden_layers for one in found.candidates}) >= 4


def test_the_page_says_what_became_of_it(winner, tmp_path):
    text = winner.race_.report(tmp_path / "race.html").read_text()
    assert "principal components have" in text
    assert "trained again on all rows" in text
    assert "If there is to be only one" not in text


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"metric": "r2"}, "needs a target"),
        ({"task": "regression"}, "needs a target"),
        ({"trees": True}, "needs a target"),
        ({"code_size": 0}, "whole number of at least 1"),
        ({"fixed": [VariationalCode()]}, "judged without its noise"),
        ({"y": np.zeros(240), "code_size": 3}, "is for autoencoders"),
    ],
)
def test_what_does_not_go_together_is_refused(digits, options, words):
    with pytest.raises(UsageError, match=words):
        short(digits, **options)


def test_tables_that_cannot_race_are_refused_in_a_line(digits):
    with pytest.raises(DataError, match="folds need at least"):
        short(digits[:6])
    with pytest.raises(DataError, match="constant"):
        short(np.ones((40, 3)))
    with pytest.warns(UserWarning, match="need not leave anything out"):
        short(digits[:40, 2:4], code_size=2, candidates=1)


def test_the_command_makes_a_model_that_gives_codes(tmp_path):
    frame, _ = dashpot.load_anes96()
    frame.iloc[:100].to_csv(tmp_path / "survey.csv", index=False)
    call = ["race", tmp_path / "survey.csv", "-o", tmp_path / "codes.dashpot", "--candidates", "1", "--seed", "1"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        done = CliRunner().invoke(command, [*map(str, call), "--reconstruct", "--code-size", "3", "--budget", "1"])
    assert done.exit_code == 0, done.output
    assert "principal components" in done.output
    assert dashpot.load(tmp_path / "codes.dashpot").transform(frame).shape == (944, 3)
    for wrong in ([], ["--reconstruct", "--target", "age"]):
        refused = CliRunner().invoke(command, [*map(str, call), *wrong])
        assert isinstance(refused.exception, UsageError)
        assert "Give one of them" in str(refused.exception)


def test_what_is_fixed_is_in_every_recipe(digits):
    found = short(digits[:60], candidates=5, max_epochs=1, fixed=[Dropout(0.2)]).race_
    assert all(Dropout(0.2) in one.recipe.parts for one in found.candidates)


def test_groups_go_into_what_is_told_beside_components(digits):
    found = short(digits, candidates=1, max_epochs=2, groups=np.arange(len(digits)) // 20).race_
    assert found.beside_components() != replace(found, groups=None).beside_components()
