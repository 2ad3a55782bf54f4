"""An encoder, a latent code and a decoder, trained to reconstruct rows: no labels."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from dashpot.errors import DataError, UsageError, did_you_mean
from dashpot.estimators.base import MLP
from dashpot.estimators.codes import CODES, mirrored, noise_of, turn, without_variances
from dashpot.estimators.components import begun_as_components, code_for_share
from dashpot.jobs import Examples, Job
from dashpot.losses import Loss
from dashpot.networks import Network
from dashpot.optimizers import AdamW, Optimizer
from dashpot.reconstruction import ERRORS, Reconstruction, cells_of, row_means, targets_of
from dashpot.regularizers import EarlyStopping, Ensemble, Recipe, Regularizer, TiedWeights, VariationalCode
from dashpot.tables.decode import decode, filled


class Autoencoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, MLP):
    """A network that squeezes each row through a short code and draws the row again from it, for any table.

    Encoder and decoder mirror each other: inputs, `hidden_layers`, code, `hidden_layers` backwards, outputs. Beside its
    bent units each hidden layer has straight ones that begin as the principal components, so the network begins as PCA
    and learns what PCA misses. The loss is the mean over the source columns: of numbers the squared error in units of
    the column's spread, of categories cross-entropy / log(levels); missing cells count for nothing.

    Noise in the recipe makes it denoising (`Noise("inputs", "masking", 0.2)`: the target stays clean),
    `Activity(layers="middle")` sparse, `Decorrelation(layers="middle")` keeps the numbers of a bounded code apart,
    transformations of pictures teach it the transformed ones.

    Parameters
    ----------
    code_size : int of at least 1, or float in (0, 1), default 2
        Numbers in the code; a share is the fewest principal components that explain as much of the variance.
    hidden_layers : sequence of int, default (256, 128)
        Widths of the encoder's hidden layers; () is linear, principal component analysis.
    activation : str, default "relu"
        relu, leaky_relu, elu, selu, gelu, mish, tanh, sigmoid or identity.
    code : {"linear", "bounded", "variational"}, default "linear"
        A linear code is turned to its principal axes, in the order of their spread. A bounded one is within (-1, 1). A
        variational one is noisy in training, and standard normal over the rows together with its noise
        (`VariationalCode`, whose strength the recipe may set): `sample` draws new rows. It is turned, too.
    regularizers : sequence of Regularizer, a Regularizer, or None
        None is early stopping, and three networks; for a variational code one network without early stopping, since
        rows without noise would have it stop at the beginning. Of several networks (`Ensemble`) the one with the least
        error on the validation rows is kept.
    loss : {"squared", "absolute", "huber"}, default "squared"
        The error of numbers.
    optimizer : Optimizer or None
        None is AdamW with a cosine schedule.
    batch_size : int or "auto", default 128
        Rows per step at most. "auto" is 128; of tables 256, 512 and 1024 from 10,000, 20,000 and 40,000 training
        rows on, and the learning rate, where `optimizer` is None, then grows with the root.
    max_epochs : int, default 200
        Passes through the training rows, at most.
    tolerance : float in [0, 1), default 1e-5
        Training stops when an epoch changes the weights by less than this share of their norm.
    standardize : bool, default True
        Whether columns are centred and scaled by the training rows, so that each counts alike.
    image_shape : (height, width), (height, width, channels) or None
        Rows are pictures of this shape; all pixels of a channel have one scale.
    random_state : int, RandomState or None
    workers : int or None
        Cores to use; None is all. The result does not depend on it.
    progress : bool, default False
        Whether to show a progress bar.
    tied : bool, default False
        Whether the decoder's weights are the encoder's, transposed: half as many numbers to learn (`TiedWeights`).

    Attributes
    ----------
    networks_ : tuple of Network
        The one that was kept.
    cells_ : tuple of Cell
        The source columns that are reconstructed.
    code_size_ : int
    code_spread_ : float array (code,)
        Standard deviation of each number of the code over the training rows.
    code_noise_ : float array (code,)
        Standard deviation of the noise of each number in training; 0 but for variational codes.
    error_ : float
        Mean error on the validation rows (on the training rows where there are none).
    components_error_ : float
        The same for as many principal components: the floor that the network began from.
    components_network_ : Network
        That beginning; not kept in model files.
    recipe_ : Recipe
    history_ : list of dict
        "loss" and "validation_loss", an entry for each epoch.
    n_iter_ : int
        Epochs.

    References
    ----------
    Hinton and Salakhutdinov (2006), Science 313; Baldi and Hornik (1989), Neural Networks 2 (a linear autoencoder is
    PCA); Vincent et al. (2010), JMLR 11 (denoising).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X = load_iris().data
    >>> model = Autoencoder(code_size=1, hidden_layers=(16,), max_epochs=50, random_state=0).fit(X)
    >>> model.transform(X).shape, model.inverse_transform(model.transform(X)).shape
    ((150, 1), (150, 4))
    >>> bool(model.error_ < model.components_error_)
    True
    """

    _default_recipe: ClassVar[Recipe] = Recipe((EarlyStopping(patience=25), Ensemble(3)))
    _default_optimizer: ClassVar[Optimizer] = AdamW(learning_rate=2e-3, schedule="cosine", decay=0.0, beta2=0.95)

    def __init__(
        self,
        code_size: float = 2,
        hidden_layers: Sequence[int] = (256, 128),
        activation: str = "relu",
        code: str = "linear",
        regularizers: Sequence[Regularizer] | Regularizer | None = None,
        loss: str = "squared",
        optimizer: Optimizer | None = None,
        batch_size: int | str = 128,
        max_epochs: int = 200,
        tolerance: float = 1e-5,
        standardize: bool = True,
        image_shape: Any = None,
        random_state: Any = None,
        workers: int | None = None,
        progress: bool = False,
        tied: bool = False,
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
            False,
            random_state,
            workers,
            progress,
            image_shape,
        )
        self.code_size = code_size
        self.code = code
        self.loss = loss
        self.tied = tied

    def fit(
        self,
        X: Any,
        y: Any = None,
        sample_weight: Any = None,
        *,
        validation: Any = None,
        groups: Any = None,
        checkpoint: str | Path | None = None,
    ) -> Self:
        """Learn to reconstruct the rows of a table.

        Parameters
        ----------
        X : frame or array of shape (rows, columns)
            Numbers, text, dates; missing cells are fine. With `image_shape`: pixels.
        y : ignored
        sample_weight : array of shape (rows,) or None
            Weight of each row in the loss; rows of weight 0 are left out.
        validation : frame or array, or None
            Rows for early stopping. Without them, `EarlyStopping` holds out some of the training rows.
        groups : array of shape (rows,) or None
            Rows of one group are held out together.
        checkpoint : path of a folder or None
            Where the training is kept on disk; the same call goes on after a kill.

        Raises
        ------
        DataError, UsageError
            For data or parameters that cannot be used.

        Warns
        -----
        UserWarning
            If the code is not smaller than a row: it need not leave anything out, and may learn to copy.
        """
        more = None if validation is None else (validation, None)
        examples, job, networks = self._trained(X, None, sample_weight, more, groups, checkpoint)
        judged = examples.inputs[job.validation if len(job.validation) else job.rows]
        errors = [self._mean_error(network, judged) for network in networks]
        self._keep((networks[int(np.argmin(errors))],))
        self.error_ = min(errors)
        self.components_error_ = self._mean_error(self.components_network_, judged)
        self._arrange(examples.inputs[job.rows])
        return self

    def _given_recipe(self) -> tuple[Regularizer, ...]:
        """What the user gives, or the default recipe, and what `code` and `tied` need beside it."""
        given = super()._given_recipe()
        parts = Recipe((given,) if isinstance(given, Regularizer) else tuple(given)).parts
        noisy = [part for part in parts if isinstance(part, VariationalCode)]
        if noisy and self.code != "variational":
            raise UsageError(
                f"Autoencoder(code={self.code!r}): {noisy[0]!r} needs another code. Set code='variational'."
            )
        if self.code == "variational":
            others = () if self.regularizers is None else tuple(part for part in parts if part not in noisy)
            parts = (
                *others,
                replace((noisy or [VariationalCode()])[0], layers=len(np.atleast_1d(self.hidden_layers)) + 1),
            )
        if self.tied and not any(isinstance(part, TiedWeights) for part in parts):
            parts = (*parts, TiedWeights())
        return parts

    def _check_parameters(self) -> None:
        """Refuse parameters out of range; sets `recipe_`."""
        super()._check_parameters()
        for name, choices in (("code", CODES), ("loss", ERRORS)):
            value = getattr(self, name)
            if value not in choices:
                raise UsageError(
                    f"Autoencoder({name}={value!r}): must be one of {', '.join(choices)}."
                    f"{did_you_mean(str(value), choices)}"
                )
        size = self.code_size
        whole = isinstance(size, int | np.integer) and not isinstance(size, bool) and size >= 1
        if not whole and not (isinstance(size, float) and 0 < size < 1):
            raise UsageError(
                f"Autoencoder(code_size={size!r}): must be a whole number of at least 1, or a share of the variance "
                "between 0 and 1."
            )
        ensembles = [part for part in self.recipe_.parts if isinstance(part, Ensemble)]
        if any(part.shapes for part in ensembles):
            raise UsageError("Autoencoder: Ensemble(shapes=...) would change the code. Set hidden_layers instead.")
        if any(part.numeric_embeddings for part in ensembles):
            raise UsageError("Autoencoder: Ensemble(numeric_embeddings=...): inputs stay as they are. Leave it out.")
        if any(part.skips or part.shared for part in ensembles):
            raise UsageError("Autoencoder: Ensemble(skips=..., shared=...): its layers stay as they are. Leave it out.")

    def _loss(self, targets: np.ndarray) -> Loss:
        """The error of cells."""
        image = self.encoder_.inputs_.image
        self.loss_ = Reconstruction(self.cells_, self.loss, 0.0, image[2] if image else 0)
        return self.loss_

    def _targets(self, inputs: np.ndarray, y: Any) -> np.ndarray:
        """The rows themselves."""
        self.cells_ = cells_of(self.encoder_)
        if not self.cells_:
            raise DataError("Autoencoder.fit: no column has a cell to reconstruct. Add a column that differs.")
        return targets_of(self.cells_, inputs)

    def _targets_of_more(self, inputs: np.ndarray, y: Any) -> np.ndarray:
        """The rows themselves."""
        return targets_of(self.cells_, inputs)

    def _job(self, examples: Examples, job: Job) -> Job:
        """Networks that begin as principal components, with the same validation rows."""
        if not len(job.validation):
            job = job.recipe.hold_out(job, examples)
        size = self.code_size
        self.code_size_ = code_for_share(examples, job, size) if isinstance(size, float) else int(size)
        if self.code_size_ >= len(self.cells_):
            warnings.warn(
                f"Autoencoder(code_size={size!r}): a row has {len(self.cells_)} columns in use, so the code need not "
                "leave anything out. Take a smaller code, or add noise to the inputs.",
                stacklevel=3,
            )
        job = replace(job, design=mirrored(job.design, self.code_size_, self.code))
        job, self.components_network_ = begun_as_components(examples, job, self.code_size_)
        return job

    def _facts(self) -> dict[str, Any]:
        """The code, and the errors that were measured."""
        code = {"code_size": self.code_size_, "code_spread": self.code_spread_.tolist()}
        code["code_noise"] = self.code_noise_.tolist()
        return code | {"error": self.error_, "components_error": self.components_error_}

    def _take_facts(self, facts: dict[str, Any]) -> None:
        """The code, and the errors that were measured."""
        self.cells_ = cells_of(self.encoder_)
        self._loss(np.empty(0))
        self.code_size_, self.code_spread_ = int(facts["code_size"]), np.array(facts["code_spread"], dtype=float)
        self.code_noise_ = np.array(facts.get("code_noise", np.zeros(self.code_size_)), dtype=float)
        self.error_, self.components_error_ = float(facts["error"]), float(facts["components_error"])

    def _mean_error(self, network: Network, inputs: np.ndarray) -> float:
        """The mean error of rows that have a cell."""
        return float(np.nanmean(row_means(self._cell_errors(network, inputs))))

    def _cell_errors(self, network: Network, inputs: np.ndarray) -> np.ndarray:
        """The error of each cell, (rows, cells), NaN where it is missing."""
        targets = targets_of(self.cells_, inputs)
        return self.loss_.errors(network.outputs(inputs), targets, network.target_scale, network.target_centre)

    def _arrange(self, inputs: np.ndarray) -> None:
        """Turn a code to its principal axes: by falling spread, each pointing where it loads most; linear ones centred.

        A bounded code stays as it is; a variational one keeps its centre, and loses what only training needs.
        """
        (network,) = self.networks_
        noise = np.zeros(self.code_size_)
        if self.code == "variational":
            noise = noise_of(network, inputs)
            network = without_variances(network)
            self.networks_ = (network,)
        codes = self._codes(network, inputs)
        if self.code != "bounded":
            axes = np.linalg.svd(codes - codes.mean(0), full_matrices=False)[2]
            axes = np.vstack([axes, np.eye(self.code_size_)[len(axes) :]]) if len(axes) < self.code_size_ else axes
            axes = turn(network, codes.mean(0) * (self.code == "linear"), axes)
            noise = axes**2 @ noise
            codes = self._codes(network, inputs)
        self.code_spread_, self.code_noise_ = codes.std(0), np.sqrt(noise)

    def _codes(self, network: Network, inputs: np.ndarray) -> np.ndarray:
        """The code of encoded rows, (rows, code)."""
        return network.split()[0].outputs(inputs)

    @property
    def encoder_network_(self) -> Network:
        """From encoded rows to codes."""
        check_is_fitted(self, "networks_")
        return self.networks_[0].split()[0]

    @property
    def decoder_network_(self) -> Network:
        """From codes to raw outputs: amounts in the encoder's units, and logits of levels."""
        check_is_fitted(self, "networks_")
        return self.networks_[0].split()[1]

    @property
    def _n_features_out(self) -> int:
        """What `get_feature_names_out` counts."""
        return self.code_size_

    def transform(self, X: Any) -> np.ndarray:
        """The codes of rows, float64 (rows, code)."""
        inputs = self._inputs(X)
        return self._codes(self.networks_[0], inputs)

    def inverse_transform(self, X: Any) -> Any:
        """Rows from codes (rows, code): an array where `fit` had an array of numbers, otherwise a data frame."""
        codes = np.atleast_2d(np.asarray(X, dtype=np.float64))
        check_is_fitted(self, "networks_")
        if codes.shape[1] != self.code_size_:
            raise UsageError(
                f"Autoencoder.inverse_transform: the codes have {codes.shape[1]} numbers each; this code has "
                f"{self.code_size_}. Pass what transform gives."
            )
        return decode(self.encoder_, self.loss_.predict(self.decoder_network_.outputs(codes)))

    def sample(self, n_samples: int = 1, random_state: Any = None) -> Any:
        """New rows, as the decoder draws them from standard normal codes; an array or a frame, as `reconstruct` gives.

        Parameters
        ----------
        n_samples : int of at least 1, default 1
        random_state : int, RandomState or None

        Raises
        ------
        UsageError
            For other codes: nobody knows how theirs are spread.
        """
        check_is_fitted(self, "networks_")
        if self.code != "variational":
            raise UsageError(
                f"Autoencoder.sample: a {self.code} code has no known distribution. Fit with code='variational'."
            )
        if isinstance(n_samples, bool) or not isinstance(n_samples, int | np.integer) or n_samples < 1:
            raise UsageError(f"Autoencoder.sample(n_samples={n_samples!r}): must be a whole number of at least 1.")
        return self.inverse_transform(check_random_state(random_state).normal(size=(n_samples, self.code_size_)))

    def reconstruct(self, X: Any) -> Any:
        """Rows as the network draws them again from their codes."""
        return self.inverse_transform(self.transform(X))

    def impute(self, X: Any) -> Any:
        """The rows of a table, with what the network expects in place of missing cells; the others stay as they are."""
        inputs = self._inputs(X)
        (network,) = self.networks_
        expected = decode(self.encoder_, self.loss_.predict(network.outputs(inputs)))
        missing = self.encoder_.missing(X)
        return filled(self.encoder_, X, expected, {cell.source: missing[:, cell.source] for cell in self.cells_})

    def score_samples(self, X: Any) -> np.ndarray:
        """Minus the mean error of each row's cells, (rows,): the higher, the more usual. NaN where all are missing."""
        return -row_means(self.cell_errors(X))

    def cell_errors(self, X: Any) -> np.ndarray:
        """The error of each source column in use, (rows, cells) in the order of `cells_`, NaN where it is missing."""
        inputs = self._inputs(X)
        return self._cell_errors(self.networks_[0], inputs)

    def score(self, X: Any, y: Any = None) -> float:
        """Minus the mean error of the rows."""
        return float(np.nanmean(self.score_samples(X)))
