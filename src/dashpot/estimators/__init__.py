"""scikit-learn estimators over the engine."""

from dashpot.estimators.classifier import MLPClassifier
from dashpot.estimators.regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
