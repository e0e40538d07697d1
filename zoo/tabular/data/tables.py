"""From what a user gives - a DataFrame or a table's file - to a DataFrame of sound columns."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from zoo.core.frames import ArrowTable, frame_of
from zoo.core.messages import quoted
from zoo.data import table
from zoo.tabular.options import Name

Table = str | os.PathLike[str] | pd.DataFrame | ArrowTable
ALL_INPUTS: Final = "every column of the training, if only with empty cells,"


def read_table(
    data: Any, as_text: Mapping[Name, Iterable[str]] | None = None, names: Iterable[Name] = ()
) -> pd.DataFrame:
    """A DataFrame as it is, or the one that a file or another library's table holds.

    Args:
        data: a DataFrame, a table that `zoo.core.frames` takes, or the path of a file that
            `zoo.data.table` reads.
        as_text: columns of a CSV file whose cells are text even if they look like numbers, and
            their texts that are no gaps even if they look like such, as NA.
        names: names of a model's columns, which a file writes as text without spaces around.

    Raises:
        FileNotFoundError: the file does not exist.
        ValueError: it is no table, has no rows, or its columns have no names or the same one.
        ModuleNotFoundError: Parquet files need pyarrow.
    """
    data = frame_of(data)
    if isinstance(data, pd.DataFrame):
        frame = data
    elif isinstance(data, (str, os.PathLike)):
        texts = {str(name): tuple(texts) for name, texts in (as_text or {}).items()}
        frame = table.read_table(Path(data), lambda names: texts)
    else:
        raise ValueError(
            "a table must be a DataFrame or the path of a file (CSV, JSON or Parquet), got a "
            f"{type(data).__name__}. pd.DataFrame(data) makes one of arrays and lists."
        )
    if any(isinstance(name, np.generic) for name in frame.columns):
        plain = [name.item() if isinstance(name, np.generic) else name for name in frame.columns]
        frame = frame.set_axis(pd.Index(plain, dtype=object), axis=1)
    _require_names(frame)
    if not len(frame):
        raise ValueError(
            f"a table must have rows, got none under its {len(frame.columns)} columns. Look "
            "whether a filter before it removed all."
        )
    have: set[Any] = set(frame.columns)
    return frame.rename(columns={str(name).strip(): name for name in names if name not in have})


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


def _require_names(frame: pd.DataFrame) -> None:
    """Names are texts or numbers, each once."""
    odd = [name for name in frame.columns if type(name) not in (str, int)]
    if odd:
        raise ValueError(
            f"columns must have texts or whole numbers as names, got {quoted(odd)}. Rename them, a "
            "MultiIndex by frame.columns.map('_'.join)."
        )
    twice = list(frame.columns[frame.columns.duplicated()].unique())
    if twice:
        raise ValueError(
            f"each column must have a name of its own, got {quoted(twice)} for several. "
            "Rename or drop them."
        )
