"""Part 4: a whole call of `finetune` on photos beside torchvision's reference loop.

3,700 JPEG files, a fifth of them to validate on, made of the photos of dogs and cats where their
archive is at hand, drawn otherwise. Both sides begin with ResNet-50 of random weights, take 224
pixels, batches of 64 and five epochs in bf16, and score the validation photos after each. Ours is
`zoo.vision.finetune` from the files to the scored model, with an empty cache of decoded photos;
the reference is the loop of torchvision's `references/classification/train.py`: `ImageFolder`,
`DataLoader` with a worker for each core, `RandomResizedCrop`, a flip, AMP, channels last; and, if
timm is installed, the same loop with timm's loader, which normalises on the GPU.

How much a GPU waits for photos is the time of an epoch beside one of the same steps on photos that
lie on the device: 1 - the latter / the former.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2

import zoo
from benchmarks.device.photo_files import make_photos
from benchmarks.device.room import Room
from benchmarks.loop_overhead import photo_network, timed
from zoo.core.batches import Data, TensorBatches
from zoo.core.training.learner import Learner

LONGEST: Final = 60.0  # seconds of the whole call
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Settings:
    """Sizes of the measurement."""

    network: str = "resnet50"
    photos: int = 3700
    side: int = 224
    batch_size: int = 64
    epochs: int = 5
    workers: int = min(os.cpu_count() or 1, 16)


SMOKE: Final = Settings("resnet18", photos=20, side=32, batch_size=8, epochs=1, workers=1)


def run(room: Room) -> None:
    """Whole calls, then epochs beside steps without loading."""
    settings = SMOKE if room.at.smoke else Settings()
    folder = make_photos(room, settings.photos, settings.side)
    start = begun(room, settings)
    n = sum(1 for _ in folder.glob("train/*/*"))
    calls: dict[str, Callable[[], None]] = {
        "finetune": lambda: our_call(room, settings, folder, start),
        **{
            name: Reference(room, settings, folder, name).whole_call
            for name in ("torchvision", "timm")
            if find_spec(name)
        },
    }
    warm_up(Reference(room, settings, folder, "torchvision"))
    for name, call in calls.items():
        seconds = timed(call, room.at.device)
        longest = LONGEST if name == "finetune" else None
        room.row(name, "seconds of the call", seconds, "s", at_most=longest)
        room.row(name, "photos per second of the call", settings.epochs * n / seconds, "photos/s")
    waits(room, "finetune", n, *our_epochs(room, settings, folder, start))
    for name in list(calls)[1:]:
        waits(room, name, n, *Reference(room, settings, folder, name).epochs())


def warm_up(reference: Reference) -> None:
    """Have the device and its libraries begin, which no side is to pay for."""
    model, optimizer = reference.model_and_optimizer()
    reference.epoch(model, optimizer, [on_device(reference.room, reference.settings, 1)])


def waits(room: Room, name: str, n: int, seconds: float, without: float) -> None:
    """Rows about an epoch, and about the same steps on photos that lie on the device."""
    room.row(name, "photos per second of an epoch", n / seconds, "photos/s")
    room.row(name, "photos per second without loading", n / without, "photos/s")
    room.row(name, "share of the time that the GPU waits", max(1 - without / seconds, 0.0))


# ---- ours ----------------------------------------------------------------------------------------


def begun(room: Room, settings: Settings) -> Path:
    """An artifact of the network with random weights and other classes, to begin from."""
    folder = room.at.work / f"{settings.network}-random"
    shutil.rmtree(folder, ignore_errors=True)
    few = make_photos(room, SMOKE.photos, SMOKE.side, ("one", "other"))
    run = zoo.Run(device="cpu", progress=False, cache=room.at.work / "cache-few")
    learn = zoo.vision.learner(few, model=settings.network, size=settings.side, run=run)
    return learn.save(folder)


def our_run(room: Room) -> zoo.Run:
    """Circumstances with an empty cache."""
    cache = room.at.work / "cache-photos"
    shutil.rmtree(cache, ignore_errors=True)
    return zoo.Run(device=room.at.device, progress=False, cache=cache)


def our_call(room: Room, settings: Settings, folder: Path, start: Path) -> None:
    """From the files to the scored model."""
    zoo.vision.finetune(
        str(start),
        folder,
        size=settings.side,
        batch_size=settings.batch_size,
        epochs=settings.epochs,
        run=our_run(room),
    )


def our_epochs(room: Room, settings: Settings, folder: Path, start: Path) -> tuple[float, float]:
    """Seconds of an epoch after the first, and of the same steps without loading."""
    learn: Any = zoo.vision.learner(
        folder,
        pretrained=str(start),
        size=settings.side,
        batch_size=settings.batch_size,
        run=our_run(room),
    )
    learn.unfreeze()
    learn.set_data(learn.data._replace(valid=None))
    learn.fit(3, 1e-4)
    seconds = min(row["seconds"] for row in learn.history.rows[1:])
    n, steps = len(learn.data.train), learn.data.train.steps(0)
    x, y = on_device(room, settings, 2)
    rows = torch.arange(n, device=x.device) % len(x)
    data = Data(TensorBatches(rows, y[rows], batch_size=-(-n // steps)))
    resident = Learner(
        learn.model,
        data,
        learn.task,
        callbacks=[Resident(x)],
        run=learn.run,
        batchnorm=learn.batchnorm,
    )
    resident.fit(3, 1e-4)
    return seconds, min(row["seconds"] for row in resident.history.rows[1:])


class Resident:
    """A callback that takes photos from the device by their numbers."""

    def __init__(self, photos: Tensor) -> None:
        self.photos = photos

    def batch(self, fit: Any, batch: Any) -> Any:
        """Put photos in the place of numbers."""
        photos = self.photos.index_select(0, batch.inputs[0])
        return batch._replace(inputs=(photos.contiguous(memory_format=torch.channels_last),))


def on_device(room: Room, settings: Settings, batches: int) -> tuple[Tensor, Tensor]:
    """Normalised noise and classes on the device."""
    n, side = batches * settings.batch_size, settings.side
    x = torch.randn(n, 3, side, side, device=room.at.device)
    y = torch.arange(n, device=room.at.device) % 2
    return x.contiguous(memory_format=torch.channels_last), y


# ---- the reference -------------------------------------------------------------------------------


@dataclass
class Reference:
    """Torchvision's reference loop with the same network, sizes and precision.

    Attributes:
        room: where it runs.
        settings: sizes.
        folder: of the photos.
        loads: whose loader it takes, "torchvision" or "timm".
    """

    room: Room
    settings: Settings
    folder: Path
    loads: str

    def whole_call(self) -> None:
        """From the files to the scored model."""
        model, optimizer = self.model_and_optimizer()
        train, valid = self.loader("train"), self.loader("valid")
        for _ in range(self.settings.epochs):
            self.epoch(model, optimizer, train)
            self.score(model, valid)

    def epochs(self) -> tuple[float, float]:
        """Seconds of an epoch after the first, and of the same steps without loading."""
        model, optimizer = self.model_and_optimizer()
        loader = self.loader("train")
        x, y = on_device(self.room, self.settings, 1)
        resident = [(x, y)] * len(loader)
        found = []
        for batches in (loader, resident):
            took = [
                timed(lambda b=batches: self.epoch(model, optimizer, b), self.room.at.device)
                for _ in range(3)
            ]
            found.append(min(took[1:]))
        n = len(loader.dataset)
        return found[0], found[1] * n / (len(loader) * len(x))

    def model_and_optimizer(self) -> tuple[nn.Module, torch.optim.Optimizer]:
        """A fresh network and its optimizer."""
        torch.manual_seed(0)
        torch.backends.cudnn.benchmark = True  # as the reference does
        model = photo_network(self.settings.network, 2, self.settings.side)
        model = model.to(self.room.at.device, memory_format=torch.channels_last)
        return model, torch.optim.SGD(model.parameters(), 1e-3, momentum=0.9, weight_decay=1e-4)

    def loader(self, part: str) -> DataLoader[Any]:
        """Photos of a part, varied in training."""
        side, training = self.settings.side, part == "train"
        if self.loads == "timm":
            return self.timm_loader(part)
        first = (
            [v2.RandomResizedCrop(side, antialias=True), v2.RandomHorizontalFlip()]
            if training
            else [v2.Resize(round(side * 256 / 224), antialias=True), v2.CenterCrop(side)]
        )
        last = [v2.PILToTensor(), v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)]
        return DataLoader(
            ImageFolder(self.folder / part, v2.Compose([*first, *last])),
            batch_size=self.settings.batch_size,
            shuffle=training,
            num_workers=self.settings.workers,
            pin_memory=self.room.at.device == "cuda",
            persistent_workers=True,
        )

    def timm_loader(self, part: str) -> Any:
        """The same by timm; its last batch of training is left out if it is not full."""
        from timm.data import create_dataset, create_loader

        device = self.room.at.device
        return create_loader(
            create_dataset("", root=str(self.folder / part)),
            input_size=(3, self.settings.side, self.settings.side),
            batch_size=self.settings.batch_size,
            is_training=part == "train",
            use_prefetcher=device == "cuda",
            color_jitter=0.0,
            mean=MEAN,
            std=STD,
            num_workers=self.settings.workers,
            pin_memory=device == "cuda",
            device=torch.device(device),
        )

    def epoch(self, model: nn.Module, optimizer: torch.optim.Optimizer, batches: Any) -> None:
        """One pass of training."""
        device = self.room.at.device
        model.train()
        for x, y in batches:
            x, y = self.moved(x), y.to(device, non_blocking=True)
            optimizer.zero_grad()
            with torch.autocast(device, torch.bfloat16):
                loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()

    @torch.inference_mode()
    def score(self, model: nn.Module, batches: Any) -> float:
        """Accuracy."""
        device = self.room.at.device
        model.eval()
        right, n = torch.zeros((), device=device), 0
        for x, y in batches:
            with torch.autocast(device, torch.bfloat16):
                output = model(self.moved(x))
            right += (output.argmax(1) == y.to(device, non_blocking=True)).sum()
            n += len(y)
        return float(right) / n

    def moved(self, x: Tensor) -> Tensor:
        """Photos on the device, channels last."""
        x = x.to(self.room.at.device, non_blocking=True)
        return x.contiguous(memory_format=torch.channels_last)
