"""Trees and a linear model on the folds of a race, and in its ensemble."""

import numpy as np
import pytest
from click.testing import CliRunner
from sklearn.datasets import load_diabetes, load_wine

import dashpot
from dashpot import race
from dashpot.cli import dashpot as command
from dashpot.races import racing
from dashpot.races.trees import out_of_fold


def short(X, y, **options):
    """A race that ends in seconds."""
    return race(X, y, **({"budget": None, "candidates": 5, "folds": 2, "max_epochs": 10, "trees": True} | options))


def steps(rows=300):
    """A rule that trees find at once, and networks of few epochs do not."""
    X = np.random.default_rng(0).uniform(size=(rows, 3))
    return X, ((X[:, 0] * 8).astype(int) % 2 ^ (X[:, 1] > 0.5)).astype(int)


@pytest.fixture(scope="module")
def beside():
    """A race in which trees win."""
    return short(*steps()).race_


def test_where_trees_win_they_take_the_ensemble(beside):
    assert beside.trees.share > 0.5
    assert beside.trees.scores["Random forest"] < beside.trees.score_without
    mean, low, high = beside.trees.gain(beside.left_out, beside.row_weights)
    assert 0 < low < mean < high
    assert beside.score == pytest.approx(beside.trees.score_without - mean)
    two = np.arange(len(beside.left_out)) % 2  # groups
    assert beside.trees.gain(beside.left_out, beside.row_weights, two)[1] != low
    assert f"take {100 * beside.trees.share:.0f} % of the ensemble" in repr(beside)


def test_shares_with_those_of_the_networks_are_whole(beside):
    assert beside.trees.share + beside.weights.sum() + beside.default_share == pytest.approx(1)
    assert set(beside.trees.shares) == {"Logistic regression", "Boosted trees", "Random forest"}


def test_what_has_no_share_is_not_in_the_model_and_networks_alone_stay_what_they_were():
    frame, vote = dashpot.load_anes96()
    plain, beside = (short(frame[:300], vote[:300], trees=trees) for trees in (False, True))
    assert plain.race_.trees is None
    assert "Trees" not in repr(plain.race_)
    assert list(beside.members_) == ["networks", *(", ".join(key) for key in beside.race_.trees.weights)]
    shares = [beside.race_.weights.sum() + beside.race_.default_share, *beside.race_.trees.weights.values()]
    np.testing.assert_allclose(beside.combined_.weights, shares)
    assert beside.race_.trees.score_without == pytest.approx(plain.race_.score)


def test_trees_of_a_race_learn_all_rows_and_are_saved_as_numbers(tmp_path):
    X, y = steps()
    model = short(X, y)
    assert model.score(X, y) > 0.95
    same = dashpot.load(model.save(tmp_path / "m.dashpot"))
    np.testing.assert_array_equal(same.predict_proba(X), model.predict_proba(X))


def test_amounts_of_a_race_with_trees_have_the_axes_of_the_target(tmp_path):
    X, y = load_diabetes(return_X_y=True)
    model = short(X, y)
    same = dashpot.load(model.save(tmp_path / "m.dashpot"))
    np.testing.assert_array_equal(same.predict(X), model.predict(X))
    assert model.predict(X).shape == y.shape


@pytest.mark.parametrize(
    ("data", "options"),
    [(load_diabetes, {}), (load_wine, {"metric": "balanced_accuracy"}), (load_wine, {"metric": "auc"})],
)
def test_trees_run_in_every_kind_of_race(data, options, tmp_path):
    found = short(*data(return_X_y=True), **options).race_
    assert len(found.trees.scores) == 3
    assert all(np.isfinite(list(found.trees.scores.values())))
    assert "Trees beside" in found.report(tmp_path / "race.html").read_text()


def test_boosted_trees_know_no_two_outputs_and_are_left_out():
    X, y = load_diabetes(return_X_y=True)
    found = short(X, np.column_stack([y, -y])).race_
    assert set(found.trees.scores) == {"Ridge regression", "Random forest"}


def test_no_row_is_predicted_by_a_tree_that_trained_on_it(monkeypatch):
    kept = []
    monkeypatch.setattr(racing, "out_of_fold", lambda course: kept.append(course) or out_of_fold(course))
    X, y = steps(80)
    short(X, np.random.default_rng(1).permutation(y))  # nothing to learn: who saw the row would know it by heart
    names, _, predictions = out_of_fold(kept[0])
    right = predictions[names.index("Random forest")].argmax(1) == kept[0].examples.targets
    assert 0.2 < right.mean() < 0.8


def test_the_command_tells_the_share(tmp_path):
    X, y = steps(120)
    data = tmp_path / "steps.csv"
    np.savetxt(data, np.column_stack([X, y]), delimiter=",", header="a,b,c,y", comments="")
    arguments = ["race", str(data), "-t", "y", "-o", str(tmp_path / "m.dashpot"), "--candidates", "1"]
    done = CliRunner().invoke(command, [*arguments, "--with-trees", "--task", "classification"], catch_exceptions=False)
    assert done.exit_code == 0
    assert "Trees and a linear model take" in done.output
    done = CliRunner().invoke(
        command, ["predict", str(tmp_path / "m.dashpot"), str(data), "-o", str(tmp_path / "p.csv")]
    )
    assert done.exit_code == 0
