"""How a CSV file is written, in any country and by any program.

Texts hold quotation marks, commas and line ends, so a table of texts is where readers of CSV lose
rows. Here a file is read through once to tell how it is written, and one that no reading fits is
refused.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path

from zoo.data.encoding import BLOCK, encoding_of, opened, opened_text

_SNIFFED = 20  # lines at the beginning, which tell the delimiter
_LONGEST_CELL = 10_000_000  # characters; a quotation mark that is never closed ends there
_SWALLOWED = 3  # rows within quoted cells that betray lone quotation marks
_NO_DELIMITER = "\x1f"  # for a table with one column: it is in no text
_BLANK = " \t\r\n,;|"  # of what rows without a cell consist
_QUOTED = re.compile(r'"((?:[^"]|"")*)"')
_SEPARATOR = re.compile(r"sep=(\S)\s*", re.IGNORECASE)  # a first line that Excel writes


@dataclass(frozen=True)
class Style:
    """How a CSV file is written.

    Attributes:
        encoding: name of the encoding of its text.
        delimiter: character between cells.
        quoted: whether quotation marks hold a cell together; if not, every line is a whole row.
        escape: character before a quotation mark within a cell; None where it is doubled instead.
        skipped: number of lines before the row of names.
    """

    encoding: str
    delimiter: str
    quoted: bool = True
    escape: str | None = None
    skipped: int = 0

    def rows(self, path: Path) -> Iterator[list[str]]:
        """The names of the columns, then the cells of each row, as many; empty rows are left out.

        Raises:
            ValueError: a row has more cells than there are names, or the quotation marks are wrong.
        """
        number, width = self.skipped, 0
        try:
            for number, cells in self.cells(path):
                if not any(cells):
                    continue
                if not width:
                    width = len(cells)
                    yield [name.strip() for name in cells]
                    continue
                if any(cells[width:]) or (len(cells) < width and not self.quoted):
                    raise ValueError(
                        "a row of a table must have a cell for each name in the first row, "
                        f"got {len(cells)} cells for {width} names in line {number} of "
                        f"{path.name!r}. Quote texts that hold {self.delimiter!r}."
                    )
                yield [*cells, *[""] * width][:width]
        except csv.Error as error:
            raise ValueError(
                f"quotation marks must be doubled within a cell that stands between them, got "
                f"{path.name!r} with others ({error}) after line {number}. Save the table again."
            ) from None

    def cells(self, path: Path) -> Iterator[tuple[int, list[str]]]:
        """The number of the last line of each row, and the row's cells, however many.

        Raises:
            csv.Error: the quotation marks are wrong.
        """
        with opened_text(path, self.encoding) as file:
            lines: Iterable[str] = islice(file, self.skipped, None)
            if not self.quoted:
                for number, line in enumerate(lines, self.skipped + 1):
                    yield number, [_unquoted(c) for c in line.rstrip("\r\n").split(self.delimiter)]
                return
            reader = csv.reader(
                lines,
                delimiter=self.delimiter,
                escapechar=self.escape,
                doublequote=self.escape is None,
                skipinitialspace=True,
                strict=True,
            )
            for cells in reader:
                yield self.skipped + reader.line_num, cells

    def n_rows(self, path: Path) -> int | None:
        """The number of rows, or None if the file cannot be written in this style."""
        try:
            return sum(1 for _ in self.rows(path))
        except ValueError:
            return None


def style_of(path: Path) -> Style:
    """How a CSV file is written, from its first row and from reading it through.

    A lone quotation mark at the beginning of a text would swallow the rows up to the next one.
    So where each line is a whole row by itself, a quoted reading that makes fewer rows of them is
    not believed: of tab-separated files never, of others not if rows in plenty are missing.

    Raises:
        ValueError: there is no row of names, or no style fits.
    """
    csv.field_size_limit(max(csv.field_size_limit(), _LONGEST_CELL))
    encoding = encoding_of(path)
    with opened_text(path, encoding) as file:
        first = [line for line in islice(file, _SNIFFED) if line.strip(_BLANK)]
    separator = _SEPARATOR.fullmatch(first[0]) if first else None
    if len(first) < (2 if separator else 1):
        raise ValueError(
            f"a table must have a row of names and rows of cells, got {path.name!r} without. Give "
            "its columns names, such as text and label."
        )
    delimiter = separator[1] if separator else _delimiter(first, path)
    quoted = Style(encoding, delimiter, skipped=1 if separator else 0)
    with opened(path) as raw:
        if not any(b'"' in block for block in iter(partial(raw.read, BLOCK), b"")):
            return quoted
    escaped, by_line = replace(quoted, escape="\\"), replace(quoted, quoted=False)
    n, n_lines = quoted.n_rows(path), by_line.n_rows(path)
    if n is not None:
        fewest = 1 if delimiter == "\t" else _SWALLOWED
        is_swallowed = delimiter != _NO_DELIMITER and n_lines is not None and n_lines >= n + fewest
        return by_line if is_swallowed else quoted
    if (escaped.n_rows(path) or 0) >= (n_lines or 1):
        return escaped
    if n_lines is None:
        list(quoted.rows(path))  # says what is wrong
    return by_line


def _delimiter(first: list[str], path: Path) -> str:
    """The most frequent delimiter among the names by which the first rows are as long as they."""
    is_tsv = ".tsv" in path.name.lower()
    names = _QUOTED.sub("", first[0])
    if is_tsv and "\t" in names:
        return "\t"
    by_count = sorted((mark for mark in ",;\t|" if mark in names), key=names.count, reverse=True)
    for mark in by_count:
        if len({len(row) for row in csv.reader(first, delimiter=mark)}) == 1:
            return mark
    return by_count[0] if by_count else _NO_DELIMITER


def _unquoted(cell: str) -> str:
    """The cell without quotation marks around all of it."""
    match = _QUOTED.fullmatch(cell) if '"' in cell else None
    return match[1].replace('""', '"') if match else cell
