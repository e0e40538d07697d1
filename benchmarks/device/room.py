"""Where a part works and writes: one CSV that holds every measurement and how far each part came.

A row is a line that is appended at once, so that nothing measured is lost when the machine goes
away. The file is the only memory of the program: a part whose last line of status is `done` is
not repeated, any other begins anew under the next attempt's number.
"""

from __future__ import annotations

import csv
import io
import json
import os
import platform
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Self

ROOT: Final = Path(__file__).parents[2]  # stated here too: a part's process imports torch late
CSV: Final = "device.csv"
COLUMNS: Final = (
    *("part", "attempt", "case", "measure", "round", "value", "unit", "target", "met"),
    *("size", "machine", "torch", "python", "commit"),
)
STATUS: Final = "status"
DONE: Final = "done"


@dataclass(frozen=True)
class Circumstances:
    """What the program was told, and what it runs on.

    Attributes:
        out: folder of the CSV, the log and what is to be kept.
        work: folder of caches and of whatever else can be made again.
        data: folders that `prepare` has filled.
        device: "cuda" or "cpu".
        smoke: whether everything is tiny.
        machine: name of the card, or of the processor.
        torch: version.
        commit: commit of the code; "+" after it says that files differ from it.
    """

    out: Path
    work: Path
    data: tuple[Path, ...]
    device: str
    smoke: bool
    machine: str
    torch: str
    commit: str

    @property
    def size(self) -> str:
        """The word in the rows."""
        return "smoke" if self.smoke else "full"

    def archive(self, name: str) -> Path | None:
        """A file in one of the folders of data, or in the mirror of data sets; None without it."""
        mirror = os.environ.get("ZOO_DATA_MIRROR", "")
        folders = [*self.data, *([Path(mirror)] if Path(mirror).is_dir() and mirror else [])]
        return next((folder / name for folder in folders if (folder / name).is_file()), None)


@dataclass(frozen=True)
class Room:
    """One attempt at one part.

    Attributes:
        at: the program's circumstances.
        part: number of the part.
        attempt: 1 for the first.
        ends: clock time at which the part will be stopped.
    """

    at: Circumstances
    part: int
    attempt: int
    ends: float

    @property
    def left(self) -> float:
        """Seconds until the part is stopped."""
        return self.ends - time.time()

    def row(
        self,
        case: str,
        measure: str,
        value: float | str,
        unit: str = "",
        *,
        round: int | str = "",
        at_most: float | None = None,
        at_least: float | None = None,
    ) -> None:
        """Append a measurement, and print it.

        Args:
            case: what was measured, such as "resnet50 bf16 64".
            measure: what was found of it, such as "ratio".
            value: a number, or a word.
            unit: of the number.
            round: number of the repetition; empty for the figure that counts.
            at_most: target of the number.
            at_least: target of the number.
        """
        target, met = "", ""
        if at_most is not None or at_least is not None:
            target = f"<= {at_most:g}" if at_most is not None else f">= {at_least:g}"
            is_met = (at_most is None or float(value) <= at_most) and (
                at_least is None or float(value) >= at_least
            )
            met = "yes" if is_met and not self.at.smoke else "no" if not self.at.smoke else ""
        shown = f"{value:.6g}" if isinstance(value, float) else str(value)
        values = (self.part, self.attempt, case, measure, round, shown, unit, target, met)
        at = self.at
        line = (*values, at.size, at.machine, at.torch, platform.python_version(), at.commit)
        append(at.out / CSV, line)
        told = " ".join(filter(None, (case, f"{measure}={shown}", unit, target, met)))
        print(f"[{self.part}] {told}", flush=True)

    def status(self, word: str, reason: str = "") -> None:
        """Append how the attempt goes: begun, done, stopped or failed."""
        self.row(reason, STATUS, word)

    def to_json(self) -> str:
        """Text that `from_json` reads in another process."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The room that `to_json` wrote."""
        tree = json.loads(text)
        at = tree.pop("at")
        at |= {name: Path(at[name]) for name in ("out", "work")}
        at["data"] = tuple(map(Path, at["data"]))
        return cls(Circumstances(**at), **tree)


def append(path: Path, values: Iterable[object], columns: Sequence[str] = COLUMNS) -> None:
    """Add a line to a CSV, with the header of the columns before the first.

    A line that a kill broke off is ended first, so that it spoils no other.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    old = path.read_bytes() if path.exists() else b""
    if not old:
        writer.writerow(columns)
    elif not old.endswith(b"\n"):
        text.write("\n")
    writer.writerow(list(values))
    with path.open("a", newline="") as file:
        file.write(text.getvalue())


def rows(path: Path) -> Iterator[dict[str, str]]:
    """The whole lines of a CSV; those that a kill broke off are left out."""
    if path.exists():
        with path.open(newline="") as file:
            yield from (row for row in csv.DictReader(file) if None not in row.values())


def statuses(path: Path, size: str) -> dict[int, tuple[int, str]]:
    """The last attempt at each part of this size and how it went: begun, done, stopped, failed."""
    return {
        int(row["part"]): (int(row["attempt"]), row["value"])
        for row in rows(path)
        if row["measure"] == STATUS and row["size"] == size
    }
