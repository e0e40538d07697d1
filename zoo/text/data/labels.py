"""What data say of their texts: a class each, any number of classes each, or a number each.

Any number of them where labels are lists, columns of 0 and 1, or cells with a separator; numbers
where the call says so. A gap is never a class: data with gaps are refused.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Iterable, Sequence
from itertools import compress
from typing import Any, Final

import numpy as np
import pandas as pd

from zoo.data.table import EMPTY
from zoo.text.data.texts import is_missing
from zoo.text.spec import Label

Labels = list[Label] | list[tuple[Label, ...]] | list[float]

SEPARATORS: Final = ("|", ";")  # between the labels in a cell: no name of a class has them

_DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?(e-?[0-9]+)?", re.IGNORECASE)
_BOOLEANS = {"true": True, "false": False}
_TRUTH = _BOOLEANS | {"0": False, "1": True, "0.0": False, "1.0": True}


def from_columns(table: pd.DataFrame) -> tuple[list[tuple[Label, ...]], tuple[Label, ...]]:
    """The names of the columns that hold 1 in each row, and of all; the others hold 0.

    Raises:
        ValueError: a column holds something else, or has gaps.
    """
    names = tuple(_plain(name) for name in table.columns)
    _require_plain(names)
    rows = table.map(_truth)
    odd = np.flatnonzero(rows.isna().any(axis=1))
    if len(odd):
        cells = table.iloc[odd[0]].tolist()
        raise ValueError(
            f"columns of classes must hold 1 where a text has the class and 0 elsewhere, got "
            f"{cells} in columns {names[:10]} ({len(odd)} rows that hold something else or nothing)"
            ". Correct or leave out these rows, or name one column of labels."
        )
    return [tuple(compress(names, row)) for row in rows.to_numpy()], names


def from_csv(cells: Sequence[str | None], task: str | None = None) -> list[Any]:
    """The values that cells of text spell: whole numbers, truth values or lists; None is a gap.

    The latter where all cells are such; "007" is a name. Numbers with fractions are such unless
    the task says that they are names.
    """
    texts = [cell.strip() if isinstance(cell, str) else None for cell in cells]
    spelt = {text for text in texts if text is not None and text not in EMPTY}
    readings: list[Callable[[str], Any]] = [lambda text: _BOOLEANS.get(text.lower()), _whole, _list]
    readings += [] if task == "classification" else [_fraction]
    for reading in readings:
        meanings = {text: reading(text) for text in spelt}
        if spelt and None not in meanings.values():
            return [None if text is None else meanings.get(text) for text in texts]
    return [text if text in spelt else None for text in texts]


def checked(
    values: Sequence[Any] | pd.DataFrame, *, task: str | None = None
) -> tuple[Labels, tuple[Label, ...]]:
    """A label for each text, and classes that the form of the labels tells, with texts or without.

    Args:
        values: a class each, lists of classes, rows or columns of 0 and 1, or cells with a
            separator.
        task: what is asked of a text; None leaves it to the values.

    Raises:
        ValueError: there are gaps, some labels are lists and others not, or a label is no plain
            value; or no number where numbers are asked for.
    """
    if task == "regression":
        return _numbers(values), ()
    if isinstance(values, pd.DataFrame):
        return from_columns(values)
    lists = [isinstance(value, (list, tuple, set, frozenset, np.ndarray)) for value in values]
    if not any(lists):
        cells = _as_numbers([[_plain(value) for value in values]])[0]
        return _from_cells(cells, task)
    if not all(lists):
        odd = values[lists.index(False)]
        raise ValueError(
            "each text must have one class or each a list of them, got "
            f"{values[lists.index(True)]!r:.60} and {odd!r:.60}, which is no list. Give lists for "
            "all; an empty one says that there is no class."
        )
    rows = _as_numbers([[_plain(one) for one in value] for value in values])
    if (width := _width_of_table(rows)) is not None:
        table = pd.DataFrame(rows, columns=range(width), dtype=object)
        return from_columns(table)
    _require_plain([one for row in rows for one in row])
    return [tuple(dict.fromkeys(row)) for row in rows], ()


def _numbers(values: Sequence[Any] | pd.DataFrame) -> list[float]:
    """The numbers that labels are or spell.

    Raises:
        ValueError: some are none.
    """
    if isinstance(values, pd.DataFrame):
        raise ValueError(
            f"numbers of texts must be in one column, got {list(values.columns)[:10]} for "
            "task='regression'. Name one of them."
        )
    numbers = [_number(_plain(value)) for value in values]
    odd = [i for i, number in enumerate(numbers) if number is None]
    if odd:
        raise ValueError(
            "every text must have a finite number for task='regression', got "
            f"{values[odd[0]]!r:.60} in place {odd[0]} ({len(odd)} such in all). Correct them or "
            "leave these texts out, or give task='classification'."
        )
    return [number for number in numbers if number is not None]


def _from_cells(cells: list[Any], task: str | None) -> tuple[Labels, tuple[Label, ...]]:
    texts = [cell for cell in cells if isinstance(cell, str)]
    separator = next((mark for mark in SEPARATORS if any(mark in text for text in texts)), None)
    if task == "classification":
        cells = [str(one) if isinstance(one, float) and not _is_gap(one) else one for one in cells]
    if task == "classification" or (task is None and separator is None) or not texts:
        _require_plain(cells)
        return cells, ()
    labels: list[tuple[Label, ...]] = []
    for cell in cells:
        parts = cell.split(separator) if isinstance(cell, str) else [cell]
        named = [_plain(part) for part in parts]
        labels.append(tuple(dict.fromkeys(one for one in named if not _is_gap(one))))
    _require_plain([one for label in labels for one in label])
    return labels, ()


def _require_plain(labels: Iterable[Any]) -> None:
    labels = list(labels)
    gaps = [i for i, label in enumerate(labels) if _is_gap(label)]
    if gaps:
        raise ValueError(
            f"every text must have a label, got {len(gaps)} of {len(labels)} labels missing "
            f"({labels[gaps[0]]!r} is the first). Leave these rows out, or rename the class."
        )
    odd = [label for label in labels if not isinstance(label, (str, int))]
    if odd:
        is_number = all(isinstance(label, float) for label in odd)
        way_out = "Leave these rows out, or name their classes."
        if is_number:
            way_out = "Give task='regression' to predict numbers, task='classification' for names."
        raise ValueError(
            f"a label must be plain text or a whole number, got {odd[0]!r:.60} "
            f"({len(odd)} such labels). {way_out}"
        )


def _width_of_table(rows: list[list[Any]]) -> int | None:
    """The number of columns if rows are those of a table of numbers, and no lists of classes.

    A list of classes has each once; and if all had both 0 and 1, they would say nothing.
    """
    widths = {len(row) for row in rows}
    if len(widths) != 1 or (width := widths.pop()) < 2:
        return None
    if not all(isinstance(one, (int, float)) or _is_gap(one) for row in rows for one in row):
        return None
    is_table = any(len(set(row)) < width for row in rows) or all(set(row) <= {0, 1} for row in rows)
    return width if is_table else None


def _plain(label: Any) -> Any:
    """A label as Python has it: text without spaces around it, a whole number where it is one."""
    if hasattr(label, "item") and getattr(label, "ndim", 1) == 0:
        label = label.item()  # a number of NumPy or torch
    if isinstance(label, str):
        return str.__str__(label).strip()
    if isinstance(label, int) and not isinstance(label, bool):
        return int(label)
    return int(label) if isinstance(label, float) and label.is_integer() else label


def _as_numbers(rows: list[list[Any]]) -> list[list[Any]]:
    """The labels, where text that spells another one's number is that number: "5" beside 5."""
    numbers = {one for row in rows for one in row if type(one) is int}
    if not numbers:
        return rows

    def read(one: Any) -> Any:
        number = _whole(one) if isinstance(one, str) else None
        return number if number in numbers else one

    return [[read(one) for one in row] for row in rows]


def _truth(cell: Any) -> bool | None:
    cell = _plain(cell)
    if isinstance(cell, str):
        return _TRUTH.get(cell.lower())
    return bool(cell) if isinstance(cell, int) and cell in (0, 1) else None


def _is_gap(label: Any) -> bool:
    return is_missing(label) or (isinstance(label, str) and label.strip() in EMPTY)


def _whole(text: str) -> int | None:
    digits = text.removesuffix(".0").removeprefix("-")
    is_canonical = digits.isascii() and digits.isdigit() and (digits == "0" or digits[0] != "0")
    return int(text.removesuffix(".0")) if is_canonical else None


def _number(value: Any) -> float | None:
    """The finite number that a value is or spells."""
    try:
        number = float(value)
    except (ValueError, TypeError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _fraction(text: str) -> float | None:
    return _number(text) if _DECIMAL.fullmatch(text) else None


def _list(text: str) -> list[Any] | None:
    """A list as pandas writes it into a cell: "['a', 'b']"."""
    if not (text.startswith("[") and text.endswith("]")):
        return None
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return None
    return value if isinstance(value, list) else None
