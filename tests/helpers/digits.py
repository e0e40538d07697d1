"""Real pictures for tests: handwritten digits that scikit-learn carries, as PNG files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

NAMES = ("three", "seven")


def write_photos(folder: Path, *, n_train: int, n_valid: int, side: int = 48) -> Path:
    """Threes and sevens, a folder a class within train and valid, files 0.png, 1.png ..."""
    digits = load_digits()
    for name, digit in zip(NAMES, (3, 7), strict=True):
        rows = np.flatnonzero(digits.target == digit)
        parts = {"train": rows[:n_train], "valid": rows[n_train : n_train + n_valid]}
        for part, chosen in parts.items():
            place = folder / part / name
            place.mkdir(parents=True, exist_ok=True)
            for number, row in enumerate(chosen):
                pixels = 255 - np.rint(digits.images[row] * (255 / 16)).astype(np.uint8)
                image = Image.fromarray(pixels).resize((side, side), Image.Resampling.BICUBIC)
                image.save(place / f"{number}.png")
    return folder
