"""Lists of ten by the default call and by each model of lists, beside popularity, EASE and ALS.

Sets and splits are the arena's (`benchmarks.arena.sets.lists`): a quarter of every film's ratings
of MovieLens-100k, a fifth of the pairs of filmtrust and hetrec_lastfm, the latest fifth of
complete_journey, one area of each visitor of msweb; nDCG@10, what was chosen before is not listed.
The rivals are the arena's as well: `popular`, and `EASE` with a lambda of 500 and all its weights,
on the 5,000 most frequent items; `ALS` is implicit's, where that package is installed. `EASE_200`
is that EASE with the 200 largest weights of each item, as an artifact keeps them; what this costs
is printed at the end.

    python -m benchmarks.collab_lists         # writes results/collab_lists.csv
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from typing import Any, Final

import zoo
from benchmarks.arena.methods import baselines, zoo_ratings
from benchmarks.arena.scoring import score
from benchmarks.arena.sets.lists import SETS
from benchmarks.arena.task import Answer, Task
from scripts.lib.record import append
from zoo.collab.models.list_arguments import N_NEIGHBOURS

SEEDS: Final = 5
NAMES: Final = ("ml-100k", "filmtrust", "hetrec_lastfm", "complete_journey", "msweb")
METHODS: Final[dict[str, Callable[[Task], Answer]]] = {
    "default": zoo_ratings.lists,
    **{
        name: partial(zoo_ratings.lists, model=name)
        for name in ("blend", "ease", "ials", "item_knn")
    },
    "popular": baselines.popular,
    "EASE": baselines.ease,
    "EASE_200": partial(baselines.ease, kept=N_NEIGHBOURS),
}


def als(task: Task) -> Answer:
    """ALS of the package implicit."""
    from benchmarks.arena.methods.peers.als import als as of_implicit

    return of_implicit(task)


def main() -> None:
    """All sets, methods and seeds."""
    methods = METHODS | ({"ALS": als} if find_spec("implicit") else {})
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--seeds", type=int, default=SEEDS)
    flags.add_argument("--sets", nargs="+", default=NAMES, choices=NAMES)
    flags.add_argument("--methods", nargs="+", default=[*methods], choices=methods)
    asked: Any = flags.parse_args()
    for name in asked.sets:
        found: dict[str, list[float]] = {}
        for seed in range(asked.seeds):
            problem = SETS[name](seed)
            for method in asked.methods:
                began = time.process_time()
                answer = methods[method](problem.task)
                spent = time.process_time() - began
                found.setdefault(method, []).append(score(problem, answer))
                row = {"ndcg@10": found[method][-1], "cpu_seconds": spent}
                append("collab_lists.csv", set=name, method=method, seed=seed, **row)
        for method, scores in found.items():
            print(f"{name} {method}: {statistics.mean(scores):.4f}, zoo {zoo.__version__}")
        if {"EASE", "EASE_200"} <= found.keys():
            lost = statistics.mean(found["EASE"]) - statistics.mean(found["EASE_200"])
            print(f"{name}: EASE loses {lost:.4f} by keeping {N_NEIGHBOURS} weights of each item")


if __name__ == "__main__":
    main()
