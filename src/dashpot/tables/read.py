"""Files become frames: delimited text, Parquet, SPSS, Stata, Excel, and any of them packed."""

import gzip
import io
import os
import stat
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from dashpot.errors import DataError, did_you_mean, shown
from dashpot.tables.cells import typed
from dashpot.tables.delimited import check_unique, decoded, frame_of_text, named

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

__all__ = ["read_table"]

_most_bytes = 2 << 30
_no_tables = {
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"GIF8": "a GIF picture",
    b"%PDF": "a PDF",
    b"\xd0\xcf\x11\xe0": "an old Excel or Word file",
    b"\x80\x04\x95": "a Python pickle",
    b"\x80\x05\x95": "a Python pickle",
    b"ARROW1": "a Feather (Arrow) file",
    b"\x7fELF": "a program",
}


def read_table(path: str | os.PathLike[str]) -> "pd.DataFrame":
    """Read a table from a file.

    What the file is follows from its content, then from its suffix. Delimited text (comma, semicolon, tab or
    bar; UTF-8, UTF-16 or Latin-1) needs a first row of names; its columns become numbers or dates where all
    cells are (`dashpot.tables.cells.typed` has the rules; in a file with semicolons `1,5` is 1.5), whole
    numbers to their last digit. SPSS and Stata columns whose values all carry labels become categories. `.gz`,
    and `.zip` with one file in it, are unpacked in memory.

    Parameters
    ----------
    path : str or path
        A `.csv`, `.tsv`, `.txt`, `.parquet`, `.sav`, `.dta` or `.xlsx` file.

    Returns
    -------
    pandas.DataFrame (rows, columns)
        At least one row; names without surrounding spaces, no two alike.

    Raises
    ------
    DataError
        If there is no such file, or it is not a table; one line that names the file and the way out.
    """
    file = shown(os.fspath(path), 300)
    try:
        path = Path(path)
        content = _opened(path, file)
        frame = _frame(content, path, path.suffix.lower(), file)
    except DataError:
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{file}: cannot be read ({reason}). Check the file, or export it again.") from error
    check_unique(list(frame.columns), file)
    if frame.shape[1] == 0 or len(frame) == 0:
        raise DataError(f"{file}: the table has {len(frame)} rows and {frame.shape[1]} columns. Add some.")
    return frame


def _opened(path: Path, file: str) -> bytes:
    """Return the content of a regular file; of anything else, say what it is, without opening it."""
    try:
        status = path.stat()
    except FileNotFoundError as error:
        folder = path.parent
        near = did_you_mean(path.name, os.listdir(folder)) if folder.is_dir() else ""
        raise DataError(f"{file}: there is no such file.{near} Check the name and the folder.") from error
    if stat.S_ISDIR(status.st_mode):
        raise DataError(f"{file}: this is a folder. Name a file in it.")
    if not stat.S_ISREG(status.st_mode):
        raise DataError(f"{file}: this is a pipe or a device. Save the table in a file first.")
    if status.st_size == 0:
        raise DataError(f"{file}: the file is empty. It needs a line of column names and rows below.")
    try:
        with open(path, "rb") as source:
            return _limited(source, file)
    except PermissionError as error:
        raise DataError(f"{file}: you may not read this file. Ask its owner, or copy it.") from error


def _limited(source: BinaryIO | Any, file: str) -> bytes:
    """Read up to the limit, so that a packed file cannot fill the memory."""
    content = source.read(_most_bytes + 1)
    if len(content) > _most_bytes:
        raise DataError(f"{file}: the table is larger than 2 GiB. Keep the rows and columns that you need.")
    return content


def _frame(content: bytes, path: Path | None, suffix: str, file: str) -> "pd.DataFrame":
    """Return the table in some bytes; a path only if they are a file of their own."""
    for mark, what in _no_tables.items():
        if content.startswith(mark):
            raise DataError(f"{file}: this is {what}, not a table. Export the table as CSV, Parquet or .xlsx.")
    if content.startswith(b"PAR1"):
        return _guarded(_from_parquet, content, file, "Parquet file")
    if content.startswith(b"\x1f\x8b"):
        unpacked = _unpacked_gzip(content, file)
        return _frame(unpacked, None, "", file)
    if content.startswith(b"PK\x03\x04"):
        return _from_zip(content, file)
    if content.startswith((b"$FL2", b"$FL3", b"<stata_dta>")) or suffix in (".sav", ".zsav", ".dta"):
        if path is None:
            raise DataError(f"{file}: a packed SPSS or Stata file is not read. Unpack it first.")
        spss = content.startswith(b"$FL") or suffix in (".sav", ".zsav")
        return _guarded(lambda _: _from_statistics(path, spss), content, file, "SPSS or Stata file")
    if suffix in (".parquet", ".xlsx"):
        raise DataError(f"{file}: the content is no {suffix} file. Export it again, or correct the suffix.")
    return _from_text(content, file)


def _guarded(read: "Callable[[bytes], pd.DataFrame]", content: bytes, file: str, what: str) -> "pd.DataFrame":
    """Turn whatever a foreign reader raises into one line."""
    try:
        return read(content)
    except DataError:
        raise
    except ImportError as error:
        raise DataError(f"{file}: reading it needs {error.name}. Run: pip install {error.name}") from error
    except Exception as error:
        reason = shown(" ".join(str(error).split()), 120)
        raise DataError(f"{file}: damaged, or no {what} ({reason}). Export it again.") from error


def _from_text(content: bytes, file: str) -> "pd.DataFrame":
    """Read delimited text and give each column its type."""
    frame, delimiter = frame_of_text(decoded(content, file), file)
    return _typed_columns(frame, decimal_comma=delimiter == ";")


def _typed_columns(frame: "pd.DataFrame", decimal_comma: bool = False) -> "pd.DataFrame":
    """Give each column of text the type of what it says; other columns stay as they are."""
    import pandas as pd

    columns = {}
    for name in frame.columns:
        column = frame[name]
        if pd.api.types.infer_dtype(column, skipna=True) in ("string", "empty"):
            columns[name] = _exact(column, typed(column, decimal_comma))
        else:
            columns[name] = column.infer_objects()
    return pd.DataFrame(columns, index=frame.index)


def _exact(texts: "pd.Series", values: "np.ndarray") -> "pd.Series | np.ndarray":
    """Return numbers that are all written as whole numbers as such; float64 would round the ids among them."""
    import numpy as np
    import pandas as pd

    known = ~pd.isna(values)
    if values.dtype.kind != "f" or not known.any() or (values[known] != np.trunc(values[known])).any():
        return values
    whole = pd.to_numeric(texts[known].str.strip(), errors="coerce")
    if whole.dtype != np.int64:
        return values
    return whole if known.all() else whole.astype("Int64").reindex(texts.index)


def _unpacked_gzip(content: bytes, file: str) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as source:
            unpacked = _limited(source, file)
    except (EOFError, OSError, zlib.error) as error:
        raise DataError(f"{file}: the gzip file is damaged or cut short. Copy or download it again.") from error
    if not unpacked:
        raise DataError(f"{file}: the packed file is empty. It needs a line of column names and rows below.")
    return unpacked


def _from_zip(content: bytes, file: str) -> "pd.DataFrame":
    """Read an Excel workbook, or the one file in an archive."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = [name for name in archive.namelist() if not name.endswith("/") and "__MACOSX" not in name]
            if "xl/workbook.xml" in names:
                return _guarded(_from_excel, content, file, "Excel workbook")
            if len(names) != 1:
                raise DataError(f"{file}: the archive holds {len(names)} files. Unpack it and name one of them.")
            with archive.open(names[0]) as source:
                inner = _limited(source, file)
    except (zipfile.BadZipFile, EOFError, RuntimeError, NotImplementedError, zlib.error) as error:
        raise DataError(f"{file}: the zip file is damaged or locked. Unpack it first.") from error
    if not inner or inner.startswith((b"PK\x03\x04", b"\x1f\x8b")):
        raise DataError(f"{file}: the packed file is empty or packed twice. Unpack it first.")
    return _frame(inner, None, Path(names[0]).suffix.lower(), file)


def _from_parquet(content: bytes) -> "pd.DataFrame":
    """Read a Parquet file; an index with a name becomes columns."""
    import pandas as pd
    import pyarrow.parquet as parquet

    frame = parquet.ParquetFile(io.BytesIO(content)).read().to_pandas()
    if any(name is not None for name in frame.index.names):
        frame = frame.reset_index()
    frame.columns = [str(name).strip() for name in frame.columns]
    return pd.DataFrame(frame).reset_index(drop=True)


def _from_excel(content: bytes) -> "pd.DataFrame":
    """Read the first sheet; formulas count as the values that Excel saved."""
    import pandas as pd

    cells = pd.read_excel(io.BytesIO(content), header=None, dtype=object, engine="openpyxl")
    if not len(cells):
        raise DataError("the first sheet is empty. Put the table there.")
    return _typed_columns(named(cells, "the first sheet"))


def _from_statistics(path: Path, spss: bool) -> "pd.DataFrame":
    """Read an SPSS or Stata file and apply its value labels."""
    import pyreadstat

    frame, about = (pyreadstat.read_sav if spss else pyreadstat.read_dta)(str(path))
    for name, labels in about.variable_value_labels.items():
        frame[name] = _labelled(frame[name], labels)
    frame.columns = [str(name).strip() for name in frame.columns]
    return frame


def _labelled(column: "pd.Series", labels: dict[Any, str]) -> "pd.Series":
    """Apply value labels if every value has one; else the labels only name marks on a scale of numbers."""
    import pandas as pd

    seen = [value for value in column.dropna().unique() if value != ""]
    if not seen or not all(value in labels for value in seen):
        return column
    texts = list(labels.values())
    unique = {value: text if texts.count(text) == 1 else f"{text} ({value:g})" for value, text in labels.items()}
    return pd.Series(pd.Categorical(column.map(unique)), index=column.index)
