"""Five kinds of flowers at growing sizes, 96 to 160 px, with test-time augmentation: >= .79.

The fixed split of `scripts/vision_flowers.py`, three seeds. The steps are those of
`zoo.vision.finetune("efficientnet_lite0", ..., sizes=(96, 128, 160))` with its defaults, taken one
by one so that the gain of each is seen: the linear probe at the first size, the network after each
size (all but the last before the mean with the probe), that mean, and several looks at a photo.
Nothing was chosen by the validation part; the recipe's constants are those of all photo sets.

    python -m scripts.vision_flowers_progressive    # writes results/vision_flowers_progressive.csv
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from typing import Any

import zoo
from scripts.record import append
from scripts.vision_flowers import fixed_split
from zoo.core.learner import Learner
from zoo.vision.recipe import fit_from_probe, shared, start_from_probe


@dataclass(frozen=True)
class Schedule:
    """The sizes, and the epochs that they share."""

    sizes: tuple[int, ...] = (96, 128, 160)
    epochs: int = 4


def main() -> None:
    """Every seed."""
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--seeds", type=int, default=3)
    flags.add_argument("--first", type=int, default=0, help="first seed")
    chosen = flags.parse_args()
    for seed in range(chosen.first, chosen.first + chosen.seeds):
        append("vision_flowers_progressive.csv", **trial(seed, Schedule()))


def trial(seed: int, schedule: Schedule) -> dict[str, Any]:
    """One run, scored after every step."""
    began = time.perf_counter()
    learn = zoo.vision.learner(
        "efficientnet_lite0",
        fixed_split(),
        size=schedule.sizes[0],
        run=zoo.Run(seed=seed, progress=False),
    )
    start_from_probe(learn)
    probe = learn.evaluate()["accuracy"]
    fit_from_probe(learn, schedule.epochs, sizes=schedule.sizes)
    seconds = time.perf_counter() - began
    scores = learn.as_model().evaluate(tta=True)
    return {
        "seed": seed,
        "epochs": schedule.epochs,
        "sizes": " ".join(map(str, schedule.sizes)),
        "photos": len(learn.data.valid),  # type: ignore[arg-type]
        "probe": probe,
        **after_sizes(learn, schedule),
        "mean": scores["plain accuracy"],
        "accuracy": scores["accuracy"],
        "seconds": seconds,
    }


def after_sizes(learn: Learner, schedule: Schedule) -> dict[str, float]:
    """The accuracy after the last epoch of each size."""
    sizes = [size for size, n in shared(schedule.epochs, schedule.sizes) for _ in range(n)]
    rows = zip(sizes, learn.history.rows, strict=True)
    return {f"after_{size}": row["accuracy"] for size, row in rows}


if __name__ == "__main__":
    main()
