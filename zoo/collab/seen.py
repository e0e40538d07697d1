"""Who has rated what: the items of every user, one after another."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Seen(NamedTuple):
    """Compressed rows: user r has rated `items[offsets[r] : offsets[r + 1]]`.

    **Shape.** offsets: (n_users + 2,), int64; items: (n_ratings,), int32 rows of items.
    """

    offsets: Tensor
    items: Tensor

    def of(self, user: int) -> Tensor:
        """Rows of the items that the user in this row has rated."""
        return self.items[int(self.offsets[user]) : int(self.offsets[user + 1])]

    def pairs(self, users: Tensor) -> tuple[Tensor, Tensor]:
        """What several users have rated: positions in `users`, and rows of items.

        **Shape.** users: (B,); result: (n,) and (n,), int64.
        """
        first, last = self.offsets[users], self.offsets[users + 1]
        counts = last - first
        position = torch.repeat_interleave(torch.arange(len(users), device=users.device), counts)
        within = torch.arange(len(position), device=users.device)
        start = torch.repeat_interleave(first - counts.cumsum(0) + counts, counts)
        return position, self.items[start + within].long()

    def transposed(self, n_items: int) -> Seen:
        """The users of every item."""
        counts = self.offsets.diff()
        users = torch.repeat_interleave(torch.arange(len(counts), device=counts.device), counts)
        order = torch.argsort(self.items, stable=True)
        return Seen(offsets_of(self.items, n_items), users[order].int())


def offsets_of(rows: Tensor, n: int) -> Tensor:
    """Where the entries of row 0, 1, ... n begin, when sorted by row. Shape: (n + 2,), int64."""
    counts = torch.bincount(rows, minlength=n + 1)
    return torch.cat([counts.new_zeros(1), counts.cumsum(0)])


def seen_of(users: Tensor, items: Tensor, n_users: int) -> Seen:
    """From ratings that are sorted by user; the items' memory is shared."""
    return Seen(offsets_of(users, n_users), items)
