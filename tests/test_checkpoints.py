"""A training that is killed goes on where it was: the same networks, to the last bit."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dashpot import (
    SMOTE,
    DataError,
    Dropout,
    EarlyStopping,
    Ensemble,
    MLPClassifier,
    MLPRegressor,
    ModelFileError,
    Noise,
    UsageError,
    checkpoints,
    load_anes96,
)
from dashpot.checkpoints import Checkpoints
from dashpot.optimizers import SGD

RECIPE = (SMOTE(), Dropout(0.2), Noise("inputs"), EarlyStopping(patience=4), Ensemble(5, bootstrap=True))
SETTINGS = {"hidden_layers": (9,), "regularizers": RECIPE, "max_epochs": 12, "random_state": 3, "workers": 1}

KILLED = """
import os, signal, sys
from dashpot import *
from dashpot import checkpoints
checkpoints.SECONDS, checkpoints.LARGEST_SHARE, written = 0.0, 1e9, []
keep = checkpoints.Checkpoints.keep

def keep_and_die(self, stack, name):
    keep(self, stack, name)
    written.append(name)
    if len(written) == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)

checkpoints.Checkpoints.keep = keep_and_die
MLPClassifier(**{settings}).fit(*load_anes96(), checkpoint=sys.argv[1])
"""


@pytest.fixture
def often(monkeypatch):
    """Every epoch is written."""
    monkeypatch.setattr(checkpoints, "SECONDS", 0.0)
    monkeypatch.setattr(checkpoints, "LARGEST_SHARE", 1e9)


def stopped_fit(monkeypatch, count, model, X, y, folder):
    """A fit that ends as by Ctrl-C, after some writings."""
    with monkeypatch.context() as patched:
        stop_after(patched, count)
        with pytest.raises(KeyboardInterrupt):
            model.fit(X, y, checkpoint=folder)


def stop_after(monkeypatch, count):
    """End the training as Ctrl-C would, after some writings; gives how many there were."""
    keep, written = Checkpoints.keep, []

    def keep_and_stop(self, stack, name):
        keep(self, stack, name)
        written.append((name, stack.epoch))
        if len(written) == count:
            raise KeyboardInterrupt

    monkeypatch.setattr(Checkpoints, "keep", keep_and_stop)
    return written


def assert_same(first, second):
    assert len(first.networks_) == len(second.networks_)
    for one, other in zip(first.networks_, second.networks_, strict=True):
        for (w, b), (v, c) in zip(one.layers, other.layers, strict=True):
            np.testing.assert_array_equal(w, v)
            np.testing.assert_array_equal(b, c)
        for a, b in zip(one.scaling(), other.scaling(), strict=True):
            np.testing.assert_array_equal(a, b)
        np.testing.assert_equal(one.history, other.history)
        assert (one.epochs, one.best_epoch, one.diverged) == (other.epochs, other.best_epoch, other.diverged)


@pytest.mark.parametrize("writings", [1, 7])
def test_a_killed_fit_goes_on_to_the_same_networks(tmp_path, writings):
    folder = tmp_path / "training"
    script = KILLED.replace("{settings}", repr(SETTINGS))
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(checkpoints.__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", script, str(folder), str(writings)], env=environment, check=False)
    assert done.returncode == -signal.SIGKILL
    assert sorted(path.suffix for path in folder.iterdir()) == [".json", ".safetensors"]
    whole = MLPClassifier(**SETTINGS).fit(*load_anes96())
    assert_same(MLPClassifier(**SETTINGS).fit(*load_anes96(), checkpoint=folder), whole)


def test_resuming_trains_only_what_is_left(tmp_path, monkeypatch, often):
    X, y = load_anes96()
    settings = SETTINGS | {"regularizers": (Ensemble(2),), "optimizer": SGD(0.01), "tolerance": 0.0}
    stopped_fit(monkeypatch, 9, MLPClassifier(**settings), X, y, tmp_path)
    with monkeypatch.context() as patched:
        later = stop_after(patched, 99)
        resumed = MLPClassifier(**settings).fit(X, y, checkpoint=tmp_path)
        assert [epoch for _, epoch in later] == [10, 11, 12]
        again = MLPClassifier(**settings).fit(X, y, checkpoint=tmp_path)
        assert len(later) == 3
    assert_same(resumed, again)
    assert_same(resumed, MLPClassifier(**settings).fit(X, y))


def test_resuming_may_use_other_workers_and_finds_its_stacks(tmp_path, monkeypatch, often):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(300, 6)), rng.normal(size=300)
    settings = {"hidden_layers": (256, 256), "regularizers": (Ensemble(12),), "max_epochs": 3, "random_state": 1}
    stopped_fit(monkeypatch, 2, MLPRegressor(**settings, workers=1), X, y, tmp_path)
    resumed = MLPRegressor(**settings, workers=2).fit(X, y, checkpoint=tmp_path)
    assert_same(resumed, MLPRegressor(**settings, workers=2).fit(X, y))


def test_a_training_that_diverges_goes_on_too(tmp_path, monkeypatch, often):
    X, y = np.random.default_rng(0).normal(size=(60, 3)), np.arange(60.0)
    settings = {"hidden_layers": (8,), "regularizers": (Ensemble(2),), "max_epochs": 6, "random_state": 1, "workers": 1}
    settings |= {"optimizer": SGD(1e9), "activation": "identity"}
    stopped_fit(monkeypatch, 1, MLPRegressor(**settings), X, y, tmp_path)
    with pytest.warns(match="diverged"):
        resumed = MLPRegressor(**settings).fit(X, y, checkpoint=tmp_path)
    with pytest.warns(match="diverged"):
        assert_same(resumed, MLPRegressor(**settings).fit(X, y))


@pytest.mark.parametrize(
    "change",
    [{"random_state": 4}, {"max_epochs": 13}, {"regularizers": (Dropout(0.2),)}, {"hidden_layers": (8,)}, "rows"],
)
def test_another_training_is_refused(tmp_path, change):
    X, y = load_anes96()
    settings = SETTINGS | {"max_epochs": 2}
    MLPClassifier(**settings).fit(X, y, checkpoint=tmp_path)
    rows = slice(1 if change == "rows" else 0, None)
    other = MLPClassifier(**settings | (change if isinstance(change, dict) else {}))
    with pytest.raises(UsageError, match="other data, another recipe or another seed"):
        other.fit(X[rows], y[rows], checkpoint=tmp_path)


def test_a_training_without_a_seed_is_refused(tmp_path):
    with pytest.raises(UsageError, match="random_state"):
        MLPClassifier(**SETTINGS | {"random_state": None}).fit(*load_anes96(), checkpoint=tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="Choose a folder"):
        MLPClassifier(**SETTINGS).fit(*load_anes96(), checkpoint=tmp_path / "file" / "folder")


@pytest.mark.parametrize("damage", ["cut", "empty", "pickle", "shapes", "json", "format"])
def test_what_is_damaged_is_refused_in_one_line(tmp_path, damage):
    settings = SETTINGS | {"max_epochs": 2}
    MLPClassifier(**settings).fit(*load_anes96(), checkpoint=tmp_path)
    file = min(tmp_path.glob("*.safetensors"))
    plan = tmp_path / "training.json"
    if damage == "cut":
        file.write_bytes(file.read_bytes()[:-100])
    elif damage == "empty":
        file.write_bytes(b"")
    elif damage == "pickle":
        import pickle

        file.write_bytes(pickle.dumps(DataError("hello")))
    elif damage == "shapes":
        from safetensors.numpy import load, save

        tensors = {name: array[:1] for name, array in load(file.read_bytes()).items()}
        file.write_bytes(save(tensors, {"stack": "{}"}))
    elif damage == "json":
        plan.write_text(plan.read_text()[:-9])
    else:
        plan.write_text(json.dumps(json.loads(plan.read_text()) | {"format": 99}))
    with pytest.raises(ModelFileError, match="damaged or of another version") as refused:
        MLPClassifier(**settings).fit(*load_anes96(), checkpoint=tmp_path)
    assert "\n" not in str(refused.value)


def test_a_short_training_is_written_once_at_its_end(tmp_path, monkeypatch):
    written = stop_after(monkeypatch, 99)
    MLPClassifier(**SETTINGS | {"regularizers": (), "max_epochs": 2}).fit(*load_anes96(), checkpoint=tmp_path)
    assert [epoch for _, epoch in written] == [2]
