"""Features on disk: rows of float32, appended as they come, moved to their place when whole."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
import torch
from filelock import FileLock, Timeout
from torch import Tensor

from zoo.core.run import Run
from zoo.vision.data.cache import make_room

SUFFIX: Final = ".features"
_FLOAT: Final = 4  # bytes


def read(place: Path, n: int, d: int) -> Tensor | None:
    """A whole file's features; None if there is none."""
    try:
        values = np.fromfile(place, np.float32)
        os.utime(place)  # used just now
    except OSError:
        return None
    return torch.from_numpy(values.reshape(n, d)) if values.size == n * d else None


class Part:
    """A file of features in the making, one process's at a time; without a place, nothing.

    After the first failure (a full disk, another process at it) it is left alone.
    """

    def __init__(self, place: Path | None) -> None:
        self.place = place
        self.path = None if place is None else place.with_name(f".{place.name}.part")
        self.file: BinaryIO | None = None
        self._lock: FileLock | None = None

    def __enter__(self) -> Part:
        if self.path is None:
            return self
        with self._left_alone_on_failure():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(self.path.with_suffix(".lock"), timeout=0)
            with contextlib.suppress(Timeout):  # another process is at the same pass
                self._lock.acquire()
                self.file = self.path.open("a+b")
        return self

    def rows(self, d: int) -> Tensor:
        """Whole rows that an earlier pass has left. Shape: (m, d)."""
        if self.file is None:
            return torch.zeros(0, d)
        self.file.seek(0)
        held = self.file.read()
        values = np.frombuffer(held[: len(held) // (d * _FLOAT) * d * _FLOAT], np.float32)
        return torch.from_numpy(values.copy()).view(-1, d)

    def cut(self, n: int) -> None:
        """Keep so many numbers."""
        if self.file is not None:
            self.file.truncate(n * _FLOAT)

    def add(self, rows: Tensor) -> None:
        """Append rows."""
        with self._left_alone_on_failure():
            if self.file is not None:
                self.file.write(rows.contiguous().numpy().tobytes())
                self.file.flush()

    def finish(self, run: Run) -> None:
        """Move the file to its place, whole."""
        with self._left_alone_on_failure():
            if self.file is not None and self.path is not None and self.place is not None:
                os.fsync(self.file.fileno())
                self.path.replace(self.place)
                make_room(self.place, int(run.cache_gb * 1e9))

    def __exit__(self, *_: object) -> None:
        if self.file is not None:
            with contextlib.suppress(OSError):  # it tries again to write what found no room
                self.file.close()
            self.file = None
        if self._lock is not None and self._lock.is_locked:
            Path(self._lock.lock_file).unlink(missing_ok=True)
            self._lock.release()

    @contextlib.contextmanager
    def _left_alone_on_failure(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.__exit__()
            warnings.warn(
                f"features cannot be kept on disk ({error}), so the next experiment computes them "
                "anew; free space or set ZOO_CACHE to a folder",
                stacklevel=2,
            )
