"""Files that are whole or not there."""

import os
from pathlib import Path
from tempfile import NamedTemporaryFile

from dashpot.errors import UsageError


def write_text(path: str | Path, text: str, call: str) -> Path:
    """Write a text file in UTF-8, as `write_bytes` does."""
    return write_bytes(path, text.encode(), call)


def write_bytes(path: str | Path, content: bytes, call: str) -> Path:
    """Write a file beside its place, then move it there in one step.

    Raises
    ------
    UsageError
        If the file cannot be written; nothing half-written is left.
    """
    path = Path(path)
    temporary: str | None = None
    try:
        with NamedTemporaryFile("wb", dir=path.parent, prefix=".dashpot-", delete=False) as file:
            temporary = file.name
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # or a power failure after the move could leave an empty file
        os.chmod(temporary, 0o644 if not path.exists() else path.stat().st_mode & 0o777)
        os.replace(temporary, path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(
            f"{call}({str(path)!r}): {reason}. Choose a file in a folder that you may write to."
        ) from error
    finally:
        if temporary is not None and os.path.exists(temporary):
            os.unlink(temporary)
    return path
