"""Columns from others: parts of a date, time since and until events, a table looked up.

Each is a plain function from a DataFrame to a new one; its argument stays as it was.

>>> days = pd.DataFrame({"day": pd.to_datetime(["2015-07-31", "2015-08-01"])})
>>> date_parts(days, "day", parts=["month", "is_month_end"]).set_index("day").to_numpy().tolist()
[[7, True], [8, False]]
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zoo.core.messages import quoted, warn
from zoo.data.table import require_columns
from zoo.tabular.data.encode import Lookup
from zoo.tabular.data.values import distinct, moments, sense, without_arrow
from zoo.tabular.options import Name
from zoo.tabular.spec import Category

PARTS: Final = (
    *("year", "month", "week", "day", "dayofweek", "dayofyear"),
    *(f"is_{span}_{at}" for span in ("month", "quarter", "year") for at in ("start", "end")),
    "elapsed",
)
CLOCK_PARTS: Final = ("hour", "minute", "second")
NO_EVENTS: Final = frozenset(["no", "n", "none", "null", "nan", "off", "f"])
"""Texts that say that nothing happens, beside the number 0, "false" and empty text."""

_MATCH: Final = "which table had the key"
_DAY: Final = 86_400_000_000  # microseconds


def date_parts(
    frame: pd.DataFrame,
    column: Name,
    *,
    parts: Sequence[str] | None = None,
    cyclic: bool = False,
    clock: bool = False,
) -> pd.DataFrame:
    """The table with columns such as `Date_month` behind the others.

    Week is that of ISO 8601, Monday is day 0 of the week, `elapsed` counts days since 1970. Gaps
    give gaps.

    Args:
        frame: the table.
        column: times, or ISO texts of them.
        parts: names among `PARTS` and `CLOCK_PARTS`; None takes all, those of the clock if
            `clock`.
        cyclic: add sine and cosine of the place in the week, month, year and (if `clock`) day, so
            that December lies beside January.
        clock: add hour, minute and second.

    Raises:
        ValueError: the column does not exist, its cells are no times, a part is unknown or is a
            column already.
    """
    require_columns(frame, [column], "the column of times")
    names = [*PARTS, *(CLOCK_PARTS if clock else ())] if parts is None else list(parts)
    unknown = [part for part in names if part not in (*PARTS, *CLOCK_PARTS)]
    if unknown:
        raise ValueError(
            f"parts of a date must be among {', '.join((*PARTS, *CLOCK_PARTS))}, got "
            f"{quoted(unknown)}. Leave parts out to have all."
        )
    times = _times(frame, column)
    columns = {part: _part(times, part) for part in names}
    columns |= _circles(times, clock) if cyclic else {}
    new = pd.DataFrame(columns, index=frame.index).add_prefix(f"{column}_")
    if double := [name for name in new if name in frame.columns]:
        raise ValueError(
            f"parts of a date must be new columns, got {quoted(double)} in the table already. Drop "
            "them first, or leave this call out."
        )
    return pd.concat([frame, new], axis=1)


def time_since(
    frame: pd.DataFrame, event: Name, time: Name, group: Name | None = None
) -> pd.Series:
    """Days since the last event of each row's group; 0 at an event, a gap before the first.

    Args:
        frame: rows in any order.
        event: a column, true (or not 0) where the event happens; a gap is none, nor is a text such
            as "no", "false" or "0".
        time: a column of times.
        group: a column; events of other groups do not count. None takes the table as one group.

    Raises:
        ValueError: a column lacks, or a row has no time.
    """
    return _distance(frame, event, time, group, forward=False)


def time_until(
    frame: pd.DataFrame, event: Name, time: Name, group: Name | None = None
) -> pd.Series:
    """Days until the next event of each row's group; 0 at an event, a gap after the last.

    See `time_since`. Mind that this looks ahead: use it for what is known beforehand, as holidays.
    """
    return _distance(frame, event, time, group, forward=True)


def looked_up(frame: pd.DataFrame, table: pd.DataFrame, on: Name | Sequence[Name]) -> pd.DataFrame:
    """The table with the columns of another behind its own, matched by key; rows stay as they are.

    Rows whose key the other table lacks get gaps; a warning says if these are all. Keys that are
    numbers in one table and texts in the other are compared by what they mean: 5, 5.0 and "5".

    Args:
        frame: the table to widen.
        table: the other table, one row per key.
        on: the key: a column, or several, that both have.

    Raises:
        ValueError: a key lacks, has several rows in the other table, or both share other columns.
    """
    keys = [on] if isinstance(on, (str, int)) else list(on)
    for one, use in ((frame, "the key"), (table, "the key in the table to look up")):
        require_columns(one, keys, use)
    twice = table[table.duplicated(keys)][keys]
    shared = [name for name in table.columns if name in frame.columns and name not in keys]
    if len(twice) or shared:
        wrong = f"{quoted(shared)} in both tables"
        if len(twice):
            wrong = f"{quoted(twice.iloc[:, 0].tolist())} in several rows"
        raise ValueError(
            "the table to look up must have one row per key, its other columns new, got "
            f"{wrong}. Drop or rename what is double."
        )
    left, right = _comparable(frame, table, keys)
    wide = left.merge(right, how="left", on=keys, sort=False, indicator=_MATCH)
    if len(frame) and len(table) and (wide[_MATCH] == "left_only").all():
        warn(
            f"keys must be in the table to look up, got {quoted(keys)} of which none is there, "
            f"such as {frame[keys[0]].iloc[0]!r:.40}. All new columns are gaps."
        )
    wide = wide.drop(columns=_MATCH).set_axis(frame.index)
    if left is not frame:
        wide[keys] = frame[keys]
    return wide


def _comparable(
    frame: pd.DataFrame, table: pd.DataFrame, keys: Sequence[Name]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both tables; a key that is typed differently in them is a row number of its values."""
    left, right = frame, table
    for name in keys:
        if _key_kind(frame[name]) == _key_kind(table[name]) != "mixed":
            continue
        codes, values = distinct(table[name])
        lookup = Lookup(Category(name, (*values, None)))
        left, right = left.copy(deep=False), right.copy(deep=False)
        left[name] = lookup.column(frame[name])[0]
        right[name] = np.where(codes < 0, len(values), codes) + 1
    return left, right


def _key_kind(column: pd.Series) -> str:
    """What the cells of a key are, whatever dtype holds them."""
    cells = column.cat.categories if isinstance(column.dtype, pd.CategoricalDtype) else column
    kind = pd.api.types.infer_dtype(cells, skipna=True)
    numbers = ("integer", "floating", "mixed-integer-float", "boolean", "decimal")
    return "number" if kind in numbers else "mixed" if kind.startswith("mixed") else kind


def _times(frame: pd.DataFrame, column: Name) -> pd.Series:
    cells = without_arrow(frame[column])
    try:
        return moments(cells, utc=False)
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"column {column!r} must hold times, got others ({str(error).splitlines()[0]:.100}). "
            "Write them as 2015-07-31 or 2015-07-31T12:00."
        ) from error


def _part(times: pd.Series, part: str) -> pd.Series:
    values: pd.Series
    if part == "week":
        values = times.dt.isocalendar()["week"]
        return values.astype("float64" if times.isna().any() else "int64")
    if part == "elapsed":
        values = (times - pd.Timestamp(0, tz=times.dt.tz).as_unit("s")).dt.total_seconds() / 86_400
        return values
    values = getattr(times.dt, part.replace("dayof", "day_of_"))
    return values.where(times.notna()) if times.isna().any() else values


def _circles(times: pd.Series, clock: bool) -> dict[str, pd.Series]:
    """Sine and cosine of the place in each cycle."""
    in_year = (times.dt.day_of_year - 1) / (365 + times.dt.is_leap_year)
    in_month = (times.dt.day - 1) / times.dt.days_in_month
    turns = {"week": times.dt.day_of_week / 7, "month": in_month, "year": in_year}
    if clock:
        turns["clock"] = (times.dt.hour * 60 + times.dt.minute) / 1440
    return {
        f"{name}_{function.__name__}": function(2 * np.pi * turn)
        for name, turn in turns.items()
        for function in (np.sin, np.cos)
    }


def _distance(
    frame: pd.DataFrame, event: Name, time: Name, group: Name | None, *, forward: bool
) -> pd.Series:
    """Days to the nearest event on one side, by one sort and one running maximum."""
    require_columns(frame, [event, time, *([] if group is None else [group])], "what is counted by")
    times = _times(frame, time)
    if times.isna().any():
        raise ValueError(
            f"every row must have a time, got {int(times.isna().sum())} gaps in column {time!r}. "
            "Fill them or leave these rows out."
        )
    zoneless = times.dt.tz_convert("UTC").dt.tz_localize(None) if times.dt.tz else times
    microseconds = zoneless.to_numpy(dtype="datetime64[us]").astype(np.int64)
    when = -microseconds if forward else microseconds
    happens = _happens(frame[event])
    codes = np.zeros(len(frame), dtype=np.int64)
    if group is not None:
        codes = pd.factorize(frame[group], use_na_sentinel=False)[0].astype(np.int64)
    order = np.lexsort((~happens, when, codes))  # an event before other rows of the same moment
    place = np.where(happens[order], np.arange(len(frame)), -1)
    last = np.maximum.accumulate(place)  # of any group: an older group's event is no event
    has_event = (last >= 0) & (codes[order][last] == codes[order])
    days = np.full(len(frame), np.nan)
    days[order[has_event]] = (when[order] - when[order][last])[has_event] / _DAY
    word = "until" if forward else "since"
    return pd.Series(days, index=frame.index, name=f"{event}_{word}")


def _happens(events: pd.Series) -> NDArray[np.bool_]:
    """Where an event happens. Shape: (n,)."""
    codes, values = distinct(events)
    meanings = [sense(value, as_number=True) for value in (*values, None)]
    is_event = [bool(one) and str(one).lower() not in NO_EVENTS for one in meanings]
    return np.array(is_event, dtype=bool)[codes]
