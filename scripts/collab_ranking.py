"""MovieLens-100k, 75/25, top 10 lists: nDCG@10 above .442 (BPR in the recommenders repository).

The protocol of that repository's benchmark (`examples/06_benchmarks/movielens.ipynb`): of every
item a random quarter of the ratings is the test part, every test rating counts as relevant whatever
its value, lists leave out what the user rated in training, and users without a test rating do not
count. Five seeds draw split and weights.

    python -m scripts.collab_ranking          # writes results/collab_ranking.csv
"""

from __future__ import annotations

import statistics
import time

import zoo
from scripts import movielens
from scripts.record import append
from zoo.collab.ratings import split

TARGET = 0.442
SEEDS = 5


def trial(seed: int) -> float:
    """One split, one training; a row of results."""
    base, test = split(movielens.ratings(), "item", 0.25, seed)
    began = time.perf_counter()
    trained = zoo.collab.train(
        base, model="softmax", valid=test, run=zoo.Run(seed=seed, progress=False)
    )
    seconds = time.perf_counter() - began
    append("collab_ranking.csv", seed=seed, **trained.metrics, seconds=seconds)
    return trained.metrics["ndcg@10"]


def main() -> None:
    """All seeds."""
    scores = [trial(seed) for seed in range(SEEDS)]
    mean, spread = statistics.mean(scores), statistics.stdev(scores)
    print(f"nDCG@10 {mean:.4f} +- {spread:.4f} over {SEEDS} seeds (target above {TARGET})")


if __name__ == "__main__":
    main()
