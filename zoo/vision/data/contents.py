"""What files of photos hold: a hash of each, and which cannot be read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from zoo.core.messages import few
from zoo.core.split import Hashes, SeenRows, held_out
from zoo.vision.data.cache import file_hash, in_order
from zoo.vision.data.images import UnreadableImage, read
from zoo.vision.data.sources import readable

_SMALL: Final = 32  # px that a photo is decoded to, quickly, to see that it is whole


def readable_rows(paths: Sequence[Path], threads: int) -> NDArray[np.int64]:
    """The rows of photos that can be read; one warning counts and names the others.

    Raises:
        ValueError: none can be read.
    """
    looked = in_order(_reason, paths, threads=threads, ahead=4 * threads)
    broken = {i: reason for i, reason in enumerate(looked) if reason}
    if len(broken) == len(paths):
        raise ValueError(
            f"photos must be readable, got none of {len(paths)}: {few([*broken.values()], '; ')}. "
            "Replace the broken files."
        )
    parts: Any = [paths]
    return readable(parts, broken)[0]


def file_hashes(paths: Sequence[Path], threads: int = 2) -> Hashes:
    """A hash of each file's bytes. Shape: (n,)."""
    hashes = in_order(file_hash, paths, threads=threads, ahead=4 * threads)
    return np.fromiter(hashes, np.uint64, len(paths))


def held_out_photos(
    hashes: Hashes, fraction: float, seed: int, trained_on: SeenRows | None = None
) -> NDArray[np.bool_]:
    """Draw the photos to validate on; copies of a photo stay on one side.

    Args:
        hashes: content of each photo. Shape: (n,)
        fraction: part of the photos, between 0 and 1.
        seed: the draw is a function of it.
        trained_on: photos of the pretrained model's training, which are not drawn.

    Returns:
        Whether each photo is drawn. Shape: (n,)
    """
    known = None if trained_on is None else trained_on.contains(hashes)
    drawn = held_out(len(hashes), fraction, seed, groups=hashes, trained_on=known)[1]
    return np.isin(np.arange(len(hashes)), drawn)


def _reason(path: Path) -> str:
    try:
        read(path, _SMALL)
    except UnreadableImage as error:
        return str(error)
    return ""
