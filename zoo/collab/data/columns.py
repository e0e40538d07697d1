"""The columns of a table of ratings: what is named, else what is remembered, else usual names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, Final

import pandas as pd

from zoo.collab.spec import ColumnNames
from zoo.core.messages import nearest
from zoo.data.table import require_columns

NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})

USUAL: Final = {  # names of columns that are recognised, in lower case
    "user": (
        "user",
        "user_id",
        "userid",
        "uid",
        "reviewerid",
        "visitor_id",
        "customer_id",
        "customerid",
        "customer",
    ),
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
        "productid",
        "product",
        "film",
        "film_id",
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


def named(columns: Columns) -> dict[str, Any]:
    """The columns that have been named, by role."""
    return {role: name for role, name in asdict(columns).items() if name is not None}


def found(
    frame: pd.DataFrame, columns: Columns, remembered: Mapping[str, Any] = NOTHING
) -> dict[str, Any]:
    """Our name -> the table's: what is named, else what is remembered, else a usual name.

    Raises:
        ValueError: a column that is named, or that of users or of items, is not there.
    """
    lower = {str(name).strip().lower(): name for name in frame.columns}
    names: dict[str, Any] = {}
    for role in ColumnNames.__annotations__:
        name = getattr(columns, role)
        if name is not None:
            require_columns(frame, [name], f"the column of each {role}")
        if name is None and remembered.get(role) in frame.columns:
            name = remembered[role]
        usual = next((lower[name] for name in USUAL[role] if name in lower), None)
        if name is not None or usual is not None:
            names[role] = name if name is not None else usual
        elif role in ("user", "item"):
            known = f" or {remembered[role]!r}" if role in remembered else ""
            raise ValueError(
                f"ratings must have a column of users and one of items, got {_shown(frame)} "
                f"without that of each {role}. In training say which is by {role}='...', or rename "
                f"it to {role!r}{known}."
            )
    _refuse_twice(frame, names)
    return names


def _shown(frame: pd.DataFrame) -> list[str]:
    return [str(name) for name in frame.columns][:8]


def _refuse_twice(frame: pd.DataFrame, names: Mapping[str, Any]) -> None:
    """Refuse a column in two roles, and two columns of one name."""
    taken = list(names.values())
    twice = [name for name in taken if taken.count(name) > 1 or list(frame.columns).count(name) > 1]
    if twice:
        raise ValueError(
            f"users, items, ratings and times must be a column each, got {twice[0]!r} twice. "
            "Name another."
        )


def without_rating(frame: pd.DataFrame, remembered: Mapping[str, Any]) -> str:
    """What is said of a table that has no column of ratings and needs one."""
    wanted = str(remembered.get("rating", "rating"))
    near = nearest(wanted, frame.columns)
    return (
        f"a model of ratings needs the column {wanted!r}, got a table with {_shown(frame)}. "
        f"Rename {repr(near) if near else 'its column of ratings'}, or, in training, pass "
        "rating='...'; model='softmax' learns from choices alone."
    )
