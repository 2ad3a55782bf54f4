"""Amounts from tables."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils.validation import check_is_fitted

from dashpot.errors import DataError, UsageError, did_you_mean
from dashpot.estimators.base import MLP
from dashpot.estimators.targets import amounts_of
from dashpot.losses import AbsoluteError, Huber, Loss, Poisson, SquaredError
from dashpot.scaling import offset_of

LOSSES: dict[str, Loss] = {
    "squared_error": SquaredError(),
    "absolute_error": AbsoluteError(),
    "huber": Huber(),
    "poisson": Poisson(),
}


class MLPRegressor(RegressorMixin, MLP):
    """Multilayer perceptrons for one or many amounts, with any regularizers, from any table.

    Parameters
    ----------
    hidden_layers : sequence of int, default (128, 128)
        Widths of the hidden layers; () is linear regression.
    activation : str, default "gelu"
        gelu, relu, leaky_relu, elu, selu, mish, tanh, sigmoid or identity.
    regularizers : sequence of Regularizer, a Regularizer, or None
        Applied in this order. None is a recipe that is good on most tables (see `recipe_` after fit); () is none.
    optimizer : Optimizer or None
        SGD, Adam or AdamW of `dashpot.optimizers`. None is AdamW with a cosine schedule.
    batch_size : int or "auto", default "auto"
        Rows per step at most. "auto" is 128; of tables 256, 512 and 1024 from 10,000, 20,000 and 40,000 training
        rows on, and the learning rate, where `optimizer` is None, then grows with the root.
    max_epochs : int, default 200
        Passes through the training rows, at most.
    tolerance : float in [0, 1), default 1e-5
        Training stops when an epoch changes the weights by less than this share of their norm.
    standardize : bool, default True
        Whether each network centres and scales inputs and targets by its own training rows.
    warm_start : bool, default False
        Whether `fit` goes on from the networks of the last fit.
    random_state : int, RandomState or None
    workers : int or None
        Cores to use; None is all. The result does not depend on it.
    progress : bool, default False
        Whether to show a progress bar.
    loss : {"squared_error", "absolute_error", "huber", "poisson"} or Loss, default "squared_error"
        Poisson is for counts and rates: targets of at least 0, predictions above 0.
    image_shape : (height, width), (height, width, channels) or None
        Rows are pictures of this shape: all pixels stay inputs, standardized by channel, and `Rotate`, `Shift` and the
        like can change them in training. None: rows are rows of a table.
    numeric_embedding : str, default "none"
        What each network reads of a number beside its standardized value: "none"; "piecewise_linear", the share of
        each of 16 pieces between quantiles that lies below it; "thresholds", 8 such pieces, and up to 8 steps where a
        small tree divides the training rows by their targets; "periodic", 8 cosines of random frequencies. Numbers
        with fewer than five different values stay as they are. Helps where a target follows steps and thresholds.
    preset : {"default", "fast", "best"}, default "default"
        How many networks the default recipe has, where `regularizers` is None: 16, 3 or 48; the best has a fourth
        numeric embedding among them, "thresholds".
    skip : bool, default False
        Whether a hidden layer that is as wide as the one before it adds that one's units to its own (He et al. 2016).
    norm : {"none", "batch", "layer"}, default "none"
        Over what the weighted sums of hidden layers are brought to mean 0 and variance 1 before biases are added: over
        the rows of a batch (in prediction: over training rows), or over the units of a layer.
    learned : sequence of str, default ()
        What networks learn beside weights and biases: "input_scale", a factor for each feature that the first layer
        reads; "frequencies" and phases of the periodic numeric embedding; "activation", the share of the activation in
        each hidden unit, the rest is linear (Holzmüller et al. 2024).
    clip_outputs : bool, default False
        Whether each member's predictions stay within the range of the training targets. Guards against rows far from
        all that were seen; where a trend goes on beyond them, predictions stop.

    Attributes
    ----------
    recipe_ : Recipe
        The regularizers used.
    networks_ : tuple of Network
    history_ : list of dict
        Of each member: "loss", "validation_loss" and "validation_error", an entry for each epoch, in
        units of the target's spread.
    n_iter_ : int
        Epochs of the member that trained longest.
    surviving_columns_ : list of str or int
        The columns that some member still looks at, where `GroupLasso` or `L1` dropped others.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = MLPRegressor(hidden_layers=(16,), regularizers=[], max_epochs=100, random_state=0)
    >>> bool(model.fit(X, y).score(X, y) > 0.4)
    True
    """

    def __init__(
        self,
        hidden_layers: Any = (128, 128),
        activation: str = "gelu",
        regularizers: Any = None,
        optimizer: Any = None,
        batch_size: int | str = "auto",
        max_epochs: int = 200,
        tolerance: float = 1e-5,
        standardize: bool = True,
        warm_start: bool = False,
        random_state: Any = None,
        workers: int | None = None,
        progress: bool = False,
        loss: Any = "squared_error",
        image_shape: Any = None,
        numeric_embedding: str = "none",
        preset: str = "default",
        skip: bool = False,
        norm: str = "none",
        learned: Any = (),
        clip_outputs: bool = False,
    ) -> None:
        super().__init__(
            hidden_layers,
            activation,
            regularizers,
            optimizer,
            batch_size,
            max_epochs,
            tolerance,
            standardize,
            warm_start,
            random_state,
            workers,
            progress,
            image_shape,
            numeric_embedding,
            preset,
            skip,
            norm,
            learned,
        )
        self.loss = loss
        self.clip_outputs = clip_outputs

    def __sklearn_tags__(self) -> Any:
        """Many outputs are fine."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _encode_targets(self, y: Any) -> np.ndarray:
        """Amounts as the engine wants them; learns whether they have an axis for outputs, their range and offset."""
        amounts = amounts_of(y, "MLPRegressor")
        self.one_output_ = amounts.ndim == 1
        amounts = amounts.reshape(len(amounts), -1)
        self.loss_ = self._loss(amounts)
        self.target_range_: np.ndarray | None = np.stack([amounts.min(0), amounts.max(0)])
        self._learn_offset(amounts)
        return self._moved(amounts)

    def _learn_offset(self, amounts: np.ndarray) -> None:
        """What is subtracted from targets before float32 rounds them; networks of the last fit keep theirs."""
        if not (self.warm_start and hasattr(self, "networks_")):
            self.target_offset_ = offset_of(amounts) if self.loss_.standardizes else np.zeros(amounts.shape[1])

    def _encode_more(self, y: Any) -> np.ndarray:
        """Amounts of further rows as the engine wants them, as many in each row as fit had."""
        amounts = amounts_of(y, "MLPRegressor")
        return self._moved(amounts.reshape(len(amounts), -1))

    def _moved(self, amounts: np.ndarray) -> np.ndarray:
        """Amounts less the offset, float32 (rows, outputs)."""
        outputs = len(self.target_offset_)
        if amounts.shape[1] != outputs:
            raise DataError(
                f"MLPRegressor: y has {amounts.shape[1]} outputs, fit had {outputs}. Pass the same columns."
            )
        return (amounts - self.target_offset_).astype(np.float32)

    def _loss(self, targets: np.ndarray) -> Loss:
        """The loss by its name, or as given."""
        if isinstance(self.loss, Loss):
            return self.loss
        if self.loss not in LOSSES:
            raise UsageError(
                f"MLPRegressor(loss={self.loss!r}): must be one of {', '.join(LOSSES)}."
                f"{did_you_mean(str(self.loss), LOSSES)}"
            )
        if self.loss == "poisson" and (targets < 0).any():
            raise DataError("MLPRegressor(loss='poisson'): a target is below 0; counts are at least 0.")
        return LOSSES[self.loss]

    def _facts(self) -> dict[str, Any]:
        """Whether predictions have an axis for outputs; range and offset of the training targets."""
        known = getattr(self, "target_range_", None)
        return {
            "one_output": self.one_output_,
            "target_range": None if known is None else known.tolist(),
            "target_offset": self.target_offset_.tolist(),
        }

    def _take_facts(self, facts: dict[str, Any]) -> None:
        """The same from a model file; older ones have no range, or no offset."""
        self.one_output_ = bool(facts["one_output"])
        self.target_range_ = range_from(facts.get("target_range"))
        outputs = 1 if self.target_range_ is None else self.target_range_.shape[1]
        self.target_offset_ = offset_from(facts.get("target_offset"), outputs)

    def _member_predictions(self, X: Any) -> np.ndarray:
        """Predictions of every member, (members, rows, outputs), within the range of the training targets if asked."""
        return self._clipped(super()._member_predictions(X) + self.target_offset_)

    def _clipped(self, predicted: np.ndarray) -> np.ndarray:
        """Predictions (..., outputs) within the range of the training targets, if asked."""
        if not self.clip_outputs:
            return predicted
        known = getattr(self, "target_range_", None)
        if known is None:
            raise UsageError(
                f"{type(self).__name__}(clip_outputs=True): this model does not know the range of its training "
                "targets. Fit it again, or set clip_outputs=False."
            )
        return np.asarray(predicted.clip(*known))

    def predict(self, X: Any, samples: int = 0) -> np.ndarray:
        """Amounts, (rows,) or (rows, outputs): the mean over the members.

        Parameters
        ----------
        X : frame or array of shape (rows, columns)
        samples : int, default 0
            Noisy passes through every member (Monte-Carlo dropout: Gal and Ghahramani 2016): the dropout and the noise
            of the recipe are on. 0 is one pass without noise. Draws follow from `random_state` where it is a number.
        """
        if samples:
            return self._shaped(self._clipped(self._sampled(X, samples, "predict")[0] + self.target_offset_))
        return self._shaped(self._member_predictions(X).mean(0))

    def predict_spread(self, X: Any, samples: int = 0) -> np.ndarray:
        """Standard deviation between the members, or noisy passes of them, shaped like `predict`.

        Parameters
        ----------
        X : frame or array of shape (rows, columns)
        samples : int, default 0
            Noisy passes through every member (Monte-Carlo dropout: Gal and Ghahramani 2016): the dropout and the noise
            of the recipe are on. 0 is one pass without noise. Draws follow from `random_state` where it is a number.
        """
        if samples:
            return self._shaped(self._sampled(X, samples, "predict_spread")[1])
        return self._shaped(self._member_predictions(X).std(0))

    def _shaped(self, values: np.ndarray) -> np.ndarray:
        check_is_fitted(self, "networks_")
        return values[:, 0] if self.one_output_ else values


def offset_from(known: Any, outputs: int) -> np.ndarray:
    """What was subtracted from targets, (outputs,), as a model file says, or a ValueError; older files say nothing."""
    found = np.zeros(outputs) if known is None else np.array(known, dtype=np.float64)
    if found.shape != (outputs,) or not np.isfinite(found).all():
        raise ValueError("target_offset")
    return found


def range_from(known: Any) -> np.ndarray | None:
    """Least and greatest targets, (2, outputs), as a model file says, or a ValueError; older files say nothing."""
    if known is None:
        return None
    found = np.array(known, dtype=np.float64)
    if found.ndim != 2 or len(found) != 2 or not np.isfinite(found).all() or (found[0] > found[1]).any():
        raise ValueError("target_range")
    return found
