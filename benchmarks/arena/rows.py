"""The rows of `results/arena.csv`: one per set, method, budget and seed; the newest counts.

A row is appended at once and none is ever changed. So every reading of a test part stays a row, and
a program that was stopped goes on where it was.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from benchmarks.device.room import append, rows
from scripts.lib.record import RESULTS

FILE: Final = RESULTS / "arena.csv"
KEY: Final = ("set", "method", "budget_s", "seed")
COLUMNS: Final = (
    *("domain", *KEY, "status", "metric", "score", "cpu_s", "import_s", "wall_s", "peak_mb"),
    *("train", "test", "ran_at_s", "note", "versions", "python", "machine", "commit"),
)
DONE, OVER, FAILED = "done", "over", "failed"

Row = dict[str, str]
Key = tuple[str, ...]


def key_of(row: Row) -> Key:
    """What a row is of."""
    return tuple(row[name] for name in KEY)


def newest(path: Path) -> dict[Key, Row]:
    """The last row of each cell and seed."""
    return {key_of(row): row for row in rows(path)}


def add(path: Path, row: Row) -> None:
    """Append a row, and print it."""
    append(path, [row.get(name, "") for name in COLUMNS], COLUMNS)
    words = [f"{row['domain']} {row['set']} seed {row['seed']}, {row['budget_s']} s:"]
    words += [row["method"], row["status"], *_figures(row)]
    print(" ".join(words), flush=True)


def _figures(row: Row) -> Iterable[str]:
    if row["status"] == DONE:
        yield f"{row['metric']}={row['score']} cpu={row['cpu_s']} s peak={row['peak_mb']} MB"
    elif row.get("note"):
        yield f"({row['note']})"
