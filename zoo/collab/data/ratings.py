"""From a table of ratings, one a row, to clean columns: who, what, how much and, perhaps, when.

Rows with gaps are left out and repeated ratings of one user for one item become the last of them,
each with one warning that counts them.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from zoo.collab.data.columns import NOTHING, Columns, found, without_rating
from zoo.collab.data.ids import clean_ids, whole_numbers
from zoo.collab.data.times import times_of
from zoo.collab.options import SplitName
from zoo.core.split import require_both_parts, warn_of_marked_parts
from zoo.data.table import keeps_types, read_table

Table = str | os.PathLike[str] | pd.DataFrame


def read(
    table: Table,
    columns: Columns,
    *,
    remembered: Mapping[str, Any] = NOTHING,
    needs_rating: bool = False,
    learns: bool = False,
) -> pd.DataFrame:
    """The columns user, item, rating and, if there is one, time; clean, in the table's order.

    Args:
        table: ratings, one per row.
        columns: names of its columns.
        remembered: names of the columns that a model was trained on, by role.
        needs_rating: refuse a table without a column of ratings, else every row counts as 1.
        learns: the ids are to be learnt; a text file whose ids all spell whole numbers then has
            numbers as ids.

    Raises:
        FileNotFoundError: the file does not exist.
        ValueError: columns are missing, ratings are no finite numbers, ids are neither text nor
            numbers, times are none, or nothing is left.
    """
    names_in = partial(found, columns=columns, remembered=remembered)
    is_untyped = not isinstance(table, pd.DataFrame) and not keeps_types(Path(table))
    frame = table_of(table, names_in)
    names = names_in(frame)
    if learns:
        warn_of_marked_parts(frame, names.values())
    chosen = frame[list(names.values())].set_axis(list(names), axis=1).reset_index(drop=True)
    if "rating" not in chosen:
        if needs_rating:
            raise ValueError(without_rating(frame, remembered))
        chosen["rating"] = np.float32(1)
    for role in chosen:
        chosen[role] = _without_blanks(chosen[role])
    chosen["rating"] = _numbers(chosen["rating"])
    chosen = _without_gaps(chosen)
    for side in ("user", "item"):
        ids = whole_numbers(chosen[side]) if is_untyped and learns else chosen[side]
        chosen[side] = clean_ids(ids, side)
    return _without_repeats(_with_times(chosen, names, is_named=columns.time is not None))


def read_visitor(
    table: pd.DataFrame, remembered: Mapping[str, Any], *, needs_rating: bool
) -> pd.DataFrame:
    """The columns item and rating of one user's table.

    Raises:
        ValueError: as for `read`.
    """
    taken = {str(name) for name in table.columns}
    user = next(name for name in ("user", "visitor", "nobody") if name not in taken)
    own = {role: name for role, name in remembered.items() if role != "user"}
    return read(
        table.assign(**{user: 0}), Columns(user=user), remembered=own, needs_rating=needs_rating
    )


def table_of(table: Table, names_in: Callable[[pd.DataFrame], dict[str, Any]]) -> pd.DataFrame:
    """The DataFrame itself, or that of a file, whose ids are text if the file has no types.

    Args:
        table: a DataFrame or a file.
        names_in: from a table to its columns by role.
    """
    if isinstance(table, pd.DataFrame):
        return table

    def ids(header: list[str]) -> dict[str, None]:
        names = names_in(pd.DataFrame(columns=header))
        return {names["user"]: None, names["item"]: None}

    return read_table(Path(table), ids)


def split(
    ratings: pd.DataFrame, kind: SplitName, fraction: float, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Ratings to train on and ratings to validate on.

    Args:
        ratings: as `read` gives them.
        kind: "random" rows; of every "user" or "item" the same share, at random; or the latest by
            "time".
        fraction: to validate on, more than 0 and less than 1.
        seed: of the draw.

    Raises:
        ValueError: an unknown kind, a fraction out of range, no times, or an empty side.
    """
    if not 0 < fraction < 1:
        raise ValueError(f"a validation part is between 0 and 1, however {fraction=}; try 0.2")
    n = len(ratings)
    draw = np.random.default_rng(seed).random(n)
    if kind == "random":
        held = np.zeros(n, dtype=bool)
        held[np.argsort(draw, kind="stable")[: round(fraction * n)]] = True
    elif kind in ("user", "item"):
        grouped = pd.Series(draw, index=ratings.index).groupby(ratings[kind], sort=False)
        size = grouped.transform("size")
        held = (grouped.rank(method="first") <= (fraction * size).round()).to_numpy()
    elif kind == "time":
        if "time" not in ratings:
            raise ValueError(
                f"a split by time needs a column of times, however the table has {kind=} and none; "
                "name it, or split by 'random', 'user' or 'item'"
            )
        order = np.argsort(ratings["time"].to_numpy(), kind="stable")
        held = np.zeros(n, dtype=bool)
        held[order[n - round(fraction * n) :]] = True
    else:
        raise ValueError(f"a split is 'random', 'user', 'item' or 'time', however split={kind!r}")
    require_both_parts(
        int((~held).sum()),
        int(held.sum()),
        rows="ratings",
        way_out="Give more ratings, or valid_fraction=0 to train on all.",
    )
    return ratings[~held], ratings[held]


def _with_times(ratings: pd.DataFrame, names: Mapping[str, Any], is_named: bool) -> pd.DataFrame:
    """The table with times that sort; a column that only looks like times by its name is left out.

    Raises:
        ValueError: the column that is named holds no times.
    """
    if "time" not in ratings:
        return ratings
    try:
        return ratings.assign(time=times_of(ratings["time"]))
    except ValueError as error:
        if is_named:
            raise ValueError(f"column {names['time']!r}: {error} Name another column.") from None
        warnings.warn(
            f"column {names['time']!r} is left out: {error} Of repeated ratings the last counts",
            stacklevel=5,
        )
        return ratings.drop(columns="time")


def _without_blanks(column: pd.Series) -> pd.Series:
    """The column with gaps where a cell is empty text."""
    if column.dtype != object and not isinstance(column.dtype, pd.StringDtype):
        return column
    return column.mask(column.isin(["", " "]))


def _numbers(ratings: pd.Series) -> pd.Series:
    if ratings.dtype == bool or str(ratings.dtype) == "boolean":
        ratings = ratings.astype("Float32")
    if not is_numeric_dtype(ratings):
        converted = pd.to_numeric(ratings, errors="coerce")
        wrong = ratings[converted.isna() & ratings.notna()]
        if len(wrong):
            raise ValueError(
                f"ratings are numbers, however {wrong.iloc[0]!r} is none ({len(wrong)} such in "
                "all); turn them into numbers"
            )
        ratings = converted
    values = ratings.to_numpy(dtype=np.float32, na_value=np.nan)
    if np.isinf(values).any():
        raise ValueError(
            f"ratings are finite, however {int(np.isinf(values).sum())} are infinite; remove them"
        )
    return pd.Series(values, index=ratings.index)


def _without_gaps(ratings: pd.DataFrame) -> pd.DataFrame:
    gaps = ratings.isna().any(axis=1)
    if gaps.any():
        warnings.warn(
            f"{int(gaps.sum())} of {len(ratings)} ratings lack a value and are left out",
            stacklevel=5,
        )
        ratings = ratings[~gaps]
    if not len(ratings):
        raise ValueError(
            "ratings must be complete in at least one row, got a table without such a row. Give "
            "some."
        )
    return ratings


def _without_repeats(ratings: pd.DataFrame) -> pd.DataFrame:
    if "time" in ratings:
        ordered = ratings.sort_values("time", kind="stable")
        repeated = ordered.duplicated(["user", "item"], keep="last").reindex(ratings.index)
    else:
        repeated = ratings.duplicated(["user", "item"], keep="last")
    if repeated.any():
        warnings.warn(
            f"{int(repeated.sum())} ratings are of an item that the user rated again; the last "
            "counts",
            stacklevel=5,
        )
    return ratings[~repeated]
