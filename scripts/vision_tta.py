"""What several looks at a photo, and several snapshots of a network, add to one.

- Ants and bees, 5 seeds, `zoo.vision.finetune("efficientnet_lite0", ...)` with its defaults: with
  test-time augmentation the accuracy is on the mean at most half a point worse.
- flowers-128, the fixed split of `scripts/vision_flowers.py`, 3 seeds: test-time augmentation is
  better than the plain photo. After three short cycles of SGDR the mean prediction of their
  snapshots should beat the last network alone; it does so with one seed of three only.

`plain` is the network's accuracy (of flowers, that after the last cycle), `tta` that with four
augmented views, `crops` that with eight fixed crops, `snapshots` that of the three snapshots,
`snapshots_tta` theirs with views; losses likewise.

    python -m scripts.vision_tta ants          # writes results/vision_tta.csv
    python -m scripts.vision_tta flowers --seeds 3
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any

import zoo
from scripts.lib.photos import few
from scripts.lib.program import Program, program, timed
from scripts.vision_flowers import fixed_split
from zoo.vision.classification.recipe import RATIO, start_from_probe


@dataclass(frozen=True)
class Cycles:
    """The snapshots' training: a network is kept at the end of each cycle."""

    lr: float = 3e-4
    cycles: int = 3
    cycle_len: int = 1
    cycle_mult: int = 1


SEEDS = 5  # of ants; 3 of flowers


def flags(parser: argparse.ArgumentParser) -> None:
    """Which photos."""
    parser.add_argument("data", choices=["ants", "flowers"], nargs="?", default="ants")


def main() -> None:
    """Every seed of a data set."""
    asked = program(__doc__, "vision_tta.csv", seeds=SEEDS, further=flags)
    data = asked.further["data"]
    for seed in asked.seeds:
        with timed() as spent:
            model, row = ants(asked, seed) if data == "ants" else flowers(asked, seed)
        asked.record(data=data, seed=seed, **row, **spent())
        asked.keep(model, seed)


def ants(asked: Program, seed: int) -> tuple[Any, dict[str, Any]]:
    """The model of the whole call, and its photos' scores in several views."""
    photos = zoo.data.get("hymenoptera")
    chosen: dict[str, Any] = {"epochs": 0} if asked.smoke else {}
    data = few(photos) if asked.smoke else photos
    model = zoo.vision.finetune("efficientnet_lite0", data, run=asked.run(seed), **chosen)
    return model, looks(model)


def flowers(asked: Program, seed: int) -> tuple[Any, dict[str, Any]]:
    """The snapshots of cycles after the probe; scores of the last network, then of all."""
    settings = Cycles()
    data = few(fixed_split()) if asked.smoke else fixed_split()
    learn = zoo.vision.learner(data, pretrained="efficientnet_lite0", run=asked.run(seed))
    start_from_probe(learn)
    learn.unfreeze()
    learn.fit_sgdr(
        (settings.lr / RATIO, settings.lr),
        cycles=settings.cycles,
        cycle_len=settings.cycle_len,
        cycle_mult=settings.cycle_mult,
        snapshots=True,
    )
    row = looks(learn.as_model())
    model = learn.as_model(snapshots=settings.cycles)
    together = model.evaluate(tta=True)
    return model, row | {
        "epochs": learn.epoch,
        "snapshots": together["plain accuracy"],
        "snapshots_loss": together["plain loss"],
        "snapshots_tta": together["accuracy"],
    }


def looks(model: Any) -> dict[str, Any]:
    """Scores of the plain photo, of augmented views and of fixed crops."""
    drawn, fixed = model.evaluate(tta=True), model.evaluate(tta="crops")
    return {
        "plain": drawn["plain accuracy"],
        "tta": drawn["accuracy"],
        "crops": fixed["accuracy"],
        "plain_loss": drawn["plain loss"],
        "tta_loss": drawn["loss"],
        "crops_loss": fixed["loss"],
    }


if __name__ == "__main__":
    main()
