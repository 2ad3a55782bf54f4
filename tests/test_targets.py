"""What `fit` makes of targets, labels and weights."""

import numpy as np
import pandas as pd
import pytest

import dashpot
from dashpot import DataError, EarlyStopping, EnsembleClassifier, MLPClassifier, MLPRegressor, UsageError
from dashpot.optimizers import AdamW

SMALL = {"hidden_layers": (8,), "regularizers": (), "max_epochs": 2, "random_state": 0, "workers": 1}
LINEAR = SMALL | {"hidden_layers": (), "max_epochs": 200, "optimizer": AdamW(0.05)}


@pytest.fixture
def rows():
    return np.random.default_rng(0).normal(size=(20, 3))


def test_weights_validation_and_groups_go_together(rows):
    model = MLPRegressor(**SMALL | {"regularizers": (EarlyStopping(),)})
    model.fit(rows, rows[:, 0], np.ones(20), validation=(rows[:10], rows[:10, 0]), groups=np.arange(20) % 5)
    assert model.predict(rows).shape == (20,)


def test_groups_of_another_length_are_refused(rows):
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        MLPRegressor(**SMALL).fit(rows, rows[:, 0], np.ones(20), groups=np.arange(19))
