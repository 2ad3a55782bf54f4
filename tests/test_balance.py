"""Balanced training and true probabilities; rows that are made; members that see some columns."""

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, log_loss

from dashpot import (
    ADASYN,
    SMOTE,
    BalancedBatches,
    BorderlineSMOTE,
    Ensemble,
    MLPClassifier,
    Oversample,
    Resample,
    Undersample,
    UsageError,
)
from dashpot.jobs import Examples, Sample
from dashpot.losses import Binary, CrossEntropy
from dashpot.optimizers import AdamW
from dashpot.tables.encode import Inputs


def rare(rows=3000, seed=0, classes=2):
    """The last class is rare and overlaps with the first."""
    rng = np.random.default_rng(seed)
    y = rng.choice(classes, rows, p=[0.9, 0.1] if classes == 2 else [0.7, 0.22, 0.08])
    return rng.normal(size=(rows, 3)) + y[:, None] * [1.0, 0.5, 0.0], y


SETTINGS = {"hidden_layers": (16,), "max_epochs": 25, "random_state": 0, "optimizer": AdamW(0.01, schedule="cosine")}
BALANCERS = [Oversample(), Undersample(), SMOTE(), BalancedBatches(), BalancedBatches(0.5)]


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("balancer", BALANCERS, ids=repr)
def test_probabilities_keep_to_the_true_shares(balancer, classes):
    (X, y), (X_new, y_new) = rare(classes=classes), rare(seed=1, classes=classes)
    model = MLPClassifier(regularizers=balancer, **SETTINGS).fit(X, y)
    found = model.predict_proba(X_new)
    np.testing.assert_allclose(found.mean(0), np.bincount(y_new) / len(y_new), atol=0.035)
    plain = log_loss(y_new, MLPClassifier(regularizers=(), **SETTINGS).fit(X, y).predict_proba(X_new))
    assert log_loss(y_new, found) < plain + 0.03
    shifted = type(balancer)(**{**vars(balancer), "corrected": False})
    unbalanced = MLPClassifier(regularizers=shifted, **SETTINGS).fit(X, y)
    assert unbalanced.predict_proba(X_new)[:, -1].mean() > 1.5 * found[:, -1].mean()
    assert log_loss(y_new, unbalanced.predict_proba(X_new)) > log_loss(y_new, found)
    assert balanced_accuracy_score(y_new, unbalanced.predict(X_new)) > balanced_accuracy_score(
        y_new, model.predict(X_new)
    )


def test_weights_of_rows_count_for_the_true_shares():
    X, y = rare()
    weights = np.where(y == 1, 3.0, 1.0)
    model = MLPClassifier(regularizers=Oversample(), **SETTINGS).fit(X, y, sample_weight=weights)
    expected = weights[y == 1].sum() / weights.sum()
    assert np.average(model.predict_proba(X)[:, 1], weights=weights) == pytest.approx(expected, abs=0.03)


def sample_of(y, indicator=False, seed=0):
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(len(y), 4)).astype(np.float32) + y[:, None]
    flags = np.array([False, False, indicator, indicator])
    if indicator:
        inputs[:, 2] = rng.random(len(y)) < 0.5
        inputs[:, 3] = 1 - inputs[:, 2]
    columns = Inputs(("a", "b", "c=0", "c=1"), np.array([0, 1, 2, 2]), flags)
    return Sample(Examples(inputs, y, columns), np.arange(len(y)))


def test_batches_are_balanced_and_all_rows_have_their_turn():
    y = np.repeat([0, 1], [180, 20])
    batches, sample = BalancedBatches(), sample_of(y)
    seen = set()
    for epoch in range(12):
        order = batches.order(sample, np.random.default_rng(epoch))
        assert len(order) == len(y)
        for batch in y[order].reshape(5, 40):
            assert batch.sum() == pytest.approx(20, abs=2)
        seen |= set(order.tolist())
    assert len(seen) == len(y)


@pytest.mark.parametrize("maker", [SMOTE(), BorderlineSMOTE(), ADASYN()], ids=repr)
@pytest.mark.parametrize("indicator", [False, True])
def test_made_rows_are_of_the_rare_class_and_take_whole_levels(maker, indicator):
    y = np.repeat([0, 1], [150, 40])
    made = maker.resample(sample_of(y, indicator), np.random.default_rng(0)).made
    assert set(made.targets.tolist()) == {1}
    assert len(made.targets) == pytest.approx(110, abs=30)
    if indicator:
        assert set(np.unique(made.inputs[:, 2:]).tolist()) == {0.0, 1.0}
        assert (made.inputs[:, 2:].sum(1) == 1).all()
    real = sample_of(y, indicator).inputs[y == 1]
    assert (made.inputs >= real.min(0) - 1e-5).all()
    assert (made.inputs <= real.max(0) + 1e-5).all()


def test_adasyn_makes_none_where_no_other_class_is_near():
    y = np.repeat([0, 1], [60, 20])
    sample = sample_of(y)
    sample.examples.inputs[y == 1] += 1000
    assert len(ADASYN().resample(sample, np.random.default_rng(0))) == len(y)


def test_any_sampler_is_corrected_too():
    from imblearn.under_sampling import RandomUnderSampler

    X, y = rare()
    found = MLPClassifier(regularizers=Resample(RandomUnderSampler()), **SETTINGS).fit(X, y).predict_proba(X)
    assert found[:, 1].mean() == pytest.approx(y.mean(), abs=0.035)


def test_focal_loss_is_cross_entropy_times_its_focus():
    import torch

    generator = torch.Generator().manual_seed(0)
    outputs = torch.randn(1, 50, 1, generator=generator)
    targets = (torch.rand(1, 50, 1, generator=generator) > 0.5).float()
    p = torch.sigmoid(outputs)
    true = torch.where(targets > 0, p, 1 - p)
    expected = -((1 - true) ** 2) * true.log()
    torch.testing.assert_close(Binary(2.0).per_row(outputs, targets), expected[..., 0])
    pairs, two = torch.cat([torch.zeros_like(outputs), outputs], -1), torch.cat([1 - targets, targets], -1)
    torch.testing.assert_close(CrossEntropy(2, 2.0).per_row(pairs, two), expected[..., 0])
    X, y = rare()
    focal = MLPClassifier(regularizers=(), focal_gamma=2.0, **SETTINGS).fit(X, y).predict_proba(X)
    plain = MLPClassifier(regularizers=(), **SETTINGS).fit(X, y).predict_proba(X)
    assert focal.max(1).mean() < plain.max(1).mean()  # timid
    with pytest.raises(UsageError, match="focal_gamma"):
        MLPClassifier(focal_gamma=-1.0).fit(X, y)


def test_members_may_see_some_of_the_columns():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 10))
    X[:, 9] = rng.integers(3, size=120)
    y = X[:, 0] > 0
    model = MLPClassifier((4,), regularizers=Ensemble(6, columns=0.5), max_epochs=3, random_state=0).fit(X, y)
    seen = [frozenset(np.unique(model.encoder_.inputs_.source[network.scale > 0])) for network in model.networks_]
    assert {len(columns) for columns in seen} == {5}
    assert len(set(seen)) > 3
    again = MLPClassifier((4,), regularizers=Ensemble(6, columns=0.5), max_epochs=3, random_state=0, warm_start=True)
    np.testing.assert_array_equal(again.fit(X, y).networks_[1].scale, model.networks_[1].scale)
    np.testing.assert_array_equal(again.fit(X, y).networks_[1].scale, model.networks_[1].scale)
