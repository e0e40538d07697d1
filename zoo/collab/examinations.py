"""What the data doctor examines of ratings, before a recommender learns from them.

report = zoo.collab.check("ratings.csv")
report.ok, report.findings

Beside what all data may suffer from (`zoo.core.trust.doctor`): rows that lack something, ratings
far off the others, ids that differ in every row, and robots: users who rated nearly everything, far
more than others do, or everything alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zoo.collab.data.columns import column_names
from zoo.collab.data.ratings import Table, rating_hashes, table_of
from zoo.collab.data.scale import are_counts, usual_range
from zoo.collab.data.times import times_of
from zoo.core.messages import few
from zoo.core.trust.diagnosis import Finding, Group, Items, Report
from zoo.core.trust.doctor import Same, copies, equal_rows, rows_finding

SAME: Final = Same("the same rating", "the same user and item", "with several ratings")
MOST_OF_ALL: Final = 0.75  # share of all items from which on nobody has chosen by himself
MANY: Final = 100  # ratings, below which a user is no robot by their number
FAR: Final = 5.0  # deviations of the logarithm of a user's number of ratings, by quartiles
LUCK: Final = 1e-6  # probability up to which equal ratings of a user are no chance
FEWEST: Final = 20  # ratings of a user who rates everything alike
_QUARTILES: Final = 1.349  # deviations between those of a normal distribution


def check(
    data: Table,
    valid: Table | None = None,
    *,
    user: str | None = None,
    item: str | None = None,
    rating: str | None = None,
    time: str | None = None,
) -> Report:
    """What is wrong with ratings.

    Args:
        data: a CSV, TSV or Parquet file, or a DataFrame, with a user and an item per row.
        valid: ratings to validate on, in the same form.
        user: column of users; usual names are recognised.
        item: column of items.
        rating: column of ratings.
        time: column of times, in which ratings to validate on should be later than the others.

    Raises:
        FileNotFoundError: the file does not exist.
        ValueError: columns are missing.
    """
    stated = {"user": user, "item": item, "rating": rating, "time": time}
    columns = {role: name for role, name in stated.items() if name is not None}
    parts = [_by_role(one, columns) for one in (data, valid) if one is not None]
    table, n = pd.concat(parts, ignore_index=True), len(parts[0])
    numbers = _numbers(table)
    sides = table[["user", "item"]]
    is_gap = (sides.isna() | sides.isin(["", " "])).any(axis=1).to_numpy()
    is_broken = is_gap | ~np.isfinite(numbers)
    items = Items(
        "ratings",
        [f"row {i if i < n else i - n}: user {u}, item {v}" for i, (u, v) in _pairs(table)],
        [str(i) if i < n else None for i in range(len(table))],
        [None if bad else float(x) for x, bad in zip(numbers, is_broken, strict=True)],
        ["train"] * n + ["valid"] * (len(table) - n),
        np.concatenate([rating_hashes(part) for part in parts]),
    )
    train = np.flatnonzero(~is_broken & (np.arange(len(table)) < n))
    lacking = "lack a user, an item or a rating that is a finite number"
    same = equal_rows(
        [i if bad else pair for (i, pair), bad in zip(_pairs(table), is_broken, strict=True)]
    )
    return Report(
        items,
        [
            *rows_finding("error", "broken", lacking, np.flatnonzero(is_broken), drop=True),
            *copies(items, same, numbers.tolist(), SAME),
            *_odd(numbers, train),
            *_ids(table.iloc[train]),
            *_robots(table, numbers, train),
            *_strangers(table, train, n),
            *(_early(table, n) if time is not None else ()),
        ],
    )


def _by_role(data: Table, columns: dict[str, Any]) -> pd.DataFrame:
    """The table's columns by their roles, in the table's order."""
    names_in = partial(column_names, columns=columns)
    frame = table_of(data, names_in)
    names = names_in(frame)
    return frame[list(names.values())].set_axis(list(names), axis=1).reset_index(drop=True)


def _pairs(table: pd.DataFrame) -> Sequence[tuple[int, tuple[str, str]]]:
    texts = (table[side].astype(str).str.removesuffix(".0") for side in ("user", "item"))
    return list(enumerate(zip(*texts, strict=True)))


def _numbers(table: pd.DataFrame) -> NDArray[np.float64]:
    """The ratings; 1 where there are none, NaN for what is no number. Shape: (n,)"""
    if "rating" not in table:
        return np.ones(len(table))
    cells = table["rating"]
    numbers = pd.to_numeric(cells, errors="coerce")
    return numbers.to_numpy(np.float64, na_value=np.nan)


def _odd(numbers: NDArray[np.float64], train: NDArray[np.int64]) -> list[Finding]:
    """Ratings far off the scale of the others."""
    own = numbers[train]
    if not len(own) or are_counts(own):
        return []
    low, high = usual_range(own.astype(np.float32))
    odd = train[(own < low) | (own > high)]
    text = f"lie far off the other ratings, which go from {low:g} to {high:g}"
    return rows_finding("warning", "odd", text, odd, drop=True)


def _ids(train: pd.DataFrame) -> list[Finding]:
    """Ids of which each stands in one row alone: those of rows, not of users or items."""
    found = []
    for side in ("user", "item"):
        if len(train) >= MANY and train[side].nunique() == len(train):
            text = f"{side} ids differ in every row, as numbers of rows do: name another column"
            found.append(Finding("error", "id", text))
    return found


def _robots(
    table: pd.DataFrame, numbers: NDArray[np.float64], train: NDArray[np.int64]
) -> list[Finding]:
    """Users with improbably many ratings, or none but the same."""
    if not len(train):
        return []
    own = table.iloc[train].assign(rating=numbers[train])
    users = own.groupby("user", sort=False)
    n_each, n_items = users.size(), own["item"].nunique()
    logs = np.log(n_each)
    low, middle, high = np.percentile(logs, (25, 50, 75))
    far = middle + FAR * max(high - low, 0.1) / _QUARTILES
    is_many = (users["item"].nunique() >= MOST_OF_ALL * n_items) | (logs > far)
    many = n_each.index[is_many & (n_each >= MANY)]
    share = float(own["rating"].value_counts(normalize=True).iloc[0])
    luck = share ** (n_each - 1) * len(n_each)
    is_same = (users["rating"].nunique() == 1) & (luck < LUCK) & (n_each >= FEWEST)
    same = n_each.index[is_same & (share < 1)]
    rows = dict(zip(own["user"].unique(), _rows_of_each(own["user"], train), strict=True))
    texts = {"with improbably many ratings": many, "whose ratings are all the same": same}
    found = []
    for text, names in texts.items():
        groups: tuple[Group, ...] = tuple(rows[name] for name in names)
        drop = tuple(row for group in groups for row in group)
        if groups:
            said = f"users {text}, as of robots: {few(list(names))}"
            found.append(Finding("warning", "robots", said, groups, drop))
    return found


def _rows_of_each(users: pd.Series, train: NDArray[np.int64]) -> list[Group]:
    """The rows of each user, in the order of their first ones."""
    codes = users.factorize()[0]
    order = np.argsort(codes, kind="stable")
    cuts = np.flatnonzero(np.diff(codes[order])) + 1
    return [tuple(train[one].tolist()) for one in np.split(order, cuts)]


def _strangers(table: pd.DataFrame, train: NDArray[np.int64], n: int) -> list[Finding]:
    """Ratings to validate on that are mostly of users or items without a rating to train on."""
    apart, known = table.iloc[n:], table.iloc[train]
    found = []
    for side in ("user", "item"):
        share = 1 - float(apart[side].isin(known[side]).mean()) if len(apart) else 0.0
        if share > 0.5:
            text = f"{share:.0%} of the validation ratings are of {side}s in valid alone"
            found.append(Finding("warning", "balance", text))
    return found


def _early(table: pd.DataFrame, n: int) -> list[Finding]:
    """Ratings to validate on that are no later than the last one to train on."""
    if len(table) == n:
        return []
    times = np.asarray(times_of(table["time"]))
    early = n + np.flatnonzero(times[n:] <= times[:n].max())
    text = "to validate on are no later than the last one to train on"
    return rows_finding("error", "time", text, early)
