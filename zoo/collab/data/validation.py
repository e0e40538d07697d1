"""Ratings to validate on: none of them has been trained on, now or before."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from zoo.collab.data.batches import Ratings, encode
from zoo.collab.data.rated_items import Seen, nothing_seen, of_keys, pair_keys
from zoo.collab.data.ratings import split
from zoo.collab.data.unknown import warn_of_ids
from zoo.collab.options import SplitName
from zoo.collab.spec import Spec
from zoo.core.split import require_disjoint


class Known(NamedTuple):
    """What a pretrained model knows.

    Attributes:
        spec: its spec.
        seen: who has rated what of all that it was trained on.
        held_out: likewise of what was held out then.
    """

    spec: Spec
    seen: Seen
    held_out: Seen


def divided(
    ratings: pd.DataFrame,
    split_by: SplitName,
    fraction: float,
    seed: int,
    known: Known | None,
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """Ratings to train on and to validate on; what a pretrained model knows is never held out.

    If it knows all of them, there are none to validate on, which one warning tells.
    """
    if known is None:
        return split(ratings, split_by, fraction, seed)
    rows = encode(ratings, known.spec)
    is_new = ~np.isin(pair_keys(rows.users, rows.items), known.seen.keys())
    if not round(fraction * is_new.sum()):
        warnings.warn(
            "ratings to validate on must be new to the pretrained model, got "
            f"{is_new.sum()} such of {len(ratings)}, so that there is no score. Pass valid=... "
            "with ratings that it was not trained on.",
            UserWarning,
            stacklevel=6,
        )
        return ratings, None
    _, held = split(ratings[is_new], split_by, fraction, seed)
    return ratings.drop(held.index), held


def validation(held: pd.DataFrame, seen: Seen, spec: Spec, *, is_ranking: bool) -> Ratings:
    """Ratings to validate on as tensors, with a warning if most are of strangers.

    Raises:
        ValueError: some were trained on, or they tell nothing of a ranking.
    """
    ratings = encode(held, spec)
    require_disjoint(
        seen.keys(),
        pair_keys(ratings.users, ratings.items),
        rows="ratings",
        way_out="Leave those users' ratings of those items out of valid=...",
    )
    known = (ratings.users > 0) & (ratings.items > 0)
    if is_ranking and not known.any():
        raise ValueError(
            "a ranking is scored on known users' ratings of known items, got none among "
            f"{len(ratings)} to validate on. Its users are ids such as {spec.users[0]!r}, its "
            f"items such as {spec.items[0]!r}."
        )
    known_ids = {"user": spec.known_users, "item": spec.known_items}
    ids = {"user": held["user"], "item": held["item"]}
    warn_of_ids(known_ids, ids, ratings.rows, is_text=True, stacklevel=6)
    return ratings


def with_held_out(
    spec: Spec, ratings: Ratings | None, seen: Seen, known: Known | None
) -> tuple[Spec, Seen]:
    """The spec, and the known pairs that were held out now or before and are not trained on.

    Args:
        spec: without what was held out.
        ratings: what is held out of the table to train on.
        seen: pairs that are trained on.
        known: the pretrained model.
    """
    n_users = len(spec.users)
    held_out = known.held_out if known else nothing_seen(n_users)
    if ratings is not None:
        is_known = (ratings.users > 0) & (ratings.items > 0)
        keys = np.unique(pair_keys(ratings.users[is_known], ratings.items[is_known]))
        held_out = held_out.with_others(of_keys(keys, n_users), n_users)
    held_out = held_out.without(seen.keys(), n_users)
    return replace(spec, n_held_out=len(held_out.items)), held_out
