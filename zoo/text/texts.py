"""Where texts come from: folders and files, tables, data sets, iterators; one at a time.

Nothing here holds a whole corpus, so that it may be larger than memory.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from zoo.text.torchtext import column as torchtext_column
from zoo.text.torchtext import is_dataset

Texts = str | os.PathLike[str] | pd.DataFrame | Iterable[Any]
"""A folder of text files, a file (text, JSON lines, CSV, TSV, Parquet), a DataFrame, a data set of
Hugging Face or torchtext, or any iterable of texts."""

PIECE = 100_000  # characters: a longer file is so many documents
TABLES = (".csv", ".tsv", ".parquet")
JSON_LINES = (".jsonl", ".ndjson")
_ROWS = 10_000  # of a table at a time


def each(texts: Texts, column: str | None = None) -> Iterator[str]:
    """The texts one by one; missing and empty ones are left out.

    Args:
        texts: see `Texts`.
        column: of a table, JSON lines or data set; None takes "text", or a table's only column.

    Raises:
        FileNotFoundError: there is no such file or folder, or no text file in it.
        ValueError: there is no such column, or what should be a text is none.
    """
    return (text for text in every(texts, column) if text.strip())


def every(texts: Texts, column: str | None = None) -> Iterator[str]:
    """As `each`, with an empty text where one is missing: row by row of a table."""
    for text in _given(texts, column):
        if text is None or text is pd.NA or (isinstance(text, float) and text != text):
            yield ""
        elif isinstance(text, str):
            yield text
        else:
            raise ValueError(
                f"a text is a str, however {text=!r:.60} is a {type(text).__name__}; "
                "name the column of texts, or convert it"
            )


def files_in(folder: Path) -> list[Path]:
    """The text files of a folder and of those in it, sorted.

    Raises:
        FileNotFoundError: there are none.
    """
    kinds = (".txt", ".text", ".tokens", *JSON_LINES, *TABLES)
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in kinds)
    if not found:
        raise FileNotFoundError(
            f"a folder of texts has files that end in {', '.join(kinds)}, however {str(folder)!r} "
            "has none; name another folder"
        )
    return found


def decoded(raw: bytes) -> str:
    """Text of a file: UTF-8, or Windows' Latin where it is no UTF-8.

    >>> decoded("café".encode()), decoded("café".encode("latin-1"))
    ('café', 'café')
    """
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


def pieces(text: str, size: int = PIECE) -> Iterator[str]:
    r"""A text in pieces that end with a line, or with a word where a line is endless.

    >>> list(pieces("one two\nthree four five", 9))
    ['one two\n', 'three ', 'four five']
    """
    start = 0
    while len(text) - start > size:
        window = text[start : start + size]
        cut = window.rfind("\n") + 1 or window.rfind(" ") + 1 or size
        yield text[start : start + cut]
        start += cut
    yield text[start:]


def column_of(columns: Iterable[Any], wanted: str | None) -> Any:
    """The column of texts.

    Raises:
        ValueError: there is no such column, or none is named and several might be meant.
    """
    known = list(columns)
    if wanted is None and len(known) == 1:
        return known[0]
    name = "text" if wanted is None else wanted
    if name not in known:
        raise ValueError(
            f"the column of texts must be there, however {name!r} is not in {known[:10]}; "
            "name it with text=..., or rename it to 'text'"
        )
    return name


def _given(texts: Texts, column: str | None) -> Iterator[Any]:
    if isinstance(texts, (str, os.PathLike)):
        yield from _from_path(Path(texts), column)
    elif isinstance(texts, pd.DataFrame):
        yield from texts[column_of(texts.columns, column)]
    elif is_dataset(texts):
        yield from torchtext_column(texts, column or "text")
    elif hasattr(texts, "column_names"):  # a Hugging Face data set
        rows: Any = texts
        name = column_of(rows.column_names or [column or "text"], column)
        yield from (row[name] for row in rows)
    else:
        yield from texts


def _from_path(path: Path, column: str | None) -> Iterator[Any]:
    if path.is_dir():
        for file in files_in(path):
            yield from _from_path(file, column)
    elif not path.is_file():
        raise FileNotFoundError(
            f"texts come from a file or folder, however {str(path)[:100]!r} does not exist; "
            "put texts themselves into a list"
        )
    elif path.suffix.lower() in JSON_LINES:
        yield from _from_json_lines(path, column or "text")
    elif path.suffix.lower() in TABLES:
        for table in _tables(path):
            yield from table[column_of(table.columns, column)]
    else:
        yield from pieces(decoded(path.read_bytes()))


def _from_json_lines(path: Path, column: str) -> Iterator[Any]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                yield json.loads(decoded(line))[column]
            except (ValueError, LookupError, TypeError) as error:
                raise ValueError(
                    f"a line of {path.name!r} is a JSON object with {column!r}, however line "
                    f"{number} is not ({type(error).__name__}); name the column with text=..."
                ) from None


def _tables(path: Path) -> Iterator[pd.DataFrame]:
    if path.suffix.lower() == ".parquet":
        yield pd.read_parquet(path)
        return
    separator = "\t" if path.suffix.lower() == ".tsv" else ","
    try:
        with pd.read_csv(
            path, sep=separator, chunksize=_ROWS, encoding_errors="replace", keep_default_na=False
        ) as tables:
            yield from tables
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise ValueError(
            f"a table has a row of names and rows of cells, however {path.name!r} has not ({error})"
        ) from None
