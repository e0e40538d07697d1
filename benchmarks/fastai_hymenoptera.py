"""Ants and bees by fastai: the row beside `scripts/vision_hymenoptera.py`.

fastai 2.8's `vision_learner(...).fine_tune(4)` at 224 px, on the same photos with the same ImageNet
weights of EfficientNet-Lite0, its usual transforms and its own defaults, but for batches of 16
photos as ours (its 64 would leave three steps an epoch). It trains one epoch with the body frozen,
then four; ours takes one pass for the features, then four epochs. Seconds are those of the whole
call, from the files to the score; the photos that it gets wrong are named, so that both models can
be compared photo by photo. `pip install fastai` first; it is no dependency of the project.

Cost: about 2 minutes a seed on two cores.

    python -m benchmarks.fastai_hymenoptera --seed 0    # results/vision_hymenoptera_fastai.csv
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch

import zoo
from benchmarks.by_fastai import on_photos, set_seed, silent
from scripts.lib.record import append
from zoo.vision.models.lite import NAME

SIZE, RESIZE, BATCH_SIZE, EPOCHS = 224, 256, 16, 4


def main() -> None:
    """One seed: accuracy and seconds."""
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--seed", type=int, default=0)
    flags.add_argument("--epochs", type=int, default=EPOCHS, help="unfrozen ones")
    flags.add_argument("--batch-size", type=int, default=BATCH_SIZE)
    flags.add_argument("--smoke", action="store_true", help="64 px, one epoch, no record")
    chosen = flags.parse_args()
    size, resize = (64, 73) if chosen.smoke else (SIZE, RESIZE)
    epochs = 1 if chosen.smoke else chosen.epochs
    folder = zoo.data.get("hymenoptera")
    set_seed(chosen.seed, reproducible=True)
    began = time.perf_counter()
    learn = on_photos(NAME, folder, size=size, resize=resize, batch_size=chosen.batch_size)
    with silent(learn):
        learn.fine_tune(epochs)
        probabilities, targets = learn.get_preds()
    seconds = time.perf_counter() - began
    right = probabilities.argmax(1) == targets
    row = {
        "seed": chosen.seed,
        "epochs": epochs,
        "batch_size": chosen.batch_size,
        "photos": len(targets),
        "accuracy": float(right.float().mean()),
        "seconds": seconds,
        "threads": torch.get_num_threads(),
        "wrong": wrong(learn.dls.valid_ds.items, right),
    }
    print(row) if chosen.smoke else append("vision_hymenoptera_fastai.csv", **row)


def wrong(photos: list[Path], right: torch.Tensor) -> str:
    """File names of the photos that were taken for another class."""
    names = [photo.name for photo, good in zip(photos, right.tolist(), strict=True) if not good]
    return " ".join(sorted(names))


if __name__ == "__main__":
    main()
