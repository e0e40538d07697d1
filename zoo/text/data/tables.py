"""Tables in files: CSV in its usual forms, JSON and Parquet, some thousand rows at a time.

Texts hold quotation marks, commas and line ends, so a table of texts is where readers of CSV lose
rows. Here a file is read through once to find how it is written, and one that no reading fits is
refused.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, Final

import pandas as pd

from zoo.text.data.files import encoding_of, text_of

CSV: Final = (".csv", ".tsv")
JSON_LINES: Final = (".jsonl", ".ndjson")
TABLES: Final = (*CSV, ".json", *JSON_LINES, ".parquet")

_ROWS = 10_000  # in a piece of a table
_LONGEST_CELL = 10_000_000  # characters; a quotation mark that is never closed ends there
_SWALLOWED = 3  # rows within quoted cells that betray lone quotation marks
_NO_DELIMITER = "\x1f"  # for a table with one column: it is in no text
_QUOTED = re.compile(r'"((?:[^"]|"")*)"')


def pieces_of(path: Path) -> Iterator[pd.DataFrame]:
    """A table, piece by piece; cells of CSV files are text as it stands there.

    Raises:
        ValueError: the file is no such table.
        ModuleNotFoundError: it is a Parquet file and pyarrow is not installed.
    """
    kind = path.suffix.lower()
    if kind == ".parquet":
        yield _parquet(path)
    elif kind in JSON_LINES:
        yield from _framed(_json_lines(path))
    elif kind == ".json":
        yield from _json(path)
    else:
        rows = style_of(path).rows(path)
        header = next(rows)
        while piece := list(islice(rows, _ROWS)):
            yield pd.DataFrame(piece, columns=header, dtype=object)


# ---- CSV -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Style:
    """How a CSV file is written.

    Attributes:
        encoding: of its text.
        delimiter: character between cells.
        quoted: whether quotation marks hold a cell together; if not, every line is a whole row.
        escape: character before a quotation mark within a cell; None where it is doubled instead.
        skipped: lines before the row of names.
    """

    encoding: str
    delimiter: str
    quoted: bool = True
    escape: str | None = None
    skipped: int = 0

    def rows(self, path: Path) -> Iterator[list[str]]:
        """The names of the columns, then the cells of each row, as many.

        Raises:
            ValueError: a row has more cells than there are names, or the quotation marks are wrong.
        """
        with path.open(encoding=self.encoding, errors="replace", newline="") as file:
            lines = islice(file, self.skipped, None)
            number, width = self.skipped, 0
            try:
                for number, cells in self._cells(lines):
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
                            f"{path.name!r}. Put texts that hold {self.delimiter!r} between "
                            "quotation marks."
                        )
                    yield [*cells, *[""] * width][:width]
            except csv.Error as error:
                raise ValueError(
                    f"quotation marks must be doubled within a cell that stands between them, got "
                    f"{path.name!r} with others ({error}) after line {number}. Save the table as "
                    "CSV again, or as JSON lines."
                ) from None

    def n_rows(self, path: Path) -> int | None:
        """The number of rows, or None if the file cannot be written in this style."""
        try:
            return sum(1 for _ in self.rows(path))
        except ValueError:
            return None

    def _cells(self, lines: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
        """The last line of each row, and its cells."""
        if not self.quoted:
            for number, line in enumerate(lines, self.skipped + 1):
                yield number, [_unquoted(c) for c in line.rstrip("\r\n").split(self.delimiter)]
            return
        csv.field_size_limit(max(csv.field_size_limit(), _LONGEST_CELL))
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


def style_of(path: Path) -> Style:
    """How a CSV file is written, from its first row and from reading it through.

    A lone quotation mark at the beginning of a text would swallow the rows up to the next one.
    So where each line is a whole row by itself, a quoted reading that makes fewer rows of them is
    not believed: of tab-separated files never, of others not if rows in plenty are missing.

    Raises:
        ValueError: there is no row of names, or no style fits.
    """
    encoding = encoding_of(path)
    with path.open(encoding=encoding, errors="replace") as file:
        first = [line for line in islice(file, 20) if line.strip()]
    skipped = int(
        bool(first) and first[0].lower().startswith("sep=") and len(first[0].strip()) == 5
    )
    if len(first) <= skipped:
        raise ValueError(
            f"a table must have a row of names and rows of cells, got {path.name!r} without. Give "
            "its columns names, such as text and label."
        )
    named = _QUOTED.sub("", first[skipped])
    delimiter = first[0].strip()[4:] if skipped else _delimiter(named, path.suffix.lower())
    quoted = Style(encoding, delimiter, skipped=skipped)
    escaped, by_line = replace(quoted, escape="\\"), replace(quoted, quoted=False)
    n, n_lines = quoted.n_rows(path), by_line.n_rows(path)
    if n is not None:
        fewest = 1 if delimiter == "\t" else _SWALLOWED
        is_swallowed = delimiter != _NO_DELIMITER and n_lines is not None and n_lines >= n + fewest
        return by_line if is_swallowed else quoted
    if (escaped.n_rows(path) or 0) >= (n_lines or 1):
        return escaped
    return quoted if n_lines is None else by_line


def _delimiter(names: str, kind: str) -> str:
    order = "\t,;|" if kind == ".tsv" else ",;\t|"
    if kind == ".tsv" and "\t" in names:
        return "\t"
    most = max(order, key=names.count)
    return most if most in names else _NO_DELIMITER


def _unquoted(cell: str) -> str:
    """The cell without quotation marks around all of it."""
    match = _QUOTED.fullmatch(cell)
    return match[1].replace('""', '"') if match else cell


# ---- JSON and Parquet ----------------------------------------------------------------------------


def _json_lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding=encoding_of(path), errors="replace") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError:
                row = None
            if not isinstance(row, dict):
                raise ValueError(
                    f"a line of JSON lines must be an object with the columns as names, got "
                    f"{line.strip()!r:.60} in line {number} of {path.name!r}. Correct this line."
                )
            yield row


def _json(path: Path) -> Iterator[pd.DataFrame]:
    """A table in JSON: a list of rows or texts, columns by name, or rows under a single name."""
    try:
        tree = json.loads(text_of(path))
    except ValueError:  # perhaps JSON lines under another name
        yield from _framed(_json_lines(path))
        return
    if isinstance(tree, dict) and len(tree) == 1:
        (only,) = tree.values()
        tree = only if isinstance(only, list) and _all_are(dict, only) else tree
    if isinstance(tree, list) and tree and _all_are(str, tree):
        tree = {"text": tree}
    try:
        if not tree or not (isinstance(tree, dict) or _all_are(dict, tree)):
            raise TypeError
        yield pd.DataFrame(tree, dtype=object)
    except (ValueError, TypeError):
        raise ValueError(
            f"a JSON file of texts must hold a list of rows, such as "
            f'[{{"text": "so good", "label": "yes"}}], got {path.name!r} with another form. '
            "Write the rows in this form."
        ) from None


def _framed(records: Iterable[dict[str, Any]]) -> Iterator[pd.DataFrame]:
    records = iter(records)
    while piece := list(islice(records, _ROWS)):
        yield pd.DataFrame(piece, dtype=object)


def _parquet(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path)
    except ImportError:
        raise ModuleNotFoundError(
            f"Parquet files need pyarrow, which is not installed, got {path.name!r}. Run: "
            "pip install 'transfer-zoo[parquet]'"
        ) from None
    except (ValueError, OSError) as error:
        raise ValueError(
            f"a Parquet file must be whole, got {path.name!r} that cannot be read "
            f"({str(error).splitlines()[0]:.100}). Write it again."
        ) from None


def _all_are(kind: type, values: Iterable[Any]) -> bool:
    return all(isinstance(value, kind) for value in values)
