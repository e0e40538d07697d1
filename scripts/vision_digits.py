"""Handwritten digits: accuracy on a third of them, 3 seeds; a small example, without a goal.

1,198 digits of UCI's set to train on and 599 to score, the same for every seed, 64 px;
`zoo.vision.finetune("efficientnet_lite0", ...)` with the settings of `zoo quickstart`, which were
set by hand while looking at a split of its own that shares digits with the 599. The first seed's
model is published as `zoo/digits`. Cost: 2 CPU minutes a seed.

    python -m scripts.vision_digits --out digits          # writes results/vision_digits.csv
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import zoo
from scripts.lib.program import Program, program, summary, timed
from zoo.cli.quickstart import EPOCHS, HANDWRITING, LR
from zoo.published.digits import SIDE, write_digits


def trial(asked: Program, seed: int, digits: Path) -> float:
    """One call, scored on the digits held out; a row of results."""
    with timed() as spent:
        model = zoo.vision.finetune(
            "efficientnet_lite0",
            digits,
            size=SIDE,
            batch_size=32,
            epochs=1 if asked.smoke else EPOCHS,
            lr=LR,
            augment=HANDWRITING,
            run=asked.run(seed, cache=digits.with_name("cache")),
        )
    accuracy = model.metrics["accuracy"]
    asked.record(seed=seed, accuracy=accuracy, **spent())
    model.data = "digits"
    asked.keep(model, seed)
    return accuracy


def main() -> None:
    """The seeds."""
    asked = program(__doc__, "vision_digits.csv", seeds=3)
    with tempfile.TemporaryDirectory() as folder:
        digits = Path(folder) / "digits"
        write_digits(digits, 100, 50) if asked.smoke else write_digits(digits)
        found = [trial(asked, seed, digits) for seed in asked.seeds]
    print(summary("accuracy", found, "no goal"))


if __name__ == "__main__":
    main()
