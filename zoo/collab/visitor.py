"""A user who was not in the training, and what known users share with them: scores and lists."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from zoo.collab.ranking import check_k
from zoo.collab.spec import Spec


class Visitor:
    """A user whom `Recommender.fold_in` has placed by some ratings."""

    def __init__(
        self, spec: Spec, members: Sequence[Any], states: Sequence[Tensor], items: Tensor
    ) -> None:
        self._spec, self._members, self._states, self._items = spec, members, states, items

    @torch.inference_mode()
    def predict(self, items: Hashable | Sequence[Hashable]) -> Any:
        """The rating of an item as a float, or of several as an array (n,)."""
        one = is_id(items)
        asked: Any = [items] if one else items
        rows = torch.from_numpy(self._spec.item_rows(asked)).long()
        rated = [
            member.rate(state.expand(len(rows), -1), rows.to(state.device)).mean(1)
            for member, state in zip(self._members, self._states, strict=True)
        ]
        values = torch.stack(rated).mean(0).cpu().numpy()
        return float(values[0]) if one else values

    @torch.inference_mode()
    def recommend(self, k: int = 10, *, exclude_seen: bool = True) -> pd.DataFrame:
        """As `Recommender.recommend`, for this user.

        Raises:
            ValueError: k is out of range.
        """
        check_k(k, len(self._spec.items))
        scores = mean_scores(self._members, self._states, len(self._spec.items))
        scores[:, 0] = -torch.inf
        if exclude_seen:
            scores[:, self._items.to(scores.device)] = -torch.inf
        best, items = scores.topk(k, dim=1)
        return listed(self._spec, best.cpu(), items.cpu())


def mean_scores(members: Sequence[Any], states: Sequence[Tensor], n_items: int) -> Tensor:
    """Scores of all items by one state a member, the unknown item's first.

    **Shape.** states: (B, s) each; result: (B, n_items + 1), the mean over the members.
    """
    tables = [_scores(m, state, n_items) for m, state in zip(members, states, strict=True)]
    return torch.stack(tables).mean(0) if len(tables) > 1 else tables[0]


def listed(spec: Spec, scores: Tensor, items: Tensor) -> pd.DataFrame:
    """Rows of item, score and title of lists (n, k), without places that stayed empty."""
    kept = scores > -torch.inf
    ids = [spec.items[row - 1] for row in items[kept].tolist()]
    table = pd.DataFrame({"item": ids, "score": scores[kept].numpy()})
    if spec.titles:
        table["title"] = [spec.titles.get(one, "") for one in ids]
    return table


def is_id(x: object) -> bool:
    """Whether x is one id and no sequence of them."""
    return isinstance(x, (str, bytes, tuple)) or not hasattr(x, "__len__")


def _scores(member: Any, states: Tensor, n_items: int) -> Tensor:
    if hasattr(member, "ranker"):
        vectors, biases = member.ranker()
        return torch.addmm(biases, states, vectors.T)
    rows = torch.arange(n_items + 1, device=states.device)
    rated = [member.rate(state.expand(len(rows), -1), rows).mean(1) for state in states]
    return torch.stack(rated)
