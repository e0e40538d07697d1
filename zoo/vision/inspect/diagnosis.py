"""What the data doctor reports: findings with their files, and how many photos a label has."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

Level = Literal["error", "warning"]

SHOWN = 5  # groups of files that are printed of a finding, and files of a group
_COLOURS = {"error": "bold red", "warning": "yellow"}


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        level: whether it spoils a training or its score, or may be meant.
        kind: in a word or two.
        text: in a sentence.
        files: those concerned, in groups of what belongs together.
    """

    level: Level
    kind: str
    text: str
    files: tuple[tuple[Path, ...], ...] = ()

    def __str__(self) -> str:
        n = f"{len(self.files)} x " if self.files else ""
        return f"{self.level}: {n}{self.text}"


@dataclass(frozen=True)
class Report:
    """What is wrong with a set of photos.

    Attributes:
        photos: how many there are.
        ignored: files that are no images at all.
        counts: photos by (part, label).
        findings: errors and warnings.
    """

    photos: int
    ignored: int
    counts: dict[tuple[str, str], int]
    findings: list[Finding]

    @property
    def ok(self) -> bool:
        """Whether nothing would spoil a training or its score."""
        return not any(one.level == "error" for one in self.findings)

    def to_json(self) -> dict[str, Any]:
        """Plain values: all files of all findings."""
        counts: dict[str, dict[str, int]] = {}
        for (part, label), n in self.counts.items():
            counts.setdefault(part, {})[label] = n
        findings = [
            vars(one) | {"files": [list(map(str, group)) for group in one.files]}
            for one in self.findings
        ]
        return {"ok": self.ok} | vars(self) | {"counts": counts, "findings": findings}

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The report for people: the balance as a table, then what is wrong."""
        more = f", {self.ignored} other files" if self.ignored else ""
        yield Text(f"{self.photos} photos{more}")
        if self.counts:
            yield self._balance()
        for one in self.findings:
            yield Text(str(one), style=_COLOURS[one.level])
            for group in one.files[:SHOWN]:
                others = [f"{len(group) - SHOWN} more"] if len(group) > SHOWN else []
                line = "  =  ".join([*map(str, group[:SHOWN]), *others])
                yield Text(f"  {line}", no_wrap=True, overflow="ignore")
            if len(one.files) > SHOWN:
                yield Text(f"  ... and {len(one.files) - SHOWN} more (--json lists them all)")
        if not self.findings:
            yield Text("nothing is wrong", style="green")

    def _balance(self) -> Table:
        parts = [part for part in ("train", "valid") if any(p == part for p, _ in self.counts)]
        table = Table("label", *parts, box=None, pad_edge=False)
        for label in sorted({label for _, label in self.counts}):
            table.add_row(label, *(str(self.counts.get((part, label), 0)) for part in parts))
        return table
