"""Features of rows, such as photos or texts, in one file of the cache, found by the row's content.

A file holds what one body computes of rows that are shown in one way. Whoever needs features of
some rows takes those that are there and adds the others, so that folds, subsets and data that grew
share one pass. A file is replaced whole, never written into.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.core.cache_folder import make_room
from zoo.core.contents import Hashes
from zoo.core.messages import warn


@dataclass(frozen=True, eq=False)
class Known:
    """Features by name.

    Attributes:
        names: one per row, such as its content's hash; sorted, each once. Shape: (n,)
        rows: features. Shape: (n, d)
    """

    names: Hashes
    rows: Tensor

    @classmethod
    def nothing(cls, d: int) -> Known:
        """No row's features."""
        return cls(np.zeros(0, np.uint64), torch.zeros(0, d))

    def lacks(self, names: Hashes) -> NDArray[np.int64]:
        """The first place of each name that is not here. Shape: at most (len(names),)"""
        new, first = np.unique(names, return_index=True)
        return np.sort(first[~np.isin(new, self.names)])

    def added(self, names: Hashes, rows: Tensor) -> Known:
        """These and further features; of a name that is here already, those that are here."""
        joined = np.concatenate([self.names, names])
        unique, first = np.unique(joined, return_index=True)
        return Known(unique, torch.cat([self.rows, rows])[torch.from_numpy(first)])

    def of(self, names: Hashes) -> Tensor:
        """The features of these names, all of which are here. Shape: (len(names), d)"""
        return self.rows[torch.from_numpy(np.searchsorted(self.names, names))]


def read(place: Path, d: int) -> Known:
    """What a file holds: nothing if there is none, or none that is whole.

    Args:
        place: the file.
        d: number of features of a row.
    """
    try:
        values = place.read_bytes()
        os.utime(place)  # used just now
    except OSError:
        return Known.nothing(d)
    n = int.from_bytes(values[:8], "little")
    if len(values) < 8 or len(values) != 8 + n * (8 + 4 * d):
        return Known.nothing(d)
    names = np.frombuffer(values, np.uint64, n, 8)
    rows = np.frombuffer(values, np.float32, n * d, 8 + 8 * n).reshape(n, d)
    return Known(names, torch.from_numpy(rows.copy()))


def keep(place: Path, known: Known, limit: int) -> None:
    """Write features to the cache; a warning tells if that fails.

    Args:
        place: the file.
        known: the features.
        limit: bytes of the whole cache; older files make room.
    """
    part = place.with_name(f".{place.name}.{os.getpid()}.part")  # a process may be at the same pass
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            file.write(len(known.names).to_bytes(8, "little"))
            file.write(known.names.data)
            file.write(known.rows.contiguous().numpy().data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(place)
        make_room(place, limit)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        warn(
            f"features must be kept on disk for the next experiment, got {error}. Free space, or "
            "set ZOO_CACHE to another folder."
        )
