"""What the data doctor reports: findings, the items that they concern, and what would mend them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from zoo.core.contents import Hashes
from zoo.core.trust.fixes import Fix, write

Level = Literal["error", "warning"]
Group = tuple[int, ...]
"""Rows of what belongs together."""

SHOWN = 5  # groups that are printed of a finding, items of a group, and classes of the table,
CLASSES = 30  # if there are more
WIDTH = 100  # columns of a report as text
_COLOURS = {"error": "bold red", "warning": "yellow"}


@dataclass(frozen=True)
class Items:
    """What is examined: photos, texts, rows or ratings.

    Attributes:
        kind: what they are called, such as "photos".
        names: what a report calls each. Length: n
        keys: what finds each again in the data, such as its row; None of what cannot be mended.
        labels: class, tuple of labels or number of each; None without. Length: n
        parts: "train" or "valid", for each. Length: n
        contents: hashes of what each holds, its label included. Shape: (n,)
    """

    kind: str
    names: Sequence[Hashable]
    keys: Sequence[str | None]
    labels: Sequence[Any]
    parts: Sequence[str]
    contents: Hashes

    def __len__(self) -> int:
        return len(self.names)

    def counts(self) -> Counter[tuple[str, str]]:
        """How many items each (part, class) has; numbers and items without labels do not count."""
        sides = zip(self.parts, self.labels, strict=True)
        return Counter((part, text) for part, label in sides for text in names_of(label))

    def names_in_data(self) -> list[Hashable | None]:
        """The names of the items that can be mended; None of those of another table."""
        both = zip(self.names, self.keys, strict=True)
        return [None if key is None else name for name, key in both]


def names_of(label: Any) -> tuple[str, ...]:
    """The classes in a label; none of numbers and of nothing."""
    if label is None or isinstance(label, (float, np.floating)):
        return ()
    return tuple(map(str, label)) if isinstance(label, tuple) else (str(label),)


class Suspect(NamedTuple):
    """A label that is probably wrong.

    Attributes:
        row: whose it is.
        value: the likelier one.
        confidence: its probability out of fold, 0..1.
    """

    row: int
    value: Any
    confidence: float


@dataclass(frozen=True, repr=False)
class Finding:
    """One thing that is wrong.

    Attributes:
        level: whether it spoils a training or its score, or may be meant.
        kind: in a word or two.
        text: in a sentence.
        groups: rows concerned, in groups of what belongs together.
        drop: rows that one would leave out to mend it.
        suspects: labels that one would change to mend it, the surest first; one for each group.
        least: confidence from which on a table of fixes suggests a suspect's label.
    """

    level: Level
    kind: str
    text: str
    groups: tuple[Group, ...] = ()
    drop: Group = ()
    suspects: tuple[Suspect, ...] = ()
    least: float = 0.0

    def __str__(self) -> str:
        n = f"{len(self.groups)} x " if self.groups else ""
        return f"{self.level}: {n}{self.text}"

    __repr__ = __str__  # a list of findings can be read; rows stand in the attributes


@dataclass(frozen=True, repr=False)
class Report:
    """What is wrong with some data.

    Attributes:
        items: what was examined.
        findings: errors and warnings.
        ignored: files that are none of the items.
    """

    items: Items
    findings: list[Finding] = field(default_factory=list)
    ignored: int = 0

    def __len__(self) -> int:
        return len(self.items)

    def __repr__(self) -> str:
        console = Console(width=WIDTH, color_system=None)
        with console.capture() as capture:
            console.print(self)
        return capture.get().rstrip()

    @property
    def ok(self) -> bool:
        """Whether nothing would spoil a training or its score."""
        return not any(one.level == "error" for one in self.findings)

    @property
    def counts(self) -> dict[tuple[str, str], int]:
        """How many items each (part, class) has."""
        return dict(self.items.counts())

    def names(self, kind: str) -> list[tuple[Hashable, ...]]:
        """The items that findings of a kind concern, in groups of what belongs together."""
        own = [group for one in self.findings if one.kind == kind for group in one.groups]
        return [tuple(self.items.names[row] for row in group) for group in own]

    def fixes(self) -> list[Fix]:
        """What would mend the data, one line of an item.

        Items to leave out come first, then labels to change; of contradicting labels of the same
        input those that are not changed are left out.
        """
        fixes: dict[int, Fix] = {}
        last = [one for one in self.findings if one.kind == "two labels"]
        for one in self.findings:
            for row in one.drop if one not in last else ():
                self._add(fixes, row, one.kind, None, None)
        for one in self.findings:
            for row, value, confidence in one.suspects:
                if confidence < one.least:
                    continue
                self._add(fixes, row, one.kind, value, confidence)
        for one in last:
            for row in one.drop:
                self._add(fixes, row, one.kind, None, None)
        return list(fixes.values())

    def save_fixes(self, path: str | Path) -> Path:
        """Write what would mend the data as a table, for `finetune(data, fix=path)`.

        Take lines out of it, and correct others, before it is applied; see `zoo.core.trust.fixes`.
        """
        return write(self.fixes(), Path(path))

    def to_json(self) -> dict[str, Any]:
        """Plain values: all items of all findings."""
        counts: dict[str, dict[str, int]] = {}
        for (part, label), n in self.counts.items():
            counts.setdefault(part, {})[label] = n
        head = {"ok": self.ok, "kind": self.items.kind, "n": len(self), "ignored": self.ignored}
        return head | {"counts": counts, "findings": [*map(self._plain, self.findings)]}

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The report for people: the balance as a table, then what is wrong."""
        more = f", {self.ignored} other files" if self.ignored else ""
        yield Text(f"{len(self)} {self.items.kind}{more}")
        counts = self.items.counts()
        if counts:
            yield _balance(counts)
        for one in self.findings:
            yield Text(str(one), style=_COLOURS[one.level])
            for i, group in enumerate(one.groups[:SHOWN]):
                names = [str(self.items.names[row]) for row in group[:SHOWN]]
                others = [f"{len(group) - SHOWN} more"] if len(group) > SHOWN else []
                line = "  =  ".join([*names, *others])
                if one.suspects:
                    _, value, confidence = one.suspects[i]
                    line += f"  {self.items.labels[group[0]]} -> {value} ({confidence:.2f})"
                yield Text(f"  {line}", no_wrap=True, overflow="ignore")
            if len(one.groups) > SHOWN:
                yield Text(f"  ... and {len(one.groups) - SHOWN} more (--json lists them all)")
        if not self.findings:
            yield Text("nothing is wrong", style="green")

    def _add(
        self, fixes: dict[int, Fix], row: int, why: str, value: Any, confidence: float | None
    ) -> None:
        key, items = self.items.keys[row], self.items
        if key is not None and row not in fixes:
            name, label = str(items.names[row]), items.labels[row]
            new = (why, value, confidence, name, label, int(items.contents[row]))
            fixes[row] = Fix.of(key, *new)

    def _plain(self, one: Finding) -> dict[str, Any]:
        names = self.items.names
        groups = [[str(names[row]) for row in group] for group in one.groups]
        plain: dict[str, Any] = {
            "level": one.level,
            "kind": one.kind,
            "text": one.text,
            "items": groups,
        }
        if one.suspects:
            plain["suggested"] = [
                {"value": s.value, "confidence": round(s.confidence, 4)} for s in one.suspects
            ]
        return plain


def _balance(counts: Counter[tuple[str, str]]) -> Table:
    parts = [part for part in ("train", "valid") if any(own == part for own, _ in counts)]
    table = Table("label", *parts, box=None, pad_edge=False)
    labels = sorted({label for _, label in counts})
    for label in labels if len(labels) <= CLASSES else labels[:SHOWN]:
        table.add_row(label, *(str(counts[part, label]) for part in parts))
    if len(labels) > CLASSES:
        table.add_row(f"... {len(labels)} in all", *("" for _ in parts))
    return table
