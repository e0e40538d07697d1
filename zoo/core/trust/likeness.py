"""Which photos show the same, by their thumbnails: groups, in memory linear in the photos.

Pairs are never listed, for thousands of frames of a fixed camera are alike by the million: two
tiles of thumbnails are compared at a time, and what is alike joins the groups at once.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

ALIKE: Final = 3.0  # of 255: root mean square difference of two thumbnails up to which they are one
_TILE: Final = 512  # thumbnails of a tile

Numbers = NDArray[np.int64]


def alike(
    thumbnails: NDArray[np.float32], copies: Numbers | None = None, limit: float = ALIKE
) -> Numbers:
    """The group of each row: the smallest number of a row that shows the same, perhaps mirrored.

    Rows are in one group where a chain of rows leads from one to the other, each like the next.

    >>> alike(np.array([0, 90, 2, 4, 200], np.float32).repeat(4).reshape(5, 2, 2)).tolist()
    [0, 1, 0, 0, 4]

    Args:
        thumbnails: greys in 0..255; NaN is like nothing. Shape: (n, side, side)
        copies: smaller or same number of a row that is known to be the same. Shape: (n,)
        limit: root mean square difference up to which two are one.

    Returns:
        Numbers of rows. Shape: (n,)
    """
    n, size = len(thumbnails), thumbnails[0].size if len(thumbnails) else 1
    flat, mirrored = (side.reshape(n, -1) for side in (thumbnails, thumbnails[:, :, ::-1]))
    norm = (flat**2).sum(1)
    group_of = np.arange(n) if copies is None else joined(np.arange(n), np.arange(n), copies)
    for low in range(0, n, _TILE):
        for left in range(low, n, _TILE):
            rows, columns = slice(low, low + _TILE), slice(left, left + _TILE)
            for other in (flat, mirrored):
                square = norm[rows, None] + norm[None, columns] - 2 * flat[rows] @ other[columns].T
                with np.errstate(invalid="ignore"):
                    a, b = np.nonzero(square <= limit**2 * size)
                group_of = joined(group_of, a + low, b + left)
    return group_of


def joined(group_of: Numbers, a: Numbers, b: Numbers) -> Numbers:
    """The groups after those of each pair of rows became one.

    >>> joined(np.arange(4), np.array([0, 3]), np.array([2, 2])).tolist()
    [0, 1, 0, 0]
    """
    one, other = np.divmod(np.unique(group_of[a] * len(group_of) + group_of[b]), len(group_of))
    if (one == other).all():
        return group_of
    groups, ends = np.unique([one, other], return_inverse=True)
    rows, columns = ends.reshape(2, -1).astype(np.int32)  # int64 fails in SciPy 1.11
    graph: Any = coo_array((np.ones(len(rows)), (rows, columns)), shape=[len(groups)] * 2)
    part_of = connected_components(graph, directed=False)[1]
    first = np.unique(part_of, return_index=True)[1]  # groups are sorted: the first is the smallest
    new = np.arange(len(group_of))
    new[groups] = groups[first[part_of]]
    return np.asarray(new[group_of])
