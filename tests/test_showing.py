"""Pictures of what a regularizer does: by its hooks, on real data."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_digits

import dashpot
from dashpot import SMOTE, DataError, Dropout, Ensemble, Recipe, Regularizer, Rotate, UsageError, show
from dashpot.cli import main
from dashpot.regularizers import parse


def titles(figure):
    return [axes.get_title() for axes in figure.axes]


@pytest.mark.parametrize(
    ("call", "first"),
    [
        ("L1(0.003)", "Trained weights"),
        ("Activity(0.01)", "Units of the first hidden layer"),
        ("Dropout(0.5)", "Units of the first hidden layer"),
        ("DropConnect(0.3)", "Weights of the first layer"),
        ("Noise('inputs')", "Rows of a batch"),
        ("Noise('weights')", "Weights of the first layer"),
        ("Noise('labels')", "Rows of a batch"),
        ("Mixup(0.5)", "Rows of a batch"),
        ("Adversarial(0.2)", "Rows of a batch"),
        ("Rotate", "Pictures as they came"),
        ("SMOTE", "Rows"),
        ("BalancedBatches", "Batches of an epoch"),
        ("Ensemble(2)", "Networks averaged"),
        ("Zero", "First weights"),
        ("EarlyStopping(patience=2)", "Learning curves"),
    ],
)
def test_each_moment_of_a_networks_life_has_its_picture(call, first):
    drawn = titles(show(parse(call), epochs=4))
    assert drawn[0] == first
    assert drawn[-1] == "Learning curves"


def test_a_regularizer_of_ones_own_has_its_picture():
    @dataclass(frozen=True)
    class Halved(Regularizer):
        share: float = 0.5
        off: ClassVar = {"share": 0.0}

        def perturb_units(self, units, depth, rng):
            return units * (1 - self.share) if depth == 1 else units

    assert titles(show(Halved(), epochs=2))[0] == "Units of the first hidden layer"


def test_amounts_and_pictures_of_ones_own_are_fine():
    diabetes, digits = load_diabetes(), load_digits()
    assert titles(show(Dropout(0.5), diabetes.data, diabetes.target, epochs=2))[-1] == "Learning curves"
    figure = show(Rotate(), digits.data[:300], digits.target[:300], image_shape=(8, 8), epochs=2)
    assert titles(figure)[0] == "Pictures as they came"


def test_data_are_not_changed():
    frame, vote = dashpot.load_anes96()
    before = frame.copy()
    show(SMOTE(), frame, vote, epochs=2)
    assert frame.equals(before)


@pytest.mark.parametrize("asked", [Recipe((Dropout(),)), "Dropout"])
def test_one_regularizer_is_shown_at_a_time(asked):
    with pytest.raises(UsageError, match="pass one regularizer"):
        show(asked)


def test_a_table_needs_its_target():
    with pytest.raises(UsageError, match="belong together"):
        show(Ensemble(2), np.zeros((5, 2)))


@pytest.mark.parametrize(("rows", "words"), [(5, "at least 20 rows"), (30, "row 3 is missing")])
def test_too_few_rows_and_missing_targets_are_named(rows, words):
    y = np.array(["a", "b"] * rows, dtype=object)[:rows]
    y[2] = None
    with pytest.raises(DataError, match=words):
        show(Dropout(), np.random.default_rng(0).normal(size=(rows, 2)), y)


def test_the_command_draws_and_refuses_in_one_line(tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["show", "L2(0.01)", "--epochs", "2", "-o", str(tmp_path / "l2.png")])
    assert stop.value.code == 0
    assert (tmp_path / "l2.png").read_bytes()[:4] == b"\x89PNG"
    with pytest.raises(SystemExit) as stop:
        main(["show", "Dropuot", "-o", str(tmp_path / "no.png")])
    assert stop.value.code == 2
    assert "Did you mean 'Dropout'" in capsys.readouterr().err
    assert not (tmp_path / "no.png").exists()
