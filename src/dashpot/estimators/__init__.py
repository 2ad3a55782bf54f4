"""scikit-learn estimators over the engine."""

from dashpot.estimators.classifier import MLPClassifier
from dashpot.estimators.ensembles import EnsembleClassifier, EnsembleRegressor
from dashpot.estimators.regressor import MLPRegressor

__all__ = ["EnsembleClassifier", "EnsembleRegressor", "MLPClassifier", "MLPRegressor"]
