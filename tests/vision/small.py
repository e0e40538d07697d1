"""Small pictures, quick training: what the tests of the vision verbs share."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from PIL import Image

import zoo
from tests.helpers.device import run_here
from tests.helpers.digits import NAMES
from zoo.core.training.learner import Learner

if TYPE_CHECKING:
    from zoo.vision.classification.model import PhotoModel

NAME = "efficientnet_lite0"
TINY = "timm/test_efficientnet"  # a tenth of a million parameters
CLASSES = tuple(sorted(NAMES))
RUN = run_here(precision="fp32", threads=2)


def train_tiny(photos: Path, seed: int = 0) -> PhotoModel:
    """A tiny network that tells the digits apart."""
    return zoo.vision.train(
        photos,
        model=TINY,
        size=32,
        epochs=6,
        batchnorm="live",
        augment="none",
        rivals=False,
        run=replace(RUN, seed=seed),
    )


def of_other_classes(place: Path) -> Path:
    """A tiny network of three classes of noise, saved: to be fine-tuned in a moment."""
    rng = np.random.default_rng(0)
    for name in "abc":
        (place / "noise" / name).mkdir(parents=True)
        for i in range(4):
            pixels = rng.integers(0, 256, (40, 40, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(place / "noise" / name / f"{i}.png")
    run = here(cache=place / "cache")
    model = zoo.vision.train(place / "noise", model=TINY, size=32, epochs=1, rivals=False, run=run)
    return model.save(place / "abc")


def here(**more: Any) -> zoo.Run:
    return run_here(**{"threads": 1, **more})


def finetune(data: Any, pretrained: Any = NAME, **more: Any) -> PhotoModel:
    settings = {"size": 32, "epochs": 1, "run": here(), "rivals": False, **more}
    return zoo.vision.finetune(pretrained, data, **settings)


def learner(data: Any, **more: Any) -> Learner:
    return zoo.vision.learner(data, **{"pretrained": NAME, "size": 32, "run": here(), **more})


def weights(model: PhotoModel) -> dict[str, torch.Tensor]:
    return {name: t.cpu().clone() for name, t in model.members[0].state_dict().items()}


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


class Digits(torch.utils.data.Dataset):
    """A data set of a user's own: Pillow images and numbers."""

    classes = CLASSES

    def __init__(self, folder: Path) -> None:
        self.pairs = [(p, CLASSES.index(p.parent.name)) for p in sorted(folder.rglob("*.png"))]

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, i: int) -> tuple[Image.Image, int]:
        return Image.open(self.pairs[i][0]).convert("RGB"), self.pairs[i][1]


def table(photos: Path, **columns: Any) -> pd.DataFrame:
    paths = sorted(photos.rglob("*.png"))
    frame = {
        "photo": [str(path) for path in paths],
        "digit": [path.parent.name for path in paths],
        "valid": [path.parts[-3] == "valid" for path in paths],
    }
    return pd.DataFrame({**frame, **columns})


def only(photos: Path, tmp: Path, *names: str) -> Path:
    for name in names:
        (tmp / "some" / name).mkdir(parents=True)
        for path in (photos / "train" / NAMES[0]).iterdir():
            (tmp / "some" / name / path.name).symlink_to(path)
    return tmp / "some"
