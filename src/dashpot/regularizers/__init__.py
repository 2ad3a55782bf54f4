"""Every regularizer: one file per topic, one class per idea. A name in `__all__` is public everywhere."""

from dashpot.regularizers.averaging import MovingAverage, WeightAverage
from dashpot.regularizers.balance import BalancedBatches, Oversample, Resample, Undersample
from dashpot.regularizers.base import Regularizer
from dashpot.regularizers.codes import Decorrelation, TiedWeights, VariationalCode
from dashpot.regularizers.columns import GroupLasso
from dashpot.regularizers.dropout import AlphaDropout, DropConnect, Dropout, GaussianDropout, InputDropout
from dashpot.regularizers.ensemble import Ensemble, Snapshots
from dashpot.regularizers.geometry import Crop, Flip, Rotate, Shift, Zoom
from dashpot.regularizers.images import Augment
from dashpot.regularizers.images import image_recipe as image_recipe
from dashpot.regularizers.initializers import Gaussian, Glorot, He, LeCun, Orthogonal, Uniform, UnitVariance, Zero
from dashpot.regularizers.light import Blur, Brightness, ColourShift, Contrast, Erase
from dashpot.regularizers.mixing import Adversarial, CutMix, CutOut, LabelSmoothing, Mixup
from dashpot.regularizers.neighbors import KeepNeighbors
from dashpot.regularizers.noise import Noise
from dashpot.regularizers.norms import L1, L2, ElasticNet, MaxNorm, WeightDecay
from dashpot.regularizers.recipe import Recipe
from dashpot.regularizers.spectra import Activity, Orthogonality, SpectralNorm
from dashpot.regularizers.stopping import EarlyStopping
from dashpot.regularizers.synthetic import ADASYN, SMOTE, BorderlineSMOTE
from dashpot.regularizers.written import parse as parse

__all__ = [
    "ADASYN",
    "L1",
    "L2",
    "SMOTE",
    "Activity",
    "Adversarial",
    "AlphaDropout",
    "Augment",
    "BalancedBatches",
    "Blur",
    "BorderlineSMOTE",
    "Brightness",
    "ColourShift",
    "Contrast",
    "Crop",
    "CutMix",
    "CutOut",
    "Decorrelation",
    "DropConnect",
    "Dropout",
    "EarlyStopping",
    "ElasticNet",
    "Ensemble",
    "Erase",
    "Flip",
    "Gaussian",
    "GaussianDropout",
    "Glorot",
    "GroupLasso",
    "He",
    "InputDropout",
    "KeepNeighbors",
    "LabelSmoothing",
    "LeCun",
    "MaxNorm",
    "Mixup",
    "MovingAverage",
    "Noise",
    "Orthogonal",
    "Orthogonality",
    "Oversample",
    "Recipe",
    "Regularizer",
    "Resample",
    "Rotate",
    "Shift",
    "Snapshots",
    "SpectralNorm",
    "TiedWeights",
    "Undersample",
    "Uniform",
    "UnitVariance",
    "VariationalCode",
    "WeightAverage",
    "WeightDecay",
    "Zero",
    "Zoom",
]
