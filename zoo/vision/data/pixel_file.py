"""Pixels of many photos in one memory-mapped file.

    header 128 bytes | pixels, photo after photo | index (n, 3) int64: offset, H, W |
    hashes of the files' contents (n,) uint64 | reasons, JSON

A file is written beside its place and moved there whole; header and index carry a digest.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from zoo.core.contents import Hashes

Pixels = NDArray[np.uint8]

MAGIC: Final = b"zoo-px02"
_HEADER: Final = struct.Struct("<8sQQQQ32s56x")  # magic, n, index at, length, limit, digest
LEFT: Final = -1  # offset of a photo that is decoded whenever it is asked for
BROKEN: Final = -2  # offset of a photo that cannot be read


class Stored(NamedTuple):
    """What is kept of some files.

    Attributes:
        entries: offset, height and width of each file's pixels. Shape: (files, 3).
        hashes: a hash of the bytes of each file. Shape: (files,).
        reasons: number of a file that cannot be read -> a sentence that says why.
        pixels: the mapped cache; None without one.
    """

    entries: NDArray[np.int64]
    hashes: Hashes
    reasons: dict[int, str]
    pixels: Pixels | None


def open_pixels(place: Path, n: int, limit: int) -> Stored | None:
    """The stored items; None if there are none, they are damaged, or more would fit now."""
    try:
        with place.open("rb") as file:
            head = file.read(_HEADER.size)
            magic, count, at, length, had, digest = _HEADER.unpack(head)
            if magic != MAGIC or count != n or length != os.fstat(file.fileno()).st_size:
                return None
            file.seek(at)
            tail = file.read()
        if hashlib.sha256(head[:40] + tail).digest() != digest:
            return None
        index = np.frombuffer(tail, np.int64, n * 3).reshape(n, 3)
        hashes = np.frombuffer(tail, np.uint64, n, n * 24)
        if had < limit and (index[:, 0] == LEFT).any():
            return None
        pixels = np.memmap(place, np.uint8, "r").view(np.ndarray)
        with contextlib.suppress(OSError):
            os.utime(place)  # used just now
    except (OSError, ValueError, struct.error):
        return None
    reasons = {int(row): why for row, why in json.loads(tail[n * 32 :]).items()}
    return Stored(index, hashes, reasons, pixels)


class Writer:
    """A cache file in the making; after the first failure it writes no more and keeps the error."""

    def __init__(self, place: Path, limit: int) -> None:
        self.place, self.limit = place, limit
        self.error: OSError | None = None
        self.at = _HEADER.size
        self.file: BinaryIO | None = None

    def __enter__(self) -> Writer:
        with self._no_more_on_failure():
            self.place.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(".part", ".", self.place.parent)
            self.part, self.file = Path(name), os.fdopen(handle, "wb", 1 << 20)
            self.file.write(bytes(_HEADER.size))
        return self

    def add(self, pixels: Pixels) -> int:
        """The offset of the pixels, or that they are left out."""
        if self.file is None or self.at + pixels.nbytes > self.limit:
            return LEFT
        at = self.at
        with self._no_more_on_failure():
            self.file.write(np.ascontiguousarray(pixels).data)
            self.at += pixels.nbytes
        return at

    def finish(self, index: NDArray[np.int64], hashes: Hashes, reasons: dict[int, str]) -> None:
        """Write index, hashes and header, and move the file to its place."""
        if self.file is None:
            return
        tail = index.tobytes() + hashes.tobytes() + json.dumps(reasons).encode()
        fields = (MAGIC, len(index), self.at, self.at + len(tail), self.limit)
        head = _HEADER.pack(*fields, b"")[:40]
        with self._no_more_on_failure():
            self.file.write(tail)
            self.file.seek(0)
            self.file.write(_HEADER.pack(*fields, hashlib.sha256(head + tail).digest()))
            self.file.flush()
            os.fsync(self.file.fileno())
            self.file.close()
            self.part.replace(self.place)

    def __exit__(self, *_: object) -> None:
        if self.file is not None:
            with contextlib.suppress(OSError):
                self.file.close()
            self.part.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _no_more_on_failure(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.error = error
            self.__exit__()
            self.file = None
