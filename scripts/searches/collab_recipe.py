"""Compare recipes for `zoo.collab.train` on training parts alone.

Rating models are scored on a tenth of the training part of fold u1 of MovieLens-100k, by seed; its
test part stays closed. `softmax` is scored by top-10 lists on a quarter (of every item's ratings)
of a training part that is itself three quarters of all, drawn with a seed that
`scripts/collab_ranking.py` does not use. Cost: 1 second (dot_bias on two cores) to 2
minutes (softmax) a trial.

    python -m scripts.searches.collab_recipe svdpp --epochs 10 --members 8 --features
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd

import zoo
from scripts.lib.program import Program, program, timed
from zoo.collab.data.ratings import split
from zoo.collab.models.catalogue import RECIPES
from zoo.collab.task import predicts_ratings
from zoo.published import movielens

RANKING_SEED = 100
ARGUMENTS = ("members", "negatives", "dropout")


def parts(model: str, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Ratings to train on and ratings to score on."""
    if predicts_ratings(model):
        base = movielens.ratings("u1.base")
        held = np.random.default_rng(seed).permutation(len(base)) < len(base) // 10
        return base[~held], base[held]
    outer, _ = split(movielens.ratings(), "item", 0.25, RANKING_SEED)
    return split(outer, "item", 0.25, RANKING_SEED + 1 + seed)


def trial(asked: Program, seed: int) -> None:
    """One training; a row."""
    flag = asked.further
    model = flag["model"]
    recipe = RECIPES[model]
    chosen = {
        "epochs": 1 if asked.smoke else flag["epochs"] or recipe.epochs,
        "lr": flag["lr"],
        "batch_size": flag["batch_size"],
        "weight_decay": recipe.weight_decay if flag["decay"] is None else flag["decay"],
        "n_factors": flag["factors"] or recipe.n_factors,
    }
    further = {name: flag[name] for name in ARGUMENTS if flag[name] is not None}
    train, held = parts(model, seed)
    with timed() as spent:
        trained = zoo.collab.train(
            train,
            rivals=False,
            model=model,
            valid=held,
            **further,
            user_features=movielens.users() if flag["features"] else None,
            item_features=movielens.items() if flag["features"] else None,
            run=asked.run(seed),
            **chosen,
        )
    asked.record(
        model=model,
        seed=seed,
        **chosen,
        **(recipe.arguments | further),
        features=flag["features"],
        **trained.metrics,
        **spent(),
    )
    asked.keep(trained, seed)


def flags(parser: argparse.ArgumentParser) -> None:
    """A configuration; defaults are the model's own."""
    parser.add_argument("model", choices=RECIPES, nargs="?", default="dot_bias")
    for name in ("epochs", "batch-size", "factors", "members", "negatives"):
        parser.add_argument(f"--{name}", type=int)
    for name in ("lr", "decay", "dropout"):
        parser.add_argument(f"--{name}", type=float)
    parser.add_argument("--features", action="store_true", help="of users and films")


def main() -> None:
    """One configuration on several splits."""
    asked = program(__doc__, "collab_recipe.csv", seeds=1, further=flags)
    for seed in asked.seeds:
        trial(asked, seed)


if __name__ == "__main__":
    main()
