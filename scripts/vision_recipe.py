"""Compare recipes for `zoo.vision.finetune` on splits of training parts alone.

Held-out fifths of the training photos of ants and bees and of flowers; this program opens no
validation part. The rows in results/ were recorded with a weaker penalty of the probe (C = .1),
were stopped before the last split, and leave out the trials before them. Cost: about 25 minutes.

    python scripts/vision_recipe.py            # writes results/vision_recipe.csv
"""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass

import pandas as pd
import torch

import zoo
from scripts.record import append
from zoo.core.learner import Learner
from zoo.vision.finetune import start_from_probe
from zoo.vision.sources import everything, split


@dataclass(frozen=True)
class Config:
    """What is tried."""

    lr: float
    ratio: float
    epochs: int
    optimizer: str = "adamw"
    batchnorm: str = "fixed"
    label_smoothing: float = 0.1
    dropout: float = 0.2
    batch_size: int = 16


CONFIGS = (
    Config(3e-4, 10, 4),
    Config(1e-3, 10, 4),
)
SHARES = (0.5, 0.7, 1.0)  # of the fine-tuned weights in a mean with those after the probe


def parts(name: str, seed: int) -> tuple[pd.DataFrame, int]:
    """A table of training photos with a held-out part, and the size to train at."""
    if name == "ants":
        photos, size, n = everything(zoo.data.get("hymenoptera") / "train"), 224, 10**6
    else:
        photos, size, n = split(zoo.data.get("flowers-128"), seed=0).train, 128, 10**6
    rows = torch.randperm(len(photos), generator=torch.Generator().manual_seed(seed))[:n]
    kept = photos.take(rows.tolist())
    names = [kept.classes[label] for label in kept.labels]
    return pd.DataFrame({"path": [str(path) for path in kept.paths], "label": names}), size


def trial(name: str, seed: int, config: Config) -> None:
    """Probe, fine-tune, average; a row for each."""
    table, size = parts(name, seed)
    began = time.perf_counter()
    learn: Learner = zoo.vision.learner(
        "efficientnet_lite0",
        table,
        size=size,
        valid_fraction=0.2,
        batch_size=config.batch_size,
        batchnorm=config.batchnorm,
        optimizer=config.optimizer,
        label_smoothing=config.label_smoothing,
        dropout=config.dropout,
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
            **score(learn),
            seconds=time.perf_counter() - began,
        )


def score(learn: Learner) -> dict[str, float]:
    """Accuracy and loss, without label smoothing."""
    return learn.as_model().evaluate()


def main() -> None:
    """Every configuration on every split."""
    for config in CONFIGS:
        for name, seeds in (("flowers", 1), ("ants", 3)):
            for seed in range(seeds):
                trial(name, seed, config)


if __name__ == "__main__":
    main()
