"""A frame becomes a file that is whole or not there."""

from pathlib import Path
from typing import TYPE_CHECKING

from dashpot.errors import UsageError, shown
from dashpot.writing import write_bytes

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["write_table"]


def write_table(frame: "pd.DataFrame", path: str | Path) -> Path:
    """Write a frame as `.csv` (UTF-8, commas) or `.parquet`, without its index.

    The file is written beside its place and moved there in one step.

    Raises
    ------
    UsageError
        For another suffix, or if the file cannot be written; nothing half-written is left.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in (".csv", ".parquet"):
        raise UsageError(f"write_table({shown(str(path))}): the suffix is {suffix!r}. Choose .csv or .parquet.")
    if suffix == ".csv":
        content = frame.to_csv(index=False, lineterminator="\n").encode()
    else:
        content = frame.to_parquet(index=False)
    return write_bytes(path, content, "write_table")
