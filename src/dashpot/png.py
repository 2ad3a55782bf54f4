"""PNG files (ISO/IEC 15948): written without any library, and read where Pillow would drop half of 16 bits."""

from __future__ import annotations

import struct
import zlib

import numpy as np

__all__ = ["is_deep_colour", "png", "read_deep"]

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHANNELS = {2: 3, 4: 2, 6: 4}  # colour type -> channels, of those with more than one


def is_deep_colour(content: bytes) -> bool:
    """Return whether this is a PNG file with several channels of 16 bits, not interlaced."""
    header = content[:29]
    known = len(header) == 29 and header.startswith(SIGNATURE) and header[12:16] == b"IHDR"
    return known and header[24] == 16 and header[25] in CHANNELS and header[28] == 0


def read_deep(content: bytes) -> np.ndarray:
    """Return the pixels of such a file, uint16 (height, width, channels).

    Raises
    ------
    ValueError
        If the file is damaged.
    """
    width, height, _, colour = struct.unpack(">IIBB", content[16:26])
    step = 2 * CHANNELS[colour]
    try:
        packed = zlib.decompress(b"".join(_chunks(content, b"IDAT")))
    except zlib.error as error:
        raise ValueError("damaged") from error
    if len(packed) < height * (1 + step * width):
        raise ValueError("damaged")
    lines = np.frombuffer(packed, dtype=np.uint8, count=height * (1 + step * width)).reshape(height, -1)
    above, found = np.zeros(step * width, dtype=np.uint8), np.empty((height, step * width), dtype=np.uint8)
    for number, line in enumerate(lines):
        above = found[number] = _unfiltered(int(line[0]), line[1:], above, step)
    return found.view(">u2").astype(np.uint16).reshape(height, width, -1)


def _chunks(content: bytes, wanted: bytes) -> list[bytes]:
    """The content of all chunks of a kind."""
    found, place = [], len(SIGNATURE)
    while place + 8 <= len(content):
        length, name = struct.unpack(">I4s", content[place : place + 8])
        if name == wanted:
            found.append(content[place + 8 : place + 8 + length])
        place += length + 12
    return found


def _unfiltered(kind: int, line: np.ndarray, above: np.ndarray, step: int) -> np.ndarray:
    """A line of bytes from its differences to the bytes on the left and above; bytes count modulo 256."""
    if kind == 0:
        return line
    if kind == 1:
        return np.cumsum(line.reshape(-1, step), axis=0, dtype=np.uint8).ravel()
    if kind == 2:
        return line + above
    if kind not in (3, 4):
        raise ValueError("damaged")
    found, up = [0] * step + line.tolist(), [0] * step + above.tolist()
    for place in range(step, len(found)):
        left, over, corner = found[place - step], up[place], up[place - step]
        found[place] = (found[place] + ((left + over) // 2 if kind == 3 else _paeth(left, over, corner))) & 255
    return np.array(found[step:], dtype=np.uint8)


def _paeth(left: int, over: int, corner: int) -> int:
    """The neighbour that is nearest to left + over - corner."""
    aside, upward, across = abs(over - corner), abs(left - corner), abs(left + over - 2 * corner)
    if aside <= upward and aside <= across:
        return left
    return over if upward <= across else corner


def png(pixels: np.ndarray) -> bytes:
    """Return a PNG file of uint8 or uint16 pixels (height, width, channels): grey and alpha, colours, or both.

    Examples
    --------
    >>> pixels = np.arange(24, dtype=np.uint16).reshape(2, 4, 3) * 2000
    >>> bool((read_deep(png(pixels)) == pixels).all())
    True
    """
    height, width, channels = pixels.shape
    colour = {count: kind for kind, count in CHANNELS.items()}[channels]
    lines = b"".join(b"\0" + line.tobytes() for line in pixels.astype(pixels.dtype.newbyteorder(">")))

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", width, height, 8 * pixels.dtype.itemsize, colour, 0, 0, 0)
    return SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines, 9)) + chunk(b"IEND", b"")
