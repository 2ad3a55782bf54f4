"""Averages of weights, and what early stopping may watch."""

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from dashpot import EarlyStopping, MLPClassifier, MLPRegressor, MovingAverage, WeightAverage, load_anes96
from dashpot.errors import UsageError
from dashpot.optimizers import AdamW
from dashpot.regularizers.base import Epoch


def walk(steps=30):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(steps, 2, 5, generator=generator).cumsum(0)


def test_the_moving_average_is_that_of_torch_once_warm():
    """Both begin with the same average; from there on the formula is the same."""
    weights, average = walk(), MovingAverage(0.8)
    model = torch.nn.Linear(5, 2, bias=False)
    peer = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.8))
    memory = {"average": weights[0].clone(), "steps": torch.full((2,), 1000.0)}
    for step in weights:
        with torch.no_grad():
            model.weight.copy_(step)
        peer.update_parameters(model)
        memory = memory if torch.equal(step, weights[0]) else average.end_step(memory, step)
    torch.testing.assert_close(memory["average"], peer.module.weight.detach())


def test_the_plain_average_is_the_mean_of_the_epochs_from_its_start():
    weights, average = walk(), WeightAverage(start=11)
    memory = average.begin(weights[0])
    for number, step in enumerate(weights, start=1):
        shown = average.shown(memory, step)
        torch.testing.assert_close(shown, step if number < 11 else weights[10:number].mean(0))
        memory, _ = average.end_epoch(memory, Epoch(torch.full((2,), number), {}, shown))


def test_the_plain_average_is_that_of_torch():
    weights, average = walk(), WeightAverage(start=11)
    model = torch.nn.Linear(5, 2, bias=False)
    peer = AveragedModel(model)
    memory = average.begin(weights[0])
    for number, step in enumerate(weights, start=1):
        if number >= 11:
            with torch.no_grad():
                model.weight.copy_(step)
            peer.update_parameters(model)
        shown = average.shown(memory, step)
        memory, _ = average.end_epoch(memory, Epoch(torch.full((2,), number), {}, shown))
    torch.testing.assert_close(shown, peer.module.weight.detach())


@pytest.mark.parametrize("average", [MovingAverage(0.95), WeightAverage(2)])
def test_averages_and_early_stopping_work_together_in_any_order(average):
    frame, vote = load_anes96()
    settings = {"hidden_layers": (16,), "max_epochs": 40, "random_state": 0, "optimizer": AdamW(0.01)}
    first = MLPClassifier(regularizers=(average, EarlyStopping(patience=5)), **settings).fit(frame, vote)
    second = MLPClassifier(regularizers=(EarlyStopping(patience=5), average), **settings).fit(frame, vote)
    np.testing.assert_array_equal(first.predict_proba(frame), second.predict_proba(frame))
    network = first.networks_[0]
    kept = network.best_epoch or network.epochs
    assert network.history["validation_loss"][kept - 1] == min(network.history["validation_loss"])
    plain = MLPClassifier(regularizers=EarlyStopping(patience=5), **settings).fit(frame, vote)
    assert network.history["validation_loss"] != plain.networks_[0].history["validation_loss"]


def test_any_score_of_scikit_learn_may_be_watched():
    frame, vote = load_anes96()
    halves = frame[:600], vote[:600], frame[600:], vote[600:]
    seen = []
    for epochs in range(1, 13):
        model = MLPClassifier((8,), regularizers=(), max_epochs=epochs, random_state=0, optimizer=AdamW(0.02))
        model.fit(*halves[:2])
        seen.append(roc_auc_score(halves[3], model.predict_proba(halves[2])[:, 1]))
    stopping = EarlyStopping("roc_auc", patience=20)
    model = MLPClassifier((8,), regularizers=stopping, max_epochs=12, random_state=0, optimizer=AdamW(0.02))
    model.fit(*halves[:2], validation=halves[2:])
    assert roc_auc_score(halves[3], model.predict_proba(halves[2])[:, 1]) == pytest.approx(max(seen), abs=1e-6)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 3))
    MLPRegressor((4,), regularizers=EarlyStopping("r2", patience=3), max_epochs=9).fit(X, X[:, 0])


def test_an_unknown_score_is_refused_with_a_hint():
    with pytest.raises(UsageError, match="roc_auc"):
        EarlyStopping("roc_acu")


def scores(stopping, values):
    """The best epoch, and after how many a network stops."""
    memory = stopping.begin(torch.zeros(1, 1))
    for number, value in enumerate(values, start=1):
        epoch = Epoch(torch.tensor([number]), {"loss": torch.tensor([value])}, torch.ones(1, 1))
        memory, stopped = stopping.end_epoch(memory, epoch)
        if bool(stopped):
            break
    return int(memory["best_epoch"]), number


def test_epochs_before_the_start_do_not_count():
    falling = [0.1, 5.0, 4.0, 3.0, 3.5, 3.5, 3.5]
    assert scores(EarlyStopping(patience=2), falling) == (1, 3)
    assert scores(EarlyStopping(patience=2, start_epoch=1), falling) == (4, 6)


def test_smoothing_looks_past_a_lucky_epoch():
    noisy = [1.0, 0.9, 0.2, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4]
    assert scores(EarlyStopping(patience=4), noisy) == (3, 7)
    assert scores(EarlyStopping(patience=4, smoothing=0.8), noisy)[1] == 9
