"""Who has rated what: the items of every user, one after another."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
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

    def part(self, users: Tensor) -> Seen:
        """The items of some users alone, one after another. Shape: (B,)."""
        first = self.offsets[users]
        counts = self.offsets[users + 1] - first
        offsets = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
        within = torch.arange(int(offsets[-1]), device=users.device)
        start = torch.repeat_interleave(first - offsets[:-1], counts)
        return Seen(offsets, self.items[start + within])

    def keys(self) -> NDArray[np.uint64]:
        """A number for each pair, sorted by user. Shape: (n_ratings,)."""
        counts = self.offsets.diff()
        return pair_keys(torch.repeat_interleave(torch.arange(len(counts)), counts), self.items)

    def with_others(self, others: Seen, n_users: int) -> Seen:
        """The pairs of both, each once."""
        return of_keys(np.union1d(self.keys(), others.keys()), n_users)

    def without(self, keys: NDArray[np.uint64], n_users: int) -> Seen:
        """The pairs that are not among these."""
        return of_keys(np.setdiff1d(self.keys(), keys), n_users)

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


def pair_keys(users: Tensor, items: Tensor) -> NDArray[np.uint64]:
    """A number that names a pair of rows. Shape: (n,) and (n,) -> (n,)."""
    wide = users.cpu().long().numpy().astype(np.uint64)
    keys: NDArray[np.uint64] = (wide << np.uint64(32)) | items.cpu().numpy().astype(np.uint64)
    return keys


def of_keys(keys: NDArray[np.uint64], n_users: int) -> Seen:
    """The pairs that sorted keys name."""
    users = torch.from_numpy((keys >> np.uint64(32)).astype(np.int64))
    items = torch.from_numpy((keys & np.uint64(2**32 - 1)).astype(np.int32))
    return seen_of(users, items, n_users)


def nothing_seen(n_users: int) -> Seen:
    """Nobody has rated anything."""
    return Seen(torch.zeros(n_users + 2, dtype=torch.int64), torch.zeros(0, dtype=torch.int32))
