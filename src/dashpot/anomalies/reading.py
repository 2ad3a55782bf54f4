"""What a fitted detector can tell beside its scores: reasons, drift, and how simple methods compare."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from dashpot.anomalies.described import described_detector
from dashpot.errors import UsageError
from dashpot.model_files import Tensors, save

if TYPE_CHECKING:
    import pandas as pd

    from dashpot.anomalies.juries import Jury
    from dashpot.anomalies.standard import Standard
    from dashpot.networks import Network
    from dashpot.tables import TableEncoder


class Reading:
    """The methods of a detector that explain, compare and keep; they need `anomaly_scores`."""

    juries_: tuple[Jury, ...]
    standard_: Standard
    encoder_: TableEncoder
    training_scores_: np.ndarray
    quantiles_: np.ndarray
    counts_: np.ndarray
    offset_: float

    if TYPE_CHECKING:

        def anomaly_scores(self, X: Any) -> np.ndarray:
            """How odd each row is."""

        def _encoded(self, X: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            """Inputs, targets, and the fold of the rows that are training rows, else -1."""

        def _scores_by_fold(self, inputs: np.ndarray, targets: np.ndarray, fold: np.ndarray) -> np.ndarray:
            """Score of each row by the juries that left each fold out."""

    def choose_threshold(self, X: Any, y: Any, cost: float = 1.0) -> Self:
        """Set `offset_` so that errors on labelled rows cost least.

        Parameters
        ----------
        X : rows with known answers
        y : array of shape (rows,)
            1 or True for anomalies, 0 or False for usual rows; -1 and 1 as `predict` gives them are fine too.
        cost : float above 0, default 1
            What a missed anomaly costs, in units of a false alarm.
        """
        from dashpot.anomalies.threshold import cheapest, labels_of

        if not cost > 0:
            raise UsageError(f"AnomalyDetector.choose_threshold(cost={cost!r}): must be above 0.")
        scores = self.anomaly_scores(X)
        self.offset_ = -cheapest(scores, labels_of(y, len(scores)), float(cost))
        return self

    def explain(self, X: Any, most: int = 3) -> pd.DataFrame:
        """What makes each row odd: the `most` columns furthest from what was expected.

        Returns
        -------
        DataFrame with the columns row (0 is the first), column, seen, expected, times (the usual error), share (of
        the row's residual), words and notable (whether `reasons` names it); the oddest column of each row first, and
        before it levels that the fit had not seen, which count for nothing in the score.
        """
        from dashpot.anomalies.explanations import explain

        return explain(self, X, most)

    def reasons(self, X: Any, most: int = 3) -> list[str]:
        """`explain` as one sentence for each row."""
        from dashpot.anomalies.explanations import reasons

        return reasons(self, X, most)

    def drift(self, X: Any) -> pd.DataFrame:
        """Whether new rows are distributed as those of the fit: the score and each column, the most moved first.

        Returns
        -------
        DataFrame with the columns what, statistic (largest difference of the distributions, 0 to 1), p (adjusted
        for the number of columns by Holm's method; it allows for chance among the rows of the fit, too).
        """
        from dashpot.anomalies.drift import drift

        return drift(self, X)

    def floors(self, X: Any, y: Any = None) -> pd.DataFrame:
        """Simple methods on the same rows, fitted on them: PCA, kNN, isolation forest.

        Returns
        -------
        DataFrame with the columns method, agreement (rank correlation with this detector), same_top (share of the
        5 % oddest rows in common) and, with labels, auroc and average_precision.
        """
        from dashpot.anomalies.floors import floors

        return floors(self, X, y)

    def save(self, path: str | Path) -> Path:
        """Write the detector to a file: JSON and arrays, nothing that could run. `dashpot.load` reads it."""
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(self, "juries_")
        return save(self, path)

    def _described(self, tensors: Tensors) -> dict[str, Any]:
        """What the model file says; arrays go into `tensors`."""
        return described_detector(self, tensors)

    @property
    def networks_(self) -> tuple[Network, ...]:
        """The trained networks, jury by jury."""
        return tuple(judge.network for jury in self.juries_ for judge in jury.judges)
