"""From tables of ratings to what a learner trains and validates on, and what a model knows."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from zoo.collab.data.batches import MARGIN, Ratings, require_on_scale
from zoo.collab.data.columns import USUAL, Columns, named
from zoo.collab.data.features import encode, fit, require_ids
from zoo.collab.data.ids import KnownIds, Rows, like_known
from zoo.collab.data.rated_items import Seen, seen_of
from zoo.collab.data.ratings import Table, read
from zoo.collab.data.validation import Known, divided, validation, with_held_out
from zoo.collab.options import ModelName, Options
from zoo.collab.spec import Spec
from zoo.core.run import Run


@dataclass(frozen=True)
class Prepared:
    """Ratings to train on, sorted by user, and ratings to validate on, with what is known.

    **Shape.** features: (n + 1, n_features) of each side that has any, "user" or "item".

    Attributes:
        seen: who has rated what among all that the model is trained on, before and now.
        held_out: likewise of the ratings that were held out of the tables to train on.
    """

    spec: Spec
    train: Ratings
    valid: Ratings | None
    seen: Seen
    held_out: Seen
    features: dict[str, Tensor]


def prepare(
    table: Table,
    settings: Options,
    name: ModelName,
    *,
    features: Mapping[str, pd.DataFrame],
    known: Known | None = None,
) -> Prepared:
    """Read, split and number ratings.

    Args:
        table: the ratings.
        settings: all options of the verb.
        name: the model, which predicts ratings or ranks.
        features: tables of "user" and "item", by id.
        known: what the model to go on from knows; its rows stay what they are.

    Raises:
        ValueError: there are too few users, items or ratings to learn from, or ratings to validate
            on have been trained on.
    """
    columns = Columns(settings["user"], settings["item"], settings["rating"], settings["time"])
    before, rates = known.spec if known else None, name != "softmax"
    remembered: Any = before.columns if before else {}
    reading = partial(read, columns=columns, remembered=remembered, needs_rating=rates)
    ratings = reading(table, learns=before is None)
    held: pd.DataFrame | None = None
    if settings["valid"] is not None:
        held = reading(settings["valid"])
    elif fraction := settings["valid_fraction"]:
        seed = (settings["run"] or Run()).seed
        ratings, held = divided(ratings, settings["split"], fraction, seed, known)
    _refuse_too_few(ratings, rates, known is not None)
    users, user_rows = _number(ratings["user"], before.known_users if before else None)
    items, item_rows = _number(ratings["item"], before.known_items if before else None)
    for side, of_side in features.items():
        require_ids(of_side, side, {*USUAL[side], str(getattr(columns, side)).lower()} - {"none"})
    spec: Spec = _replaced(
        before or Spec((), (), mean=float(ratings["rating"].mean())),
        users=users,
        items=items,
        features=before.features if before else {s: fit(t) for s, t in features.items()},
        columns=remembered | named(columns),
        n_held_out=0,
    )
    titles: dict[Any, str] = {**spec.titles, **_titles(settings["titles"], spec)}
    spec = replace(spec, titles=titles)
    if rates:
        spec = _scaled(spec, ratings["rating"].to_numpy(), settings["y_range"])
    train = _sorted_by_user(user_rows, item_rows, ratings["rating"].to_numpy())
    seen = seen_of(train.users, train.items, len(users))
    if known:
        seen = seen.with_others(known.seen, len(users))
    scored = None if held is None else validation(held, seen, spec, is_ranking=not rates)
    drawn = scored if settings["valid"] is None else None
    spec, held_out = with_held_out(spec, drawn, seen, known)
    return Prepared(spec, train, scored, seen, held_out, _encoded(features, spec))


_replaced: Any = replace  # ids of users are any hashable, JSON narrows them when stored


def _refuse_too_few(ratings: pd.DataFrame, predicts_ratings: bool, grows: bool) -> None:
    if grows:
        return
    for side in ("user", "item"):
        if ratings[side].nunique() < 2:
            raise ValueError(
                f"learning from others takes at least two {side}s, however the only {side} to "
                f"train on is {ratings[side].iloc[:1].tolist()[0]!r}; give ratings of more"
            )
    if predicts_ratings and ratings["rating"].nunique() < 2:
        raise ValueError(
            "predicting ratings takes different ones, however every "
            f"rating={ratings['rating'].iloc[0]:g}; model='softmax' learns from choices alone"
        )


def _number(column: pd.Series, known: KnownIds | None) -> tuple[tuple[Hashable, ...], Rows]:
    """Ids in the order of their rows, known ones first, new ones sorted; the row of each entry."""
    try:
        codes, uniques = pd.factorize(column, sort=True)
    except TypeError:  # ids of kinds that do not compare
        codes, uniques = pd.factorize(column)
    new: list[Any] = list(uniques.tolist())  # plain Python numbers, not numpy's
    if known is None:
        return tuple(new), (codes + 1).astype(np.int32)
    row_of_code = known.rows(new)
    n = len(known.ids)
    added: dict[Hashable, int] = {}
    for code in np.flatnonzero(row_of_code == 0):
        one = like_known(new[code], known.ids)
        row_of_code[code] = added.setdefault(one, n + 1 + len(added))
    return (*known.ids, *added), row_of_code[codes]


def _scaled(spec: Spec, values: Any, y_range: tuple[float, float] | None) -> Spec:
    """The spec with the ends of the scale.

    Raises:
        ValueError: the ratings are not on it.
    """
    lowest, highest = float(values.min()), float(values.max())
    if y_range is not None:
        low, high = y_range
        if not low < high or lowest < low or highest > high:
            raise ValueError(
                f"y_range must go from low to high and hold all ratings, got {y_range=} for "
                f"ratings from {lowest:g} to {highest:g}. Widen it."
            )
        return replace(spec, low=low, high=high)
    if spec.low is None:
        margin = MARGIN * (highest - lowest)
        return replace(spec, low=lowest - margin, high=highest + margin)
    require_on_scale(values, spec.low, spec.high)
    return spec


def _encoded(tables: Mapping[str, pd.DataFrame], spec: Spec) -> dict[str, Tensor]:
    """Features of each side that has a table."""
    ids = {"user": spec.users, "item": spec.items}
    return {
        side: torch.from_numpy(encode(tables[side], encoder, ids[side]))
        for side, encoder in spec.features.items()
        if side in tables
    }


def _titles(titles: Mapping[Hashable, str] | pd.Series | None, spec: Spec) -> dict[Hashable, str]:
    """Titles of known items, by id."""
    if titles is None:
        return {}
    by_item = dict(titles)
    rows = spec.item_rows(list(by_item))
    if by_item and not rows.any():
        warnings.warn(
            f"none of {len(by_item)} titles is that of an item, but of ids such as "
            f"{next(iter(by_item))!r}. Items are ids such as {spec.items[0]!r}.",
            stacklevel=5,
        )
    return {
        spec.items[row - 1]: str(title)
        for row, title in zip(rows.tolist(), by_item.values(), strict=True)
        if row and isinstance(title, str)
    }


def _sorted_by_user(users: Rows, items: Rows, values: Any) -> Ratings:
    order = np.argsort(users, kind="stable")
    return Ratings(
        torch.from_numpy(users[order]),
        torch.from_numpy(items[order]),
        torch.from_numpy(values[order].astype(np.float32, copy=False)),
    )
