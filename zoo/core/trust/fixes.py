"""What mends data: a table of rows to leave out and labels to change, that a user may edit.

    row,what,suggested,confidence,label,shown,content
    12,duplicates,,,spam,12,d-9f86d081884c7d65
    57,wrong labels,ham,0.97,spam,57,d-60303ae22b998861

An empty `suggested` leaves the row out, anything else is its label from now on. `content` is a hash
of what the row held when it was examined: a table that was made for other data is refused.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from zoo.core.contents import Hashes
from zoo.core.messages import few, warn

COLUMNS: Final = ("row", "what", "suggested", "confidence", "label", "shown", "content")
NEEDED: Final = ("row", "suggested", "content")
SEPARATOR: Final = "|"  # between several labels of a row
_MARK: Final = "d-"  # that keeps spreadsheets from taking a hash for a number


class Fix(NamedTuple):
    """A line of the table; all but `row`, `suggested` and `content` is for people."""

    row: str
    what: str
    suggested: str
    confidence: str
    label: str
    shown: str
    content: str

    @classmethod
    def of(
        cls,
        row: str,
        what: str,
        suggested: Any,
        confidence: float | None,
        shown: str,
        label: Any,
        content: int,
    ) -> Fix:
        """The line of plain values."""
        sure = "" if confidence is None else f"{confidence:.4f}"
        return cls(row, what, text_of(suggested), sure, text_of(label), shown, hash_text(content))


class Corrections(NamedTuple):
    """A table of fixes as it is applied to rows.

    Attributes:
        kept: whether each row stays. Shape: (n,)
        labels: the text of the new label, by row.
    """

    kept: NDArray[np.bool_]
    labels: dict[int, str]

    @property
    def rows(self) -> NDArray[np.int64]:
        """The rows that stay."""
        return np.flatnonzero(self.kept)

    def relabelled(self, labels: Sequence[Any], like: Any = None) -> list[Any]:
        """The labels of all rows, corrected; a class that no row had is warned of.

        Args:
            labels: those of the data. Length: n
            like: a label of their kind; None takes each row's own.
        """
        values = [*labels]
        for row, text in self.labels.items():
            values[row] = label_like(text, labels[row] if like is None else like)
        known = {name for label in labels for name in _classes(label)}
        new = {name for row in self.labels for name in _classes(values[row])} - known
        if new:
            warn(
                f"suggested labels should be of classes that the data have, got {few(sorted(new))}:"
                " a class of its own from now on. Correct the table of fixes if that is not meant."
            )
        return values


def text_of(label: Any) -> str:
    """A label as the table has it; several are joined.

    >>> text_of(("warm", "long")), text_of(None), text_of(3)
    ('warm|long', '', '3')
    """
    if label is None:
        return ""
    return SEPARATOR.join(map(str, label)) if isinstance(label, tuple) else str(label)


def label_like(text: str, other: Any) -> Any:
    """The label that a text means, of the kind of another one.

    >>> label_like("3", 5), label_like("warm|long", ("warm",)), label_like("spam", "ham")
    (3, ('warm', 'long'), 'spam')

    Raises:
        ValueError: it is no number, where labels are numbers.
    """
    if isinstance(other, (list, tuple)):
        parts = [part.strip() for part in text.split(SEPARATOR)]
        return tuple(label_like(part, other[0] if other else "") for part in parts)
    if isinstance(other, (bool, np.bool_)):
        truths = {"true": True, "1": True, "false": False, "0": False}
        return truths.get(text.lower(), text)
    if not isinstance(other, (int, float, np.number)):
        return text
    try:
        number = float(text)
    except ValueError:
        if isinstance(other, (int, np.integer)):
            return text  # another class
        raise ValueError(
            f"a suggested label must be a number, as the others are, got {text!r:.60}. Correct the "
            "table of fixes."
        ) from None
    return int(number) if isinstance(other, (int, np.integer)) and number % 1 == 0 else number


def _classes(label: Any) -> list[str]:
    """The names in a label; none of numbers and truths."""
    parts = label if isinstance(label, (list, tuple)) else [label]
    return [part for part in parts if isinstance(part, str)]


def hash_text(content: int) -> str:
    """A hash as the table has it."""
    return f"{_MARK}{int(content):016x}"


def write(fixes: Sequence[Fix], path: Path) -> Path:
    """Write a table of fixes."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(fixes)
    return path


def corrections(
    path: str | os.PathLike[str],
    keys: Sequence[str],
    contents: Callable[[NDArray[np.int64]], Hashes],
) -> Corrections:
    """What a table of fixes does to rows. Where lines of a row contradict, it is left out.

    Args:
        path: the table.
        keys: what each row is called in its column `row`.
        contents: function from numbers of rows (k,) to the hashes of what they hold (k,).

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no such table, was made for other data, or leaves no row.
    """
    fixes = _read(Path(path))
    number_of = {key: number for number, key in enumerate(keys)}
    rows = np.array([number_of.get(fix["row"].strip(), -1) for fix in fixes], np.int64)
    own = np.array(["" for _ in fixes], dtype=object)
    own[rows >= 0] = [hash_text(content) for content in contents(rows[rows >= 0])]
    others = [f["row"] for f, text in zip(fixes, own, strict=True) if f["content"].strip() != text]
    if others:
        raise ValueError(
            f"fixes must be of these data, got {Path(path).name!r} of others: {len(others)} of "
            f"{len(fixes)} rows hold something else now or are not there, such as row "
            f"{few(others)}. Run zoo.check(data) again, and edit its table."
        )
    kept, labels = np.ones(len(keys), bool), {}
    for row, fix in zip(rows.tolist(), fixes, strict=True):
        if label := fix["suggested"].strip():
            labels[row] = label
        else:
            kept[row] = False
    if not kept.any():
        raise ValueError(
            f"fixes must leave some rows, got {Path(path).name!r} that leaves out all {len(keys)}. "
            "Take lines out of it."
        )
    return Corrections(kept, {row: label for row, label in labels.items() if kept[row]})


def _read(path: Path) -> list[dict[str, str]]:
    """The lines of the table.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it lacks columns.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"fixes must be in a file, got {str(path)!r}, which "
            f"{'is a folder' if path.is_dir() else 'does not exist'}. "
            "zoo.check(data).save_fixes(path) writes one."
        )
    with path.open(encoding="utf-8-sig", newline="") as file:
        head = file.readline()
        file.seek(0)
        mark = ";" if head.count(";") > head.count(",") else ","  # as some spreadsheets write
        reader = csv.DictReader(file, delimiter=mark)
        lines = [{name: line.get(name) or "" for name in NEEDED} for line in reader]
        columns = reader.fieldnames or ()
    if missing := [name for name in NEEDED if name not in columns]:
        raise ValueError(
            f"a table of fixes must have the columns {', '.join(NEEDED)}, got one without "
            f"{few(missing)} in {path.name!r}. zoo.check(data).save_fixes(path) writes one."
        )
    return lines
