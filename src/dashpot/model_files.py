"""Model files: a zip of `model.json` and `weights.safetensors`, written whole and read with care.

What a model says of itself is its own affair (`_described`); who may be built from a file is decided in `loading.py`.
"""

from __future__ import annotations

import json
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from dashpot.errors import ModelFileError
from dashpot.writing import write_bytes

FORMAT = 1
MEMBERS = ("model.json", "weights.safetensors")
LARGEST = 2 * 2**30  # bytes of a member, unpacked
DAMAGE = (
    SafetensorError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    RecursionError,
    OverflowError,
    MemoryError,
)  # what a file that lies can raise on its way to a model

Tensors = dict[str, np.ndarray]


def save(model: Any, path: str | Path) -> Path:
    """Write a fitted model, which describes itself; the file is whole or not there.

    Raises
    ------
    UsageError
        If the file cannot be written.
    """
    tensors: Tensors = {}
    text, packed = json.dumps({"format": FORMAT} | model._described(tensors), allow_nan=False), BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(MEMBERS[0], text)
        archive.writestr(MEMBERS[1], save_tensors(tensors))
    return write_bytes(path, packed.getvalue(), "save")


def plain(value: Any) -> Any:
    """A number of NumPy as Python's own; anything else as it is."""
    return value.item() if isinstance(value, np.generic) else value


def read(path: Path) -> tuple[dict[str, Any], Tensors]:
    """What a model file says, and its arrays; a ModelFileError, or one of `DAMAGE`, where it is none."""
    text, weights = _members(path)
    described = json.loads(text, parse_constant=_no_constant)
    if described["format"] != FORMAT:
        raise refused(path, f"has format {described['format']!r}; this version reads {FORMAT}. Update dashpot")
    return described, load_tensors(weights)


def refused(path: Path, why: str) -> ModelFileError:
    """The one line that says why a file is no model."""
    return ModelFileError(f"load({str(path)!r}): the file {why}. Save the model again.")


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _members(path: Path) -> tuple[str, bytes]:
    """The two members of a model file, read only if there are no others and none is too large."""
    try:
        if not path.is_file():
            raise refused(path, "does not exist" if not path.exists() else "is no ordinary file")
        with zipfile.ZipFile(path) as archive:
            found = archive.infolist()
            if sorted(one.filename for one in found) != sorted(MEMBERS):
                raise refused(path, "is a zip, but no model file")
            if any(one.file_size > LARGEST or one.compress_type != zipfile.ZIP_STORED for one in found):
                raise refused(path, "is compressed or too large")
            return archive.read(MEMBERS[0]).decode(), archive.read(MEMBERS[1])
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError, EOFError, RuntimeError) as error:
        if isinstance(error, ModelFileError):
            raise
        raise refused(path, "is no model file, or is damaged") from error
