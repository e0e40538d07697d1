"""Compare recipes for `zoo.tabular.train` on splits of Adult's training file alone.

A fifth of the 32,561 rows is held out by the seed; the official test file is never opened here.
Cost: 2 to 21 seconds (mlp), 19 to 55 (tabm) a trial on one core.

    python -m scripts.searches.tabular_recipe --seeds 3 --model tabm --k 8
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import zoo
import zoo.tabular
from scripts.lib.program import Program, knobs, program, timed
from zoo.published.adult import TARGET, official


@dataclass(frozen=True)
class Config:
    """What is tried; the network's settings are its defaults where they are -1 or empty."""

    model: str = "mlp"
    epochs: int = 10
    lr: float = 3e-3
    batch_size: int = 256
    weight_decay: float = 0.1
    layers: str = ""
    dropout: float = -1.0
    embedding_dropout: float = -1.0
    bins: int = -1
    d_number: int = -1
    k: int = -1
    join: str = ""


def trial(asked: Program, seed: int, config: Config) -> None:
    """Train on four fifths, score on one fifth; a row."""
    chosen = {n: v for n, v in vars(config).items() if v not in (-1, "")}
    if config.layers:
        chosen["layers"] = [int(width) for width in config.layers.split("-")]
    frame = official("train")
    if asked.smoke:
        frame, chosen["epochs"] = frame.head(2000), 1
    with timed() as spent:
        model = zoo.tabular.train(frame, TARGET, run=asked.run(seed), **chosen)
    network = model.members[0].settings
    used = {name: network[name] for name in vars(config) if name in network}  # type: ignore[literal-required]
    used["layers"] = "-".join(map(str, used["layers"]))
    tried = {**vars(config), **used}
    asked.record(**tried, seed=seed, **model.metrics, **spent())
    asked.keep(model, seed)


def main() -> None:
    """One configuration on several splits."""
    settings = partial(knobs, usual=Config())
    asked = program(__doc__, "tabular_recipe.csv", seeds=3, further=settings)
    for seed in asked.seeds:
        trial(asked, seed, asked.chosen(Config))


if __name__ == "__main__":
    main()
