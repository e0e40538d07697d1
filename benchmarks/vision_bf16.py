"""bf16 beside fp32 on a CPU that computes in it: every backbone, training and prediction apart.

A row for each backbone: CPU seconds of one thread, all sides in turn in one process, medians over
rounds; `..._ratio` is the median of the rounds' ratios, fp32 to bf16, between `..._low` and
`..._high`. `train` is a step (forward, loss, backward) of a classifier as `zoo.vision.finetune`
trains it, batch norms fixed; `torch` the same step with the gradients of depthwise convolutions as
torch computes them (see `zoo.vision.models.depthwise`); `predict` a forward pass in evaluation
mode. `units` says what the CPU has for bf16. Random weights: speed does not depend on them.

`precision="auto"` trains those in bf16 that gained at least a tenth in every round
(`zoo.vision.models.backbones.BF16_ON_CPU`); predictions stay in fp32, for those of bf16 differ.
What bf16 does to scores, `python -m benchmarks.vision_bf16 --scores` measures.

    python -m benchmarks.vision_bf16                # writes results/vision_bf16.csv
    python -m benchmarks.vision_bf16 --scores       # writes results/vision_bf16_scores.csv
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
import torch.nn.functional as F

import zoo
from scripts.lib.record import append
from zoo.core.run import Precision, cpu_units
from zoo.published.digits import write_digits
from zoo.vision.models import bodies
from zoo.vision.models.classifier import Classifier, build_classifier
from zoo.vision.models.lite import NAME

BACKBONES = (
    *("resnet18", "resnet34", "resnet50", "efficientnet_lite0", "efficientnet_b0"),
    *("mobilenet_v2", "mobilenet_v3_large", "convnext_tiny", "regnet_y_400mf"),
)


PARTS = {NAME: "val", "resnet18": "valid"}  # folders of the photos that are scored


@dataclass(frozen=True)
class Settings:
    """How much to measure.

    Attributes:
        size: pixels of the side of a photo.
        batch_size: photos of a batch.
        rounds: times that each side is timed.
        seeds: fine-tuned models of each precision.
        epochs: of one that is fine-tuned.
        digit_epochs: of one that learns digits.
    """

    size: int = 128
    batch_size: int = 16
    rounds: int = 7
    seeds: int = 5
    epochs: int = 1
    digit_epochs: int = 3


def main() -> None:
    """The record of the named backbones, or the scores."""
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("backbones", nargs="*", default=BACKBONES)
    flags.add_argument("--scores", action="store_true", help="of fine-tuned models, no speed")
    chosen = flags.parse_args()
    if not cpu_units():
        sys.exit("bf16 is measured on a CPU with AVX512-BF16 or AMX, and this one has neither")
    torch.set_num_threads(1)
    if chosen.scores:
        for network in (name for name in chosen.backbones if name in PARTS):
            for seed in range(Settings.seeds):
                append("vision_bf16_scores.csv", **scores(network, seed, Settings()))
        return
    for name in chosen.backbones:
        append("vision_bf16.csv", **speed(name, Settings()))


# ---- speed ------------------------------------------------------------------------------------


def speed(name: str, settings: Settings) -> dict[str, Any]:
    """The row of a backbone."""
    torch.manual_seed(0)
    size, n = settings.size, settings.batch_size
    model = build_classifier(name, 2, pretrained=False, size=size, hidden=None, pool="avg")
    model = model.to(memory_format=torch.channels_last).eval()  # batch norms fixed
    x = torch.randn(n, 3, size, size).contiguous(memory_format=torch.channels_last)
    y = torch.randint(2, (n,))
    trains: list[Callable[[], float]] = [
        lambda: step(model, x, y, None),
        lambda: step(model, x, y, torch.bfloat16),
        lambda: step(model, x, y, torch.bfloat16, as_torch=True),
    ]
    predicts = [lambda: forward(model, x, None), lambda: forward(model, x, torch.bfloat16)]
    fp32, bf16, as_torch = in_turn(trains, settings.rounds)
    plain, half = in_turn(predicts, settings.rounds)
    return {
        "network": name,
        "size": size,
        "batch_size": n,
        "units": " and ".join(cpu_units()),
        "rounds": settings.rounds,
        "train_fp32": statistics.median(fp32),
        "train_bf16": statistics.median(bf16),
        **ratios("train", fp32, bf16),
        **ratios("torch", fp32, as_torch),
        "predict_fp32": statistics.median(plain),
        "predict_bf16": statistics.median(half),
        **ratios("predict", plain, half),
    }


def step(
    model: Classifier,
    x: torch.Tensor,
    y: torch.Tensor,
    dtype: torch.dtype | None,
    *,
    as_torch: bool = False,
) -> float:
    """CPU seconds of a training step without its optimizer."""
    gradients = patch.object(bodies, "fast_gradients", lambda x: nullcontext())
    began = time.process_time()
    autocast = torch.autocast("cpu", dtype, enabled=dtype is not None)
    with gradients if as_torch else nullcontext(), autocast:
        F.cross_entropy(model(x), y).backward()  # type: ignore[no-untyped-call]
    seconds = time.process_time() - began
    model.zero_grad()
    return seconds


@torch.inference_mode()
def forward(model: Classifier, x: torch.Tensor, dtype: torch.dtype | None) -> float:
    """CPU seconds of a forward pass."""
    began = time.process_time()
    with torch.autocast("cpu", dtype, enabled=dtype is not None):
        model(x)
    return time.process_time() - began


def in_turn(sides: list[Callable[[], float]], rounds: int) -> list[list[float]]:
    """Seconds of each side, round by round, after one to warm up."""
    found = [[side() for side in sides] for _ in range(rounds + 1)][1:]
    return [list(column) for column in zip(*found, strict=True)]


def ratios(name: str, slow: list[float], fast: list[float]) -> dict[str, float]:
    """Median, least and highest ratio of the rounds."""
    each = [one / other for one, other in zip(slow, fast, strict=True)]
    found = {"ratio": statistics.median(each), "low": min(each), "high": max(each)}
    return {f"{name}_{key}": value for key, value in found.items()}


# ---- scores -----------------------------------------------------------------------------------


def scores(network: str, seed: int, settings: Settings) -> dict[str, Any]:
    """Accuracy of a model that was trained in either precision.

    EfficientNet-Lite0 is fine-tuned on ants and bees; ResNet-18, whose weights would have to be
    fetched, learns handwritten digits. `auto_in_bf16` is the bf16 one that predicts in bf16, too,
    and `differs` the largest difference that makes to the probability of what it says.
    """
    row: dict[str, Any] = {"network": network, "seed": seed, "units": " and ".join(cpu_units())}
    with tempfile.TemporaryDirectory() as cache:
        photos = zoo.data.get("hymenoptera") if network == NAME else write_digits(Path(cache))
        precisions: tuple[Precision, ...] = ("fp32", "auto")
        for precision in precisions:
            run = zoo.Run(seed=seed, precision=precision, progress=False, cache=cache)
            model = trained(network, photos, run, settings)
            row |= {f"{precision}_{name}": value for name, value in model.metrics.items()}
        folder = str(model.save(f"{cache}/model"))
        half = zoo.load(folder, run=zoo.Run(precision="bf16", progress=False, cache=cache))
        row["auto_in_bf16"] = half.evaluate(photos / PARTS[network])["accuracy"]
        exact: Any = model.predict(photos / PARTS[network])
        rough: Any = half.predict(photos / PARTS[network])
    pairs = zip(exact, rough, strict=True)
    row["differs"] = max(abs(a.probabilities[a.label] - b.probabilities[a.label]) for a, b in pairs)
    return row


def trained(network: str, photos: Path, run: zoo.Run, settings: Settings) -> Any:
    """The model of a network."""
    form: dict[str, Any] = {"batch_size": settings.batch_size, "run": run}
    if network == NAME:
        size, epochs = settings.size, settings.epochs
        return zoo.vision.finetune(network, photos, size=size, epochs=epochs, **form)
    return zoo.vision.train(
        photos, model=network, size=32, epochs=settings.digit_epochs, augment="none", **form
    )


if __name__ == "__main__":
    main()
