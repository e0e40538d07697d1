"""Part 3: calls of four domains that are killed and made again end with the same weights, exactly.

The calls, the moments and the comparison are those of `tests.faults.kills`, five trials for each
domain with `Run(deterministic=True)`; the domains run side by side. Children are forked, so this
process never touches the GPU.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import shutil
import time
from pathlib import Path
from typing import Final

from benchmarks.device.room import Room
from tests.faults import kills
from tests.faults.calls import prepare
from tests.faults.kills import DOMAINS, Domain

TRIALS: Final = (1, 2, 3, 4, 5)  # numbers of `tests.faults.kills`; odd ones are killed twice
SMOKE_TRIALS: Final = (1,)
MODULES: Final = (
    *("spacy", "timm", "torch._inductor.config", "torchmetrics.classification"),
    *(f"zoo.{domain}.verbs" for domain in ("vision.classification", "text.classification")),
    *("zoo.vision.stored", "zoo.text.stored", "zoo.tabular.verbs", "zoo.collab.verbs"),
)
"""What children share once it is imported here. No step of a training may run before they are
forked: with a GPU, torch's autograd then has threads that no fork can do without."""


def run(room: Room) -> None:
    """A row for each trial, and the number that differed.

    Raises:
        RuntimeError: an undisturbed call failed.
    """
    os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"  # is read before the first product
    kills.FLUSH = 0.0  # a save at every step, so that slow and quick runs write equally often
    place = room.at.work / "kills"
    shutil.rmtree(place, ignore_errors=True)
    prepare(place)
    for module in MODULES:
        importlib.import_module(module)
    context = multiprocessing.get_context("fork")
    results = context.SimpleQueue()
    processes = [
        context.Process(target=trials, args=(room, place, domain, results)) for domain in DOMAINS
    ]
    for process in processes:
        process.start()
    found = [results.get() for _ in DOMAINS]
    for process in processes:
        process.join()
    wrong = sum(found)
    room.row("all domains", "trials", len(DOMAINS) * len(numbers(room)))
    room.row("all domains", "differ", wrong, at_most=0)


def trials(room: Room, place: Path, domain: str, results: multiprocessing.SimpleQueue) -> None:
    """The trials of a domain; puts how many went wrong."""
    wrong = len(numbers(room))
    try:
        own = Domain(domain, place, device=room.at.device, deterministic=True)
        for number in numbers(room):
            began = time.perf_counter()
            told = own.trial(number)
            room.row(f"{domain} {number}", "difference", told[:300] or "none", round=number)
            room.row(
                f"{domain} {number}", "seconds", time.perf_counter() - began, "s", round=number
            )
            wrong -= not told
    except RuntimeError as error:
        room.row(domain, "failed", str(error)[:300])
    finally:
        results.put(wrong)


def numbers(room: Room) -> tuple[int, ...]:
    """The trials."""
    return SMOKE_TRIALS if room.at.smoke else TRIALS
