"""Which rows are odd? An ensemble of autoencoders, each row judged by networks that did not learn from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from dashpot.anomalies.drift import remembered
from dashpot.anomalies.folds import fingerprints, folds_of
from dashpot.anomalies.judges import KINDS, Kind
from dashpot.anomalies.juries import DEFAULT, PARTS, Jury, juries_of, weights_of
from dashpot.anomalies.reading import Reading
from dashpot.anomalies.scale import Scale
from dashpot.anomalies.standard import Standard
from dashpot.anomalies.tails import own_scores, tail_probabilities
from dashpot.anomalies.unread import inputs_of
from dashpot.errors import DataError, UsageError
from dashpot.estimators.features import Features
from dashpot.jobs import Examples
from dashpot.optimizers import AdamW, Optimizer
from dashpot.ranges import require
from dashpot.reconstruction import cells_of, targets_of
from dashpot.tables import TableEncoder

ODD = 3.0  # usual spreads above the median: beyond, "auto" calls a row odd
OPTIMIZER = AdamW(learning_rate=3e-3, schedule="cosine", decay=0.0, beta2=0.95)


class AnomalyDetector(Reading, Features, OutlierMixin, BaseEstimator):
    """Find odd rows in a table, without labels, and say which columns make them odd.

    Autoencoders of several kinds learn to reconstruct the rows. The table is divided into folds, and the networks of
    a jury leave one out; a row of the training table is judged only by the jury that did not learn from it, a new row
    by all. A jury looks at three things: the residual (each column's error in units of its usual error, capped), and
    the distances to the three nearest and to the nearest tenth of the rows that it learned from. Their logarithms, in
    robust units of the rows that were held out, are averaged, and the greatest count most.

    Parameters
    ----------
    contamination : "auto" or float in (0, 0.5], default "auto"
        Share of the training rows to flag. "auto" flags those whose score is more than three usual spreads above
        the median score.
    kinds : sequence of Kind or None
        The kinds of autoencoder in the ensemble; None is a default choice of three.
    parts : sequence of {"residual", "code", "nearest", "tenth"}
        What a jury looks at; "code", the distance of the code from the bulk (Mahalanobis), is not among the defaults.
    folds : int, at least 2, default 4
        Parts of the table; there is one network of each kind for each fold, which leaves it out.
    trim : float in [0, 0.5), default 0.1
        Share of the rows that may be anomalies. Of each batch so many, those of the highest loss, teach nothing. Of the
        weight of each distance a part, (2 * trim) ** 2, is that to the core of the table, which leaves out so many
        rows, those furthest from the rest. 0 trusts every row; 0.4 is for tables where many anomalies may be alike.
    max_epochs : int or None
        Passes through the training rows; None chooses by the number of rows.
    batch_size : int, at least 1, default 128
    optimizer : Optimizer or None
    random_state : int, RandomState or None
        Equal numbers give equal results.
    workers : int or None
        Stacks that train side by side; the results do not depend on it.

    Attributes
    ----------
    offset_ : float
        Rows with `score_samples` below it are flagged.
    training_scores_ : float array (rows,)
        Score of each training row, higher is odder, by networks that did not learn from it.
    juries_ : tuple of Jury
        One for each fold, which it left out.
    n_features_in_ : int
    feature_names_in_ : array of str
        Absent if the table came without names.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> first = rng.normal(size=300)
    >>> table = np.column_stack([first, first + 0.1 * rng.normal(size=300)])
    >>> detector = AnomalyDetector(random_state=0).fit(table)
    >>> detector.predict([[1.0, 1.0], [1.0, -1.0]])
    array([ 1, -1])
    """

    def __init__(
        self,
        contamination: float | str = "auto",
        kinds: Sequence[Kind] | None = None,
        parts: Sequence[str] = DEFAULT,
        folds: int = 4,
        trim: float = 0.1,
        max_epochs: int | None = None,
        batch_size: int = 128,
        optimizer: Optimizer | None = None,
        random_state: Any = None,
        workers: int | None = None,
    ) -> None:
        self.contamination = contamination
        self.kinds = kinds
        self.parts = parts
        self.folds = folds
        self.trim = trim
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.optimizer = optimizer
        self.random_state = random_state
        self.workers = workers

    def __sklearn_tags__(self) -> Any:
        """Missing cells and text are fine."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        return tags

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn what is usual.

        Parameters
        ----------
        X : frame or array of shape (rows, columns)
            Numbers, text, dates; missing cells are fine. Anomalies among the rows are fine.
        y : ignored

        Raises
        ------
        DataError, UsageError
            For data or parameters that cannot be used.
        """
        kinds = self._check_parameters()
        self.encoder_ = TableEncoder("AnomalyDetector").fit(X)
        self._take_features()
        inputs = inputs_of(self.encoder_, X)
        self.standard_ = self._standard(inputs)
        examples = Examples(inputs, targets_of(self.standard_.cells, inputs), self.encoder_.inputs_)
        random = np.random.default_rng(check_random_state(self.random_state).randint(2**31, size=2))
        prints = fingerprints(inputs)
        fold = folds_of(prints, self.folds, random)
        settings = float(self.trim), self.optimizer or OPTIMIZER, self.batch_size, self.max_epochs
        self.juries_ = juries_of(examples, self.standard_, fold, kinds, settings, random, self.workers)
        self._judge_training_rows(examples, fold, len(kinds))
        self.known_, first = np.unique(prints, return_index=True)
        self.known_fold_ = fold[first]
        self.quantiles_, self.counts_ = remembered(inputs, self.encoder_.inputs_.indicator)
        self._set_offset()
        return self

    def _check_parameters(self) -> tuple[Kind, ...]:
        """Refuse parameters out of range; gives the kinds."""
        call = "AnomalyDetector"
        share = self.contamination
        if share != "auto" and not (isinstance(share, int | float | np.number) and 0 < share <= 0.5):
            raise UsageError(f"{call}(contamination={share!r}): must be 'auto' or a share above 0 and at most 0.5.")
        if self.kinds is not None and not (len(self.kinds) and all(isinstance(kind, Kind) for kind in self.kinds)):
            raise UsageError(f"{call}(kinds={self.kinds!r}): pass one Kind or more, or None for the usual three.")
        if not len(self.parts) or not set(self.parts) <= set(PARTS):
            raise UsageError(f"{call}(parts={self.parts!r}): must be some of {', '.join(PARTS)}.")
        require(self, "trim", at_least=0, below=0.5)
        numbers = {"folds": (self.folds, 2), "batch_size": (self.batch_size, 1)}
        if self.max_epochs is not None:
            numbers["max_epochs"] = (self.max_epochs, 1)
        for name, (number, least) in numbers.items():
            if isinstance(number, bool) or not isinstance(number, int | np.integer) or number < least:
                raise UsageError(f"{call}({name}={number!r}): must be a whole number of at least {least}.")
        if self.optimizer is not None and not isinstance(self.optimizer, Optimizer):
            raise UsageError(f"{call}(optimizer={self.optimizer!r}): pass an instance, for example AdamW(0.001).")
        return KINDS if self.kinds is None else tuple(self.kinds)

    def _standard(self, inputs: np.ndarray) -> Standard:
        """What is usual of the cells; refuses rows that cannot be judged."""
        cells = cells_of(self.encoder_)
        if len(inputs) < 3:
            raise DataError(
                f"AnomalyDetector: has to compare rows, but n_samples = {len(inputs)}. Pass at least 3 rows."
            )
        if not cells:
            raise DataError("AnomalyDetector.fit: no column has a cell to reconstruct. Add a column that differs.")
        return Standard.of(cells, inputs)

    def _judge_training_rows(self, examples: Examples, fold: np.ndarray, kinds: int) -> None:
        """Scores of the training rows by the juries that left them out, and the scale of each measure."""
        weights = weights_of(tuple(self.parts), kinds, float(self.trim))
        found = np.empty((len(fold), len(weights)))
        for number, jury in enumerate(self.juries_):
            held = fold == number
            found[held] = self._measures(jury, examples.inputs[held], examples.targets[held])
        self.scale_ = Scale.of(found, weights)
        self.training_scores_ = self.scale_.scores(found)
        self.training_fold_ = fold

    def _measures(self, jury: Jury, inputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """What a jury finds odd about rows."""
        return jury.measures(self.standard_, inputs, targets, tuple(self.parts), float(self.trim))

    def _set_offset(self) -> None:
        """The threshold by the share wanted, or by the usual spread of the scores."""
        scores = self.training_scores_
        if self.contamination == "auto":
            middle = np.median(scores)
            self.offset_ = -float(middle + ODD * 1.4826 * np.median(np.abs(scores - middle)))
        else:
            self.offset_ = float(np.percentile(-scores, 100 * float(self.contamination)))

    def _encoded(self, X: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Inputs, targets, and the fold of the rows that are training rows, else -1."""
        check_is_fitted(self, "juries_")
        inputs = inputs_of(self.encoder_, X)
        prints = fingerprints(inputs)
        place = np.minimum(np.searchsorted(self.known_, prints), len(self.known_) - 1)
        fold = np.where(self.known_[place] == prints, self.known_fold_[place], -1)
        return inputs, targets_of(self.standard_.cells, inputs), fold

    def _scores_by_fold(self, inputs: np.ndarray, targets: np.ndarray, fold: np.ndarray) -> np.ndarray:
        """Score of each row by the juries that left each fold out, (rows, folds); of training rows by their own."""
        scores = np.full((len(inputs), len(self.juries_)), np.nan)
        for number, jury in enumerate(self.juries_):
            own = (fold < 0) | (fold == number)
            if own.any():
                scores[own, number] = self.scale_.scores(self._measures(jury, inputs[own], targets[own]))
        return scores

    def anomaly_scores(self, X: Any) -> np.ndarray:
        """How odd each row is, higher is odder: robust standard deviations, on average over what a jury looks at.

        A row that equals a training row is judged by the networks that did not learn from it, so the scores of the
        training table are `training_scores_`.
        """
        inputs, targets, fold = self._encoded(X)
        return own_scores(self._scores_by_fold(inputs, targets, fold), fold)

    def score_samples(self, X: Any) -> np.ndarray:
        """How usual each row is, (rows,): minus `anomaly_scores`, as scikit-learn has it."""
        return -self.anomaly_scores(X)

    def decision_function(self, X: Any) -> np.ndarray:
        """`score_samples` minus `offset_`: below 0 the row is flagged."""
        return self.score_samples(X) - self.offset_

    def predict(self, X: Any) -> np.ndarray:
        """-1 for odd rows, 1 for usual ones."""
        return np.where(self.decision_function(X) < 0, -1, 1)

    def p_values(self, X: Any) -> np.ndarray:
        """Tail probability of each row: the share of usual rows that are as odd, (rows,), in (0, 1].

        Cross-conformal: the scores by the networks that left a fold out are compared with those of the fold. If the
        training rows and the new ones are usual and alike, at most a share alpha of the new ones falls below alpha,
        up to chance. Anomalies among the training rows make the p-values larger, never smaller.

        References
        ----------
        Vovk (2015), Cross-conformal predictors, Annals of Mathematics and Artificial Intelligence 74.
        """
        inputs, targets, fold = self._encoded(X)
        by_fold = self._scores_by_fold(inputs, targets, fold)
        return tail_probabilities(by_fold, fold, self.training_scores_, self.training_fold_)
