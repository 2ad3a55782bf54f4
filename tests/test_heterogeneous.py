"""Our networks beside any estimator of scikit-learn: combined, compared, saved."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_diabetes, load_iris
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import StackingClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, GroupKFold, ShuffleSplit, StratifiedKFold, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

import dashpot
from dashpot import (
    DataError,
    EarlyStopping,
    EnsembleClassifier,
    EnsembleRegressor,
    MLPClassifier,
    MLPRegressor,
    ModelFileError,
    UsageError,
    load_anes96,
)
from dashpot.estimators.combining import Vote, Weighted, disagreement, greedy, stack_amounts
from dashpot.estimators.folds import folds_of
from dashpot.optimizers import AdamW

NET = {
    "hidden_layers": (8,), "regularizers": (), "max_epochs": 30, "random_state": 0, "workers": 1, "batch_size": 32,
    "optimizer": AdamW(0.02),
}  # fmt: skip
CLASSIFIERS = [LogisticRegression(max_iter=1000), MLPClassifier(**NET)]
REGRESSORS = [Ridge(), MLPRegressor(**NET)]
QUICK = {"folds": 2, "rounds": 5, "random_state": 0}
CHECKED = [
    EnsembleClassifier(CLASSIFIERS, "stack", **QUICK),
    EnsembleRegressor(REGRESSORS, **QUICK),
    EnsembleRegressor(REGRESSORS, "stack", **QUICK),
]
WEIGHTS = "a row of weight 2 is not two rows: mini-batches and folds are others"


def expected_failures(estimator):
    """What no network trained by mini-batches passes."""
    return {
        "check_sample_weight_equivalence_on_dense_data": WEIGHTS,
        "check_sample_weight_equivalence_on_sparse_data": WEIGHTS,
    }


@parametrize_with_checks(CHECKED, expected_failed_checks=expected_failures)
def test_scikit_learns_checks(estimator, check):
    check(estimator)


# ---- how members are combined


def three_members(rows=200, classes=3, seed=0):
    """Probabilities of a good member, of one that errs elsewhere, and of one that knows nothing."""
    rng = np.random.default_rng(seed)
    targets = rng.integers(classes, size=rows)
    logits = [strength * np.eye(classes)[targets] + rng.normal(size=(rows, classes)) for strength in (2.0, 1.5, 0.0)]
    parts = [np.exp(one) / np.exp(one).sum(1, keepdims=True) for one in logits]
    return np.stack(parts), targets


def cost_of(targets):
    return lambda mean: log_loss(targets, mean, labels=[0, 1, 2])


def test_greedy_selection_is_that_of_the_paper_step_by_step():
    predictions, targets = three_members()
    cost, bag, costs = cost_of(targets), [], []
    for _ in range(20):
        choices = [cost(np.mean([predictions[k] for k in [*bag, new]], axis=0)) for new in range(3)]
        bag.append(int(np.argmin(choices)))
        costs.append(min(choices))
    best = bag[: int(np.argmin(costs)) + 1]
    weights = greedy(predictions, cost, 20).weights
    np.testing.assert_allclose(weights, np.bincount(best, minlength=3) / len(best))
    assert weights[2] < 0.1
    assert cost(Weighted(weights).combine(predictions)) <= min(cost(one) for one in predictions)


def test_one_round_takes_the_best_member():
    predictions, targets = three_members()
    np.testing.assert_array_equal(greedy(predictions, cost_of(targets), 1).weights, [1, 0, 0])


def test_votes_are_counted_and_amounts_have_their_median():
    classes = np.array([[[0.9, 0.1]], [[0.4, 0.6]], [[0.3, 0.7]]])
    np.testing.assert_allclose(Vote(3, True).combine(classes), [[1 / 3, 2 / 3]])
    np.testing.assert_allclose(Vote(3, False).combine(np.array([[[1.0]], [[2.0]], [[90.0]]])), [[2.0]])


def test_stacked_amounts_find_the_mixture():
    rng = np.random.default_rng(0)
    predictions = rng.normal(size=(3, 400, 1))
    targets = 0.3 * predictions[0] + 0.6 * predictions[1] - 0.2 * predictions[2] + 5
    stacked = stack_amounts(predictions, targets + 0.01 * rng.normal(size=targets.shape), np.ones(400))
    np.testing.assert_allclose(stacked.weights[:2, 0], [0.3, 0.6], atol=0.03)
    assert stacked.weights[2, 0] == 0


def test_stacking_is_that_of_scikit_learn_on_the_same_folds():
    """With the same folds and members, log-probabilities in place of probabilities: nearly the same answers."""
    X, y = load_iris(return_X_y=True)
    members = [("a", DecisionTreeClassifier(max_depth=2, random_state=0)), ("b", KNeighborsClassifier(30))]
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    ours = EnsembleClassifier(members, "stack", folds).fit(X, y).predict_proba(X)
    theirs = StackingClassifier(members, LogisticRegression(), cv=folds).fit(X, y).predict_proba(X)
    assert np.mean(ours.argmax(1) == theirs.argmax(1)) > 0.95


@pytest.mark.parametrize("combine", ["mean", "vote", "greedy", "stack"])
def test_every_way_beats_its_worst_member_on_new_rows(combine):
    frame, vote = load_anes96()
    members = [*CLASSIFIERS, DummyClassifier(strategy="uniform", random_state=0)]
    model = EnsembleClassifier(members, combine, **QUICK).fit(frame[:600], vote[:600])
    table = model.diversity(frame[600:], vote[600:])
    assert model.score(frame[600:], vote[600:]) >= 1 - table["error"].max()
    assert list(model.members_) == ["LogisticRegression", "MLPClassifier", "DummyClassifier"]


def test_a_member_that_knows_nothing_gets_no_weight_and_is_not_fitted_again():
    X, y = load_diabetes(return_X_y=True)
    model = EnsembleRegressor([*REGRESSORS, DummyRegressor()], folds=5, random_state=0).fit(X, y)
    assert model.combined_.weights[2] == 0
    assert model.members_["DummyRegressor"] is None
    assert model.score(X, y) > 0.4


# ---- out of fold


class Recorder(ClassifierMixin, BaseEstimator):
    """Notes the rows that it was fitted on and asked about; the first column is the number of a row."""

    seen: list = []  # noqa: RUF012

    def fit(self, X, y, sample_weight=None):
        self.classes_, self.rows_ = np.unique(y), set(X[:, 0].tolist())
        return self

    def predict_proba(self, X):
        type(self).seen.append((self.rows_, set(X[:, 0].tolist())))
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))


@pytest.mark.parametrize(("groups", "folds"), [(None, 3), (np.arange(60) // 4, 3), (np.arange(60) // 4, GroupKFold(3))])
def test_no_row_is_predicted_by_a_member_that_saw_it_or_its_group(groups, folds):
    Recorder.seen.clear()
    y, weights = np.arange(60) % 5 == 0, np.ones(60)
    weights[7] = 0
    X = np.arange(60.0)[:, None]
    EnsembleClassifier([Recorder(), Recorder()], "greedy", folds).fit(X, y, weights, groups=groups)
    assert len(Recorder.seen) == 6
    of = dict(enumerate(range(60) if groups is None else groups.tolist()))
    for fitted, asked in Recorder.seen:
        assert not {of[int(row)] for row in fitted} & {of[int(row)] for row in asked}
        assert 7.0 not in fitted | asked
    assert sorted(row for _, asked in Recorder.seen[:3] for row in asked) == [row for row in range(60) if row != 7]


def test_folds_are_stratified_and_keep_rare_classes():
    y = np.array([0] * 90 + [1] * 9 + [2])
    for fit, held in folds_of(3, None, y, None, True, 0, "test"):
        assert np.bincount(y[held])[:2].tolist() == [30, 3]
        assert len(np.intersect1d(fit, held)) == 0
    model = EnsembleClassifier([LogisticRegression(), DecisionTreeClassifier()], folds=3, random_state=0)
    X = np.random.default_rng(0).normal(size=(100, 2))
    assert model.fit(X, y).predict_proba(X).shape == (100, 3)


def test_out_of_fold_losses_are_those_of_cross_validation():
    X, y = load_iris(return_X_y=True)
    folds = StratifiedKFold(4, shuffle=True, random_state=1)
    members = [
        ("tree", DecisionTreeClassifier(max_depth=3, random_state=0)),
        ("line", LogisticRegression(max_iter=999)),
    ]
    model = EnsembleClassifier(members, folds=folds).fit(X, y)
    for name, member in members:
        expected = cross_val_predict(member, X, y, cv=folds, method="predict_proba")
        assert model.diversity_.loc[name, "error"] == pytest.approx(np.mean(expected.argmax(1) != y))
        clipped = np.maximum(expected[np.arange(len(y)), y], 1e-7)
        assert model.diversity_.loc[name, "loss"] == pytest.approx(-np.log(clipped).mean())


def test_weights_and_groups_reach_those_who_take_them():
    frame, vote = load_anes96()
    weights, groups = np.linspace(0.5, 2, len(vote)), np.arange(len(vote)) // 3
    network = MLPClassifier(**NET | {"regularizers": (EarlyStopping(patience=3),), "max_epochs": 5})
    members = [network, make_pipeline(StandardScaler(), LogisticRegression())]
    model = EnsembleClassifier(members, folds=2, random_state=0).fit(frame, vote, weights, groups=groups)
    assert model.score(frame, vote) > 0.8
    with pytest.raises(UsageError, match="'KNeighborsClassifier' takes no weights"):
        EnsembleClassifier([network, KNeighborsClassifier()]).fit(frame, vote, weights)


# ---- what it tells


def test_disagreement_is_the_share_of_rows_with_other_classes():
    predictions, _ = three_members()
    labels = predictions.argmax(2)
    pairs = disagreement(predictions, np.ones(200), True)
    assert pairs[0, 1] == pytest.approx(np.mean(labels[0] != labels[1]))
    np.testing.assert_array_equal(pairs, pairs.T)
    assert not pairs.diagonal().any()
    amounts = np.array([[[1.0], [2.0]], [[1.0], [5.0]]])
    assert disagreement(amounts, np.array([1.0, 3.0]), False)[0, 1] == pytest.approx(np.sqrt(9 * 0.75))


def test_the_table_of_diversity_tells_how_good_and_how_different_members_are():
    X, y = load_iris(return_X_y=True)
    model = EnsembleClassifier([*CLASSIFIERS, DecisionTreeClassifier(random_state=0)], folds=3, random_state=0).fit(
        X, y
    )
    table = model.diversity_
    assert table["weight"].sum() == pytest.approx(1)
    assert list(table.columns[:4]) == ["loss", "error", "disagreement", "weight"]
    names = table.index
    others = [table[f"against {name}"].sum() / 2 for name in names]
    np.testing.assert_allclose(table["disagreement"], others)
    assert EnsembleClassifier(CLASSIFIERS, "mean").fit(X, y).diversity_ is None


def test_any_score_may_choose_the_members():
    frame, vote = load_anes96()
    model = EnsembleClassifier(CLASSIFIERS, metric="roc_auc", **QUICK).fit(frame, vote)
    assert model.combined_.weights.sum() == pytest.approx(1)


# ---- what it refuses


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"estimators": []}, "estimators"), ({"estimators": [Ridge()]}, "'Ridge' is no classifier"),
        ({"estimators": [LogisticRegression]}, "Pass instances"), ({"combine": "greed"}, "Did you mean 'greedy'"),
        ({"folds": 1}, "at least 2"), ({"metric": "roc"}, "metric"), ({"rounds": 0}, "rounds"),
        ({"estimators": [LinearSVC()]}, "no probabilities"), ({"folds": ShuffleSplit(2)}, "every row out once"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_in_one_line(changes, words):
    X, y = load_iris(return_X_y=True)
    settings = {"estimators": [LogisticRegression(max_iter=999)], **QUICK} | changes
    with pytest.raises(UsageError, match=words) as refused:
        EnsembleClassifier(**settings).fit(X, y)
    assert "\n" not in str(refused.value)


def test_members_without_probabilities_may_vote():
    X, y = load_iris(return_X_y=True)
    model = EnsembleClassifier([LinearSVC(), DecisionTreeClassifier(), LogisticRegression(max_iter=999)], "vote")
    assert model.fit(X, y).score(X, y) > 0.9


def test_a_search_reaches_the_members():
    X, y = load_iris(return_X_y=True)
    model = EnsembleClassifier(
        [("tree", DecisionTreeClassifier(random_state=0)), ("line", LogisticRegression(max_iter=999))], "mean"
    )
    search = GridSearchCV(model, {"tree__max_depth": [1, 3]}, cv=2).fit(X, y)
    assert search.best_estimator_.members_["tree"].max_depth == search.best_params_["tree__max_depth"]
    forest = model.set_params(tree=DummyClassifier()).fit(X, y)
    assert type(forest.members_["tree"]) is DummyClassifier


# ---- files


@pytest.mark.parametrize("combine", ["mean", "vote", "greedy", "stack"])
def test_an_ensemble_of_our_networks_survives_a_file(tmp_path, combine):
    frame, vote = load_anes96()
    frame = frame.assign(region=pd.Categorical(np.where(frame.index % 3 == 0, "north", "south")))
    labels = vote.astype(str).to_numpy(dtype=object)
    wide = MLPClassifier(**NET | {"hidden_layers": (16, 4), "max_epochs": 5})
    nothing = MLPClassifier(**NET | {"max_epochs": 1, "optimizer": AdamW(1e-9)})
    model = EnsembleClassifier([wide, ("other", MLPClassifier(**NET)), nothing], combine, **QUICK).fit(frame, labels)
    again = dashpot.load(model.save(tmp_path / "model"))
    np.testing.assert_allclose(again.predict_proba(frame), model.predict_proba(frame), rtol=1e-12)
    assert again.predict(frame).tolist() == model.predict(frame).tolist()
    assert again.combine == combine


def test_an_ensemble_of_regressors_survives_a_file(tmp_path):
    X, y = load_diabetes(return_X_y=True)
    Y = np.column_stack([y, -y])
    members = [MLPRegressor(**NET), MLPRegressor(**NET | {"hidden_layers": ()})]
    model = EnsembleRegressor(members, "stack", **QUICK).fit(X, Y)
    again = dashpot.load(model.save(tmp_path / "model"))
    np.testing.assert_allclose(again.predict(X), model.predict(X), rtol=1e-12)


def test_members_of_others_cannot_be_saved_and_nothing_is_left_behind(tmp_path):
    X, y = load_iris(return_X_y=True)
    model = EnsembleClassifier(CLASSIFIERS, "mean").fit(X, y)
    with pytest.raises(UsageError, match="'LogisticRegression' is a LogisticRegression"):
        model.save(tmp_path / "model")
    assert not list(tmp_path.iterdir())


def test_a_damaged_ensemble_is_refused(tmp_path):
    import json
    import zipfile

    X, y = load_iris(return_X_y=True)
    path = EnsembleClassifier([MLPClassifier(**NET), MLPClassifier(**NET)], "mean").fit(X, y).save(tmp_path / "model")
    with zipfile.ZipFile(path) as archive:
        described, weights = json.loads(archive.read("model.json")), archive.read("weights.safetensors")
    for damage in (
        {"members": []},
        {"combined": {"class": "Weighted", "weights": [1.0]}},
        {"estimator": "Pipeline"},
        {"members": described["members"][:1]},
        {"members": [["a", described]]},
    ):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("model.json", json.dumps(described | damage))
            archive.writestr("weights.safetensors", weights)
        with pytest.raises(ModelFileError, match="damaged"):
            dashpot.load(path)


def test_rows_of_a_class_that_was_not_there_are_refused():
    X, y = load_iris(return_X_y=True)
    model = EnsembleClassifier([LogisticRegression(max_iter=999)], "mean").fit(X[:100], y[:100])
    with pytest.raises(DataError, match="not there at fit"):
        model.diversity(X, y)
