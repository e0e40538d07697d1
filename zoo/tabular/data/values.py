"""Columns of any dtype as plain values: floats for numbers, JSON's values for categories.

Numpy, nullable, categorical, boolean, datetime, sparse and pyarrow dtypes all pass here, so that a
model does not depend on the dtype that its training table happened to have.
"""

from __future__ import annotations

import math
import re
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

from zoo.core.messages import SHOWN, quoted
from zoo.tabular.options import Name

Value = str | int | float | bool | None
"""One of a category's; None is a gap."""

Kind = Literal["number", "time", "duration"]
"""What a number stands for; times are days since 1970 (UTC), durations are days."""

FEW: Final = 20  # different whole numbers that are still categories or classes (fastai: max_card)
LARGEST: Final = float(np.finfo(np.float32).max)  # a number beyond it counts as infinite
WHOLE: Final = 2**63  # whole numbers beyond it are kept as text
_DAY: Final = 86_400.0  # seconds
_WHOLE_NUMBER: Final = re.compile(r"[+-]?(0|[1-9]\d{0,17})(\.0+)?")  # not 02, which is a code
_MIDNIGHT: Final = re.compile(r"(\d{4}-\d\d-\d\d)[ T]00:00:00(\.0+)?")
_TRUTHS: Final = {"true": 1, "false": 0}


def plain(value: Any) -> Value:
    """A cell as JSON can hold it: text, whole number, float or truth; None if it is a gap.

    Infinite floats are gaps. What is none of these (dates, decimals, tuples) becomes its text.

    >>> plain(np.int8(3)), plain(np.float64("nan")), plain(pd.NA), plain(np.True_)
    (3, None, None, True)
    """
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, (np.datetime64, np.timedelta64)):
        of_pandas: Any = pd.Timestamp if isinstance(value, np.datetime64) else pd.Timedelta
        return None if np.isnat(value) else str(of_pandas(value))
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, (bool, str)):
        return value
    return int(value) if isinstance(value, int) and abs(value) < WHOLE else str(value)


def key(value: Value) -> tuple[str, Value]:
    """What tells values apart that Python holds equal: 1, 1.0 and True."""
    return type(value).__name__, value


def sense(value: Value, *, as_number: bool = False) -> str | int | float | None:
    """What a value means, whatever type a file or a program gave it.

    Truths and texts of whole numbers are numbers, midnight is its day, empty text is a gap, spaces
    around a text do not count. Texts with leading zeros are codes, and stay text.

    Args:
        value: see `plain`.
        as_number: read any text of a number as one; for columns that hold nothing but numbers.

    >>> [sense(value) for value in ("5", 5.0, "5.0", True, "True", " a ", "02", "1.10")]
    [5, 5, 5, 1, 1, 'a', '02', '1.10']
    >>> sense("02", as_number=True), sense("2015-07-31 00:00:00"), sense(" ")
    (2, '2015-07-31', None)
    """
    if isinstance(value, str):
        text = value.strip()
        if text.lower() in _TRUTHS:
            return _TRUTHS[text.lower()]
        if _WHOLE_NUMBER.fullmatch(text):
            return int(text.partition(".")[0])
        if as_number and (number := _number_of(text)) is not None:
            return number
        day = _MIDNIGHT.fullmatch(text)
        return (day[1] if day else text) or None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return int(value) if isinstance(value, bool) else value


def distinct(column: pd.Series) -> tuple[NDArray[np.int64], list[Value]]:
    """Each cell's number among the column's different values; -1 is a gap.

    Shape: codes (n,); the values are in order of appearance
    """
    column = _dense(column)
    codes: Any
    raw: Any
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes, raw = column.cat.codes.to_numpy(), column.cat.categories
    elif _may_hold_equals(column):
        codes, raw = np.arange(len(column)), list(column)
    else:
        codes, raw = pd.factorize(column)
    order: dict[tuple[str, Value], int] = {}
    new = [-1 if (v := plain(r)) is None else order.setdefault(key(v), len(order)) for r in raw]
    codes = np.append(np.array(new, dtype=np.int64), -1)[codes]
    used = np.zeros(len(order), dtype=bool)
    used[codes[codes >= 0]] = True  # a categorical dtype may list values that no row has
    position = np.append(np.cumsum(used) - 1, -1)
    return position[codes], [value for (_, value), u in zip(order, used, strict=True) if u]


def as_numbers(column: pd.Series, name: Name, kind: Kind = "number") -> NDArray[np.float64]:
    """The column as floats; gaps are NaN, infinite and too large numbers are infinite.

    Shape: (n,)

    Raises:
        ValueError: cells are no numbers, or no times where the column holds times.
    """
    column = _dense(column)
    if types.is_complex_dtype(column.dtype):
        raise ValueError(
            f"numbers must be real, got complex ones in column {name!r}. Make a column of the real "
            "and one of the imaginary part."
        )
    if types.is_timedelta64_dtype(column.dtype):
        numbers = column.dt.total_seconds().to_numpy(np.float64) / _DAY
    elif kind == "time" or kind_of(column) == "time":
        numbers = _days(column, name)
    elif types.is_bool_dtype(column.dtype) or types.is_numeric_dtype(column.dtype):
        if isinstance(column.dtype, pd.CategoricalDtype):
            column = column.astype(object)
        numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
    else:
        numbers = _parsed(column, name)
    far = np.abs(numbers) > LARGEST
    cells: NDArray[np.float64] = np.where(far, np.copysign(np.inf, numbers), numbers)
    return cells


def reads_as_number(value: Value) -> bool:
    """Whether a value is a number, or a text that people would read as one.

    >>> [reads_as_number(text) for text in ("$1,234.50", "0,5", "12 %", "-3", "02", "A1", "?")]
    [True, True, True, True, False, False, False]
    """
    if not isinstance(value, str):
        return value is not None
    text = value.strip().strip("$€£¥% ")
    is_code = len(text) > 1 and text[0] == "0" and text[1].isdigit()
    return not is_code and _number_of(text.replace(",", "")) is not None


def is_text(dtype: Any) -> bool:
    """Whether cells of a dtype may be text."""
    return isinstance(dtype, (np.dtypes.ObjectDType, pd.StringDtype))


def kind_of(column: pd.Series) -> Kind:
    """What the numbers of a column stand for, by its dtype."""
    dtype = column.dtype
    if types.is_timedelta64_dtype(dtype):
        return "duration"
    if types.is_datetime64_any_dtype(dtype) or isinstance(dtype, pd.PeriodDtype):
        return "time"
    return "number"


def has_kinds(column: pd.Series) -> bool | None:
    """Whether cells are some of few kinds, as truths and at most 20 whole numbers, or amounts.

    None for texts and other objects, of which the cells do not tell.
    """
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype) or types.is_bool_dtype(dtype):
        return True
    is_object = not types.is_numeric_dtype(dtype) and kind_of(column) == "number"
    inferred = types.infer_dtype(column, skipna=True) if is_object else ""
    if types.is_integer_dtype(dtype) or inferred == "integer":
        return int(column.nunique()) <= FEW
    amounts = ("floating", "mixed-integer-float", "decimal")
    return None if is_object and inferred not in amounts else False


def one_number(cell: Any, name: Name, kind: Kind) -> float:
    """A single cell as `as_numbers` would have it; the quick way for one row."""
    if type(cell) in (int, float, bool) and kind != "time":
        if cell != cell:
            return math.nan
        return float(cell) if abs(cell) <= LARGEST else math.inf * (1 if cell > 0 else -1)
    if cell is None or cell is pd.NA or cell is pd.NaT:
        return math.nan
    return float(as_numbers(pd.Series([cell]), name, kind)[0])


def without_arrow(column: pd.Series) -> pd.Series:
    """A column of a pyarrow dtype as pandas would hold it without pyarrow; others as they are."""
    dtype = column.dtype
    if not isinstance(dtype, pd.ArrowDtype):
        return column
    if dtype.kind in "iufb" and types.is_numeric_dtype(dtype):
        nullable = {"i": "Int64", "u": "UInt64", "f": "Float64", "b": "boolean"}[dtype.kind]
        numbers: pd.Series = column.astype(nullable)  # type: ignore[call-overload]
        return numbers
    arrow: Any = column.array
    cells: pd.Series = arrow.__arrow_array__().to_pandas()
    return pd.Series(cells.array, index=column.index, name=column.name)


def moments(column: pd.Series, *, utc: bool = True) -> pd.Series:
    """Times, or texts or objects of them, as a column of pandas' times.

    Args:
        column: times, periods (their beginnings count), or ISO texts.
        utc: change zones to UTC, and take times without one as such.

    Raises:
        ValueError: cells are no times; the message is pandas' own.
    """
    if isinstance(column.dtype, pd.PeriodDtype):
        column = column.dt.to_timestamp()
    if types.is_datetime64_any_dtype(column.dtype):
        return pd.to_datetime(column, utc=True) if utc else column
    try:
        return pd.to_datetime(column, utc=utc, format="ISO8601" if is_text(column.dtype) else None)
    except pd.errors.OutOfBoundsDatetime:  # of pandas before 3: nanoseconds end in 2262
        cells = [np.datetime64(str(cell), "s") for cell in column.fillna("NaT")]
        times: Any = pd.Series(np.array(cells), index=column.index)
        return times.dt.tz_localize("UTC") if utc else times  # type: ignore[no-any-return]


def _dense(column: pd.Series) -> pd.Series:
    if not isinstance(column.dtype, pd.SparseDtype):
        return without_arrow(column)
    dense: pd.Series = column.astype(column.dtype.subtype)
    return dense


def _may_hold_equals(column: pd.Series) -> bool:
    """Whether values may be mixed that Python holds equal, or cannot be hashed."""
    if column.dtype != object:
        return False
    return types.infer_dtype(column, skipna=True) not in ("string", "boolean", "integer", "empty")


def _days(column: pd.Series, name: Name) -> NDArray[np.float64]:
    """Days since 1970 (UTC)."""
    if types.is_numeric_dtype(column.dtype) and column.notna().any():
        raise ValueError(
            f"column {name!r} must hold times, got numbers such as {column.dropna().iloc[0]}. "
            "Write them as 2015-07-31 or 2015-07-31T12:00, or convert them with pd.to_datetime."
        )
    try:
        times = moments(column)
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"column {name!r} must hold times, got {_no_time(column)!r:.40}. Write them as "
            "2015-07-31 or 2015-07-31T12:00, or convert them with pd.to_datetime."
        ) from error
    since = times - pd.Timestamp(0, tz="UTC").as_unit("s")  # in nanoseconds, 9999 would overflow
    return np.asarray(since.dt.total_seconds() / _DAY, dtype=np.float64)


def _no_time(column: pd.Series) -> Any:
    """The first cell that `moments` refuses by itself, or else the first."""
    cells = column.dropna()
    for row in range(len(cells)):
        try:
            moments(cells.iloc[row : row + 1])
        except (ValueError, TypeError):
            return cells.iloc[row]
    return cells.iloc[0]


def _parsed(column: pd.Series, name: Name) -> NDArray[np.float64]:
    """Text and mixed objects as numbers; empty text is a gap."""
    cells = column.astype(object)
    cells = cells.where(cells.notna() & (cells.astype(str).str.strip() != ""), None)
    try:
        numbers = pd.to_numeric(cells, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    except (TypeError, ValueError):  # lists and other things in cells
        numbers = np.full(len(cells), np.nan)
    wrong = np.flatnonzero(np.isnan(numbers) & cells.notna().to_numpy())
    wrong = wrong[[str(cells.iloc[row]).strip().lower() != "nan" for row in wrong]]
    if len(wrong):
        shown = quoted([cells.iloc[row] for row in wrong[:SHOWN]])
        raise ValueError(
            f"column {name!r} must hold numbers, got {shown} in row {column.index[wrong[0]]} and "
            f"{len(wrong) - 1} others. Correct them, leave them empty, or train with "
            f"categories=[{name!r}]."
        )
    return numbers.astype(np.float64)


def _number_of(text: str) -> int | float | None:
    """The number that a text stands for, or None."""
    try:
        number = float(text)
    except ValueError:
        return None
    if not math.isfinite(number):
        return None
    return int(number) if number.is_integer() else number
