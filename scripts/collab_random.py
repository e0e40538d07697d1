"""MovieLens-100k, random 80/20, 50 factors, 5 epochs, 5 seeds: mean RMSE <= .902.

fast.ai's course publishes .9006 for this protocol; fastai's own recipe (batches of 64, one cycle
at 5e-3, weight decay .1, range 0 to 5.5, biases that begin at zero) runs beside ours on the same
splits, in this library. The network alone, without lists. Cost: 1 (ours) or 5 (fastai's) CPU
seconds a seed.

    python -m scripts.collab_random          # writes results/collab_random.csv
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

import zoo
from scripts.lib.program import Program, program, summary, timed
from zoo.published import movielens

GOAL = 0.902
SEEDS = 5
EPOCHS = 5


class ZeroBiases:
    """Users and items begin without biases; ours begin at those that ratings suggest."""

    @torch.no_grad()
    def fit_start(self, fit: Any) -> None:
        """Set them."""
        for side in (fit.model.users, fit.model.items):
            side.bias.zero_()


RECIPES: dict[str, dict[str, Any]] = {
    "ours": {},
    "fastai's": {
        "lr": 5e-3,
        "batch_size": 64,
        "weight_decay": 0.1,
        "y_range": (0.0, 5.5),
        "callbacks": [ZeroBiases()],
    },
}


def trial(asked: Program, recipe: str, seed: int) -> float:
    """One split, one training; a row of results."""
    ratings = movielens.ratings()
    held = np.random.default_rng(seed).permutation(len(ratings)) < len(ratings) // 5
    epochs = 1 if asked.smoke else EPOCHS
    with timed() as spent:
        trained = zoo.collab.train(
            ratings[~held],
            valid=ratings[held],
            epochs=epochs,
            n_factors=50,
            rivals=False,
            lists="none",
            run=asked.run(seed),
            **RECIPES[recipe],
        )
    rmse = trained.metrics["rmse"]
    asked.record(recipe=recipe, seed=seed, epochs=epochs, rmse=rmse, **spent())
    asked.keep(trained, seed, recipe)
    return rmse


def main() -> None:
    """Both recipes over the seeds."""
    asked = program(__doc__, "collab_random.csv", seeds=SEEDS)
    for recipe in RECIPES:
        errors = [trial(asked, recipe, seed) for seed in asked.seeds]
        print(summary(f"{recipe}: RMSE", errors, f"at most {GOAL}"))


if __name__ == "__main__":
    main()
