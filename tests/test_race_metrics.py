"""What a race is judged by: the metric, the loss of a row that stands for it, and what networks aim at."""

import numpy as np
import pytest
from click.testing import CliRunner
from sklearn.datasets import load_diabetes, load_wine
from sklearn.metrics import roc_auc_score

import dashpot
from dashpot import race
from dashpot.cli import dashpot as command
from dashpot.errors import UsageError
from dashpot.races.judging import PER_ROW, judge_of, score_of
from dashpot.regularizers import L2, EarlyStopping
from dashpot.studies.scores import SCORES


def short(X, y, **options):
    """A race that ends in seconds."""
    return race(X, y, **({"budget": None, "candidates": 9, "folds": 3, "max_epochs": 8} | options))


@pytest.fixture(scope="module")
def uneven():
    """Three classes of 59, 71 and 15 rows."""
    X, y = load_wine(return_X_y=True)
    kept = np.flatnonzero((y < 2) | (np.arange(len(y)) % 3 == 0))
    return X[kept], y[kept]


def made_up(name):
    """Targets, predictions and row weights for a metric."""
    rng = np.random.default_rng(0)
    weights = rng.uniform(0.5, 2, 90)
    if SCORES[name].task == "classification":
        return rng.choice(3, 90, p=[0.7, 0.2, 0.1]), rng.dirichlet(np.ones(3), 90), weights
    return rng.normal(5, 3, (90, 2)), rng.normal(5, 3, (90, 2)), weights


@pytest.mark.parametrize("name", PER_ROW)
def test_the_mean_of_row_losses_is_the_metric_itself(name):
    targets, predictions, weights = made_up(name)
    judge = judge_of(SCORES[name], targets, weights)
    counting = judge.row_weights(targets, weights)
    assert judge.value(predictions, targets, counting) == pytest.approx(
        SCORES[name].measure(targets, predictions, weights)
    )


@pytest.mark.parametrize("name", ["log_loss", "balanced_accuracy", "auc", "r2", "rmse", "mae"])
def test_the_truth_costs_less_than_anything_else(name):
    targets, predictions, weights = made_up(name)
    judge = judge_of(SCORES[name], targets, weights)
    counting = judge.row_weights(targets, weights)
    truth = np.eye(3)[targets] if targets.ndim == 1 else targets
    half = (truth + predictions) / 2
    costs = [judge.cost(one, targets, counting) for one in (truth, half, predictions)]
    assert costs == sorted(costs)
    assert costs[0] < costs[2]


def test_for_balanced_accuracy_every_class_counts_as_much_as_the_others():
    targets = np.repeat([0, 1, 2], [80, 15, 5])
    weights = judge_of(score_of("balanced_accuracy", "classification"), targets, np.ones(100)).row_weights(
        targets, np.ones(100)
    )
    np.testing.assert_allclose(np.bincount(targets, weights), [100 / 3] * 3)


def test_of_ensembles_with_the_same_accuracy_the_loss_chooses():
    targets = np.array([0, 1, 1, 0])
    judge = judge_of(score_of("accuracy", "classification"), targets, np.ones(4))
    sure, unsure = np.eye(2)[targets] * 0.8 + 0.1, np.eye(2)[targets] * 0.2 + 0.4
    assert judge.cost(sure, targets, np.ones(4)) < judge.cost(unsure, targets, np.ones(4))


def test_a_race_for_balanced_accuracy_trains_and_predicts_for_equal_classes(uneven):
    model = short(*uneven, metric="balanced_accuracy")
    assert model.class_weight == "balanced"
    found = model.race_
    assert found.score == pytest.approx(1 - found.estimate)
    assert found.score > 0.8
    assert "Balanced accuracy on rows left out" in repr(found)
    np.testing.assert_allclose(np.bincount(uneven[1], found.row_weights), found.row_weights.sum() / 3)


def test_early_stopping_watches_errors_in_some_families_where_errors_count(uneven):
    watched = {
        part.monitor
        for one in short(*uneven, metric="accuracy", candidates=17, max_epochs=2).race_.candidates
        for part in one.recipe.parts
        if isinstance(part, EarlyStopping)
    }
    assert watched == {"loss", "error"}


def test_a_metric_without_rows_chooses_the_ensemble_and_the_loss_chooses_who_stays():
    frame, vote = dashpot.load_anes96()
    by_area, by_loss = (short(frame, vote, metric=metric) for metric in ("roc_auc", "log_loss"))
    assert not by_area.race_.judge.by_rows
    np.testing.assert_array_equal(by_area.race_.losses, by_loss.race_.losses)
    assert 0.8 < by_area.race_.score < 1
    assert "difference of losses" in repr(by_area.race_)


def test_amounts_are_judged_by_absolute_errors_on_which_networks_then_train():
    X, y = load_diabetes(return_X_y=True)
    model = short(X, y, metric="mae", candidates=5, max_epochs=30)
    assert model.loss == "absolute_error"
    assert model.race_.score == pytest.approx(model.race_.estimate)
    assert 30 < model.race_.score < 75
    assert 0 < short(X, y, metric="r2", candidates=5, max_epochs=30).race_.score < 1


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        ("accuracy_score", "not a metric for classification.*Did you mean 'accuracy'"),
        ("r2", "not a metric for classification"),
        ([], "nothing to measure"),
    ],
)
def test_a_metric_that_does_not_fit_is_refused_in_one_line(uneven, metric, words):
    with pytest.raises(UsageError, match=words) as caught:
        short(*uneven, metric=metric)
    assert str(caught.value).startswith("race(metric=")
    assert "\n" not in str(caught.value)


def test_a_quantile_is_nothing_that_a_race_aims_at():
    with pytest.raises(UsageError, match="not at a quantile"):
        short(*load_diabetes(return_X_y=True), metric="pinball_0.9")


def test_a_task_that_is_none_is_refused(uneven):
    with pytest.raises(UsageError, match="must be auto, classification or regression"):
        short(*uneven, task="both")


def test_the_command_takes_a_metric(tmp_path):
    frame, vote = dashpot.load_anes96()
    data, model = tmp_path / "survey.csv", tmp_path / "vote.dashpot"
    frame.assign(vote=vote).head(200).to_csv(data, index=False)
    arguments = ["race", str(data), "-t", "vote", "-o", str(model), "--candidates", "2"]
    done = CliRunner().invoke(command, [*arguments, "--metric", "balanced_accuracy"], catch_exceptions=False)
    assert "Balanced accuracy on rows left out" in done.output
    assert dashpot.load(model).class_weight == "balanced"
    refused = CliRunner().invoke(command, [*arguments, "--metric", "balanced"])
    assert refused.exit_code != 0


@pytest.mark.parametrize("weighted", [False, True])
def test_the_area_under_the_curve_counts_ties_by_half_and_rows_by_their_weights(weighted):
    rng = np.random.default_rng(0)
    truth, scores = rng.integers(0, 2, 200), np.round(rng.random(200), 1)
    weights = rng.uniform(0, 2, 200) if weighted else None
    area = SCORES["auc"].measure(truth, np.column_stack([1 - scores, scores]), weights)
    assert area == pytest.approx(roc_auc_score(truth, scores, sample_weight=weights))


def test_an_error_relative_to_the_amount_is_one_of_the_whole_amount():
    X, y = load_diabetes(return_X_y=True)
    seconds = 1_600_000_000 + y  # float32 blurs them, so that networks see them less their median
    relative = "neg_mean_absolute_percentage_error"
    assert -1e-7 < short(X, seconds, metric=relative).race_.score < 0
    study = dashpot.compare(
        X, seconds, regularizers=[L2(0.001)], metric=relative, splits=2, hidden_layers=(8,), epochs=5
    )
    values = study.results.query("metric == @relative and chosen")["value"]
    assert values.between(-1e-6, 0, inclusive="left").all()
