"""A small trained model of each domain as an artifact, and what it predicts: for trips to a hub."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import zoo
from tests.collab import small as collab
from tests.helpers.device import run_here
from tests.helpers.digits import write_photos
from tests.tabular import small as tabular
from tests.text import small as text


def _vision(folder: Path) -> Any:
    return zoo.vision.train(
        write_photos(folder / "digits", n_train=8, n_valid=4, side=32),
        model="timm/test_efficientnet",
        epochs=1,
        size=32,
        rivals=False,
        run=run_here(cache=folder / "cache"),
    )


MAKERS: dict[str, Callable[[Path], Any]] = {
    "vision": _vision,
    "text": lambda folder: text.finetune(text.train_lm(epochs=1), text.reviews(40), epochs=1),
    "tabular": lambda folder: tabular.train(epochs=1),
    "collab": lambda folder: collab.train(epochs=1),
}


def make(domain: str, folder: Path) -> Path:
    """The artifact of a model that has hardly been trained."""
    model = MAKERS[domain](folder / "work")
    saved: Path = model.save(folder / domain)
    return saved


def said(model: Any) -> list[Any]:
    """What a model says of the same few inputs."""
    rng = np.random.default_rng(0)
    if model.domain == "vision":
        photos = [rng.integers(0, 256, (32, 32, 3), dtype=np.uint8) for _ in range(2)]
        return [one.probabilities for one in model.predict(photos)]
    if model.domain == "text":
        return [one.probabilities for one in model.predict(list(text.reviews(4)["review"]))]
    if model.domain == "tabular":
        return list(model.predict(tabular.table(8)))
    return list(model.predict(*collab.ratings()[["user", "item"]].head(8).T.to_numpy()))
