"""Compare recipes for `zoo.vision.finetune` on splits of training parts alone.

A fifth of the training photos of ants and bees, of dogs and cats and of flowers is held out, by
seed; this program opens no validation part. Every trial is scored at several points between the
probe and the last weights. Rows without a size are of an earlier probe (weaker penalty, no mirrored
photos), were stopped before the last split, and leave out the trials before them. Cost: 1 minute
(ants) to 4 minutes (flowers) a trial on two idle cores.

    python scripts/vision_recipe.py flowers --seeds 2 --label-smoothing 0
"""

from __future__ import annotations

import argparse
import copy
import time
from dataclasses import dataclass, fields
from typing import Any

import pandas as pd
import torch

import zoo
from scripts.record import append
from zoo.core.learner import Learner
from zoo.vision.recipe import start_from_probe
from zoo.vision.sources import everything, split


@dataclass(frozen=True)
class Config:
    """What is tried."""

    size: int = 224
    lr: float = 3e-4
    ratio: float = 10.0
    epochs: int = 4
    label_smoothing: float = 0.1
    weight_decay: float = 0.01
    batch_size: int = 16
    augment: str = "side_on"


SHARES = (0.3, 0.5, 0.7, 0.85, 1.0)  # of the fine-tuned weights, the others after the probe


def photos(name: str) -> pd.DataFrame:
    """A table of the training photos of a data set."""
    if name == "flowers":
        found = split(zoo.data.get("flowers-128"), seed=0).train
    else:
        found = everything(
            zoo.data.get({"ants": "hymenoptera", "dogs": "dogscats-160"}[name]) / "train"
        )
    names = [found.classes[label] for label in found.labels]
    return pd.DataFrame({"path": [str(path) for path in found.paths], "label": names})


def trial(name: str, seed: int, config: Config) -> None:
    """Probe, fine-tune, average; a row for each."""
    began = time.perf_counter()
    learn: Learner = zoo.vision.learner(
        "efficientnet_lite0",
        photos(name),
        size=config.size,
        valid_fraction=0.2,
        batch_size=config.batch_size,
        label_smoothing=config.label_smoothing,
        weight_decay=config.weight_decay,
        augment=config.augment,  # type: ignore[arg-type]
        run=zoo.Run(seed=seed, progress=False),
    )
    start_from_probe(learn)
    first = copy.deepcopy(learn.model.state_dict())
    probe = score(learn)
    valid = learn.data.valid
    learn.set_data(learn.data._replace(valid=None))
    learn.fit_one_cycle(config.epochs, (config.lr / config.ratio, config.lr), pct_start=0.3)
    learn.set_data(learn.data._replace(valid=valid))
    last = copy.deepcopy(learn.model.state_dict())
    for share in SHARES:
        mean = {k: torch.lerp(first[k].float(), last[k].float(), share) for k in last}
        learn.model.load_state_dict(mean)
        append(
            "vision_recipe.csv",
            data=name,
            **vars(config),
            share=share,
            seed=seed,
            probe=probe["accuracy"],
            probe_loss=probe["loss"],
            **score(learn),
            seconds=time.perf_counter() - began,
        )


def score(learn: Learner) -> dict[str, float]:
    """Accuracy and loss, without label smoothing."""
    return learn.as_model().evaluate()


def main() -> None:
    """One configuration on several splits."""
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    flags.add_argument("data", choices=["ants", "dogs", "flowers"])
    flags.add_argument("--seeds", type=int, default=1)
    flags.add_argument("--first", type=int, default=0, help="first seed")
    for field in fields(Config):
        name = f"--{field.name.replace('_', '-')}"
        flags.add_argument(name, type=type(field.default), default=field.default)
    chosen: dict[str, Any] = vars(flags.parse_args())
    data, first, seeds = (chosen.pop(name) for name in ("data", "first", "seeds"))
    for seed in range(first, first + seeds):
        trial(data, seed, Config(**chosen))


if __name__ == "__main__":
    main()
