"""CamVid 240 x 180, every pixel of a street scene: accuracy without void >= .88.

367 scenes to train on, 101 to validate on, eleven classes and void (label 11), which counts for
nothing. `zoo.vision.segmentation.finetune("efficientnet_lite0", ...)` with its defaults but for
fewer epochs and smaller batches, since it is run on a CPU; nothing was chosen on the validation
part, and the test part is not opened. The picture shows five scenes of the validation part, evenly
spaced, the true masks and the predicted ones.

    python -m scripts.vision_camvid            # writes results/vision_camvid.csv and .png
    python -m scripts.vision_camvid --out run  # goes on where a killed run with that folder stopped
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

import zoo
from scripts.lib.program import Program, program, timed
from scripts.lib.record import RESULTS
from zoo.vision.inspect import figures

CLASSES = (
    *("sky", "building", "pole", "road", "pavement", "tree"),
    *("sign", "fence", "car", "pedestrian", "bicyclist"),
)  # of the masks' numbers 0 to 10
VOID = 11
TARGET = 0.88
EPOCHS = 4  # after one with the body frozen
BATCH_SIZE = 4
FEW = 4  # scenes, to show that the program runs


def trial(asked: Program, epochs: int, seed: int) -> None:
    """Train, score, record, draw."""
    root = zoo.data.get("camvid-240x180")
    train, valid = (pairs(root, part, asked.smoke) for part in ("train", "val"))
    with timed() as spent:
        model = zoo.vision.segmentation.finetune(
            "efficientnet_lite0",
            train,
            valid=valid,
            classes=CLASSES,
            ignore=VOID,
            epochs=1 if asked.smoke else epochs,
            batch_size=BATCH_SIZE,
            run=asked.run(seed, state=asked.out and asked.own(asked.out, seed)),
        )
    asked.record(
        model="efficientnet_lite0",
        seed=seed,
        epochs=model.training["epochs"],
        pixel_accuracy=model.metrics["accuracy"],
        iou=model.metrics["iou"],
        loss=model.metrics["loss"],
        target=TARGET,
        **spent(),
    )
    if not asked.smoke:
        draw(model, root)


def pairs(root: Path, part: str, few: bool) -> pd.DataFrame:
    """Scenes of a part and their masks."""
    scenes = sorted((root / part).iterdir())[: FEW if few else None]
    masks = [root / f"{part}annot" / f"{scene.stem}.png" for scene in scenes]
    return pd.DataFrame({"photo": scenes, "mask": masks}).astype(str)


def draw(model: zoo.vision.PhotoSegmenter, root: Path) -> None:
    """Five scenes, evenly spaced."""
    scenes = sorted((root / "val").iterdir())
    rows = []
    for i in np.linspace(0, len(scenes) - 1, 5).astype(int):
        truth = np.asarray(Image.open(root / "valannot" / f"{scenes[i].stem}.png"))
        rows.append((np.asarray(Image.open(scenes[i])), truth, model.predict(scenes[i])))
    score = f"pixel accuracy {model.metrics['accuracy']:.3f}, mean IoU {model.metrics['iou']:.3f}"
    figures.save(figures.masks(rows, score), RESULTS / "vision_camvid.png")


def flags(parser: argparse.ArgumentParser) -> None:
    """The epochs."""
    parser.add_argument("--epochs", type=int, default=EPOCHS)


def main() -> None:
    """One seed, or several."""
    asked = program(__doc__, "vision_camvid.csv", seeds=1, further=flags)
    for seed in asked.seeds:
        trial(asked, asked.further["epochs"], seed)


if __name__ == "__main__":
    main()
