"""Logs in order, the last item of each user: `sasrec` has 1.5 times the nDCG@10 of models without.

MovieLens-1M as sequential papers use it, and Amazon Beauty (5-core), as the arena reads them: where
the archive of MovieLens-1M lacks a user's last item but one, the one before is to be found. All
users count but those whose item nobody had chosen before (none of 6,040 of MovieLens-1M, 52 of
22,363 of Beauty), and all items are ranked that a user has not chosen. `sasrec` learns from what
comes before the last known item of each user, on which its settings were chosen, and is told that
item when it ranks; the models without order learn from all. A row has the mean nDCG@10 of users,
and that of `sasrec` also how many times that of the best model without order it is, the difference
and its standard error over users. Published for the whole of MovieLens-1M: SASRec .126, gSASRec
.173 (Petrov & Macdonald 2023).

Cost: 11 CPU minutes of one core for a seed of MovieLens-1M, and 2 for the models without order; 10
for all of Beauty. A run that was broken off goes on where it was when it is started again.

    python -m scripts.collab_sasrec          # writes results/collab_sasrec.csv
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

import zoo
from benchmarks.arena.scoring import Problem
from benchmarks.arena.sets.lists import SETS, last_item
from scripts.lib.program import Program, program, some_of, summary, timed
from zoo.published import movielens

GOAL: Final = 1.5  # times the best model without order
SEEDS: Final = 3
K: Final = 10
WITHOUT_ORDER: Final = ("ease", "ials", "blend")
OWN: Final[dict[str, dict[str, Any]]] = {
    "ml-1m": {},
    "beauty": {"epochs": 20, "dropout": 0.5, "length": 50},
}  # settings of `sasrec` that are not the recipe's


class CpuClock:
    """Seconds of the CPU that a fit has taken, over all processes that it went on in."""

    def __init__(self) -> None:
        self.seconds, self.began = 0.0, 0.0

    def fit_start(self, fit: Any) -> None:
        """Start, or go on."""
        self.began = time.process_time()

    def fit_end(self, fit: Any) -> None:
        """Stop."""
        self.seconds = self.state()["seconds"]

    def state(self) -> dict[str, float]:
        """The seconds so far."""
        return {"seconds": self.seconds + time.process_time() - self.began}

    def load_state(self, state: dict[str, float]) -> None:
        """Go on from the seconds of an earlier process."""
        self.seconds = state["seconds"]


def log_of(asked: Program, name: str, seed: int) -> Problem:
    """The log of a set; of smoke, that of MovieLens-100k."""
    if asked.smoke:
        return last_item(name, lambda: movielens.ratings()[["user", "item", "time"]], seed)
    return SETS[name](seed)


def in_order(asked: Program, name: str, train: pd.DataFrame, seed: int, state: Path) -> Any:
    """Train `sasrec`, or go on with it; its CPU seconds are in its record."""
    clock, small = CpuClock(), {"epochs": 1, "length": 20} if asked.smoke else {}
    run = asked.run(seed, state=None if asked.smoke else state)
    own = OWN[name] | small
    model = zoo.collab.train(train, model="sasrec", callbacks=[clock], run=run, **own)
    return model, clock.seconds


def gains(model: Any, truth: pd.DataFrame) -> NDArray[np.float64]:
    """The nDCG@10 of each user, who has one item to find. Shape: (n,)"""
    users = torch.from_numpy(model.spec.user_rows(truth["user"])).long()
    wanted = torch.from_numpy(model.spec.item_rows(truth["item"])).long()
    is_hit = (model.top_k(users, K)[1] == wanted[:, None]).double()
    hits: NDArray[np.float64] = (is_hit / torch.arange(2, K + 2).double().log2()).sum(1).numpy()
    return hits


def trial(asked: Program, name: str, seed: int, room: Path) -> float:
    """Models without order, then `sasrec`; a row of results for each, and how many times as good.

    The models without order depend on the seed by what is set aside to choose their settings.
    """
    log = log_of(asked, name, seed)
    found: dict[str, NDArray[np.float64]] = {}
    for model in WITHOUT_ORDER:
        with timed() as spent:
            lists = zoo.collab.train(log.task.train, model=model, run=asked.run(seed))
        found[model] = gains(lists, log.truth)
        asked.record(set=name, model=model, seed=seed, **scores(found[model]), **spent())
    best = max(found, key=lambda model: found[model].mean())
    ordered, seconds = in_order(asked, name, log.task.train, seed, room / f"{name}-{seed}")
    own = gains(ordered, log.truth)
    more, times = own - found[best], own.mean() / found[best].mean()
    asked.record(
        set=name, model="sasrec", seed=seed, **scores(own), cpu_seconds=seconds,
        inner=ordered.metrics[f"ndcg@{K}"], best_without=best, times=times, more=more.mean(),
        se=more.std(ddof=1) / len(more) ** 0.5,
    )  # fmt: skip
    asked.keep(ordered, seed, name)
    return float(times)


def scores(of_users: NDArray[np.float64]) -> dict[str, float]:
    """Columns of a row: nDCG, the share of users whose item is listed, and how many they are."""
    return {
        f"ndcg@{K}": float(of_users.mean()),
        f"hits@{K}": float((of_users > 0).mean()),
        "users": len(of_users),
    }


def flags(parser: argparse.ArgumentParser) -> None:
    """Flags of the program's own."""
    some_of(parser, "--sets", OWN)


def main() -> None:
    """All sets and seeds."""
    asked = program(__doc__, "collab_sasrec.csv", seeds=SEEDS, further=flags)
    with asked.room(Path("build/sasrec")) as room:
        for name in asked.further["sets"][: 1 if asked.smoke else None]:
            times = [trial(asked, name, seed, room) for seed in asked.seeds]
            print(summary(f"{name}: nDCG@{K} by order, times", times, f"at least {GOAL}"))


if __name__ == "__main__":
    main()
