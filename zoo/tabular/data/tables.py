"""From what a user gives - a DataFrame, a CSV or Parquet file - to a DataFrame of sound columns."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from zoo.tabular.data.csv_files import read_csv

Table = str | os.PathLike[str] | pd.DataFrame
Name = str | int
"""Of a column; a DataFrame made of an array numbers its columns."""

PARQUET: Final = (".parquet", ".pq")
ALL_INPUTS: Final = "every column of the training"
SHOWN: Final = 3  # wrong values that a message names; the rest is counted


def read_table(data: Any, *, as_text: Mapping[Name, Iterable[str]] | None = None) -> pd.DataFrame:
    """The DataFrame that is given or that a file holds.

    Args:
        data: a DataFrame, or the path of a CSV file (separated by commas, semicolons, tabs or
            bars) or Parquet file.
        as_text: columns of a CSV file whose cells are text even if they look like numbers, and
            their texts that are no gaps even if they look like such, as NA.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no table, has no rows, or its columns have no names or the same one.
        ModuleNotFoundError: Parquet files need pyarrow.
    """
    if isinstance(data, pd.DataFrame):
        frame = data
    elif isinstance(data, (str, os.PathLike)):
        frame = _read_file(Path(data), as_text or {})
    else:
        raise ValueError(
            "a table is a DataFrame or the path of a CSV or Parquet file, however data is a "
            f"{type(data).__name__}; pd.DataFrame(data) makes one of arrays and lists"
        )
    frame = _with_plain_names(frame)
    _require_names(frame)
    if not len(frame):
        raise ValueError(
            f"a table needs rows, however it has none under its {len(frame.columns)} columns; "
            "look whether a filter before it removed all"
        )
    return frame


def with_names(frame: pd.DataFrame, wanted: Iterable[Name]) -> pd.DataFrame:
    """The table with the names that are wanted as numbers as such: a file has all names as texts.

    >>> with_names(pd.DataFrame({"0": [5], "x": [6]}), [0, "x"]).columns.tolist()
    [0, 'x']
    """
    have: set[Any] = set(frame.columns)
    numbers = [name for name in wanted if isinstance(name, int) and name not in have]
    return frame.rename(columns={str(name): name for name in numbers if str(name) in have})


def texts_of(frame: pd.DataFrame) -> dict[Name, tuple[str, ...]]:
    """The columns of text and their different texts, as `as_text` of another table's `read_table`.

    >>> texts_of(pd.DataFrame({"land": ["NA", "FR", None], "n": [1, 2, 3]}))
    {'land': ('NA', 'FR')}
    """
    return {
        name: tuple(cell for cell in pd.unique(frame[name]) if isinstance(cell, str))
        for name in frame.columns
        if not pd.api.types.is_numeric_dtype(frame[name].dtype)
        and any(isinstance(cell, str) for cell in frame[name].dropna().head(1))
    }


def require_columns(frame: pd.DataFrame, wanted: Iterable[Name], use: str) -> None:
    """Refuse a table that lacks columns.

    Args:
        frame: the table.
        wanted: columns it must have.
        use: what wants them, as the subject of a sentence.

    Raises:
        ValueError: all that lack are named, with the nearest known name of the first.
    """
    missing = [name for name in wanted if name not in frame.columns]
    if missing:
        known = [str(name) for name in frame.columns]
        near = difflib.get_close_matches(str(missing[0]), known, n=1, cutoff=0.6)
        hint = f"did you mean {near[0]!r}? " if near else ""
        them, are = ("it", "is") if len(missing) == 1 else ("them", "are")
        way_out = (
            f"add {them}, with empty cells where nothing is known"
            if use == ALL_INPUTS
            else ""
            if near
            else "name one of these"
        )
        raise ValueError(
            f"{use} must be in the table, however {few(missing)} {are} not among columns="
            f"{known[:8]}{'...' if len(known) > 8 else ''}; {hint}{way_out}".rstrip()
        )


def few(values: Sequence[Any]) -> str:
    """The first values, and how many there are if that is not all."""
    more = f", ... ({len(values)} in all)" if len(values) > SHOWN else ""
    return ", ".join(f"{value!r:.60}" for value in values[:SHOWN]) + more


def _read_file(path: Path, as_text: Mapping[Name, Iterable[str]]) -> pd.DataFrame:
    if not path.is_file():
        raise FileNotFoundError(
            f"a table is a CSV or Parquet file, however {str(path)!r} does not exist; check the "
            "name"
        )
    if path.suffix.lower() in PARQUET:
        return _read_parquet(path)
    return read_csv(path, {str(name): set(texts) for name, texts in as_text.items()})


def _read_parquet(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path)
    except ImportError:
        raise ModuleNotFoundError(
            f"Parquet files need pyarrow, however it is not installed for {str(path)!r}; "
            "pip install pyarrow, or save the table as CSV"
        ) from None
    except (ValueError, OSError) as error:
        raise ValueError(
            f"a Parquet file must be whole, however {str(path)!r} is not "
            f"({str(error).splitlines()[0]:.100}); save it again"
        ) from error


def _with_plain_names(frame: pd.DataFrame) -> pd.DataFrame:
    """The table with NumPy's texts and whole numbers among its columns' names as Python's."""
    if not any(isinstance(name, (np.str_, np.integer)) for name in frame.columns):
        return frame
    plain = [name.item() if isinstance(name, np.generic) else name for name in frame.columns]
    return frame.set_axis(pd.Index(plain, dtype=object), axis=1)


def _require_names(frame: pd.DataFrame) -> None:
    """Names are texts or numbers, each once."""
    odd = [name for name in frame.columns if type(name) not in (str, int)]
    if odd:
        raise ValueError(
            f"columns have texts or whole numbers as names, however there is {few(odd)}; "
            "rename them, a MultiIndex by frame.columns.map('_'.join)"
        )
    twice = list(frame.columns[frame.columns.duplicated()].unique())
    if twice:
        raise ValueError(
            f"columns have a name of their own, however {few(twice)} stands for several; "
            "rename or drop them"
        )
