"""Photos a second beside fastai 2.8 on this machine: ResNet-18 and EfficientNet-Lite0 at 128 px.

Every measurement has a process of its own (what one library does to malloc or to torch must not
help or hurt the other), in pairs of one each, in changing order; batches of 16. The rows:

- `fp32`: one epoch, after one to warm up, on the same normalised float tensors in memory (240 of
  them; no loading, no augmentation, no validation), the same network, batch norms live, fp32 on
  both; else each library's own defaults: AdamW fused and channels-last here, its Adam and
  contiguous tensors there.
- `fp32 channels-last`: the same with fastai's `ChannelsLast` callback: the same layout on both.
- `auto`: as `fp32` with this library's automatic precision against fastai's default, fp32. The
  column `dtype` tells what the automatic precision was; where it is fp32, the row repeats `fp32`.
- `call`: the whole call on 398 photos of ants and bees, from the files, first decode included:
  `zoo.vision.finetune(..., size=128, epochs=1)` with an empty cache against `from_folder` with
  `Resize(146)` and `aug_transforms(size=128)`, `vision_learner(...).fine_tune(1)`, its default
  workers. The work differs: our frozen phase is one forward pass of unvaried photos and a logistic
  regression, fastai's a frozen epoch with augmentation; our batch norms are fixed, its train; the
  augmentations are each library's own; fastai drops the last, short batch. Both see all training
  photos twice (ours mirrored, too, in the frozen phase) and all validation photos twice; `photos`
  counts them. Imports are not timed.

`ratio` is of photos a second by the clock, `cpu_ratio` of CPU seconds, the children's included (a
shared machine disturbs them less; one thread each: `OMP_NUM_THREADS=1`). `units` says what the CPU
has to compute in bf16; "auto" follows it where `results/vision_bf16.csv` says that it pays.

Random weights for ResNet-18, since speed does not depend on them. `pip install fastai` first; it is
no dependency of the project. Cost: about 12 minutes on two cores.

    python -m benchmarks.vision_speed          # writes results/vision_speed.csv
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import torch

import zoo
from scripts.lib.record import append
from zoo.core.batches import Data, TensorBatches
from zoo.core.run import cpu_units
from zoo.core.task import classification
from zoo.core.training.learner import Learner
from zoo.vision.models.classifier import build_classifier
from zoo.vision.models.lite import NAME

Side = Literal["ours", "fastai"]
SIDES: tuple[Side, Side] = ("ours", "fastai")
NETWORKS = ("resnet18", NAME)
ROWS = ("fp32", "fp32 channels-last", "auto", "call")
RATE = 1e-4


@dataclass(frozen=True)
class Settings:
    """How much to measure.

    Attributes:
        size: pixels of the side that the network sees.
        resize: pixels of the short side that photos are decoded to.
        batch_size: photos per step.
        photos: tensors of an epoch.
        pairs: pairs of epochs that are timed.
        calls: pairs of whole calls.
    """

    size: int = 128
    resize: int = 146
    batch_size: int = 16
    photos: int = 240
    pairs: int = 3
    calls: int = 1


@dataclass(frozen=True)
class Job:
    """What is timed: `run` gives the photos it saw; `dtype` is what it computes in."""

    run: Callable[[], int]
    dtype: str
    warm_up: bool = True


SMOKE = Settings(size=64, resize=73, photos=32, pairs=1, calls=1)


def main() -> None:
    """Every network and row; the median of the ratios and their range."""
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--network", choices=NETWORKS)
    flags.add_argument("--row", choices=ROWS)
    flags.add_argument("--smoke", action="store_true", help="small and short, no record")
    flags.add_argument("--child", choices=SIDES)
    chosen = flags.parse_args()
    if chosen.child:
        settings = SMOKE if chosen.smoke else Settings()
        print(json.dumps(alone(chosen.child, chosen.network, chosen.row, settings)))
        return
    importlib.import_module("benchmarks.by_fastai")  # says so if fastai is missing
    for network in NETWORKS if chosen.network is None else (chosen.network,):
        for row in ROWS if chosen.row is None else (chosen.row,):
            measure(network, row, smoke=chosen.smoke)


def measure(network: str, row: str, *, smoke: bool) -> None:
    """Both sides in turn; a record for each pair."""
    settings = SMOKE if smoke else Settings()
    ratios: list[float] = []
    for pair in range(settings.calls if row == "call" else settings.pairs):
        order = SIDES if pair % 2 == 0 else SIDES[::-1]
        found = {side: in_process(side, network, row, smoke=smoke) for side in order}
        ours, theirs = found["ours"], found["fastai"]
        ratios.append(ours["photos_s"] / theirs["photos_s"])
        values = {
            "network": network,
            "row": row,
            "pair": pair,
            "size": settings.size,
            "batch_size": settings.batch_size,
            **ours,
            **{f"fastai_{name}": value for name, value in theirs.items()},
            "ratio": ratios[-1],
            "cpu_ratio": theirs["cpu"] / ours["cpu"] * ours["photos"] / theirs["photos"],
            "units": " and ".join(cpu_units()) or "none",
        }
        print(values) if smoke else append("vision_speed.csv", **values)
    print(
        f"{network}, {row}: {statistics.median(ratios):.2f} times fastai's photos a second, "
        f"{min(ratios):.2f} to {max(ratios):.2f} over {len(ratios)} pairs\n"
    )


def in_process(side: Side, network: str, row: str, *, smoke: bool) -> dict[str, Any]:
    """What a fresh process finds."""
    flags = ["--child", side, "--network", network, "--row", row, *(["--smoke"] if smoke else [])]
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.vision_speed", *flags]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    return found


def alone(side: Side, network: str, row: str, settings: Settings) -> dict[str, Any]:
    """Seconds and photos of one job in this process."""
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as name:
        job = jobs(Path(name))[side, row == "call"](network, row, settings)
        if job.warm_up:
            job.run()
        began, used = time.perf_counter(), cpu_seconds()
        photos = job.run()
        seconds, used = time.perf_counter() - began, cpu_seconds() - used
    return {
        "dtype": job.dtype,
        "seconds": seconds,
        "cpu": used,
        "photos": photos,
        "photos_s": photos / seconds,
    }


def cpu_seconds() -> float:
    """Of this process and of its children that have ended, such as a loader's workers."""
    return sum(os.times()[:4])


def jobs(folder: Path) -> dict[tuple[Side, bool], Callable[[str, str, Settings], Job]]:
    """What makes the job of a side: an epoch, or (True) a whole call."""
    return {
        ("ours", False): our_epoch,
        ("fastai", False): fastai_epoch,
        ("ours", True): lambda network, row, settings: our_call(network, settings, folder),
        ("fastai", True): lambda network, row, settings: fastai_call(network, settings),
    }


# ---- an epoch on tensors ----------------------------------------------------------------------


def network_and_tensors(network: str, settings: Settings) -> tuple[Any, torch.Tensor, torch.Tensor]:
    """The same for both sides."""
    n, size = settings.photos, settings.size
    x, y = torch.randn(n, 3, size, size), torch.randint(2, (n,))
    model = build_classifier(network, 2, pretrained=False, size=size, hidden=None, pool="avg")
    return model, x, y


def our_epoch(network: str, row: str, settings: Settings) -> Job:
    """By a learner as `zoo.vision` sets it up, but for live batch norms, as fastai's are."""
    model, x, y = network_and_tensors(network, settings)
    x = x.contiguous(memory_format=torch.channels_last)
    learn: Learner[Any, Any] = Learner(
        model.to(memory_format=torch.channels_last),
        Data(TensorBatches(x, y, batch_size=settings.batch_size)),
        classification(2),
        batchnorm="live",
        run=zoo.Run(precision="auto" if row == "auto" else "fp32", progress=False),
    )

    def run() -> int:
        learn.fit_one_cycle(1, RATE)
        return settings.photos

    return Job(run, str(learn.dtype or torch.float32).removeprefix("torch."))


def fastai_epoch(network: str, row: str, settings: Settings) -> Job:
    """By fastai's learner."""
    from benchmarks.by_fastai import on_tensors, silent

    model, x, y = network_and_tensors(network, settings)
    layout = row == "fp32 channels-last"
    learn = on_tensors(model, x, y, batch_size=settings.batch_size, channels_last=layout)

    def run() -> int:
        with silent(learn):
            learn.fit_one_cycle(1, RATE)
        return settings.photos

    return Job(run, "float32")


# ---- a whole call on photos -------------------------------------------------------------------


def our_call(network: str, settings: Settings, folder: Path) -> Job:
    """From the files to the scored model; every call in a process has an empty cache."""
    for name in ("zoo.vision.classification.verbs", "torchmetrics.classification"):
        importlib.import_module(name)  # else at the first call
    photos = zoo.data.get("hymenoptera")
    n, size = len(list(photos.glob("*/*/*"))), settings.size
    start = network
    if network == "resnet18":  # a model of other classes, whose head makes room for a new one
        quiet = zoo.Run(progress=False, cache=folder / "other")
        files = sorted(photos.glob("train/*/*"))
        table = pd.DataFrame(
            {"photo": files, "label": [f"no {file.parent.name}" for file in files]}
        )
        learn: Any = zoo.vision.learner(table, model=network, size=size, hidden=None, run=quiet)
        start = str(learn.save(folder / "start"))

    def run() -> int:
        fresh = zoo.Run(progress=False, cache=folder / "cache")
        batch_size = settings.batch_size
        zoo.vision.finetune(start, photos, size=size, batch_size=batch_size, epochs=1, run=fresh)
        return 2 * n

    return Job(run, "auto", warm_up=False)


def fastai_call(network: str, settings: Settings) -> Job:
    """From the files to the scored model."""
    from benchmarks.by_fastai import on_photos, silent

    photos, batch_size = zoo.data.get("hymenoptera"), settings.batch_size
    n, n_train = (len(list(photos.glob(pattern))) for pattern in ("*/*/*", "train/*/*"))

    def run() -> int:
        sizes = {"size": settings.size, "resize": settings.resize}
        learn = on_photos(network, photos, **sizes, batch_size=batch_size)
        with silent(learn):
            learn.fine_tune(1)
        return 2 * (n - n_train % batch_size)

    return Job(run, "float32", warm_up=False)


if __name__ == "__main__":
    main()
