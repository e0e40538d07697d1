"""Compare recipes for `zoo.text.finetune` on parts of training sets alone.

A tenth of the training part of the Rotten Tomatoes sentences, or of the rated sentences, is held
out by the seed, and some of IMDB's training reviews where others are trained on; what is scored in
the published tables is never opened here. The head trains alone; then, if asked, layers thaw one
after another, an epoch each; then everything trains. What is not asked for is as the verb has it
for 10,000 sentences. `imdb/lm` is what the step of `scripts/text_imdb.py` makes, in all rows here
of a quarter of the unlabelled reviews; `imdb-all/lm` of all, in one pass. Cost in CPU minutes: 1 to
4 for a trial on sentences, three quarters for an epoch over 1,000 reviews.

    python -m scripts.searches.text_recipe --pretrained imdb/lm --seeds 1
    python -m scripts.searches.text_recipe --thawed 2 --lr 2e-2 --last 0.05 --ratio 17.6    #
    gradually
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

import zoo
import zoo.text
from scripts.lib.imdb import reviews, without
from scripts.lib.program import Program, knobs, program, timed
from scripts.text_rotten_tomatoes import known_as
from zoo.core.training.learner import Learner
from zoo.published import rated_sentences, rotten_tomatoes
from zoo.text.recipe import CYCLE

TENTH = 0.1
INNER = 1000  # added to the seed of the division within a training part
FEW = 60


@dataclass(frozen=True)
class Config:
    """What is tried; rates of the last phase are those of its head and of the words' vectors."""

    data: str = "rotten-tomatoes"
    pretrained: str = "zoo/lstm-wiki"
    n: int = 2000  # reviews of IMDB that are trained on
    tested: int = 2000  # others that are scored
    alone: int = 1  # epochs of the head
    thawed: int = 0
    lr: float = 1e-2
    last: float = 1.0
    ratio: float = 4.0
    epochs: int = 4
    batch_size: int = 64
    drop_mult: float = 0.5
    max_len: int = 400


Part = tuple[list[str], list[Any]]


def parts(name: str, n: int, tested: int, seed: int) -> tuple[Part, Part]:
    """Texts and labels to train on, and others of the training part."""
    if name == "imdb":
        whole = reviews("train")
        drawn = whole.take(n, seed)
        held = without(whole, drawn).take(tested, seed)
        return (drawn.texts, list(drawn.labels)), (held.texts, list(held.labels))
    module: Any = {"rotten-tomatoes": rotten_tomatoes, "rated-sentences": rated_sentences}[name]
    train, _ = module.divided(module.sentences(), TENTH, seed)
    train, held = module.divided(train, TENTH, INNER + seed)
    return (train.texts, train.labels), (held.texts, held.labels)


def fit(learn: Learner, config: Config) -> None:
    """The phases."""
    n = len(learn.groups)
    for i in range(config.thawed + 1):
        learn.freeze_to(n - 1 - i)
        learn.fit(1 if i else config.alone, rates(config.lr / 2**i, config.ratio), CYCLE)
    learn.unfreeze()
    learn.fit(config.epochs, rates(config.lr * config.last, config.ratio), CYCLE)


def rates(lr: float, ratio: float) -> tuple[float, float]:
    """Of the first and the last group."""
    return lr / ratio, lr


def some(part: Part) -> Part:
    """A few texts, to show that the program runs."""
    step = len(part[0]) // FEW
    return part[0][::step], part[1][::step]


def trial(asked: Program, seed: int, config: Config) -> None:
    """Train on a part, score on another; a row."""
    train, held = parts(config.data, config.n, config.tested, seed)
    if asked.smoke:
        train, held = some(train), some(held)
    with timed() as spent:
        learn = zoo.text.learner(
            train,
            pretrained=config.pretrained,
            valid_fraction=0,
            drop_mult=config.drop_mult,
            batch_size=config.batch_size,
            max_len=config.max_len,
            run=asked.run(seed),
        )
        fit(learn, config)
        model = learn.as_model()
        said = [found.label for found in model.predict(held[0])]
    accuracy = float(np.mean([a == b for a, b in zip(said, held[1], strict=True)]))
    source = known_as(config.pretrained)
    asked.record(**vars(config) | {"pretrained": source}, seed=seed, accuracy=accuracy, **spent())
    asked.keep(model, seed)


def main() -> None:
    """One recipe on several divisions."""
    asked = program(__doc__, "text_recipe.csv", seeds=3, further=partial(knobs, usual=Config()))
    for seed in asked.seeds:
        trial(asked, seed, asked.chosen(Config))


if __name__ == "__main__":
    main()
