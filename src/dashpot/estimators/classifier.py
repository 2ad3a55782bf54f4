"""Classes from tables."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from dashpot.errors import DataError, UsageError, did_you_mean, shown
from dashpot.estimators.base import MLP
from dashpot.estimators.targets import labels_of, named
from dashpot.losses import Binary, CrossEntropy, Loss
from dashpot.ranges import require


class MLPClassifier(ClassifierMixin, MLP):
    """Multilayer perceptrons for classes, with any regularizers, from any table.

    Parameters
    ----------
    hidden_layers : sequence of int, default (128, 128)
        Widths of the hidden layers; () is logistic regression.
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
        Whether each network centres and scales the inputs by its own training rows.
    warm_start : bool, default False
        Whether `fit` goes on from the networks of the last fit.
    random_state : int, RandomState or None
    workers : int or None
        Cores to use; None is all. The result does not depend on it.
    progress : bool, default False
        Whether to show a progress bar.
    class_weight : dict, "balanced" or None
        Weight of each class in the loss; "balanced" gives the training rows of every class the same total weight.
        Probabilities then are those of the weighted classes, as in scikit-learn.
    focal_gamma : float, at least 0, default 0.0
        Focal loss: each row's cross-entropy times (1 - p)^gamma, p the probability of its true class, so that easy rows
        count less (Lin et al. 2017); its probabilities are too timid. 0 is cross-entropy.
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

    Attributes
    ----------
    classes_ : array (classes,)
    recipe_ : Recipe
        The regularizers used.
    networks_ : tuple of Network
    history_ : list of dict
        Of each member: "loss", "validation_loss" and "validation_error", an entry for each epoch.
    n_iter_ : int
        Epochs of the member that trained longest.
    surviving_columns_ : list of str or int
        The columns that some member still looks at, where `GroupLasso` or `L1` dropped others.

    Examples
    --------
    >>> from dashpot import Dropout, MLPClassifier, load_anes96
    >>> frame, vote = load_anes96()
    >>> model = MLPClassifier(hidden_layers=(16,), regularizers=[Dropout(0.2)], max_epochs=100, random_state=0)
    >>> bool(model.fit(frame, vote).score(frame, vote) > 0.85)
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
        class_weight: Any = None,
        focal_gamma: float = 0.0,
        image_shape: Any = None,
        numeric_embedding: str = "none",
        preset: str = "default",
        skip: bool = False,
        norm: str = "none",
        learned: Any = (),
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
        self.class_weight = class_weight
        self.focal_gamma = focal_gamma

    def _encode_targets(self, y: Any) -> np.ndarray:
        """Class numbers; `classes_` in sorted order."""
        if self.warm_start and hasattr(self, "networks_"):
            return self._encode_more(y)
        self.classes_, numbers = np.unique(labels_of(y, "MLPClassifier"), return_inverse=True)
        if len(self.classes_) < 2:
            raise DataError(
                f"MLPClassifier.fit({named(y)}): one class only, {shown(self.classes_.tolist()[0])}; "
                "at least two are needed."
            )
        self.loss_ = self._loss(numbers)
        return np.asarray(numbers, dtype=np.int64)

    def _encode_more(self, y: Any) -> np.ndarray:
        """Numbers of classes that are known."""
        known = {value: number for number, value in enumerate(self.classes_.tolist())}
        values = labels_of(y, "MLPClassifier").tolist()
        unknown = next((value for value in values if value not in known), None)
        if unknown is not None:
            raise DataError(
                f"MLPClassifier.fit(y): class {unknown!r} is new; the classes are {', '.join(map(str, known))}."
                f"{did_you_mean(str(unknown), map(str, known))}"
            )
        return np.array([known[value] for value in values], dtype=np.int64)

    def _loss(self, targets: np.ndarray) -> Loss:
        """One logit for two classes, else a softmax."""
        require(self, "focal_gamma", at_least=0, below=math.inf)
        gamma = float(self.focal_gamma)
        return Binary(gamma) if len(self.classes_) == 2 else CrossEntropy(len(self.classes_), gamma)

    def _with_class_weights(
        self, targets: np.ndarray, weights: np.ndarray | None, rows: np.ndarray
    ) -> np.ndarray | None:
        """Row weights times class weights; "balanced" gives all classes of the training rows the same total weight."""
        if self.class_weight is None:
            return weights
        own = np.ones(len(targets)) if weights is None else weights
        if self.class_weight == "balanced":
            totals = np.bincount(targets[rows], own[rows], len(self.classes_))
            mean = totals.sum() / np.count_nonzero(totals)
            of_class = np.divide(mean, totals, out=np.ones_like(totals), where=totals > 0)
        else:
            of_class = self._given_class_weights()
        return np.asarray(own * of_class[targets])

    def _given_class_weights(self) -> np.ndarray:
        """The weight of each class that `class_weight` names, (classes,); 1 of the others."""
        call, known = f"MLPClassifier(class_weight={shown(self.class_weight)})", self.classes_.tolist()
        if not isinstance(self.class_weight, dict):
            raise UsageError(f'{call}: must be "balanced", or a dict of weights by class.')
        unknown = next((label for label in self.class_weight if label not in known), None)
        if unknown is not None:
            raise UsageError(
                f"{call}: {shown(unknown)} is no class; the classes are {', '.join(map(str, known))}."
                f"{did_you_mean(str(unknown), map(str, known))}"
            )
        for label, weight in self.class_weight.items():
            if (
                isinstance(weight, bool)
                or not isinstance(weight, int | float | np.number)
                or not 0 <= weight < math.inf
            ):
                raise UsageError(f"{call}: the weight of {shown(label)} must be a number of at least 0.")
        return np.array([self.class_weight.get(label, 1.0) for label in known], dtype=float)

    def _facts(self) -> dict[str, Any]:
        """The classes."""
        return {"classes": [str(self.classes_.dtype.kind), self.classes_.tolist()]}

    def _take_facts(self, facts: dict[str, Any]) -> None:
        """The classes."""
        kind, classes = facts["classes"]
        self.classes_ = np.array(classes, dtype=object if kind == "O" else None)

    def predict_proba(self, X: Any, samples: int = 0) -> np.ndarray:
        """Probabilities of the classes, (rows, classes): the mean over the members.

        Parameters
        ----------
        X : frame or array of shape (rows, columns)
        samples : int, default 0
            Noisy passes through every member (Monte-Carlo dropout: Gal and Ghahramani 2016): the dropout and the noise
            of the recipe are on. 0 is one pass without noise. Draws follow from `random_state` where it is a number.
        """
        if samples:
            return self._sampled(X, samples, "predict_proba")[0]
        return np.asarray(self._member_predictions(X).mean(0))

    def predict(self, X: Any, samples: int = 0) -> np.ndarray:
        """The most probable class of each row, (rows,).

        Parameters
        ----------
        X : frame or array of shape (rows, columns)
        samples : int, default 0
            Noisy passes through every member (Monte-Carlo dropout: Gal and Ghahramani 2016): the dropout and the noise
            of the recipe are on. 0 is one pass without noise. Draws follow from `random_state` where it is a number.
        """
        check_is_fitted(self, "networks_")
        return np.asarray(self.classes_[self.predict_proba(X, samples).argmax(1)])

    def predict_spread(self, X: Any, samples: int = 0) -> np.ndarray:
        """Standard deviation of the probabilities between the members, or noisy passes of them, (rows, classes).

        Parameters
        ----------
        X : frame or array of shape (rows, columns)
        samples : int, default 0
            Noisy passes through every member (Monte-Carlo dropout: Gal and Ghahramani 2016): the dropout and the noise
            of the recipe are on. 0 is one pass without noise. Draws follow from `random_state` where it is a number.
        """
        if samples:
            return self._sampled(X, samples, "predict_spread")[1]
        return np.asarray(self._member_predictions(X).std(0))
