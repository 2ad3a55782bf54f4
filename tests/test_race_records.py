"""A race on disk: it goes on after Ctrl-C or a kill, and refuses folders that are not its own."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

import dashpot
from dashpot import race
from dashpot.cli import dashpot as command
from dashpot.errors import ModelFileError, UsageError
from dashpot.races import course, space


@pytest.fixture(scope="module")
def survey():
    """Half of the bundled survey."""
    frame, vote = dashpot.load_anes96()
    return frame[:400], vote[:400]


def short(survey, **options):
    """A race that ends in seconds."""
    return race(*survey, **({"budget": None, "candidates": 9, "folds": 3, "max_epochs": 8} | options))


def killed_after(monkeypatch, calls, how=RuntimeError):
    """From now on the race is killed after so many trainings."""
    real, done = course.train, []

    def training(examples, jobs, **options):
        if len(done) == calls:
            raise how("killed")
        done.append(len(jobs))
        return real(examples, jobs, **options)

    monkeypatch.setattr(course, "train", training)
    return done


@pytest.mark.parametrize("calls", [0, 1, 2, 3, 4])
def test_a_race_that_was_killed_comes_to_the_very_same_result(survey, tmp_path, monkeypatch, calls):
    whole = short(survey)
    with monkeypatch.context() as patch:
        killed_after(patch, calls)
        with pytest.raises(RuntimeError, match="killed"):
            short(survey, checkpoint=tmp_path / "race")
    done = killed_after(monkeypatch, 99)
    again = short(survey, checkpoint=tmp_path / "race")
    assert len(done) == 5 - calls
    np.testing.assert_array_equal(again.race_.losses, whole.race_.losses)
    np.testing.assert_array_equal(again.race_.weights, whole.race_.weights)
    np.testing.assert_array_equal(again.predict_proba(survey[0]), whole.predict_proba(survey[0]))
    assert again.history_ == whole.history_


def test_a_race_that_ctrl_c_ended_goes_on(survey, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        killed_after(patch, 4, KeyboardInterrupt)
        assert short(survey, checkpoint=tmp_path / "race").race_.interrupted
    again = short(survey, checkpoint=tmp_path / "race")
    assert not again.race_.interrupted
    np.testing.assert_array_equal(again.race_.losses, short(survey).race_.losses)


def test_a_race_that_is_whole_trains_nothing_and_may_be_given_more_candidates(survey, tmp_path, monkeypatch):
    first = short(survey, checkpoint=tmp_path / "race")
    done = killed_after(monkeypatch, 99)
    short(survey, checkpoint=tmp_path / "race")
    assert not done
    more = short(survey, checkpoint=tmp_path / "race", candidates=13)
    assert done[0] == 4
    np.testing.assert_array_equal(more.race_.losses[0], first.race_.losses[0])


def test_time_that_was_spent_before_counts(survey, tmp_path, monkeypatch):
    short(survey, checkpoint=tmp_path / "race")
    for path in (tmp_path / "race").glob("run-*"):
        _change(path, lambda text: text.replace('"seconds": {"0": ', '"seconds": {"0": 999'))
    done = killed_after(monkeypatch, 99)
    found = short(survey, checkpoint=tmp_path / "race", budget=60.0, candidates=None).race_
    assert not done
    assert len(found.candidates) == 1  # of the default recipe's
    assert found.seconds > 4 * 9990  # three folds, and the default ensemble


def _change(path, change):
    """Rewrite what a safetensors file says about itself."""
    content = path.read_bytes()
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    header["__metadata__"]["run"] = change(header["__metadata__"]["run"])
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + content[8 + size :])


@pytest.mark.parametrize("other", [{"random_state": 1}, {"metric": "accuracy"}, {"folds": 2}, {"max_epochs": 7}])
def test_the_folder_of_another_call_is_refused_in_one_line(survey, tmp_path, other):
    short(survey, checkpoint=tmp_path / "race", candidates=1)
    with pytest.raises(UsageError, match="a race of other data, settings or seed") as caught:
        short(survey, checkpoint=tmp_path / "race", candidates=1, **other)
    assert "\n" not in str(caught.value)


def test_a_folder_is_refused_where_candidates_are_drawn_from_other_ranges(survey, tmp_path, monkeypatch):
    short(survey, checkpoint=tmp_path / "race", candidates=1)
    monkeypatch.setattr(space, "DECAY", space.LEARNING_RATE)
    with pytest.raises(UsageError, match="a race of other data, settings or seed"):
        short(survey, checkpoint=tmp_path / "race", candidates=1)


def test_other_rows_and_a_folder_with_something_else_are_refused(survey, tmp_path):
    short(survey, checkpoint=tmp_path / "race", candidates=1)
    with pytest.raises(UsageError, match="other data"):
        short((survey[0][1:], survey[1][1:]), checkpoint=tmp_path / "race", candidates=1)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "letter.txt").write_text("dear")
    with pytest.raises(UsageError, match="something else"):
        short(survey, checkpoint=tmp_path / "other", candidates=1)
    with pytest.raises(UsageError, match="Choose a folder"):
        short(survey, checkpoint=tmp_path / "other" / "letter.txt", candidates=1)


@pytest.mark.parametrize("damage", [b"", b"\x00" * 40, b'{"run": 1}'])
def test_a_damaged_file_is_refused_in_one_line_and_may_be_deleted(survey, tmp_path, damage):
    whole = short(survey, checkpoint=tmp_path / "race", candidates=1)
    path = tmp_path / "race" / "run-00001.safetensors"
    path.write_bytes(damage)
    with pytest.raises(ModelFileError, match=r"run-00001.safetensors is damaged. Delete it") as caught:
        short(survey, checkpoint=tmp_path / "race", candidates=1)
    assert "\n" not in str(caught.value)
    path.unlink()
    again = short(survey, checkpoint=tmp_path / "race", candidates=1)
    np.testing.assert_array_equal(again.race_.losses, whole.race_.losses)


def test_nothing_in_the_folder_is_a_pickle(survey, tmp_path):
    short(survey, checkpoint=tmp_path / "race", candidates=1)
    assert {one.suffix for one in (tmp_path / "race").iterdir()} == {".json", ".safetensors"}


def test_the_command_goes_on_where_it_was(survey, tmp_path, monkeypatch):
    frame, vote = survey
    data, folder = tmp_path / "survey.csv", tmp_path / "race"
    frame.assign(vote=vote).head(150).to_csv(data, index=False)
    arguments = ["race", str(data), "-t", "vote", "-o", str(tmp_path / "m.dashpot"), "--candidates", "1"]
    first = CliRunner().invoke(command, [*arguments, "--checkpoint", str(folder)], catch_exceptions=False)
    assert first.exit_code == 0
    done = killed_after(monkeypatch, 99)
    again = CliRunner().invoke(command, [*arguments, "--checkpoint", str(folder)], catch_exceptions=False)
    assert again.exit_code == 0
    assert not done
    refused = CliRunner().invoke(command, [*arguments, "--checkpoint", str(folder), "--seed", "3"])
    assert isinstance(refused.exception, SystemExit | UsageError)


def test_a_race_that_was_killed_twice_keeps_what_both_sessions_trained(survey, tmp_path, monkeypatch):
    for calls in (2, 2):
        with monkeypatch.context() as patch:
            killed_after(patch, calls)
            with pytest.raises(RuntimeError, match="killed"):
                short(survey, checkpoint=tmp_path / "race")
    done = killed_after(monkeypatch, 99)
    short(survey, checkpoint=tmp_path / "race")
    assert len(done) == 5 - 4
