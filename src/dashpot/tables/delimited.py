"""Text files with a delimiter: bytes -> text -> a frame of text cells."""

import csv
import io
import re
from itertools import pairwise
from typing import TYPE_CHECKING

from dashpot.errors import DataError, shown

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["decoded", "frame_of_text", "named"]

_delimiters = ",;\t|"
_sniffed_characters = 65_536
_sniffed_rows = 100
_control = re.compile(r"[\x01-\x08\x0e-\x19\x1b-\x1f]")


def decoded(content: bytes, file: str) -> str:
    """Return bytes as text: UTF-8, UTF-16, else Latin-1 as Windows writes it."""
    utf16 = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    for encoding in ("utf-16",) if utf16 else ("utf-8-sig", *_guessed(content), "cp1252", "latin-1"):
        try:
            text = content.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise DataError(f"{file}: this is no whole UTF-16 text. Export it as CSV in UTF-8.")
    if "\0" in text and not utf16 and _guessed(content):
        text = content.decode(_guessed(content)[0], "replace")
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise DataError(f"{file}: line {line} holds a NUL byte, so this is no text. Export it as CSV in UTF-8.")
    if len(_control.findall(text[:_sniffed_characters])) > len(text[:_sniffed_characters]) / 200:
        raise DataError(f"{file}: this is no text. Export the table as CSV, Parquet, .xlsx, .sav or .dta.")
    return text


def _guessed(content: bytes) -> tuple[str, ...]:
    """UTF-16 without a mark shows as a NUL in every other byte."""
    for first, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        half = content[first:1000:2]
        if len(half) > 2 and half.count(0) > 0.7 * len(half) and not content[1 - first : 1000 : 2].count(0):
            return (encoding,)
    return ()


def frame_of_text(text: str, file: str) -> "tuple[pd.DataFrame, str]":
    """Return the cells as text, with the names of the columns, and the delimiter."""
    import pandas as pd

    if text.lstrip()[:1] in ("<", "{") and text.rstrip()[-1:] in (">", "}"):
        raise DataError(f"{file}: this looks like HTML, XML or JSON. Export the table as CSV.")
    body, delimiter, skipped = _body(text)
    if not body.strip():
        raise DataError(f"{file}: the file is empty. It needs a line of column names and rows below.")
    delimiter = delimiter or _sniffed(body)
    try:
        cells = pd.read_csv(
            io.StringIO(body),
            sep=delimiter,
            header=None,
            dtype=str,
            keep_default_na=False,
            na_values=[],
            engine="c",
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise _explained(str(error), body, delimiter, skipped, file) from error
    # pandas fills short rows up with empty cells, so only an empty last cell asks for a closer look
    if (cells.iloc[:, -1] == "").any() and (ragged := _ragged(body, delimiter, skipped, file)):
        raise ragged
    return named(cells, file), delimiter


def _body(text: str) -> tuple[str, str | None, int]:
    """Drop what may stand above the header: Excel's `sep=;` and lines of comment."""
    delimiter, skipped = None, 0
    if first := re.match(r"sep=(.)\r?\n", text):
        delimiter, skipped, text = first[1], 1, text[first.end() :]
    comment = re.compile(r"#[^\r\n]*(?:\r\n|\n|\r)")
    while (line := comment.match(text)) and not any(mark in line[0] for mark in (delimiter or _delimiters)):
        skipped, text = skipped + 1, text[line.end() :]
    return text, delimiter, skipped


def _sniffed(text: str) -> str:
    """Return the delimiter that gives most rows the width of the header, the wider the better."""
    sample = text[:_sniffed_characters]
    best, best_score = ",", (0.0, 1)
    for delimiter in _delimiters:
        widths = _widths(sample, delimiter)
        if len(sample) < len(text):
            widths = widths[:-1] or widths
        if widths and widths[0] > 1:
            score = (round(widths.count(widths[0]) / len(widths), 1), widths[0])
            best, best_score = (delimiter, score) if score > best_score else (best, best_score)
    return best


def _widths(sample: str, delimiter: str) -> list[int]:
    widths = []
    try:
        for row in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter):
            if row:
                widths.append(len(row))
            if len(widths) == _sniffed_rows:
                break
    except csv.Error:  # a cell longer than the csv module takes; what was read will do
        pass
    return widths


def _explained(reason: str, body: str, delimiter: str, skipped: int, file: str) -> DataError:
    """Return the error that names the line."""
    if "EOF inside string" in reason:
        line = int(re.findall(r"\d+", reason)[-1]) + 1 + skipped
        return DataError(f"{file}: a quote that opens in or after row {line} is never closed. Close it or remove it.")
    export = DataError(f"{file}: this is no table ({' '.join(reason.split())}). Export it again as CSV.")
    return _ragged(body, delimiter, skipped, file) or export


def _ragged(body: str, delimiter: str, skipped: int, file: str) -> DataError | None:
    """Return the error that names the first row whose width is not the header's, if there is one."""
    reader, width = csv.reader(io.StringIO(body, newline=""), delimiter=delimiter), 0
    try:
        for row in reader:
            width = width or len(row)
            if row and len(row) != width:
                return DataError(
                    f"{file}: row {reader.line_num + skipped} has {len(row)} cells, but the header has "
                    f"{width} (delimiter {delimiter!r}). Correct it, or quote cells that hold the delimiter."
                )
    except csv.Error:  # a cell longer than the csv module takes
        return None
    return None


def named(cells: "pd.DataFrame", file: str) -> "pd.DataFrame":
    """Take the first row as names; drop empty columns without name and empty rows at the end."""
    header = ["" if name is None or name != name else str(name).strip() for name in cells.iloc[0]]
    _check_header(header, file)
    frame = cells.iloc[1:].reset_index(drop=True)
    empty = frame.isna() | (frame == "")
    last = (~empty.all(axis=1)).to_numpy().nonzero()[0]
    if not len(last):
        raise DataError(f"{file}: there is a line of column names but no rows. Add rows.")
    kept = [place for place, name in enumerate(header) if name or not empty.iloc[:, place].all()]
    frame = frame.iloc[: last[-1] + 1, kept].copy()
    frame.columns = [header[place] or f"column {place + 1}" for place in kept]
    check_unique(list(frame.columns), file)
    return frame


def _check_header(header: list[str], file: str) -> None:
    """Refuse a first row of measured numbers: then the file has no names."""
    try:
        numbers = [float(name) for name in header]
    except ValueError:
        return
    steps = {after - before for before, after in pairwise(numbers)}
    if len(numbers) > 1 and steps != {1.0}:
        raise DataError(
            f"{file}: the first row holds only numbers ({shown(', '.join(header[:4]))}), so names are "
            "missing. Add a first row with the names of the columns."
        )


def check_unique(names: list[str], file: str) -> None:
    """Refuse two columns of one name."""
    if len(set(names)) < len(names):
        twice = next(name for place, name in enumerate(names) if name in names[:place])
        raise DataError(f"{file}: two columns are named {shown(twice)}. Rename one of them.")
