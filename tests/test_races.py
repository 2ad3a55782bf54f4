"""`race`: candidates on the same folds; the clearly worse leave, the survivors join the default ensemble."""

import itertools
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner
from sklearn.base import clone
from sklearn.datasets import load_diabetes

import dashpot
from dashpot import MLPClassifier, MLPRegressor, race
from dashpot.cli import dashpot as command
from dashpot.errors import DataError, UsageError
from dashpot.estimators.base import MEMBERS
from dashpot.estimators.combining import row_losses
from dashpot.jobs import Design, Examples
from dashpot.losses import Binary
from dashpot.races import course, finish, heats, space
from dashpot.races.finish import whole_numbers
from dashpot.races.heats import NOISE
from dashpot.races.judging import judge_of, score_of
from dashpot.races.space import FAMILY, POOL, draw, kind_of, predicting
from dashpot.regularizers import CutMix, Dropout, EarlyStopping, Ensemble, LabelSmoothing, MaxNorm, Noise, Recipe
from dashpot.studies.splits import deal
from dashpot.tables import TableEncoder


def short(frame, target, **options):
    """A race that ends in seconds."""
    given = {"budget": None, "candidates": 9, "folds": 3, "max_epochs": 8} | options
    return race(frame, target, **given)


@pytest.fixture(scope="module")
def survey():
    """The bundled survey."""
    return dashpot.load_anes96()


@pytest.fixture(scope="module")
def winner(survey):
    """The model that won a short race."""
    return short(*survey)


def first(count, seed=0, **options):
    """The first candidates that are drawn."""
    design = Design((8,), "relu", Binary())
    given = {"pool": POOL, "fixed": (), "classes": True} | options
    return list(itertools.islice(draw(design, given["pool"], given["fixed"], given["classes"], seed), count))


def test_many_rows_get_deeper_networks_and_no_narrow_ones():
    few, many = predicting(9_999).shapes, predicting(10_000).shapes
    assert min(map(len, many)) == 2 > min(map(len, few))
    assert max(map(len, many)) == 4 > max(map(len, few))
    assert min(map(min, many)) == 128


def test_the_same_seed_draws_the_same_candidates_however_many_are_taken():
    few, many = first(5), first(40)
    assert [(one.recipe, one.design) for one in few] == [(one.recipe, one.design) for one in many[:5]]
    assert [one.number for one in many] == list(range(1, 41))
    assert [one.recipe for one in first(8, seed=1)] != [one.recipe for one in many[:8]]


def test_a_family_shares_all_that_a_stack_must_share():
    for family in zip(*[iter(first(40))] * FAMILY, strict=True):
        assert len({one.choices for one in family}) == 1
        assert len({one.recipe.structures for one in family}) == 1
        assert len({one.design.optimizer.kind for one in family}) == 1


def test_strengths_stay_within_the_range_that_a_regularizer_declares():
    for one in first(80):
        for part in one.recipe.parts:
            for name, place in type(part).ranges.items() if not isinstance(part, EarlyStopping) else ():
                low, high = sorted((place.low, place.high))
                assert low <= getattr(part, name) <= high


def test_what_is_fixed_is_in_every_recipe_and_what_is_for_classes_is_in_none_of_amounts():
    assert all(MaxNorm(2.0) in one.recipe.parts for one in first(20, fixed=(MaxNorm(2.0),)))
    drawn = {type(part) for one in first(200, classes=False) for part in one.recipe.parts}
    assert not drawn & {CutMix, LabelSmoothing}


def test_the_model_is_the_weighted_mean_of_the_survivors(winner):
    found = winner.race_
    assert found.weights.sum() + found.default_share == pytest.approx(1)
    assert 0.25 <= found.default_share <= 0.75
    counts = np.array(whole_numbers(found.weights / found.weights.sum()))
    np.testing.assert_allclose(counts / counts.sum(), found.weights / found.weights.sum())
    default = MLPClassifier(max_epochs=8, random_state=0).fit(*dashpot.load_anes96()).networks_
    same = [np.array_equal(one.layers[0][0], default[0].layers[0][0]) for one in winner.networks_]
    times, rest = sum(same), len(winner.networks_) - sum(same) * len(default)
    assert rest % (3 * counts.sum()) == 0
    assert times * len(default) / len(winner.networks_) == pytest.approx(found.default_share, abs=0.04)


@pytest.mark.parametrize("share", [0.25, 0.4, 0.75])
@pytest.mark.parametrize("counts", [[1], [1, 3], [7, 0, 20]])
def test_networks_are_there_as_often_as_their_shares_ask_for(share, counts):
    track = a_course()
    runners = track.enter([replace(one, default=not place) for place, one in enumerate(first(len(counts)))])
    for place, runner in enumerate(runners):
        runner.losses[:], runner.predictions[:] = 1.0, 0.5
        runner.networks = [f"network {place}"] * 5
    track.ensemble = ("default",) * 16
    shares = np.array([share, *((1 - share) * np.array(counts) / sum(counts))])
    found = finish._networks(track, runners, shares)
    assert found.count("default") / len(found) == pytest.approx(share, abs=0.04)
    assert found.count("default") % 16 == 0
    others = [found.count(f"network {place}") for place in range(len(counts))]
    np.testing.assert_allclose(np.array(others) / sum(others), np.array(counts) / sum(counts))


def test_the_default_is_the_mean_over_its_embeddings_and_no_anchor_where_it_diverged():
    track = a_course()
    one, other = track.enter([replace(candidate, default=True) for candidate in first(2)])
    track.ensemble = ("network",)
    for runner, second in ((one, 0.2), (other, 0.6)):
        runner.losses[:], runner.predictions[:] = 1.0, [1 - second, second]
    predictions, losses = track.default()
    np.testing.assert_allclose(predictions, [[0.6, 0.4]] * 20)
    np.testing.assert_allclose(losses[:2], -np.log([0.6, 0.4]))
    other.losses[:] = np.inf
    np.testing.assert_array_equal(track.default()[0], one.predictions)
    assert track.anchor == ("network",)
    one.losses[:] = np.inf
    assert track.anchor == ()


def test_the_default_ensemble_alone_is_the_model_where_nobody_else_began(survey):
    model = short(*survey, candidates=None, budget=1e-3)
    default = MLPClassifier(max_epochs=8, random_state=0).fit(*survey)
    assert model.race_.default_share == 1
    assert len(model.race_.candidates) == 1  # there was no time for its other embeddings
    np.testing.assert_array_equal(model.predict_proba(survey[0]), default.predict_proba(survey[0]))


def test_many_rows_are_a_race_without_the_default_ensemble_where_there_is_no_time(survey, monkeypatch):
    monkeypatch.setattr(heats, "MANY_ROWS", 500)
    model = short(*survey, candidates=None, budget=1e-3)
    assert (len(model.race_.candidates), model.race_.default_share, len(model.networks_)) == (1, 0, 3)


@pytest.mark.parametrize(
    ("many", "budget", "ran"),
    [
        (False, None, ["whole", 1, 2]),
        (False, 3, ["whole", 1, 1]),
        (False, 1, ["whole", 1]),
        (True, None, [1, 2, "whole"]),
        (True, 17, [1, 2, "whole"]),
        (True, 13, [1, 2]),
    ],
)
def test_the_default_recipe_takes_the_time_that_there_is(monkeypatch, many, budget, ran):
    track, done = a_course(), []
    monkeypatch.setattr(heats, "MANY_ROWS", 20 if many else 21)
    monkeypatch.setattr(course.Course, "whole_size", 16)  # two folds; a second for each network
    monkeypatch.setattr(track, "run", a_second_for_each(track, done))
    monkeypatch.setattr(track, "run_whole", lambda: done.append("whole"))
    limit = None if budget is None else time.monotonic() + budget
    heats._defaults(track, [first(1)[0]] * 3, limit)
    assert done == ran


def a_second_for_each(track, done):
    """In place of `Course.run`: a network takes a second on a fold, whatever its work."""

    def run(runners, folds):
        done.append(len(runners))
        track.pace.append(len(runners) / track.works(runners).sum())

    return run


@pytest.mark.parametrize(("budget", "ran"), [(5, [1]), (7, [1, 1]), (10, [1, 1]), (12, [1, 1, "whole"])])
def test_an_embedding_is_expected_to_take_as_long_as_its_weights_say(monkeypatch, budget, ran):
    track, done = a_course(), []
    monkeypatch.setattr(heats, "MANY_ROWS", 20)
    monkeypatch.setattr(course.Course, "whole_size", 16)
    monkeypatch.setattr(track, "run", a_second_for_each(track, done))
    monkeypatch.setattr(track, "run_whole", lambda: done.append("whole"))
    plain = replace(first(1)[0], design=Design((8,), "relu", Binary()))
    waves = replace(plain, design=replace(plain.design, numeric_embedding="periodic"))  # nine times the inputs
    heats._defaults(track, [plain, waves], time.monotonic() + budget)
    assert done == ran  # three seconds expected on each of two folds; two thirds for each of the ensemble


def test_who_cannot_end_in_time_may_begin_in_the_next_heat(monkeypatch):
    begun, drawn = [], first(64)
    counts = iter([20, 12, 0])
    monkeypatch.setattr(heats, "affordable", lambda *given: next(counts))
    monkeypatch.setattr(heats, "_heat", lambda course, runners, *given: begun.append(runners))
    track = SimpleNamespace(enter=list, runners=[])
    heats._heats(track, iter(drawn), None, None, None)
    assert begun == [drawn[:20], drawn[20:32]]


def test_the_default_recipe_begins_with_each_of_its_embeddings(winner):
    own = [one for one in winner.race_.candidates if one.default]
    assert [one.number for one in own] == [0, 1, 2]
    assert [one.design.numeric_embedding for one in own] == list(MEMBERS.numeric_embeddings)
    assert not any(isinstance(part, Ensemble) for one in own for part in one.recipe.parts)
    assert not np.isnan(winner.race_.losses[:3]).any()


@pytest.mark.parametrize("counts", [[1], [2, 5], [0, 3, 4, 1], [7, 33], [4, 4]])
def test_weights_become_the_smallest_whole_numbers(counts):
    found = np.array(whole_numbers(np.array(counts) / sum(counts)))
    np.testing.assert_array_equal(found * np.gcd.reduce(counts), counts)


@pytest.mark.parametrize("count", [3, 4])
def test_ctrl_c_ends_a_race_with_those_who_went_through_all_folds(survey, monkeypatch, count):
    real, calls = course.train, []

    def until_interrupted(examples, jobs, **options):
        calls.append(jobs)
        if len(calls) == count:
            raise KeyboardInterrupt
        return real(examples, jobs, **options)

    monkeypatch.setattr(course, "train", until_interrupted)
    model = short(*survey)
    assert model.race_.interrupted
    assert not any(
        share for share, one in zip(model.race_.weights, model.race_.candidates, strict=True) if not one.default
    )
    assert len(model.race_.candidates) == len(model.race_.table)
    assert "interrupted" in repr(model.race_)


def test_ctrl_c_before_anybody_has_finished_stays_ctrl_c(survey, monkeypatch):
    def interrupted(examples, jobs, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(course, "train", interrupted)
    with pytest.raises(KeyboardInterrupt):
        short(*survey)


def test_a_race_depends_on_its_seed_alone(survey, winner):
    again = short(*survey, workers=1)
    np.testing.assert_array_equal(winner.race_.losses, again.race_.losses)
    np.testing.assert_array_equal(winner.predict_proba(survey[0]), again.predict_proba(survey[0]))
    assert not np.array_equal(winner.race_.losses, short(*survey, random_state=1).race_.losses, equal_nan=True)


def test_the_default_recipe_runs_on_all_folds_and_is_measured_beside(winner):
    found = winner.race_
    assert found.candidates[0].number == 0
    assert not np.isnan(found.losses[0]).any()
    assert found.estimate + found.gain[0] == pytest.approx(found.default_losses.mean())
    assert found.default_losses.mean() < found.losses[:3].mean()


@pytest.fixture
def trained(monkeypatch):
    """The jobs that a race trains, as they come."""
    jobs = []
    real = course.train

    def spy(examples, given, **options):
        jobs.extend(given)
        return real(examples, given, **options)

    monkeypatch.setattr(course, "train", spy)
    return jobs


def test_no_row_is_predicted_by_a_network_that_trained_on_it(survey, trained):
    short(*survey, candidates=4)
    assert trained
    assert all(not np.intersect1d(job.rows, job.validation).size for job in trained)


def test_groups_are_never_parted(survey, trained):
    frame, vote = survey
    groups = np.arange(len(frame)) // 7
    short(frame, vote, groups=groups, candidates=3)
    assert trained
    assert all(not np.intersect1d(groups[job.rows], groups[job.validation]).size for job in trained)


def test_what_is_fixed_is_not_drawn_a_second_time(survey):
    for one in short(*survey, fixed=[Dropout(0.1)]).race_.candidates:
        assert [part for part in one.recipe.parts if isinstance(part, Dropout)] == [Dropout(0.1)]


def test_a_race_of_shapes_alone_draws_no_regularizer(survey):
    found = short(*survey, regularizers=[]).race_
    assert all(
        [type(part) for part in one.recipe.parts] == [EarlyStopping] for one in found.candidates if not one.default
    )


def a_course(weights=None, metric="auto", groups=None):
    """Twenty rows in two folds, and nobody who runs yet."""
    frame = np.random.default_rng(0).normal(size=(20, 2))
    encoder = TableEncoder().fit(frame)
    examples = Examples(encoder.transform(frame), np.tile([0, 1], 10), encoder.inputs_, weights, groups)
    judge = judge_of(score_of(metric, "classification"), examples.targets, np.ones(20) if weights is None else weights)
    return course.Course(examples, np.arange(20), np.repeat([0, 1], 10), judge, seed=0)


def test_only_those_leave_that_are_worse_beyond_the_noise_of_the_difference():
    track = a_course()
    runners = track.enter(first(4))
    noise = np.random.default_rng(1).normal(size=20)
    for runner, losses in zip(
        runners,
        [np.full(20, 1.0), 1.0 + noise - noise.mean() + 0.1, np.full(20, 1.1), np.full(20, np.inf)],
        strict=True,
    ):
        runner.losses[:] = losses
    # the second is worse on average, but within its noise; the third a little, but on every row; the last diverged
    assert track.near(runners, [], NOISE) == runners[:2]


def test_who_is_worse_in_one_group_only_stays():
    groups = np.repeat([0, 1], 10)
    for track, stay in ((a_course(), 1), (a_course(groups=groups), 2)):
        better, worse = track.enter(first(2))
        better.losses[:], worse.losses[:] = 1.0, 1.0 + groups
        assert len(track.near([better, worse], [], NOISE)) == stay


def test_a_leader_of_an_earlier_heat_sets_the_mark():
    track = a_course()
    leader, *runners = track.enter(first(3))
    leader.losses[:] = 0.5
    for runner in runners:
        runner.losses[:10] = 1.0
    assert track.near(runners, [leader], NOISE) == []


def test_a_row_costs_its_log_loss_or_its_squared_error():
    found = row_losses(np.array([[0.25, 0.75], [0.5, 0.5]]), np.array([1, 0]))
    np.testing.assert_allclose(found, -np.log([0.75, 0.5]))
    np.testing.assert_allclose(row_losses(np.array([[1.0, 2.0]]), np.array([[4.0, 3.0]])), [(9 + 1) / 2])


def test_row_weights_count_in_every_mean():
    track = a_course(weights=np.array([3.0, *[1.0] * 19]))
    (runner,) = track.enter(first(1))
    runner.losses[:] = np.arange(20) == 0
    assert track.mean_loss(runner) == pytest.approx(3 / 22)
    even = np.full((20, 2), 0.5)
    even[0] = [1.0, 1e-7]
    expected = (0 * 3 + 19 * np.log(2)) / 22
    assert track.cost(even, np.ones(20, dtype=bool)) == pytest.approx(expected)


def test_the_simplest_recipe_within_a_standard_error_is_recommended():
    track = a_course()
    runners = track.enter(first(40))
    noise = np.random.default_rng(0).normal(size=20)
    for runner in runners:
        runner.losses[:] = 3.0
    large, small = (choose(runners, key=lambda one: one.candidate.size) for choose in (max, min))
    large.losses[:] = 1.0
    small.losses[:] = 1.0 + noise - noise.mean() + 0.01
    assert finish.simplest(track, runners) is small
    small.losses[:] = 1.1  # worse on every row: beyond any noise
    assert finish.simplest(track, runners) is large


def test_who_is_clearly_worse_trains_no_further_network(survey, trained):
    found = short(*survey, candidates=17, max_epochs=20).race_
    ran = (~np.isnan(found.losses)).mean(axis=1)
    assert ran[0] == 1
    assert ran.min() < 0.5
    assert len(trained) == 1 + round(3 * ran.sum())  # the first is the default ensemble
    assert len(trained) < 3 * 17


def test_effects_below_zero_are_of_choices_that_made_losses_smaller(winner):
    candidates = tuple(first(161))
    losses = np.array([[0.5 if "Dropout" in one.choices else 1.0] * 4 for one in candidates])
    losses += np.random.default_rng(0).normal(scale=0.01, size=(161, 1))
    one = next(one for one in candidates if "Dropout" in one.choices)
    default = replace(one, design=replace(one.design, hidden_layers=(7,)), default=True)  # is no witness
    candidates, losses = (*candidates, default), np.vstack([losses, np.full(4, 99.0)])
    found = replace(winner.race_, candidates=candidates, losses=losses, row_weights=np.ones(4)).effects.loc["Dropout"]
    assert found["difference"] == pytest.approx(-0.5, abs=0.02)
    assert found["from"] < found["difference"] < found["to"] < 0


def test_the_ensemble_that_is_scored_on_a_fold_was_chosen_without_it():
    """With the answers of a fold turned round, the probabilities for it stay: its losses become those of the others."""
    track = a_course()
    second = np.random.default_rng(0).uniform(0.05, 0.95, size=(6, 20, 1))
    predictions = np.concatenate([1 - second, second], axis=2)
    before = finish._left_out(track, predictions)
    track.examples.targets[:10] = 1 - track.examples.targets[:10]
    np.testing.assert_array_equal(finish._left_out(track, predictions)[:10], before[:10])


def test_a_gain_is_told_with_its_interval_and_with_what_it_leaves_out(winner):
    losses = winner.race_.default_losses
    noise = np.random.default_rng(0).normal(size=len(losses))
    clear = replace(winner.race_, left_out=losses - 0.1 + 0.1 * noise)
    mean, low, high = clear.gain
    assert f"{low:.4f} to {high:.4f}" in repr(clear)
    assert "expect a greater loss" in repr(clear)
    assert low < mean < high
    assert mean == pytest.approx(0.1, abs=0.02)
    assert high - low == pytest.approx(2 * 1.96 * 0.1 / np.sqrt(len(losses)), rel=0.1)


def test_a_recipe_that_diverged_is_out_of_ensemble_and_effects(survey, monkeypatch):
    real = course.train

    def diverging(examples, jobs, **options):
        trained = real(examples, jobs, **options)
        for job, networks in zip(jobs, trained, strict=True):
            for network in networks:
                network.diverged = 1 if job.design.batch_size == 64 else None
        return trained

    monkeypatch.setattr(course, "train", diverging)
    found = short(*survey, candidates=33).race_
    gone = [one.design.batch_size == 64 for one in found.candidates]
    assert any(gone)
    assert not found.weights[gone].any()
    assert np.isfinite(found.effects["difference"]).all()


def test_amounts_race_too():
    X, y = load_diabetes(return_X_y=True)
    model = short(X, y, max_epochs=30)
    assert isinstance(model, MLPRegressor)
    assert model.score(X, y) > 0.4
    assert 0 < model.race_.estimate < 1


def test_the_parameters_are_those_of_one_recipe_that_can_be_trained_alone(survey, winner):
    best = winner.race_.candidates[winner.race_.best]
    assert Recipe(tuple(winner.regularizers)) == best.recipe
    assert winner.hidden_layers == best.design.hidden_layers
    assert isinstance(clone(winner), MLPClassifier)
    assert len(clone(winner).fit(*survey).networks_) == 1


def test_the_model_is_saved_and_read(survey, winner, tmp_path):
    read = dashpot.load(winner.save(tmp_path / "winner.dashpot"))
    np.testing.assert_array_equal(read.predict_proba(survey[0]), winner.predict_proba(survey[0]))


def test_the_tables_tell_who_ran_and_what_mattered(winner):
    assert len(winner.race_.table) == 9
    assert {"loss", "share", "recipe"} <= set(winner.race_.table.columns)
    assert list(winner.race_.effects.columns) == ["families", "difference", "from", "to"]
    assert "9 recipes began" in str(winner.race_)


def test_a_budget_ends_the_race(survey):
    found = race(*survey, budget=3.0, folds=2, max_epochs=4).race_
    assert len(found.candidates) >= 1
    assert found.seconds < 30


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"budget": None, "candidates": None}, "would never end"),
        ({"budget": -1}, "seconds above 0"),
        ({"candidates": 0}, "at least 1"),
        ({"folds": 1}, "at least 2"),
        ({"fixed": [Ensemble(4)]}, "cannot take part"),
        ({"regularizers": [Dropout]}, "cannot take part"),
    ],
)
def test_what_makes_no_race_is_refused_in_one_line(survey, options, words):
    with pytest.raises(UsageError, match=words) as caught:
        race(*survey, **options)
    assert "\n" not in str(caught.value)


def test_too_few_rows_and_groups_are_refused(survey):
    frame, vote = survey
    with pytest.raises(DataError, match="8 rows; 5 folds need at least 20"):
        race(frame[:8], vote[:8], candidates=2)
    with pytest.raises(DataError, match="2 groups for 5 folds"):
        race(frame, vote, candidates=2, groups=np.arange(len(frame)) % 2)


def test_the_command_races_saves_and_tells(survey, tmp_path):
    frame, vote = survey
    data = tmp_path / "survey.csv"
    frame.assign(vote=vote).head(200).to_csv(data, index=False)
    model, table = tmp_path / "vote.dashpot", tmp_path / "race.csv"
    arguments = ["race", str(data), "-t", "vote", "-o", str(model), "--candidates", "2", "--table", str(table)]
    done = CliRunner().invoke(command, [*arguments, "--with", "MaxNorm(3.0)"], catch_exceptions=False)
    assert done.exit_code == 0
    assert "recipes began" in done.output
    assert len(table.read_text().splitlines()) == 4  # the default recipe's three embeddings begin in any case
    assert "MaxNorm(limit=3.0)" in table.read_text()
    assert len(dashpot.load(model).predict(frame)) == len(frame)


@pytest.mark.parametrize(
    ("rows", "stay", "folds"),
    [(100, 3, [[0], [1, 2]]), (100, 2, [[0], [1], [2]]), (heats.MANY_ROWS, 3, [[0], [1], [2]])],
)
def test_where_most_stay_the_other_folds_of_few_rows_run_at_once(monkeypatch, rows, stay, folds):
    track = a_stub(monkeypatch, rows, stay)
    heats._heat(track, list("abcd"), None, None)
    assert [folds for _, folds in track.ran] == folds


@pytest.mark.parametrize(("seconds", "go_on"), [(0.9, []), (3.5, ["abc"]), (8.5, ["abcd"])])
def test_so_many_go_on_as_are_expected_to_end_in_time_by_their_own_pace(monkeypatch, seconds, go_on):
    track = a_stub(monkeypatch, 100, 4)  # half a second for each of a, b and c on a fold, and five times as long for d
    heats._heat(track, list("abcd"), time.monotonic() + seconds, None)
    assert [runners for runners, _ in track.ran[1:]] == go_on


def a_stub(monkeypatch, rows, stay):
    """A course of three folds on which so many stay; it notes who runs on which folds."""
    effort = {"a": 1.0, "b": 1.0, "c": 1.0, "d": 5.0}
    monkeypatch.setattr(heats, "efforts", lambda course, runners: np.array([effort[one] for one in runners]))
    ran = []
    return SimpleNamespace(
        folds=3,
        rows=np.arange(rows),
        pace=[0.5],
        before=0.0,
        ran=ran,
        run=lambda runners, folds: ran.append(("".join(runners), folds)),
        finishers=list,
        near=lambda runners, others, errors: runners[:stay],
        mean_loss=ord,
        works=lambda runners: np.full(len(runners), 2.0),
    )


def test_who_has_trained_for_some_time_trains_on_worker_processes(monkeypatch):
    asked = []

    def slowly(examples, jobs, **options):
        asked.append(options["long"])
        time.sleep(0.02)
        return [()]

    monkeypatch.setattr(course, "train", slowly)
    monkeypatch.setattr(course, "STARTING", 0.03)
    track = a_course()
    for _ in range(3):
        track._trained(["a job"])
    assert asked == [None, None, True]
    assert track._trained([]) == []


def test_the_pace_is_that_of_a_network_for_its_work(monkeypatch):
    track = a_course()
    monkeypatch.setattr(
        course, "train", lambda examples, jobs, **options: time.sleep(0.05 * len(jobs)) or [(None,)] * len(jobs)
    )
    monkeypatch.setattr(track, "_take", lambda runner, network, fold: None)
    runners = track.enter(first(2))
    track.run(runners, [0])
    track.run(runners, [0, 1])
    one, two = (pace * track.works(runners).mean() for pace in track.pace)
    assert one == pytest.approx(0.05, rel=0.3)
    assert two == pytest.approx(0.05, rel=0.3)


def test_a_race_of_fewer_candidates_than_the_default_has_embeddings_ends(survey):
    assert len(short(*survey, candidates=1, folds=2, max_epochs=1).race_.candidates) == 3


def test_candidates_begin_in_whole_families_that_are_expected_to_end_in_time(monkeypatch):
    track, many = a_course(), first(20)
    monkeypatch.setattr(heats, "work", lambda candidate, examples: 1.0)
    track.pace = [1.0]  # 1.4 seconds a recipe of these two folds

    def begin(seconds, candidates=many):
        return heats.affordable(track, candidates, time.monotonic() + seconds)

    assert begin(5.1) == 0  # what is drawn may be slower than the default recipe
    assert begin(7 * 1.4 * heats.DRAWN + 0.1) == FAMILY
    track.enter(first(1))
    assert begin(7 * 1.4 + 0.1) == FAMILY
    assert begin(7 * 1.4 + 0.1, many[:6]) == 6  # no more are to begin
    assert begin(5.1) == FAMILY  # four on one fold, one of them on the other
    assert begin(4.9) == 0
    assert begin(100, []) == 0
    monkeypatch.setattr(heats, "work", lambda candidate, examples: 1.0 if candidate in many[:FAMILY] else 3.0)
    assert begin(9 * 1.4 + 0.1) == FAMILY  # the next family takes three times as long
    track.before = 5.0  # an earlier session has spent that
    assert begin(7 * 1.4 + 0.1, many[FAMILY:]) == 0


def test_rows_of_a_group_are_one_draw_for_the_error_of_a_difference():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(30), 50)
    errors, spread = [], []
    for _ in range(200):
        difference = rng.normal(size=30)[groups] + rng.normal(size=1500)
        mean, error = course.paired(difference, np.zeros(1500), np.ones(1500), groups)
        spread.append(mean)
        errors.append(error)
    assert np.mean(errors) == pytest.approx(np.std(spread), rel=0.15)
    assert course.paired(difference, np.zeros(1500), np.ones(1500))[1] < error / 3


def test_groups_go_into_what_a_race_tells(survey):
    frame, vote = survey
    few = np.arange(len(frame)) % 12
    found = short(frame, vote, groups=few, candidates=1, max_epochs=3).race_
    assert len(found.groups) == len(found.left_out)
    assert found.gain != replace(found, groups=None).gain
    assert found.gain[0] == replace(found, groups=None).gain[0]


def test_groups_of_rare_classes_are_dealt_without_strata():
    classes, groups = np.repeat(np.arange(12), 2), np.arange(24) % 12
    fold = deal(classes, groups, 3, np.random.default_rng(0))
    assert np.bincount(fold).tolist() == [8, 8, 8]
    assert all(len(set(fold[groups == group])) == 1 for group in range(12))


def test_noises_of_two_kinds_are_two_regularizers(survey):
    kinds = [kind_of(Noise("inputs", kind, 0.1)) for kind in ("gaussian", "masking")]
    assert kinds == ["Noise(inputs)", "Noise(inputs, masking)"]
    default, *_ = short(*survey, fixed=[Noise("inputs", "masking", 0.1)], candidates=1, max_epochs=1).race_.candidates
    assert set(kinds) <= set(map(kind_of, default.recipe.parts))


def test_many_rows_race_deep(survey, monkeypatch):
    monkeypatch.setattr(space, "MANY_ROWS", 500)
    drawn = short(*survey, candidates=19, folds=2, max_epochs=1).race_.candidates[3:]
    assert {one.design.hidden_layers for one in drawn} <= set(space.DEEP.shapes)
    assert {one.design.hidden_layers for one in drawn[: 2 * FAMILY]} == {(256, 256, 256)}
    openings = drawn[:FAMILY], drawn[FAMILY : 2 * FAMILY]
    assert [{one.design.numeric_embedding for one in family} for family in openings] == [
        {"periodic"},
        {"piecewise_linear"},
    ]
    assert all([type(part) for part in one.recipe.parts] == [Dropout, EarlyStopping] for one in drawn[: 2 * FAMILY])


@pytest.mark.parametrize("inputs", [1, 20, 1000])
def test_wide_networks_and_small_batches_are_expected_to_take_longer(inputs):
    examples = a_course().examples
    names = tuple(f"x{number}" for number in range(inputs))
    columns = replace(examples.columns, names=names, source=np.arange(inputs), indicator=np.zeros(inputs, dtype=bool))
    examples = replace(examples, columns=replace(columns, distinct=np.full(inputs, 9)))

    def work(**design):
        return space.work(replace(default, design=replace(default.design, **design)), examples)

    default = replace(first(1)[0], design=Design((128, 128), "relu", Binary(), batch_size=128))
    assert work(batch_size=32) == pytest.approx(2 * work())
    assert work(hidden_layers=(256, 256)) > 1.3 * work()
    wide = replace(default, design=replace(default.design, numeric_embedding="periodic"))
    assert space.network_weights(wide, examples) - space.network_weights(default, examples) == 8 * inputs * 128


@pytest.mark.parametrize("spread", [1e-8, 1.0, 1e6])
def test_r2_of_the_mean_is_zero_whatever_the_unit(spread):
    targets = spread * np.random.default_rng(0).normal(size=(200, 1))
    judge = judge_of(score_of("r2", "regression"), targets, np.ones(200))
    mean = np.full_like(targets, targets.mean())
    assert judge.value(mean, targets, np.ones(200)) == pytest.approx(0, abs=1e-9)


def test_an_output_that_is_constant_does_not_decide_a_race():
    targets = np.column_stack([np.random.default_rng(0).normal(size=200), np.ones(200)])
    judge = judge_of(score_of("r2", "regression"), targets, np.ones(200))
    assert judge.value(targets + np.array([0.0, 1e-3]), targets, np.ones(200)) == pytest.approx(1, abs=1e-5)


def test_members_that_count_several_times_are_computed_and_saved_once(survey, winner, tmp_path, monkeypatch):
    frame, _ = survey
    model = clone(winner)
    model.__dict__ |= winner.__dict__
    model.networks_ = winner.networks_[:3] * 20
    calls = []
    outputs = type(winner.networks_[0]).outputs
    monkeypatch.setattr(type(winner.networks_[0]), "outputs", lambda *given: calls.append(1) or outputs(*given))
    predicted = model.predict_proba(frame)
    assert len(calls) == 3
    again = dashpot.load(model.save(tmp_path / "m.dashpot"))
    assert len(again.networks_) == 60
    assert len({id(network) for network in again.networks_}) == 3
    np.testing.assert_array_equal(again.predict_proba(frame), predicted)


def test_two_outputs_of_one_name_are_refused_before_any_work(tmp_path):
    data = tmp_path / "survey.csv"
    data.write_text("x,y\n1,2\n")
    arguments = ["race", str(data), "-t", "y", "-o", str(tmp_path / "one"), "--table", str(tmp_path / "one")]
    done = CliRunner().invoke(command, arguments)
    assert isinstance(done.exception, UsageError) or done.exit_code == 2
    assert "named twice" in done.output + str(done.exception)


@pytest.mark.parametrize("candidates", [10.0, True, 0])
def test_candidates_are_a_whole_number(survey, candidates):
    with pytest.raises(UsageError, match="whole number of at least 1"):
        short(*survey, candidates=candidates)
