"""Ids of users and items: what may be one, and which id of a model a value means.

One rule everywhere: what was learnt as text is read as text, numbers that are equal are equal (5,
5.0 and np.int64(5)), and text that spells a known number means that number. Whole numbers never
pass through floats, which tell them apart up to 2**53 only.
"""

from __future__ import annotations

import math
import re
from collections.abc import Hashable, Iterable, Sequence, Sized
from functools import cached_property
from typing import Any, Final
from uuid import UUID

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_bool_dtype, is_float_dtype, is_integer_dtype

Rows = NDArray[np.int32]
OneId = str | int | float | UUID | np.generic
"""One id, as a caller writes it."""

ManyIds = list[Any] | range | pd.Series | pd.Index | NDArray[Any]
"""Several ids."""

EXACT: Final = 2**53  # floats from here on stand for several whole numbers
_SPELLED: Final = r"\s*(?:0|-?[1-9]\d{0,17})(?:\.0+)?\s*"  # whole numbers as programs write them
_DIGITS: Final = r"[+-]?\d{1,30}(?:\.0+)?"
_DECIMAL: Final = r"[+-]?\d{0,15}\.\d{1,15}"
_INT64: Final = np.iinfo(np.int64)


class IdIndex:
    """A model's ids in the order of their rows; row 0 stands for any other id.

    >>> IdIndex([10, 20]).rows([20, 20.0, "20", 30]).tolist()
    [2, 2, 2, 0]
    >>> IdIndex(["10", "x"]).rows([10, "x", "X"]).tolist()
    [1, 2, 0]
    """

    def __init__(self, ids: Sequence[Hashable]) -> None:
        self.ids = ids

    def rows(self, values: Iterable[Any]) -> Rows:
        """The row of each value, 0 for an unknown one. Shape: (n,), int32.

        Raises:
            ValueError: a value is a float that stands for several whole numbers.
        """
        if type(values) is list and len(values) == 1 and (row := self._row_of(values[0])):
            return np.array([row], dtype=np.int32)  # without the cost of an index
        wanted = _index(values)
        _refuse_wide_floats(wanted)
        rows = (self._exact.get_indexer(wanted) + 1).astype(np.int32)
        missed = np.flatnonzero(rows == 0)
        if len(missed):
            codes, others = pd.factorize(wanted.take(missed))
            rows_of_others = np.array([*map(self._row_otherwise, others), 0], dtype=np.int32)
            rows[missed] = rows_of_others[codes]  # gaps have the code -1
        return rows

    def spelled_out(self, values: Iterable[Any], rows: Rows) -> str | None:
        """The first text that was taken for a number among the ids; None if there is none."""
        if not self._numbers or getattr(getattr(values, "dtype", None), "kind", "O") in "iuf":
            return None
        for value, row in zip(values, rows.tolist(), strict=True):
            if row and isinstance(value, str) and not isinstance(self.ids[row - 1], str):
                return str(value)
        return None

    @cached_property
    def _exact(self) -> pd.Index:
        return _index(self.ids)

    @cached_property
    def _texts(self) -> dict[str, int]:
        return {one: row for row, one in enumerate(self.ids, 1) if isinstance(one, str)}

    @cached_property
    def _numbers(self) -> dict[Any, int]:
        return {one: row for row, one in enumerate(self.ids, 1) if not isinstance(one, str)}

    def _row_of(self, value: Any) -> int:
        """The row of a text or a whole number that is an id as it is; 0 for all else."""
        if type(value) is str:
            return self._texts.get(value, 0)
        return self._numbers.get(value, 0) if type(value) is int else 0

    def _row_otherwise(self, value: Any) -> int:
        """The row of a value that stands for an id without being equal to it."""
        try:
            value = plain_id(value)
        except ValueError:
            return 0
        if not isinstance(value, str):
            return self._numbers.get(value) or self._texts.get(str(value), 0)
        text = value.strip()
        return self._texts.get(text) or self._numbers.get(_number_of(text), 0)


def plain_id(value: object) -> Hashable:
    """An id as plain Python: text, a whole number, a number or a truth value.

    Raises:
        ValueError: the value cannot be an id.
    """
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (str, UUID)):
        return str(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    why, way_out = f"a {type(value).__name__}", "Turn the ids into text."
    if isinstance(value, (float, np.floating)):
        number = float(value)
        if abs(number) < EXACT:
            return int(number) if number.is_integer() else number
        why = "a float that stands for several whole numbers"
        way_out = "Read the ids as text, as in pd.read_csv(..., dtype=str)."
    raise ValueError(f"an id must be text or a number, got {value!r}, {why}. {way_out}")


def clean_ids(column: pd.Series, side: str) -> pd.Series:
    """A column without gaps as plain ids: whole numbers as int64, others as Python objects.

    Raises:
        ValueError: a value cannot be an id.
    """
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
    if is_integer_dtype(column) and int(column.max()) <= _INT64.max:
        return column.astype(np.int64)
    if isinstance(column.dtype, pd.StringDtype):
        return column
    try:
        codes, uniques = pd.factorize(column)
        plain = _as_numbers(list(map(plain_id, uniques.tolist())))
    except (TypeError, ValueError) as error:
        said = str(error) if isinstance(error, ValueError) else "an id must be text or a number."
        raise ValueError(f"column of the {side}: {said}") from None
    if all(type(one) is int and _INT64.min <= one <= _INT64.max for one in plain):
        return pd.Series(np.array(plain, dtype=np.int64)[codes], index=column.index)
    return pd.Series(np.array(plain, dtype=object)[codes], index=column.index, dtype=object)


def whole_numbers(column: pd.Series) -> pd.Series:
    """A file's column of ids: int64 if every cell spells a whole number, else the text as it is.

    "007" is text: as a number it could not be told from "7".

    >>> whole_numbers(pd.Series(["5", "7.0"])).tolist()
    [5, 7]
    >>> whole_numbers(pd.Series(["5", "007"])).tolist()
    ['5', '007']
    """
    if not isinstance(column.dtype, pd.StringDtype) and column.dtype != object:
        return column
    texts = column.astype(str)
    if not texts.str.fullmatch(_SPELLED).all():
        return column
    return texts.str.strip().str.replace(r"\.0+$", "", regex=True).astype(np.int64)


def cast_like(value: Hashable, ids: Sequence[Hashable]) -> Hashable:
    """Cast a new id to the form of others: text among texts, a number among numbers."""
    if not isinstance(value, str) and all(isinstance(one, str) for one in ids):
        return str(value)
    if isinstance(value, str) and all(type(one) is int for one in ids):
        return whole_numbers(pd.Series([value])).tolist()[0]  # type: ignore[no-any-return]
    return value


def is_one(values: object) -> bool:
    """Whether this is one id and no sequence of ids."""
    if hasattr(values, "ndim"):
        return bool(values.ndim == 0)
    return isinstance(values, (str, bytes)) or not hasattr(values, "__len__")


def one_or_many(values: Any, side: str) -> list[Any] | pd.Series | pd.Index | NDArray[Any]:
    """A sequence of ids: several as they are, one in a list.

    Raises:
        ValueError: the value is neither an id nor a sequence of ids.
    """
    if is_one(values):
        value = values.item() if hasattr(values, "ndim") else values
        if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
            raise ValueError(
                f"a rating must have a user and an item, got {side}={value!r}. Give both ids; "
                "recommend(user) is for all items."
            )
        plain_id(value)
        return [value]
    if isinstance(values, (pd.Series, pd.Index, np.ndarray)) and values.ndim == 1:
        return values
    listed = values.tolist() if hasattr(values, "ndim") else list(values)
    # A tuple might be meant as an id.
    is_no_list = isinstance(values, (tuple, dict, set, frozenset))
    if is_no_list or any(issubclass(kind, Sized) for kind in set(map(type, listed)) - {str}):
        raise ValueError(
            f"several {side}s must be a list of ids, got a {type(values).__name__} of "
            f"{len(listed)}. Give a list, a Series or a one-dimensional array."
        )
    return listed


def _index(values: Iterable[Any]) -> pd.Index:
    """An index of ids in which no whole number becomes a float, and none is taken for text."""
    index: pd.Index
    if isinstance(values, (pd.Series, pd.Index, np.ndarray)):
        column = pd.Series(values).reset_index(drop=True)
        if isinstance(column.dtype, pd.CategoricalDtype):
            column = column.astype(column.cat.categories.dtype)
        if is_float_dtype(column) or is_bool_dtype(column) or column.dtype == np.uint64:
            column = column.astype(object)
        index = pd.Index(column, tupleize_cols=False)
        return index
    listed = list(values)
    kinds = set(map(type, listed))
    fits = kinds == {int} and _INT64.min <= min(listed) <= max(listed) <= _INT64.max
    dtype = None if fits or kinds == {str} else object
    index = pd.Index(listed, dtype=dtype, tupleize_cols=False)
    return index


def _as_numbers(ids: list[Hashable]) -> list[Hashable]:
    """The ids, where text that spells another one's number is that number: "5" beside 5."""
    numbers = {one for one in ids if type(one) is int}
    if not numbers or len(numbers) == len(ids):
        return ids
    spelled = [
        _number_of(one.strip()) if isinstance(one, str) and re.fullmatch(_SPELLED, one) else one
        for one in ids
    ]
    return [new if new in numbers else one for one, new in zip(ids, spelled, strict=True)]


def _refuse_wide_floats(values: pd.Index) -> None:
    """Refuse floats that stand for several whole numbers, which might be one id or another."""
    if values.dtype == object:
        for value in values:
            if isinstance(value, (float, np.floating)) and abs(float(value)) >= EXACT:
                plain_id(value)


def _number_of(text: str) -> Hashable:
    """The number that a text spells, None if it spells none."""
    if re.fullmatch(_DIGITS, text):
        return int(text.partition(".")[0])
    return float(text) if re.fullmatch(_DECIMAL, text) else None
