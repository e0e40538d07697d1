"""Part 7: ratings and tables in the modes of `Run` that spare launches, beside without.

An epoch of each mode in turn, after a warm-up that compiles; rows per second of the median.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pandas as pd

import zoo
from benchmarks.device.overhead import modes
from benchmarks.device.room import Room
from benchmarks.loop_overhead import N_ITEMS, N_USERS, timed
from zoo.core.training.learner import Learner

ROUNDS, ROWS, BATCH = 5, 50_000, 512
SMOKE_ROWS: Final = 1024
LR: Final = 1e-3


def run(room: Room) -> None:
    """Both domains; a row for each round, then the median and its ratio to no mode at all."""
    n, rounds = (SMOKE_ROWS, 1) if room.at.smoke else (ROWS, ROUNDS)
    kinds: dict[str, Callable[[int, zoo.Run], Learner]] = {"ratings": ratings, "table": table}
    for kind, learner in kinds.items():
        learners = {
            name: learner(n, zoo.Run(device=room.at.device, progress=False, **circumstances))
            for name, circumstances in modes().items()
        }
        for name in list(learners):
            try:
                learners[name].fit(1, LR)
            except Exception as error:  # a mode that fails here must not hide the others
                room.row(f"{kind} {name}", "failed", f"{type(error).__name__}: {error}"[:300])
                del learners[name]
        measure(room, kind, learners, rounds)


def measure(room: Room, kind: str, learners: dict[str, Learner], rounds: int) -> None:
    """Epochs in turn."""
    n = len(learners["plain"].data.train)
    rates: dict[str, list[float]] = {name: [] for name in learners}
    for i in range(rounds):
        for name in learners if i % 2 == 0 else list(learners)[::-1]:
            seconds = timed(lambda name=name: learners[name].fit(1, LR), room.at.device)
            rates[name].append(n / seconds)
            room.row(f"{kind} {name}", "rate", rates[name][-1], "rows/s", round=i)
    middle = {name: statistics.median(found) for name, found in rates.items()}
    for name, rate in middle.items():
        room.row(f"{kind} {name}", "median rate", rate, "rows/s")
        if name != "plain":
            room.row(f"{kind} {name}", "times the plain rate", rate / middle["plain"])


def ratings(n: int, run: zoo.Run) -> Learner[Any, Any]:
    """The learner of made-up ratings."""
    rng = np.random.default_rng(0)
    data = pd.DataFrame(
        {
            "user": rng.integers(N_USERS, size=n),
            "item": rng.integers(N_ITEMS, size=n),
            "rating": rng.integers(1, 6, size=n).astype(float),
        }
    ).drop_duplicates(["user", "item"])
    return zoo.collab.learner(data, valid_fraction=0, batch_size=BATCH, run=run)


def table(n: int, run: zoo.Run) -> Learner[Any, Any]:
    """The learner of a made-up table: eight columns of categories, six of numbers."""
    rng = np.random.default_rng(0)
    columns: dict[str, Any] = {f"number {i}": rng.normal(size=n) for i in range(6)}
    columns |= {f"kind {i}": rng.integers(3 + 5 * i, size=n).astype(str) for i in range(8)}
    columns["target"] = np.where(columns["number 0"] + rng.normal(size=n) > 0, "yes", "no")
    data = pd.DataFrame(columns)
    return zoo.tabular.learner(data, "target", valid_fraction=0, batch_size=BATCH, run=run)
