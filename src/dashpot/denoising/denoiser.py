"""Noise out of pictures and tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from dashpot.denoising.corruption import Corruption, corruption_of
from dashpot.denoising.described import described_denoiser
from dashpot.denoising.looks import look_again
from dashpot.denoising.network import WindowPlan, train_windows
from dashpot.denoising.planes import as_pictures, scaled
from dashpot.denoising.rows import Rows
from dashpot.denoising.subjects import (
    INNER,
    Networks,
    Pass,
    Pictures,
    Settings,
    Subject,
    Windows,
    estimated,
    pairs_of,
    pictures_of,
)
from dashpot.errors import DataError, UsageError
from dashpot.model_files import Tensors, save
from dashpot.regularizers import EarlyStopping, Ensemble, Noise, Recipe, Zero

__all__ = ["Denoiser"]

OF_PICTURES = (Noise("inputs", "gaussian", 0.02), Noise("inputs", "gaussian", 0.25))
OF_TABLES = Noise("inputs", "gaussian", 0.3)


class Denoiser(TransformerMixin, BaseEstimator):
    """Multilayer perceptrons that learn to take noise out, from clean data that they corrupt, or from pairs.

    Of large pictures a network sees 27 x 27 pixels around a place, the outer ones as means of 3 x 3, and corrects
    7 x 7; every pixel is the weighted mean of all corrections that reach it. Colours are taken apart into their mean
    and two differences. Small pictures of one size (up to 256 numbers) are seen whole, and so are the rows of a table:
    there additive noise is taken out of numbers, with categories as witnesses; swapped cells are put right in any
    column; and where the noise is masking, missing cells are filled.

    Parameters
    ----------
    corruption : Noise, two of them, or None
        What to take out: `Noise("inputs", kind, level)`. The level is a share of the range from black to white (25 of
        255 is 0.098), of tables a share of each column's spread, or a probability. Two of gaussian or uniform noise are
        the ends of a range of levels, for pictures: one denoiser for all of them ("blind"). None is gaussian noise,
        from 0.02 to 0.25 in pictures, 0.3 in tables.
    hidden_layers : sequence of int or None
        Widths. None is (512, 512), for tables (128, 128).
    looks : {1, 2}, default 1
        2 trains networks that look again at large pictures with added noise: at the first estimate, at what alike
        patches everywhere in it say, and in small pictures of one kind (faces) at what they have in common.
    networks : int of at least 1, default 1
        Networks whose mean corrects.
    windows : int of at least 1,000, or None
        Noisy windows, noisy small pictures or noisy rows to learn from. None is 400,000, of tables 100
        for each row, at least 5,000 and at most 100,000.
    max_epochs : int of at least 1, or None
        Passes through them. None is 7, for tables 10.
    stride : int in 1 to 7, default 2
        Pixels from window to window in `transform`: 1 is best, larger is quicker.
    symmetries : int in 1 to 8, default 1
        Turned and mirrored copies of a large picture whose mean is taken in `transform`.
    random_state : int, RandomState or None
    workers : int or None
        Cores to use; None is all.
    progress : callable or None
        Called with (networks done, networks in all).

    Attributes
    ----------
    model_ : WindowDenoiser or TwoLooks
        The networks, and how they see.
    subject_ : Windows, WholePictures or Rows
        What they were fitted on.
    error_, linear_error_, noisy_error_ : float
        Mean squared error on held-out windows or rows, in units of the noise: of the networks, of the best linear
        correction (principal components, shrunken), and of doing nothing.
    verdict_ : str
        Whether the networks are worth it, in a sentence.

    References
    ----------
    Vincent et al. (2010), JMLR 11; Burger, Schuler and Harmeling (2012), CVPR.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> digits = load_digits().images
    >>> denoiser = Denoiser(Noise("inputs", "gaussian", 0.2), (64,), windows=20_000, random_state=0)
    >>> denoiser.fit(digits[:1000]).transform(digits[1000:1002]).shape
    (2, 8, 8)
    >>> denoiser.error_ < denoiser.noisy_error_
    True
    """

    def __init__(
        self,
        corruption: Any = None,
        hidden_layers: Sequence[int] | None = None,
        looks: int = 1,
        networks: int = 1,
        windows: int | None = None,
        max_epochs: int | None = None,
        stride: int = 2,
        symmetries: int = 1,
        random_state: Any = None,
        workers: int | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self.corruption = corruption
        self.hidden_layers = hidden_layers
        self.looks = looks
        self.networks = networks
        self.windows = windows
        self.max_epochs = max_epochs
        self.stride = stride
        self.symmetries = symmetries
        self.random_state = random_state
        self.workers = workers
        self.progress = progress

    def __sklearn_tags__(self) -> Any:
        """Missing cells, text and pictures are fine."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.string = tags.input_tags.three_d_array = True
        return tags

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn from clean data, or from noisy data and their clean twins.

        Parameters
        ----------
        X : array (rows, height, width[, channels]), a sequence of pictures, which may differ in size, or a table
            A frame or an array of shape (rows, columns) is a table, one of (height, width, 3 or 4), both at least 7,
            one picture in colour. Clean; with `y`, noisy.
        y : the same of clean twins, or None
            With twins, `corruption` only says what kind of noise they have; None is gaussian noise of their own level.
            Labels are ignored, also as a table of one column, so that a denoiser may stand in a pipeline.

        Raises
        ------
        DataError, UsageError
            For data or parameters that cannot be used.
        """
        self._check_parameters()
        paired = y is not None and _axes(y) > 1 and (_is_column(X) or not _is_column(y))
        clean = y if paired else X
        subject: Subject = Rows.of(clean) if _axes(clean) < 3 else pictures_of(as_pictures(clean, "Denoiser.fit"))
        aims = subject.units(clean, "Denoiser.fit")
        seen = subject.units(X, "Denoiser.fit") if paired else None
        if seen is not None and [one.shape for one in seen] != [one.shape for one in aims]:
            raise DataError("Denoiser.fit(X, y): noisy and clean data differ in number or size. Pair them by place.")
        corruption = self._corruption(subject, aims, seen)
        self._keep(subject, self._trained(subject, aims, seen, corruption))
        return self

    def _trained(self, subject: Subject, clean: Any, noisy: Any, corruption: Corruption) -> Networks:
        """The networks, and where they are asked for and may help those that look again."""
        plan, twice = self._plan(subject), self.looks == 2 and isinstance(subject, Windows) and corruption.added
        first, second = (_share(self.progress, part, 1 + twice) for part in range(2))
        found = train_windows(subject.drawing(clean, noisy, corruption), corruption, plan, first)
        if not twice:
            return found
        grey = all(one.ndim == 2 for one in clean)
        return look_again(found, pairs_of(clean, noisy, corruption), grey, plan, second)

    def _check_parameters(self) -> None:
        """Refuse parameters out of range."""
        widths = () if self.hidden_layers is None else np.atleast_1d(np.asarray(self.hidden_layers, dtype=object))
        limits = {"looks": (1, 2), "networks": (1, 1_000), "windows": (1_000, 10**8), "max_epochs": (1, 10**6)}
        limits |= {"stride": (1, INNER), "symmetries": (1, 8)}
        checked = [("hidden_layers", width, 1, 10**5) for width in widths]
        checked += [(name, getattr(self, name), *ends) for name, ends in limits.items()]
        for name, value, low, high in checked:
            whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
            left_open = value is None and name in Settings._fields
            if not left_open and not (whole and low <= value <= high):
                raise UsageError(
                    f"Denoiser({name}={getattr(self, name)!r}): must be a whole number from {low} to {high:,}."
                )

    def _corruption(self, subject: Subject, clean: Any, noisy: Any) -> Corruption:
        """What to take out: as it was given, or with the level of the pairs."""
        table = isinstance(subject, Rows)
        given = (OF_TABLES if table else OF_PICTURES) if self.corruption is None else self.corruption
        corruption = corruption_of(given, "Denoiser")
        if noisy is not None:
            kind = "gaussian" if self.corruption is None else corruption.noise.kind
            level = subject.level_between(noisy, clean) if corruption.added else corruption.highest
            if not level > 0:
                raise DataError("Denoiser.fit(X, y): noisy and clean data are the same. Pass pairs that differ.")
            return corruption_of(Noise("inputs", kind, level), "Denoiser")
        if table and corruption.blind:
            raise UsageError("Denoiser(corruption=...): a range of levels is for pictures. Pass one Noise for a table.")
        if isinstance(subject, Rows) and not subject.disturbed(corruption).any():
            raise UsageError(
                f"Denoiser(corruption=...): {corruption.noise.kind} noise disturbs numbers, and no column holds any. "
                'Pass Noise("inputs", "swap") or Noise("inputs", "masking").'
            )
        return corruption

    def _plan(self, subject: Subject) -> WindowPlan:
        """How to train."""
        from dashpot.jobs import Design
        from dashpot.losses import SquaredError
        from dashpot.optimizers import AdamW

        given = {name: getattr(self, name) for name in Settings._fields}
        settings = subject.settings._replace(**{name: value for name, value in given.items() if value is not None})
        optimizer = AdamW(learning_rate=3e-3, schedule="cosine", decay=1e-4, beta2=0.99)
        widths = tuple(int(width) for width in np.atleast_1d(settings.hidden_layers))
        design = Design(widths, "relu", SquaredError(), optimizer, 512, settings.max_epochs, 0.0, False)
        recipe = Recipe((Zero("output"), EarlyStopping(patience=settings.max_epochs), Ensemble(self.networks)))
        low, high = check_random_state(self.random_state).randint(2**31, size=2)
        seed = int(low) | int(high) << 31
        sight = subject.shape, subject.inner, subject.seen
        return WindowPlan(*sight, settings.windows, design, recipe, seed, self.workers)

    def _keep(self, subject: Subject, model: Networks) -> None:
        """Keep what was trained, and say whether it was worth it."""
        self.subject_, self.model_ = subject, model
        self.error_, self.linear_error_, self.noisy_error_ = model.error, model.linear_error, model.noisy_error
        if isinstance(subject, Rows):
            self.n_features_in_ = subject.encoder.n_features_in_
            if hasattr(subject.encoder, "feature_names_in_"):
                self.feature_names_in_ = subject.encoder.feature_names_in_
        if not model.noisy_error:
            self.verdict_ = "No held-out row has noise: it is too rare to say what the networks leave of it."
            return
        ours, linear = (100 * error / model.noisy_error for error in (model.error, model.linear_error))
        self.verdict_ = (
            f"On held-out {'rows' if isinstance(subject, Rows) else 'windows'} the networks leave {ours:.0f} % of the "
            f"noise's energy, shrunken principal components {linear:.0f} %."
        )
        if model.error >= 0.98 * model.linear_error:
            self.verdict_ += " The networks are not worth it here: use principal components."

    def transform(self, X: Any, level: float | None = None) -> Any:
        """Return the data without noise, of the same type and in the same units.

        Parameters
        ----------
        X : array, sequence of pictures, or table, as in `fit`
        level : float or None
            The noise of each pixel or cell, in the units of `corruption`. None is the level of the training; where that
            was a range, each picture's own level, estimated and kept within the range.

        Returns
        -------
        An array where `X` is an array, a data frame where it is a frame, otherwise a list

        Raises
        ------
        DataError, UsageError
        """
        check_is_fitted(self, "model_")
        if level is not None and not 0 < level < np.inf:
            raise UsageError(f"Denoiser.transform(level={level!r}): must be a number above 0.")
        return self.subject_.cleaned(self.model_, X, level, Pass(self.stride, self.symmetries))

    def estimated_level(self, picture: Any, level: float | None = None) -> float:
        """Return the noise level that `transform` takes for a picture, a share of the range from black to white."""
        check_is_fitted(self, "model_")
        if not isinstance(self.subject_, Pictures):
            raise UsageError("Denoiser.estimated_level: the noise of a table cannot be told from its rows.")
        (one,) = as_pictures([picture], "Denoiser.estimated_level")
        ends = self.subject_.ends_of(one, "Denoiser.estimated_level: the picture")
        return estimated(self.model_, scaled(one, ends), level)

    def save(self, path: str | Path) -> Path:
        """Write the model to a file: JSON and weights, nothing that could run. `dashpot.load` reads it."""
        check_is_fitted(self, "model_")
        return save(self, path)

    def _described(self, tensors: Tensors) -> dict[str, Any]:
        """What the model file says; arrays go into `tensors`."""
        return described_denoiser(self, tensors)


def _share(progress: Callable[[int, int], None] | None, part: int, parts: int) -> Callable[[int, int], None] | None:
    """What to call in one of several trainings with as many networks."""
    return None if progress is None else lambda done, total: progress(part * total + done, parts * total)


def _is_column(X: Any) -> bool:
    """Whether a table has one column."""
    return _axes(X) == 2 and np.shape(X)[1] == 1


def _axes(X: Any) -> int:
    """Axes of a frame, of anything like an array, or of the first element of a sequence and one more."""
    if hasattr(X, "columns"):
        return 2
    if hasattr(X, "ndim") or hasattr(X, "__array__"):
        return int(X.ndim if hasattr(X, "ndim") else np.asarray(X).ndim)
    return 1 + max((np.ndim(one) for one in X[:1]), default=2)
