"""Files of ratings as tables. Ids in a text file stay text: they are no numbers to count with."""

from __future__ import annotations

import codecs
import csv
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pandas as pd

PARQUET: Final = (".parquet", ".pq")
_TABS: Final = (".tsv", ".data", ".base", ".test")
_SEPARATORS: Final = ",;\t|"


def read_file(
    path: str | os.PathLike[str], id_columns: Callable[[pd.DataFrame], list[Any]]
) -> pd.DataFrame:
    """A CSV, TSV or Parquet file as it is.

    Args:
        path: the file.
        id_columns: names of the columns of ids, from a table with the file's header alone.

    Raises:
        FileNotFoundError: it does not exist.
        ModuleNotFoundError: it is a Parquet file and pyarrow is missing.
        ValueError: it is no such table.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"ratings must be in a file, but {str(path)!r} does not exist."
            if not path.exists()
            else f"ratings must be in one file, got the folder {str(path)!r}. Name a file in it."
        )
    if is_parquet(path):
        return _read_parquet(path)
    try:
        encoding = _encoding(path)
        separator = _separator(path, encoding)
        style: dict[str, Any] = {
            "sep": separator,
            "encoding": encoding,
            "decimal": "," if separator == ";" else ".",
            "index_col": False,  # a field too many must not shift the columns
            "skipinitialspace": True,
        }
        header = pd.read_csv(path, nrows=0, **style)
        style |= {"dtype": dict.fromkeys(id_columns(header), str), "low_memory": False}
        table: pd.DataFrame = pd.read_csv(path, **style)
        if separator == "\t" and len(table) < _lines(path) - 1:  # a quotation mark opened a cell
            table = pd.read_csv(path, quoting=csv.QUOTE_NONE, **style)
        return table
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeError, csv.Error) as error:
        raise ValueError(
            f"ratings must be a CSV table, but {path.name!r} is not "
            f"({' '.join(str(error).split()):.100}). Read it with pandas and pass the DataFrame."
        ) from error


def is_parquet(path: str | os.PathLike[str]) -> bool:
    """Whether the file's name is that of a Parquet file, which keeps types."""
    return Path(path).suffix.lower() in PARQUET


def _encoding(path: Path) -> str:
    """What the file's mark tells, else UTF-8, else that of Excel in western Europe."""
    if path.suffix.lower() not in {".csv", *_TABS}:
        return "utf-8"  # pandas may have to unpack it
    with path.open("rb") as file:
        if file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return "utf-16"
    try:
        with path.open(encoding="utf-8-sig") as lines:
            for _ in lines:
                pass
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"


def _separator(path: Path, encoding: str) -> str:
    """What stands between the columns, by the file's name, else by its first line."""
    if path.suffix.lower() in _TABS:
        return "\t"
    if path.suffix.lower() != ".csv":
        return ","  # pandas may have to unpack it
    with path.open(encoding=encoding) as lines:
        first = lines.readline(100_000)
    return max(_SEPARATORS, key=first.count)  # the comma where several are as frequent


def _lines(path: Path) -> int:
    """Lines of a file that are not empty."""
    with path.open("rb") as lines:
        return sum(bool(line.strip()) for line in lines)


def _read_parquet(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path)
    except ImportError:
        raise ModuleNotFoundError(
            f"Parquet files need pyarrow, which is not installed, to read {str(path)!r}. "
            "pip install 'transfer-zoo[parquet]', or save the table as CSV."
        ) from None
    except (ValueError, OSError) as error:
        raise ValueError(
            f"a Parquet file must be whole, but {str(path)!r} is not "
            f"({' '.join(str(error).split()):.100}). Save it again."
        ) from error
