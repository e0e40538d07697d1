"""Lists of recommended items for the users of a model, and how good they are."""

from __future__ import annotations

from functools import cached_property

import pandas as pd
import torch
from torch import Tensor

from zoo.collab.data.batches import Ratings
from zoo.collab.data.ids import ManyIds, OneId, is_one, one_or_many
from zoo.collab.data.rated_items import RatedItems
from zoo.collab.ranking import check_k, ranking_metrics, top_k
from zoo.collab.scorer import Scorer
from zoo.collab.spec import Spec
from zoo.core.messages import few


class Lists:
    """Lists by a model's scores.

    Args:
        scorer: the networks.
        spec: ids and titles.
        rated_items: items of every user that the model was trained on.
        held_out_items: items of every user that were held out of the table to train on.
    """

    def __init__(
        self, scorer: Scorer, spec: Spec, rated_items: RatedItems, held_out_items: RatedItems
    ) -> None:
        self._scorer, self._spec = scorer, spec
        self._rated_items, self._held_out_items = rated_items, held_out_items

    @cached_property
    def _hidden(self) -> RatedItems:
        """Items of every user in the tables to train on, held-out parts included."""
        return self._rated_items.with_others(self._held_out_items, len(self._spec.users))

    def table(
        self, user: OneId | ManyIds | None, k: int | None, *, exclude_seen: bool
    ) -> pd.DataFrame:
        """Lists as a table, see `Recommender.recommend`.

        Raises:
            ValueError: k is out of range, or a user is unknown.
        """
        users = self._spec.users
        ids = list(users) if user is None else list(one_or_many(user, "user"))
        k = check_k(k, len(self._spec.items))
        rows = torch.from_numpy(self._spec.user_rows(ids)).long()
        if unknown := [repr(one) for one, row in zip(ids, rows.tolist(), strict=True) if row == 0]:
            raise ValueError(
                f"users must be among the {len(users)} of the training, got {few(unknown)}. Call "
                "fold_in(ratings) for a new one."
            )
        scores, items = self.top_k(rows, k, exclude_seen=exclude_seen)
        filled = scores > -torch.inf
        scores[filled] = self._scorer.rate(rows[:, None].expand_as(items)[filled], items[filled])
        is_alone = user is not None and is_one(user)
        return list_table(self._spec, scores, items, None if is_alone else rows)

    def top_k(self, users: Tensor, k: int, *, exclude_seen: bool) -> tuple[Tensor, Tensor]:
        """Scores that only order and rows of items, see `Recommender.top_k`. Shape: (n, k) each."""
        check_k(k, len(self._spec.items))
        device = self._scorer.device
        hidden = self._hidden.to(device) if exclude_seen else None
        with torch.inference_mode():
            blocks = top_k(self._scorer.scores, users.to(device), k, hidden)
            scores, items = zip(*blocks, strict=True)
        return torch.cat(scores).cpu(), torch.cat(items).cpu()

    @torch.inference_mode()
    def metrics(
        self, ratings: Ratings, k: int | None = None, *, exclude_seen: bool = True
    ) -> dict[str, float]:
        """Metrics of lists that should hold the rated items, see `Recommender.evaluate_ranking`."""
        n_users, n_items = len(self._spec.users), len(self._spec.items)
        relevant, hidden, device = ratings.rated_items(n_users), None, self._scorer.device
        if exclude_seen:
            relevant = relevant.without(self._rated_items.keys(), n_users)
            hidden = self._hidden.without(relevant.keys(), n_users).to(device)
        k = check_k(k, n_items)
        return ranking_metrics(self._scorer.scores, relevant.to(device), n_items, k, hidden)


def list_table(
    spec: Spec, scores: Tensor, items: Tensor, users: Tensor | None = None
) -> pd.DataFrame:
    """Lists as rows of (user,) item, score (and title, if there are any), without empty places.

    Args:
        spec: ids and titles.
        scores: scores of the places, -inf where one is empty. Shape: (n, k).
        items: rows of items. Shape: (n, k).
        users: rows of users, for a column of them. Shape: (n,).
    """
    filled = scores > -torch.inf
    ids = [spec.items[row - 1] for row in items[filled].tolist()]
    table = pd.DataFrame({"item": ids, "score": scores[filled].numpy()})
    if spec.titles:
        table["title"] = [spec.titles.get(one, "") for one in ids]
    if users is not None:
        rows = users.repeat_interleave(filled.sum(1)).tolist()
        own = pd.Series([spec.users[row - 1] for row in rows], dtype=object)
        table.insert(0, "user", own.infer_objects())
    return table
