"""Photos to measure with: JPEG files, made of an archive's photos or, without it, drawn."""

from __future__ import annotations

import io
import os
import shutil
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from benchmarks.device.room import Room

ARCHIVE: Final = "dogscats-160.zip"
KINDS: Final = ("cat", "dog")


def make_photos(room: Room, n: int, side: int, classes: tuple[str, str] = KINDS) -> Path:
    """A folder of JPEG files: train and valid, in each one folder per class; made once.

    Args:
        room: where, and where the archive may be.
        n: photos in all.
        side: pixels of the short side.
        classes: names of the folders.
    """
    folder = room.at.work / f"photos-{n}-{side}-{classes[0]}"
    marker = folder / "complete"
    if marker.exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    archive = room.at.archive(ARCHIVE)
    originals = None if archive is None else Originals(archive)
    sides = (round(side * 4 / 3), side)

    def make(i: int) -> None:
        part = "valid" if i % 5 == 4 else "train"
        rng = np.random.default_rng(i)
        photo = drawn(rng, i % 2) if originals is None else originals.photo(rng, KINDS[i % 2])
        place = folder / part / classes[i % 2] / f"{i:05}.jpg"
        place.parent.mkdir(parents=True, exist_ok=True)
        photo.resize(sides, Image.Resampling.BILINEAR).save(place, quality=90)

    with ThreadPoolExecutor(min(os.cpu_count() or 1, 16)) as pool:
        list(pool.map(make, range(n)))
    marker.write_text(time.strftime("%F %T"))
    return folder


class Originals:
    """The photos of an archive, each to be cut in many ways."""

    def __init__(self, archive: Path) -> None:
        with zipfile.ZipFile(archive) as members:
            names = [name for name in members.namelist() if name.endswith(".jpg")]
            self.files = {
                label: [members.read(name) for name in names if label in name.split("/")[-2]]
                for label in KINDS
            }

    def photo(self, rng: np.random.Generator, label: str) -> Image.Image:
        """A part of a photo of a class."""
        files = self.files[label]
        photo = Image.open(io.BytesIO(files[rng.integers(len(files))])).convert("RGB")
        left, top = (int(rng.integers(1 + side // 5)) for side in photo.size)
        right, below = (side - int(rng.integers(1 + side // 5)) for side in photo.size)
        return photo.crop((left, top, right, below))


def drawn(rng: np.random.Generator, label: int) -> Image.Image:
    """Coarse clouds beside fine grain, redder in one class."""
    coarse = Image.fromarray(rng.integers(0, 255, (6, 8, 3), dtype=np.uint8))
    pixels = np.asarray(coarse.resize((160, 120), Image.Resampling.BICUBIC)).astype(np.float32)
    pixels += rng.normal(0, 12, pixels.shape)
    pixels[..., 0] += 60 * label
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
