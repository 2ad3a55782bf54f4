"""What scikit-learn wants to know of the columns that an estimator was fitted to."""

from __future__ import annotations

from typing import Any

import numpy as np


class Features:
    """The attributes about features, for an estimator that has an `encoder_`."""

    encoder_: Any
    n_features_in_: int
    feature_names_in_: np.ndarray

    def _take_features(self) -> None:
        """Take them from the encoder; names are absent where the table came without."""
        self.n_features_in_ = self.encoder_.n_features_in_
        self.__dict__.pop("feature_names_in_", None)
        if hasattr(self.encoder_, "feature_names_in_"):
            self.feature_names_in_ = self.encoder_.feature_names_in_
