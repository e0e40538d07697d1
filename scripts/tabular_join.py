"""Three ways to join categories and numbers in one network, compared; no goal.

"input" puts embeddings and numbers side by side into one perceptron, "inside" gives each a first
layer of its own, "ensemble" averages two networks. Everything else is equal, also the widths of the
hidden layers, so that "inside" and "ensemble" have more weights.

- adult: accuracy on a fifth of the training file, drawn by the seed; the library's defaults.
- rossmann: RMSPE on the 43 days before the last 43, of networks that learn from 200,000 rows drawn
  by the seed before these; announced, season and store columns, four epochs.

    python -m scripts.tabular_join             # writes results/tabular_join.csv
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final, get_args

import numpy as np

import zoo
import zoo.tabular
from scripts import tabular_adult
from scripts.record import append
from scripts.tabular_rossmann import RECIPE, network, rmspe
from scripts.tabular_rossmann_recipe import INNER, before
from zoo.published.rossmann import TARGET
from zoo.tabular.models.network import Join

SEEDS: Final = 3
SAMPLED: Final = 200_000
JOINS: Final[tuple[Join, ...]] = get_args(Join)


def adult(join: Join, seed: int) -> dict[str, float]:
    """Scores on a fifth of Adult's training file."""
    model = zoo.tabular.train(
        tabular_adult.official("train"),
        tabular_adult.TARGET,
        join=join,
        run=zoo.Run(seed=seed, progress=False, device="cpu"),
    )
    return {"accuracy": model.metrics["accuracy"]}


def rossmann(join: Join, seed: int) -> dict[str, float]:
    """Scores on the weeks before the hold-out."""
    frame = before(INNER)
    held_out = frame["Date"] >= INNER
    train = frame[~held_out].sample(SAMPLED, random_state=seed)
    recipe = replace(RECIPE, groups="announced-season-store", join=join, epochs=4)
    says = network(train, recipe, seed).predict(frame[held_out])
    return {"rmspe": rmspe(frame.loc[held_out, TARGET], says)}


DATA: Final[dict[str, Callable[[Join, int], dict[str, float]]]] = {
    "adult": adult,
    "rossmann": rossmann,
}


def main() -> None:
    """A row for each data set, way and seed; mean and spread of each way."""
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    flags.add_argument("--seeds", type=int, default=SEEDS)
    flags.add_argument("--data", nargs="+", choices=DATA, default=list(DATA))
    given = flags.parse_args()
    for data in given.data:
        found: dict[Join, list[float]] = {join: [] for join in JOINS}
        for seed in range(given.seeds):
            for join in JOINS:
                began = time.process_time()
                scores = DATA[data](join, seed)
                seconds = time.process_time() - began
                values = {"data": data, "join": join, "seed": seed, **scores}
                append("tabular_join.csv", **values, cpu_seconds=seconds)
                found[join] += scores.values()
        for way, each in found.items():
            print(f"{data}, {way}: {np.mean(each):.4f} ± {np.std(each):.4f}")


if __name__ == "__main__":
    main()
