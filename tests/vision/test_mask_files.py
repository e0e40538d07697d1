"""Masks as files: what their pixels are, and how they lie on photos that EXIF turns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from zoo.vision.data.images import read
from zoo.vision.segmentation.mask_files import frame_of, read_mask, turns

NUMBERS = np.arange(6, dtype=np.uint8).reshape(2, 3)


def stored(path: Path, pixels: np.ndarray, orientation: int = 1) -> Path:
    exif = Image.Exif()
    exif[0x112] = orientation
    Image.fromarray(pixels).save(path, exif=exif)
    return path


def masked(pixels: np.ndarray) -> np.ndarray:
    """The mask of a photo: where it is bright."""
    return (pixels[..., 0] > 128).astype(np.uint8)


def scene(height: int = 24, width: int = 32) -> np.ndarray:
    """A bright corner, so that each turn and mirroring is another picture."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[2:8, 3:16] = 255
    return pixels


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("drawn_on", ["stored", "shown"])
def test_masks_lie_on_photos_that_exif_turns(
    orientation: int, drawn_on: str, tmp_path: Path
) -> None:
    photos = [
        stored(tmp_path / "sure.png", scene(), 6),
        stored(tmp_path / "photo.png", scene(), orientation),
    ]
    masks = []
    for photo in photos:
        with Image.open(photo) as image:
            shown = image if drawn_on == "stored" else ImageOps.exif_transpose(image)
            pixels = masked(np.asarray(shown))
        masks.append(stored(photo.with_suffix(".bmp.png"), pixels))
    for photo, mask, turn in zip(photos, masks, turns(photos, masks), strict=True):
        assert (np.asarray(read_mask(mask, turn)) == masked(np.asarray(read(photo)))).all()


def test_a_turn_that_nothing_tells_is_refused(tmp_path: Path) -> None:
    photo = stored(tmp_path / "p.png", scene(24, 24), 6)
    mask = stored(tmp_path / "m.png", masked(scene(24, 24)))
    with pytest.raises(ValueError, match=r"masks fit both ways: .*p\.png\. Save them upright"):
        turns([photo], [mask])
    upside_down = stored(tmp_path / "u.png", scene(), 3)
    with pytest.raises(ValueError, match=r"fit both ways: .*u\.png"):
        turns([upside_down], [stored(tmp_path / "v.png", masked(scene()))])


def test_a_mask_with_an_orientation_of_its_own_is_turned_by_it(tmp_path: Path) -> None:
    photo = stored(tmp_path / "p.png", scene(24, 24), 6)
    mask = stored(tmp_path / "m.png", masked(scene(24, 24)), 6)
    (turn,) = turns([photo], [mask])
    assert (np.asarray(read_mask(mask, turn)) == masked(np.asarray(read(photo)))).all()


def test_a_mask_of_another_size_needs_the_shape_of_its_photo(tmp_path: Path) -> None:
    photo = stored(tmp_path / "p.png", scene(24, 32))
    for shape in ((12, 16), (48, 64), (240, 320)):
        assert turns([photo], [stored(tmp_path / "m.png", masked(scene(*shape)))]) == [1]
    with pytest.raises(ValueError, match=r"m\.png has 24 x 32, p\.png 32 x 24\. Scale"):
        turns([photo], [stored(tmp_path / "m.png", masked(scene(32, 24)))])
    assert frame_of(photo) == (32, 24, 1)


def test_numbers_are_read_from_every_kind_of_picture(tmp_path: Path) -> None:
    grey = Image.fromarray(NUMBERS)
    palette = grey.copy()
    palette.putpalette([9, 9, 9] * 256)
    opaque = Image.merge("LA", (grey, Image.new("L", grey.size, 255)))
    kinds = {
        "grey.png": grey,
        "palette.png": palette,
        "palette.gif": palette,
        "grey in colour.png": Image.fromarray(np.repeat(NUMBERS[..., None], 3, 2)),
        "deep.png": Image.fromarray(NUMBERS.astype(np.uint16)),
        "opaque.png": opaque,
        "floats.tif": Image.fromarray(NUMBERS.astype(np.float32)),
    }
    for name, picture in kinds.items():
        picture.save(tmp_path / name)
        assert (np.asarray(read_mask(tmp_path / name)) == NUMBERS).all(), name
    ones = NUMBERS > 2
    Image.fromarray(ones).save(tmp_path / "bit.png")
    assert (np.asarray(read_mask(tmp_path / "bit.png")) == ones).all()
    Image.fromarray(ones * np.uint16(65535)).save(tmp_path / "black and white.png")
    assert (np.asarray(read_mask(tmp_path / "black and white.png")) == ones * 255).all()


def test_pixels_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    colours = np.zeros((2, 3, 3), np.uint8)
    colours[0, 0] = 255, 0, 0
    holes = Image.merge("LA", (Image.fromarray(NUMBERS), Image.fromarray(NUMBERS)))
    for name, picture in {
        "red.png": Image.fromarray(colours),
        "large.png": Image.fromarray(NUMBERS.astype(np.uint16) * 300),
        "halves.tif": Image.fromarray(NUMBERS.astype(np.float32) / 2),
        "holes.png": holes,
    }.items():
        picture.save(tmp_path / name)
        with pytest.raises(ValueError, match=rf"{name} with mode="):
            read_mask(tmp_path / name)
    (tmp_path / "cut.png").write_bytes((tmp_path / "red.png").read_bytes()[:40])
    for name in ("cut.png", "missing.png"):
        with pytest.raises(ValueError, match=f"{name}, which cannot be read"):
            read_mask(tmp_path / name)


def test_a_jpeg_keeps_black_and_white_alone(tmp_path: Path) -> None:
    disc = np.hypot(*np.mgrid[-32:32, -32:32]) < 20
    Image.fromarray(disc * np.uint8(255)).save(tmp_path / "disc.jpg", quality=75)
    found = np.asarray(read_mask(tmp_path / "disc.jpg"))
    assert set(np.unique(found)) == {0, 255}
    assert ((found > 0) == disc).mean() > 0.995
    Image.fromarray(disc * np.uint8(3)).save(tmp_path / "numbers.jpg", quality=75)
    Image.fromarray(disc * np.uint8(120)).save(tmp_path / "greys.jpg", quality=75)
    for name in ("numbers.jpg", "greys.jpg"):
        with pytest.raises(ValueError, match=rf"without loss, got a JPEG .*{name}"):
            read_mask(tmp_path / name)
    Image.fromarray(disc * np.uint8(0)).save(tmp_path / "empty.jpg")
    assert not np.asarray(read_mask(tmp_path / "empty.jpg")).any()
