"""Which rows a network leaves out; equal rows stay together."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np


def fingerprints(inputs: np.ndarray) -> np.ndarray:
    """A 63-bit number for each encoded row; equal rows have equal numbers."""
    rows = np.ascontiguousarray(inputs, dtype=np.float32) + np.float32(0.0)  # a copy, -0.0 becomes 0.0
    rows[np.isnan(rows)] = np.nan  # without a sign, which 0/0 has on some processors
    digests = b"".join(blake2b(row.tobytes(), digest_size=8).digest() for row in rows)
    return np.frombuffer(digests, dtype=np.int64) & np.int64(2**63 - 1)


def folds_of(prints: np.ndarray, folds: int, random: np.random.Generator) -> np.ndarray:
    """A fold for each row, (rows,): nearly equal in size, at least two, none empty; equal rows share one.

    A table with fewer than two different rows is divided all the same.
    """
    distinct, place = np.unique(prints, return_inverse=True)
    if len(distinct) < 2:
        return np.asarray(random.permutation(len(prints)) % 2)
    numbers = random.permutation(len(distinct)) % min(folds, len(distinct))
    return np.asarray(numbers[place])
