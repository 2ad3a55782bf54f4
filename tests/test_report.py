"""The page says what was found, first things first, to any reader, and lets nothing out or in."""

import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_study import effects, make_study, results_of, settings_of
from rich.console import Console

from dashpot.errors import UsageError
from dashpot.report import render, summarize
from dashpot.report.figures import effect_figure, ticks
from dashpot.studies.effects import BASELINE, BEST_NETWORK, PRIOR, short_names
from dashpot.studies.words import aligned, number, question

nasty = "<script>alert(1)</script>\"'&\u202e{{ 7 * 7 }}😀"
void = {"meta", "br", "link", "img", "input", "hr"}


class Outline(HTMLParser):
    """Checks that every tag is closed in order, and collects tags, attributes and text."""

    def __init__(self, page):
        super().__init__()
        self.open, self.tags, self.attributes, self.text = [], [], [], []
        self.feed(page)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in void:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture(scope="module")
def study():
    return make_study(notes=("3 rows were left out.",))


@pytest.fixture(scope="module")
def page(study):
    return render(summarize(study))


def test_a_summary_is_plain_json(study):
    summary = summarize(study)
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary


def test_the_page_is_well_formed_small_and_without_script(page):
    outline = Outline(page)
    assert "script" not in outline.tags
    assert not [name for name, _ in outline.attributes if name.startswith("on")]
    assert len(page.encode()) < 200_000


def test_the_page_loads_nothing_from_anywhere(page):
    outline = Outline(page)
    assert not {"link", "img", "iframe", "object", "embed", "source", "use"} & set(outline.tags)
    assert not {"src", "href", "srcset", "action"} & {name for name, _ in outline.attributes}
    assert not re.search(r"url\(|@import|https?:", page)


def test_the_headline_is_the_first_heading_and_names_the_best(study, page):
    heading = re.search(r"<h1>(.*?)</h1>", page).group(1)
    assert heading == study.headline
    assert heading.startswith("Two of six regularizers help here, Dropout most: log-loss falls by")


def test_what_hurts_is_said_too(page):
    assert "SMOTE hurts." in page


@pytest.mark.parametrize("rank", [0, 1])
def test_a_yardstick_that_wins_is_named_first(rank):
    gains = [
        {"Boosted trees": 0.2, "Logistic regression": 0.0},
        {"Boosted trees": 0.0, "Logistic regression": 0.2},
    ]
    study = make_study(yardsticks={PRIOR: -0.25} | gains[rank])
    name = ("A boosted tree model", "Logistic regression")[rank]
    assert study.headline.startswith(f"{name} does better than every network tried here")
    assert "Two of six regularizers help" in summarize(study)["findings"][0]


def test_a_yardstick_level_with_the_networks_is_named_first_but_not_as_better():
    study = make_study(gains={"Dropout": 0.0}, yardsticks={PRIOR: -0.25, "Boosted trees": 0.012}, noise=0.03)
    assert "as well as the best network" in study.headline
    assert "better" not in study.headline


def test_networks_that_do_not_beat_the_prior_are_told_so():
    study = make_study(yardsticks={PRIOR: 0.3, "Boosted trees": 0.0})
    assert study.headline.startswith("No network does better here than always predicting the prior")


def test_nothing_helps_is_an_answer():
    study = make_study(gains={"Dropout": 0.0, "L2": 0.0}, yardsticks={PRIOR: -0.25}, noise=0.02)
    assert study.headline.startswith("None of the two regularizers shows a gain")
    assert set(study.effects["verdict"]) <= {"no difference", "no evidence", "too few data"}


def test_too_few_splits_allow_no_verdict():
    study = make_study(splits=3)
    assert set(study.effects["verdict"]) == {"too few data"}
    assert "too few data" in render(summarize(study))


def test_everything_that_users_write_is_escaped():
    study = make_study(gains={nasty: 0.05, "L2": 0.0}, target=nasty, notes=(nasty,))
    page = render(summarize(study))
    outline = Outline(page)
    assert "script" not in outline.tags
    assert nasty in "".join(outline.text)
    assert nasty not in study._repr_html_()


def test_effects_are_sorted_and_positive_is_better(study):
    assert list(study.effects["difference"]) == sorted(study.effects["difference"], reverse=True)
    found = study.effects.set_index("regularizer")["difference"]
    assert found["Dropout"] == pytest.approx(effects["Dropout"], abs=0.01)
    assert found["SMOTE"] == pytest.approx(effects["SMOTE"], abs=0.01)


def test_every_effect_has_its_mark_word_and_interval_in_the_picture(study, page):
    for row in study.effects.itertuples():
        assert re.search(rf'aria-label="{row.regularizer}: [^"]*interval [^"]*, {row.verdict}"', page)


def test_an_effect_without_a_known_spread_is_drawn_without_an_interval():
    study = make_study(noise=0.0, gains={"Dropout": 0.05})
    assert study.effects["verdict"].tolist() == ["too few data"]
    assert "unknown" in render(summarize(study))


def test_one_wild_interval_does_not_squeeze_the_others():
    study = make_study(gains=effects | {"Wild": -30.0})
    rows = {row["effect"]["regularizer"]: row for row in effect_figure(summarize(study))["rows"]}
    assert rows["Wild"]["cut_left"]
    assert rows["Dropout"]["right"] - rows["Dropout"]["left"] > 1


def test_the_best_network_is_the_choice_of_the_validation_rows():
    results = results_of(gains={"Lucky": 0.1, "Plain": 0.0})
    lucky = (results["method"] == "Lucky") & (results["part"] == "validation") & (results["metric"] == "log_loss")
    results.loc[lucky, "value"] += 1.0  # validates badly, so that its test scores must not count
    study = type(make_study()).from_results(results, make_study().curves, settings_of())
    scores = study.yardsticks.set_index("method")["log_loss"]
    assert scores[BEST_NETWORK] > scores[BASELINE] - 0.05


def test_a_regression_study_speaks_of_variance_and_errors():
    study = make_study(metric="r2", task="regression")
    page = render(summarize(study))
    assert "R² rises by" in study.headline
    assert "Typical error, %" in page


def test_strengths_are_named_by_what_tells_them_apart():
    names = short_names(["Noise(target='inputs', level=0.1)", "Noise(target='inputs', level=0.5)"])
    assert list(names.values()) == ["level 0.1", "level 0.5"]
    assert list(short_names(["L2(strength=0.1)"]).values()) == ["L2(strength=0.1)"]


def test_the_study_prints_shows_and_writes_itself(study, tmp_path):
    assert str(study).startswith(study.headline)
    assert "3 rows were left out." in str(study)
    assert study.headline.split(",")[0] in study._repr_html_()
    assert study.table().row_count == 6
    written = study.report(tmp_path / "page.html")
    assert written.read_text(encoding="utf-8").startswith("<!doctype html>")
    table = study.write_results(tmp_path / "results.csv").read_text().splitlines()
    assert table[0] == "split,method,kind,setting,chosen,part,metric,value,epochs,seconds"
    assert len(table) == len(study.results) + 1


def test_the_table_of_a_study_fits_a_terminal_of_80_columns(study):
    console = Console(width=80, file=io.StringIO())
    console.print(study.table(strengths=False))
    lines = console.file.getvalue().splitlines()
    for effect in study.effects.itertuples():
        assert any(
            line.startswith(f"  {effect.regularizer} ") and line.rstrip().endswith(effect.verdict) for line in lines
        )


def test_effects_have_as_many_decimals_as_tell_what_matters(study):
    smallest = study.settings["margin"] / 5
    assert 0.1 * smallest < 10.0 ** (1 - study.decimals) <= smallest
    shown = study._shown()
    assert {len(text.split(".")[1]) for text in shown["Gain"]} == {study.decimals}
    assert [aligned(value, 2) for value in (-0.004, 0.125, -1234.5, np.nan)] == ["0.00", "0.12", "−1,234.50", "–"]


def test_a_table_names_what_an_effect_is_measured_against(study):
    assert question("Dropout", BASELINE) == "Dropout"
    assert question("All but L2", "Combined recipe") == "All but L2 (against Combined recipe)"
    asked = replace(study, effects=study.effects.assign(against="Combined recipe"))
    assert "Dropout (against Combined recipe)" in set(asked._shown()["Regularizer"])
    assert "Dropout (against Combined recipe)" in {effect["name"] for effect in summarize(asked)["effects"]}


def test_a_notebook_shows_each_effect_with_its_interval(study):
    cell = study._repr_html_()
    assert cell.count("<circle") == len(study.effects)
    assert all(summarized["interval"] in cell for summarized in summarize(study)["effects"])
    assert "<script" not in cell


def test_a_report_that_cannot_be_written_leaves_nothing_behind(study, tmp_path):
    with pytest.raises(UsageError, match=r"Study.report\(.*No such file or directory"):
        study.report(tmp_path / "nowhere" / "page.html")
    folder = tmp_path / "page.html"
    folder.mkdir()
    with pytest.raises(UsageError):
        study.report(folder)
    assert list(tmp_path.iterdir()) == [folder]


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_ticks_are_few_round_and_inside(low, width):
    marks = ticks(low, low + width)
    assert 1 <= len(marks) <= 7
    assert all(low - 1e-6 * (abs(low) + width) <= mark <= low + width * (1 + 1e-6) + 1e-6 * abs(low) for mark in marks)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1234, "0.123"),
        (-0.5, "−0.500"),
        (12.345, "12.35"),
        (1234.5, "1,234"),
        (np.nan, "–"),
        (0.0001, "0.0001"),
    ],
)
def test_numbers_read_well(value, text):
    assert number(value) == text
