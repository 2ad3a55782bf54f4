"""A map as one offline page: the maps side by side, their measures, the axes, reconstructions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

import dashpot
from dashpot.errors import shown
from dashpot.maps.measures import OURS
from dashpot.report.figures import ticks
from dashpot.report.numbers import tick_label
from dashpot.report.page import page
from dashpot.writing import write_text

if TYPE_CHECKING:
    from dashpot.maps import Map

MOST_POINTS = 1_000  # points of a map that are drawn
MOST_COLUMNS = 40  # columns to colour by
CLASSES = 10  # colours of classes; further ones share grey
SHADES = 7  # colours of amounts


def write_map(found: Map, path: Path) -> Path:
    """Write the page; the file is whole or not there."""
    summary = summarize_map(found)
    return write_text(path, page("map.html", summary, found=summary), "Map.report")


def summarize_map(found: Map) -> dict[str, Any]:
    """Everything that the page says, as plain values."""
    count = len(found.codes)
    chosen = np.sort(np.random.default_rng(0).permutation(count)[:MOST_POINTS])
    table = _frame(found.table, found.model)
    colours = _colours(found, table, chosen)
    maps = {OURS: found.codes} | found.peers
    return {
        "version": dashpot.__version__,
        "title": "A map of the table",
        "headline": _headline(found),
        "lead": found.worth(),
        "facts": _facts(found, len(chosen)),
        "panels": [_panel(name, codes[chosen]) for name, codes in maps.items()],
        "colours": colours,
        "hover": _hovers(table, found, chosen),
        "measures": _measures(found),
        "label": found.label_name,
        "sizes": _sizes(found),
        "axes": _axes(found),
        "walks": _walks(found),
        "examples": _examples(found),
        "errors": _histogram(found),
    }


def _headline(found: Map) -> str:
    """What the map keeps, in a sentence."""
    ours = found.measures.loc[OURS]
    text = f"The map keeps {ours['neighbors_kept']:.0%} of each row's nearest rows"
    others = found.measures.drop(index=OURS)["neighbors_kept"]
    listed = ", ".join(f"{name} {value:.0%}" for name, value in others.items())
    return f"{text} ({listed})." if listed else f"{text}."


def _facts(found: Map, points: int) -> list[str]:
    """How the map was made."""
    count = len(found.codes)
    facts = [f"{count:,} rows, {len(found.model.cells_)} columns in use"]
    facts.append(f"measured on {int(found.held_out.sum()):,} rows held out")
    facts += [f"{points:,} points drawn"] if points < count else []
    return [*facts, f"{found.measures.loc[OURS, 'seconds']:.0f} seconds"]


def _frame(table: Any, model: Any) -> pd.DataFrame:
    """The table with a name for each column; of pictures no column."""
    if not hasattr(model.encoder_, "columns_"):
        return pd.DataFrame(index=range(len(table)))
    frame = table.to_pandas() if hasattr(table, "to_pandas") else pd.DataFrame(table)
    frame = frame.reset_index(drop=True)
    frame.columns = [column.name for column in model.encoder_.columns_]
    return frame


def _colours(found: Map, table: pd.DataFrame, chosen: np.ndarray) -> list[dict[str, Any]]:
    """Each column to colour by: a class of the style sheet for each point, and its legend."""
    columns = {} if found.label is None else {found.label_name: pd.Series(found.label)}
    used = {cell.source for cell in found.model.cells_} if len(table.columns) else set()
    columns |= {f"{name} " if name in columns else name: table[name] for k, name in enumerate(table) if k in used}
    known = [_colour(name, values.iloc[chosen]) for name, values in list(columns.items())[:MOST_COLUMNS]]
    errors = pd.Series(-found.model.score_samples(found.table)).iloc[chosen]
    return [*known, _colour("error of reconstruction", errors)]


def _colour(name: str, values: pd.Series) -> dict[str, Any]:
    """The colours of one column: classes by frequency, amounts in seven steps of equal rows; "m" is missing."""
    if values.dtype.kind in "fiuM" and values.nunique() > CLASSES:
        numbers = values.astype("int64").where(values.notna()) if values.dtype.kind == "M" else values
        edges = np.nanquantile(numbers.astype(float), np.linspace(0, 1, SHADES + 1))
        places = np.searchsorted(edges[1:-1], numbers.astype(float), side="right")
        classes = ["m" if absent else f"s{place}" for place, absent in zip(places, values.isna(), strict=True)]
        ends = [_written(value) for value in (values.min(), values.max())]
        legend = [["s0", ends[0]], *[[f"s{k}", ""] for k in range(1, SHADES - 1)], [f"s{SHADES - 1}", ends[1]]]
    else:
        texts = values.map(_written).where(values.notna())
        frequent = [str(level) for level in texts.value_counts().index[:CLASSES]]
        place = {level: f"c{k}" for k, level in enumerate(sorted(frequent))}
        classes = ["m" if text != text or text is None else place.get(text, "other") for text in texts]
        legend = [[place[level], level] for level in sorted(frequent)]
        legend += [["other", "others"]] if "other" in classes else []
    return {"name": name, "classes": classes, "legend": legend + ([["m", "missing"]] if "m" in classes else [])}


def _written(value: Any) -> str:
    """A cell in a few letters."""
    if isinstance(value, float | int | np.number) and not isinstance(value, bool | np.bool_):
        return f"{float(value):.4g}"
    return shown(str(value), 24).strip("'\"")


def _hovers(table: pd.DataFrame, found: Map, chosen: np.ndarray) -> list[str]:
    """What each point says under the pointer."""
    names = list(table.columns)[:12]
    lines = []
    for row in chosen:
        parts = [f"row {row + 1}"]
        parts += [] if found.label is None else [f"{found.label_name}: {_written(found.label[row])}"]
        parts += [f"{name}: {_written(value)}" for name, value in zip(names, table.iloc[row, :12], strict=True)]
        lines.append("\n".join(parts))
    return lines


def _panel(name: str, codes: np.ndarray) -> dict[str, Any]:
    """Points in percent of the panel; the few beyond the outer hundredths stand at the rim."""
    low, high = np.quantile(codes, [0.01, 0.99], axis=0)
    middle, reach = (low + high) / 2, max(float((high - low).max()) / 2, 1e-12)
    places = 50 + 46 * np.clip((codes - middle) / reach, -1, 1) * np.array([1, -1])
    return {"name": name, "points": [[round(float(x), 1), round(float(y), 1)] for x, y in places]}


def _measures(found: Map) -> list[dict[str, Any]]:
    """The table of measures, as text."""
    rows = []
    for name, row in found.measures.iterrows():
        cells = {key: _number(row.get(key)) for key in ("reconstruction", "trustworthiness", "continuity")}
        cells |= {key: _number(row.get(key)) for key in ("neighbors_kept", "label")}
        places = "yes" if row["places_new"] else "no"
        rows.append({"name": name, **cells, "places": places, "seconds": f"{row['seconds']:.1f}"})
    return rows


def _number(value: Any) -> str:
    """Three digits, or a dash for none."""
    return "–" if value is None or not np.isfinite(value) else f"{value:.3f}"


def _sizes(found: Map) -> dict[str, Any] | None:
    """The error against the size of the code, as lines in percent."""
    if len(found.sizes) < 2:
        return None
    sizes = found.sizes["code_size"].to_numpy(float)
    top = float(found.sizes[[OURS, "PCA"]].to_numpy().max()) * 1.05
    across = np.log(sizes / sizes[0]) / np.log(sizes[-1] / sizes[0]) * 96 + 2
    lines = {
        name: " ".join(f"{x:.1f},{100 - 100 * y / top:.1f}" for x, y in zip(across, found.sizes[name], strict=True))
        for name in (OURS, "PCA")
    }
    marks = [{"place": float(round(x, 1)), "label": str(int(size))} for x, size in zip(across, sizes, strict=True)]
    levels = [{"place": round(100 - 100 * tick / top, 1), "label": tick_label(tick)} for tick in ticks(0, top)]
    elbow = float(across[list(sizes).index(found.elbow)])
    return {"lines": lines, "sizes": marks, "levels": levels, "elbow": elbow, "at": found.elbow}


def _axes(found: Map) -> list[dict[str, Any]]:
    """For each axis the columns that move most along it."""
    from dashpot.maps.loadings import loadings

    if found.model.encoder_.inputs_.image is not None:
        return []
    table = loadings(found.model)
    axes = []
    for axis, own in table.groupby("axis"):
        strongest = own.head(8)
        reach = max(float(strongest["moves"].abs().max()), 1e-12)
        bars = [
            {"text": text, "moves": f"{moves:+.2f}".replace("-", "−"), "share": round(48 * abs(moves) / reach, 1)}
            | {"left": moves < 0}
            for text, moves in zip(strongest["text"], strongest["moves"], strict=True)
        ]
        axes.append({"name": f"axis {int(axis) + 1}", "bars": bars})
    return axes


def _walks(found: Map) -> list[dict[str, Any]]:
    """What the decoder draws along each axis, and between two rows held out."""
    from dashpot.maps.loadings import between, walk
    from dashpot.maps.looking import far_apart

    new = np.flatnonzero(found.held_out)
    one, other = new[list(far_apart(found.codes[new]))]
    ways = {f"axis {axis + 1}": walk(found.model, axis) for axis in range(found.model.code_size_)}
    way = between(found.codes[one], found.codes[other])
    ways[f"from row {one + 1} to row {other + 1}"] = found.model.inverse_transform(way)
    return [{"name": name} | _rows_shown(steps, found) for name, steps in ways.items()]


def _examples(found: Map) -> list[dict[str, Any]]:
    """Rows that no map has learned from, and what the decoder draws of them."""
    pictures = found.model.encoder_.inputs_.image is not None
    chosen = np.flatnonzero(found.held_out)[: 10 if pictures else 6]
    again = found.model.inverse_transform(found.codes[chosen])
    if pictures:
        given: Any = np.asarray(found.table)[chosen].reshape(len(chosen), -1)
    else:
        given = _frame(found.table, found.model).iloc[chosen]
    return [{"name": name} | _rows_shown(rows, found) for name, rows in (("given", given), ("drawn again", again))]


def _rows_shown(rows: Any, found: Map) -> dict[str, Any]:
    """Rows as pictures, or as cells in a few letters."""
    image = found.model.encoder_.inputs_.image
    if image is not None:
        return {"pictures": _pictures(np.asarray(rows), image, found)}
    frame = rows if isinstance(rows, pd.DataFrame) else _frame(rows, found.model)
    frame = frame[[column.name for column in found.model.encoder_.columns_ if column.kind != "ignored"][:12]]
    cells = [[_written(value) for value in row] for row in frame.itertuples(index=False)]
    return {"columns": list(frame.columns), "rows": cells}


def _pictures(rows: np.ndarray, image: tuple[int, int, int], found: Map) -> list[str]:
    """Pictures as data of small PNG files."""
    import base64
    import io

    from matplotlib.image import imsave

    pixels = np.asarray(found.table).reshape(len(found.codes), -1)
    low, high = float(np.nanmin(pixels)), float(np.nanmax(pixels))
    drawn = []
    for row in rows.astype(float):
        file = io.BytesIO()
        values = np.nan_to_num(((row - low) / max(high - low, 1e-12)).clip(0, 1)).reshape(image)
        imsave(file, np.repeat(values, 3, axis=2) if image[2] == 1 else values[..., :3], format="png")
        drawn.append(base64.b64encode(file.getvalue()).decode())
    return drawn


def _histogram(found: Map, bars: int = 30) -> dict[str, Any]:
    """How the errors of new rows are spread, and how those of the rows learned from."""
    errors = -found.model.score_samples(found.table)
    top = float(np.nanquantile(errors, 0.99)) or 1.0
    parts = {"training": errors[~found.held_out], "validation": errors[found.held_out]}
    lines = {}
    for name, values in parts.items():
        counts = np.histogram(np.clip(values[np.isfinite(values)], 0, top), bars, (0, top))[0] / max(len(values), 1)
        lines[name] = counts
    highest = max(float(counts.max()) for counts in lines.values()) * 1.05
    points = {
        name: " ".join(
            f"{100 * (k + end) / bars:.1f},{100 - 100 * share / highest:.1f}"
            for k, share in enumerate(counts)
            for end in (0, 1)
        )
        for name, counts in lines.items()
    }
    marks = [{"place": round(100 * tick / top, 1), "label": tick_label(tick)} for tick in ticks(0, top)]
    return {"lines": points, "ticks": marks}
