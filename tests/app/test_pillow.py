"""The browser's resampling gives Pillow's pixels, all of them, in Node where that is installed."""

from __future__ import annotations

import json
import shutil
import subprocess
from importlib.resources import files
from typing import Any

import numpy as np
import pytest
from PIL import Image

from zoo.vision.data.augment import centre_crop
from zoo.vision.data.images import Resize, read

CASES: list[tuple[tuple[int, int], Resize, int]] = [
    ((64, 64), Resize(73, "bicubic"), 64),  # enlarged
    ((97, 61), Resize(36, "bilinear"), 32),
    ((53, 311), Resize(24, "bicubic"), 24),  # averaged over blocks first, and cut: a panorama
    ((230, 120), Resize(20, "bilinear", "squash"), 20),
    ((150, 90), Resize(40, "bicubic", "border", fill=(9, 99, 199)), 32),
    ((40, 40), Resize(40), 40),  # as it is
]


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_a_photo_becomes_the_pixels_that_python_sees() -> None:
    draws = np.random.default_rng(0)
    photos = [
        draws.integers(0, 256, (height, width, 3), np.uint8) for (width, height), _, _ in CASES
    ]
    asked: list[Any] = [
        [{"width": width, "height": height, "data": photo.ravel().tolist()}, how.facts(), size]
        for photo, ((width, height), how, size) in zip(photos, CASES, strict=True)
    ]
    code = files("zoo.app").joinpath("static", "pillow.js").read_text(encoding="utf-8")
    code += f"\nconst asked = {json.dumps(asked)};"
    code += "\nfor (const [image] of asked) image.data = Uint8Array.from(image.data);"
    code += "\nconsole.log(JSON.stringify(asked.map((one) => [...seen(...one)])));"
    done = subprocess.run(["node", "-"], input=code, capture_output=True, text=True, check=False)
    assert not done.stderr
    for photo, (_, how, size), said in zip(photos, CASES, json.loads(done.stdout), strict=True):
        expected = centre_crop(np.asarray(read(Image.fromarray(photo), how)), size)
        np.testing.assert_array_equal(np.array(said).reshape(size, size, 3), expected)
