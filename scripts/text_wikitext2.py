"""WikiText-2 from scratch: a small AWD-LSTM's validation perplexity, below a 5-gram Kneser-Ney's.

Both see the official words, 33,278 with `<unk>` and an `<eos>` for each line (empty ones too), and
nothing of the validation part before it is scored; probabilities are over the whole vocabulary. The
network has vectors of 200, 2 layers with 400 between them, and trains on one CPU core; rows are
read side by side, ten in validation. Settings were set before anything was scored.

    python -m scripts.text_wikitext2           # writes results/text_wikitext2.csv
    python -m scripts.text_wikitext2 --out run # goes on where a killed run with that folder stopped
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

import zoo
from scripts.lib.kneser_ney import Whole, log_probabilities
from scripts.lib.program import Program, program, summary, timed
from zoo.core.batches import Data
from zoo.core.run import seeded
from zoo.core.training.learner import Learner
from zoo.published.wikitext import text as wikitext
from zoo.text.data.batches import StreamBatches
from zoo.text.data.stream import Stream
from zoo.text.models.language_model import LanguageNet, task
from zoo.text.recipe import CYCLE

ORDER: Final = 5
VALID_ROWS: Final = 10


@dataclass(frozen=True)
class Recipe:
    """Of the network."""

    epochs: int = 4
    lr: float = 5e-3
    d_embedding: int = 200
    d_hidden: int = 400
    n_layers: int = 2
    drop_mult: float = 0.5
    sampled: int = 500
    batch_size: int = 32
    clip: float = 1.0


def numbered() -> tuple[Whole, Whole, int]:
    """Training and validation part as numbers, most frequent word first, and how many words."""
    parts = [words(wikitext(part)) for part in ("train", "valid")]
    kinds, found, counts = np.unique(np.concatenate(parts), return_inverse=True, return_counts=True)
    rank = np.empty(len(kinds), dtype=np.int64)
    rank[np.argsort(-counts, kind="stable")] = np.arange(len(kinds))
    train, valid = np.split(rank[found], [len(parts[0])])
    return train, valid, len(kinds)


def words(text: str) -> list[str]:
    """The words, each line with its end."""
    return [word for line in text.splitlines() for word in [*line.split(), "<eos>"]]


def network(train: Whole, valid: Whole, n_words: int, recipe: Recipe, run: zoo.Run) -> Learner:
    """The network, trained."""
    sizes = {name: getattr(recipe, name) for name in ("d_embedding", "d_hidden", "n_layers")}
    with seeded(run.seed):
        mult = recipe.drop_mult
        net = LanguageNet(n_words=n_words, drop_mult=mult, skips_logits=True, **sizes)
    learn = Learner(
        net,
        Data(
            StreamBatches(stream(train), recipe.batch_size, seed=run.seed),
            StreamBatches(stream(valid), VALID_ROWS, shuffle=False),
        ),
        task(sampled=recipe.sampled),
        clip=recipe.clip,
        run=run,
    )
    learn.fit(recipe.epochs, recipe.lr, CYCLE)
    return learn


def stream(numbers: Whole) -> Stream:
    """One document."""
    return Stream(numbers.astype(np.int32), np.array([0]), np.array([len(numbers)]))


def trial(asked: Program, train: Whole, valid: Whole, n_words: int, seed: int) -> float:
    """Validation perplexity of a network; a row of results."""
    recipe = Recipe(epochs=1) if asked.smoke else Recipe()
    run = asked.run(seed, state=asked.out and asked.own(asked.out, seed))
    with timed() as spent:
        learn = network(train, valid, n_words, recipe, run)
        perplexity = math.exp(learn.evaluate()["loss"])
    row = {"model": "AWD-LSTM", "seed": seed, "perplexity": perplexity, "words": n_words}
    asked.record(**row, train=len(train), valid=len(valid), **spent(), **vars(recipe))
    asked.keep(learn, seed)
    return perplexity


def main() -> None:
    """A row for the baseline and one for each seed."""
    asked = program(__doc__, "text_wikitext2.csv", seeds=1)
    train, valid, n_words = numbered()
    if asked.smoke:
        train, valid = train[:20_000], valid[:2_000]
    with timed() as spent:
        rival = math.exp(-log_probabilities(train, valid, n_words, ORDER).mean())
    row = {"model": "5-gram Kneser-Ney", "seed": 0, "perplexity": rival, "words": n_words}
    asked.record(**row, train=len(train), valid=len(valid), **spent())
    found = [trial(asked, train, valid, n_words, seed) for seed in asked.seeds]
    print(summary("perplexity", found, f"below {rival:.1f}, that of the 5-grams"))


if __name__ == "__main__":
    main()
