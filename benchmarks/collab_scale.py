"""25 million ratings on one machine: time a rating, bytes a rating, lists for every user.

Synthetic ratings: 100,000 users, 20,000 items, popularity of items by Zipf's law, ratings from
factors of rank 8 with noise. Each size has a process of its own, so that peaks of memory do not
mix; both train the default model for two epochs with batches of 8,192.

- `seconds_per_million`: of the second epoch, and the ratio of both sizes;
- `bytes_a_rating`: growth of resident memory from before the learner is made until after the epoch,
  at its highest, less weights, gradients and the optimizer's state (16 bytes a parameter), by
  ratings; the table of 12 bytes a row that the learner is made from is not counted, since it is
  the user's;
- lists: the ten best unseen items of every user, in users a second, and its ratio to the bare
  product with top-k of the same blocks, in turn in one process.

Cost: 2 minutes on two cores.

    python -m benchmarks.collab_scale          # writes results/collab_scale.csv
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

import zoo
from scripts.lib.record import append
from zoo.collab.ranking import BLOCK

USERS, ITEMS, BATCH_SIZE = 100_000, 20_000, 8192
SIZES = (1_000_000, 25_000_000)
PAIRS = 3  # of lists for all users


def synthetic(n: int) -> pd.DataFrame:
    """Distinct pairs with ratings in 1..5: n rows of int32, int32, float32."""
    rng = np.random.default_rng(0)
    chance = 1 / np.arange(1, ITEMS + 1) ** 0.6
    users = np.repeat(np.arange(USERS, dtype=np.int32), -(-n // USERS) * 13 // 10)
    items = rng.choice(ITEMS, len(users), p=chance / chance.sum()).astype(np.int32)
    pairs = np.unique(users.astype(np.int64) * ITEMS + items)
    kept = rng.choice(pairs, n, replace=False)
    users, items = (kept // ITEMS).astype(np.int32), (kept % ITEMS).astype(np.int32)
    taste = rng.normal(size=(USERS, 8)).astype(np.float32)
    kind = rng.normal(size=(ITEMS, 8)).astype(np.float32)
    ratings = np.empty(n, dtype=np.float32)
    for rows in np.array_split(np.arange(n), max(n // 1_000_000, 1)):
        liked = np.einsum("ij,ij->i", taste[users[rows]], kind[items[rows]]) / 3
        ratings[rows] = np.clip(3.5 + liked + 0.5 * rng.normal(size=len(rows)), 1, 5)
    return pd.DataFrame({"user": users, "item": items, "rating": ratings}, copy=False)


class Peak:
    """The highest resident memory while it runs, by looking a hundred times a second."""

    def __enter__(self) -> Peak:
        self.first = self.highest = resident()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._stop.wait(0.01):
            self.highest = max(self.highest, resident())


def resident() -> int:
    """Bytes of memory that the process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def alone(n: int, *, lists: bool) -> dict[str, Any]:
    """What one size costs, in this process."""
    table = synthetic(n)
    with Peak() as whole:
        learn = zoo.collab.learner(
            table, batch_size=BATCH_SIZE, valid_fraction=0, run=zoo.Run(progress=False)
        )
        made = resident()
        with Peak() as fit:
            learn.fit(1, 2e-3)
            began = time.perf_counter()
            learn.fit(1, 2e-3)
            seconds = time.perf_counter() - began
    parameters = sum(p.numel() for p in learn.model.parameters())
    first = whole.first + 16 * parameters
    found: dict[str, Any] = {
        "ratings": n,
        "parameters": parameters,
        "seconds_per_million": seconds / n * 1e6,
        "bytes_a_rating": (fit.highest - first) / n,
        "bytes_a_rating_while_read": (whole.highest - whole.first) / n,
        "bytes_held": (made - whole.first - 4 * parameters) / n,
    }
    return found | (all_lists(learn.as_model()) if lists else {})


def all_lists(model: zoo.collab.Recommender) -> dict[str, Any]:
    """Ten items for every user, beside the bare product."""
    users = torch.arange(1, len(model.spec.users) + 1)
    ours, bare = [], []
    for _ in range(PAIRS):
        began = time.perf_counter()
        model.top_k(users, 10)
        ours.append(time.perf_counter() - began)
        began = time.perf_counter()
        with torch.inference_mode():
            net: Any = model.members[0]
            vectors, biases = net.ranker()
            for rows in users.split(BLOCK):
                torch.addmm(biases, net.users(rows)[0], vectors.T).topk(10)
        bare.append(time.perf_counter() - began)
    ratios = [one / other for one, other in zip(ours, bare, strict=True)]
    return {"users_s": len(users) / statistics.median(ours), "over_bare": statistics.median(ratios)}


def main() -> None:
    """Both sizes, a row each; the ratio."""
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    flags.add_argument("--child", type=int, help="ratings to measure in this process")
    flags.add_argument("--smoke", action="store_true", help="a fiftieth, no record")
    chosen = flags.parse_args()
    sizes = [n // 50 for n in SIZES] if chosen.smoke else SIZES
    if chosen.child:
        print(json.dumps(alone(chosen.child, lists=chosen.child == sizes[-1])))
        return
    found = [in_process(n, smoke=chosen.smoke) for n in sizes]
    for row in found:
        print(row) if chosen.smoke else append("collab_scale.csv", **row)
    small, large = (row["seconds_per_million"] for row in found)
    print(
        f"time a rating at {sizes[1]:,}: {large / small:.3f} times that at {sizes[0]:,}; "
        f"{found[1]['bytes_a_rating']:.1f} bytes a rating"
    )


def in_process(n: int, *, smoke: bool) -> dict[str, Any]:
    """What a fresh process finds."""
    flags = ["--child", str(n), *(["--smoke"] if smoke else [])]
    command = [sys.executable, "-m", "benchmarks.collab_scale", *flags]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    return found


if __name__ == "__main__":
    main()
