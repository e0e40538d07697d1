"""How hard a rating is to predict: the harder, the fewer ratings there are of its user and item."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from zoo.collab.data.batches import Ratings
from zoo.collab.data.ids import Rows
from zoo.collab.data.rated_items import RatedItems


def difficulty(rated: RatedItems, rows: dict[str, Rows]) -> NDArray[np.float64]:
    """The sum of 1 / (n + 1) over a pair's user and item, with n ratings each: 0..2.

    The variance that an estimate from n ratings leaves falls so.

    Args:
        rated: who has rated what.
        rows: those of pairs by side, 0 for unknown ones. Shape: (n,) each.
    """
    of_users = rated.offsets.diff()
    n_items = int(rows["item"].max(initial=0)) + 1
    of_items = torch.bincount(rated.items, minlength=n_items)
    found = np.zeros(len(rows["user"]))
    for side, counts in (("user", of_users), ("item", of_items)):
        own = counts.double().numpy()[rows[side]]
        found += 1 / (1 + np.where(rows[side] == 0, 0.0, own))
    return found


def of_held_out(learn: Any) -> NDArray[np.float64]:
    """How hard a learner's validation ratings are by those that it was trained on. Shape: (n,)"""
    rated = Ratings.of(learn.data.train).rated_items(len(learn.data.spec.users))
    return difficulty(rated, Ratings.of(learn.data.valid).rows)
