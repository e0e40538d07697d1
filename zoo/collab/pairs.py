"""Predictions for pairs of a user and an item, in whichever form a caller has them."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from zoo.collab.data.columns import column_names
from zoo.collab.data.ids import ManyIds, OneId, is_one, one_or_many
from zoo.collab.data.ratings import table_of
from zoo.collab.data.unknown import rows_of
from zoo.collab.scorer import Scorer
from zoo.collab.spec import Spec
from zoo.core.frames import frame_of

Users = OneId | ManyIds | pd.DataFrame | os.PathLike[str]
"""Users of pairs: one id, several, or a table of users and items."""


def rate(
    user: Users, item: OneId | ManyIds | None, spec: Spec, scorer: Scorer
) -> float | NDArray[np.float32]:
    """The rating of one pair or those of several, see `Recommender.predict`.

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
        return np.zeros(0, dtype=np.float32)
    else:
        is_alone = is_one(user)
        ids = {"user": one_or_many(user, "user"), "item": one_or_many(item, "item")}
        n_users, n_items = map(len, ids.values())
        if is_alone != is_one(item) or n_users != n_items:
            raise ValueError(
                f"there must be one item per user, got {n_users} users and {n_items} items. Pass "
                "sequences of equal length, or call recommend(user) for all items."
            )
    rows = rows_of(spec, ids, is_text=isinstance(user, os.PathLike)).values()
    rated: NDArray[np.float32] = scorer.rate(*map(torch.from_numpy, rows)).numpy()
    return float(rated[0]) if is_alone else rated
