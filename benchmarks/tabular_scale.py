"""Ten million rows cost as much a row as one million: within 15 %; and what memory they take.

`zoo.tabular.train` on synthetic tables from memory, its defaults but for one epoch: three columns
of categories (5, 50 and 1,000 values; one of texts), five numbers (one with gaps), two classes; a
fifth of the rows is validated on. Each size has a process of its own, in turn, and one thread; the
table is made before the clock starts; seconds are those of the CPU. The parts of the time are
reading the columns into tensors (`prepare`) and training with its validation (`fit`). Memory is
the process's largest resident size, of which the DataFrame itself (`table_mb`) and torch with its
libraries (`start_mb`) were there before the call.

Cost: about 6 minutes on two cores, 6 GB of memory.

    python -m benchmarks.tabular_scale         # writes results/tabular_scale.csv
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from typing import Any, Final

import numpy as np
import pandas as pd
import torch

import zoo
from scripts.lib.record import append
from zoo.tabular.verbs import TRAIN_LR, learner

SMALL, LARGE = 1_000_000, 10_000_000
SMOKE: Final = (20_000, 40_000)
PAIRS: Final = 2
GOAL: Final = 1.15  # times the time a row


def main() -> None:
    """Both sizes in turn, and the ratio of their times a row."""
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    flags.add_argument("--smoke", action="store_true", help="small and short, no record")
    flags.add_argument("--child", type=int, help="rows")
    chosen = flags.parse_args()
    if chosen.child:
        print(json.dumps(alone(chosen.child)))
        return
    for pair in range(1 if chosen.smoke else PAIRS):
        sizes = SMOKE if chosen.smoke else (SMALL, LARGE)
        found = {n: in_process(n) for n in (sizes if pair % 2 == 0 else sizes[::-1])}
        for n in sizes:
            values = {"pair": pair, "rows": n, **found[n]}
            print(values) if chosen.smoke else append("tabular_scale.csv", **values)
        ratio = found[sizes[1]]["us_a_row"] / found[sizes[0]]["us_a_row"]
        print(f"{ratio:.3f} times the time a row (target <= {GOAL})\n")


def in_process(n: int) -> dict[str, float]:
    """What a fresh process finds."""
    command = [sys.executable, "-m", "benchmarks.tabular_scale", "--child", str(n)]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    found: dict[str, float] = json.loads(said.splitlines()[-1])
    return found


def alone(n: int) -> dict[str, float]:
    """Seconds and memory of one training in this process."""
    torch.set_num_threads(1)
    run = zoo.Run(device="cpu", progress=False)
    learner(synthetic(1000), "label", run=run).fit_one_cycle(1, TRAIN_LR)  # imports and warms up
    start_mb = resident()
    frame = synthetic(n)
    table_mb = float(frame.memory_usage(deep=True).sum()) / 1e6
    began = time.process_time()
    learn = learner(frame, "label", run=run)
    ready = time.process_time()
    learn.fit_one_cycle(1, TRAIN_LR)
    ended = time.process_time()
    return {
        "prepare": ready - began,
        "fit": ended - ready,
        "us_a_row": 1e6 * (ended - began) / n,
        "accuracy": learn.history.rows[-1]["accuracy"],
        "table_mb": table_mb,
        "start_mb": start_mb,
        "peak_mb": resident(),
    }


def resident() -> float:
    """Largest resident size of this process so far, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3  # kilobytes on Linux


def synthetic(n: int) -> pd.DataFrame:
    """Rows whose class depends on all columns but the last two."""
    rng = np.random.default_rng(0)
    columns: dict[str, Any] = {
        "kind": pd.Categorical.from_codes(rng.integers(0, 5, n, np.int8), list("abcde")),
        "place": rng.integers(0, 50, n, np.int16),
        "item": rng.integers(0, 1000, n, np.int16),
    }
    columns |= {f"x{i}": rng.standard_normal(n, np.float32) for i in range(5)}
    score = columns["x0"] * columns["x1"] + np.sin(columns["place"]) + columns["item"] % 7 / 3 - 1
    columns["x2"][columns["kind"].codes == 3] = np.nan
    score += np.where(np.isnan(columns["x2"]), 0.5, columns["x2"])
    columns["label"] = rng.random(n, np.float32) < 1 / (1 + np.exp(-2 * score))
    frame = pd.DataFrame(columns)
    return frame.astype({"place": "category", "item": "category"})


if __name__ == "__main__":
    main()
