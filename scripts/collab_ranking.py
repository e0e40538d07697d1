"""MovieLens-100k, 75/25, top 10 lists: nDCG@10 above .442 (BPR in the recommenders repository).

The protocol of that repository's benchmark (`examples/06_benchmarks/movielens.ipynb`): of every
item a random quarter of the ratings is the test part, every test rating counts as relevant whatever
its value, lists leave out what the user rated in training, and users without a test rating do not
count. Five seeds draw split and weights. Beside `softmax` stand what is most popular, and EASE
(Steck 2019, "Embarrassingly Shallow Autoencoders for Sparse Data", with its lambda of 500): a dense
matrix of item against item, hard to beat at this size. Cost: 23 seconds a seed on two cores.

    python -m scripts.collab_ranking          # writes results/collab_ranking.csv
"""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import torch
from torch import Tensor

import zoo
from scripts.lib.program import Program, program, summary, timed
from zoo.collab.data.batches import encode
from zoo.collab.data.ratings import split
from zoo.collab.ranking import ranking_metrics
from zoo.collab.spec import Spec
from zoo.published import movielens

GOAL = 0.442
SEEDS = 5
K = 10
EASE_LAMBDA = 500.0


def popular(chosen: Tensor) -> Tensor:
    """Scores of all items: the number of users who chose them."""
    return chosen.sum(0).expand_as(chosen)


def ease(chosen: Tensor) -> Tensor:
    """Scores of all items by EASE."""
    gram = chosen.T @ chosen
    gram.diagonal().add_(EASE_LAMBDA)
    inverse = torch.linalg.inv(gram)
    weights = inverse / -inverse.diagonal()
    weights.fill_diagonal_(0.0)
    return chosen @ weights


RIVALS: dict[str, Callable[[Tensor], Tensor]] = {"popular": popular, "ease": ease}


def trial(asked: Program, seed: int) -> dict[str, float]:
    """One split; a row of results for each model, their nDCG."""
    base, test = split(movielens.ratings(), "item", 0.25, seed)
    with timed() as spent:
        trained = zoo.collab.train(
            base,
            model="softmax",
            epochs=1 if asked.smoke else None,
            valid=test,
            run=asked.run(seed),
        )
    asked.record(model="softmax", seed=seed, **trained.metrics, **spent())
    asked.keep(trained, seed)
    ndcg = {"softmax": trained.metrics[f"ndcg@{K}"]}
    for name, rival in RIVALS.items():
        with timed() as spent:
            scores = rival_scores(rival, base, test, trained.spec)
        asked.record(model=name, seed=seed, **scores, **spent())
        ndcg[name] = scores[f"ndcg@{K}"]
    return ndcg


def rival_scores(
    rival: Callable[[Tensor], Tensor], base: pd.DataFrame, test: pd.DataFrame, spec: Spec
) -> dict[str, float]:
    """The same metrics of the same lists by another model."""
    n_users, n_items = len(spec.users), len(spec.items)
    train, valid = encode(base, spec), encode(test, spec)
    chosen = torch.zeros(n_users + 1, n_items + 1)
    chosen[train.users.long(), train.items.long()] = 1
    scores = rival(chosen)
    relevant, hidden = valid.rated_items(n_users), train.rated_items(n_users)
    return ranking_metrics(lambda rows: scores[rows].clone(), relevant, n_items, K, hidden)


def main() -> None:
    """All seeds."""
    asked = program(__doc__, "collab_ranking.csv", seeds=SEEDS)
    trials = [trial(asked, seed) for seed in asked.seeds]
    for name in trials[0]:
        print(summary(f"{name}: nDCG@{K}", [one[name] for one in trials], f"above {GOAL}"))


if __name__ == "__main__":
    main()
