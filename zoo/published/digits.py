"""Handwritten digits that scikit-learn carries, as photos: 1,797 of 8 x 8 pixels, enlarged.

They are the test part of UCI's Optical Recognition of Handwritten Digits (Alpaydin & Kaynak 1998),
CC BY 4.0. A third is held out, the same for every seed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

DATA = {
    "name": "digits",
    "title": "handwritten digits of UCI, 1,797 of them as scikit-learn carries them",
    "licence": "CC BY 4.0",
    "citation": "Alpaydin & Kaynak 1998, Optical Recognition of Handwritten Digits, UCI",
    "address": "https://archive.ics.uci.edu/dataset/80/optical+recognition+of+handwritten+digits",
}
SIDE = 64  # pixels
N_TRAIN, N_TEST = 1198, 599


def score(model: Any) -> dict[str, float]:
    """Accuracy on the third that is held out."""
    with tempfile.TemporaryDirectory() as folder:
        found = model.evaluate(write_digits(Path(folder), parts=["valid"]) / "valid")
    return {"accuracy": found["accuracy"]}


def write_digits(
    folder: Path,
    n_train: int = N_TRAIN,
    n_valid: int = N_TEST,
    parts: Collection[str] = ("train", "valid"),
) -> Path:
    """The digits as PNG files, one folder per class, within train and valid or one of them.

    Smaller parts are drawn from the whole ones, so that a model which was trained on the one has
    seen nothing of the other, whatever their sizes.
    """
    digits = load_digits()
    rows = np.arange(len(digits.target))
    whole = train_test_split(rows, stratify=digits.target, random_state=0, test_size=N_TEST)
    for part, drawn, n in zip(("train", "valid"), whole, (n_train, n_valid), strict=True):
        if n < len(drawn):
            labels = digits.target[drawn]
            drawn, _ = train_test_split(drawn, stratify=labels, random_state=0, train_size=n)
        for row in drawn if part in parts else ():
            pixels = 255 - np.rint(digits.images[row] * (255 / 16)).astype(np.uint8)
            place = folder / part / str(digits.target[row])
            place.mkdir(parents=True, exist_ok=True)
            image = Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
            image.save(place / f"{row:04}.png")
    return folder
