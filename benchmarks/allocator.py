"""Photos a second with and without glibc's habit of giving large tensors back after each step.

glibc returns large blocks to the kernel when they are freed: those above a threshold that it adapts
(up to 32 MiB) by unmapping them, the others by trimming the heap's end. A step on a CPU then meets
its activations as new pages each time, at a fault for every 4 KiB. At the start of a process,
`mallopt(M_MMAP_THRESHOLD, 1 GiB)` and `mallopt(M_TRIM_THRESHOLD, 2 GiB - 1)` keep them in the heap.

Measured for ResNet-18 at 128 px and EfficientNet-Lite0 at 128 and 224 px, batch 16, fp32,
channels-last, training (fused AdamW) and inference. Every measurement has a process of its own, in
pairs of one that is left as it is and one with the two calls, in changing order. One process cannot
serve both: the first `mallopt` ends glibc's own adapting for good, and a heap that has once grown
under the large thresholds stays large under small ones, which hides the difference. Besides, a
process has but one peak of memory.

Linux with glibc only. Cost: about 12 minutes on two cores.

    python -m benchmarks.allocator             # writes results/allocator.csv
"""

from __future__ import annotations

import argparse
import ctypes
import json
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
import torch.nn.functional as F

from scripts.lib.record import append
from zoo.vision.models.classifier import build_classifier
from zoo.vision.models.lite import NAME

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # numbers of glibc's malloc.h
WARM_UP = 3  # steps
BATCH_SIZE, CLASSES = 16, 10
PAIRS = 5

MAPPED, TRIMMED = 2**30, 2**31 - 1  # bytes

Setting = Literal["as it is", "kept"]
SETTINGS: tuple[Setting, Setting] = ("as it is", "kept")


@dataclass(frozen=True)
class Case:
    """A network at a size, trained or asked."""

    network: str
    size: int
    mode: Literal["training", "inference"]
    steps: int  # that are timed


CASES = (
    Case("resnet18", 128, "training", 12),
    Case("resnet18", 128, "inference", 40),
    Case(NAME, 128, "training", 16),
    Case(NAME, 128, "inference", 60),
    Case(NAME, 224, "training", 8),
    Case(NAME, 224, "inference", 24),
)


def main() -> None:
    """Every case, pair by pair."""
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--pairs", type=int, default=PAIRS)
    flags.add_argument("--smoke", action="store_true", help="two steps, one pair, no record")
    flags.add_argument("--child", nargs=3, metavar=("CASE", "STEPS", "SETTING"))
    chosen = flags.parse_args()
    if platform.libc_ver()[0] != "glibc":
        raise SystemExit("the settings that are measured here are those of glibc's malloc")
    if chosen.child:
        number, steps, setting = chosen.child
        print(json.dumps(alone(CASES[int(number)], int(steps), setting)))
        return
    for number in range(len(CASES)):
        measure(number, 1 if chosen.smoke else chosen.pairs, smoke=chosen.smoke)


def measure(number: int, pairs: int, *, smoke: bool) -> None:
    """A case: a row for each process, and what it came to."""
    case = CASES[number]
    steps = 2 if smoke else case.steps
    ratios: list[float] = []
    peaks: dict[str, list[float]] = {setting: [] for setting in SETTINGS}
    for pair in range(pairs):
        found = {}
        for setting in SETTINGS if pair % 2 == 0 else SETTINGS[::-1]:
            found[setting] = in_process(number, steps, setting)
            peaks[setting].append(found[setting]["peak_mib"])
            row = {
                "network": case.network,
                "size": case.size,
                "mode": case.mode,
                "pair": pair,
                "setting": setting,
                **found[setting],
            }
            print(row) if smoke else append("allocator.csv", **row)
        ratios.append(found["kept"]["photos_s"] / found["as it is"]["photos_s"])
    before, after = (statistics.median(peaks[setting]) for setting in SETTINGS)
    print(
        f"{case.network} at {case.size} px, {case.mode}: {statistics.median(ratios):.2f} times the "
        f"photos a second, {min(ratios):.2f} to {max(ratios):.2f} over {pairs} pairs; "
        f"peak memory {before:.0f} -> {after:.0f} MiB\n"
    )


def in_process(number: int, steps: int, setting: Setting) -> dict[str, float]:
    """What a fresh process finds."""
    child = [str(number), str(steps), setting]
    command = [sys.executable, "-m", "benchmarks.allocator", "--child", *child]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    found: dict[str, float] = json.loads(said.splitlines()[-1])
    return found


def alone(case: Case, steps: int, setting: str) -> dict[str, float]:
    """Photos a second, page faults a step and peak memory of this process."""
    if setting == "kept":
        keep()
    step = job(case)
    for _ in range(WARM_UP):
        step()
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    began = time.perf_counter()
    for _ in range(steps):
        step()
    seconds = time.perf_counter() - began
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults
    return {
        "photos_s": steps * BATCH_SIZE / seconds,
        "faults_a_step": faults / steps,
        "peak_mib": peak_mib(),
    }


# ---- what is measured -------------------------------------------------------------------------


def job(case: Case) -> Callable[[], Any]:
    """A training step or a prediction of one batch."""
    torch.manual_seed(0)
    size = case.size
    built = build_classifier(case.network, CLASSES, pretrained=False, size=size, hidden=None)
    model = built.to(memory_format=torch.channels_last).train(case.mode == "training")
    x = torch.randn(BATCH_SIZE, 3, size, size).contiguous(memory_format=torch.channels_last)
    y = torch.randint(CLASSES, (BATCH_SIZE,))
    optimizer = torch.optim.AdamW(model.parameters(), 1e-4, fused=True)

    @torch.inference_mode()
    def predict() -> None:
        model(x)

    def train() -> None:
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()

    return train if case.mode == "training" else predict


def keep() -> None:
    """Have malloc keep large blocks from now on.

    Raises:
        OSError: glibc refused a value.
    """
    libc = ctypes.CDLL(None)
    if not (libc.mallopt(M_MMAP_THRESHOLD, MAPPED) and libc.mallopt(M_TRIM_THRESHOLD, TRIMMED)):
        raise OSError(f"mallopt refused {MAPPED=} or {TRIMMED=}")


def peak_mib() -> float:
    """Most resident memory so far; `ru_maxrss` would count the parent's before the exec."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


if __name__ == "__main__":
    main()
