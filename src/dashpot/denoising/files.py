"""Picture files: 8 and 16 bits, grey and colour, with or without transparency; grey floats in TIFF."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from dashpot.errors import DataError, UsageError
from dashpot.png import is_deep_colour, png, read_deep
from dashpot.writing import write_bytes

__all__ = ["ENDINGS", "PictureFile", "check_ending", "picture_paths", "read_picture", "write_picture"]

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")
DEEP_ENDINGS = (".png", ".tif", ".tiff")  # formats that hold 16 bits
FLOAT_ENDINGS = (".tif", ".tiff")


class PictureFile(NamedTuple):
    """A picture as read, upright: pixels (height, width[, 3]), uint8, uint16 or float32, and transparency or None."""

    pixels: np.ndarray
    alpha: np.ndarray | None


def picture_paths(folder: Path) -> list[Path]:
    """Return the picture files of a folder, by name.

    Raises
    ------
    DataError
        If there is none.
    """
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in ENDINGS and path.is_file())
    if not paths:
        raise DataError(f"{folder}: holds no picture ({', '.join(ENDINGS)}). Name another folder.")
    return paths


def check_ending(path: Path) -> None:
    """Refuse, before any work, a name whose ending is no picture format.

    Raises
    ------
    UsageError
    """
    if path.suffix.lower() not in ENDINGS:
        raise UsageError(f"{path}: the ending must be one of {', '.join(ENDINGS)}.")


def read_picture(path: str | Path) -> PictureFile:
    """Read a picture file.

    Raises
    ------
    DataError
        If it cannot be read.
    """
    try:
        content = Path(path).read_bytes()
        pixels = _upright(read_deep(content), content) if is_deep_colour(content) else _opened(content)
    except Exception as error:  # Pillow's formats fail in many ways, each of which means the same to the user
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "is no picture that can be read"
        raise DataError(f"{path}: {reason}. Name another file, or take it out of the folder.") from error
    if pixels.ndim == 3 and pixels.shape[2] in (2, 4):
        colours = pixels[:, :, :-1]
        return PictureFile(colours[:, :, 0] if colours.shape[2] == 1 else colours, pixels[:, :, -1])
    return PictureFile(pixels, None)


def _opened(content: bytes) -> np.ndarray:
    """Pixels by Pillow, upright (height, width[, channels])."""
    from PIL import Image, ImageOps

    with Image.open(io.BytesIO(content)) as stored:
        image = ImageOps.exif_transpose(stored)
        if image.mode == "F":
            return np.array(image)
        if image.mode.startswith("I"):
            return np.clip(np.asarray(image), 0, 65_535).astype(np.uint16)
        kept = image.mode if image.mode in ("L", "LA", "RGB", "RGBA") else "RGB"
        if image.mode == "1":
            kept = "L"
        elif "transparency" in image.info or image.mode in ("PA", "RGBa", "La"):
            kept = "RGBA"
        return np.array(image.convert(kept))


def _upright(pixels: np.ndarray, content: bytes) -> np.ndarray:
    """Pixels that Pillow did not read, turned as it would turn them."""
    from PIL import Image, ImageOps

    height, width, channels = pixels.shape
    places = Image.fromarray(np.arange(height * width, dtype=np.int32).reshape(height, width))
    with Image.open(io.BytesIO(content)) as stored:
        places.getexif().update(stored.getexif())
    return pixels.reshape(-1, channels)[np.asarray(ImageOps.exif_transpose(places))]


def write_picture(path: str | Path, picture: PictureFile) -> Path:
    """Write a picture in the format of the ending; the file is whole or not there.

    Raises
    ------
    UsageError
        If the format does not hold 16 bits or floats, or the file cannot be written.
    """
    path = Path(path)
    pixels = picture.pixels
    if picture.alpha is not None and path.suffix.lower() not in (".jpg", ".jpeg", ".bmp"):
        pixels = np.dstack([pixels, picture.alpha])
    if pixels.dtype == np.float32 and path.suffix.lower() not in FLOAT_ENDINGS:
        raise UsageError(f"{path}: this format does not hold floats. End it in .tif.")
    if pixels.dtype != np.uint16:
        return write_bytes(path, _encoded(pixels, path), "write_picture")
    if path.suffix.lower() not in DEEP_ENDINGS or (pixels.ndim == 3 and path.suffix.lower() != ".png"):
        raise UsageError(f"{path}: this format does not hold 16 bits (in colour, only png does). End it in .png.")
    return write_bytes(path, _encoded(pixels, path) if pixels.ndim == 2 else png(pixels), "write_picture")


def _encoded(pixels: np.ndarray, path: Path) -> bytes:
    """The bytes of a file, by Pillow."""
    from PIL import Image

    stream = io.BytesIO()
    name = Image.registered_extensions()[path.suffix.lower()]
    options: dict[str, Any] = {"quality": 95} if name in ("JPEG", "WEBP") else {}
    Image.fromarray(pixels).save(stream, name, **options)
    return stream.getvalue()
