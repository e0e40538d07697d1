"""Photos of every kind that people keep are read as upright 8-bit RGB."""

from __future__ import annotations

import io
import tracemalloc
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from zoo.vision.data import images
from zoo.vision.data.folders import is_image, walk
from zoo.vision.data.images import (
    FORMATS,
    SUFFIXES,
    CropMode,
    Resize,
    UnreadableImage,
    deepest_white,
    read,
)


def photo(width: int = 60, height: int = 40) -> Image.Image:
    """Smooth colours: red grows to the right, green downwards, blue is constant."""
    x, y = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return Image.fromarray(np.stack([x, y, np.full_like(x, 90)], -1).astype(np.uint8))


def pixels(image: Image.Image) -> np.ndarray:
    assert image.mode == "RGB"
    return np.asarray(image).astype(int)


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "webp", "ppm", "tga"])
def test_lossless_formats_give_the_pixels_back(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    more: dict[str, Any] = {"lossless": True} if suffix == "webp" else {}
    photo().save(path, **more)
    assert (pixels(read(path)) == pixels(photo())).all()


@pytest.mark.parametrize("mode", ["L", "1", "CMYK", "YCbCr", "P", "LAB"])
def test_every_colour_mode_becomes_rgb(tmp_path: Path, mode: str) -> None:
    if mode == "LAB":
        image = Image.new("LAB", (60, 40), (128, 128, 128))
        image.save(tmp_path / "a.tif")
        assert read(tmp_path / "a.tif").mode == "RGB"
        return
    image = photo().convert(mode)
    path = tmp_path / ("a.tif" if mode in {"CMYK", "YCbCr"} else "a.png")
    # Pillow before 13 cannot read the YCbCr that it writes without compression.
    image.save(path, **({"compression": "tiff_lzw"} if mode == "YCbCr" else {}))
    assert np.abs(pixels(read(path)) - pixels(image.convert("RGB"))).max() <= 3


def test_inverted_cmyk_of_adobe_keeps_its_colours(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    Image.new("CMYK", (32, 32), (0, 255, 255, 0)).save(path, quality=95)  # pure red
    assert b"Adobe" in path.read_bytes()[:200]
    assert np.abs(pixels(read(path, Resize(8))) - [255, 0, 0]).max() <= 3


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparent_parts_are_shown_on_white(tmp_path: Path, mode: str) -> None:
    image = photo().convert(mode)
    alpha = Image.new("L", image.size, 255)
    alpha.paste(0, (0, 0, 30, 40))
    image.putalpha(alpha)
    image.save(tmp_path / "a.png")
    result = pixels(read(tmp_path / "a.png"))
    assert (result[:, :30] == 255).all()
    assert (result[:, 30:] == pixels(photo().convert(mode[:-1]).convert("RGB"))[:, 30:]).all()


@pytest.mark.parametrize("transparency", [1, b"\x80\x00\xff"], ids=["index", "bytes"])
def test_a_transparent_palette_is_shown_on_white(tmp_path: Path, transparency: object) -> None:
    image = Image.new("P", (4, 4), 1)
    image.putpalette([0, 0, 0, 255, 0, 0, 0, 0, 255])
    image.putpixel((0, 0), 2)
    image.save(tmp_path / "a.png", transparency=transparency)
    result = pixels(read(tmp_path / "a.png"))
    assert (result[0, 0] == [0, 0, 255]).all()
    assert (result[1:] == 255).all()


def test_sixteen_bits_are_scaled_and_not_clipped(tmp_path: Path) -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16)[None].repeat(4, 0)
    for name in ("a.png", "a.tif"):
        Image.fromarray(ramp).save(tmp_path / name)
        assert (pixels(read(tmp_path / name))[0, :, 0] == np.arange(256)).all()
    Image.fromarray(ramp.astype(np.int32)).save(tmp_path / "i.tif")
    assert (pixels(read(tmp_path / "i.tif"))[0, :, 0] == np.arange(256)).all()


def test_floats_are_scaled_by_their_own_range(tmp_path: Path) -> None:
    ramp = np.linspace(-1, 1, 256, dtype=np.float32)[None].repeat(4, 0)
    Image.fromarray(ramp).save(tmp_path / "f.tif")
    assert (pixels(read(tmp_path / "f.tif"))[0, :, 0] == np.arange(256)).all()


def deep(path: Path, white: int) -> Path:
    """A ramp of 64 greys up to `white`, in 16 bits."""
    ramp = np.linspace(0, white, 64).astype(np.uint16)[None].repeat(64, 0)
    Image.fromarray(ramp).save(path)
    return path


def test_a_scan_of_twelve_bits_is_as_bright_as_its_white_says(tmp_path: Path) -> None:
    path = deep(tmp_path / "a.png", 4095)
    assert deepest_white([path]) == 4095
    shades = pixels(read(path, Resize(64, white=4095)))[0, :, 0]
    assert (shades == np.linspace(0, 255, 64).round()).all()
    with pytest.warns(UserWarning, match=r"at most 12 bits, .* Multiply such photos by 16"):
        assert pixels(read(path)).max() == 16


@pytest.mark.parametrize(
    ("highest", "white"), [(200, 255), (600, 1023), (4000, 4095), (9999, 16383), (65535, 65535)]
)
def test_the_white_of_deep_photos_is_that_of_the_brightest(
    tmp_path: Path, highest: int, white: int
) -> None:
    photos = [deep(tmp_path / f"{i}.png", highest // (i + 1)) for i in range(3)]
    assert deepest_white(photos) == white
    photo().save(tmp_path / "8-bit.png")
    assert deepest_white([*photos, tmp_path / "8-bit.png"]) is None
    assert deepest_white([]) is None


@pytest.mark.parametrize("mode", ["I;16", "RGBA", "LA"])
def test_large_pictures_take_little_more_than_their_pixels(tmp_path: Path, mode: str) -> None:
    side = 2500
    if mode == "I;16":
        deep_image = np.full((side, side), 40_000, np.uint16)
        Image.fromarray(deep_image).save(tmp_path / "a.png")
    else:
        Image.new(mode, (side, side)).save(tmp_path / "a.png")
    tracemalloc.start()
    read(tmp_path / "a.png", Resize(64))
    peak = tracemalloc.get_traced_memory()[1]  # what NumPy takes; Pillow's own is 10 B/px at most
    tracemalloc.stop()
    assert peak < 6 * side * side


@pytest.mark.parametrize("mode", ["squash", "border"])
def test_all_of_a_photo_may_be_shown_in_a_square(tmp_path: Path, mode: CropMode) -> None:
    wide = np.zeros((40, 120, 3), np.uint8)
    wide[:, :40], wide[:, 80:] = (255, 0, 0), (0, 0, 255)
    Image.fromarray(wide).save(tmp_path / "a.png")
    seen = pixels(read(tmp_path / "a.png", Resize(30, mode=mode, fill=(1, 2, 3))))
    assert seen.shape == (30, 30, 3)
    assert (seen[15, 0] == [255, 0, 0]).all()
    assert (seen[15, -1] == [0, 0, 255]).all()
    edge = [255, 0, 0] if mode == "squash" else [1, 2, 3]
    assert (seen[0, 0] == edge).all()
    assert (seen[-1, 0] == edge).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_taken_sideways_stands_upright(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    undo = "FLIP_LEFT_RIGHT ROTATE_180 FLIP_TOP_BOTTOM TRANSPOSE ROTATE_90 TRANSVERSE ROTATE_270"
    turn = None if orientation == 1 else Image.Transpose[undo.split()[orientation - 2]]
    stored = photo(120, 80) if turn is None else photo(120, 80).transpose(turn)
    stored.save(tmp_path / "a.jpg", exif=exif, quality=95, subsampling=0)
    stored.save(tmp_path / "a.png", exif=exif)
    assert (pixels(read(tmp_path / "a.png")) == pixels(photo(120, 80))).all()
    small = read(tmp_path / "a.jpg", Resize(20))
    assert small.size == (30, 20)
    assert (pixels(read(small)) == pixels(small)).all()  # it is turned once
    assert np.abs(pixels(small) - pixels(photo(120, 80).resize((30, 20)))).max() <= 12


@pytest.mark.parametrize("exif", [b"Exif\0\0no metadata", b"Exif\0\0MM\0*\0\0\0\x08\0\x09\x01"])
def test_a_photo_of_broken_metadata_is_read_as_it_lies(tmp_path: Path, exif: bytes) -> None:
    photo(120, 80).save(tmp_path / "a.png", exif=exif)
    assert (pixels(read(tmp_path / "a.png")) == pixels(photo(120, 80))).all()


def test_the_first_frame_of_an_animation_is_read(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    for name in ("a.gif", "a.png", "a.webp"):
        more: dict[str, Any] = {"lossless": True} if name == "a.webp" else {}
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:], **more)
        assert (pixels(read(tmp_path / name)) == [255, 0, 0]).all()


@pytest.mark.parametrize(("width", "height"), [(1000, 600), (601, 1003), (50, 40)])
def test_the_short_side_is_exact_and_the_aspect_kept(width: int, height: int) -> None:
    small = read(photo(width, height), Resize(64))
    assert min(small.size) == 64
    assert max(small.size) == round(64 * max(width, height) / min(width, height))


def test_quick_decoding_looks_like_slow_decoding(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    rng = np.random.default_rng(0)
    rough = Image.fromarray(rng.integers(0, 255, (60, 80, 3), np.uint8))
    rough.resize((1600, 1200), Image.Resampling.BICUBIC).save(path, quality=95)
    for filter_ in ("bilinear", "bicubic", "lanczos"):
        slow = Image.open(path).resize((133, 100), Image.Resampling[filter_.upper()])
        quick = read(path, Resize(100, filter_))
        assert np.abs(pixels(quick) - pixels(slow)).mean() < 2.5


def test_quick_decoding_never_goes_below_twice_the_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes, real = [], images._flat

    def watch(image: Image.Image, white: int) -> Image.Image:
        sizes.append(image.size)
        return real(image, white)

    monkeypatch.setattr(images, "_flat", watch)
    for width in (399, 400, 799, 800, 1600):
        photo(width, width).save(tmp_path / "a.jpg")
        read(tmp_path / "a.jpg", Resize(100))
    assert [min(size) for size in sizes] == [399, 200, 400, 200, 200]


def test_of_a_panorama_the_middle_is_kept() -> None:
    image = photo(1000, 100)
    small = read(image, Resize(50))
    assert small.size == (200, 50)
    red = pixels(small)[0, :, 0]
    assert abs(red[0] - 255 * 0.3) < 3
    assert abs(red[-1] - 255 * 0.7) < 3


@pytest.mark.parametrize("size", [0, 10, 300, -1])
def test_a_truncated_file_is_unreadable(tmp_path: Path, size: int) -> None:
    whole = io.BytesIO()
    photo(200, 200).save(whole, "jpeg")
    path = tmp_path / "broken.jpg"
    path.write_bytes(whole.getvalue()[: size if size >= 0 else len(whole.getvalue()) // 2])
    with pytest.raises(UnreadableImage, match=r"broken\.jpg cannot be read as an image"):
        read(path, Resize(10))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImage, match=r"gone\.jpg.*no such file"):
        read(tmp_path / "gone.jpg")


def test_a_text_under_the_name_of_an_image_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("404 not found")
    with pytest.raises(UnreadableImage, match=r"a\.png .*: no known format"):
        read(tmp_path / "a.png")


@pytest.mark.parametrize("limit", [100, 1500], ids=["error", "warning"])
def test_a_decompression_bomb_is_unreadable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    photo().save(tmp_path / "bomb.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UnreadableImage, match=r"bomb\.png"):
            read(tmp_path / "bomb.png")


POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n%%EOF\n"


def test_no_program_is_started_for_a_photo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gs").write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
    (tmp_path / "gs").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    (tmp_path / "photo.jpg").write_bytes(POSTSCRIPT)
    (tmp_path / "photo").write_bytes(POSTSCRIPT)
    with pytest.raises(UnreadableImage, match=r"photo\.jpg .* no known format"):
        read(tmp_path / "photo.jpg")
    with pytest.raises(UnreadableImage, match="no known format"):
        read(POSTSCRIPT)
    assert not is_image(tmp_path / "photo")
    with Image.open(tmp_path / "photo.jpg") as lazy:
        with pytest.raises(UnreadableImage, match="EPS is none of the formats JPEG, PNG"):
            read(lazy)
        with pytest.raises(UnreadableImage, match="EPS is none"):
            read(lazy, Resize(16))
    assert not (tmp_path / "started").exists()


def test_every_suffix_is_of_a_format_that_is_opened() -> None:
    Image.init()
    formats = {Image.EXTENSION[suffix] for suffix in SUFFIXES if suffix in Image.EXTENSION}
    assert formats <= set(FORMATS)


def test_bytes_and_opened_files_are_read(tmp_path: Path) -> None:
    photo().save(tmp_path / "a.png")
    content = (tmp_path / "a.png").read_bytes()
    for source in (content, io.BytesIO(content)):
        assert (pixels(read(source)) == pixels(photo())).all()


def test_the_image_given_stays_as_it_is() -> None:
    image = photo().convert("RGBA")
    before = image.tobytes()
    read(image, Resize(8))
    assert (image.mode, image.size, image.tobytes()) == ("RGBA", (60, 40), before)


def test_images_are_known_by_suffix_else_by_content(tmp_path: Path) -> None:
    photo().save(tmp_path / "bare", "png")
    (tmp_path / "text").write_text("no image")
    names = {"A.JPG": True, "b.WebP": True, "c.txt": False, "Thumbs.db": False}
    names |= {".DS_Store": False, "._a.jpg": False, "bare": True, "text": False}
    assert {name: is_image(tmp_path / name) for name in names} == names


def test_walking_follows_links_but_in_no_circle(tmp_path: Path) -> None:
    inner, other = tmp_path / "in" / "deep", tmp_path / "other"
    inner.mkdir(parents=True)
    other.mkdir()
    for name in (inner / "b.jpg", inner / ".hidden.jpg", other / "a.jpg"):
        name.touch()
    (tmp_path / "in" / ".git").mkdir()
    (tmp_path / "in" / ".git" / "c.jpg").touch()
    (inner / "circle").symlink_to(tmp_path / "in")
    (tmp_path / "in" / "linked").symlink_to(other)
    found = [path.relative_to(tmp_path).as_posix() for path in walk(tmp_path / "in")]
    assert found == ["in/deep/b.jpg", "in/linked/a.jpg"]
