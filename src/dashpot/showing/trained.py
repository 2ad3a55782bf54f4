"""Networks trained without and with a regularizer, on the same rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.model_selection import train_test_split
from torch import Tensor

from dashpot.errors import DataError, UsageError
from dashpot.estimators import MLPClassifier, MLPRegressor
from dashpot.networks import Layer
from dashpot.optimizers import Adam
from dashpot.randomness import draws
from dashpot.regularizers import Recipe, Regularizer
from dashpot.regularizers.recipe import stacked
from dashpot.tables import PictureEncoder, TableEncoder, task_of

HIDDEN = (64, 64)
EPOCHS = 60
FEWEST = 20  # rows


@dataclass(frozen=True, eq=False)
class Shown:
    """A regularizer, the rows it is shown on, and networks trained without it and with it.

    Attributes
    ----------
    regularizer : Regularizer
    X, y : training rows as they came
    plain, regular : MLPClassifier or MLPRegressor, fitted
    """

    regularizer: Regularizer
    X: Any
    y: np.ndarray
    plain: Any
    regular: Any
    new: tuple[Any, np.ndarray]

    @property
    def image(self) -> tuple[int, int, int] | None:
        """The shape of the pictures, where rows are pictures."""
        shape: tuple[int, int, int] | None = self.plain.encoder_.inputs_.image
        return shape

    @property
    def classes(self) -> bool:
        """Whether the target holds classes."""
        return isinstance(self.plain, MLPClassifier)

    def targets(self) -> np.ndarray:
        """Class numbers (rows,), or amounts (rows, 1)."""
        if self.classes:
            return np.searchsorted(self.plain.classes_, self.y)
        return np.asarray(self.y, dtype=np.float32).reshape(-1, 1)

    def recipe(self) -> Recipe:
        """The regularizer as one network of a stack has it."""
        return stacked([Recipe((self.regularizer,))]).bind(self.plain.encoder_.inputs_)

    def batch(self, rows: int) -> tuple[Tensor, Tensor]:
        """The first training rows as a network sees them: inputs (1, rows, inputs), targets (1, rows, outputs)."""
        network = self.plain.networks_[0]
        seen = network.seen(self.plain.encoder_.transform(self.X)[:rows])
        targets = self.plain.loss_.encode(self.plain._encode_more(self.y))[:rows]
        if self.plain.loss_.standardizes:
            targets = (targets - network.target_centre) / network.target_scale
        parts = (np.asarray(part, dtype=np.float32) for part in (seen, targets))
        x, y = (torch.from_numpy(part)[None] for part in parts)
        return x, y

    def layers(self, trained: Any) -> list[Layer]:
        """The weights of a fitted network as a stack of one."""
        network = trained.networks_[0]
        return [Layer(torch.from_numpy(w)[None], torch.from_numpy(b)[None, None]) for w, b in network.layers]

    def draws(self) -> Any:
        """Draws of one network at its first step."""
        return draws([1], step=1)


def trained(regularizer: Regularizer, X: Any, y: Any, image_shape: Any, epochs: int, seed: int) -> Shown:
    """Train without and with a regularizer: seven of ten rows, the others tell the loss on new rows."""
    values = np.asarray(y)
    _check_target(values)
    classes = task_of(values) == "classification"
    strata = values if classes and np.unique(values, return_counts=True)[1].min() > 1 else None
    rows, others = train_test_split(np.arange(len(values)), test_size=0.3, random_state=seed, stratify=strata)
    part, new = _taken(X, rows), _taken(X, others)
    encoder = TableEncoder("show") if image_shape is None else PictureEncoder(image_shape, "show")
    Recipe((regularizer,)).bind(encoder.fit(part).inputs_)  # refuses, before any work, what cannot be shown
    estimator = MLPClassifier if classes else MLPRegressor
    settings: dict[str, Any] = {"hidden_layers": HIDDEN, "optimizer": Adam(2e-3), "max_epochs": epochs}
    settings |= {"random_state": seed, "image_shape": image_shape}
    plain, regular = (
        estimator(regularizers=recipe, **settings).fit(part, values[rows], validation=(new, values[others]))
        for recipe in ((), (regularizer,))
    )
    return Shown(regularizer, part, values[rows], plain, regular, (new, values[others]))


def _check_target(values: np.ndarray) -> None:
    """Refuse too few rows, and rows without a target."""
    if len(values) < FEWEST:
        raise DataError(f"show: has to set rows apart, but there are {len(values)}. Pass at least {FEWEST} rows.")
    missing = np.flatnonzero(pd.isna(values))
    if len(missing):
        raise DataError(f"show: the target of row {missing[0] + 1} is missing. Leave such rows out.")


def _taken(X: Any, rows: np.ndarray) -> Any:
    """Some of the rows."""
    return X.iloc[rows] if hasattr(X, "iloc") else np.asarray(X)[rows]


def bundled(regularizer: Regularizer) -> tuple[Any, Any, Any]:
    """Rows, target and image shape of real data that anybody has: the survey, or digits for what changes pictures."""
    from sklearn.datasets import load_digits

    from dashpot.datasets import load_anes96

    frame, vote = load_anes96()
    try:
        Recipe((regularizer,)).bind(TableEncoder("show").fit(frame).inputs_)
    except UsageError:
        digits = load_digits()
        return digits.data, digits.target, (8, 8)
    return frame, vote, None
