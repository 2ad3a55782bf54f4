"""What is true of mixing, smoothing and adversarial inputs, each, and of no other regularizer."""

import numpy as np
import pytest
import torch
from scipy.stats import beta
from torch.nn import functional

from dashpot import MLPClassifier, MLPRegressor
from dashpot.errors import UsageError
from dashpot.jobs import Design
from dashpot.losses import Binary, CrossEntropy
from dashpot.networks import Layer, forward, layers_of, parameter_count
from dashpot.optimizers import AdamW
from dashpot.randomness import draws
from dashpot.regularizers import Adversarial, CutMix, CutOut, LabelSmoothing, Mixup
from dashpot.regularizers.mixing import other_rows
from dashpot.step import slope
from dashpot.tables.encode import Inputs

COLUMNS = Inputs(("number", "a", "b", "c"), np.array([0, 2, 2, 2]), np.array([False, True, True, True]))


def batch(networks=3, rows=256, classes=3):
    numbers = draws(range(networks)).normal((networks, rows, 1))
    levels = functional.one_hot((draws(range(networks), 1).uniform((networks, rows)) * 3).long(), 3)
    labels = functional.one_hot((draws(range(networks), 2).uniform((networks, rows)) * classes).long(), classes)
    return torch.cat([numbers, levels.float()], dim=2), labels.float()


def test_other_rows_are_other_rows_and_all_of_them():
    numbers = other_rows((2, 5, 4000), draws([0, 1]))
    for row in range(5):
        counts = torch.bincount(numbers[:, row].flatten(), minlength=5)
        assert counts[row] == 0
        assert counts.sum() - counts.max() > 0.7 * counts.sum()


# ---- mixup


@pytest.mark.parametrize("strength", [0.1, 0.4, 1.0, 4.0])
def test_shares_of_mixup_follow_the_beta_distribution(strength):
    ones = torch.eye(64).expand(400, 64, 64)  # a row's own place tells its share
    mixed, _ = Mixup(strength).augment(ones, ones, draws(range(400)))
    shares = mixed.diagonal(dim1=1, dim2=2).flatten().numpy()
    assert shares.min() >= 0.5
    for probability in (0.1, 0.3, 0.5, 0.7, 0.9):
        expected = beta(strength, strength).ppf(0.5 + probability / 2)
        assert np.quantile(shares, probability) == pytest.approx(expected, abs=0.02)


def test_mixup_draws_rows_together_in_inputs_and_targets():
    inputs, targets = batch()
    both = torch.cat([inputs, targets], dim=2)
    mixed, mixed_targets = Mixup(1.0).augment(both, targets, draws(range(3)))
    assert torch.equal(mixed[..., 4:], mixed_targets)
    assert torch.allclose(mixed_targets.sum(2), torch.ones(3, 256))


def test_the_loss_of_mixed_labels_is_the_mixed_loss():
    """As in the paper's code: cross-entropy of the mixture = share * loss(a) + (1 - share) * loss(b)."""
    outputs = draws([0]).normal((1, 32, 3))
    first, second = torch.arange(32) % 3, torch.arange(32) % 2
    ones = torch.eye(3)
    for share in (0.5, 0.8):
        mixed = share * ones[first] + (1 - share) * ones[second]
        ours = CrossEntropy(3).per_row(outputs, mixed[None])[0]
        peer = [functional.cross_entropy(outputs[0], labels, reduction="none") for labels in (first, second)]
        assert torch.allclose(ours, share * peer[0] + (1 - share) * peer[1], atol=1e-6)


# ---- CutMix and CutOut


def test_cutmix_takes_whole_columns_from_one_row_and_their_share_of_its_target():
    inputs, targets = batch()
    inputs = torch.cat([inputs, torch.arange(256.0).expand(3, 256)[..., None] / 256], dim=2)
    columns = Inputs(("number", "a", "b", "c", "row"), np.array([0, 2, 2, 2, 4]), np.zeros(5, dtype=bool))
    mixed, soft = CutMix(0.4).bind(columns).augment(inputs, targets, draws(range(3)))
    assert bool((mixed[..., 1:4].sum(2) == 1).all())
    for network, row in [(n, r) for n in range(3) for r in range(256)]:
        other = int(mixed[network, row, 4] * 256)
        if other == row:
            continue  # the column that tells the other row was not taken
        same = [bool((mixed[network, row, c] == inputs[network, other, c]).all()) for c in ([0], [1, 2, 3], [4])]
        own = [bool((mixed[network, row, c] == inputs[network, row, c]).all()) for c in ([0], [1, 2, 3], [4])]
        assert all(a or b for a, b in zip(same, own, strict=True))
        taken = [a and not b for a, b in zip(same, own, strict=True)]
        if targets[network, row].argmax() != targets[network, other].argmax() and not (same[1] and own[1]):
            expected = soft[network, row, targets[network, other].argmax()]
            assert float(expected) == pytest.approx(sum(taken) / 3, abs=1e-6)
    assert torch.allclose(soft.sum(2), torch.ones(3, 256))


def test_cutout_blanks_whole_columns_with_a_mask_for_each_row():
    inputs, targets = batch()
    inputs = inputs + 5
    cut, same = CutOut(0.3).bind(COLUMNS).augment(inputs, targets, draws(range(3)))
    assert torch.equal(same, targets)
    blank = cut == 0
    assert torch.equal(blank[..., 1], blank[..., 2])
    assert torch.equal(blank[..., 1], blank[..., 3])
    assert torch.equal(cut[~blank], inputs[~blank])
    assert float(blank[..., 0].float().mean()) == pytest.approx(0.3, abs=0.04)
    both = (blank[..., 0] & blank[..., 1]).float().mean()
    assert float(both) == pytest.approx(0.09, abs=0.03)


# ---- label smoothing


@pytest.mark.parametrize("strength", [0.05, 0.3])
def test_label_smoothing_is_that_of_torch(strength):
    outputs, (inputs, targets) = draws(range(3), 9).normal((3, 256, 3)), batch()
    _, smooth = LabelSmoothing(strength).augment(inputs, targets, draws(range(3)))
    ours = CrossEntropy(3).per_row(outputs, smooth)
    peer = functional.cross_entropy(
        outputs.reshape(-1, 3), targets.argmax(2).flatten(), reduction="none", label_smoothing=strength
    )
    assert torch.allclose(ours.flatten(), peer, atol=1e-6)


def test_label_smoothing_of_two_classes_is_the_same_with_one_output_and_with_two():
    logits = draws([0]).normal((1, 64, 1))
    labels = (torch.arange(64) % 2).float().view(1, 64, 1)
    one = Binary().per_row(logits, LabelSmoothing(0.2).augment(logits, labels, draws(0))[1])
    two = torch.cat([torch.zeros_like(logits), logits], dim=2)
    smooth = LabelSmoothing(0.2).augment(two, torch.cat([1 - labels, labels], dim=2), draws(0))[1]
    assert torch.allclose(one, CrossEntropy(2).per_row(two, smooth), atol=1e-6)


def test_label_smoothing_moderates_probabilities_and_refuses_amounts():
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(200, 3))
    classes = (inputs[:, 0] > 0).astype(int)
    models = [
        MLPClassifier((16,), regularizers=[LabelSmoothing(s)], optimizer=AdamW(0.01), max_epochs=100, random_state=0)
        for s in (0.0, 0.2)
    ]
    plain, smooth = (np.median(one.fit(inputs, classes).predict_proba(inputs).max(1)) for one in models)
    assert smooth < 0.94 < plain  # 0.9 is aimed at
    with pytest.raises(UsageError, match=r"LabelSmoothing\(strength=0.1\): smooths classes, but the target is"):
        MLPRegressor(regularizers=[LabelSmoothing()]).fit(inputs, inputs[:, 0])


# ---- adversarial inputs


def test_adversarial_inputs_have_the_largest_linearized_loss_within_their_box():
    parameters = torch.randn(2, parameter_count((4, 6, 3)), generator=torch.Generator().manual_seed(0))
    layers, (inputs, targets) = layers_of(parameters, (4, 6, 3)), batch(2)
    design = Design((6,), "tanh", CrossEntropy(3))
    gradient = slope(layers, inputs, targets, design)
    moved = Adversarial(0.1, share=1.0).oppose(inputs, lambda at: slope(layers, at, targets, design), draws([0, 1]))
    assert torch.allclose((moved - inputs).abs(), torch.full_like(inputs, 0.1), atol=1e-6)
    assert torch.allclose((gradient * (moved - inputs)).sum(2), 0.1 * gradient.abs().sum(2), atol=1e-6)
    half = Adversarial(0.1).oppose(inputs, lambda at: slope(layers, at, targets, design), draws([0, 1]))
    assert float((half != inputs).any(2).float().mean()) == pytest.approx(0.5, abs=0.08)


def test_adversarial_training_resists_adversarial_inputs():
    """With rows of a small survey's size: a network that saw moved inputs loses less by them."""
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(300, 10))
    classes = (inputs[:, 0] + 0.5 * rng.normal(size=300) > 0).astype(int)

    def raised(regularizers):
        model = MLPClassifier((32,), regularizers=regularizers, max_epochs=60, standardize=False, random_state=0)
        model.fit(inputs, classes)
        weights = [(torch.from_numpy(w)[None], torch.from_numpy(b)[None, None]) for w, b in model.networks_[0].layers]
        at, targets = torch.from_numpy(inputs).float()[None], torch.from_numpy(classes).float().view(1, -1, 1)
        design = Design((32,), "relu", Binary())
        layers = [Layer(*parts) for parts in weights]
        moved = at + 0.2 * slope(layers, at, targets, design).sign()
        return [float(Binary().per_row(forward(layers, x, "relu")[0], targets).mean()) for x in (at, moved)]

    (plain, plain_moved), (trained, trained_moved) = raised([]), raised([Adversarial(0.2, 1.0)])
    assert trained_moved - trained < 0.8 * (plain_moved - plain)
