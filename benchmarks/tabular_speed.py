"""Adult beside fastai 2.8 and a bare torch loop, in one process, by turns.

Seconds are those of the CPU (`time.process_time`), which other programs on the machine disturb less
than those of the clock on the wall; all sides have one thread and no processes besides, so that on
an idle machine both are the same. Three parts:

- `epoch`: rows a second of one epoch of one cycle on four fifths of the training file, batches of
  64, fp32, from encoded rows in memory, and the accuracy on the other fifth (not timed). The same
  network everywhere: embeddings by fastai's rule, batch-normalised numbers, 200 and 100 units with
  ReLU and batch norm, nothing dropped. `fastai` has its loader and its Adam. `bare` is what a
  careful practitioner writes: shuffled tensors sliced by rows, a table for each column, fused
  AdamW, the rate set by hand. `ours` is `zoo.tabular`'s network (one look-up for all columns) in
  the learner. Pairs differ in their seed.
- `call`: seconds from the DataFrame to fastai's own accuracy: fastai's documented call, its
  defaults, so many epochs, validated after each; and what `zoo.tabular.train` does with its
  defaults, looked at four times an epoch, until the accuracy on the same rows is as high (a noisy
  curve gets there the sooner the more often one looks). Looks are timed, imports are not.
- `row`: microseconds of one prediction from a saved and loaded model, median, the row as a dict;
  fastai's `learn.predict` of the same row (a Series) beside it.

Sides take turns in going first. `pip install fastai` first; it
is no dependency of the project. Cost: about 8 minutes on two cores.

    python -m benchmarks.tabular_speed         # writes results/tabular_speed.csv
"""

from __future__ import annotations

import argparse
import importlib
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import torch

import zoo
import zoo.tabular
from benchmarks.tabular_sides import SIDES, categories, positions
from scripts.lib.record import append
from zoo.core.memory import keep_freed_blocks
from zoo.published.adult import TARGET, official
from zoo.tabular.data.prepared import prepare
from zoo.tabular.options import OPTIONS, TRAIN_EPOCHS, TRAIN_LR

EPOCHS: Final = (1, 3)  # of fastai's call
LOOKS: Final = 4  # at our accuracy in an epoch
PARTS: Final = ("epoch", "call", "row")


@dataclass(frozen=True)
class Settings:
    """How much to measure.

    Attributes:
        rows: rows of the training file.
        pairs: pairs of epochs that are timed.
        calls: pairs of whole calls.
        predictions: predictions of one row that are timed.
        batch_size: rows per step.
    """

    rows: int = 32_561
    pairs: int = 9
    calls: int = 9
    predictions: int = 1000
    batch_size: int = 64


SMOKE = Settings(rows=3000, pairs=1, calls=1, predictions=10)


def main() -> None:
    """Every part, or one."""
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    flags.add_argument("--part", choices=PARTS, nargs="+", default=PARTS)
    flags.add_argument("--smoke", action="store_true", help="small and short, no record")
    chosen = flags.parse_args()
    importlib.import_module("benchmarks.tabular_by_fastai")  # says so if fastai is missing
    settings = SMOKE if chosen.smoke else Settings()
    record = shown if chosen.smoke else append
    torch.set_num_threads(1)  # more are slower on matrices of this size, for all sides
    keep_freed_blocks()  # as Run(keep_memory=True) does for the process: all sides have it
    frame = official("train").head(settings.rows)
    frame = frame.fillna("?")  # one more value for all sides, so that their tables are as large
    for part in chosen.part:
        MEASURES[part](frame, settings, record)


# ---- an epoch ---------------------------------------------------------------------------------


def epochs(frame: pd.DataFrame, settings: Settings, record: Callable[..., None]) -> None:
    """Rows a second of the three sides, in turn."""
    speeds: dict[str, list[float]] = {}
    scores: dict[str, list[float]] = {}
    for pair in range(-1, settings.pairs):  # the first one warms up
        names = list(SIDES)
        names = names[pair % 3 :] + names[: pair % 3]
        prepared = prepare(frame, TARGET, OPTIONS.complete({"run": zoo.Run(seed=max(pair, 0))}))
        for name in names:
            torch.manual_seed(pair + 1)
            seconds, rows, accuracy = SIDES[name](frame, prepared, pair + 1, settings.batch_size)
            if pair < 0:
                continue
            speeds.setdefault(name, []).append(rows / seconds)
            scores.setdefault(name, []).append(accuracy)
            values = {"side": name, "pair": pair, "rows": rows, "seconds": seconds}
            record("tabular_speed.csv", part="epoch", **values, accuracy=accuracy)
    for other in ("fastai", "bare"):
        ratios = [a / b for a, b in zip(speeds["ours"], speeds[other], strict=True)]
        told(f"ours: {{}} times the rows a second of {other}", ratios)
    for name, found in scores.items():
        print(f"{name}: accuracy {np.mean(found):.4f} ± {np.std(found):.4f}")


# ---- a whole call -----------------------------------------------------------------------------


def calls(frame: pd.DataFrame, settings: Settings, record: Callable[..., None]) -> None:
    """Seconds to fastai's accuracy, in turn."""
    for n in EPOCHS:
        ratios = []
        for pair in range(-1, settings.calls):
            _, valid = positions(frame, max(pair, 0))
            theirs, accuracy = fastai_call(frame, valid, n, max(pair, 0), settings.batch_size)
            ours, reached, at = our_call(frame, valid, accuracy, max(pair, 0))
            if pair < 0:
                continue
            ratios.append(theirs / ours)
            values = {"pair": pair, "fastai_epochs": n, "fastai_seconds": theirs}
            values |= {"fastai_accuracy": accuracy, "seconds": ours, "accuracy": reached}
            record("tabular_speed.csv", part="call", side="both", **values, epochs=at)
        told(f"call: {{}} times faster to the accuracy of fastai's {n} epochs", ratios)


def fastai_call(
    frame: pd.DataFrame, valid: list[int], n: int, seed: int, batch_size: int
) -> tuple[float, float]:
    """Seconds of fastai's documented call, and its accuracy."""
    from benchmarks.tabular_by_fastai import learner, set_seed, silent

    set_seed(seed)
    began = time.process_time()
    learn = learner(frame, TARGET, valid, categories(frame), batch_size)
    with silent(learn):
        learn.fit_one_cycle(n)
    return time.process_time() - began, float(learn.recorder.values[-1][2])


def our_call(
    frame: pd.DataFrame, valid: list[int], goal: float, seed: int
) -> tuple[float, float, float]:
    """Seconds of what `zoo.tabular.train` does to the goal, the accuracy then, and its epochs."""
    mask = np.zeros(len(frame), dtype=bool)
    mask[valid] = True
    run = zoo.Run(device="cpu", seed=seed, progress=False)
    watch = Watch(goal)
    settings = {"members": 1, "callbacks": [watch], "run": run}  # one network, as fastai's
    learn = zoo.tabular.learner(frame, TARGET, valid=mask, **settings)
    watch.accuracy_now = lambda: learn.evaluate()["accuracy"]
    learn.fit_one_cycle(TRAIN_EPOCHS, TRAIN_LR)
    if watch.seconds is None:
        raise RuntimeError(f"{goal=} must be reached, got {watch.found}. Try more epochs.")
    return watch.seconds, watch.found, watch.epochs


class Watch:
    """Looks `LOOKS` times an epoch whether the accuracy has reached the goal, and stops there."""

    accuracy_now: Callable[[], float]

    def __init__(self, goal: float) -> None:
        self.goal, self.found, self.epochs = goal, 0.0, 0.0
        self.seconds: float | None = None
        self.began = time.process_time()

    def step_end(self, fit: Any) -> None:
        """Within an epoch."""
        steps = fit.steps[fit.epoch]
        if fit.step_in_epoch in [steps * look // LOOKS for look in range(1, LOOKS)]:
            self.look(self.accuracy_now(), fit)

    def epoch_end(self, fit: Any) -> None:
        """At its end, where training has validated."""
        self.look(fit.row["accuracy"], fit)

    def look(self, accuracy: float, fit: Any) -> None:
        """Take the time if this is the goal."""
        self.found, self.epochs = accuracy, fit.step / fit.steps[0]
        if accuracy >= self.goal:
            self.seconds, fit.stop = time.process_time() - self.began, True


# ---- one row ----------------------------------------------------------------------------------


def single_rows(frame: pd.DataFrame, settings: Settings, record: Callable[..., None]) -> None:
    """Microseconds of one prediction."""
    from benchmarks.tabular_by_fastai import learner, silent

    run = zoo.Run(device="cpu", progress=False)
    rows = [row for _, row in frame.drop(columns=TARGET).head(settings.predictions).iterrows()]
    with tempfile.TemporaryDirectory() as folder:
        saved = zoo.tabular.train(frame, TARGET, epochs=1, run=run).save(Path(folder) / "model")
        model = zoo.load(saved, run=run)
    given = [row.to_dict() for row in rows]
    ours = [timed(lambda row=row: model.predict(row)) for row in given]  # type: ignore[misc]
    learn = learner(frame, TARGET, positions(frame, 0)[1], categories(frame), settings.batch_size)
    with silent(learn):
        theirs = [timed(lambda row=row: learn.predict(row)) for row in rows[:50]]  # type: ignore[misc]
    found = {"us": 1e6 * statistics.median(ours), "fastai_us": 1e6 * statistics.median(theirs)}
    record("tabular_speed.csv", part="row", side="both", **found)


def timed(job: Callable[[], Any]) -> float:
    """Seconds."""
    began = time.process_time()
    job()
    return time.process_time() - began


# ---- what the parts share -----------------------------------------------------------------------


def shown(name: str, **values: object) -> None:
    """What `append` prints, without a record."""
    print("  ".join(f"{key}={value}" for key, value in values.items()))


def told(sentence: str, ratios: list[float]) -> None:
    """Print the median and the range of pairs."""
    middle = f"{statistics.median(ratios):.2f}"
    print(f"{sentence.format(middle)}, {min(ratios):.2f} to {max(ratios):.2f}\n")


MEASURES: Final = {"epoch": epochs, "call": calls, "row": single_rows}

if __name__ == "__main__":
    main()
