"""What the programs of published numbers share: the same few flags, circumstances, rows.

--seeds N     how many trials
--first N     the first seed
--device D    auto, cpu, cuda ...
--out FOLDER  keep the first trial's model there, ready for scripts/publish.py
--smoke       one trial on little, in seconds, without a record
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import zoo
from scripts.record import append


@dataclass(frozen=True)
class Program:
    """A program as it was called.

    Attributes:
        results: CSV file in results/.
        seeds: of the trials.
        device: to train on.
        out: where the first trial's model goes.
        smoke: whether it only shows that it runs.
        further: flags of its own.
    """

    results: str
    seeds: range
    device: str = "auto"
    out: Path | None = None
    smoke: bool = False
    further: dict[str, Any] = field(default_factory=dict)

    def run(self, seed: int, **more: Any) -> zoo.Run:
        """The circumstances of a trial."""
        return zoo.Run(seed=seed, device=self.device, progress=False, **more)

    def record(self, **values: object) -> None:
        """Print a row; unless it is for smoke alone, add it to the results."""
        append(self.results, keep=not self.smoke, **values)

    def keep(self, model: Any, seed: int) -> None:
        """Save the first trial's model, if it is wanted."""
        if self.out is not None and seed == self.seeds[0]:
            model.save(self.out)


def program(
    claim: str | None,
    results: str,
    *,
    seeds: int,
    first: int = 0,
    further: Callable[[argparse.ArgumentParser], Any] = lambda flags: None,
) -> Program:
    """Read the flags.

    Args:
        claim: the program's docstring; its first line heads the help.
        results: CSV file in results/.
        seeds: how many trials the claim is about.
        first: seed of the first.
        further: adds flags of the program's own.
    """
    flags = argparse.ArgumentParser(description=claim.splitlines()[0] if claim else None)
    flags.add_argument("--seeds", type=int, default=seeds, help="how many trials")
    flags.add_argument("--first", type=int, default=first, help="the first seed")
    flags.add_argument("--device", default="auto", help="auto, cpu, cuda ...")
    flags.add_argument("--out", type=Path, help="keep the first trial's model there")
    flags.add_argument("--smoke", action="store_true", help="one trial on little, no record")
    further(flags)
    given = vars(flags.parse_args())
    device, out, smoke = given.pop("device"), given.pop("out"), given.pop("smoke")
    n, start = given.pop("seeds"), given.pop("first")
    numbers = range(start, start + (1 if smoke else n))
    return Program(results, numbers, device, out, smoke, given)


@contextmanager
def timed() -> Iterator[Callable[[], dict[str, float]]]:
    """A function that says what has been spent until the end of the `with`: columns of a row.

    Seconds are those of the clock; where others use the machine too, those of the CPU tell more.
    """
    began = time.perf_counter(), time.process_time()
    spent: dict[str, float] = {}

    def so_far() -> dict[str, float]:
        return spent or {
            "seconds": time.perf_counter() - began[0],
            "cpu_seconds": time.process_time() - began[1],
        }

    try:
        yield so_far
    finally:
        spent |= so_far()


def summary(name: str, scores: Iterable[float], goal: str) -> str:
    """Mean and spread of a score, in a line.

    >>> summary("RMSE", [0.9, 0.92], "at most 0.912")
    'RMSE 0.9100 ± 0.0141 over 2 (at most 0.912)'
    """
    found = list(scores)
    spread = statistics.stdev(found) if len(found) > 1 else 0.0
    return f"{name} {statistics.mean(found):.4f} ± {spread:.4f} over {len(found)} ({goal})"
