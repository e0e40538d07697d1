"""A user who was not in the training: predictions and lists."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, overload

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.collab.data.batches import rated_ends, require_on_scale
from zoo.collab.data.ids import ManyIds, OneId, is_one, one_or_many
from zoo.collab.data.ratings import read_visitor
from zoo.collab.data.unknown import rows_of, warn_of_ids
from zoo.collab.fold_in import state_of
from zoo.collab.reasons import explanation
from zoo.collab.recommendations import list_of_one, with_ratings
from zoo.collab.scorer import By, Raters
from zoo.collab.selection import selection
from zoo.collab.spec import Spec
from zoo.core.explanation import Explanation
from zoo.core.frames import frame_of
from zoo.core.messages import few

VisitorRatings = Mapping[Hashable, float] | pd.Series | pd.DataFrame | list[Any]
"""A new user's ratings by item, a table of them, or ids of items that the user likes."""


class Visitor:
    """A user whom `Recommender.fold_in` has placed by some ratings."""

    def __init__(self, spec: Spec, raters: Raters, items: Tensor, values: Tensor) -> None:
        self._spec, self._raters, self._items = spec, raters, items
        self._states: dict[By, Any] = {}
        if raters.rating is not None:
            voices = raters.rating.voices
            self._states["rating"] = [state_of(member, items, values) for member in voices]
        if raters.choice is not None:
            self._states["choice"] = raters.choice.states_of(items)

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
        by = self._raters.first
        values: NDArray[np.float32] = self._raters[by].rate_one(self._states[by], rows).numpy()
        return float(values[0]) if is_one(items) else values

    def explain(self, item: OneId, *, by: By | None = None) -> Explanation[Any]:
        """Why an item is, or is not, for this user; see `Recommender.explain`.

        Args:
            item: id of an item.
            by: "choice" or "rating".

        Raises:
            ValueError: the item is unknown, or there is no model of that kind.
        """
        by = self._raters.resolved(by)
        return explanation(self._spec, self._raters[by], self._states[by], self._items, item)

    def recommend(
        self,
        k: int | None = None,
        *,
        exclude_seen: bool = True,
        by: By | None = None,
        candidates: ManyIds | None = None,
        exclude: ManyIds | None = None,
        diversity: float = 0.0,
    ) -> pd.DataFrame:
        """The k items that this user would like best; see `Recommender.recommend`.

        Args:
            k: length of the list; None for ten, or all if there are fewer.
            exclude_seen: whether to leave out the items that placed the user.
            by: "choice" or "rating".
            candidates: items that may be listed; None for all.
            exclude: items that are not to be listed.
            diversity: 0 for the best items, up to 1 for unlike ones.

        Raises:
            ValueError: k is out of range, or no candidate is known.
        """
        by = self._raters.resolved(by)
        wish = selection(self._spec, candidates, exclude, diversity)
        hidden = self._items if exclude_seen else None
        table, rows = list_of_one(self._spec, self._raters[by], self._states[by], k, wish, hidden)
        rating = self._raters.rating
        if by == "choice" and rating is not None:
            return with_ratings(table, rating.rate_one(self._states["rating"], rows))
        return table


def placed(
    ratings: VisitorRatings,
    spec: Spec,
    raters: Raters,
    *,
    needs_rating: bool,
) -> Visitor:
    """Place a new user by some ratings, see `Recommender.fold_in`.

    Raises:
        ValueError: all items are unknown, or a rating is no finite number.
    """
    ratings = frame_of(ratings)
    if not isinstance(ratings, (Mapping, pd.Series, pd.DataFrame)):
        latest = dict.fromkeys(reversed(list(one_or_many(ratings, "item"))))  # of repeats
        ratings = dict.fromkeys(reversed(latest), _liked(spec))
    table = read_visitor(ratings, spec.columns, needs_rating=needs_rating)
    if "time" in table:  # in order, for models that look at it
        table = table.sort_values("time", kind="stable")
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
    return Visitor(spec, raters, items, rated)


def _liked(spec: Spec) -> float:
    """The rating that an item gets which is only said to be liked: the best one in training."""
    if spec.low is None or spec.high is None:
        return 1.0
    return rated_ends(spec.low, spec.high)[1]
