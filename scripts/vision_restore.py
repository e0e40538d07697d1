"""Restoration on flowers-128: PSNR above bicubic enlargement by 1 dB, SSIM above too.

Each photo is halved and compressed as JPEG of quality 10; the U-Net gets it back at full size, by
bicubic enlargement, which is the yardstick. The photos are those of `scripts/vision_flowers.py`:
validated on a fifth of every kind, drawn once by seed 0. Pixel loss and perceptual loss as
`zoo.vision.restoration.finetune` has them. The first row's two epochs were made four after its
score was seen; nothing else was chosen on the validation part. The picture shows four photos:
degraded and enlarged, restored, true.

PSNR is the mean of the photos' own. The rows of `psnr_of` "all pixels" were recorded when it still
was that of the mean squared error of all photos together, which is lower; the bicubic yardstick of
a row is always taken as its score is.

    python -m scripts.vision_restore           # writes results/vision_restore.csv and .png
    python -m scripts.vision_restore --out run # goes on where a killed run with that folder stopped
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import torch

import zoo
from scripts.lib.program import Program, program, timed
from scripts.lib.record import RESULTS
from zoo.vision.data.cache import file_hash
from zoo.vision.data.listings import Listing
from zoo.vision.data.sources import split
from zoo.vision.inspect import figures
from zoo.vision.inspect.figures import Shown
from zoo.vision.restoration.spec import task_of

EPOCHS = 4
GAIN = 1.0  # dB
FEW = 8  # photos, to show that the program runs


def trial(asked: Program, epochs: int, seed: int, perceptual: float) -> None:
    """Train, score beside bicubic, record, draw."""
    parts = split(zoo.data.get("flowers-128"), seed=0)
    n = FEW if asked.smoke else None
    with timed() as spent:
        model = zoo.vision.restoration.finetune(
            "efficientnet_lite0",
            parts.train.paths[:n],
            valid=without_copies(parts)[:n],
            epochs=1 if asked.smoke else epochs,
            perceptual=perceptual,
            run=asked.run(seed, state=asked.out and asked.own(asked.out, seed)),
        )
    bicubic = score_of_bicubic(model)
    asked.record(
        model="efficientnet_lite0",
        seed=seed,
        epochs=model.training["epochs"],
        perceptual=perceptual,
        photos=len(model.learner().data.valid),
        psnr=model.metrics["psnr"],
        ssim=model.metrics["ssim"],
        bicubic_psnr=bicubic["psnr"],
        bicubic_ssim=bicubic["ssim"],
        target_psnr=bicubic["psnr"] + GAIN,
        psnr_of="photos",
        **spent(),
    )
    if not asked.smoke:
        draw(model)


def without_copies(parts: Listing) -> list[Path]:
    """The photos to validate on that are no copies of those to train on: six of 864 are."""
    known = set(map(file_hash, parts.train.paths))
    return [path for path in parts.valid.paths if file_hash(path) not in known]


def score_of_bicubic(model: zoo.vision.PhotoRestorer) -> dict[str, float]:
    """PSNR and SSIM of what the network is given."""
    metrics: Any = task_of().metrics()
    for x, target in seen(model):
        for metric in metrics.values():
            metric.update(x, target)
    return {name: float(metric.compute()) for name, metric in metrics.items()}


def seen(model: zoo.vision.PhotoRestorer) -> Any:
    """Degraded and true photos of the validation part, both in 0..1."""
    network, data = model.members[0], model.learner().data.valid
    assert data is not None
    for batch in data.epoch(0):
        yield (batch.inputs[0] * network.std + network.mean).clamp(0, 1), batch.target


def draw(model: zoo.vision.PhotoRestorer) -> None:
    """Four photos, evenly spaced."""
    given, true = (torch.cat(side) for side in zip(*seen(model), strict=True))
    chosen = np.linspace(0, len(given) - 1, 4).astype(int)
    valid = model.learner().data.valid
    assert valid is not None
    restored = model.learner().predict(valid)
    shown = []
    for i in chosen:
        row = ((given[i], "halved, JPEG 10, bicubic"), (restored[i], "restored"), (true[i], "true"))
        shown += [Shown(photo.permute(1, 2, 0).cpu().numpy(), text) for photo, text in row]
    figures.save(figures.grid(shown), RESULTS / "vision_restore.png")


def flags(parser: argparse.ArgumentParser) -> None:
    """The epochs, and how much the perceptual loss weighs."""
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--perceptual", type=float, default=0.01)


def main() -> None:
    """One seed, or several."""
    asked = program(__doc__, "vision_restore.csv", seeds=1, further=flags)
    for seed in asked.seeds:
        trial(asked, asked.further["epochs"], seed, asked.further["perceptual"])


if __name__ == "__main__":
    main()
