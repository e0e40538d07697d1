"""Three ways to join categories and numbers in one network, compared; no goal.

"input" puts embeddings and numbers side by side into one perceptron, "inside" gives each a first
layer of its own, "ensemble" averages two networks. Everything else is equal, also the widths of the
hidden layers, so that "inside" and "ensemble" have more weights.

- adult: accuracy on a fifth of the training file, drawn by the seed; the library's defaults.
- rossmann: RMSPE on the 43 days before the last 43, of networks that learn from 200,000 rows drawn
  by the seed before these; announced, season and store columns, four epochs.

Cost: 4 to 6 CPU seconds (adult), 17 to 24 (rossmann) a trial.

    python -m scripts.searches.tabular_join             # writes results/tabular_join.csv
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final, get_args

import zoo
import zoo.tabular
from scripts import tabular_adult
from scripts.lib.program import Program, program, some_of, summary, timed
from scripts.searches.tabular_rossmann_recipe import INNER, before
from scripts.tabular_rossmann import RECIPE, few, network, rmspe
from zoo.published import adult as census
from zoo.published.rossmann import TARGET
from zoo.tabular.model import TableModel
from zoo.tabular.options import Join

SAMPLED: Final = 200_000
JOINS: Final[tuple[Join, ...]] = get_args(Join)


def adult(asked: Program, join: Join, seed: int) -> tuple[TableModel, dict[str, float]]:
    """A network, and its scores on a fifth of Adult's training file."""
    frame = census.official("train")
    if asked.smoke:
        frame = frame.head(tabular_adult.FEW)
    model = zoo.tabular.train(frame, census.TARGET, join=join, run=asked.run(seed))
    return model, {"accuracy": model.metrics["accuracy"]}


def rossmann(asked: Program, join: Join, seed: int) -> tuple[TableModel, dict[str, float]]:
    """A network, and its scores on the weeks before the hold-out."""
    frame = before(INNER)
    held_out = frame["Date"] >= INNER
    train = frame[~held_out].sample(SAMPLED, random_state=seed)
    recipe = replace(RECIPE, groups="announced-season-store", join=join, epochs=4)
    model = network(few(train) if asked.smoke else train, recipe, asked.run(seed))
    says = model.predict(frame[held_out])
    return model, {"rmspe": rmspe(frame.loc[held_out, TARGET], says)}


Trial = Callable[[Program, Join, int], tuple[TableModel, dict[str, float]]]
DATA: Final[dict[str, Trial]] = {"adult": adult, "rossmann": rossmann}


def main() -> None:
    """A row for each data set, way and seed; mean and spread of each way."""
    which = partial(some_of, name="--data", known=DATA)
    asked = program(__doc__, "tabular_join.csv", seeds=3, further=which)
    for data in asked.further["data"]:
        found: dict[Join, list[float]] = {join: [] for join in JOINS}
        for seed in asked.seeds:
            for join in JOINS:
                with timed() as spent:
                    model, scores = DATA[data](asked, join, seed)
                seconds = spent()["cpu_seconds"]
                asked.record(data=data, join=join, seed=seed, **scores, cpu_seconds=seconds)
                asked.keep(model, seed, f"{data}-{join}")
                found[join] += scores.values()
        for way, each in found.items():
            print(summary(f"{data}, {way}", each, "no goal"))


if __name__ == "__main__":
    main()
