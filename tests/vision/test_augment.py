"""Augmentation is one matrix a photo; padding never shows; draws are each photo's own."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from zoo.vision.data.augment import (
    NONE,
    SIDE_ON,
    TOP_DOWN,
    Augment,
    Size,
    centre_crop,
    resample,
    sides,
)

SIZE = 64


def smooth(height: int, width: int) -> Tensor:
    """Slow waves, different in each channel. Shape: (3, H, W), uint8."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    waves = [x / 9 + y / 15, x / 14 - y / 8, y / 7 + 1]
    return torch.stack([127 + 120 * torch.sin(wave) for wave in waves]).to(torch.uint8)


def frame(photos: list[Tensor], padding: int = 255) -> tuple[Tensor, Tensor]:
    """Padded photos and their sizes."""
    sizes = torch.tensor([photo.shape[1:] for photo in photos])
    height, width = sizes.amax(0).tolist()
    out = torch.full((len(photos), 3, height, width), padding, dtype=torch.uint8)
    for row, photo in zip(out, photos, strict=True):
        row[:, : photo.shape[1], : photo.shape[2]] = photo
    return out, sizes


def only(**settings: Any) -> Augment:
    """Nothing but what is named, and that always."""
    return Augment(**{**vars(NONE), "p": 1, **settings})


def test_without_augmentation_it_is_the_centre_crop() -> None:
    photos, sizes = frame([smooth(73, 97), smooth(98, 73), smooth(64, 64)])
    seen = NONE(photos, sizes, NONE.draws(3, 0), SIZE)
    for i, (height, width) in enumerate(sizes.tolist()):
        item = photos[i, :, :height, :width].permute(1, 2, 0).numpy()
        crop = torch.from_numpy(centre_crop(item, SIZE).copy()).permute(2, 0, 1) / 255
        assert (seen[i] - crop).abs().max() < 1e-3


@pytest.mark.parametrize("padding", [0, 255])
def test_padding_never_shows(padding: int) -> None:
    strong = Augment(rotate=45, warp=0.4, zoom=1.1, lighting=0, p=1, min_scale=0.3)
    grey = [torch.full((3, h, w), 100, dtype=torch.uint8) for h, w in [(73, 90), (120, 73)]] * 20
    photos, sizes = frame(grey, padding)
    seen = strong(photos, sizes, strong.draws(len(grey), 1), SIZE) * 255
    assert (seen - 100).abs().max() < 1e-2


def test_beyond_its_edge_a_photo_is_mirrored() -> None:
    photo = smooth(64, 80)
    photos, sizes = frame([photo, smooth(100, 100)])
    matrix = torch.tensor([[32.0, 0, 32 - 10], [0, 32, 32], [0, 0, 1]])  # 10 px to the left
    seen = resample(photos, sizes, matrix.expand(2, 3, 3), SIZE)[0]
    expected = torch.cat([photo[:, :, :10].flip(2), photo[:, :, :54]], 2).float()
    assert (seen - expected).abs().max() < 0.05


@pytest.mark.parametrize("augment", [SIDE_ON, TOP_DOWN, Augment(p=1, min_scale=0.4, rotate=30)])
def test_a_marker_lands_where_the_matrix_says(augment: Augment) -> None:
    draws = augment.draws(24, 3)
    sizes = torch.tensor([[90, 120]]).expand(24, 2)
    matrices = augment.matrices(draws, sizes, SIZE)
    goal = torch.tensor([0.2, -0.3])  # of the output
    x, y, w = (matrices.double() @ torch.tensor([*goal, 1.0]).double()).unbind(1)
    rows, columns = torch.arange(90)[:, None] + 0.5, torch.arange(120) + 0.5
    for i in range(24):
        centre_x, centre_y = (x[i] / w[i]).item(), (y[i] / w[i]).item()
        blob = torch.exp(-((rows - centre_y) ** 2 + (columns - centre_x) ** 2) / 8) * 255
        if not (8 < centre_x < 112 and 8 < centre_y < 82):
            continue
        photo = blob.round().to(torch.uint8).expand(1, 3, 90, 120)
        seen = resample(photo, sizes[:1], matrices[i : i + 1], SIZE)[0, 0]
        at = torch.stack(torch.meshgrid(*[torch.arange(SIZE)] * 2, indexing="ij")).float() + 0.5
        found = (at * seen).sum((1, 2)) / seen.sum()  # y, x
        expected = (goal.flip(0) + 1) / 2 * SIZE
        assert (found - expected).abs().max() < 0.6


@pytest.mark.parametrize("size", [91, (61, 91), (91, 61)])
def test_rotation_agrees_with_pillow(size: Size) -> None:
    turn = only(rotate=20)
    height, width = sides(size)
    photo, draws = smooth(height, width), turn.draws(1, 5)
    shape = torch.tensor([[height, width]])
    matrix = turn.matrices(draws, shape, size)[0]
    angle = math.degrees(math.atan2(matrix[1, 0] / width, matrix[0, 0] / width))
    assert 1 < abs(angle) <= 20
    seen = turn(photo[None], shape, draws, size)[0] * 255
    image = Image.fromarray(photo.permute(1, 2, 0).numpy())
    other = torch.from_numpy(np.array(image.rotate(angle, Image.Resampling.BILINEAR)))
    inside = slice(20, height - 20), slice(20, width - 20)
    difference = seen.permute(1, 2, 0)[inside] - other[inside]
    assert difference.abs().max() < 2


def test_a_mask_keeps_its_labels_and_follows_its_photo() -> None:
    draws = SIDE_ON.draws(8, 3)
    mask = (torch.rand(8, 1, 6, 9) < 0.4).repeat_interleave(8, 2).repeat_interleave(8, 3) * 11
    sizes, shape = torch.tensor([[48, 72]]).expand(8, 2), (48, 72)
    matrices = SIDE_ON.matrices(draws, sizes, shape)
    labels = resample(mask, sizes, matrices, shape, "nearest")
    assert labels.unique().tolist() == [0, 11]
    photo = resample(mask.expand(8, 3, 48, 72), sizes, matrices, shape)
    assert ((photo.mean(1) > 5.5) == (labels[:, 0] == 11)).float().mean() > 0.999


def test_a_tilt_shrinks_one_edge_and_stretches_the_other() -> None:
    tilt = only(warp=0.2)
    draws = tilt.draws(1, 0)
    draws[:, 8], draws[:, 9] = 1.0, 0.5  # all of it about one axis, nothing about the other
    matrix = tilt.matrices(draws, torch.tensor([[2, 2]]), 2)[0]
    corners = torch.tensor([[-1.0, -1, 1], [-1, 1, 1], [1, -1, 1], [1, 1, 1]]) @ matrix.T
    corners = corners[:, :2] / corners[:, 2:] - 1
    expected = torch.tensor([[-1, -1.2], [-1, 1.2], [1, -0.8], [1, 0.8]])
    assert torch.allclose(corners, expected, atol=1e-5)


def test_all_eight_symmetries_are_seen_and_exact() -> None:
    photo = torch.randint(0, 256, (3, SIZE, SIZE), dtype=torch.uint8)
    square = only(dihedral=True)
    photos, sizes = photo.expand(200, -1, -1, -1), torch.tensor([[SIZE, SIZE]]).expand(200, 2)
    seen = (square(photos, sizes, square.draws(200, 0), SIZE) * 255).round().to(torch.uint8)
    turns = [photo.rot90(k, (1, 2)) for k in range(4)]
    wanted = [*turns, *(turn.flip(2) for turn in turns)]
    counts = [sum(torch.equal(one, want) for one in seen) for want in wanted]
    assert sum(counts) == 200
    assert min(counts) >= 10


def test_flips_come_with_their_probability() -> None:
    photo = smooth(SIZE, SIZE)
    flip = only(flip=0.25)
    photos, sizes = photo.expand(400, -1, -1, -1), torch.tensor([[SIZE, SIZE]]).expand(400, 2)
    seen = (flip(photos, sizes, flip.draws(400, 0), SIZE) * 255).round().to(torch.uint8)
    assert 70 <= sum(torch.equal(one, photo.flip(2)) for one in seen) <= 130


def test_each_photo_has_draws_of_its_own() -> None:
    photos, sizes = smooth(73, 90).expand(8, -1, -1, -1), torch.tensor([[73, 90]]).expand(8, 2)
    seen = SIDE_ON(photos, sizes, SIDE_ON.draws(8, 0, 0, 0), SIZE)
    for i in range(8):
        for j in range(i):
            assert (seen[i] - seen[j]).abs().mean() > 1e-3


def test_draws_are_a_function_of_the_seed() -> None:
    assert torch.equal(SIDE_ON.draws(4, 1, 2, 3), SIDE_ON.draws(4, 1, 2, 3))
    assert not torch.equal(SIDE_ON.draws(4, 1, 2, 3), SIDE_ON.draws(4, 1, 3, 2))
    before = torch.get_rng_state()
    SIDE_ON.draws(4, 0)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_random_crop_alone_stays_sharp() -> None:
    photo = torch.randint(0, 256, (3, 73, 120), dtype=torch.uint8)
    crop = only(random_crop=True)
    photos, sizes = photo.expand(20, -1, -1, -1), torch.tensor([[73, 120]]).expand(20, 2)
    seen = (crop(photos, sizes, crop.draws(20, 0), SIZE) * 255).round().to(torch.uint8)
    windows = photo.unfold(1, SIZE, 1).unfold(2, SIZE, 1)  # (3, 10, 57, SIZE, SIZE)
    places = [(windows == one[:, None, None]).all(-1).all(-1).all(0).nonzero() for one in seen]
    assert all(len(place) == 1 for place in places)
    assert len({tuple(place[0].tolist()) for place in places}) > 15


def test_the_share_of_the_crop_stays_within_its_bounds() -> None:
    crop = only(random_crop=True, min_scale=0.3)
    sizes = torch.tensor([[73, 120]]).expand(500, 2)
    matrices = crop.matrices(crop.draws(500, 0), sizes, SIZE)
    wide, high = 2 * matrices[:, 0, 0], 2 * matrices[:, 1, 1]
    share = wide * high / 73**2
    assert 0.29 <= share.min() < 0.35
    assert 0.9 < share.max() <= 1.01
    assert (wide / high).max() < 1.4
    left, top = matrices[:, 0, 2] - wide / 2, matrices[:, 1, 2] - high / 2
    assert (left >= -1e-4).all()
    assert (left + wide <= 120.001).all()
    assert (top >= -1e-4).all()
    assert (top + high <= 73.001).all()


def test_lighting_is_that_of_logit_space_and_within_bounds() -> None:
    light = only(lighting=0.2)
    photo = torch.arange(256, dtype=torch.uint8).view(1, 16, 16).repeat(3, 4, 4)
    photos, sizes = photo.expand(100, -1, -1, -1), torch.tensor([[SIZE, SIZE]]).expand(100, 2)
    draws = light.draws(100, 0)
    seen = light(photos, sizes, draws, SIZE)
    factor, shift = light.light(draws)
    x = (photo / 255).double().clamp(1e-7, 1 - 1e-7)
    wanted = torch.sigmoid(torch.logit(x) * factor[7] + shift[7])
    assert (seen[7] - wanted).abs().max() < 1e-4
    assert 0.8 <= factor.min() < 0.85
    assert 1.2 < factor.max() <= 1.25
    grey = torch.sigmoid(shift / factor)  # of middle grey
    assert 0.4 <= grey.min() < 0.42
    assert 0.58 < grey.max() <= 0.6
    assert seen.min() >= 0
    assert seen.max() <= 1


def test_wrong_settings_are_named_all_at_once() -> None:
    with pytest.raises(ValueError, match=r"zoom=0\.5 \(.*; min_scale=0 \("):
        Augment(zoom=0.5, min_scale=0)


def test_a_crop_larger_than_its_photo_is_refused() -> None:
    with pytest.raises(ValueError, match="size=65 for height=64, width=90"):
        centre_crop(np.zeros((64, 90, 3), np.uint8), 65)
