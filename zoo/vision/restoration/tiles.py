"""Large photos in overlapping tiles, so that what a network needs is bounded.

A U-Net takes some 600 bytes for each pixel: 30 GB for a phone's photo, enlarged. What a tile shows
near its edge counts for nothing, for the network sees no further there; where two tiles overlap,
one fades into the other. Tiles begin at multiples of `STEP`, so that the network's grid lies on a
tile as on the whole photo. With 32 pixels that count for nothing no value differed by more than 1
of 255 from that of the whole photo (`efficientnet_lite0`); networks that pool over all of their
input (squeeze and excitation) differ more, and pool over what is as large as in training.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from zoo.vision.data.pixel_file import Pixels

SIDE: Final = 384  # px of a tile
OVERLAP: Final = 96  # px; the outer quarters count for nothing, the inner half fades
STEP: Final = 32  # px; backbones halve a photo five times


def in_tiles(
    draw: Callable[[Pixels], Pixels], photo: Pixels, *, side: int = SIDE, overlap: int = OVERLAP
) -> Pixels:
    """What `draw` makes of a photo, a tile at a time; of a photo within one tile in one go.

    Shape: photo and result: (H, W, 3), as each tile.

    Args:
        draw: from a photo to one of the same shape.
        photo: at the size of the result.
        side: pixels of a tile's side, a multiple of 32.
        overlap: pixels that two tiles share, a multiple of 32.
    """
    height, width = photo.shape[:2]
    if height * width <= side**2:
        return draw(photo)
    drawn = np.empty_like(photo)
    columns, rows = spans(width, side, overlap), spans(height, side, overlap)
    shares = weights(columns)
    below = np.zeros((0, width, 3), np.float32)  # what rows of tiles above give to the next one
    for i, ((top, bottom), share) in enumerate(zip(rows, weights(rows), strict=True)):
        band = np.zeros((bottom - top, width, 3), np.float32)
        for (left, right), part in zip(columns, shares, strict=True):
            tile = draw(np.ascontiguousarray(photo[top:bottom, left:right]))
            band[:, left:right] += tile * part[:, None]
        band *= share[:, None, None]
        band[: len(below)] += below
        done = rows[i + 1][0] - top if i + 1 < len(rows) else len(band)
        drawn[top : top + done] = np.rint(band[:done])
        below = band[done:]
    return drawn


def spans(n: int, side: int = SIDE, overlap: int = OVERLAP) -> list[tuple[int, int]]:
    """Begin and end of each tile along an axis.

    >>> spans(700)
    [(0, 384), (288, 672), (320, 700)]
    """
    if n <= side:
        return [(0, n)]
    last = -(-(n - side) // STEP) * STEP  # where the last tile begins
    return [(start, min(start + side, n)) for start in (*range(0, last, side - overlap), last)]


def weights(tiles: list[tuple[int, int]]) -> list[NDArray[np.float32]]:
    """How much each pixel of each tile counts; all tiles together count 1 everywhere.

    >>> [tile.tolist() for tile in weights([(0, 6), (2, 8)])]
    [[1.0, 1.0, 1.0, 0.75, 0.25, 0.0], [0.0, 0.25, 0.75, 1.0, 1.0, 1.0]]
    """
    weights = [np.ones(end - start, np.float32) for start, end in tiles]
    for i in range(1, len(tiles)):
        start, end = tiles[i][0], tiles[i - 1][1]
        position = (np.arange(end - start) + 0.5) / (end - start)
        rising = np.clip(2 * position - 0.5, 0, 1).astype(np.float32)
        weights[i][: end - start] *= rising
        weights[i - 1][start - end :] *= 1 - rising
    return weights
