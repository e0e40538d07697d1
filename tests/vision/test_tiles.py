"""Large photos pass in tiles, as if they had passed whole."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from zoo.vision.data.pixel_file import Pixels
from zoo.vision.restoration.tiles import in_tiles, spans, weights


@pytest.mark.parametrize("n", [1, 96, 97, 128, 200, 1000, 1023])
def test_tiles_count_one_everywhere_and_lie_on_the_grid(n: int) -> None:
    tiles = spans(n, side=96, overlap=32)
    total = np.zeros(n)
    for (start, end), share in zip(tiles, weights(tiles), strict=True):
        assert start % 32 == 0
        assert 0 < end - start <= 96
        assert share[-4:].max() == (1 if end == n else 0)  # nothing counts at an edge within
        assert share[:4].max() == (1 if start == 0 else 0)
        total[start:end] += share
    assert total == pytest.approx(1)


def test_tiles_of_a_network_that_sees_as_far_as_they_overlap_give_the_whole() -> None:
    sides: list[tuple[int, int]] = []

    def blur(photo: Pixels) -> Pixels:
        sides.append(photo.shape[:2])
        x = torch.from_numpy(photo).permute(2, 0, 1)[None].float()
        mean = F.avg_pool2d(x, 31, 1, 15, count_include_pad=False)
        return mean[0].permute(1, 2, 0).round().byte().numpy()

    photo = np.random.default_rng(0).integers(0, 256, (230, 301, 3), dtype=np.uint8)
    tiled = in_tiles(blur, photo, side=128, overlap=64)
    assert max(max(side) for side in sides) <= 128
    assert (tiled == blur(photo)).all()
    sides.clear()
    in_tiles(blur, photo[:64, :250], side=128, overlap=64)
    assert sides == [(64, 250)]  # it holds no more pixels than a tile


def test_tiles_fade_into_each_other() -> None:
    greys = iter(range(0, 255, 60))

    def paint(photo: Pixels) -> Pixels:
        return np.full_like(photo, next(greys))

    tiled = in_tiles(paint, np.zeros((96, 160, 3), np.uint8), side=96, overlap=32)
    steps = np.diff(tiled[0, :, 0].astype(int))
    assert tiled[0, 0, 0] == 0
    assert tiled[0, -1, 0] == 60
    assert 0 < steps.max() <= 4
