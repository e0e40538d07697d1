"""Columns of any dtype as plain values: floats for numbers, JSON's values for categories.

Numpy, nullable, categorical, boolean, datetime, sparse and pyarrow dtypes all pass here, so that a
model does not depend on the dtype that its training table happened to have.
"""

from __future__ import annotations

import math
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

from zoo.tabular.tables import Name, few

Value = str | int | float | bool | None
"""Of a category; None is a gap."""

Kind = Literal["number", "time", "duration"]
"""What a number stands for; times are days since 1970 (UTC), durations are days."""

LARGEST: Final = float(np.finfo(np.float32).max)  # a number beyond it counts as infinite
WHOLE: Final = 2**63  # whole numbers beyond it are kept as text
_DAY: Final = 86_400.0  # seconds


def plain(value: Any) -> Value:
    """A cell as JSON can hold it: text, whole number, float or truth; None if it is a gap.

    Infinite floats are gaps. What is none of these (dates, decimals, tuples) becomes its text.

    >>> plain(np.int8(3)), plain(np.float64("nan")), plain(pd.NA), plain(np.True_)
    (3, None, None, True)
    """
    if value is None or value is pd.NA or value is pd.NaT:
        return None
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


def distinct(column: pd.Series) -> tuple[NDArray[np.int64], list[Value]]:
    """Each cell's number among the column's different values; -1 is a gap.

    **Shape.** codes: (n,); values in order of appearance.
    """
    column = _dense(column)
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes, raw = column.cat.codes.to_numpy(np.int64), list(column.cat.categories)
    elif _may_hold_equals(column):
        names: dict[tuple[str, Value], int] = {}
        cells = [key(plain(cell)) for cell in column]
        codes = np.array([names.setdefault(cell, len(names)) for cell in cells], dtype=np.int64)
        raw = [value for _, value in names]
    else:
        codes, found = pd.factorize(column)
        codes, raw = codes.astype(np.int64), list(found)
    order: dict[tuple[str, Value], int] = {}
    new = [-1 if (v := plain(r)) is None else order.setdefault(key(v), len(order)) for r in raw]
    codes = np.append(np.array(new, dtype=np.int64), -1)[codes]
    used = np.zeros(len(order), dtype=bool)
    used[codes[codes >= 0]] = True  # a categorical dtype may list values that no row has
    position = np.append(np.cumsum(used) - 1, -1)
    return position[codes], [value for (_, value), u in zip(order, used, strict=True) if u]


def as_numbers(column: pd.Series, name: Name, kind: Kind = "number") -> NDArray[np.float64]:
    """The column as floats; gaps are NaN, infinite and too large numbers are infinite.

    **Shape.** (n,).

    Raises:
        ValueError: cells are no numbers, or no times where the column holds times.
    """
    column = _dense(column)
    if types.is_complex_dtype(column.dtype):
        raise ValueError(
            f"numbers are real, however column {name!r} is complex; give real and imaginary part "
            "a column each"
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
    found: NDArray[np.float64] = np.where(far, np.copysign(np.inf, numbers), numbers)
    return found


def kind_of(column: pd.Series) -> Kind:
    """What the numbers of a column stand for, by its dtype."""
    dtype = column.dtype
    if types.is_timedelta64_dtype(dtype):
        return "duration"
    if types.is_datetime64_any_dtype(dtype) or isinstance(dtype, pd.PeriodDtype):
        return "time"
    if isinstance(dtype, pd.ArrowDtype) and "date" in str(dtype):
        return "time"
    return "number"


def one_number(cell: Any, name: Name, kind: Kind) -> float:
    """A single cell as `as_numbers` would have it; the quick way for one row."""
    if type(cell) in (int, float, bool) and kind != "time":
        if cell != cell:
            return math.nan
        return float(cell) if abs(cell) <= LARGEST else math.inf * (1 if cell > 0 else -1)
    if cell is None or cell is pd.NA or cell is pd.NaT:
        return math.nan
    return float(as_numbers(pd.Series([cell]), name, kind)[0])


def _dense(column: pd.Series) -> pd.Series:
    if not isinstance(column.dtype, pd.SparseDtype):
        return column
    dense: pd.Series = column.astype(column.dtype.subtype)
    return dense


def _may_hold_equals(column: pd.Series) -> bool:
    """Whether values may be mixed that Python holds equal, or cannot be hashed."""
    if column.dtype != object:
        return False
    return types.infer_dtype(column, skipna=True) not in ("string", "boolean", "integer", "empty")


def _days(column: pd.Series, name: Name) -> NDArray[np.float64]:
    """Days since 1970 (UTC)."""
    if isinstance(column.dtype, pd.PeriodDtype):
        column = column.dt.to_timestamp()
    try:
        is_text = column.dtype == object or isinstance(column.dtype, pd.StringDtype)
        times = pd.to_datetime(column, utc=True, format="ISO8601" if is_text else None)
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"column {name!r} holds times, however not all of its cells are such "
            f"({str(error).splitlines()[0]:.120}); write them as 2015-07-31 or 2015-07-31T12:00"
        ) from error
    since = times - pd.Timestamp(0, tz="UTC")
    return np.asarray(since.dt.total_seconds() / _DAY, dtype=np.float64)


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
        shown = few([cells.iloc[row] for row in wrong])
        raise ValueError(
            f"column {name!r} holds numbers, however row {wrong[0]} and {len(wrong) - 1} others "
            f"have {shown}; correct them, leave them empty, or train with categories=[{name!r}]"
        )
    return numbers.astype(np.float64)
