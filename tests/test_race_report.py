"""The page of a race: what it says, that it loads nothing, and that it is there for every kind of race."""

from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from sklearn.datasets import load_diabetes, load_wine

import dashpot
from dashpot import race
from dashpot.cli import dashpot as command
from dashpot.errors import UsageError
from dashpot.regularizers import Dropout, Noise
from dashpot.report.raced import brief, summarize_race


def short(X, y, **options):
    """A race that ends in seconds."""
    return race(X, y, **({"budget": None, "candidates": 17, "folds": 3, "max_epochs": 6} | options)).race_


@pytest.fixture(scope="module")
def found():
    """A race on the bundled survey."""
    return short(*dashpot.load_anes96())


@pytest.fixture(scope="module")
def text(found, tmp_path_factory):
    """Its page."""
    return found.report(tmp_path_factory.mktemp("page") / "race.html").read_text()


def test_the_page_tells_who_began_and_what_is_the_model(found, text):
    assert "17 recipes began" in text
    for dot in summarize_race(found)["course"]["dots"]:
        assert dot["text"].replace("'", "&#39;") in text
    recipes = {one["number"]: one["recipe"] for one in summarize_race(found)["listed"]}
    assert [number for number, recipe in sorted(recipes.items()) if recipe.startswith("default recipe")] == [0, 1, 2]
    shares = [float(one["share"].rstrip(" %")) for one in summarize_race(found)["members"]]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(100, abs=len(shares))


def test_the_page_loads_nothing_and_runs_nothing(text):
    assert "<script" not in text
    assert "http" not in text.replace("http://www.w3.org", "")


def test_the_page_says_that_its_figures_flatter(found, text):
    assert "expect a worse figure and a smaller difference on new rows" in text
    assert "no part of the race saw" in text
    assert f"{found.gain[0]:+.4f}".replace("-", "−") in text
    clear = replace(found, left_out=found.default_losses - 0.1)
    assert "better, beyond the noise" in summarize_race(clear)["lead"]
    assert "not to be told apart" in summarize_race(replace(found, left_out=found.default_losses))["lead"]
    assert "worse, beyond the noise" in summarize_race(replace(found, left_out=found.default_losses + 0.1))["lead"]


def test_dots_stand_lower_where_the_loss_is_smaller_on_the_same_rows(found):
    losses = found.losses.copy()
    losses[1] = found.default_losses - 0.2
    losses[2] = np.where(np.arange(losses.shape[1]) < 100, found.default_losses + 0.1, np.nan)
    losses[3] = np.inf
    course = summarize_race(replace(found, losses=losses, weights=np.eye(17)[1]))["course"]
    dots = {dot["text"].split(":")[0]: dot for dot in course["dots"]}
    assert dots["recipe 1"]["down"] > course["zero"] > dots["recipe 2"]["down"]
    assert dots["recipe 3"]["down"] == 0
    assert "diverged" in dots["recipe 3"]["text"]
    assert [dots[f"recipe {number}"]["kind"] for number in (0, 1, 2)] == ["whole", "member", "left"]


def test_few_recipes_are_numbered_in_whole_numbers(found):
    few = replace(found, candidates=found.candidates[:3], losses=found.losses[:3], weights=found.weights[:3], best=0)
    assert {one["label"] for one in summarize_race(few)["course"]["numbers"]} == {"0", "1", "2"}


def test_where_the_default_recipe_diverged_the_page_says_so_and_beats_nothing(found):
    gone = np.full_like(found.default_losses, np.inf)
    losses = np.concatenate([np.full_like(found.losses[:3], np.inf), found.losses[3:]])
    told = replace(found, losses=losses, default_losses=gone, default_share=0.0)
    page = summarize_race(told)
    assert "the default recipe diverged" in page["lead"]
    assert "diverged." in repr(told)
    assert all(dot["down"] == 0 for dot in page["course"]["dots"] if dot["text"].endswith("diverged"))


def test_effects_point_to_the_right_where_a_choice_was_better(found):
    effects = {one["regularizer"]: one for one in summarize_race(found)["effects"]}
    for choice, row in found.effects.iterrows():
        assert effects[choice]["difference"] == -row["difference"]
        assert effects[choice]["low"] == -row["to"]


@pytest.mark.parametrize(
    ("data", "options"),
    [
        (load_diabetes, {}),
        (load_diabetes, {"metric": "mae", "candidates": 1}),
        (load_wine, {"metric": "balanced_accuracy"}),
        (load_wine, {"metric": "auc", "candidates": 2}),
    ],
)
def test_every_kind_of_race_has_a_page(data, options, tmp_path):
    found = short(*data(return_X_y=True), **options)
    text = found.report(tmp_path / "race.html").read_text()
    assert found.judge.score.label in text
    assert f"{found.score:.4f}" in text


def test_a_regularizer_is_written_with_what_is_not_at_its_default():
    assert brief(Dropout()) == "Dropout()"
    assert brief(Noise("weights", level=0.5)) == "Noise(target='weights', level=0.5)"


def test_a_page_that_cannot_be_written_is_one_line(found, tmp_path):
    with pytest.raises(UsageError, match=r"Race.report.*Choose a file"):
        found.report(tmp_path / "nowhere" / "race.html")


def test_the_command_writes_the_page(tmp_path):
    frame, vote = dashpot.load_anes96()
    data, page = tmp_path / "survey.csv", tmp_path / "race.html"
    frame.assign(vote=vote).head(150).to_csv(data, index=False)
    arguments = ["race", str(data), "-t", "vote", "-o", str(tmp_path / "m.dashpot"), "--candidates", "1"]
    done = CliRunner().invoke(command, [*arguments, "--report", str(page)], catch_exceptions=False)
    assert done.exit_code == 0
    assert "3 recipes began" in page.read_text()
    again = CliRunner().invoke(command, [*arguments, "--report", str(data)])
    assert again.exit_code != 0
    assert data.read_text().startswith("popul")
