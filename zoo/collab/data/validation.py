"""Ratings to validate on: none of them has been trained on, now or before."""

from __future__ import annotations

import os
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zoo.collab.data.batches import Ratings, encode
from zoo.collab.data.rated_items import RatedItems, pair_keys
from zoo.collab.data.ratings import FEWEST, Table, read, share, split
from zoo.collab.data.unknown import warn_of_ids
from zoo.collab.options import Options
from zoo.collab.spec import Spec
from zoo.core.messages import warn
from zoo.core.run import Run
from zoo.core.seen_rows import TOLERABLE_SHARE
from zoo.core.split import require_disjoint
from zoo.core.trust.folds import Fold


class Prior(NamedTuple):
    """What a pretrained model brings to further training.

    Attributes:
        spec: ids, scale and columns that it knows.
        rated_items: items of every user among all ratings that it was trained on.
        held_out_items: items of every user among the ratings that were held out then.
        chosen: both in the order of time, where it was kept.
    """

    spec: Spec
    rated_items: RatedItems
    held_out_items: RatedItems
    chosen: RatedItems


def divided(
    ratings: pd.DataFrame, settings: Options, prior: Prior | None
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """Parts to train and to validate on; what a pretrained model was trained on is not held out.

    If it was trained on all of them, there are none to validate on, and one warning says so.
    """
    fraction, seed = settings["valid_fraction"], (settings["run"] or Run()).seed
    fold = settings["fold"] and Fold(*settings["fold"])
    how = settings["split"], fraction, seed
    if prior is None:
        return split(ratings, *how, fold)
    rows = encode(ratings, prior.spec)
    is_new = ~np.isin(pair_keys(rows.users, rows.items), prior.rated_items.keys())
    is_last, rule = settings["split"] == "last" and not fold, "new to the pretrained model"
    if is_last:
        is_new &= _leave_some(ratings, prior.rated_items.offsets.diff().numpy()[rows.users.numpy()])
        rule += " and not all that the table has of a user"
    new = ratings[is_new]
    if fold:
        held_out = split(new, *how, fold)[1] if len(new) else new
    else:
        held_out = new[share(new, *how, fewest=1 if is_last else FEWEST)]
    if not len(held_out):
        warn(
            f"ratings to validate on must be {rule}, got {len(new)} such of {len(ratings)}, so "
            "that there is no score. Pass valid=... with ratings that it was not trained on."
        )
        return ratings, None
    return ratings.drop(held_out.index), held_out


def _leave_some(ratings: pd.DataFrame, before: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether the user of each rating can do without the last one. Shape: (n,) and (n,).

    Args:
        ratings: table as `read` returns it.
        before: number of ratings of each rating's user that a pretrained model was trained on.
    """
    n = ratings.groupby("user", sort=False)["user"].transform("size").to_numpy()
    enough: NDArray[np.bool_] = (n > 1) & (n + before >= FEWEST)
    return enough


def validation(
    table: pd.DataFrame, rated_items: RatedItems, spec: Spec, *, is_ranking: bool
) -> Ratings:
    """Ratings to validate on as tensors, with a warning if most are of unknown ids.

    Args:
        table: the ratings.
        rated_items: pairs that are trained on, now or before.
        spec: ids that the model will know.
        is_ranking: whether the model ranks, and is scored by ranking metrics.

    Raises:
        ValueError: some were trained on, or they say nothing about a ranking.
    """
    ratings = encode(table, spec)
    require_disjoint(
        rated_items.keys(),
        pair_keys(ratings.users, ratings.items),
        rows="ratings",
        way_out="Leave those users' ratings of those items out of valid=...",
    )
    if is_ranking and not ratings.are_known.any():
        raise ValueError(
            "a ranking is scored on known users' ratings of known items, got none among "
            f"{len(ratings)} to validate on. Its users are ids such as {spec.users[0]!r}, its "
            f"items such as {spec.items[0]!r}."
        )
    warn_of_ids(spec, table, ratings.rows, is_text=True)
    return ratings


def all_held_out(
    ratings: Ratings | None, rated_items: RatedItems, prior: Prior | None
) -> RatedItems:
    """Known pairs that were held out now or before and are not trained on.

    Args:
        ratings: what is held out of the table to train on.
        rated_items: pairs that are trained on.
        prior: the pretrained model.
    """
    n_users = len(rated_items.offsets) - 2
    held_out = prior.held_out_items if prior else RatedItems.empty(n_users)
    if ratings is not None:
        held_out = held_out.with_others(ratings.rated_items(n_users), n_users)
    return held_out.without(rated_items.keys(), n_users)


def ratings_to_score(
    data: Table, spec: Spec, rated_items: RatedItems, *, needs_rating: bool, trained_on_means: str
) -> Ratings:
    """Read ratings to score a model on, with a warning of unknown ids and of ratings trained on.

    Args:
        data: the table.
        spec: ids and columns of the model.
        rated_items: pairs that it was trained on.
        needs_rating: whether the table must have a column of ratings.
        trained_on_means: sentence that says what becomes of ratings that were trained on.

    Raises:
        ValueError: as for `read`.
    """
    table = read(data, remembered=spec.columns, needs_rating=needs_rating)
    ratings = encode(table, spec)
    is_text = isinstance(data, (str, os.PathLike))
    warn_of_ids(spec, table, ratings.rows, is_text=is_text)
    share = np.isin(pair_keys(ratings.users, ratings.items), rated_items.keys()).mean()
    if share > TOLERABLE_SHARE:
        warn(f"{share:.0%} of the {len(ratings)} ratings were trained on. {trained_on_means}")
    return ratings
