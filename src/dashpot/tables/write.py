"""A frame becomes a file that is whole or not there."""

import os
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING

from dashpot.errors import UsageError, shown

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
    temporary: str | None = None
    try:
        with NamedTemporaryFile(dir=path.parent, prefix=".dashpot-", delete=False) as file:
            temporary = file.name
            if suffix == ".csv":
                frame.to_csv(file, index=False, encoding="utf-8", lineterminator="\n")
            else:
                frame.to_parquet(file, index=False)
        os.chmod(temporary, path.stat().st_mode & 0o777 if path.exists() else 0o644)
        os.replace(temporary, path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(
            f"write_table({shown(str(path))}): {reason}. Choose a file in a folder that you may write to."
        ) from error
    finally:
        if temporary is not None and os.path.exists(temporary):
            os.unlink(temporary)
    return path
