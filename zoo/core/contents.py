"""Hashes of what rows hold, by which copies of a row are found in any file and any process."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]


def content_hashes(values: Iterable[Any]) -> Hashes:
    """A 64-bit hash of each value's content, the same in every process and on every machine.

    Args:
        values: strings, bytes, numbers, None, or tuples and lists of them. Equal numbers have equal
            hashes (`1 == 1.0 == np.int64(1)`), a string never has that of a number.

    Shape: (n,)

    >>> first, second, third = content_hashes(["a text", ("1", 1.0), ("1", 1)])
    >>> bool(second == third), bool(first == second)
    (True, False)
    """
    digests = b"".join(hashlib.blake2b(_bytes(v), digest_size=8).digest() for v in values)
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)


def _bytes(value: Any) -> bytes:
    """A value's content, told apart by kind."""
    if isinstance(value, bytes):
        return b"b" + value
    if isinstance(value, str):
        return b"s" + value.encode("utf-8", "surrogatepass")
    if isinstance(value, (tuple, list)):
        parts = [_bytes(part) for part in value]
        return b"t" + b"".join(len(part).to_bytes(8, "little") + part for part in parts)
    if isinstance(value, np.generic):
        return _bytes(value.item())
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return b"n" + repr(int(value) if isinstance(value, bool) else value).encode()
