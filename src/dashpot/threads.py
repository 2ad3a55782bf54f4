"""How a worker uses its core: one torch thread, and no time for numbers too small to matter."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

_threads = threading.Lock()
_inside: list[int] = []  # torch's threads before each worker that is at work now; the first entry is the user's setting


@contextmanager
def one_thread() -> Iterator[None]:
    """One torch thread for each worker: more would fight over the cores. The last to leave restores the setting."""
    with _threads:
        _inside.append(_inside[0] if _inside else torch.get_num_threads())
        torch.set_num_threads(1)
    try:
        yield
    finally:
        with _threads:
            threads = _inside.pop()
            if not _inside:
                torch.set_num_threads(threads)


@contextmanager
def no_denormals() -> Iterator[None]:
    """Numbers too small for full precision count as zero in this thread: each costs a hundred others."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
