"""Compare recipes for `zoo.collab.train` on training parts alone.

Rating models are scored on a tenth of the training part of fold u1 of MovieLens-100k, by seed; its
test part stays closed. `softmax` is scored by top-10 lists on a quarter (of every item's ratings)
of a training part that is itself three quarters of all, drawn with a seed that
`scripts/collab_ranking.py` does not use. Cost: seconds a trial.

    python -m scripts.collab_recipe svdpp --epochs 10 --members 8 --features
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
import pandas as pd

import zoo
from scripts import movielens
from scripts.record import append
from zoo.collab.models.catalogue import RECIPES, predicts_ratings
from zoo.collab.ratings import split

RANKING_SEED = 100
ARGUMENTS = ("members", "negatives", "dropout")


def parts(model: str, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Ratings to train on and ratings to score on."""
    if predicts_ratings(model):
        base = movielens.ratings("u1.base")
        held = np.random.default_rng(seed).permutation(len(base)) < len(base) // 10
        return base[~held], base[held]
    known, _ = split(movielens.ratings(), "item", 0.25, RANKING_SEED)
    return split(known, "item", 0.25, RANKING_SEED + 1 + seed)


def trial(model: str, seed: int, given: dict[str, Any]) -> None:
    """One training; a row."""
    recipe = RECIPES[model]
    chosen = {
        "epochs": given["epochs"] or recipe.epochs,
        "lr": given["lr"] or recipe.lr,
        "batch_size": given["batch_size"] or recipe.batch_size,
        "weight_decay": recipe.weight_decay if given["decay"] is None else given["decay"],
        "n_factors": given["factors"] or recipe.n_factors,
    }
    further = {
        name: given[name] for name in ("members", "negatives", "dropout") if given[name] is not None
    }
    train, held = parts(model, seed)
    began = time.perf_counter()
    trained = zoo.collab.train(
        train,
        model=model,  # type: ignore[arg-type]
        valid=held,
        arguments=further,
        user_features=movielens.users() if given["features"] else None,
        item_features=movielens.items() if given["features"] else None,
        run=zoo.Run(seed=seed, progress=False),
        **chosen,
    )
    append(
        "collab_recipe.csv",
        model=model,
        seed=seed,
        **chosen,
        **(recipe.arguments | further),
        features=given["features"],
        **trained.metrics,
        seconds=time.perf_counter() - began,
    )


def main() -> None:
    """One configuration on several splits; what is not given is the model's own."""
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    flags.add_argument("model", choices=RECIPES)
    flags.add_argument("--seeds", type=int, default=1)
    flags.add_argument("--first", type=int, default=0, help="first seed")
    for name in ("epochs", "batch-size", "factors", "members", "negatives"):
        flags.add_argument(f"--{name}", type=int)
    for name in ("lr", "decay", "dropout"):
        flags.add_argument(f"--{name}", type=float)
    flags.add_argument("--features", action="store_true", help="of users and films")
    given = vars(flags.parse_args())
    for seed in range(given["first"], given["first"] + given["seeds"]):
        trial(given["model"], seed, given)


if __name__ == "__main__":
    main()
