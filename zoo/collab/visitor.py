"""A user who was not in the training, and what known users share with them: scores and lists."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from zoo.collab.data.ids import is_one, one_or_many
from zoo.collab.data.unknown import warn_of_ids
from zoo.collab.models.factors import Pair
from zoo.collab.ranking import check_k
from zoo.collab.scorer import Scorer
from zoo.collab.spec import Spec


class Visitor:
    """A user whom `Recommender.fold_in` has placed by some ratings."""

    def __init__(self, spec: Spec, scorer: Scorer, states: Sequence[Pair], items: Tensor) -> None:
        self._spec, self._scorer, self._states, self._items = spec, scorer, states, items

    def predict(self, items: Hashable | Sequence[Hashable]) -> Any:
        """The rating of an item as a float, or of several as an array (n,); see `Recommender`."""
        ids = one_or_many(items, "item")
        rows = self._spec.item_rows(ids)
        known = {"item": self._spec.known_items}
        warn_of_ids(known, {"item": ids}, {"item": rows}, stacklevel=3)
        values = self._scorer.rate_one(self._states, torch.from_numpy(rows)).numpy()
        return float(values[0]) if is_one(items) else values

    @torch.inference_mode()
    def recommend(self, k: int | None = None, *, exclude_seen: bool = True) -> pd.DataFrame:
        """As `Recommender.recommend`, for this user.

        Raises:
            ValueError: k is out of range.
        """
        k = check_k(k, len(self._spec.items))
        scores = self._scorer.scores_of(self._states)
        scores[:, 0] = -torch.inf
        if exclude_seen:
            scores[:, self._items.to(scores.device)] = -torch.inf
        best, items = (tensor.cpu() for tensor in scores.topk(k, dim=1))
        rated = self._scorer.rate_one(self._states, items[0])[None]
        return listed(self._spec, rated.where(best > -torch.inf, best), items)


def listed(spec: Spec, scores: Tensor, items: Tensor) -> pd.DataFrame:
    """Rows of item, score and title of lists (n, k), without places that stayed empty."""
    kept = scores > -torch.inf
    ids = [spec.items[row - 1] for row in items[kept].tolist()]
    table = pd.DataFrame({"item": ids, "score": scores[kept].numpy()})
    if spec.titles:
        table["title"] = [spec.titles.get(one, "") for one in ids]
    return table
