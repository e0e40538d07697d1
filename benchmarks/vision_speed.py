"""Photos a second beside fastai 2.8 on this machine: ResNet-18 and EfficientNet-Lite0 at 128 px.

Both sides work in one process and take turns, a pair of rounds after the other, in changing order;
batches of 16. A row is a pair of rounds:

- `fp32`: one epoch on the same normalised float tensors in memory (240 of them, no loading, no
  augmentation, no validation), the same network (ours, a copy for each side), batch norms live,
  fp32 on both; else each library's own defaults: AdamW fused and channels-last here, its Adam and
  contiguous tensors there.
- `fp32 channels-last`: the same with fastai's `ChannelsLast` callback: the same layout on both.
- `auto`: as `fp32` with this library's automatic precision against fastai's default, fp32. The
  column `dtype` tells what the automatic precision was; where it is fp32, the row repeats `fp32`.
- `call`: the whole call on 398 photos of ants and bees, from the files, first decode included:
  `zoo.vision.finetune(..., size=128, epochs=1)` with an empty cache against `from_folder` with
  `Resize(146)` and `aug_transforms(size=128)`, `vision_learner(...).fine_tune(1)`, its default
  workers. The work differs: our frozen phase is one forward pass of unvaried photos and a logistic
  regression, fastai's a frozen epoch with augmentation; our batch norms are fixed, its train; our
  augmentation samples once, its draws more transforms; fastai drops the last, short batch. Both
  see all training photos twice and all validation photos twice; `photos` counts them.

Random weights for ResNet-18, since speed does not depend on them. `pip install fastai` first; it is
no dependency of the project. Cost: about 20 minutes on two cores.

    python -m benchmarks.vision_speed          # writes results/vision_speed.csv
"""

from __future__ import annotations

import argparse
import copy
import functools
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

import zoo
from benchmarks.by_fastai import on_photos, on_tensors, silent
from scripts.record import append
from zoo.core.batches import Data, TensorBatches
from zoo.core.learner import Learner
from zoo.core.run import Precision
from zoo.core.task import classification
from zoo.vision.models.classifier import build_classifier
from zoo.vision.models.lite0 import NAME

Row = Literal["fp32", "fp32 channels-last", "auto", "call"]
NETWORKS = ("resnet18", NAME)
ROWS: tuple[Row, ...] = ("fp32", "fp32 channels-last", "auto", "call")
SIZE, RESIZE, RATE = 128, 146, 1e-4


@dataclass(frozen=True)
class Settings:
    """How much to measure.

    Attributes:
        size: pixels of the side that the network sees.
        resize: pixels of the short side that photos are decoded to.
        batch_size: photos a step.
        photos: tensors of an epoch.
        rounds: pairs of epochs.
        calls: pairs of whole calls.
        record: whether rows go to the CSV.
    """

    size: int = SIZE
    resize: int = RESIZE
    batch_size: int = 16
    photos: int = 240
    rounds: int = 7
    calls: int = 3
    record: bool = True


@dataclass(frozen=True)
class Pair:
    """The same job on both sides; each gives the photos that it saw."""

    ours: Callable[[], int]
    fastai: Callable[[], int]
    dtype: str


def main() -> None:
    """Every network and row; the median of the ratios and their range."""
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--network", choices=NETWORKS)
    flags.add_argument("--row", choices=ROWS)
    flags.add_argument("--smoke", action="store_true", help="small and short, no record")
    chosen = flags.parse_args()
    settings = Settings()
    if chosen.smoke:
        settings = Settings(64, 73, photos=32, rounds=2, calls=1, record=False)
    for network in NETWORKS if chosen.network is None else (chosen.network,):
        for row in ROWS if chosen.row is None else (chosen.row,):
            measure(network, row, settings)


def measure(network: str, row: Row, settings: Settings) -> None:
    """Time both sides in turn; a record for each pair."""
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        if row == "call":
            pair, rounds = calls(network, settings, Path(folder)), settings.calls
        else:
            pair, rounds = epochs(network, row, settings), settings.rounds
            pair.ours()  # warm up
            pair.fastai()
        sides = {"ours": pair.ours, "fastai": pair.fastai}
        ratios = []
        for i in range(rounds):
            names = list(sides) if i % 2 == 0 else list(sides)[::-1]
            timed = {name: seconds_of(sides[name]) for name in names}
            ratios.append(record(network, row, i, pair.dtype, timed, settings))
    print(
        f"{network}, {row}: {statistics.median(ratios):.2f} times fastai's photos a second, "
        f"{min(ratios):.2f} to {max(ratios):.2f} over {rounds} pairs\n"
    )


def record(
    network: str,
    row: Row,
    i: int,
    dtype: str,
    timed: dict[str, tuple[float, int]],
    settings: Settings,
) -> float:
    """Add a pair to the CSV; how many times fastai's photos a second ours are."""
    rates = {name: photos / seconds for name, (seconds, photos) in timed.items()}
    ratio = rates["ours"] / rates["fastai"]
    values = {
        "network": network,
        "row": row,
        "pair": i,
        "size": settings.size,
        "batch_size": settings.batch_size,
        "dtype": dtype,
        "seconds": timed["ours"][0],
        "photos": timed["ours"][1],
        "photos_s": rates["ours"],
        "fastai_seconds": timed["fastai"][0],
        "fastai_photos": timed["fastai"][1],
        "fastai_photos_s": rates["fastai"],
        "ratio": ratio,
    }
    append("vision_speed.csv", **values) if settings.record else print(values)
    return ratio


def seconds_of(side: Callable[[], int]) -> tuple[float, int]:
    """Seconds of one round, and the photos it saw."""
    began = time.perf_counter()
    photos = side()
    return time.perf_counter() - began, photos


def epochs(network: str, row: Row, settings: Settings) -> Pair:
    """An epoch on tensors in memory."""
    n, size = settings.photos, settings.size
    x, y = torch.randn(n, 3, size, size), torch.randint(2, (n,))
    model = build_classifier(network, 2, pretrained=False, size=size, hidden=None, pool="avg")
    precision: Precision = "auto" if row == "auto" else "fp32"
    learn = ours_on_tensors(copy.deepcopy(model), x, y, precision, settings.batch_size)
    theirs = on_tensors(
        model,
        x,
        y,
        batch_size=settings.batch_size,
        channels_last=row == "fp32 channels-last",
    )

    def ours() -> int:
        learn.fit_one_cycle(1, RATE)
        return n

    def fastai() -> int:
        with silent(theirs):
            theirs.fit_one_cycle(1, RATE)
        return n

    return Pair(ours, fastai, str(learn.dtype or torch.float32).removeprefix("torch."))


def ours_on_tensors(
    model: torch.nn.Module, x: Tensor, y: Tensor, precision: Precision, batch_size: int
) -> Learner:
    """A learner as `zoo.vision` sets it up, but for live batch norms, as fastai's are."""
    x = x.contiguous(memory_format=torch.channels_last)
    return Learner(
        model.to(memory_format=torch.channels_last),
        Data(TensorBatches(x, y, batch_size=batch_size)),
        classification(2),
        batchnorm="live",
        run=zoo.Run(precision=precision, progress=False),
    )


def calls(network: str, settings: Settings, folder: Path) -> Pair:
    """A whole call on photos, from the files."""
    photos = zoo.data.get("hymenoptera")
    n_train, n_valid = (sum(1 for _ in (photos / part).glob("*/*")) for part in ("train", "val"))
    caches = fresh_folders(folder)
    start: str = network
    if network == "resnet18":
        quiet = zoo.Run(progress=False, cache=next(caches))
        options = {"size": settings.size, "random_weights": True, "run": quiet}
        start = str(zoo.vision.learner(network, photos, **options).save(folder / "start"))

    def ours() -> int:
        run = zoo.Run(progress=False, cache=next(caches))
        size, batch_size = settings.size, settings.batch_size
        zoo.vision.finetune(start, photos, size=size, batch_size=batch_size, epochs=1, run=run)
        return 2 * (n_train + n_valid)

    def fastai() -> int:
        learn = on_photos(
            network,
            photos,
            size=settings.size,
            resize=settings.resize,
            batch_size=settings.batch_size,
        )
        with silent(learn):
            learn.fine_tune(1)
        return 2 * (n_train - n_train % settings.batch_size + n_valid)

    return Pair(ours, fastai, "auto")


def fresh_folders(parent: Path) -> Iterator[Path]:
    """Empty folders without end."""
    make = functools.partial(tempfile.mkdtemp, dir=parent)
    while True:
        yield Path(make())


if __name__ == "__main__":
    main()
