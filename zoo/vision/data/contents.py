"""What files of photos hold: a hash of each, and which cannot be read."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from zoo.core.contents import Hashes
from zoo.core.messages import few, warn
from zoo.core.seen_rows import SeenRows, new_rows
from zoo.core.split import held_out
from zoo.core.trust.folds import Fold, rows_of_fold
from zoo.vision.data.cache import file_hash, in_order
from zoo.vision.data.images import Resize, Source, UnreadableImage, read

_SMALL: Final = Resize(32)  # that a photo is decoded to, quickly, to see that it is whole


def readable_rows(paths: Sequence[Path], threads: int) -> NDArray[np.int64]:
    """The rows of photos that can be read; one warning counts and names the others.

    Raises:
        ValueError: none can be read.
    """
    reasons = in_order(reason, paths, threads=threads)
    (rows,) = readable([paths], {i: why for i, why in enumerate(reasons) if why})
    return rows


def readable(
    parts: Sequence[Any], unreadable: Mapping[int, str], *, strict: bool = False
) -> list[NDArray[np.int64]]:
    """The rows of each part that can be read; one warning counts and names the others.

    Args:
        parts: photos whose paths, one part after the other, were tried.
        unreadable: what is wrong, by the number of the path among these.
        strict: raise instead of warning.

    Returns:
        For every part rows among all paths. Shape: (readable photos of the part,).

    Raises:
        UnreadableImage: a file is unreadable, and strict.
        ValueError: no file can be read.
    """
    n = sum(len(part) for part in parts)
    if unreadable:
        reasons = few([unreadable[row] for row in sorted(unreadable)], "; ")
        if strict:
            raise UnreadableImage(
                f"every photo must be readable (strict), got {reasons}. Remove or mend them."
            )
        if len(unreadable) == n:
            raise ValueError(
                f"photos must be readable, got none of {n}: {reasons}. Replace the broken files."
            )
        message = f"{len(unreadable)} of {n} photos are left out: {reasons}"
        warn(message)
    whole = np.array([row not in unreadable for row in range(n)], dtype=bool)
    ends = np.cumsum([0, *(len(part) for part in parts)])
    return [low + np.flatnonzero(whole[low:high]) for low, high in itertools.pairwise(ends)]


def file_hashes(paths: Sequence[Path], threads: int = 2) -> Hashes:
    """A hash of each file's bytes. Shape: (n,)."""
    return np.fromiter(in_order(file_hash, paths, threads=threads), np.uint64, len(paths))


def held_out_photos(
    hashes: Hashes,
    fraction: float,
    seed: int,
    trained_on: SeenRows | None = None,
    fold: tuple[int, int] | None = None,
) -> NDArray[np.bool_]:
    """Draw the photos to validate on; copies of a photo stay on one side.

    Args:
        hashes: content of each photo. Shape: (n,)
        fraction: part of the photos, between 0 and 1.
        seed: the draw is a function of it.
        trained_on: photos of the pretrained model's training, which are not drawn.
        fold: which of several parts to hold out instead.

    Returns:
        Whether each photo is drawn; none where all are known, of which a warning tells. Shape: (n,)
    """
    known = None if trained_on is None else trained_on.certain(hashes)
    if known is not None and known.all():
        return np.isin(hashes, hashes[new_rows(hashes, trained_on, rows="photos", drawn=True)])
    if fold is not None:
        drawn = rows_of_fold(Fold(*fold), len(hashes), seed, groups=hashes)[1]
        drawn = drawn if known is None else drawn[~known[drawn]]
    else:
        drawn = held_out(len(hashes), fraction, seed, groups=hashes, trained_on=known)[1]
    return np.isin(np.arange(len(hashes)), drawn)


def reason(source: Source, resize: Resize | None = _SMALL) -> str:
    """Why a photo cannot be read, at a size; empty for one that can."""
    try:
        read(source, resize)
    except UnreadableImage as error:
        return str(error)
    return ""
