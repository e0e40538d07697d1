"""Who has rated what: the items of every user, one after another, in the order of their ratings.

That order is the one of the table, or of time where a model learns from it.
"""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


class RatedItems(NamedTuple):
    """Compressed rows: user r has rated `items[offsets[r] : offsets[r + 1]]`.

    Shape: offsets (n_users + 2,), int64; items (n_ratings,), int32 rows of items.
    """

    offsets: Tensor
    items: Tensor

    @classmethod
    def of(cls, users: Tensor, items: Tensor, n_users: int) -> Self:
        """From ratings that are sorted by user; the items' memory is shared."""
        counts = torch.bincount(users, minlength=n_users + 1)
        return cls(torch.cat([counts.new_zeros(1), counts.cumsum(0)]), items)

    @classmethod
    def from_keys(cls, keys: NDArray[np.uint64], n_users: int) -> Self:
        """The pairs of keys that are sorted by user, see `pair_keys`."""
        users = torch.from_numpy((keys >> np.uint64(32)).astype(np.int64))
        items = torch.from_numpy((keys & np.uint64(2**32 - 1)).astype(np.int32))
        return cls.of(users, items, n_users)

    @classmethod
    def in_order(cls, keys: NDArray[np.uint64], n_users: int) -> Self:
        """The pairs of keys, each once, where it comes first; users are sorted, not their items."""
        _, first = np.unique(keys, return_index=True)
        kept = keys[np.sort(first)]
        return cls.from_keys(kept[np.argsort(kept >> np.uint64(32), kind="stable")], n_users)

    @classmethod
    def empty(cls, n_users: int) -> Self:
        """Users who have rated nothing."""
        return cls(torch.zeros(n_users + 2, dtype=torch.int64), torch.zeros(0, dtype=torch.int32))

    @classmethod
    def of_one(cls, items: Tensor) -> Self:
        """A single user's items, whose row is 0. Shape: (n,)."""
        return cls(torch.tensor([0, len(items)], device=items.device), items.int())

    def to(self, device: torch.device) -> Self:
        """The same on a device."""
        return type(self)(self.offsets.to(device), self.items.to(device))

    def pairs(self, users: Tensor) -> tuple[Tensor, Tensor]:
        """What several users have rated: positions in `users`, and rows of items.

        Shape: users (B,); result (n,) and (n,), int64.
        """
        part = self.part(users)
        return part.owners, part.items.long()

    def of_row(self, user: int) -> Tensor:
        """What a single user has rated: rows of items, int64. Shape: (n,)."""
        low, high = self.offsets[user : user + 2].tolist()
        return self.items[low:high].long()

    def part(self, users: Tensor) -> Self:
        """The rows of some users alone. Shape: (B,)."""
        first = self.offsets[users]
        counts = self.offsets[users + 1] - first
        offsets = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
        within = torch.arange(int(offsets[-1]), device=users.device)
        start = torch.repeat_interleave(first - offsets[:-1], counts)
        return type(self)(offsets, self.items[start + within])

    @property
    def owners(self) -> Tensor:
        """The user of each item. Shape: (n_ratings,), int64."""
        rows = torch.arange(len(self.offsets) - 1, device=self.offsets.device)
        return torch.repeat_interleave(rows, self.offsets.diff())

    def keys(self) -> NDArray[np.uint64]:
        """The key of each pair, sorted by user. Shape: (n_ratings,)."""
        return pair_keys(self.owners, self.items)

    def with_others(self, others: Self, n_users: int) -> Self:
        """The pairs of both, each once, the others' after these. `n_users` are the result's."""
        return type(self).in_order(np.concatenate([self.keys(), others.keys()]), n_users)

    def without(self, keys: NDArray[np.uint64], n_users: int) -> Self:
        """The pairs whose keys are not among these."""
        own = self.keys()
        return type(self).from_keys(own[~np.isin(own, keys)], n_users)

    def woven(self, others: Self, is_other: Tensor) -> Self:
        """The pairs of both, which share none, in an order of their users' items.

        Args:
            others: pairs of the same users.
            is_other: which places of the result are theirs. Shape: (n_both,).
        """
        items = self.items.new_empty(len(is_other))
        items[is_other], items[~is_other] = others.items, self.items
        return type(self)(self.offsets + others.offsets, items)

    def transposed(self, n_items: int) -> Self:
        """The users of every item."""
        order = torch.argsort(self.items, stable=True)
        return type(self).of(self.items, self.owners[order].int(), n_items)


def pair_keys(users: Tensor, items: Tensor) -> NDArray[np.uint64]:
    """One number per pair of a user's and an item's row. Shape: (n,) and (n,) -> (n,)."""
    wide = users.cpu().long().numpy().astype(np.uint64)
    keys: NDArray[np.uint64] = (wide << np.uint64(32)) | items.cpu().numpy().astype(np.uint64)
    return keys
