"""What the estimators share: a table becomes examples, a recipe becomes jobs, networks become predictions."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from dashpot.checkpoints import Checkpoints
from dashpot.embeddings import CHOICES
from dashpot.errors import DataError, UsageError, did_you_mean
from dashpot.estimators.described import described_estimator
from dashpot.estimators.features import Features
from dashpot.estimators.sampling import check_samples, mean_and_spread
from dashpot.estimators.targets import groups_of, weights_of
from dashpot.jobs import Design, Examples, Job
from dashpot.learned import check_learned, goes_on
from dashpot.losses import Loss
from dashpot.model_files import Tensors, save
from dashpot.networks import ACTIVATIONS, NORMS, Network, distinct
from dashpot.optimizers import AdamW, Optimizer
from dashpot.ranges import require, whole_numbers
from dashpot.regularizers import Dropout, EarlyStopping, Ensemble, Noise, Recipe, Regularizer
from dashpot.tables import PictureEncoder, TableEncoder
from dashpot.training import train

# Chosen by benchmarks/default_recipe.py, on rows that no benchmark tests on.
MEMBERS = Ensemble(16, numeric_embeddings=("none", "piecewise_linear", "periodic"))
DEFAULT_RECIPE = Recipe((Dropout(0.25), Noise("inputs", "gaussian", 0.05), EarlyStopping(patience=25), MEMBERS))
PRESETS = {  # the ensemble of the default recipe
    "fast": replace(MEMBERS, members=3),
    "default": MEMBERS,
    "best": Ensemble(48, numeric_embeddings=(*MEMBERS.numeric_embeddings, "thresholds")),
}
DEFAULT_OPTIMIZER = AdamW(learning_rate=4e-3, schedule="cosine", decay=0.02, beta2=0.95)
BATCHES = {0: 128, 10_000: 256, 20_000: 512, 40_000: 1024}  # rows of a step, from so many training rows on


class MLP(Features, BaseEstimator):
    """Base of the estimators; its parameters are theirs."""

    race_: Any  # the course of the race, where `race` made this model
    _default_recipe: ClassVar[Recipe] = DEFAULT_RECIPE
    _default_optimizer: ClassVar[Optimizer] = DEFAULT_OPTIMIZER

    def __init__(
        self,
        hidden_layers: Sequence[int] = (128, 128),
        activation: str = "gelu",
        regularizers: Sequence[Regularizer] | Regularizer | None = None,
        optimizer: Optimizer | None = None,
        batch_size: int | str = "auto",
        max_epochs: int = 200,
        tolerance: float = 1e-5,
        standardize: bool = True,
        warm_start: bool = False,
        random_state: Any = None,
        workers: int | None = None,
        progress: bool = False,
        image_shape: Any = None,
        numeric_embedding: str = "none",
        preset: str = "default",
        skip: bool = False,
        norm: str = "none",
        learned: Any = (),
    ) -> None:
        self.hidden_layers = hidden_layers
        self.activation = activation
        self.regularizers = regularizers
        self.optimizer = optimizer
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.tolerance = tolerance
        self.standardize = standardize
        self.warm_start = warm_start
        self.random_state = random_state
        self.workers = workers
        self.progress = progress
        self.image_shape = image_shape
        self.numeric_embedding = numeric_embedding
        self.preset = preset
        self.skip = skip
        self.norm = norm
        self.learned = learned

    def __sklearn_tags__(self) -> Any:
        """Missing cells and text are fine; training draws at random."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.non_deterministic = False
        tags.input_tags.three_d_array = self.image_shape is not None
        return tags

    def _encode_targets(self, y: Any) -> np.ndarray:
        """Targets as the engine wants them; learns classes at fit."""
        raise NotImplementedError

    def _loss(self, targets: np.ndarray) -> Loss:
        """The loss for these targets."""
        raise NotImplementedError

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        validation: tuple[Any, Any] | None = None,
        groups: Any = None,
        checkpoint: str | Path | None = None,
    ) -> Self:
        """Train on a table.

        Parameters
        ----------
        X : frame or array of shape (rows, columns)
            Numbers, text, dates; missing cells are fine. With `image_shape`: pixels, also as (rows, height, width) or
            (rows, height, width, channels).
        y : array of shape (rows,) or (rows, outputs)
        sample_weight : array of shape (rows,) or None
            Weight of each row in the loss; rows of weight 0 are left out.
        validation : (X, y) or None
            Rows for early stopping. Without them, `EarlyStopping` holds out some of the training rows.
        groups : array of shape (rows,) or None
            Rows of one group are held out together.
        checkpoint : path of a folder or None
            Where the training is kept on disk every few seconds. The same call with the same folder goes on after a
            kill, and gives the same networks to the last bit. `random_state` must be a number. Delete the folder after.

        Returns
        -------
        self

        Raises
        ------
        DataError, UsageError
            For data or parameters that cannot be used.
        """
        self._keep(self._trained(X, y, sample_weight, validation, groups, checkpoint)[2])
        return self

    def _trained(
        self, X: Any, y: Any, sample_weight: Any, validation: Any, groups: Any, checkpoint: str | Path | None
    ) -> tuple[Examples, Job, tuple[Network, ...]]:
        """All rows as numbers, the job that was trained, and its networks."""
        self._check_parameters()
        goes_on = self.warm_start and hasattr(self, "networks_")
        examples, rows, held = self._examples(X, y, sample_weight, validation, groups, goes_on)
        start = tuple(network for network in self.networks_ if not network.snapshot) if goes_on else ()
        design = self._design(self._loss(examples.targets), len(rows))
        job = self._job(examples, Job(self.recipe_, rows, held, self._seed(), design, start))
        self._check_start(examples, job)
        checkpoints = self._checkpoints(checkpoint)
        (networks,) = train(examples, [job], workers=self.workers, progress=self._progress(), checkpoints=checkpoints)
        return examples, job, networks

    def _check_start(self, examples: Examples, job: Job) -> None:
        """Refuse to go on from networks of another shape."""
        for one in job.recipe.plan(job):
            if not one.start:
                continue
            call = f"{type(self).__name__}.fit(warm_start=True)"
            asked, given = one.widths(examples), one.start[0].widths
            if given != asked:
                raise UsageError(
                    f"{call}: the last fit has layers of {given}, this one would have {asked}. "
                    "Keep hidden_layers and numeric_embedding, or set warm_start=False."
                )
            if one.design.shared > 1:
                raise UsageError(f"{call}: members that share their weights begin anew. Set warm_start=False.")
            if one.design.norm == "batch":
                raise UsageError(f"{call}: batch norms are part of the weights by now. Set warm_start=False.")
            if not goes_on(one.start[0], one.design):
                raise UsageError(f"{call}: hidden layers differ. Keep activation, skip, norm and learned.")

    def _job(self, examples: Examples, job: Job) -> Job:
        """The job to train, given one of all training rows."""
        return job

    def _checkpoints(self, folder: str | Path | None) -> Checkpoints | None:
        """Where the training is kept on disk."""
        if folder is None:
            return None
        caller = f"{type(self).__name__}.fit"
        if self.random_state is None:
            raise UsageError(
                f"{caller}(checkpoint={str(folder)!r}): without a seed no training can be repeated. "
                "Set random_state to a number."
            )
        return Checkpoints(Path(folder), caller)

    def _check_words(self) -> None:
        """Refuse words that are no choices."""
        words: dict[str, Iterable[str]] = {
            "preset": PRESETS,
            "activation": ACTIVATIONS,
            "numeric_embedding": CHOICES,
            "norm": NORMS,
        }
        for name, choices in words.items():
            value = getattr(self, name)
            if value not in list(choices):
                raise UsageError(
                    f"{type(self).__name__}({name}={value!r}): must be one of {', '.join(choices)}."
                    f"{did_you_mean(str(value), choices)}"
                )

    def _given_recipe(self) -> Any:
        """What the user gives, or the default recipe with the ensemble of the preset."""
        if self.regularizers is not None:
            return self.regularizers
        parts = self._default_recipe.parts
        if self.preset == "default":
            return parts
        return tuple(PRESETS[self.preset] if isinstance(part, Ensemble) else part for part in parts)

    def _check_parameters(self) -> None:
        """Refuse parameters out of range; sets `recipe_`."""
        name = type(self).__name__
        self._check_words()
        given = self._given_recipe()
        self.recipe_ = Recipe((given,) if isinstance(given, Regularizer) else tuple(given))
        if self.optimizer is not None and not isinstance(self.optimizer, Optimizer):
            raise UsageError(f"{name}(optimizer={self.optimizer!r}): pass an instance, for example AdamW(0.001).")
        require(self, "tolerance", at_least=0, below=1)
        if self.workers == 0:
            raise UsageError(f"{name}(workers=0): nobody would train. Pass 1 or more, or None for all cores.")
        self._design(Loss(), rows=1)  # refuses the others

    def _design(self, loss: Loss, rows: int) -> Design:
        """Networks as the parameters ask for them, for so many training rows."""
        batch, optimizer = self._pace(rows)
        return Design(
            whole_numbers(self, "hidden_layers"),
            self.activation,
            loss,
            optimizer,
            batch,
            whole_numbers(self, "max_epochs")[0],
            float(self.tolerance),
            bool(self.standardize),
            numeric_embedding=self.numeric_embedding,
            skip=bool(self.skip),
            norm=self.norm,
            learned=check_learned(self.learned, f"{type(self).__name__}(learned={self.learned!r})"),
        )

    def _pace(self, rows: int) -> tuple[int, Optimizer]:
        """Rows of a step, and the optimizer; where both are left open, its learning rate grows as their root."""
        optimizer = self.optimizer or self._default_optimizer
        if not isinstance(self.batch_size, str) or self.batch_size != "auto":
            return whole_numbers(self, "batch_size", besides=", or 'auto'")[0], optimizer
        rows = rows if self.image_shape is None else 0  # what is better for pictures was not measured
        batch = max(batch for least, batch in BATCHES.items() if rows >= least)
        if self.optimizer is None:
            optimizer = replace(optimizer, learning_rate=optimizer.learning_rate * math.sqrt(batch / BATCHES[0]))
        return batch, optimizer

    def _examples(
        self, X: Any, y: Any, sample_weight: Any, validation: Any, groups: Any, goes_on: bool
    ) -> tuple[Examples, np.ndarray, np.ndarray]:
        """All rows as numbers, the numbers of the training rows, and those of the validation rows."""
        name = type(self).__name__
        if y is None and self.__sklearn_tags__().target_tags.required:
            raise ValueError(f"{name} requires y to be passed, but the target y is None.")
        if not goes_on:
            self.encoder_ = self._encoder().fit(X)
            self._take_features()
        inputs = self.encoder_.transform(X)
        check_consistent_length(inputs, y, groups)
        targets = self._targets(inputs, y)
        weights = None
        rows = np.arange(len(inputs))
        if sample_weight is not None:
            weights = weights_of(sample_weight, inputs, name)
            rows = np.flatnonzero(weights > 0)
            if not len(rows):
                raise DataError(f"{name}.fit(sample_weight): every weight is zero. Pass some that are above 0.")
        held = np.arange(0)
        if validation is not None:
            more = self.encoder_.transform(validation[0])
            check_consistent_length(more, validation[1])
            held = len(inputs) + np.arange(len(more))
            inputs = np.vstack([inputs, more])
            targets = np.concatenate([targets, self._targets_of_more(more, validation[1])])
            weights = None if weights is None else np.concatenate([weights, np.ones(len(held))])
        if groups is not None:
            groups = np.concatenate([groups_of(groups, name), np.full(len(held), -1)])
        weights = self._with_class_weights(targets, weights, rows)
        return Examples(inputs, targets, self.encoder_.inputs_, weights, groups), rows, held

    def _encoder(self) -> Any:
        """What turns tables, or pictures, into numbers."""
        name = type(self).__name__
        return TableEncoder(name) if self.image_shape is None else PictureEncoder(self.image_shape, name)

    def _targets(self, inputs: np.ndarray, y: Any) -> np.ndarray:
        """Targets of the training rows, whose inputs are given as numbers."""
        return self._encode_targets(y)

    def _targets_of_more(self, inputs: np.ndarray, y: Any) -> np.ndarray:
        """Targets of validation rows."""
        return self._encode_more(y)

    def _encode_more(self, y: Any) -> np.ndarray:
        """Targets of rows that come after the fit."""
        return self._encode_targets(y)

    def _with_class_weights(
        self, targets: np.ndarray, weights: np.ndarray | None, rows: np.ndarray
    ) -> np.ndarray | None:
        """Row weights; classifiers multiply class weights in, `rows` are those of training."""
        return weights

    def _seed(self) -> int:
        """One seed of 62 bits."""
        if isinstance(self.random_state, int | np.integer) and self.random_state >= 0:
            return int(np.random.default_rng(int(self.random_state)).integers(2**62))
        low, high = check_random_state(self.random_state).randint(2**31, size=2)
        return int(low) | int(high) << 31

    def _progress(self) -> Any:
        """A progress bar of networks done, where it was asked for."""
        if not self.progress:
            return None
        from rich.progress import Progress

        bar = Progress(transient=True)
        task = bar.add_task("networks", total=None)
        bar.start()

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)
            if done == total:
                bar.stop()

        return show

    def _keep(self, networks: tuple[Network, ...]) -> None:
        """Keep what was trained; name the networks that diverged, and leave them out if others did not."""
        for number, network in enumerate(distinct(networks)[0]):
            if network.diverged:
                warnings.warn(
                    f"{type(self).__name__}: network {number} diverged in epoch {network.diverged}; "
                    "the weights before it are kept. Lower the optimizer's learning_rate, or set its clip.",
                    ConvergenceWarning,
                    stacklevel=3,
                )
        self.networks_ = networks
        self.history_ = [network.history for network in networks if not network.snapshot]
        self.n_iter_ = max(network.epochs for network in networks)

    def _members(self) -> list[Network]:
        """The networks that predict: those that did not diverge, or all where all did."""
        sound = [network for network in self.networks_ if not network.diverged]
        return sound or list(self.networks_)

    def _inputs(self, X: Any) -> np.ndarray:
        """Rows as numbers, checked against those of fit."""
        check_is_fitted(self, "networks_")
        return np.asarray(self.encoder_.transform(X))

    @property
    def surviving_columns_(self) -> list[Any]:
        """The columns that some member still looks at: names, or numbers where columns have none.

        A column is out where all first-layer weights of its inputs are exactly zero in every member (`GroupLasso`,
        `L1`), or its inputs are constant.
        """
        check_is_fitted(self, "networks_")
        used = np.any([one.used() for one in self._members()], axis=0)
        sources = np.unique(self.encoder_.inputs_.source[used]).tolist()
        names = getattr(self, "feature_names_in_", None)
        return sources if names is None else [names[source] for source in sources]

    def _sampled(self, X: Any, samples: int, caller: str) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation over noisy passes of all members, each (rows, outputs)."""
        inputs = self._inputs(X)
        check_samples(samples, self.recipe_, f"{type(self).__name__}.{caller}")
        seed = self._seed() if isinstance(self.random_state, int | np.integer) else 0
        columns = self.encoder_.inputs_
        return mean_and_spread(self._members(), inputs, self.recipe_, columns, self.loss_, samples, seed)

    def _member_predictions(self, X: Any) -> np.ndarray:
        """Predictions of every member, (members, rows, outputs)."""
        inputs = self._inputs(X)
        networks, places = distinct(self._members())
        return np.stack([self.loss_.predict(network.outputs(inputs)) for network in networks])[places]

    def _facts(self) -> dict[str, Any]:
        """What a model file says beside networks and parameters, as plain JSON."""
        raise NotImplementedError

    def _take_facts(self, facts: dict[str, Any]) -> None:
        """The reverse, when a model file is read."""
        raise NotImplementedError

    def save(self, path: str | Path) -> Path:
        """Write the model to a file: JSON and weights, nothing that could run. `dashpot.load` reads it."""
        check_is_fitted(self, "networks_")
        return save(self, path)

    def _described(self, tensors: Tensors, prefix: str = "") -> dict[str, Any]:
        """What the model file says; arrays go into `tensors`, under names that begin with `prefix`."""
        return described_estimator(self, tensors, prefix)
