"""Which columns move along each axis of a code."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

STEPS = 9  # places along an axis


def loadings(model: Any) -> pd.DataFrame:
    """How far each column moves when a code goes from one spread below its mean to one above it, the others at 0.

    Parameters
    ----------
    model : Autoencoder, fitted

    Returns
    -------
    Data frame with columns "axis", "column", "moves" and "text", in the order of axis and size. Numbers move in units
    of their spread; of a category it is the level whose probability changes most, from -1 to 1.
    """
    (network,) = model.networks_
    rows: list[dict[str, Any]] = []
    names = [_name(model, cell.source) for cell in model.cells_]
    for axis in range(model.code_size_):
        ends = np.zeros((2, model.code_size_))
        ends[:, axis] = np.array([-1.0, 1.0]) * model.code_spread_[axis]
        low, high = model.loss_.predict(model.decoder_network_.outputs(ends))
        for cell, name in zip(model.cells_, names, strict=True):
            own = slice(cell.first, cell.past)
            change = (high - low)[own] / (1.0 if cell.category else network.target_scale[own])
            most = int(np.abs(change).argmax())
            level = f" = {_level(model, cell, most)}" if cell.category else ""
            rows.append({"axis": axis, "column": name, "moves": float(change[most]), "text": name + level})
    table = pd.DataFrame(rows)
    order = np.lexsort([-table["moves"].abs(), table["axis"]])
    return table.iloc[order].reset_index(drop=True)


def walk(model: Any, axis: int = 0, steps: int = STEPS) -> Any:
    """Rows that the decoder draws along one axis, from two spreads below the mean to two above: frame or array."""
    codes = np.zeros((steps, model.code_size_))
    codes[:, axis] = np.linspace(-2, 2, steps) * model.code_spread_[axis]
    return model.inverse_transform(codes)


def between(one: np.ndarray, other: np.ndarray, steps: int = STEPS) -> np.ndarray:
    """Codes on the straight way from one code (code,) to another, both included, (steps, code)."""
    return np.asarray(one + np.linspace(0, 1, steps)[:, None] * (other - one))


def _name(model: Any, source: int) -> str:
    """The name of a source column."""
    names = getattr(model, "feature_names_in_", None)
    return f"x{source}" if names is None else str(names[source])


def _level(model: Any, cell: Any, place: int) -> str:
    """The level of a category that an indicator stands for."""
    column = model.encoder_.columns_[cell.source]
    states = [*column.levels, *(["another level"] if column.other else [])]
    return states[-1] if cell.past - cell.first == 1 else states[place]
