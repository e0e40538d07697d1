"""From a table of ratings, one per row, to clean columns: who, what, how much and, perhaps, when.

Rows with gaps are left out, and of repeated ratings of one item by one user only the last is kept;
one warning each counts them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_numeric_dtype

from zoo.collab.data.columns import NOTHING, column_names, refuse_without_rating
from zoo.collab.data.ids import clean_ids, whole_numbers
from zoo.collab.data.times import times_of
from zoo.collab.options import SplitName
from zoo.core.contents import Hashes, content_hashes
from zoo.core.frames import ArrowTable, frame_of
from zoo.core.messages import warn
from zoo.core.split import require_both_parts, warn_of_marked_parts
from zoo.core.trust.fixes import corrections, label_like
from zoo.core.trust.folds import Fold, rows_of_fold
from zoo.data.table import keeps_types, read_table

_INT64: Final = np.iinfo(np.int64)
FEWEST: Final = 3  # ratings of a user whose last one may be held out
_LARGEST: Final = float(np.finfo(np.float32).max)

Table = str | os.PathLike[str] | pd.DataFrame | ArrowTable


def read(
    table: Table,
    columns: Mapping[str, Any] = NOTHING,
    *,
    remembered: Mapping[str, Any] = NOTHING,
    needs_rating: bool = False,
    learns: bool = False,
    fix: str | os.PathLike[str] | None = None,
) -> pd.DataFrame:
    """Read the columns user, item, rating and, if there is one, time; clean, in the table's order.

    Args:
        table: ratings, one per row.
        columns: stated names of its columns, see `column_names`.
        remembered: names of the columns that a model was trained on, by role.
        needs_rating: refuse a table without a column of ratings; else every row counts as 1.
        learns: whether ids are to be learnt; those of a text file are then numbers if all of them
            spell whole ones.
        fix: table of what mends the ratings, see `zoo.core.trust.fixes`.

    Raises:
        FileNotFoundError: the file does not exist.
        ValueError: columns are missing, fixes are those of other data, ratings are no finite
            numbers, ids are neither text nor numbers, times make no sense, or no row is left.
    """
    names_in = partial(column_names, columns=columns, remembered=remembered)
    is_untyped = isinstance(table, (str, os.PathLike)) and not keeps_types(Path(table))
    frame = table_of(table, names_in)
    names = names_in(frame)
    if learns:
        warn_of_marked_parts(frame, names.values())
    chosen = frame[list(names.values())].set_axis(list(names), axis=1).reset_index(drop=True)
    if fix is not None:
        chosen = _mended(chosen, fix)
    if "rating" not in chosen:
        if needs_rating:
            refuse_without_rating(frame, remembered)
        chosen["rating"] = np.float32(1)
    for role in chosen:
        chosen[role] = _without_blanks(chosen[role])
    chosen["rating"] = _numbers(chosen["rating"])
    chosen = _without_gaps(chosen)
    for side in ("user", "item"):
        ids = whole_numbers(chosen[side]) if is_untyped and learns else chosen[side]
        chosen[side] = clean_ids(ids, side)
    return _without_repeats(_with_times(chosen, names, is_stated="time" in columns))


def rating_hashes(ratings: pd.DataFrame) -> Hashes:
    """Content hashes of ratings as a table has them, by role. Shape: (n,)"""
    roles = [role for role in ("user", "item", "rating") if role in ratings]
    texts = [ratings[role].astype(str).str.removesuffix(".0") for role in roles]
    return content_hashes(zip(*texts, strict=True))


def _mended(ratings: pd.DataFrame, fix: str | os.PathLike[str]) -> pd.DataFrame:
    """The ratings that fixes leave, with those that they correct."""
    keys = [*map(str, range(len(ratings)))]
    mends = corrections(fix, keys, lambda rows: rating_hashes(ratings.iloc[rows]))
    if mends.labels and "rating" in ratings:
        new = ratings["rating"].astype(object)
        new.iloc[[*mends.labels]] = [label_like(text, 0.0) for text in mends.labels.values()]
        ratings = ratings.assign(rating=new)
    return ratings.iloc[mends.rows]


def read_visitor(
    ratings: Mapping[Hashable, Any] | pd.Series | pd.DataFrame,
    remembered: Mapping[str, Any],
    *,
    needs_rating: bool,
) -> pd.DataFrame:
    """The columns item and rating of one user's ratings: by item, or as a table.

    Raises:
        ValueError: as for `read`.
    """
    table = ratings
    if isinstance(table, dict) and _is_plain(table):
        values = np.array(list(table.values()), dtype=np.float32)
        return pd.DataFrame({"item": list(table), "rating": values})
    if not isinstance(table, pd.DataFrame):
        pairs = dict(table)
        ids = pd.Series(list(pairs), dtype=object)
        table = pd.DataFrame({"item": ids, "rating": list(pairs.values())})
    taken = {str(name) for name in table.columns}
    user = next(name for name in ("user", "visitor", "nobody") if name not in taken)
    own = {role: name for role, name in remembered.items() if role != "user"}
    table = table.assign(**{user: 0})
    return read(table, {"user": user}, remembered=own, needs_rating=needs_rating)


def _is_plain(ratings: dict[Any, Any]) -> bool:
    """Whether `read` would leave ratings as they are: numbers by ids that are all of one kind."""
    kinds, values = set(map(type, ratings)), ratings.values()
    if kinds == {int}:
        are_ids = _INT64.min <= min(ratings) and max(ratings) <= _INT64.max
    else:
        are_ids = kinds == {str} and all(one.strip() for one in ratings)
    return are_ids and all(type(one) in (int, float) and abs(one) < _LARGEST for one in values)


def table_of(table: Table, names_in: Callable[[pd.DataFrame], dict[str, Any]]) -> pd.DataFrame:
    """A table as a DataFrame; ids of a file without types are text.

    Args:
        table: a DataFrame, a table that `zoo.core.frames` takes, or a file.
        names_in: function from a table to its column names by role.
    """
    data: Any = frame_of(table)
    if isinstance(data, pd.DataFrame):
        return data

    def ids(header: list[str]) -> dict[str, None]:
        names = names_in(pd.DataFrame(columns=header))
        return {names["user"]: None, names["item"]: None}

    return read_table(Path(data), ids)


def pairs_in(file: Path, remembered: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The user and the item of each row; ids that spell whole numbers are numbers.

    Args:
        file: a table.
        remembered: the columns of the training, by role.

    Raises:
        ValueError: it has no column of users or of items.
    """
    names_in = partial(column_names, remembered=remembered)
    table = table_of(file, names_in)
    names = names_in(table)
    sides = {side: whole_numbers(table[names[side]]).tolist() for side in ("user", "item")}
    return [{"user": user, "item": item} for user, item in zip(*sides.values(), strict=True)]


def split(
    ratings: pd.DataFrame, kind: SplitName, fraction: float, seed: int, fold: Fold | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Divide ratings into a part to train on and one to validate on.

    Args:
        ratings: table as `read` returns it.
        kind: "random" rows; the same share of every "user" or "item", at random; the latest by
            "time"; or the "last" of every user who has three or more, in folds by time as well.
        fraction: share to validate on, between 0 and 1.
        seed: the draw is a function of it.
        fold: which of several parts to validate on, in place of the share.

    Raises:
        ValueError: there are no times for a split by time, or a part is empty.
    """
    if fold is not None:
        _require_times(ratings, kind)
        times = ratings["time"].to_numpy() if kind in ("time", "last") else None
        strata = ratings[kind].factorize()[0] if kind in ("user", "item") else None
        train, held = rows_of_fold(fold, len(ratings), seed, strata=strata, times=times)
        return ratings.iloc[train], ratings.iloc[held]
    is_held_out = share(ratings, kind, fraction, seed)
    require_both_parts(
        int((~is_held_out).sum()),
        int(is_held_out.sum()),
        rows="ratings",
        way_out="Give more ratings, or valid_fraction=0 to train on all.",
    )
    return ratings[~is_held_out], ratings[is_held_out]


def share(
    ratings: pd.DataFrame, kind: SplitName, fraction: float, seed: int, *, fewest: int = FEWEST
) -> NDArray[np.bool_]:
    """Whether each rating is of the share to validate on, see `split`. Shape: (n,).

    Args:
        ratings: table as `read` returns it.
        kind: how the share is drawn.
        fraction: its size.
        seed: the draw is a function of it.
        fewest: ratings of a user whose "last" one is held out.

    Raises:
        ValueError: there are no times for a split by time.
    """
    _require_times(ratings, kind)
    n = len(ratings)
    is_held_out = np.zeros(n, dtype=bool)
    if kind == "time":
        order = np.argsort(ratings["time"].to_numpy(), kind="stable")
        is_held_out[order[n - round(fraction * n) :]] = True
        return is_held_out
    if kind == "last":
        users = ratings.sort_values("time", kind="stable")["user"]
        is_last = ~users.duplicated(keep="last").reindex(ratings.index)
        has_more = ratings.groupby("user", sort=False)["user"].transform("size") >= fewest
        return (is_last & has_more).to_numpy()
    draw = np.random.default_rng(seed).random(n)
    if kind == "random":
        is_held_out[np.argsort(draw, kind="stable")[: round(fraction * n)]] = True
        return is_held_out
    grouped = pd.Series(draw, index=ratings.index).groupby(ratings[kind], sort=False)
    size = grouped.transform("size")
    return (grouped.rank(method="first") <= (fraction * size).round()).to_numpy()


def _require_times(ratings: pd.DataFrame, kind: SplitName) -> None:
    if kind in ("time", "last") and "time" not in ratings:
        raise ValueError(
            f"a split by {kind!r} needs a column of times, got a table without one. Name it by "
            "time='...', or split by 'random', 'user' or 'item'."
        )


def _with_times(ratings: pd.DataFrame, names: Mapping[str, Any], is_stated: bool) -> pd.DataFrame:
    """The table with times that sort; a column that is called so but holds none is left out.

    Raises:
        ValueError: the column was stated by its name and holds no times.
    """
    if "time" not in ratings:
        return ratings
    try:
        return ratings.assign(time=times_of(ratings["time"]))
    except ValueError as error:
        if is_stated:
            raise ValueError(f"column {names['time']!r}: {error} Name another column.") from None
        warn(f"column {names['time']!r} is left out: {error} The last of repeated ratings counts.")
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
                f"ratings must be numbers, got {wrong.iloc[0]!r} ({len(wrong)} such cells). "
                "Correct or empty them."
            )
        ratings = converted
    values = ratings.to_numpy(dtype=np.float32, na_value=np.nan)
    if np.isinf(values).any():
        raise ValueError(
            f"ratings must be finite, got {int(np.isinf(values).sum())} infinite ones. Remove them."
        )
    return pd.Series(values, index=ratings.index)


def _without_gaps(ratings: pd.DataFrame) -> pd.DataFrame:
    gaps = ratings.isna().any(axis=1)
    if gaps.any():
        warn(f"{int(gaps.sum())} of {len(ratings)} ratings lack a value and are left out.")
    if gaps.all():
        raise ValueError(
            "ratings must be complete in at least one row, got a table without such a row. Give "
            "some."
        )
    return ratings[~gaps]


def _without_repeats(ratings: pd.DataFrame) -> pd.DataFrame:
    ordered = ratings.sort_values("time", kind="stable") if "time" in ratings else ratings
    repeated = ordered.duplicated(["user", "item"], keep="last").reindex(ratings.index)
    if repeated.any():
        warn(
            f"{int(repeated.sum())} ratings are of an item that the user rated again. The last one "
            "counts."
        )
    return ratings[~repeated]
