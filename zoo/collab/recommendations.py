"""Recommendations: lists of items for users, as tables, and how good they are."""

from __future__ import annotations

import os
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from zoo.collab.data.batches import Ratings, encode
from zoo.collab.data.ids import ManyIds, OneId, is_one, one_or_many
from zoo.collab.data.rated_items import RatedItems
from zoo.collab.data.ratings import Table, read
from zoo.collab.data.unknown import warn_of_ids
from zoo.collab.ranking import check_k, ranking_metrics, top_k
from zoo.collab.scorer import ListScorer, Scorer
from zoo.collab.selection import Selection
from zoo.collab.spec import Spec
from zoo.core.messages import few


class Lists:
    """Lists by a model's scores.

    Args:
        scorer: the networks, or the model of lists.
        spec: ids and titles.
        rated_items: items of every user that the model was trained on.
        hidden: these, and those that were held out of the table to train on: lists leave them out.
    """

    def __init__(
        self,
        scorer: Scorer | ListScorer,
        spec: Spec,
        rated_items: RatedItems,
        hidden: RatedItems,
    ) -> None:
        self._scorer, self._spec = scorer, spec
        self._rated_items, self._hidden = rated_items, hidden

    def table(
        self,
        user: OneId | ManyIds | None,
        k: int | None,
        wish: Selection,
        *,
        exclude_seen: bool,
        rater: Scorer | None = None,
    ) -> pd.DataFrame:
        """Lists as a table, see `Recommender.recommend`.

        Args:
            user: ids of users.
            k: length of a list.
            wish: which items, and how unlike.
            exclude_seen: whether to leave out what the user rated.
            rater: the networks whose ratings stand beside the scores; None for none.

        Raises:
            ValueError: k is out of range, or a user is unknown.
        """
        users = self._spec.users
        ids = list(users) if user is None else list(one_or_many(user, "user"))
        rows = torch.from_numpy(self._spec.user_rows(ids)).long()
        if unknown := [repr(one) for one, row in zip(ids, rows.tolist(), strict=True) if row == 0]:
            those = f"among the {len(users)} of the training"
            if self._spec.is_anonymous:
                those = "known to the model, which was published without any"
            raise ValueError(
                f"users must be {those}, got {few(unknown)}. Call fold_in(ratings) for a new one, "
                "--likes ITEM,ITEM in a shell."
            )
        scores, items = self.top_k(rows, k, wish, exclude_seen=exclude_seen)
        filled, of_user = scores > -torch.inf, rows[:, None].expand_as(items)
        scores[filled] = self._scorer.rate(of_user[filled], items[filled])
        is_alone = user is not None and is_one(user)
        table = list_table(self._spec, scores, items, None if is_alone else rows)
        if rater is None:
            return table
        return with_ratings(table, rater.rate(of_user[filled], items[filled]))

    def top_k(
        self, users: Tensor, k: int | None, wish: Selection | None = None, *, exclude_seen: bool
    ) -> tuple[Tensor, Tensor]:
        """Scores that only order and rows of items, see `Recommender.top_k`. Shape: (n, k) each."""
        k, device = check_k(k, len(self._spec.items)), self._scorer.device
        hidden = self._hidden.to(device) if exclude_seen else None
        with torch.inference_mode():
            blocks = top_k(
                self._scorer.scores, users.to(device), k, hidden,
                wish=wish or Selection(), similarities=self._scorer.similarities,
            )  # fmt: skip
            scores, items = zip(*blocks, strict=True)
        return torch.cat(scores).cpu(), torch.cat(items).cpu()

    @torch.inference_mode()
    def metrics(
        self, ratings: Ratings, k: int | None = None, *, exclude_seen: bool = True
    ) -> dict[str, float]:
        """Metrics of lists that should hold the rated items, see `Recommender.evaluate_ranking`."""
        n_users, n_items = len(self._spec.users), len(self._spec.items)
        relevant, device = ratings.rated_items(n_users), self._scorer.device
        if exclude_seen:
            relevant = relevant.without(self._rated_items.keys(), n_users)
        known = self._hidden.without(relevant.keys(), n_users)
        scorer = self._scorer.knowing(known)  # nothing of what is to be found
        hidden = known.to(device) if exclude_seen else None
        return ranking_metrics(scorer.scores, relevant.to(device), n_items, k, hidden)

    def last_metrics(self, data: Table | None, k: int | None = None) -> dict[str, float]:
        """Metrics of lists that should hold each user's latest item, see `evaluate_ranking`.

        Args:
            data: what users chose after the training.
            k: length of the lists.

        Raises:
            ValueError: there is no table.
        """
        if data is None:
            raise ValueError(
                "the last item of each user is found in a table, got data=None. Pass the ratings "
                "that followed the training."
            )
        spec = self._spec
        table, n_users = read(data, remembered=spec.columns), len(spec.users)
        is_text = isinstance(data, (str, os.PathLike))
        rows = encode(table, spec).rows
        warn_of_ids(spec, table, rows, means="They are not counted.", is_text=is_text)
        if "time" in table:
            table = table.sort_values("time", kind="stable")
        is_latest = ~table.duplicated("user", keep="last")
        before = encode(table[~is_latest], spec).rated_items(n_users)
        known = self._hidden.with_others(before, n_users)
        return Lists(self._scorer, spec, known, known).metrics(encode(table[is_latest], spec), k)


@torch.inference_mode()
def list_of_one(
    spec: Spec,
    scorer: Any,
    states: Any,
    k: int | None,
    wish: Selection,
    hidden: Tensor | None,
) -> tuple[pd.DataFrame, Tensor]:
    """The list of a user who has no row, see `list_table`, and rows of its items.

    Args:
        spec: ids and titles.
        scorer: the networks, or the model of lists.
        states: the user, as the scorer's `scores_of` takes one.
        k: length of the list; None for ten, or all items if there are fewer.
        wish: which items, and how unlike.
        hidden: rows of items to leave out; None allows all. Shape: (n,).

    Raises:
        ValueError: k is out of range.
    """
    scores = scorer.scores_of(states).clone()
    row = torch.zeros(1, dtype=torch.int64, device=scores.device)
    ((best, items),) = top_k(
        lambda _: scores, row, check_k(k, len(spec.items)),
        None if hidden is None else RatedItems.of_one(hidden.to(scores.device)),
        wish=wish, similarities=scorer.similarities,
    )  # fmt: skip
    best, items = best.cpu(), items.cpu()
    rated = scorer.rate_one(states, items[0])[None]
    filled = best > -torch.inf
    return list_table(spec, rated.where(filled, best), items), items[filled]


def with_ratings(table: pd.DataFrame, ratings: Tensor) -> pd.DataFrame:
    """A list with a column of ratings after that of scores. Shape: ratings (n,)."""
    table.insert(list(table).index("score") + 1, "rating", ratings.numpy())
    return table


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
