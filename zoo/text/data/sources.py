"""Where labelled texts come from: every form of data becomes a table, or a pair of columns."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zoo.core.frames import frame_of_rows
from zoo.core.messages import warn
from zoo.data.table import TABLES, read_texts, truths_of
from zoo.text.data import huggingface, texts
from zoo.text.data.files import parts_in, path_of, text_of, visible
from zoo.text.data.pairs import SIDES, is_pair

VALID_COLUMNS: Final = ("is_valid", "valid")
UNLABELLED: Final = ("unsup", "unlabelled", "unlabeled")  # folders of texts without a class


def parts_of(data: Any) -> tuple[Any, Any] | None:
    """The training part and the validation part, or None, of data that have parts.

    Raises:
        ValueError: folders have the names of parts but no classes in them.
    """
    if isinstance(data, (str, os.PathLike)) and path_of(data).is_dir():
        train, valid = parts_in(Path(data), TABLES)
        if train is None or valid is None:
            return None
        without = [part.name for part in (train, valid) if part.is_dir() and not _folders(part)]
        if len(without) == 2 and len(_folders(Path(data))) > 2:
            return None  # classes of these names among others
        if without:
            raise ValueError(
                "parts of a folder must each have a folder for every class, got "
                f"{without} without in {str(data)[:100]!r}. Sort the texts into folders of classes."
            )
        return train, valid
    parts = huggingface.parts_of(data)
    is_column = parts and isinstance(parts[0], list) and not huggingface.is_rows(parts[0])
    return None if is_column else parts


def table_of(data: Any) -> pd.DataFrame | None:
    """The data as a table; None if they are none.

    Raises:
        FileNotFoundError: there is no such file or folder.
        ValueError: the file is no table, or the folder has no classes.
    """
    if isinstance(data, (str, os.PathLike)):
        return _from_folder(Path(data)) if Path(data).is_dir() else _from_file(Path(data))
    table = texts.table_of(data)
    return frame_of_rows(data) if table is None and huggingface.is_rows(data) else table


def pair_of(data: Any) -> tuple[list[Any], list[Any] | pd.DataFrame]:
    """The texts and their labels, which are a table where they are columns of 0 and 1.

    Raises:
        ValueError: the data are no pair of texts and labels.
    """
    if isinstance(data, list) and data and all(_is_row(one) for one in data):
        if len(data) == 2 and isinstance(data[1][1], str):
            raise ValueError(
                "texts and labels must be told apart, got a list of two pairs of strings. Give a "
                "tuple (texts, labels)."
            )
        data = tuple(zip(*data, strict=True))
    if not isinstance(data, (tuple, list)) or len(data) != 2 or isinstance(data[0], str):
        raise ValueError(
            "labelled texts must be a table, a folder with one folder per class, or a pair of "
            f"texts and labels, got a {type(data).__name__}. Give one of these."
        )
    column, labels = (_columns(part) for part in data)
    if isinstance(column, pd.DataFrame):
        if len(column.columns) != SIDES:
            raise ValueError(
                f"texts must be one column, or two of pairs, got {list(column.columns)[:10]}. Give "
                "one of them."
            )
        column = list(column.itertuples(index=False, name=None))
    return column, labels


def is_valid_of(table: pd.DataFrame, used: list[Any]) -> NDArray[np.bool_] | None:
    """Which rows a table sets apart to validate on, in a column that is not used for more.

    Raises:
        ValueError: the column "is_valid" holds something else than true and false.
    """
    name = next((n for n in VALID_COLUMNS if n in table.columns and n not in used), None)
    if name is None:
        return None
    try:
        return truths_of(table[name])
    except ValueError:
        if name == VALID_COLUMNS[1]:  # perhaps the user's own word
            return None
        raise


def _columns(values: Any) -> list[Any] | pd.DataFrame:
    """A list of values, or a table of several columns."""
    values = values.toarray() if hasattr(values, "toarray") else values  # sparse
    if isinstance(values, pd.DataFrame):
        return values if len(values.columns) > 1 else values.iloc[:, 0].tolist()
    if hasattr(values, "ndim") and not isinstance(values, pd.Series):
        array = np.asarray(values.cpu() if hasattr(values, "cpu") else values)
        if array.ndim > 1 and array.size > len(array):
            return pd.DataFrame(array.reshape(len(array), -1))
        return array.reshape(-1).tolist()
    if not isinstance(values, Iterable) or isinstance(values, (str, bytes)):
        raise ValueError(
            f"texts and labels must be lists, got a {type(values).__name__}. Give a label for each "
            "text."
        )
    return list(values)


def _is_row(one: Any) -> bool:
    is_two = isinstance(one, tuple) and len(one) == 2
    return is_two and (isinstance(one[0], str) or is_pair(one[0]))


def _from_file(path: Path) -> pd.DataFrame:
    if path.suffix.lower() not in TABLES:
        raise ValueError(
            f"a file of labelled texts must end in {', '.join(TABLES)}, got {path.name!r}. Make "
            "it a table."
        )
    return read_texts(path)


def _from_folder(folder: Path) -> pd.DataFrame:
    """One row per file in the folders of the classes, at any depth."""
    files = [(file, own.name) for own in _folders(folder) for file in _files(own)]
    if not files:
        raise FileNotFoundError(
            "a folder of labelled texts must have one folder of text files per class, got "
            f"{str(folder)[:100]!r} without any. Name another folder."
        )
    left_out = [own.name for own in _folders(folder) if own.name.lower() in UNLABELLED]
    if left_out:
        warn(f"Texts in {left_out} have no class and are left out.")
    rows = [(text_of(file), name) for file, name in files if name not in left_out]
    return pd.DataFrame(rows, columns=["text", "label"], dtype=object)


def _folders(folder: Path) -> list[Path]:
    return [path for path in visible(folder) if path.is_dir()]


def _files(folder: Path) -> list[Path]:
    return [path for path in visible(folder, "**/*") if path.is_file()]
