"""Maps: what is near stays near, measured on rows held out, beside the maps that people draw."""

import re

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.datasets import load_digits, load_iris
from sklearn.decomposition import PCA

from dashpot import Autoencoder, DataError, Ensemble, KeepNeighbors, UsageError, embed, load, load_anes96, look
from dashpot.cli import dashpot, main
from dashpot.maps import embedding
from dashpot.maps.embedding import elbow, map_model
from dashpot.maps.loadings import between, loadings, walk
from dashpot.maps.measures import faithfulness, told_by_neighbors
from dashpot.networks import Layer
from dashpot.report.mapped import summarize_map

QUICK = {"hidden_layers": (16,), "max_epochs": 20, "workers": 1}


@pytest.fixture(scope="module")
def survey_map():
    frame, vote = load_anes96()
    frame = frame.iloc[:200].assign(old=lambda f: np.where(f.age[:200] > 50, "old", "young"))
    frame.loc[::9, "income"] = np.nan
    return embed(frame, vote[:200], peers=["PCA", "t-SNE"], sizes=(1, 2, 4), **(QUICK | {"max_epochs": 150}))


def test_a_map_that_is_the_table_is_perfect_and_a_shuffled_one_is_not():
    rows = np.random.default_rng(0).normal(size=(200, 2))
    assert faithfulness(rows, rows * 3) == {"trustworthiness": 1.0, "continuity": 1.0, "neighbors_kept": 1.0}
    shuffled = faithfulness(rows, rows[::-1])
    assert max(shuffled.values()) < 0.65


def test_what_was_torn_apart_costs_continuity_and_what_was_folded_costs_trustworthiness():
    line = np.linspace(0, 1, 200)[:, None]
    torn = faithfulness(line, np.where(line < 0.5, line, line + 5))
    assert torn["trustworthiness"] > 0.99
    folded = faithfulness(line, np.abs(line - 0.5))
    assert folded["trustworthiness"] < 0.8 < folded["continuity"]


def test_neighbours_tell_classes_and_amounts():
    codes = np.arange(40.0)[:, None]
    assert told_by_neighbors(codes, (codes[:, 0] > 20).astype(str), codes + 0.1, (codes[:, 0] > 20).astype(str)) == 1
    assert told_by_neighbors(codes, codes[:, 0], codes + 0.1, codes[:, 0]) > 0.98


def test_the_elbow_is_where_the_error_stops_falling():
    errors = pd.DataFrame({"code_size": [1, 2, 4, 8, 16], "autoencoder": [1.0, 0.5, 0.1, 0.09, 0.08]})
    assert elbow(errors) == 4


def test_keeping_neighbours_makes_a_map_whose_neighbours_can_be_trusted():
    data = load_digits()
    X, new = data.data[:900], data.data[900:1300]
    maps = {}
    for name, recipe in (("plain", ()), ("kept", KeepNeighbors())):
        model = Autoencoder(2, (64, 32), regularizers=recipe, batch_size=256, max_epochs=150, random_state=0)
        maps[name] = faithfulness(new, model.fit(X).transform(new))
    assert maps["kept"]["neighbors_kept"] > maps["plain"]["neighbors_kept"] + 0.02
    assert maps["kept"]["trustworthiness"] > maps["plain"]["trustworthiness"]


def test_the_gradient_of_keeping_neighbours_is_that_of_finite_differences():
    rows = torch.tensor(np.random.default_rng(0).normal(size=(2, 6, 3)))
    code = torch.tensor(np.random.default_rng(1).normal(size=(2, 6, 2)), requires_grad=True)
    layers = [Layer(torch.ones(2, 3, 2), torch.zeros(2, 1, 2)), Layer(torch.ones(2, 2, 3), torch.zeros(2, 1, 3))]
    assert torch.autograd.gradcheck(lambda c: KeepNeighbors(0.7).penalty(layers, [rows, c]), code)


def test_neighbours_are_looked_for_once_however_many_networks_train(monkeypatch):
    from dashpot.regularizers import neighbors

    searched = []
    search = neighbors._searched
    monkeypatch.setattr(neighbors, "_searched", lambda *given: searched.append(1) or search(*given))
    recipe = (KeepNeighbors(), Ensemble(12))
    Autoencoder(2, (4,), regularizers=recipe, max_epochs=3, random_state=0, workers=1).fit(load_iris().data)
    assert len(searched) == 12


def test_every_row_of_a_map_has_its_place_and_new_rows_land_at_once(survey_map):
    assert survey_map.codes.shape == (200, 2)
    assert survey_map.held_out.sum() == 50
    assert np.allclose(survey_map.model.transform(survey_map.table), survey_map.codes, atol=1e-5)
    assert survey_map.peers["PCA"].shape == survey_map.peers["t-SNE"].shape == (200, 2)
    assert survey_map.places().columns.tolist() == ["x", "y", "error", "held_out"]


def test_the_measures_stand_beside_those_of_other_maps(survey_map):
    table = survey_map.measures
    assert table.index.tolist() == ["autoencoder", "PCA", "t-SNE"]
    assert table.loc["autoencoder", "reconstruction"] < table.loc["PCA", "reconstruction"]
    assert np.isnan(table.loc["t-SNE", "reconstruction"])
    assert table[["trustworthiness", "continuity", "neighbors_kept", "label"]].notna().all(axis=None)
    assert survey_map.sizes["code_size"].tolist() == [1, 2, 4]


def test_the_same_map_comes_twice():
    X = load_iris().data
    first, second = (embed(X, peers=(), sizes=(), **QUICK) for _ in range(2))
    assert np.array_equal(first.codes, second.codes)


def test_no_map_learns_from_the_rows_that_judge_it():
    X = load_iris().data
    changed = X.copy()
    first = embed(X, peers=["PCA"], sizes=(), **QUICK)
    changed[first.held_out] = changed[first.held_out][::-1] * 5 + 3
    second = embed(changed, peers=["PCA"], sizes=(), **QUICK)
    assert np.array_equal(first.codes[~first.held_out], second.codes[~first.held_out])
    assert np.allclose(first.peers["PCA"][~first.held_out], second.peers["PCA"][~first.held_out])


def test_a_walk_between_two_codes_begins_and_ends_with_them():
    way = between(np.array([0.0, 1.0]), np.array([2.0, -1.0]), 5)
    assert way.tolist() == [[0, 1], [0.5, 0.5], [1, 0], [1.5, -0.5], [2, -1]]


def test_the_page_walks_between_two_new_rows_and_draws_rows_again(survey_map):
    page = summarize_map(survey_map)
    assert [walk["name"] for walk in page["walks"]][:2] == ["axis 1", "axis 2"]
    one, other = (int(row) - 1 for row in re.findall(r"\d+", page["walks"][2]["name"]))
    assert survey_map.held_out[[one, other]].all()
    ends = survey_map.model.inverse_transform(survey_map.codes[[one, other]])
    assert [float(page["walks"][2]["rows"][end][6]) for end in (0, -1)] == pytest.approx(list(ends["age"]), rel=1e-3)
    given, again = page["examples"]
    first = survey_map.table[survey_map.held_out].iloc[0]
    assert float(given["rows"][0][6]) == first["age"]
    assert len(again["rows"]) == len(given["rows"]) == 6


@pytest.mark.parametrize("label", [None, "vote", "age"])
def test_one_picture_shows_what_an_autoencoder_does_to_rows(label):
    frame, vote = load_anes96()
    frame = frame.iloc[:100].assign(old=lambda f: np.where(f.age > 50, "old", "young"))
    frame.loc[::9, "income"] = np.nan
    model = Autoencoder(2, (8,), max_epochs=3, regularizers=(), random_state=0).fit(frame)
    figure = look(model, frame, {None: None, "vote": vote[:100], "age": frame.age.astype(float)}[label])
    titles = [axes.get_title() for axes in figure.axes]
    assert [titles[k] for k in (0, 1, 3, 4)] == ["Rows", "Drawn again", "Codes", "Errors"]
    assert re.fullmatch(r"From row \d+ to row \d+", titles[2])


def test_pictures_and_codes_of_one_number_can_be_looked_at():
    X = load_digits().data[:60]
    model = Autoencoder(1, (8,), image_shape=(8, 8), max_epochs=2, regularizers=(), random_state=0).fit(X)
    assert look(model, X).axes[3].get_ylabel() == "row"


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda model, X: look(PCA(2).fit(X), X), UsageError, "Pass a fitted one"),
        (lambda model, X: look(model, X[:1]), DataError, "at least 2 rows"),
        (lambda model, X: look(model, X, X[:3, 0]), UsageError, "Pass one for each"),
    ],
)
def test_what_cannot_be_looked_at_is_named(call, error, words):
    X = load_iris().data
    with pytest.raises(error, match=words):
        call(Autoencoder(2, (4,), max_epochs=1, regularizers=(), random_state=0).fit(X), X)


def test_a_cell_that_cannot_be_used_is_named_by_its_row_in_the_whole_table():
    X = np.random.default_rng(0).normal(size=(40, 3))
    X[2, 1] = np.inf
    with pytest.raises(DataError, match="row 3 of 40"):
        embed(X, **QUICK)


def test_loadings_name_the_columns_that_move(survey_map):
    table = loadings(survey_map.model)
    assert set(table["axis"]) == {0, 1}
    assert set(table["column"]) == {*survey_map.table.columns}
    assert table["text"].str.contains("old = ").any()
    strongest = table.groupby("axis")["moves"].first().abs()
    assert (table.groupby("axis")["moves"].apply(lambda m: m.abs().max()) == strongest).all()
    assert len(walk(survey_map.model, 1)) == 9


def test_the_page_is_whole_small_and_escapes_what_comes_from_the_table(tmp_path):
    frame, vote = load_anes96()
    frame = frame.iloc[:60].rename(columns={"age": "<script>alert(1)</script>"})
    found = embed(frame, vote[:60].astype(str) + "</script><b>", peers=["PCA"], sizes=(1, 2), **QUICK)
    text = found.report(tmp_path / "map.html").read_text()
    assert len(text) < 1_000_000
    assert "<script>alert" not in text
    assert "</script><b>" not in text
    assert not re.search(r'(src|href)="(?!data:)', text)
    assert text.count("<circle") == 120


def test_pictures_are_shown_as_pictures():
    found = embed(load_digits().data[:120], peers=(), sizes=(), image_shape=(8, 8), **QUICK)
    page = summarize_map(found)
    assert [len(walk["pictures"]) for walk in page["walks"]] == [9, 9, 9]  # along both axes, and between two rows
    assert [len(part["pictures"]) for part in page["examples"]] == [10, 10]


def test_a_label_of_many_whole_numbers_is_an_amount():
    X = np.random.default_rng(0).normal(size=(120, 2))[:, [0, 0, 1]]
    age = np.argsort(np.argsort(X[:, 0]))
    found = embed(X, age, peers=["PCA"], sizes=(), **QUICK)
    assert found.label.dtype == np.float64
    assert found.measures.label["PCA"] > 0.5
    assert embed(X, age % 20, peers=(), sizes=(), **QUICK).label.dtype.kind == "U"


@pytest.mark.parametrize("library", ["pyarrow", "polars"])
def test_a_table_of_any_library_has_a_map(library):
    frame = load_iris(as_frame=True).data
    arrow = pytest.importorskip("pyarrow").Table.from_pandas(frame)
    table = arrow if library == "pyarrow" else pytest.importorskip("polars").from_arrow(arrow)
    same = embed(frame, peers=(), sizes=(), **QUICK)
    np.testing.assert_array_equal(embed(table, peers=(), sizes=(), **QUICK).codes, same.codes)


def test_a_map_that_is_not_worth_it_is_called_so(survey_map):
    table = survey_map.measures.copy()
    table.loc["autoencoder", "reconstruction"] = table.loc["PCA", "reconstruction"]
    table.loc["autoencoder", "trustworthiness"] = table.loc["PCA", "trustworthiness"] - 0.1
    poor = type(survey_map)(**(vars(survey_map) | {"measures": table}))
    assert "not worth it" in poor.worth()
    assert "PCA and t-SNE can be trusted more" in poor.worth()


def test_training_for_a_map_is_about_as_long_for_any_number_of_rows():
    assert map_model(100).max_epochs == 600
    assert map_model(60_000).max_epochs == 20
    assert map_model(100, preset="best").max_epochs == 3_000
    assert (map_model(10_000).max_epochs, map_model(10_000, preset="best").max_epochs) == (76, 384)
    assert map_model(10_000, max_epochs=7, preset="best").max_epochs == 7


@pytest.mark.parametrize(
    ("table", "settings", "error", "words"),
    [
        (np.zeros((5, 2)), {}, DataError, "at least 12 rows"),
        (np.random.default_rng(0).normal(size=(20, 2)), {"peers": ["UMP"]}, UsageError, "Did you mean 'UMAP'"),
        (np.random.default_rng(0).normal(size=(20, 2)), {"label": [1, 2]}, UsageError, "Pass one for each"),
        (np.random.default_rng(0).normal(size=(20, 2)), {"preset": "bets"}, UsageError, "Did you mean 'best'"),
    ],
)
def test_what_cannot_be_drawn_is_named(table, settings, error, words):
    with pytest.raises(error, match=words):
        embed(table, **settings)


@pytest.fixture
def run(capsys):
    """A command's exit code, and what it says on both channels."""

    def run(*arguments):
        with pytest.raises(SystemExit) as stop:
            main(list(map(str, arguments)))
        return stop.value.code, *capsys.readouterr()

    return run


def test_the_preset_of_the_command_reaches_the_map(tmp_path, monkeypatch):
    def asked(rows, hidden_layers, max_epochs, preset, **settings):
        raise RuntimeError(preset)

    monkeypatch.setattr(embedding, "map_model", asked)
    pd.DataFrame({"a": range(20), "b": range(20)}).to_csv(tmp_path / "rows.csv", index=False)
    with pytest.raises(RuntimeError, match="best"):
        dashpot.main(["embed", str(tmp_path / "rows.csv"), "--preset", "best"], standalone_mode=False)


def test_the_command_writes_page_places_and_model(tmp_path, run):
    frame, vote = load_anes96()
    frame.iloc[:80].assign(vote=vote[:80]).to_csv(tmp_path / "survey.csv", index=False)
    call = ["embed", tmp_path / "survey.csv", "--hidden", "8", "--epochs", "5", "--peer", "PCA"]
    call += ["-o", tmp_path / "map.html", "--codes", tmp_path / "places.csv", "--model", tmp_path / "map.dashpot"]
    code, said, _ = run(*call, "--label", "vote")
    assert code == 0
    assert "trustworthiness" in said
    places = pd.read_csv(tmp_path / "places.csv")
    codes = load(tmp_path / "map.dashpot").transform(frame.iloc[:80])
    assert np.allclose(places[["x", "y"]], codes, atol=1e-4)
    code, *_ = run(
        "predict", tmp_path / "map.dashpot", tmp_path / "survey.csv", "-o", tmp_path / "new.csv", "--keep", "vote"
    )
    assert code == 0
    placed = pd.read_csv(tmp_path / "new.csv")
    assert placed.columns.tolist() == ["vote", "code_1", "code_2", "error"]
    assert np.allclose(placed[["code_1", "code_2", "error"]], places[["x", "y", "error"]], atol=1e-4)
    code, _, complaint = run(*call, "--label", "voted")
    assert code == 2
    assert "Did you mean 'vote'" in complaint
    assert complaint.count("\n") == 1
