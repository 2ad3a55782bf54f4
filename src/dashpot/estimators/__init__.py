"""scikit-learn estimators over the engine."""

from dashpot.estimators.autoencoder import Autoencoder
from dashpot.estimators.classifier import MLPClassifier
from dashpot.estimators.ensembles import EnsembleClassifier, EnsembleRegressor
from dashpot.estimators.regressor import MLPRegressor

__all__ = ["Autoencoder", "EnsembleClassifier", "EnsembleRegressor", "MLPClassifier", "MLPRegressor"]
