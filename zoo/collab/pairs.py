"""Predictions for pairs of a user and an item, in whichever form a caller has them."""

from __future__ import annotations

import os
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from zoo.collab.data.columns import column_names
from zoo.collab.data.ids import ManyIds, OneId, Rows, is_one, one_or_many
from zoo.collab.data.ratings import table_of
from zoo.collab.data.unknown import rows_of
from zoo.collab.scorer import ListScorer, Scorer
from zoo.collab.spec import Spec
from zoo.core.frames import frame_of
from zoo.core.predictions import Unknown

Users = OneId | ManyIds | pd.DataFrame | os.PathLike[str]
"""Users of pairs: one id, several, or a table of users and items."""


class Pairs(NamedTuple):
    """Pairs of a caller.

    Attributes:
        ids: the caller's ids by side. Shape: (n,) each.
        rows: their rows, 0 for unknown ones. Shape: (n,) each.
        is_alone: whether it is one pair, not several.
    """

    ids: dict[str, Any]
    rows: dict[str, Rows]
    is_alone: bool


def pairs_of(user: Users, item: OneId | ManyIds | None, spec: Spec) -> Pairs:
    """The pairs that a call is about, see `Recommender.predict`.

    Raises:
        ValueError: the sequences differ in length, an id is missing, or is neither text nor a
            number.
    """
    ids: dict[str, Any]
    given: Any = frame_of(user)
    is_alone = False
    if isinstance(given, (pd.DataFrame, os.PathLike)):
        if item is not None:
            raise ValueError(
                "a table must hold both users and items, got item=... beside it. Leave it out."
            )
        names_in = partial(column_names, remembered=spec.columns)
        table = table_of(given, names_in)
        ids = {side: table[names_in(table)[side]] for side in ("user", "item")}
    elif item is None and not is_one(given) and not len(given):  # as other models take no inputs
        none = np.zeros(0, dtype=np.int32)
        return Pairs({"user": [], "item": []}, {"user": none, "item": none}, False)
    else:
        is_alone = is_one(user)
        ids = {"user": one_or_many(user, "user"), "item": one_or_many(item, "item")}
        n_users, n_items = map(len, ids.values())
        if is_alone != is_one(item) or n_users != n_items:
            raise ValueError(
                f"there must be one item per user, got {n_users} users and {n_items} items. Pass "
                "sequences of equal length, or call recommend(user) for all items."
            )
    rows = rows_of(spec, ids, is_text=isinstance(user, os.PathLike))
    return Pairs(ids, rows, is_alone)


def rated(pairs: Pairs, scorer: Scorer | ListScorer) -> NDArray[np.float32]:
    """The rating of each pair. Shape: (n,)"""
    if not len(pairs.rows["user"]):
        return np.zeros(0, dtype=np.float32)
    found: NDArray[np.float32] = scorer.rate(*map(torch.from_numpy, pairs.rows.values())).numpy()
    return found


def verdicts(pairs: Pairs) -> list[Unknown]:
    """Whether each pair has an id that training had not, and which."""
    found = []
    for user, item, *rows in zip(*pairs.ids.values(), *pairs.rows.values(), strict=True):
        strange = [side for side, row in zip(pairs.ids, rows, strict=True) if row == 0]
        told = {"user": user, "item": item}
        why = " and ".join(f"{side} {told[side]!r}" for side in strange)
        found.append(
            Unknown(bool(strange), float(len(strange)), f"no ratings of {why}" * bool(why))
        )
    return found
