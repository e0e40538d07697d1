"""The columns of a table of ratings: stated names, else remembered ones, else usual ones."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, NoReturn

import pandas as pd

from zoo.core.messages import few, nearest
from zoo.data.table import require_columns

NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})

USUAL: Final = {  # names that are recognised without being stated, in lower case, by role
    "user": "user user_id userid uid reviewerid visitor_id customer_id customerid customer",
    "item": "item item_id itemid iid movie movie_id movieid asin product_id productid product film"
    " film_id",
    "rating": "rating ratings score stars overall count plays",
    "time": "time timestamp date datetime unixreviewtime",
}


def column_names(
    frame: pd.DataFrame,
    columns: Mapping[str, Any] = NOTHING,
    remembered: Mapping[str, Any] = NOTHING,
) -> dict[str, Any]:
    """Names of a table's columns by role: "user", "item" and, if they are there, the others.

    Args:
        frame: the table.
        columns: names that the caller states, by role; they must be there.
        remembered: names of the columns that a model was trained on, by role.

    Raises:
        ValueError: a stated column, or that of users or of items, is not there.
    """
    _require_stated(frame, columns)
    lower = {str(name).strip().lower(): name for name in frame.columns}
    names: dict[str, Any] = {}
    for role, usual in USUAL.items():
        if role in columns:
            names[role] = columns[role]
        elif remembered.get(role) in frame.columns:
            names[role] = remembered[role]
        elif near := [lower[name] for name in usual.split() if name in lower]:
            names[role] = near[0]
    _require_sides(frame, names, remembered)
    _require_one_role_each(frame, names)
    return names


def _require_stated(frame: pd.DataFrame, columns: Mapping[str, Any]) -> None:
    """Refuse stated columns that are not there, all at once."""
    lacking = {role: columns[role] for role in USUAL if role in columns}
    lacking = {role: name for role, name in lacking.items() if name not in frame.columns}
    use = f"the column of each {' and each '.join(lacking)}"
    require_columns(frame, lacking.values(), use)


def _require_sides(
    frame: pd.DataFrame, names: Mapping[str, Any], remembered: Mapping[str, Any]
) -> None:
    """Refuse a table without a column of users, of items, or both."""
    lacking = [side for side in ("user", "item") if side not in names]
    if lacking and _holds_a_rating(frame.columns):
        raise ValueError(
            "the first line of a file of ratings must name its columns, got "
            f"{few(list(frame.columns))}, which seems to be a rating. Add a line of names above "
            "it, such as user, item, rating."
        )
    if lacking:
        stated = " and which by ".join(f"{side}='...'" for side in lacking)
        usual = " and ".join(repr(remembered.get(side, side)) for side in lacking)
        raise ValueError(
            "ratings must have a column of users and one of items, got "
            f"{few(list(frame.columns))} without that of each {' and each '.join(lacking)}. In "
            f"training say which is by {stated}, or rename to {usual}."
        )


def _holds_a_rating(names: Iterable[Any]) -> bool:
    """Whether most names are texts that spell numbers, as those of the first row of a file are."""
    texts = [name for name in names if isinstance(name, str)]
    numbers = [text for text in texts if re.fullmatch(r"-?\d+(\.\d+)?", text.strip())]
    return 2 * len(numbers) > len(texts)


def _require_one_role_each(frame: pd.DataFrame, names: Mapping[str, Any]) -> None:
    """Refuse a column in two roles, and two columns of one name."""
    taken = list(names.values())
    twice = [name for name in taken if taken.count(name) > 1 or list(frame.columns).count(name) > 1]
    if twice:
        raise ValueError(
            f"users, items, ratings and times must be a column each, got {twice[0]!r} twice. "
            "Name another."
        )


def refuse_without_rating(frame: pd.DataFrame, remembered: Mapping[str, Any]) -> NoReturn:
    """Refuse a table that has no column of ratings, for a model that needs one.

    Raises:
        ValueError: always; the message names the column that may hold them.
    """
    wanted = str(remembered.get("rating", "rating"))
    near = nearest(wanted, frame.columns)
    raise ValueError(
        f"a model of ratings needs the column {wanted!r}, got {few(list(frame.columns))}. "
        f"Rename {repr(near) if near else 'its column of ratings'}, or, in training, pass "
        "rating='...'; model='softmax' learns from choices alone."
    )
