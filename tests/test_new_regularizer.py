"""A regularizer of one's own, fifteen lines in one file: laws, command line, report, search space, picture."""

import importlib.util
import sys
from dataclasses import dataclass

import pytest
import test_laws as laws
import torch

import dashpot
from dashpot import MLPClassifier, UsageError, compare, load, load_anes96
from dashpot.cli import main
from dashpot.regularizers import Regularizer, parse

FILE = '''
from dataclasses import dataclass
from dashpot.regularizers.base import Range, Regularizer, spread

@dataclass(frozen=True)
class Shrink(Regularizer):
    """Multiply hidden units by 1 - share in training (0 is off). Parameters: share : float, default 0.2.

    References: this file. >>> Shrink(0.5)
    """

    share: float = 0.2
    off = {"share": 0.0}
    ranges = {"share": Range(0.1, 0.5, "linear")}

    def perturb_units(self, units, depth, rng):
        return units if depth == 0 else units * (1 - spread(self.share, units))
'''


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "shrinking.py"
    path.write_text(FILE)
    yield path
    sys.modules.pop("shrinking", None)


@pytest.fixture
def shrink(file):
    found = importlib.util.spec_from_file_location("shrinking", file)
    module = importlib.util.module_from_spec(found)
    sys.modules["shrinking"] = module
    found.loader.exec_module(module)
    return module.Shrink


def test_it_is_fifteen_lines():
    assert len([line for line in FILE.splitlines() if line.strip()]) <= 15


def test_the_laws_hold_for_it(shrink, monkeypatch, tmp_path):
    strong = shrink.grid()[-1]
    for law in (
        laws.test_off_means_off,
        laws.test_networks_in_a_stack_do_not_touch,
        laws.test_hooks_are_pure,
        laws.test_text_pickle_and_copy_give_it_back,
        laws.test_it_does_something,
        laws.test_validation_rows_are_seen_by_no_augmentation,
    ):
        law(strong)
    laws.test_shapes_dtype_and_device_are_kept(strong, torch.float64)
    with monkeypatch.context() as patch:
        laws.test_prediction_calls_no_hook(strong, patch)
    with monkeypatch.context() as patch:
        laws.test_a_training_that_was_killed_goes_on_to_the_same_networks(strong, patch, tmp_path)


def test_it_has_text_search_space_and_a_place_in_model_files(shrink, tmp_path):
    assert parse("Shrink(0.3)") == shrink(0.3)
    assert [one.share for one in shrink.grid()] == [0.1, 0.3, 0.5]
    frame, vote = load_anes96()
    model = MLPClassifier((8,), regularizers=[shrink(0.3)], max_epochs=2, random_state=0).fit(frame, vote)
    assert load(model.save(tmp_path / "model.dashpot")).recipe_.parts == (shrink(0.3),)


def test_a_class_of_ones_own_takes_no_public_name():
    @dataclass(frozen=True)
    class Dropout(Regularizer):
        rate: float = 0.9

    assert parse("Dropout(0.3)") == dashpot.Dropout(0.3)
    assert not isinstance(parse("Dropout(0.3)"), Dropout)


def test_it_has_its_line_in_a_report_and_its_picture(shrink, tmp_path):
    frame, vote = load_anes96()
    study = compare(frame, vote, regularizers=[shrink(0.3)], splits=3, epochs=2, random_state=0)
    assert "Shrink" in study.report(tmp_path / "report.html").read_text()
    assert dashpot.show(shrink(0.5), epochs=2).axes[0].get_title() == "Units of the first hidden layer"


def test_the_command_line_knows_it(file, tmp_path, capsys):
    call = ["--plugin", str(file), "show", "Shrink(0.3)", "--epochs", "2", "-o", str(tmp_path / "shrink.png")]
    with pytest.raises(SystemExit) as stop:
        main(call)
    assert stop.value.code == 0
    assert (tmp_path / "shrink.png").exists()
    file.write_text("raise RuntimeError('no')")
    with pytest.raises(SystemExit) as stop:
        main(call)
    assert stop.value.code == UsageError.exit_code
    assert capsys.readouterr().err.count("\n") == 1
