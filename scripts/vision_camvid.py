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
import time
from pathlib import Path

import numpy as np
from PIL import Image

import zoo
from scripts.record import RESULTS, append
from zoo.vision import figures

CLASSES = (
    *("sky", "building", "pole", "road", "pavement", "tree"),
    *("sign", "fence", "car", "pedestrian", "bicyclist"),
)
VOID = 11
TARGET = 0.88
EPOCHS = 4  # after one with the body frozen
BATCH_SIZE = 4


def trial(epochs: int, seed: int, device: str, out: str | None) -> None:
    """Train, score, record, draw."""
    root = zoo.data.get("camvid-240x180")
    began, cpu = time.perf_counter(), time.process_time()
    model = zoo.vision.segmentation.finetune(
        "efficientnet_lite0",
        root / "train",
        root / "trainannot",
        valid=(root / "val", root / "valannot"),
        classes=CLASSES,
        ignore=VOID,
        epochs=epochs,
        batch_size=BATCH_SIZE,
        run=zoo.Run(seed=seed, device=device, out=out, resume=out is not None),
    )
    append(
        "vision_camvid.csv",
        model="efficientnet_lite0",
        seed=seed,
        epochs=model.training["epochs"],
        pixel_accuracy=model.metrics["accuracy"],
        iou=model.metrics["iou"],
        loss=model.metrics["loss"],
        target=TARGET,
        seconds=time.perf_counter() - began,
        cpu_seconds=time.process_time() - cpu,
    )
    draw(model, root)


def draw(model: zoo.vision.PhotoSegmenter, root: Path) -> None:
    """Five scenes, evenly spaced."""
    scenes = sorted((root / "val").iterdir())
    rows = []
    for i in np.linspace(0, len(scenes) - 1, 5).astype(int):
        truth = np.asarray(Image.open(root / "valannot" / f"{scenes[i].stem}.png"))
        rows.append((np.asarray(Image.open(scenes[i])), truth, model.predict(scenes[i])))
    score = f"pixel accuracy {model.metrics['accuracy']:.3f}, mean IoU {model.metrics['iou']:.3f}"
    figures.save(figures.masks(rows, score), RESULTS / "vision_camvid.png")


def main() -> None:
    """One seed, or several."""
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--epochs", type=int, default=EPOCHS)
    flags.add_argument("--seed", type=int, default=0)
    flags.add_argument("--device", default="auto")
    flags.add_argument("--out", help="folder of the training state")
    chosen = flags.parse_args()
    trial(chosen.epochs, chosen.seed, chosen.device, chosen.out)


if __name__ == "__main__":
    main()
