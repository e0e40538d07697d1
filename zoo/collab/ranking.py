"""Top-k lists for many users at once, and how good they are.

Precision, recall, nDCG and MAP follow Järvelin & Kekäläinen (2002) and the evaluation of the
recommenders repository: an item is relevant if the user has rated it in the test part, gains are 0
or 1, nDCG and MAP are divided by their best possible value with k places. Users without a relevant
item do not count.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from zoo.collab.data.batches import Ratings, encode
from zoo.collab.data.ids import ManyIds, OneId, is_one, one_or_many
from zoo.collab.data.rated_items import RatedItems
from zoo.collab.data.ratings import Table, read
from zoo.collab.data.unknown import warn_of_ids
from zoo.collab.scorer import BLOCK as BLOCK
from zoo.collab.scorer import ListScorer, Scorer
from zoo.collab.selection import Selection
from zoo.collab.spec import Spec
from zoo.core.messages import few

LENGTH = 10  # of a list

Score = Callable[[Tensor], Tensor]
"""Rows of users (B,) -> scores of all items (B, n_items + 1), the unknown one's first."""


def top_k(
    score: Score,
    users: Tensor,
    k: int,
    hidden: RatedItems | None,
    block: int = BLOCK,
    *,
    wish: Selection | None = None,
    similarities: Callable[[Tensor], Tensor] | None = None,
) -> Iterator[tuple[Tensor, Tensor]]:
    """The k best items of each user, block by block: their scores and rows.

    A user who has fewer than k items left gets scores of -inf at the end.

    Args:
        score: function from rows of users to scores of all items.
        users: rows of users. Shape: (n,).
        k: length of the lists; at most the number of items.
        hidden: items to leave out of each user's list; None allows all.
        block: number of users to score at a time.
        wish: which items, and how unlike.
        similarities: see `Selection.pick`; for a list of unlike items.
    """
    wish = wish or Selection()
    for rows in torch.split(users, block):
        scores = score(rows)
        wish.hide(scores)
        if hidden is not None:
            scores[hidden.pairs(rows)] = -torch.inf
        yield wish.pick(scores, k, similarities)


def ranking_metrics(
    score: Score, relevant: RatedItems, n_items: int, k: int | None, hidden: RatedItems | None
) -> dict[str, float]:
    """Precision, recall, nDCG and MAP at k over the users with a relevant item, and coverage.

    Args:
        score: function from rows of users to scores of all items.
        relevant: items that each user should find.
        n_items: number of items, for coverage: the share of them that is in anyone's list.
        k: length of the lists; None for ten, or all items if there are fewer.
        hidden: items to leave out of each user's list; None allows all.

    Raises:
        ValueError: k is out of range, or no user has a relevant item.
    """
    k = check_k(k, n_items)
    counts = relevant.offsets.diff()
    users = counts.nonzero()[:, 0]
    if not len(users):
        raise ValueError(
            "a ranking is scored on known users' ratings of known items that were not trained on, "
            "got none. Pass other ratings."
        )
    discounts, best = _discounts(k, users.device)
    sums = torch.zeros(4, dtype=torch.float64, device=users.device)
    shown = torch.zeros(n_items + 1, dtype=torch.bool, device=users.device)
    blocks = zip(torch.split(users, BLOCK), top_k(score, users, k, hidden), strict=True)
    for rows, (scores, items) in blocks:
        there = scores > -torch.inf
        hits = _hits(relevant, rows, items, n_items) * there
        n = counts[rows]
        reachable = n.clamp(max=k)
        precisions = hits.cumsum(1) / torch.arange(1, k + 1, device=users.device)
        sums += torch.stack(
            [
                (hits.sum(1) / k).sum(),
                (hits.sum(1) / n).sum(),
                (hits @ discounts / best[reachable - 1]).sum(),
                ((precisions * hits).sum(1) / reachable).sum(),
            ]
        )
        shown[items[there]] = True
    names = (f"precision@{k}", f"recall@{k}", f"ndcg@{k}", f"map@{k}")
    values = dict(zip(names, (sums / len(users)).tolist(), strict=True))
    return values | {f"coverage@{k}": float(shown[1:].double().mean())}


def gains(
    scores: Tensor, users: Tensor, relevant: RatedItems, hidden: RatedItems, k: int
) -> Tensor:
    """The nDCG at k of each user, all of whom have a relevant item. Shape: (n,).

    Args:
        scores: scores of all items, the unknown one's first. Shape: (n, n_items + 1).
        users: rows of users. Shape: (n,).
        relevant: items that each user should find.
        hidden: items to leave out of each user's list.
        k: length of the lists.
    """
    ((best, items),) = top_k(lambda _: scores.clone(), users, k, hidden, block=len(users))
    hits = _hits(relevant, users, items, scores.shape[1] - 1) * (best > -torch.inf)
    discounts, reached = _discounts(k, users.device)
    n = relevant.offsets.diff()[users].clamp(max=k)
    return hits @ discounts / reached[n - 1]


def _discounts(k: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """What a hit is worth in each place, and the most that each number of hits is worth."""
    discounts = 1 / torch.arange(2, k + 2, device=device).double().log2()
    return discounts, discounts.cumsum(0)


def _hits(relevant: RatedItems, users: Tensor, items: Tensor, n_items: int) -> Tensor:
    """Whether each of the users' listed items is relevant, 0.0 or 1.0. Shape: (n, k)."""
    wanted = torch.zeros(len(users), n_items + 1, dtype=torch.bool, device=users.device)
    wanted[relevant.pairs(users)] = True
    return wanted.gather(1, items).double()


def check_k(k: int | None, n_items: int) -> int:
    """The length of a list; None is ten, or all items where there are fewer.

    Raises:
        ValueError: the length is not between 1 and the number of items.
    """
    if k is None:
        return min(LENGTH, n_items)
    if not hasattr(k, "__index__") or not 1 <= k <= n_items:
        raise ValueError(
            f"k must be between 1 and all {n_items} items, got {k=}. Try k={min(LENGTH, n_items)}."
        )
    return operator.index(k)


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
            raise ValueError(
                f"users must be among the {len(users)} of the training, got {few(unknown)}. Call "
                "fold_in(ratings) for a new one."
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
    wish.hide(scores)
    if hidden is not None:
        scores[:, hidden.to(scores.device)] = -torch.inf
    found = wish.pick(scores, check_k(k, len(spec.items)), scorer.similarities)
    best, items = (tensor.cpu() for tensor in found)
    rated = scorer.rate_one(states, items[0])[None]
    filled = best > -torch.inf
    return list_table(spec, rated.where(filled, best), items), items[filled]


def last_metrics(
    scorer: Scorer | ListScorer, spec: Spec, chosen: RatedItems, data: Table | None, k: int | None
) -> dict[str, float]:
    """Metrics of lists that should hold each user's latest item, see `evaluate_ranking`.

    Args:
        scorer: the networks, or the model of lists.
        spec: ids, and columns of the training.
        chosen: items that each user chose before.
        data: what they chose then.
        k: length of the lists.

    Raises:
        ValueError: there is no table.
    """
    if data is None:
        raise ValueError(
            "the last item of each user is found in a table, got data=None. Pass the ratings that "
            "followed the training."
        )
    table, n_users = read(data, remembered=spec.columns), len(spec.users)
    is_text = not isinstance(data, pd.DataFrame)
    rows = encode(table, spec).rows
    warn_of_ids(spec, table, rows, means="They are not counted.", is_text=is_text)
    if "time" in table:
        table = table.sort_values("time", kind="stable")
    is_latest = ~table.duplicated("user", keep="last")
    before = encode(table[~is_latest], spec).rated_items(n_users)
    known = chosen.with_others(before, n_users)
    return Lists(scorer, spec, known, known).metrics(encode(table[is_latest], spec), k)


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
