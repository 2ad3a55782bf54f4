"""Targets as users give them, class labels or amounts, checked once for all estimators."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from dashpot.errors import DataError, shown
from dashpot.scaling import LARGEST_AMOUNT


def named(y: Any) -> str:
    """What errors call a target."""
    name = getattr(y, "name", None)
    return "y" if name is None else f"y={shown(name)}"


def labels_of(y: Any, caller: str) -> np.ndarray:
    """Class labels, (rows,), none of them missing."""
    labels = column_or_1d(np.asarray(y), warn=True)
    absent = pd.isna(np.asarray(y, dtype=object).reshape(-1))  # text beside NaN became "nan" in `labels`
    if labels.dtype.kind == "f":
        absent |= np.isinf(labels)
    if absent.any():
        row = int(absent.argmax()) + 1
        raise DataError(f"{caller}.fit({named(y)}): row {row} is missing or infinite. Leave such rows out.")
    check_classification_targets(labels)
    return labels


def amounts_of(y: Any, caller: str) -> np.ndarray:
    """Amounts as float64, (rows,) or (rows, outputs), all of them finite."""
    given, call = np.asarray(y), f"{caller}.fit({named(y)})"
    if given.dtype.kind == "c":
        raise ValueError("Complex data not supported. Pass the real and the imaginary part as two outputs.")
    try:
        amounts = np.asarray(given, dtype=np.float64)
    except (ValueError, TypeError):
        raise DataError(f"{call}: the target holds text. Use a classifier, or pass numbers.") from None
    if amounts.ndim not in (1, 2):
        raise DataError(f"{call}: has shape {amounts.shape}; (rows,) or (rows, outputs) is needed.")
    known = np.abs(amounts) <= LARGEST_AMOUNT
    if not known.all():
        row, value = int(np.argwhere(~known)[0][0]) + 1, amounts[~known][0]
        raise DataError(
            f"{call}: row {row} holds {value:g}; a target is a number up to {LARGEST_AMOUNT:g}. "
            "Leave such rows out, or divide all by a constant."
        )
    return amounts
