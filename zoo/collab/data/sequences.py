"""What users chose, in order, as batches of windows of about the same length."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray

from zoo.collab.data.batches import Ratings
from zoo.collab.data.rated_items import RatedItems, pair_keys
from zoo.core.batches import Batch, seed_of

Numbers = NDArray[np.int64]
BEGIN: Final = 0  # the token before a user's first item


class Windows(NamedTuple):
    """Parts of the line of all tokens, none of which reaches from one user into another.

    Shape: low and high (n,): half-open ranges of tokens that are followed by another one.
    """

    low: Numbers
    high: Numbers


class Sequences:
    """Batches of ((tokens, chosen), chosen): windows, and what follows each token; 0 if not asked.

    Windows of one length, or nearly, share a batch; the shorter ones are padded with 0 at their
    end. Where a long sequence is cut is drawn for every epoch.

    Args:
        history: items of every user, in order.
        ratings: those of them that are to be predicted; the others are only looked at.
        length: number of tokens of a window.
        batch_size: tokens of a batch, at most; it has one window at least.
        shuffle: draw windows and the order of batches for every epoch; False cuts from the end, so
            that the latest item is seen after as many as a window holds.
        seed: what is drawn is a function of (seed, epoch).
    """

    def __init__(
        self,
        history: RatedItems,
        ratings: Ratings,
        *,
        length: int,
        batch_size: int,
        shuffle: bool,
        seed: int = 0,
    ) -> None:
        self.ratings, self.length, self.batch_size = ratings, length, batch_size
        self.shuffle, self.seed, self.rank, self.world = shuffle, seed, 0, 1
        keys = history.keys()
        counts = history.offsets.diff().numpy()
        counts = counts[counts > 0]
        begins = np.cumsum(counts) - counts
        self._tokens = np.insert(history.items.numpy().astype(np.int32), begins, BEGIN)
        is_asked = np.isin(keys, pair_keys(ratings.users, ratings.items))
        self._asked = np.insert(is_asked, begins, False)
        self._starts = begins + np.arange(len(counts))  # place of each user's BEGIN
        self._counts = counts
        self._cut: tuple[int, Windows, list[Numbers]] | None = None

    def __len__(self) -> int:
        return len(self.ratings)

    def fingerprint(self) -> str:
        """See `zoo.core.fingerprint`; what is drawn follows from these."""
        from zoo.core.fingerprint import digest

        settings = self.length, self.batch_size, self.shuffle, self.seed
        return digest([self._tokens, self._asked, *settings])

    def steps(self, epoch: int) -> int:
        """Number of batches of an epoch."""
        return len(self._batches(epoch)[1])

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """The batches of an epoch from step `start` on."""
        windows, batches = self._batches(epoch)
        for rows in batches[start:]:
            part = np.array_split(rows, self.world)[self.rank]
            low, high = windows.low[part, None], windows.high[part, None]
            longest = int((windows.high[rows] - windows.low[rows]).max())
            places = low + np.arange(longest)
            is_there = places < high
            places = np.where(is_there, places, 0)
            tokens = torch.from_numpy(np.where(is_there, self._tokens[places], 0))
            is_asked = is_there & self._asked[np.where(is_there, places + 1, 0)]
            chosen = torch.from_numpy(np.where(is_asked, self._tokens[places + is_asked], 0))
            yield Batch((tokens, chosen), chosen)

    def shard(self, rank: int, world: int) -> Self:
        """The same windows, of which this process takes its part of every batch."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__, rank=rank, world=world)
        return other

    def _batches(self, epoch: int) -> tuple[Windows, list[Numbers]]:
        """Windows of an epoch, and which of them are in each batch."""
        if self._cut is None or self._cut[0] != epoch:
            rng = np.random.default_rng(seed_of(self.seed, epoch))
            windows = self._windows(rng)
            self._cut = epoch, windows, self._grouped(windows, rng)
        return self._cut[1:]

    def _windows(self, rng: np.random.Generator) -> Windows:
        """Cut every user's tokens, but the last, into windows with something to predict."""
        counts, length = self._counts, self.length
        first = np.minimum(counts, length)
        is_long = counts > length
        rest = counts[is_long] % length
        drawn = rng.integers(1, length + 1, is_long.sum()) if self.shuffle else rest
        first[is_long] = np.where(drawn == 0, length, drawn)
        n = 1 + -(-(counts - first) // length)  # windows of each user
        owner = np.repeat(np.arange(len(counts)), n)
        number = np.arange(len(owner)) - np.repeat(np.cumsum(n) - n, n)
        low = np.where(number == 0, 0, first[owner] + (number - 1) * length)
        high = np.minimum(first[owner] + number * length, counts[owner])
        low, high = low + self._starts[owner], high + self._starts[owner]
        n_asked = np.concatenate([[0], np.cumsum(self._asked)])
        is_kept = n_asked[high + 1] > n_asked[low + 1]
        return Windows(low[is_kept], high[is_kept])

    def _grouped(self, windows: Windows, rng: np.random.Generator) -> list[Numbers]:
        """Rows of windows by batch: of nearly one length each, in any order if shuffled."""
        lengths = windows.high - windows.low
        order = rng.permutation(len(lengths)) if self.shuffle else np.arange(len(lengths))
        order = order[np.argsort(-lengths[order], kind="stable")]
        batches, at = list[Numbers](), 0
        while at < len(order):
            rows = max(self.batch_size // int(lengths[order[at]]), 1)
            batches.append(order[at : at + rows])
            at += rows
        return [batches[i] for i in rng.permutation(len(batches))] if self.shuffle else batches
