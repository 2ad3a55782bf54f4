"""Every regularizer: one file per topic, one class per idea. A name in `__all__` is public everywhere."""

from dashpot.regularizers.balance import SMOTE, Oversample, Resample, Undersample
from dashpot.regularizers.base import Regularizer
from dashpot.regularizers.dropout import Dropout, InputDropout
from dashpot.regularizers.ensemble import Ensemble
from dashpot.regularizers.initializers import Gaussian, Glorot, He, LeCun, Orthogonal, Uniform, Zero
from dashpot.regularizers.noise import Noise
from dashpot.regularizers.norms import L1, L2, ElasticNet, MaxNorm, WeightDecay
from dashpot.regularizers.recipe import Recipe
from dashpot.regularizers.stopping import EarlyStopping
from dashpot.regularizers.written import parse as parse

__all__ = [
    "L1",
    "L2",
    "SMOTE",
    "Dropout",
    "EarlyStopping",
    "ElasticNet",
    "Ensemble",
    "Gaussian",
    "Glorot",
    "He",
    "InputDropout",
    "LeCun",
    "MaxNorm",
    "Noise",
    "Orthogonal",
    "Oversample",
    "Recipe",
    "Regularizer",
    "Resample",
    "Undersample",
    "Uniform",
    "WeightDecay",
    "Zero",
]
