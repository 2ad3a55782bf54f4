"""Targets as users give them, class labels or amounts, checked once for all estimators."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import _check_sample_weight, column_or_1d

from dashpot.errors import DataError, shown
from dashpot.scaling import LARGEST_AMOUNT


def named(y: Any, parameter: str = "y") -> str:
    """What errors call a target, or another column."""
    name = getattr(y, "name", None)
    return parameter if name is None else f"{parameter}={shown(name)}"


def labels_of(y: Any, caller: str) -> np.ndarray:
    """Class labels, (rows,), none of them missing."""
    call = f"{caller}.fit({named(y)})"
    refuse_dates(y, call)
    labels = column_or_1d(np.asarray(y), warn=True)
    absent = pd.isna(np.asarray(y, dtype=object).reshape(-1))  # text beside NaN became "nan" in `labels`
    if labels.dtype.kind == "f":
        absent |= np.isinf(labels)
    if absent.any():
        row = int(absent.argmax()) + 1
        raise DataError(f"{call}: row {row} is missing or infinite. Leave such rows out.")
    if (kind := type_of_target(labels, input_name="y")) not in ("binary", "multiclass"):
        raise DataError(f"{call}: Unknown label type: {kind}. Use a regressor for amounts, or pass names of classes.")
    return labels


def refuse_dates(y: Any, call: str) -> None:
    """Dates are neither classes nor amounts: nobody could tell the unit of a prediction."""
    kind = pd.api.types.infer_dtype(np.asarray(y).reshape(-1), skipna=True)
    if kind.startswith(("date", "timedelta", "period")):
        raise DataError(f"{call}: the target holds dates. Pass a number, such as days since the first, or text.")


def amounts_of(y: Any, caller: str) -> np.ndarray:
    """Amounts as float64, (rows,) or (rows, outputs), all of them finite."""
    given, call = np.asarray(y), f"{caller}.fit({named(y)})"
    refuse_dates(y, call)
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


def weights_of(sample_weight: Any, rows: np.ndarray, caller: str) -> np.ndarray:
    """Weights of rows as float64, (rows,), finite and at least 0."""
    given = np.asarray(sample_weight)
    if given.ndim != 1:
        return np.asarray(_check_sample_weight(sample_weight, rows, ensure_non_negative=True, dtype=np.float64))
    weights = pd.to_numeric(pd.Series(given), errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    known = np.isfinite(weights) & (weights >= 0)
    if not known.all():
        row, value = int(known.argmin()) + 1, shown(given[~known].tolist()[0])
        call = f"{caller}.fit({named(sample_weight, 'sample_weight')})"
        raise DataError(f"{call}: row {row} has {value}; a weight is a number of at least 0. Correct it.")
    return np.asarray(_check_sample_weight(weights, rows, dtype=np.float64))


def groups_of(groups: Any, caller: str) -> np.ndarray:
    """The number of the group of each row, (rows,); every row is in one."""
    absent = pd.isna(np.asarray(groups, dtype=object))
    if absent.any():
        call = f"{caller}.fit({named(groups, 'groups')})"
        raise DataError(f"{call}: row {int(absent.argmax()) + 1} is in no group. Fill it, or leave the row out.")
    return np.asarray(np.unique(np.asarray(groups, dtype=str), return_inverse=True)[1])
