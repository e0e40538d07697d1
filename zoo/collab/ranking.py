"""Top-k lists for many users at once, as rows of items, and how good they are.

Precision, recall, nDCG and MAP follow Järvelin & Kekäläinen (2002) and the evaluation of the
recommenders repository: an item is relevant if the user has rated it in the test part, gains are 0
or 1, nDCG and MAP are divided by their best possible value with k places. Users without a relevant
item do not count.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from zoo.collab.data.rated_items import RatedItems
from zoo.collab.scorer import BLOCK as BLOCK
from zoo.collab.selection import Selection

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
