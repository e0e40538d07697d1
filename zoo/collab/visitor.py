"""A user who was not in the training: predictions and lists."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import overload

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.collab.data.batches import require_on_scale
from zoo.collab.data.ids import ManyIds, OneId, is_one, one_or_many
from zoo.collab.data.ratings import read_visitor
from zoo.collab.data.unknown import rows_of, warn_of_ids
from zoo.collab.fold_in import state_of
from zoo.collab.models.factors import Pair
from zoo.collab.ranking import list_of_one
from zoo.collab.scorer import Scorer
from zoo.collab.spec import Spec
from zoo.core.messages import few


class Visitor:
    """A user whom `Recommender.fold_in` has placed by some ratings."""

    def __init__(self, spec: Spec, scorer: Scorer, states: Sequence[Pair], items: Tensor) -> None:
        self._spec, self._scorer, self._states, self._items = spec, scorer, states, items

    def __repr__(self) -> str:
        return f"<Visitor, placed by {len(self._items)} of {len(self._spec.items)} items>"

    @overload
    def predict(self, items: OneId) -> float: ...

    @overload
    def predict(self, items: ManyIds) -> NDArray[np.float32]: ...

    def predict(self, items: OneId | ManyIds) -> float | NDArray[np.float32]:
        """The rating of one item, or those of several; see `Recommender.predict`.

        Args:
            items: one id, or a sequence of ids.

        Raises:
            ValueError: an id is missing, or is neither text nor a number.
        """
        ids = one_or_many(items, "item")
        rows = torch.from_numpy(rows_of(self._spec, {"item": ids})["item"])
        values: NDArray[np.float32] = self._scorer.rate_one(self._states, rows).numpy()
        return float(values[0]) if is_one(items) else values

    def recommend(self, k: int | None = None, *, exclude_seen: bool = True) -> pd.DataFrame:
        """The k items that this user would like best, as rows of item, score and title.

        Args:
            k: length of the list; None for ten, or all if there are fewer.
            exclude_seen: whether to leave out the items that placed the user.

        Raises:
            ValueError: k is out of range.
        """
        hidden = self._items if exclude_seen else None
        return list_of_one(self._spec, self._scorer, self._states, k, hidden)


def placed(
    ratings: Mapping[Hashable, float] | pd.Series | pd.DataFrame,
    spec: Spec,
    scorer: Scorer,
    *,
    needs_rating: bool,
) -> Visitor:
    """Place a new user by some ratings, see `Recommender.fold_in`.

    Raises:
        ValueError: all items are unknown, or a rating is no finite number.
    """
    table = read_visitor(ratings, spec.columns, needs_rating=needs_rating)
    rows = spec.item_rows(table["item"])
    if not rows.any():
        raise ValueError(
            "a new user is placed by items that the model knows, got only others: "
            f"{few(table['item'].tolist())}. Pass ratings of items such as {spec.items[0]!r}."
        )
    warn_of_ids(spec, table, {"item": rows}, means="They count for nothing.")
    values = table["rating"].to_numpy(dtype=np.float32)[rows > 0]
    require_on_scale(values, spec.low, spec.high)
    items, rated = torch.from_numpy(rows[rows > 0]).long(), torch.from_numpy(values)
    states = [state_of(member, items, rated) for member in scorer.voices]
    return Visitor(spec, scorer, states, items)
