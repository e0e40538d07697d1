"""From a table of photos (CSV file or DataFrame) to paths, labels and the rows to validate on."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, TypeGuard

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zoo.core.frames import ArrowTable, arrow_frame, speaks_arrow
from zoo.core.messages import few
from zoo.core.names import is_file
from zoo.core.split import warn_of_marked_parts
from zoo.data.table import read_texts, require_columns, require_file, truths_of
from zoo.vision.data import labels
from zoo.vision.data.labels import ANY_LABELS, Label, LabelOptions

Table = str | os.PathLike[str] | pd.DataFrame | ArrowTable

VALID_COLUMNS: Final = ("valid", "is_valid")

_FLAGS: Final = {"0", "1", "0.0", "1.0", "False", "True"}


def is_table(data: object) -> TypeGuard[Table]:
    """Whether data are a table of any library, or the path of a table or folder."""
    return isinstance(data, (str, os.PathLike, pd.DataFrame)) or speaks_arrow(data)


def table_columns(table: Table) -> list[Any]:
    """Names of a table's columns.

    Raises:
        FileNotFoundError: the file does not exist.
        ValueError: it is no table.
    """
    return list(_read(table).columns)


def from_table(
    table: Table,
    root: str | os.PathLike[str] | None = None,
    columns: tuple[str, str] | None = None,
    valid_column: str | None = None,
    label_options: LabelOptions = ANY_LABELS,
) -> tuple[list[Path], list[Label], NDArray[np.bool_] | None]:
    """Paths, labels and, if the table says it, whether to validate on them.

    Args:
        table: a file that `zoo.data.table` reads, or a DataFrame.
        root: what its paths are relative to; by default the folder of its file, of a DataFrame the
            current one.
        columns: names of the columns of paths and labels; by default its first two.
        valid_column: name of the yes/no column; by default `valid` or `is_valid` if there is one.
        label_options: what the user says of the labels.

    Raises:
        FileNotFoundError: the file or a photo in the table does not exist.
        ValueError: columns or labels are missing, or a photo stands on both sides.
    """
    if not isinstance(root, (str, os.PathLike, type(None))):
        raise ValueError(f"root must be the path of a folder, got {root=}. Leave it out.")
    frame = _read(table)
    default = Path(table).parent if isinstance(table, (str, os.PathLike)) else Path()
    if valid_column is None:
        valid_column = next((name for name in VALID_COLUMNS if name in frame.columns), None)
    if columns is None:
        rest = [name for name in frame.columns if name != valid_column]
        if len(rest) < 2 or not len(frame):
            raise ValueError(
                f"a table must have rows with a path and a label, got "
                f"columns={list(frame.columns)} and {len(frame)} rows. Separate columns by commas."
            )
        columns = (rest[0], rest[1])
        _require_one_label_column(frame, rest[1:])
    require_pair(columns)
    named = [*columns, *([valid_column] if valid_column else [])]
    require_columns(frame, named, "every column that is named")
    names = labels.read(frame[columns[1]], label_options)
    if labels.task_of(names) != "multi-label":  # a photo may have none of several labels
        _require_filled(frame[columns[1]], columns[1])
    paths = _paths(frame[columns[0]], columns[0], default if root is None else Path(root))
    is_valid = None if valid_column is None else truths_of(frame[valid_column])
    if is_valid is None:
        warn_of_marked_parts(frame, columns)
    _require_once(paths, names, is_valid)
    return paths, names, is_valid


def groups_in(table: Table, column: str) -> NDArray[np.int64]:
    """A number for each row's group, such as the patient that a photo shows. Shape: (n,)

    Raises:
        ValueError: the table has no such column, or gaps in it.
    """
    frame = _read(table)
    require_columns(frame, [column], "the column of groups")
    _require_filled(frame[column], column)
    return np.unique(frame[column].astype(str), return_inverse=True)[1].astype(np.int64)


def _read(table: Table) -> pd.DataFrame:
    """A table without the column that pandas writes for an index."""
    data: Any = arrow_frame(table)
    if isinstance(data, pd.DataFrame):
        return data
    require_file(Path(data), "photos must come from a folder or a table")
    frame = read_texts(Path(data))
    return frame.loc[:, [not re.match("Unnamed:|$", str(name)) for name in frame.columns]]


def require_pair(columns: Any) -> None:
    """Refuse names of columns that are not two.

    Raises:
        ValueError: they are not.
    """
    if isinstance(columns, str) or not isinstance(columns, Sequence) or len(columns) != 2:
        raise ValueError(
            f"columns must be the names of two columns, of paths and of labels, got {columns=!r}. "
            "Try columns=('photo', 'label')."
        )


def _require_one_label_column(frame: pd.DataFrame, names: list[Any]) -> None:
    """Refuse to take the first of several columns of 0 and 1 for classes named 0 and 1."""
    flags = [name for name in names if {str(v) for v in frame[name]} <= _FLAGS]
    if len(names) > 1 and len(flags) == len(names):
        raise ValueError(
            f"labels must be in one column, got {len(flags)} columns of 0 and 1: {few(flags)}. "
            "Write a photo's labels in one cell with | between them, or name the column of one "
            "label as columns=(paths, labels)."
        )


def _require_filled(series: pd.Series, column: str) -> None:
    gaps = np.flatnonzero(series.isna() | (series.astype(str).str.strip() == ""))
    if len(gaps):
        raise ValueError(
            f"every row must have a path and a label, got gaps in column {column!r}, rows "
            f"{few(gaps.tolist())}. Fill or remove these rows."
        )


def _paths(series: pd.Series, column: str, root: Path) -> list[Path]:
    _require_filled(series, column)
    paths = [_place(root, str(path)) for path in series]
    if missing := [str(path)[:100] for path in paths if not is_file(path)]:
        raise FileNotFoundError(
            f"every path in column {column!r} must lead to a file, got none at {few(missing)}. "
            "Correct the paths or give the folder they start from as root."
        )
    return paths


def _place(root: Path, name: str) -> Path:
    """The file of a cell; spaces around it are part of a name where such a file exists."""
    exact = root / name
    return exact if name == name.strip() or is_file(exact) else root / name.strip()


def _require_once(
    paths: list[Path], names: list[Label], is_valid: NDArray[np.bool_] | None
) -> None:
    """No photo on both sides or with two labels; repeats within training are the user's weights."""
    sides = range(len(paths)) if is_valid is None else is_valid.tolist()
    first: dict[Path, tuple[Label, int]] = {}
    facts = zip(paths, zip(names, sides, strict=True), strict=True)
    if twice := [str(path) for path, fact in facts if first.setdefault(path, fact) != fact]:
        raise ValueError(
            "a table must name a photo once, with one label and on one side of the split, got "
            f"repeats of {few(twice)}. Remove these rows."
        )
