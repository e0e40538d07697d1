"""Times of ratings: numbers and dates as they are, text as what it spells, never in text order."""

from __future__ import annotations

import contextlib
import re
import warnings
from collections.abc import Iterator
from typing import Any, Final

import pandas as pd
from pandas.api.types import is_bool_dtype, is_datetime64_any_dtype, is_numeric_dtype
from pandas.tseries.api import guess_datetime_format

from zoo.core.messages import warn

_STOPS: Final = re.compile(r"\s*\d{1,2}\.\s?\d{1,2}\.")  # as in 31.12.2020: the day comes first


def times_of(column: pd.Series) -> pd.Series:
    """A column of times without gaps that sorts as time passes.

    Dates as text are all written in one way: as ISO 8601 has them, or as the first is. Where that
    may be the month first or the day first, it is the day before a full stop and else the month,
    unless another date says otherwise; where none does, one warning tells.

    >>> times_of(pd.Series(["9/30/2020", "10/1/2020"])).is_monotonic_increasing
    True

    Raises:
        ValueError: some cells are no times, or are written in several ways.
    """
    if is_bool_dtype(column):
        raise ValueError("times must be numbers or dates, got truth values.")
    if is_numeric_dtype(column) or is_datetime64_any_dtype(column):
        return column
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(object)
    numbers = pd.to_numeric(column, errors="coerce")
    if numbers.notna().all():
        return numbers
    readings: list[pd.Series] = []
    for written in _ways(column.iloc[0]):
        with contextlib.suppress(ValueError, TypeError, OverflowError):
            readings.append(pd.to_datetime(column, format=written, utc=True))
    if readings:
        differ = any((readings[0] != other).any() for other in readings)
        if differ and not _STOPS.match(str(column.iloc[0])):
            warn(
                "dates must tell the month from the day, got none that does, such as "
                f"{column.iloc[0]!r}, so that the month is read first. Write them as 2020-12-31."
            )
        return readings[0]
    raise ValueError(f"times must be numbers or dates written in one way, got {_odd(column)!r}.")


def _ways(first: Any) -> Iterator[str]:
    """Formats in which a column of dates may be written."""
    yield "ISO8601"
    for dayfirst in (True, False) if _STOPS.match(str(first)) else (False, True):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that the other order was possible
            written = guess_datetime_format(str(first), dayfirst=dayfirst)
        if written is not None:
            yield written


def _odd(column: pd.Series) -> Any:
    """The first cell that is not written as the first one is, or is no date at all."""
    for written in _ways(column.iloc[0]):
        wrong = column[pd.to_datetime(column, errors="coerce", utc=True, format=written).isna()]
        if 0 < len(wrong) < len(column):
            return wrong.iloc[0]
    return column.iloc[0]
