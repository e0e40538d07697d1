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
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

import zoo
from scripts.lib.record import ROOT, append

T = TypeVar("T")


@dataclass(frozen=True)
class Program:
    """A program as it was called.

    Attributes:
        results: CSV file in results/.
        seeds: one seed per trial.
        device: to train on.
        out: where the first trial's model goes.
        smoke: whether it only shows that it runs.
        inner: whether a part of training is scored in place of the test part.
        further: flags of its own.
        rows: what it has found so far.
    """

    results: str
    seeds: range
    device: str = "auto"
    out: Path | None = None
    smoke: bool = False
    inner: bool = False
    further: dict[str, Any] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)

    @property
    def recorded(self) -> bool:
        """Whether rows go to the results: neither those of smoke nor of a part of training do."""
        return not (self.smoke or self.inner)

    def run(self, seed: int, *, state: Path | None = None, **more: Any) -> zoo.Run:
        """The circumstances of a trial; from a state, it goes on where it was when killed."""
        kind: dict[str, Any] = {"out": state, "resume": True} if state else {"progress": False}
        return zoo.Run(seed=seed, device=self.device, **kind, **more)

    def record(self, **values: Any) -> None:
        """Print a row; add it to the results, if it is to be recorded."""
        self.rows.append(values)
        append(self.results, keep=self.recorded, **values)

    def keep(self, model: Any, seed: int, name: str = "") -> None:
        """Save the first trial's model, if it is wanted; one of several by its name."""
        if self.out is not None and seed == self.seeds[0]:
            model.save(self.out / name)

    def own(self, folder: Path, seed: int) -> Path:
        """A trial's own folder: the first has this one itself, others have theirs beside it."""
        return folder if seed == self.seeds[0] else folder.with_name(f"{folder.name}-{seed}")

    def chosen(self, kind: type[T]) -> T:
        """The dataclass whose fields are flags by `knobs`."""
        return kind(**{knob.name: self.further[knob.name] for knob in fields(kind)})  # type: ignore[arg-type]

    @contextmanager
    def room(self, usual: Path) -> Iterator[Path]:
        """A folder to work in: `out`, or else the usual one; of smoke, one that does not stay."""
        if self.out or not self.smoke:
            yield self.out or usual
            return
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder)


def module_of(name: str) -> str:
    """The module of a program, by its name; those that compare settings lie in a room of their own.

    >>> module_of("tabular_adult"), module_of("tabular_recipe")
    ('scripts.tabular_adult', 'scripts.searches.tabular_recipe')
    """
    is_search = (ROOT / "scripts" / "searches" / f"{name}.py").exists()
    return f"scripts.searches.{name}" if is_search else f"scripts.{name}"


def program(
    claim: str | None,
    results: str,
    *,
    seeds: int,
    first: int = 0,
    inner: bool = False,
    further: Callable[[argparse.ArgumentParser], Any] = lambda flags: None,
) -> Program:
    """Read the flags.

    Args:
        claim: the program's docstring, which is its help as well.
        results: CSV file in results/, with the program's name.
        seeds: how many trials the claim is about.
        first: seed of the first.
        inner: whether it can score a part of training.
        further: adds flags of the program's own.
    """
    flags = argparse.ArgumentParser(
        prog=f"python -m {module_of(Path(results).stem)}",
        description=claim,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    flags.set_defaults(inner=False)
    flags.add_argument("--seeds", type=int, default=seeds, help="how many trials (%(default)s)")
    flags.add_argument("--first", type=int, default=first, help="the first seed (%(default)s)")
    flags.add_argument("--device", default="auto", help="auto, cpu, cuda ...")
    flags.add_argument("--out", type=Path, help="keep the first trial's model there")
    flags.add_argument("--smoke", action="store_true", help="one trial on little, no record")
    if inner:
        text = "score a part of training, no record"
        flags.add_argument("--inner", action="store_true", help=text)
    further(flags)
    given = vars(flags.parse_args())
    n, start, smoke = (given.pop(name) for name in ("seeds", "first", "smoke"))
    shared = {name: given.pop(name) for name in ("device", "out", "inner")}
    numbers = range(start, start + (1 if smoke else n))
    return Program(results, numbers, smoke=smoke, further=given, **shared)


def some_of(
    flags: argparse.ArgumentParser,
    name: str,
    known: Iterable[str],
    usual: Iterable[str] | None = None,
) -> None:
    """A flag that takes some of the known names; without it, the usual ones or all are taken."""
    names = list(known)
    taken = names if usual is None else list(usual)
    text = f"only these ({' '.join(taken)})"
    flags.add_argument(name, nargs="+", choices=names, default=taken, help=text)


def knobs(flags: argparse.ArgumentParser, usual: Any) -> None:
    """A flag for each field of a dataclass; what is not given is as usual."""
    for knob in fields(usual):
        value = getattr(usual, knob.name)
        text = f"({value})" if value != "" else None
        name = f"--{knob.name.replace('_', '-')}"
        flags.add_argument(name, type=type(value), default=value, help=text)


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
