"""From tables of ratings to what a learner trains and validates on."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from zoo.collab.data.batches import Ratings
from zoo.collab.data.batches import encode as rows_of
from zoo.collab.data.columns import USUAL
from zoo.collab.data.features import encode, fit, require_ids
from zoo.collab.data.histories import Histories
from zoo.collab.data.ids import IdIndex, Rows, cast_like
from zoo.collab.data.rated_items import RatedItems
from zoo.collab.data.ratings import Table, read
from zoo.collab.data.scale import scaled, without_odd_ones
from zoo.collab.data.validation import Prior, all_held_out, divided, validation
from zoo.collab.options import ModelName, Options, Titles
from zoo.collab.spec import Spec
from zoo.collab.task import needs_order, predicts_ratings
from zoo.core.batches import Origin
from zoo.core.messages import warn


@dataclass(frozen=True)
class Prepared:
    """Ratings to train on, by user (and time, where order counts), and to validate on, as rows.

    Shape: features (n + 1, n_features) by side, "user" or "item".

    Attributes:
        spec: the spec of the model to train.
        train: ratings to train on.
        valid: ratings to validate on; None without.
        histories: who rated what in all tables that the model is trained on, before and now.
        features: encoded features of each side that has any.
        origin: which of the table's rows are validated on, where they were drawn from it.
    """

    spec: Spec
    train: Ratings
    valid: Ratings | None
    histories: Histories
    features: dict[str, Tensor]
    origin: Origin | None = None


def prepare(
    table: Table,
    settings: Options,
    name: ModelName,
    *,
    features: Mapping[str, pd.DataFrame],
    prior: Prior | None = None,
) -> Prepared:
    """Read, split and number ratings.

    Args:
        table: the ratings.
        settings: all options of the verb.
        name: name of the model, which predicts ratings or ranks.
        features: tables of features by side, "user" or "item".
        prior: what a pretrained model brings; its rows stay what they are.

    Raises:
        ValueError: there are too few users, items or ratings to learn from, or ratings to validate
            on have been trained on.
    """
    stated = {role: column for role in USUAL if (column := settings.get(role)) is not None}
    predicts = predicts_ratings(name)
    remembered: Any = prior.spec.columns if prior else {}
    reading: Callable[..., pd.DataFrame]
    reading = partial(read, columns=stated, remembered=remembered, needs_rating=predicts)
    is_ordered = needs_order(name) or needs_order(settings["lists"])
    if is_ordered:
        reading = partial(_in_order, reading)
    ratings = reading(table, learns=prior is None, fix=settings["fix"])
    held_out, origin = None, None
    if predicts and prior is None and settings["y_range"] is None:
        ratings = without_odd_ones(ratings)
    whole = ratings
    if settings["valid"] is not None:
        held_out = reading(settings["valid"])
    elif settings["valid_fraction"] or settings["fold"]:
        is_frame, rows = isinstance(table, pd.DataFrame), int(ratings.index.max()) + 1
        names: Any = table.index if is_frame else range(rows)  # type: ignore[union-attr]
        ratings, held_out = divided(ratings, settings, prior)
        if held_out is not None:
            origin = Origin(names, held_out.index.to_numpy(np.int64))
    if prior is None:
        _require_enough(ratings, predicts)
    spec, train = _numbered(ratings, prior, features, stated, settings["titles"])
    if predicts:
        spec = scaled(spec, train.values.numpy(), settings["y_range"])
    rated_items = RatedItems.of(train.users, train.items, len(spec.users))
    if prior:
        rated_items = prior.rated_items.with_others(rated_items, len(spec.users))
    valid = None
    if held_out is not None:
        valid = validation(held_out, rated_items, spec, is_ranking=not predicts)
    drawn = valid if settings["valid"] is None else None
    in_order = rows_of(whole, spec) if is_ordered else None
    histories = _histories(rated_items, drawn, in_order, prior)
    return Prepared(spec, train, valid, histories, _encoded(features, spec), origin)


def _histories(
    rated_items: RatedItems, drawn: Ratings | None, in_order: Ratings | None, prior: Prior | None
) -> Histories:
    """Who rated what, before and now.

    Args:
        rated_items: pairs that are trained on.
        drawn: ratings that are held out of the table.
        in_order: all ratings of the table as time passes, where order counts.
        prior: the pretrained model.
    """
    held_out_items = all_held_out(drawn, rated_items, prior)
    if in_order is None:
        return Histories(rated_items, held_out_items)
    n_users = len(rated_items.offsets) - 2
    chosen = in_order.rated_items(n_users)
    if prior:
        chosen = prior.chosen.with_others(chosen, n_users)
    return Histories(chosen.without(held_out_items.keys(), n_users), held_out_items, chosen)


def _encoded(features: Mapping[str, pd.DataFrame], spec: Spec) -> dict[str, Tensor]:
    """Features by side as the spec encodes them."""
    ids: dict[Any, Any] = {"user": spec.users, "item": spec.items}
    how: dict[Any, Any] = {**spec.features}
    both = {side: encode(of_side, how[side], ids[side]) for side, of_side in features.items()}
    return {side: torch.from_numpy(encoded) for side, encoded in both.items()}


def _numbered(
    ratings: pd.DataFrame,
    prior: Prior | None,
    features: Mapping[str, pd.DataFrame],
    stated: Mapping[str, Any],
    titles: Titles | None,
) -> tuple[Spec, Ratings]:
    """The spec of all ids, without a scale if it is new, and the ratings as its rows."""
    before = prior.spec if prior else Spec((), (), mean=float(ratings["rating"].mean()))
    users, user_rows = _number(ratings["user"], before.index["user"])
    items, item_rows = _number(ratings["item"], before.index["item"])
    for side, of_side in features.items():
        require_ids(of_side, side, {*USUAL[side].split(), str(stated.get(side, side)).lower()})
    columns = {**before.columns, **stated}
    changes: dict[str, Any] = {"users": users, "items": items, "columns": columns}
    if prior is None:
        changes["features"] = {side: fit(of_side) for side, of_side in features.items()}
    spec = replace(before, **changes)
    spec = replace(spec, titles={**spec.titles, **titles_of(titles, spec)})
    order = np.argsort(user_rows, kind="stable")
    values = ratings["rating"].to_numpy()[order].astype(np.float32, copy=False)
    return spec, Ratings(*map(torch.from_numpy, (user_rows[order], item_rows[order], values)))


def _in_order(reading: Callable[..., pd.DataFrame], table: Table, **how: Any) -> pd.DataFrame:
    """Ratings as time passes.

    Raises:
        ValueError: there are no times.
    """
    ratings = reading(table, **how)
    if "time" not in ratings:
        raise ValueError(
            "'sasrec' learns from the order in which users choose, got a table without a column of "
            "times. Name it by time='...', or add one: the number of a row will do if rows are in "
            "order."
        )
    return ratings.sort_values("time", kind="stable")


def _require_enough(ratings: pd.DataFrame, predicts_ratings: bool) -> None:
    """Refuse ratings of one user or one item, and ratings that are all alike.

    Raises:
        ValueError: there is nothing to tell them apart by.
    """
    for side in ("user", "item"):
        if ratings[side].nunique() < 2:
            raise ValueError(
                f"ratings to train on must be of 2 {side}s or more, got those of "
                f"{ratings[side].iloc[:1].tolist()[0]!r} alone. Add ratings of more."
            )
    if predicts_ratings and ratings["rating"].nunique() < 2:
        raise ValueError(
            f"ratings must differ to be predicted, got rating={ratings['rating'].iloc[0]:g} in "
            "every row. Try model='softmax', which learns from choices alone."
        )


def _number(column: pd.Series, index: IdIndex) -> tuple[tuple[Hashable, ...], Rows]:
    """Ids in the order of their rows, earlier ones before new ones; the row of each entry."""
    try:
        codes, uniques = pd.factorize(column, sort=True)
    except TypeError:  # ids of kinds that do not compare
        codes, uniques = pd.factorize(column)
    new: list[Any] = list(uniques.tolist())  # plain Python numbers, not numpy's
    if not index.ids:
        return tuple(new), (codes + 1).astype(np.int32)
    row_of_code = index.rows(new)
    n = len(index.ids)
    added: dict[Hashable, int] = {}
    for code in np.flatnonzero(row_of_code == 0):
        one = cast_like(new[code], index.ids)
        row_of_code[code] = added.setdefault(one, n + 1 + len(added))
    return (*index.ids, *added), row_of_code[codes]


def titles_of(titles: Titles | None, spec: Spec) -> dict[Any, str]:
    """Titles of known items, by id."""
    if titles is None:
        return {}
    by_item = dict(titles)
    rows = spec.item_rows(list(by_item))
    if by_item and not rows.any():
        warn(
            f"none of {len(by_item)} titles is that of an item, but of ids such as "
            f"{next(iter(by_item))!r}. Items are ids such as {spec.items[0]!r}."
        )
    return {
        spec.items[row - 1]: str(title)
        for row, title in zip(rows.tolist(), by_item.values(), strict=True)
        if row and not pd.isna(title)
    }
