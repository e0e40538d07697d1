"""Photos without labels to train and to validate on: none is in both parts, nor a copy of one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from zoo.core.contents import Hashes
from zoo.core.messages import few, warn
from zoo.core.seen_rows import SeenRows, new_rows
from zoo.core.split import require_disjoint
from zoo.core.trust.folds import MARKED
from zoo.vision.data.contents import file_hashes, held_out_photos, readable_rows
from zoo.vision.data.pairing import TEST, TRAIN, VALID, part_of
from zoo.vision.data.photo_lists import photo_list


class PhotoPart(NamedTuple):
    """Paths of photos, and a hash of each one's content."""

    paths: list[Path]
    hashes: Hashes

    def take(self, rows: NDArray[np.bool_]) -> PhotoPart:
        """The photos of these rows."""
        return PhotoPart([self.paths[i] for i in np.flatnonzero(rows)], self.hashes[rows])


def photo_parts(
    photos: Any,
    valid: Any,
    fraction: float,
    seed: int,
    threads: int,
    trained_on: SeenRows | None = None,
    fold: tuple[int, int] | None = None,
) -> tuple[PhotoPart, PhotoPart | None]:
    """The photos to train on and those to validate on, if any; unreadable ones are left out.

    Args:
        photos: a folder, perhaps with train and valid inside, or a list of paths.
        valid: validation photos in the same form; None takes what the folder says, else a fraction.
        fraction: share of the photos to validate on, 0 for none.
        seed: the draw's seed.
        threads: number of threads that read.
        trained_on: photos that the pretrained model knows.
        fold: which of several parts to validate on in place of the fraction.

    Raises:
        FileNotFoundError: a folder or photo does not exist.
        ValueError: there are no photos, or parts share some.
    """
    paths = photo_list(photos)
    in_folder = isinstance(photos, (str, os.PathLike))
    names = np.array([part_of(path.relative_to(photos)) if in_folder else "" for path in paths])
    if np.isin(names, list(TRAIN)).any():
        kept = ~np.isin(names, list(TEST))
        if not kept.all():
            warn(
                f"{(~kept).sum()} photos of a test part in {photos} are left aside: they are for "
                "evaluate(), neither to train nor to validate on"
            )
        paths, names = [paths[i] for i in np.flatnonzero(kept)], names[kept]
        is_valid = np.isin(names, list(VALID))
    else:
        is_valid = np.zeros(len(paths), bool)
    everything, rows = _readable_part(paths, threads)
    is_valid = is_valid[rows]
    if fold is not None and is_valid.any():
        raise ValueError(MARKED)
    drawn = valid is None and not is_valid.any()
    if drawn:
        if not fraction and fold is None:
            return everything, None
        is_valid = held_out_photos(everything.hashes, fraction, seed, trained_on, fold)
        if not is_valid.any():
            return everything, None
    train, other = everything.take(~is_valid), everything.take(is_valid)
    if valid is not None:
        other, _ = _readable_part(photo_list(valid), threads)
    require_other_photos(train, other)
    is_new = new_rows(other.hashes, trained_on, rows="photos", drawn=drawn)
    return train, other.take(is_new) if is_new.any() else None


def require_other_photos(train: PhotoPart, valid: PhotoPart) -> None:
    """Refuse to validate on photos that are trained on, or on copies of them.

    Raises:
        ValueError: there are such; the first are named.
    """
    rows = np.flatnonzero(np.isin(valid.hashes, train.hashes))
    names = few([str(valid.paths[row]) for row in rows])
    way_out = f"Leave them out of one part: {names}."
    require_disjoint(train.hashes, valid.hashes, rows="photos", way_out=way_out)


def _readable_part(paths: list[Path], threads: int) -> tuple[PhotoPart, NDArray[np.int64]]:
    """The photos that can be read, and their rows."""
    rows = readable_rows(paths, threads)
    readable = [paths[i] for i in rows]
    return PhotoPart(readable, file_hashes(readable, threads)), rows
