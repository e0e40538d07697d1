"""CSV files as programs of many countries write them: separators, encodings, decimal commas."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pandas as pd

SEPARATORS: Final = (",", ";", "\t", "|")
SNIFFED_BYTES: Final = 65_536  # of a file's beginning, that tell its encoding and separator
SNIFFED_LINES: Final = 20
GAPS: Final = frozenset(
    (
        *("", "#N/A", "#N/A N/A", "#NA", "<NA>", "N/A", "NA", "n/a", "NULL", "null", "None"),
        *("NaN", "nan", "-NaN", "-nan", "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN"),
    )
)
"""Cells that are gaps, as pandas has it."""

_MARKS: Final = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_COMMA: Final = r"[+-]?\d+(?:,\d+)?|[+-]?\d{1,3}(?:\.\d{3})+(?:,\d+)?"  # 1,5 and 1.234,5


def read_csv(path: Path, texts: Mapping[str, set[str]]) -> pd.DataFrame:
    """Read a CSV file.

    Its encoding is the one that its mark tells, else UTF-8, else that of Excel in western Europe
    (Windows-1252). Its separator is a comma, unless lines divide evenly by a semicolon, tab or bar
    alone; then columns of decimal commas are numbers too.

    Args:
        path: the file.
        texts: columns that are text, whatever their cells look like, and their texts that are no
            gaps.

    Raises:
        ValueError: the file is none.
    """
    try:
        encoding = _encoding(path)
        separator = _separator(path, encoding)
        options: dict[str, Any] = {
            "sep": separator,
            "encoding": encoding,
            "dtype": dict.fromkeys(texts, str),
            "low_memory": False,  # one dtype per column, whatever the chunks look like
            "skipinitialspace": True,
            **_gaps(path, encoding, separator, texts),
            **_index(path, encoding, separator),
        }
        frame = pd.read_csv(path, **options)
        if isinstance(frame.index, pd.MultiIndex):
            raise ValueError("its lines have more cells than its first line has names")
    except (ValueError, csv.Error) as error:  # includes pandas' parser errors and wrong encodings
        raise ValueError(
            "a CSV file must be text with names in its first line and as many cells in each line, "
            f"got {str(path)!r} ({str(error).splitlines()[0]:.100}). Save it again as CSV, "
            "separated by commas, semicolons or tabs."
        ) from error
    return frame if separator == "," else _with_decimal_commas(frame, texts)


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(SNIFFED_BYTES)
        for mark, name in _MARKS.items():
            if start.startswith(mark):
                return name
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            while start:
                decoder.decode(start)
                start = file.read(1 << 20)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1252"
    return "utf-8"


def _separator(path: Path, encoding: str) -> str:
    """The separator by which the first lines have as many cells, at least two."""
    if path.suffix.lower() == ".tsv":
        return "\t"
    lines, widths = _lines(path, encoding), {}
    for separator in SEPARATORS:
        rows = [row for row in csv.reader(lines, delimiter=separator) if row]
        widths[separator] = {len(row) for row in rows} or {1}
    even = [separator for separator, counts in widths.items() if counts not in ({1}, {0})]
    steady = [separator for separator in even if len(widths[separator]) == 1]
    if not steady and 1 in widths[","]:  # names without a comma: some other separates them
        steady = [separator for separator in even if 1 not in widths[separator]]
    return steady[0] if steady else ","


def _index(path: Path, encoding: str, separator: str) -> dict[str, Any]:
    """Options of pandas for lines that end with a separator, where the names do not."""
    rows = [row for row in csv.reader(_lines(path, encoding), delimiter=separator) if row]
    longer = [row for row in rows[1:] if len(row) == len(rows[0]) + 1 and not row[-1].strip()]
    return {"index_col": False} if longer and len(longer) == len(rows) - 1 else {}


def _lines(path: Path, encoding: str) -> list[str]:
    with path.open(encoding=encoding, newline="") as file:
        return [line for _, line in zip(range(SNIFFED_LINES), file, strict=False)]


def _gaps(
    path: Path, encoding: str, separator: str, texts: Mapping[str, set[str]]
) -> dict[str, Any]:
    """Options of pandas by which texts such as NA stay, where they are known to be texts."""
    if not any(GAPS & known for known in texts.values()):
        return {}
    with path.open(encoding=encoding, newline="") as file:
        names = next(csv.reader(file, delimiter=separator, skipinitialspace=True), [])
    gaps = {name: sorted(GAPS - (texts.get(name, set()) - {""})) for name in names}
    return {"keep_default_na": False, "na_values": gaps}


def _with_decimal_commas(frame: pd.DataFrame, texts: Mapping[str, set[str]]) -> pd.DataFrame:
    """The table with its columns of decimal commas as numbers."""
    numbers = {}
    for name in frame.columns:
        column = frame[name]
        if name in texts or pd.api.types.is_numeric_dtype(column.dtype):
            continue
        cells = column.dropna().astype(str).str.strip()
        if len(cells) and cells.str.fullmatch(_COMMA).all() and cells.str.contains(",").any():
            plain = cells.str.replace(".", "", regex=False).str.replace(",", ".", regex=False)
            numbers[name] = plain.astype(float).reindex(frame.index)
    return frame.assign(**numbers)
