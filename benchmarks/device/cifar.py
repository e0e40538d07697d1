"""Part 6: CIFAR-10 from random weights to 94 %, by the learner, ten times.

The network and its recipe are in `cifar_network`. Time runs from the making of the network to the
accuracy on the test pictures, which lie on the device as 8-bit pixels before; a first run, which
is not counted, warms up. The pictures are JPEG, which loses a little of the original.
"""

from __future__ import annotations

import io
import multiprocessing
import statistics
import tarfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from benchmarks.device.cifar_network import FastNet, LookAhead, Pictures, Recipe, whitening_of
from benchmarks.device.room import Room
from zoo.core.batches import Data, TensorBatches
from zoo.core.run import Run, seeded
from zoo.core.task import classification
from zoo.core.training.learner import Learner

ARCHIVE: Final = "cifar10-jpg.tar.xz"
CLASSES: Final = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)
RUNS: Final = 10
ACCURACY, SECONDS = 0.94, 4.0  # targets of the means
WHITENED: Final = 5000  # pictures whose patches are whitened
SCORED: Final = 2000  # pictures that are scored at a time


class Part(NamedTuple):
    """Pictures and their classes. Shape: (N, 3, 32, 32), uint8; (N,), int64."""

    pixels: Tensor
    labels: Tensor


def run(room: Room) -> None:
    """Train again and again; a row for each run, then means."""
    torch.backends.cudnn.benchmark = True
    device, smoke = room.at.device, room.at.smoke
    train, test = (Part(*(t.to(device) for t in part)) for part in parts(room))
    recipe = replace(Recipe(), epochs=1, batch_size=30) if smoke else Recipe()
    found: list[tuple[float, float]] = []
    for number in range(-1, 1 if smoke else RUNS):
        accuracy, plain, seconds = trial(train, test, recipe, seed=number + 1, device=device)
        if number < 0:
            room.row("cifar10", "warm-up", seconds, "s")
            continue
        room.row("cifar10", "accuracy", accuracy, round=number)
        room.row("cifar10", "accuracy of one view", plain, round=number)
        room.row("cifar10", "seconds", seconds, "s", round=number)
        found.append((accuracy, seconds))
    room.row("cifar10", "epochs", recipe.epochs)
    mean = statistics.mean(accuracy for accuracy, _ in found)
    room.row("cifar10", "mean accuracy", mean, at_least=ACCURACY)
    room.row("cifar10", "mean seconds", statistics.mean(s for _, s in found), "s", at_most=SECONDS)


def trial(
    train: Part, test: Part, recipe: Recipe, *, seed: int, device: str
) -> tuple[float, float, float]:
    """Accuracy over the views, that of one view, and seconds of one run."""
    synchronize(device)
    began = time.perf_counter()
    precision = "bf16" if device == "cuda" else "fp32"
    dtype = torch.bfloat16 if device == "cuda" else torch.float32
    pixels = train.pixels.float()
    mean, std = pixels.mean((0, 2, 3)), pixels.std((0, 2, 3))
    with seeded(seed, torch.device(device)):
        pictures = Pictures(train.pixels, mean, std, seed=seed, dtype=dtype)
        network = FastNet(whitening_of(pictures.plain[:WHITENED]))
    learn = Learner(
        network.to(device, memory_format=torch.channels_last),
        Data(
            TensorBatches(
                torch.arange(len(train.labels), device=device),
                train.labels,
                batch_size=recipe.batch_size,
                seed=seed,
            )
        ),
        classification(len(CLASSES), label_smoothing=recipe.label_smoothing),
        optimizer=recipe.optimizer,
        batchnorm="live",
        callbacks=[pictures, LookAhead()],
        run=Run(device=device, precision=precision, seed=seed, progress=False),
    )
    learn.fit(recipe.epochs, recipe.rates, recipe.schedule)
    accuracy, plain = scores(learn, Pictures(test.pixels, mean, std, dtype=dtype), test.labels)
    synchronize(device)
    return accuracy, plain, time.perf_counter() - began


def scores(learn: Learner, pictures: Pictures, labels: Tensor) -> tuple[float, float]:
    """Accuracy of the mean over all views, and of the picture as it is."""
    weighted = []
    for share, view in pictures.views():
        batches = TensorBatches(view, labels, batch_size=SCORED, shuffle=False)
        weighted.append(share * learn.predict(batches))
    truth = labels.cpu()
    means = (torch.stack(weighted).sum(0), weighted[0])
    accuracies = [(mean.argmax(1) == truth).float().mean().item() for mean in means]
    return accuracies[0], accuracies[1]


def synchronize(device: str) -> None:
    """Wait for the device."""
    if device == "cuda":
        torch.cuda.synchronize()


# ---- the pictures --------------------------------------------------------------------------------


def parts(room: Room) -> list[Part]:
    """Training and test pictures; of smoke, a few that are made up.

    Raises:
        FileNotFoundError: the archive is in no folder of data.
    """
    if room.at.smoke:
        return [made_up(60, 0), made_up(30, 1)]
    path = room.at.archive(ARCHIVE)
    if path is None:
        raise FileNotFoundError(f"the pictures must be carried, got no {ARCHIVE}. Give --data.")
    stored = room.at.work / "cifar10.npz"
    if not stored.exists():
        np.savez(stored, **unpacked(path))
    arrays = np.load(stored)
    return [
        Part(torch.from_numpy(arrays[f"{name}_pixels"]), torch.from_numpy(arrays[f"{name}_labels"]))
        for name in ("train", "test")
    ]


def unpacked(archive: Path) -> dict[str, np.ndarray]:
    """Pixels and labels of both parts, read from the archive of JPEG files."""
    files: list[bytes] = []
    places: list[tuple[str, int]] = []
    with tarfile.open(archive) as members:
        for member in members:
            if not member.name.endswith(".jpg"):
                continue
            part, label = Path(member.name).parts[-3:-1]
            file = members.extractfile(member)
            assert file is not None  # a file, by its name
            files.append(file.read())
            places.append((part, CLASSES.index(label)))
    with multiprocessing.get_context("fork").Pool() as pool:  # before the GPU is touched
        pixels = np.stack(pool.map(decoded, files, chunksize=500))
    found: dict[str, np.ndarray] = {}
    for name in ("train", "test"):
        rows = [i for i, (part, _) in enumerate(places) if part == name]
        found[f"{name}_pixels"] = pixels[rows]
        found[f"{name}_labels"] = np.array([places[i][1] for i in rows], dtype=np.int64)
    return found


def decoded(file: bytes) -> np.ndarray:
    """Pixels of a JPEG file. Shape: (3, H, W), uint8."""
    return np.asarray(Image.open(io.BytesIO(file)).convert("RGB")).transpose(2, 0, 1)


def made_up(n: int, seed: int) -> Part:
    """Noise of a colour for each class."""
    draw = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % len(CLASSES)
    colours = torch.rand(len(CLASSES), 3, 1, 1, generator=torch.Generator().manual_seed(9)) * 128
    noise = torch.rand(n, 3, 32, 32, generator=draw) * 127
    return Part((colours[labels] + noise).to(torch.uint8), labels)
