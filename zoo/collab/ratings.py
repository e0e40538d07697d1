"""From a table of ratings, one a row, to clean columns: who, what, how much and, perhaps, when.

Rows with gaps are left out and repeated ratings of one user for one item become the last of them,
each with one warning that counts them.
"""

from __future__ import annotations

import difflib
import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

Table = str | os.PathLike[str] | pd.DataFrame
SplitName = Literal["random", "user", "item", "time"]

USUAL: Final = {  # names of columns that are recognised, in lower case
    "user": ("user", "user_id", "userid", "uid", "reviewerid", "visitor_id", "customer_id"),
    "item": (
        "item",
        "item_id",
        "itemid",
        "iid",
        "movie",
        "movie_id",
        "movieid",
        "asin",
        "product_id",
    ),
    "rating": ("rating", "ratings", "score", "stars", "overall", "count", "plays"),
    "time": ("time", "timestamp", "date", "datetime", "unixreviewtime"),
}


@dataclass(frozen=True)
class Columns:
    """Names of a table's columns; None looks for a usual name (`user_id`, `movieId`, `stars` ...).

    Without a rating column every row counts as 1: someone took, watched or clicked something.
    """

    user: str | None = None
    item: str | None = None
    rating: str | None = None
    time: str | None = None


def read(table: Table, columns: Columns) -> pd.DataFrame:
    """The columns user, item, rating and, if there is one, time; clean, in the table's order.

    Raises:
        FileNotFoundError: the file does not exist.
        ValueError: columns are missing, ratings are no finite numbers, or nothing is left.
    """
    frame = table if isinstance(table, pd.DataFrame) else read_file(Path(table))
    names = found(frame, columns)
    chosen = frame[list(names.values())].set_axis(list(names), axis=1).reset_index(drop=True)
    if "rating" not in chosen:
        chosen["rating"] = np.float32(1)
    chosen["rating"] = _numbers(chosen["rating"])
    return _without_repeats(_without_gaps(chosen))


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
    if held.all() or not held.any():
        raise ValueError(
            f"both parts need a rating, however {len(ratings)=} with {fraction=} leaves one empty; "
            "give more ratings, or valid=None and valid_fraction=0 to train on all"
        )
    return ratings[~held], ratings[held]


def read_file(path: Path) -> pd.DataFrame:
    """A CSV, TSV or Parquet file as it is.

    Raises:
        FileNotFoundError: it does not exist.
        ValueError: it is no such table.
    """
    if not path.exists():
        raise FileNotFoundError(f"ratings are in a file, however {str(path)!r} does not exist")
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    separator = "\t" if path.suffix in (".tsv", ".data", ".base", ".test") else ","
    try:
        return pd.read_csv(path, sep=separator)
    except (ValueError, UnicodeDecodeError) as error:
        raise ValueError(
            f"ratings are a CSV table in UTF-8, however {path.name!r} is not ({error}); "
            "read it with pandas and pass the DataFrame"
        ) from error


def found(frame: pd.DataFrame, columns: Columns) -> dict[str, str]:
    """Our name -> the table's.

    Raises:
        ValueError: a column that is named, or that of users or of items, is not there.
    """
    lower = {str(name).lower(): name for name in frame.columns}
    names: dict[str, str] = {}
    for ours in ("user", "item", "rating", "time"):
        asked = getattr(columns, ours)
        if asked is not None and asked not in frame.columns:
            near = difflib.get_close_matches(str(asked), [str(c) for c in frame.columns], 1)
            raise ValueError(
                f"the table must have the column of each {ours}, however {asked!r} is not in "
                f"{[str(c) for c in frame.columns][:8]}"
                + (f"; did you mean {near[0]!r}?" if near else "; name one that is")
            )
        usual = next((lower[name] for name in USUAL[ours] if name in lower), None)
        if asked is not None or usual is not None:
            names[ours] = asked if asked is not None else usual  # type: ignore[assignment]
        elif ours in ("user", "item"):
            raise ValueError(
                f"ratings need a column of users and one of items, however the {ours} is none of "
                f"{[str(c) for c in frame.columns][:8]}; name it, as in {ours}='...'"
            )
    return names


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
            stacklevel=4,
        )
        ratings = ratings[~gaps]
    if not len(ratings):
        raise ValueError("training needs ratings, however the table has none; give some")
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
            stacklevel=4,
        )
    return ratings[~repeated]
