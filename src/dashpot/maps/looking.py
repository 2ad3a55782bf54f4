"""What an autoencoder does to rows, as one picture: drawn again, between two of them, their codes, their errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dashpot.errors import DataError, UsageError
from dashpot.maps.loadings import between
from dashpot.showing.drawing import WITH, cells, pictures

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PICTURES = 10  # drawn again
ROWS = 16  # of a table, drawn again
STEPS = 10  # between two codes
CLASSES = 10  # of a label that have a colour of their own


def look(model: Any, X: Any, label: Any = None) -> Figure:
    """Draw what an autoencoder makes of rows.

    Four panels: rows and what the decoder draws of them, a walk between the codes of two rows, the first two numbers of
    every code, and the errors of the rows. Pass rows that the model has not learned from.

    Parameters
    ----------
    model : Autoencoder, fitted
    X : frame or array of shape (rows, columns)
        At least two rows.
    label : array (rows,) or None
        Classes or amounts to colour the codes by.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    UsageError, DataError
        For another model, or rows that it cannot read.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from dashpot import Autoencoder
    >>> rows = load_iris().data
    >>> model = Autoencoder(2, (16,), max_epochs=5, random_state=0).fit(rows[::2])
    >>> [axes.get_title().split(" row ")[0] for axes in look(model, rows[1::2]).axes]
    ['Rows', 'Drawn again', 'From', 'Codes', 'Errors']
    """
    if not hasattr(model, "decoder_network_"):
        raise UsageError(f"look({type(model).__name__}): draws what an Autoencoder does. Pass a fitted one.")
    codes = model.transform(X)
    if len(codes) < 2:
        raise DataError(f"look: walks between two rows, but n_samples = {len(codes)}. Pass at least 2 rows.")
    if label is not None and np.shape(label) != (len(codes),):
        raise UsageError(f"look(label): has shape {np.shape(label)}, the table {len(codes)} rows. Pass one for each.")
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context({"axes.spines.top": False, "axes.spines.right": False, "font.size": 9, "axes.titlesize": 10}):
        figure = Figure(figsize=(9, 7), layout="constrained")
        grid = figure.add_gridspec(2, 6)
        given, again, walk = (figure.add_subplot(grid[0, 2 * k : 2 * k + 2]) for k in range(3))
        _rows(given, model, _seen(model, X)[: _most(model)], "Rows")
        _rows(again, model, _drawn(model, codes[: _most(model)]), "Drawn again")
        one, other = far_apart(codes)
        _rows(
            walk,
            model,
            _drawn(model, between(codes[one], codes[other], STEPS)),
            f"From row {one + 1} to row {other + 1}",
        )
        places, errors = (figure.add_subplot(grid[1, 3 * k : 3 * k + 3]) for k in range(2))
        _codes(places, codes, label)
        _errors(errors, -model.score_samples(X))
    return figure


def far_apart(codes: np.ndarray) -> tuple[int, int]:
    """Two rows at the ends of the first number of the code, without its outermost twentieths."""
    order = np.argsort(codes[:, 0], kind="stable")
    edge = len(codes) // 20
    return int(order[edge]), int(order[-1 - edge])


def _most(model: Any) -> int:
    """Rows that are drawn again."""
    return ROWS if model.encoder_.inputs_.image is None else PICTURES


def _seen(model: Any, X: Any) -> np.ndarray:
    """Rows as the network is to draw them: amounts in units of their spread, levels as 0 and 1, NaN where missing."""
    return _scaled(model, model._targets_of_more(model.encoder_.transform(X), None))


def _drawn(model: Any, codes: np.ndarray) -> np.ndarray:
    """What the decoder draws of codes, in the same units."""
    return _scaled(model, model.loss_.predict(model.decoder_network_.outputs(codes)))


def _scaled(model: Any, values: np.ndarray) -> np.ndarray:
    """Amounts in units of their spread; levels between minus two and two, so that colours tell them."""
    (network,) = model.networks_
    scaled = (values - network.target_centre) / network.target_scale
    for cell in model.cells_:
        if cell.category:
            scaled[:, cell.first : cell.past] = 4 * values[:, cell.first : cell.past] - 2
    return np.asarray(scaled)


def _rows(axes: Axes, model: Any, rows: np.ndarray, title: str) -> None:
    """Rows as pictures, or as the colours of their cells."""
    image = model.encoder_.inputs_.image
    if image is not None:
        pictures(axes, rows, image, title, across=5)
        return
    used = [place for cell in model.cells_ for place in range(cell.first, cell.past)]
    names = [str(model.encoder_.inputs_.names[place]) for place in used]
    cells(axes, rows[:, used], title, names if len(names) <= 24 else (), xlabel="" if len(names) <= 24 else "columns")


def _codes(axes: Axes, codes: np.ndarray, label: Any) -> None:
    """The first two numbers of every code; of codes of one number that and the row."""
    x, y = codes[:, 0], codes[:, 1] if codes.shape[1] > 1 else np.arange(len(codes))
    axes.set(title="Codes", xlabel="number 1", ylabel="number 2" if codes.shape[1] > 1 else "row")
    values = None if label is None else np.asarray(label)
    if values is None:
        axes.plot(x, y, ".", color=WITH, markersize=3)
    elif values.dtype.kind == "f" and len(np.unique(values)) > CLASSES:
        axes.scatter(x, y, c=values, s=5, cmap="viridis")
    else:
        levels, counts = np.unique(values.astype(str), return_counts=True)
        for level in levels[np.sort(np.argsort(-counts, kind="stable")[:CLASSES])]:
            axes.plot(*(part[values.astype(str) == level] for part in (x, y)), ".", markersize=3, label=level)
        axes.legend(fontsize=7, markerscale=2, framealpha=0.9, edgecolor="none")


def _errors(axes: Axes, errors: np.ndarray) -> None:
    """How the errors of the rows are spread."""
    known = errors[np.isfinite(errors)]
    axes.hist(known, 40, histtype="step", color=WITH, linewidth=1.6)
    axes.axvline(float(np.mean(known)), color=WITH, linewidth=0.8)
    axes.set(title="Errors", xlabel="mean error of a row's cells; the line is the mean", ylabel="rows")
