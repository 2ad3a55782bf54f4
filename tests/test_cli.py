"""The command line: what it writes, what it says when something is wrong, and how it leaves."""

import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import dashpot
from dashpot.cli import main
from dashpot.cli.progress import cut
from dashpot.datasets import anes96_path

SURVEY = str(anes96_path())


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder that the command runs in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(folder, capsys):
    """Run a command in this process; returns exit code, standard output and standard error."""

    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as end:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return end.value.code, captured.out, captured.err

    return run


def refused(outcome: tuple[int, str, str], code: int, *words: str) -> None:
    """One line on stderr with these words, this exit code, and not a traceback."""
    left_with, _, error = outcome
    assert left_with == code, error
    assert error.count("\n") == 1, error
    assert "Traceback" not in error
    assert all(word in error for word in words), error


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    """A small model of the bundled survey."""
    frame, vote = dashpot.load_anes96()
    path = tmp_path_factory.mktemp("model") / "vote.dashpot"
    dashpot.MLPClassifier(hidden_layers=(8,), max_epochs=3, regularizers=(), random_state=0).fit(frame, vote).save(path)
    return path


# ---- the main jobs


def test_without_a_command_the_help_is_shown(run):
    code, out, _ = run()
    assert code == 0
    assert all(name in out for name in ("demo", "compare", "fit", "predict"))


def test_fit_then_predict_gives_a_prediction_for_every_row_in_order(run, folder):
    assert run("fit", SURVEY, "--target", "vote", "-o", "vote.dashpot", "--epochs", "3", "--hidden", "8")[0] == 0
    code, out, _ = run("predict", "vote.dashpot", SURVEY, "-o", "predictions.csv", "--keep", "age")
    assert code == 0
    assert "944" in out
    table, frame = pd.read_csv("predictions.csv"), pd.read_csv(SURVEY)
    assert list(table.columns) == ["age", "prediction", "probability_Clinton", "probability_Dole"]
    assert (table["age"] == frame["age"]).all()
    np.testing.assert_allclose(table["probability_Clinton"] + table["probability_Dole"], 1, atol=1e-6)
    model = dashpot.load("vote.dashpot")
    assert (table["prediction"] == model.predict(frame.drop(columns="vote"))).all()


def test_fit_goes_on_from_a_checkpoint_and_refuses_that_of_another_training(run, folder):
    words = ["fit", SURVEY, "--target", "vote", "--epochs", "2", "--hidden", "4", "--checkpoint", "folder", "-o"]
    assert run(*words, "first")[0] == run(*words, "second")[0] == 0
    first, second = (zipfile.ZipFile(folder / name).read("weights.safetensors") for name in ("first", "second"))
    assert first == second
    refused(run(*words, "third", "--seed", "9"), 2, "'folder'", "another seed", "Choose another folder")
    assert not (folder / "third").exists()


def test_fit_of_amounts_predicts_amounts(run):
    assert run("fit", SURVEY, "--target", "age", "-o", "age.dashpot", "--epochs", "3", "--hidden", "8")[0] == 0
    assert run("predict", "age.dashpot", SURVEY, "-o", "ages.csv")[0] == 0
    table = pd.read_csv("ages.csv")
    assert list(table.columns) == ["prediction"]
    assert table["prediction"].between(10, 100).all()


def test_fit_trains_with_the_regularizers_asked_for(run):
    outcome = run(
        "fit",
        SURVEY,
        "-t",
        "vote",
        "-o",
        "m.dashpot",
        "--epochs",
        "2",
        "--with",
        "Dropout(0.3)",
        "--with",
        "L2(0.01)",
    )
    assert outcome[0] == 0
    assert repr(dashpot.load("m.dashpot").recipe_.parts) == "(Dropout(rate=0.3), L2(strength=0.01))"


def test_equal_seeds_give_equal_models(run):
    for name in ("first", "second"):
        assert (
            run(
                "fit",
                SURVEY,
                "-t",
                "vote",
                "-o",
                f"{name}.dashpot",
                "--epochs",
                "2",
                "--hidden",
                "8",
                "--seed",
                "7",
            )[0]
            == 0
        )
    frame = pd.read_csv(SURVEY)
    first, second = (dashpot.load(f"{name}.dashpot").predict_proba(frame) for name in ("first", "second"))
    assert (first == second).all()


def test_compare_writes_a_report_and_every_figure(run, folder):
    code, out, error = run(
        "compare",
        SURVEY,
        "--target",
        "vote",
        "--with",
        "L2(0.01)",
        "--splits",
        "2",
        "--epochs",
        "3",
        "--workers",
        "1",
    )
    assert code == 0, error
    assert "L2" in out
    assert str(folder / "report.html") in out.replace("\n", "")
    assert "L2" in Path("report.html").read_text(encoding="utf-8")
    assert {"split", "method", "metric", "value"} <= set(pd.read_csv("results.csv").columns)
    assert sorted(os.listdir()) == ["report.html", "results.csv", "run.toml"]


def test_no_progress_bar_where_nobody_watches(run):
    _, _, error = run(
        "compare",
        SURVEY,
        "-t",
        "vote",
        "--with",
        "L2(0.01)",
        "--splits",
        "2",
        "--epochs",
        "2",
        "--workers",
        "1",
    )
    assert error == ""


@pytest.mark.slow
def test_the_demo_runs_from_start_to_end(run, folder):
    code, out, _ = run("demo")
    assert code == 0
    assert out.startswith("944 voters")
    assert {path.name for path in (folder / "dashpot-demo").iterdir()} == {"report.html", "results.csv"}


# ---- wrong usage: 2


@pytest.mark.parametrize("command", ["compare", "fit"])
def test_an_unknown_target_is_answered_with_the_nearest_column(run, command, folder):
    more = ["-o", "m.dashpot"] if command == "fit" else []
    refused(run(command, SURVEY, "--target", "Votes", *more), 2, "--target", "'Votes'", "Did you mean 'vote'?")
    assert os.listdir() == []


def test_an_unknown_target_unlike_any_column_is_answered_with_the_columns(run):
    refused(run("compare", SURVEY, "--target", "xyzzy"), 2, "'xyzzy'", "'popul'")


@pytest.mark.parametrize("option", ["--weights", "--groups"])
def test_an_unknown_weight_or_group_column_is_named(run, option):
    refused(
        run("compare", SURVEY, "--target", "vote", option, "incme"),
        2,
        option,
        "'incme'",
        "Did you mean 'income'?",
    )


def test_one_column_cannot_play_two_roles(run):
    refused(run("compare", SURVEY, "--target", "vote", "--groups", "vote"), 2, "vote")


@pytest.mark.parametrize(
    "option",
    [
        ("--splits", "0"),
        ("--splits", "many"),
        ("--epochs", "-1"),
        ("--seed", "-1"),
        ("--workers", "0"),
        ("--hidden", "0"),
        ("--hidden", "8,x"),
        ("--metric", "nonsense"),
        ("--task", "nonsense"),
        ("--with", "Dropout(1.5)"),
        ("--with", "Dropuot(0.5)"),
        ("--with", "Dropout("),
        ("--with", "__import__('os').system('true')"),
        ("--nonsense", "1"),
    ],
    ids=" ".join,
)
def test_a_wrong_value_is_refused_in_one_line_with_nothing_written(run, option):
    refused(run("compare", SURVEY, "--target", "vote", *option), 2)
    assert os.listdir() == []


def test_a_misspelt_regularizer_is_answered_with_the_nearest(run):
    refused(run("compare", SURVEY, "-t", "vote", "--with", "Dropuot(0.5)"), 2, "Did you mean 'Dropout'?")


def test_a_misspelt_command_is_answered_with_the_nearest(run):
    refused(run("comapre", SURVEY), 2, "comapre", "compare")


def test_a_missing_option_is_named(run):
    refused(run("compare", SURVEY), 2, "--target")


@pytest.mark.parametrize("output", ["data.csv", "./data.csv", "link.csv"])
def test_the_input_is_never_overwritten(run, folder, output, model_file):
    Path("data.csv").write_bytes(anes96_path().read_bytes())
    Path("link.csv").symlink_to("data.csv")
    refused(run("predict", model_file, "data.csv", "-o", output), 2, Path(output).name)
    refused(run("fit", "data.csv", "-t", "vote", "-o", output), 2, Path(output).name)
    refused(run("compare", "data.csv", "-t", "vote", "--results", output), 2, Path(output).name)
    assert Path("data.csv").read_bytes() == anes96_path().read_bytes()


@pytest.mark.parametrize("output", ["nowhere/out.csv", "."])
def test_an_output_without_a_place_is_refused_before_any_work(run, output, model_file):
    refused(run("predict", model_file, SURVEY, "-o", output), 2)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_refused(run, folder):
    (folder / "closed").mkdir(mode=0o500)
    refused(run("compare", SURVEY, "-t", "vote", "--report", "closed/report.html"), 2, "closed")


def test_report_and_results_are_two_files(run):
    refused(run("compare", SURVEY, "-t", "vote", "--report", "x", "--results", "x"), 2, "x")


# ---- wrong data: 3


@pytest.mark.parametrize("name", ["missing.csv", "."])
def test_a_file_that_cannot_be_read_is_named(run, name):
    refused(run("compare", name, "--target", "vote"), 3, name)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
        b"vote,age\n",
        b"vote,age\nClinton,3\n",
    ],
    ids=["empty", "newline", "picture", "header only", "one row"],
)
def test_a_file_without_a_table_is_refused(run, content):
    Path("data.csv").write_bytes(content)
    code, _, error = run("compare", "data.csv", "--target", "vote")
    assert code in (2, 3)
    assert error.count("\n") == 1
    assert os.listdir() == ["data.csv"]


def test_one_class_is_refused(run):
    frame = pd.read_csv(SURVEY).assign(vote="Dole")
    frame.to_csv("data.csv", index=False)
    refused(run("compare", "data.csv", "-t", "vote"), 3, "one class", "vote")
    refused(run("fit", "data.csv", "-t", "vote", "-o", "m.dashpot"), 3, "vote")
    assert os.listdir() == ["data.csv"]


def test_a_missing_column_at_predict_is_named_and_nothing_is_written(run, model_file):
    pd.read_csv(SURVEY).drop(columns="PID").to_csv("new.csv", index=False)
    refused(run("predict", model_file, "new.csv", "-o", "out.csv"), 3, "PID")
    assert os.listdir() == ["new.csv"]


def test_reordered_and_additional_columns_at_predict_change_nothing(run, model_file):
    frame = pd.read_csv(SURVEY)
    frame[frame.columns[::-1]].assign(more="x").to_csv("new.csv", index=False)
    assert run("predict", model_file, "new.csv", "-o", "new-out.csv")[0] == 0
    assert run("predict", model_file, SURVEY, "-o", "out.csv")[0] == 0
    assert Path("new-out.csv").read_text() == Path("out.csv").read_text()


# ---- wrong model file: 4


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x80\x04K\x01."], ids=["empty", "torn zip", "pickle"])
def test_a_file_that_is_no_model_is_refused(run, content):
    Path("bad.dashpot").write_bytes(content)
    refused(run("predict", "bad.dashpot", SURVEY, "-o", "out.csv"), 4, "bad.dashpot")


def test_a_table_in_place_of_a_model_is_refused(run):
    refused(run("predict", SURVEY, SURVEY, "-o", "out.csv"), 4)


# ---- anything else


def test_something_unexpected_is_one_line_that_says_how_to_report_it(run, monkeypatch):
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("two\nlines")

    monkeypatch.setattr("dashpot.tables.read_table", broken)
    refused(run("compare", SURVEY, "-t", "vote"), 1, "RuntimeError: two lines", "dashpot --traceback compare")


def test_traceback_shows_the_traceback(monkeypatch):
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("whole")

    monkeypatch.setattr("dashpot.tables.read_table", broken)
    with pytest.raises(RuntimeError, match="whole"):
        main(["--traceback", "compare", SURVEY, "-t", "vote"])


def test_control_characters_of_a_column_do_not_reach_the_terminal(run):
    code, _, error = run("compare", SURVEY, "-t", "\x1b[31mvote\n\n")
    assert code == 2
    assert "\x1b" not in error


@pytest.mark.skipif(sys.platform == "win32", reason="sends a POSIX signal")
@pytest.mark.parametrize("sent", ["SIGINT", "SIGTERM"])
def test_ctrl_c_and_termination_leave_with_130_and_nothing_half_written(tmp_path, sent):
    heard = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"  # a shell's background ignores it
    command = [sys.executable, "-c", f"{heard}; from dashpot.cli import main; print('ready', flush=True); main()"]
    arguments = ["compare", SURVEY, "-t", "vote", "--epochs", "100000", "--splits", "50", "--workers", "1"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command + arguments, cwd=tmp_path, text=True, **pipes) as process:
        assert process.stdout.readline() == "ready\n"
        time.sleep(6)
        process.send_signal(getattr(signal, sent))
        try:
            _, error = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 130, error
    assert "Traceback" not in error
    assert os.listdir(tmp_path) == []


def test_a_table_that_goes_to_a_file_has_the_strengths_in_lines_that_are_whole(run):
    quick = ("--hidden", "4", "--epochs", "2", "--splits", "2")
    code, out, _ = run("compare", SURVEY, "-t", "vote", *quick)
    assert code == 0
    lines = [line.split() for line in out.splitlines()]
    assert any(line[0:1] == ["Regularizer"] and line[-1] == "Strength" for line in lines)
    assert any(line[:1] == ["Dropout"] and "rate" in line for line in lines)


def test_news_beside_the_progress_are_cut_where_there_is_no_room():
    assert cut("Dropout leads (gain +0.056)", 40) == "Dropout leads (gain +0.056)"
    assert cut("Dropout leads (gain +0.056)", 14) == "Dropout leads…"
    assert cut("Dropout leads (gain +0.056)", -3) == ""


def test_kept_columns_are_neither_overwritten_nor_rounded(run, folder, model_file):
    rows = dashpot.load_anes96()[0].head(3)
    kept = rows.assign(id=[12345678901234567, 2, 3], prediction="mine", probability_Dole=0, probability_Dole_data=1)
    kept.to_csv("new.csv", index=False)
    names = ["prediction", "probability_Dole", "probability_Dole_data", "id", "id"]
    code, _, error = run(
        "predict", model_file, "new.csv", "-o", "out.csv", *(w for name in names for w in ("--keep", name))
    )
    assert code == 0, error
    found = pd.read_csv("out.csv")
    assert found["prediction_data"].tolist() == ["mine"] * 3
    assert found["probability_Dole_data_data"].tolist() == [0] * 3
    assert found["probability_Dole_data"].tolist() == [1] * 3
    assert found["id"].tolist() == [12345678901234567, 2, 3]
    assert set(found["prediction"]) <= {"Clinton", "Dole"}
    assert found.columns.is_unique


@pytest.mark.parametrize(
    ("command", "option"),
    [
        (("predict", "model"), "-o"),
        (("detect",), "-o"),
        (("embed",), "--codes"),
        (("denoise", "--learn-from", SURVEY), "-o"),
        (("race", "--target", "vote", "-o", "m.dashpot"), "--table"),
        (("compare", "--target", "vote"), "--results"),
    ],
)
def test_a_table_of_another_suffix_is_refused_before_any_work(run, folder, command, option):
    refused(run(*command, SURVEY, option, "out.xlsx"), 2, "out.xlsx: the suffix is '.xlsx'. Choose .csv")
    assert not list(folder.iterdir())
