"""Compare recipes for `zoo.vision.finetune` on splits of training parts alone.

A fifth of the training photos of ants and bees, of dogs and cats and of flowers is held out, by
seed; this program opens no validation part. Every trial is scored at several points between the
probe and the last weights. Rows without a size are of an earlier probe (weaker penalty, no mirrored
photos), were stopped before the last split, and leave out the trials before them. Cost: 38
seconds (ants) to 4 minutes (flowers) a trial on two idle cores.

    python -m scripts.searches.vision_recipe flowers --seeds 2 --label-smoothing 0
"""

from __future__ import annotations

import argparse
import copy
from dataclasses import dataclass, replace

import pandas as pd
import torch

import zoo
from scripts.lib.photos import few
from scripts.lib.program import Program, knobs, program, timed
from zoo.core.training.learner import Learner
from zoo.vision.classification.recipe import set_size, shared, start_from_probe
from zoo.vision.data.sources import everything, split


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
    sizes: str = ""  # growing ones, "96 128 160"; else all epochs at `size`


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


def trial(asked: Program, name: str, seed: int, config: Config) -> None:
    """Probe, fine-tune, average; a row for each."""
    sizes = [int(size) for size in config.sizes.split()] or [config.size]
    stages = [(size, n) for size, n in shared(config.epochs, sizes) if n]
    with timed() as spent:
        learn: Learner = zoo.vision.learner(
            few(photos(name)) if asked.smoke else photos(name),
            pretrained="efficientnet_lite0",
            size=stages[0][0],
            valid_fraction=0.2,
            batch_size=config.batch_size,
            label_smoothing=config.label_smoothing,
            weight_decay=config.weight_decay,
            augment=config.augment,  # type: ignore[arg-type]
            run=asked.run(seed),
        )
        start_from_probe(learn)
        first = copy.deepcopy(learn.model.state_dict())
        probe = score(learn)
        valid = learn.data.valid
        learn.set_data(learn.data._replace(valid=None))
        for size, epochs in stages:
            if size != learn.data.spec.size:
                learn.set_data(learn.data._replace(valid=valid))
                set_size(learn, size)
                valid = learn.data.valid
                learn.set_data(learn.data._replace(valid=None))
            learn.fit_one_cycle(epochs, (config.lr / config.ratio, config.lr), pct_start=0.3)
        learn.set_data(learn.data._replace(valid=valid))
        last = copy.deepcopy(learn.model.state_dict())
        for share in SHARES:
            mean = {k: torch.lerp(first[k].float(), last[k].float(), share) for k in last}
            learn.model.load_state_dict(mean)
            asked.record(
                data=name,
                **vars(config),
                share=share,
                seed=seed,
                probe=probe["accuracy"],
                probe_loss=probe["loss"],
                **score(learn),
                seconds=spent()["seconds"],
            )
    asked.keep(learn, seed)


def score(learn: Learner) -> dict[str, float]:
    """Accuracy and loss, without label smoothing."""
    return learn.as_model().evaluate()


def flags(parser: argparse.ArgumentParser) -> None:
    """The photos and the configuration."""
    parser.add_argument("data", choices=["ants", "dogs", "flowers"], nargs="?", default="ants")
    knobs(parser, Config())


def main() -> None:
    """One configuration on several splits."""
    asked = program(__doc__, "vision_recipe.csv", seeds=1, further=flags)
    config = asked.chosen(Config)
    if asked.smoke:
        config = replace(config, epochs=1)
    for seed in asked.seeds:
        trial(asked, asked.further["data"], seed, config)


if __name__ == "__main__":
    main()
