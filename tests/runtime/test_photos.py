"""The runtime reads photos, of all kinds, as the library does: it shares no code with it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from zoo_runtime.photos import pixels_of

from zoo.vision.data.augment import centre_crop
from zoo.vision.data.images import Resize, read

RNG = np.random.default_rng(0)
SIZE = 16


def picture(mode: str, width: int = 53, height: int = 31) -> Image.Image:
    if mode == "I;16":
        return Image.fromarray(RNG.integers(0, 65536, (height, width), dtype=np.uint16))
    whole = Image.fromarray(RNG.integers(0, 256, (height, width, 4), dtype=np.uint8), "RGBA")
    return whole.convert(mode) if mode != "RGBA" else whole


def files() -> dict[str, bytes]:
    """Photos by what is unusual about them."""
    turned = Image.Exif()
    turned[0x0112] = 6
    kinds: dict[str, tuple[Image.Image, str, dict[str, Any]]] = {
        name: (picture(name), "PNG", {}) for name in ("RGB", "RGBA", "L", "LA", "1", "P", "I;16")
    }
    kinds["large JPEG"] = (picture("RGB", 400, 300), "JPEG", {})
    kinds["turned JPEG"] = (picture("RGB"), "JPEG", {"exif": turned})
    kinds["CMYK"] = (picture("CMYK"), "TIFF", {})
    kinds["panorama"] = (picture("RGB", 400, 40), "PNG", {})
    found = {}
    for name, (image, form, options) in kinds.items():
        image.save(file := io.BytesIO(), form, **options)
        found[name] = file.getvalue()
    return found


@pytest.mark.parametrize("mode", ["center", "squash", "border"])
def test_the_runtime_sees_the_same_pixels(mode: Any, tmp_path: Path) -> None:
    resize = Resize(SIZE + 4 * (mode == "center"), "bicubic", mode, 65535, (9, 8, 7))
    steps = [["resize", resize._asdict()], ["crop", SIZE]]
    for name, content in files().items():
        expected = centre_crop(np.asarray(read(content, resize)), SIZE)
        assert np.array_equal(pixels_of(content, steps), expected), name
    image = picture("RGB")
    seen = centre_crop(np.asarray(read(image, resize)), SIZE)
    assert np.array_equal(pixels_of(image, steps), seen)
    assert np.array_equal(pixels_of(np.asarray(image), steps), seen)
    with pytest.raises(ValueError, match=r"a photo must be an image file, got '.*none.png'"):
        pixels_of(tmp_path / "none.png", steps)
