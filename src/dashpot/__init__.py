"""Regularized neural networks on tables, hundreds at once, and an honest answer to which regularizer helps.

The public names are listed below. They are imported when first used, so `import dashpot` is quick.

Examples
--------
>>> import dashpot
>>> frame, vote = dashpot.load_anes96()
>>> frame.shape
(944, 9)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dashpot.anomalies import AnomalyDetector as AnomalyDetector
    from dashpot.contact_sheet import preview as preview
    from dashpot.datasets import load_anes96 as load_anes96
    from dashpot.denoising import Denoiser as Denoiser
    from dashpot.diagnosis import diagnose as diagnose
    from dashpot.errors import DashpotError as DashpotError
    from dashpot.errors import DataError as DataError
    from dashpot.errors import ModelFileError as ModelFileError
    from dashpot.errors import UsageError as UsageError
    from dashpot.estimators import Autoencoder as Autoencoder
    from dashpot.estimators import EnsembleClassifier as EnsembleClassifier
    from dashpot.estimators import EnsembleRegressor as EnsembleRegressor
    from dashpot.estimators import MLPClassifier as MLPClassifier
    from dashpot.estimators import MLPRegressor as MLPRegressor
    from dashpot.landscapes import landscape as landscape
    from dashpot.landscapes import sharpness as sharpness
    from dashpot.loading import load as load
    from dashpot.maps import Map as Map
    from dashpot.maps import embed as embed
    from dashpot.maps import look as look
    from dashpot.races import Race as Race
    from dashpot.races import race as race
    from dashpot.regularizers import *  # noqa: F403
    from dashpot.regularizers import image_recipe as image_recipe
    from dashpot.showing import show as show
    from dashpot.studies import Study as Study
    from dashpot.studies import compare as compare
    from dashpot.yardsticks import YardstickClassifier as YardstickClassifier
    from dashpot.yardsticks import YardstickRegressor as YardstickRegressor

__version__ = "0.1.0"

# Public name -> the module where it lives. Regularizers need no line: `dashpot.regularizers.__all__` counts.
_homes = {
    "AnomalyDetector": "dashpot.anomalies",
    "Autoencoder": "dashpot.estimators",
    "EnsembleClassifier": "dashpot.estimators",
    "EnsembleRegressor": "dashpot.estimators",
    "MLPClassifier": "dashpot.estimators",
    "MLPRegressor": "dashpot.estimators",
    "YardstickClassifier": "dashpot.yardsticks",
    "YardstickRegressor": "dashpot.yardsticks",
    "Denoiser": "dashpot.denoising",
    "diagnose": "dashpot.diagnosis",
    "landscape": "dashpot.landscapes",
    "sharpness": "dashpot.landscapes",
    "load": "dashpot.loading",
    "Map": "dashpot.maps",
    "embed": "dashpot.maps",
    "look": "dashpot.maps",
    "compare": "dashpot.studies",
    "race": "dashpot.races",
    "Race": "dashpot.races",
    "Study": "dashpot.studies",
    "image_recipe": "dashpot.regularizers",
    "preview": "dashpot.contact_sheet",
    "show": "dashpot.showing",
    "load_anes96": "dashpot.datasets",
    "DashpotError": "dashpot.errors",
    "UsageError": "dashpot.errors",
    "DataError": "dashpot.errors",
    "ModelFileError": "dashpot.errors",
}


def __getattr__(name: str) -> Any:
    """Import a public name at its first use (PEP 562)."""
    if name == "__all__":
        return [*_homes, *import_module("dashpot.regularizers").__all__]
    if name in _homes:
        value = getattr(import_module(_homes[name]), name)
    # Only classes are looked for among the regularizers: `from dashpot import errors` must not import torch.
    elif name[:1].isupper() and name in import_module("dashpot.regularizers").__all__:
        value = getattr(import_module("dashpot.regularizers"), name)
    else:
        raise AttributeError(f"module 'dashpot' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__getattr__("__all__")})
