"""Top-k lists for many users at once, and how good they are.

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

BLOCK = 1024  # users scored at a time
LENGTH = 10  # of a list

Score = Callable[[Tensor], Tensor]
"""Rows of users (B,) -> scores of all items (B, n_items + 1), the unknown one's first."""


def top_k(
    score: Score, users: Tensor, k: int, hidden: RatedItems | None, block: int = BLOCK
) -> Iterator[tuple[Tensor, Tensor]]:
    """The k best items of each user, block by block: their scores and rows.

    A user who has fewer than k items left gets scores of -inf at the end.

    Args:
        score: function from rows of users to scores of all items.
        users: rows of users. Shape: (n,).
        k: length of the lists; at most the number of items.
        hidden: items to leave out of each user's list; None allows all.
        block: number of users to score at a time.
    """
    for rows in torch.split(users, block):
        scores = score(rows)
        scores[:, 0] = -torch.inf
        if hidden is not None:
            scores[hidden.pairs(rows)] = -torch.inf
        best, items = scores.topk(k, dim=1)
        yield best, items


def ranking_metrics(
    score: Score, relevant: RatedItems, n_items: int, k: int, hidden: RatedItems | None
) -> dict[str, float]:
    """Precision, recall, nDCG and MAP at k over the users with a relevant item, and coverage.

    Args:
        score: function from rows of users to scores of all items.
        relevant: items that each user should find.
        n_items: number of items, for coverage: the share of them that is in anyone's list.
        k: length of the lists.
        hidden: items to leave out of each user's list; None allows all.

    Raises:
        ValueError: k is out of range, or no user has a relevant item.
    """
    check_k(k, n_items)
    counts = relevant.offsets.diff()
    users = counts.nonzero()[:, 0]
    if not len(users):
        raise ValueError(
            "a ranking is scored on known users' ratings of known items that were not trained on, "
            "got none. Pass other ratings."
        )
    discounts = 1 / torch.arange(2, k + 2, device=users.device).double().log2()
    best = discounts.cumsum(0)
    sums = torch.zeros(4, dtype=torch.float64, device=users.device)
    shown = torch.zeros(n_items + 1, dtype=torch.bool, device=users.device)
    blocks = zip(torch.split(users, BLOCK), top_k(score, users, k, hidden), strict=True)
    for rows, (scores, items) in blocks:
        wanted = torch.zeros(len(rows), n_items + 1, dtype=torch.bool, device=users.device)
        wanted[relevant.pairs(rows)] = True
        there = scores > -torch.inf
        hits = (wanted.gather(1, items) & there).double()
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
