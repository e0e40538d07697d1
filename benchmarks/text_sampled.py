"""What `sampled=500` gives and costs: a small language model's training on a CPU.

The sizes of `zoo/lstm-wiki` (vectors of 200, 400 units, 2 layers) on the first articles of
WikiText-2's training part, one pass, with the whole softmax and with a sampled one; perplexity is
that of the whole softmax on the validation part for both. CPU seconds of the pass alone, one
thread. Cost: four CPU minutes a seed.

    python -m benchmarks.text_sampled          # writes results/text_sampled.csv
"""

from __future__ import annotations

import argparse
from itertools import islice
from typing import Any, Final

import zoo
import zoo.text
from scripts.lib.program import timed
from scripts.lib.record import append
from zoo.published.wikitext import articles
from zoo.text.recipe import CYCLE

ARTICLES: Final = 120  # of 600
SAMPLED: Final = (500, 0)  # 0: the whole softmax
LR: Final = 5e-3
SIZES: Final[dict[str, Any]] = {"d_embedding": 200, "d_hidden": 400, "n_layers": 2}
OPTIONS: Final[dict[str, Any]] = {
    "most_words": 30_000,
    "at_least": 1,
    "drop_mult": 0.3,
    "ar": 0.0,
    "tar": 0.0,
    "batch_size": 32,
    "clip": 1.0,
}


def main() -> None:
    """A row for each way and seed."""
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    flags.add_argument("--seeds", type=int, default=2)
    flags.add_argument("--smoke", action="store_true", help="two articles, no record")
    chosen = flags.parse_args()
    n, seeds = (2, 1) if chosen.smoke else (ARTICLES, chosen.seeds)
    train, valid = (list(islice(articles(part), n)) for part in ("train", "valid"))
    for seed in range(seeds):
        for sampled in SAMPLED:
            run = zoo.Run(seed=seed, device="cpu", threads=1, progress=False)
            learn = zoo.text.lm_learner(
                train,
                model="awd_lstm",
                valid_fraction=0,
                sampled=sampled,
                run=run,
                **SIZES,
                **OPTIONS,
            )
            words = len(learn.data.train.stream)  # type: ignore[attr-defined]
            with timed() as spent:
                learn.fit(1, LR, CYCLE)
            append(
                "text_sampled.csv",
                keep=not chosen.smoke,
                sampled=sampled,
                seed=seed,
                words=words,
                vocabulary=len(learn.data.spec.words),
                words_a_cpu_second=round(words / spent()["cpu_seconds"]),
                perplexity=learn.as_model().evaluate(valid)["perplexity"],
                **spent(),
            )


if __name__ == "__main__":
    main()
