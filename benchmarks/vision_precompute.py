"""The head on precomputed features beside a frozen body on photos: >= 20 x faster an epoch.

Ants and bees, `efficientnet_lite0` at 224 px, five seeds. Both sides start from the same random
head and train it alone for the same epochs at the same rate; one passes augmented photos through
the frozen body at every step, the other sees features of each photo, computed once. Photos are
decoded before anything is timed, validation is not timed. `epoch` and `head_epoch` are the medians
of their epochs, `computing` the seconds that the features took, training and validation part,
`again` those of a second call, which finds them on disk. Both accuracies are of photos.

    python -m benchmarks.vision_precompute     # writes results/vision_precompute.csv
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import zoo
from scripts.lib.record import append
from zoo.core.training.learner import Learner


@dataclass(frozen=True)
class Settings:
    """How both sides train."""

    epochs: int = 4
    lr: float = 2e-3


def main() -> None:
    """Every seed."""
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--seeds", type=int, default=5)
    flags.add_argument("--first", type=int, default=0, help="first seed")
    chosen = flags.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(chosen.first, chosen.first + chosen.seeds):
            place = Path(folder) / str(seed)  # features of one seed are no help to another
            append("vision_precompute.csv", **trial(seed, place, Settings()))


def trial(seed: int, cache: Path, settings: Settings) -> dict[str, Any]:
    """Both sides of one seed, the photos decoded by the first."""
    plain = learner(seed, cache)
    plain.freeze()
    on_photos, epoch = trained(plain, settings)
    learn = learner(seed, cache)
    computing = seconds_of_features(learn)
    on_features, head_epoch = trained(learn, settings)
    return {
        "seed": seed,
        "epochs": settings.epochs,
        "photos": len(learn.data.train),  # type: ignore[arg-type]
        "epoch": epoch,
        "head_epoch": head_epoch,
        "ratio": epoch / head_epoch,
        "computing": computing,
        "again": seconds_of_features(learner(seed, cache)),
        "accuracy_photos": on_photos,
        "accuracy_features": on_features,
    }


def learner(seed: int, cache: Path) -> Learner:
    """For ants and bees."""
    run = zoo.Run(seed=seed, progress=False, cache=cache)
    data = zoo.data.get("hymenoptera")
    return zoo.vision.learner(data, pretrained="efficientnet_lite0", run=run)


def seconds_of_features(learn: Learner) -> float:
    """How long the step to features takes."""
    began = time.perf_counter()
    zoo.vision.on_features(learn)
    return time.perf_counter() - began


def trained(learn: Learner, settings: Settings) -> tuple[float, float]:
    """Accuracy on photos in the end, and seconds of a median epoch of training alone."""
    data = learn.data
    learn.set_data(data._replace(valid=None))
    learn.fit_one_cycle(settings.epochs, settings.lr)
    learn.set_data(data)
    zoo.vision.on_photos(learn)
    seconds = statistics.median(row["seconds"] for row in learn.history.rows)
    return learn.evaluate()["accuracy"], seconds


if __name__ == "__main__":
    main()
