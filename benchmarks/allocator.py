"""Photos a second with and without glibc's habit of giving large tensors back after each step.

glibc maps every block above a threshold from the kernel and unmaps it when it is freed, so that a
step on a CPU touches its large activations as new pages each time: a page fault for every 4 KiB.
`mallopt(M_MMAP_THRESHOLD, 1 GiB)` and `mallopt(M_TRIM_THRESHOLD, 2 GiB - 1)` keep them in the heap.
Measured for ResNet-18 at 128 px and EfficientNet-Lite0 at 128 and 224 px, batch 16, fp32,
channels-last, training (fused AdamW) and inference, in two ways:

- `interleaved`: one process, the two settings in turn, in changing order. Once `mallopt` was called,
  glibc no longer adapts its threshold, so "as it is" is what an untouched process settles at after
  its first large blocks: 32 MiB, the most that glibc adapts to, and twice that for trimming. 128 KiB,
  where it starts, would flatter the other side.
- `fresh`: a process of its own for each setting and round, untouched or set at its start: the proof
  that the first way is fair, and the peak of resident memory, which a process has but one of.

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
from typing import Any, Literal

import torch
import torch.nn.functional as F

from scripts.record import append
from zoo.vision.models.classifier import build_classifier
from zoo.vision.models.lite0 import NAME

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # numbers of glibc's malloc.h
MIB = 2**20
BATCH_SIZE, CLASSES = 16, 10

Setting = Literal["as it is", "kept"]
SETTINGS: tuple[Setting, Setting] = ("as it is", "kept")
THRESHOLDS = {"as it is": (32 * MIB, 64 * MIB), "kept": (2**30, 2**31 - 1)}  # map, trim


@dataclass(frozen=True)
class Case:
    """A network at a size, trained or asked."""

    network: str
    size: int
    mode: Literal["training", "inference"]
    steps: int  # a round


CASES = (
    Case("resnet18", 128, "training", 8),
    Case("resnet18", 128, "inference", 24),
    Case(NAME, 128, "training", 10),
    Case(NAME, 128, "inference", 30),
    Case(NAME, 224, "training", 4),
    Case(NAME, 224, "inference", 12),
)


@dataclass(frozen=True)
class Settings:
    """How much to measure: pairs of rounds in one process, and pairs of processes."""

    rounds: int = 7
    processes: int = 2
    record: bool = True


def main() -> None:
    """Every case in both ways."""
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--smoke", action="store_true", help="two steps a round, no record")
    flags.add_argument("--child", nargs=2, metavar=("CASE", "SETTING"))
    chosen = flags.parse_args()
    if platform.libc_ver()[0] != "glibc":
        raise SystemExit("the settings that are measured here are those of glibc's malloc")
    cases, settings = CASES, Settings()
    if chosen.smoke:
        cases = tuple(Case(case.network, case.size, case.mode, 2) for case in CASES)
        settings = Settings(rounds=2, processes=1, record=False)
    if chosen.child:
        alone(cases[int(chosen.child[0])], chosen.child[1])
        return
    for number, case in enumerate(cases):
        summarise(case, interleaved(case, settings), fresh(number, case, settings))


def summarise(case: Case, ratios: list[float], memory: dict[str, list[float]]) -> None:
    """Print what a case came to."""
    peaks = [statistics.median(memory[setting]) for setting in SETTINGS]
    print(
        f"{case.network} at {case.size} px, {case.mode}: {statistics.median(ratios):.2f} times the "
        f"photos a second, {min(ratios):.2f} to {max(ratios):.2f}; "
        f"peak memory {peaks[0]:.0f} -> {peaks[1]:.0f} MiB\n"
    )


# ---- two ways of measuring --------------------------------------------------------------------


def interleaved(case: Case, settings: Settings) -> list[float]:
    """Ratios of photos a second, pair by pair, in this process."""
    step = job(case)
    ratios = []
    for pair in range(-1, settings.rounds):  # the first warms up
        order = SETTINGS if pair % 2 == 0 else SETTINGS[::-1]
        timed = {}
        for setting in order:
            set_thresholds(setting)
            step()  # lets the heap settle
            timed[setting] = photos_a_second(step, case.steps)
        if pair >= 0:
            ratios.append(timed["kept"][0] / timed["as it is"][0])
            for setting in order:
                record(case, "interleaved", pair, setting, *timed[setting], 0.0, settings)
    return ratios


def fresh(number: int, case: Case, settings: Settings) -> dict[str, list[float]]:
    """Peaks of memory in MiB by setting, each process measured alone."""
    peaks: dict[str, list[float]] = {setting: [] for setting in SETTINGS}
    for pair in range(settings.processes):
        for setting in SETTINGS if pair % 2 == 0 else SETTINGS[::-1]:
            command = [
                sys.executable,
                "-m",
                "benchmarks.allocator",
                "--child",
                str(number),
                setting,
            ]
            command += [] if settings.record else ["--smoke"]
            said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            found = json.loads(said.splitlines()[-1])
            peaks[setting].append(found["peak_mib"])
            values = found["photos_s"], found["faults"], found["peak_mib"]
            record(case, "fresh", pair, setting, *values, settings)
    return peaks


def alone(case: Case, setting: str) -> None:
    """One setting in this process; says what it found as JSON."""
    if setting == "kept":
        set_thresholds("kept")
    step = job(case)
    for _ in range(3):
        step()
    speed, faults = photos_a_second(step, 2 * case.steps)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"photos_s": speed, "faults": faults, "peak_mib": peak}))


def record(
    case: Case,
    way: str,
    pair: int,
    setting: str,
    speed: float,
    faults: float,
    peak: float,
    settings: Settings,
) -> None:
    """Add a row to the CSV."""
    row = {
        "network": case.network,
        "size": case.size,
        "mode": case.mode,
        "way": way,
        "pair": pair,
        "setting": setting,
        "photos_s": speed,
        "faults_a_step": faults,
        "peak_mib": peak or "",
    }
    append("allocator.csv", **row) if settings.record else print(row)


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


def photos_a_second(step: Callable[[], Any], steps: int) -> tuple[float, float]:
    """Speed, and page faults a step."""
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    began = time.perf_counter()
    for _ in range(steps):
        step()
    seconds = time.perf_counter() - began
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults
    return steps * BATCH_SIZE / seconds, faults / steps


def set_thresholds(setting: Setting) -> None:
    """Have malloc map and trim from these many bytes on, and give back what it keeps now.

    Raises:
        OSError: glibc refused a value.
    """
    libc = ctypes.CDLL(None)
    mapped, trimmed = THRESHOLDS[setting]
    if not (libc.mallopt(M_MMAP_THRESHOLD, mapped) and libc.mallopt(M_TRIM_THRESHOLD, trimmed)):
        raise OSError(f"mallopt refused {mapped=} or {trimmed=}")
    libc.malloc_trim(0)


if __name__ == "__main__":
    main()
