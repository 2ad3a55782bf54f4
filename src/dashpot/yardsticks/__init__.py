"""What a network has to beat: trees and linear models of scikit-learn, kept as numbers."""

from dashpot.yardsticks.estimators import YardstickClassifier, YardstickRegressor

__all__ = ["YardstickClassifier", "YardstickRegressor"]
