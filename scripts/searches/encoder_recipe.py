"""How far to fine-tune an encoder of texts: the probe, the last weights, and points between.

Texts with a few labels per class, or in all, are drawn from the training part of the arena's
reader, and 400 others of the same part are scored; no test part is opened. A row holds accuracy
and log loss of the linear probe; of all layers that were trained, with the head that was trained
with them (`head`); and of the head that is fitted anew to their vectors (`last`), with its weights
and the encoder's at several shares from the probe's. It is what the constants of
`zoo.text.classification.encoder_recipe` were compared by.

Cost in CPU minutes: a quarter for 16 texts, one for 128, two for 1,000.

    python -m scripts.searches.encoder_recipe --sets sst2 snips --sizes 8 64
    python -m scripts.searches.encoder_recipe --lr 3e-4 --contrast 0 --seeds 1
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

import zoo
import zoo.text
from benchmarks.arena.sets import texts
from scripts.lib.program import Program, knobs, program, some_of, timed
from scripts.text_encoders import PER_CLASS, SETS
from zoo.core.training.from_probe import train_all
from zoo.core.training.shares import SHARES, go_between, weights_of
from zoo.core.trust.contest import scores
from zoo.core.trust.rivals import targets_of
from zoo.text.classification.encoder_recipe import FROZEN, LR, START, usual_epochs

SIZES: Final = ("8", "64", "1000")
HELD: Final = 400
DRAWN: Final = 100  # added to the seed of the draw


@dataclass(frozen=True)
class Config:
    """What is tried; 0 epochs are as many as the recipe takes."""

    pretrained: str = "minilm"
    lr: float = LR
    epochs: int = 0
    frozen: int = FROZEN
    contrast: float = 1.0


def parts(name: str, size: int, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Texts to learn from and others, of the training part; copies of the first are left out."""
    whole = texts.WHOLE[name](0)[0].drop_duplicates("text")
    shuffled = whole.sample(frac=1, random_state=DRAWN + seed)
    few = shuffled.groupby("label").head(size) if size in PER_CLASS else shuffled.head(size)
    others = shuffled.drop(few.index)
    return few.reset_index(drop=True), others.head(HELD).reset_index(drop=True)


def trial(asked: Program, name: str, size: int, seed: int, config: Config) -> None:
    """Train, and score every point on the way."""
    few, others = parts(name, size, seed)
    learn = zoo.text.learner(
        few,
        pretrained=config.pretrained,
        text="text",
        label="label",
        valid=others[others["label"].isin(few["label"])],
        contrast=config.contrast,
        run=asked.run(seed),
    )
    valid: Any = learn.data.valid
    target, found = targets_of(valid), {}

    def note(point: str) -> None:
        said = scores(learn.task, learn.predict(valid), target)
        found[point], found[f"{point}_loss"] = said["accuracy"], said["loss"]

    with timed() as spent:
        START.apply(learn)
        note("probe")
        first, penalty = weights_of(learn.model), START.penalty(learn)
        epochs = config.epochs or usual_epochs(learn.data.train.steps(0))
        train_all(learn, epochs, config.lr, 1.0, config.frozen)
        note("head")
        START.fit_head(learn, penalty)
        last = weights_of(learn.model)
        for share in SHARES[1:]:
            go_between(learn.model, first, last, share)
            note("last" if share == 1 else f"share_{share:g}")
    facts = {"set": name, "size": size, "seed": seed, "n": len(few)}
    asked.record(**facts, **vars(config) | {"epochs": epochs}, **found, **spent())


def flags(parser: argparse.ArgumentParser) -> None:
    """Flags of the program's own."""
    some_of(parser, "--sets", SETS)
    some_of(parser, "--sizes", SIZES)
    knobs(parser, Config())


def main() -> None:
    """Every set and size with each seed, then the means of each point."""
    asked = program(__doc__, "encoder_recipe.csv", seeds=3, further=flags)
    cells = [(name, int(size)) for name in asked.further["sets"] for size in asked.further["sizes"]]
    for name, size in [("rotten_tomatoes", 8)] if asked.smoke else cells:
        for seed in asked.seeds:
            trial(asked, name, size, seed, asked.chosen(Config))
    table = pd.DataFrame(asked.rows).groupby(["set", "size"])
    points = ["probe", "head", *(f"share_{share:g}" for share in SHARES[1:-1]), "last"]
    print(table[points].mean().round(3).to_string())
    print(
        "mean loss:", *np.round(pd.DataFrame(asked.rows)[[f"{p}_loss" for p in points]].mean(), 3)
    )


if __name__ == "__main__":
    main()
