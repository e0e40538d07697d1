"""What files of photos hold: a hash of each, and which cannot be read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from zoo.core.messages import few
from zoo.core.split import Hashes, SeenRows
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


def held_out(
    hashes: Hashes, fraction: float, seed: int, trained_on: SeenRows | None = None
) -> NDArray[np.bool_]:
    """Which photos are validated on: a fraction drawn by the seed, one at least.

    Copies of a photo stay on one side, and what a pretrained model was trained on is not drawn.

    >>> photos = np.arange(10, dtype=np.uint64)
    >>> [held_out(photos, 0.3, seed).nonzero()[0].tolist() for seed in (0, 1)]
    [[2, 4, 6], [4, 7, 8]]

    Args:
        hashes: content of each photo. Shape: (n,)
        fraction: part of the photos, between 0 and 1.
        seed: the draw is a function of it.
        trained_on: photos that the pretrained model knows.

    Raises:
        ValueError: nothing would be left to train or to validate on.
    """
    first_rows, group_of = np.unique(hashes, return_index=True, return_inverse=True)[1:]
    order = np.argsort(first_rows)  # groups in the order of their first photos
    n = len(order)
    if not 0 < fraction < 1 or n < 2:
        raise ValueError(
            "valid_fraction must be between 0 and 1, of two or more photos, got "
            f"valid_fraction={fraction} of {n}. Try 0.2, or give valid."
        )
    wanted = min(max(round(fraction * n), 1), n - 1)
    drawn = order[np.random.default_rng(seed).permutation(n)]
    if trained_on is not None:
        known = np.isin(hashes[first_rows], trained_on.hashes)
        if trained_on.is_cut_off:
            known |= hashes[first_rows] > trained_on.hashes[-1]
        drawn = drawn[~known[drawn]]
        if not len(drawn):
            raise ValueError(
                f"validation needs photos that are new to the pretrained model, got {n} that it "
                "was trained on. Give others as valid, or start from its backbone."
            )
    return np.isin(group_of, drawn[:wanted])


def _reason(path: Path) -> str:
    try:
        read(path, _SMALL)
    except UnreadableImage as error:
        return str(error)
    return ""
