"""Batches of a language model: a stream in parallel rows, cut at places that vary by epoch.

Merity et al. 2017, sec. 4.1: with fixed cuts the same words would always be first in a batch, whose
gradient ends there; so lengths vary, and the rate is scaled with the length.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch

from zoo.core.batches import Batch, drawn, require_batch_size, seed_of
from zoo.text.data.stream import Places, Stream
from zoo.text.recipe import BPTT

RELEASE: Final = 1000  # steps between which what was read of a file stays in memory
HALF, SPREAD, SHORTEST = 0.05, 5.0, 5  # share of half lengths, deviation, least words of a piece


@dataclass(frozen=True)
class StreamBatches:
    """A stream as `batch_size` rows that are read side by side, `bptt` words per step.

    Each epoch has its own order of documents and its own cuts, by (seed, epoch) alone. The state of
    each row begins anew at the first step of an epoch.

    Args:
        stream: documents.
        batch_size: rows; fewer if the stream is too short for them.
        bptt: words of a row in a step, on average.
        shuffle: vary order and cuts; False reads the stream as it is, in pieces of `bptt`.
        reverse: read each document from its end.
        seed: seed of order and cuts.
        rank: number of this process.
        world: number of processes.

    Raises:
        ValueError: the stream is too short, or a number makes no sense.
    """

    stream: Stream
    batch_size: int = 64
    bptt: int = BPTT
    shuffle: bool = True
    reverse: bool = False
    seed: int = 0
    rank: int = 0
    world: int = 1

    def __post_init__(self) -> None:
        require_batch_size(self.batch_size)
        if self.bptt < 1:
            raise ValueError(
                f"bptt must be 1 or more, got bptt={self.bptt}. The default suits most."
            )
        if len(self.stream) < 2:
            raise ValueError(
                f"a language model needs several words, got words={len(self.stream)}. Give more."
            )

    @property
    def rows(self) -> int:
        """Rows of a global batch: no more than give each a piece of `bptt` words."""
        return max(min(self.batch_size, (len(self.stream) - 1) // self.bptt), 1)

    @property
    def row_length(self) -> int:
        """Words of a row that are read; the next one after them is still a target."""
        return (len(self.stream) - 1) // self.rows

    def steps(self, epoch: int) -> int:
        """Number of pieces: it varies with the cuts."""
        return len(self.cuts(epoch)) - 1

    def cuts(self, epoch: int) -> Places:
        """Where the pieces of a row begin, and its end. Shape: (steps + 1,)."""
        n = self.row_length
        if not self.shuffle:
            return np.append(np.arange(0, n, self.bptt), n)
        rng = np.random.default_rng(seed_of(self.seed, epoch, 1))
        shortest = min(SHORTEST, self.bptt)
        most = n // shortest + 1
        base = np.where(rng.random(most) < HALF, self.bptt / 2, self.bptt)
        spread = min(SPREAD, self.bptt / 4)
        lengths = np.maximum(rng.normal(base, spread).astype(np.int64), shortest)
        ends = np.cumsum(lengths)
        inner = ends[ends <= n - shortest]  # a last piece of few words joins
        return np.concatenate([[0], inner, [n]])

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """((tokens, fresh), next tokens): (B, T), (B,), (B, T); the rate is T / bptt."""
        cuts, read = self.cuts(epoch), self._reader(epoch)
        mine = np.array_split(np.arange(self.rows), self.world)[self.rank] * self.row_length
        for step in range(start, len(cuts) - 1):
            low, high = int(cuts[step]), int(cuts[step + 1])
            piece = torch.from_numpy(read(mine[:, None] + np.arange(low, high + 1)))
            fresh = torch.full((len(mine),), step == 0)
            rate = (high - low) / self.bptt if self.shuffle else 1.0
            if step % RELEASE == RELEASE - 1:
                self.stream.release()
            yield Batch((piece[:, :-1], fresh), piece[:, 1:], rate)

    def part(self, share: float, fewest: int = 1) -> StreamBatches:
        """A share of the documents, see `drawn`."""
        rows = drawn(self.stream.n_documents, share, fewest)
        return replace(self, stream=self.stream.take(rows))

    def shard(self, rank: int, world: int) -> StreamBatches:
        """The rows of one process."""
        return replace(self, rank=rank, world=world)

    def _reader(self, epoch: int) -> _Reader:
        order = np.arange(self.stream.n_documents)
        if self.shuffle:
            order = np.random.default_rng(seed_of(self.seed, epoch, 0)).permutation(order)
        return _Reader(self.stream.take(order), self.reverse)


class _Reader:
    """Words by their place among documents end to end, whatever their order in the file."""

    def __init__(self, stream: Stream, reverse: bool) -> None:
        lengths = stream.ends - stream.starts
        self.numbers, self.sign = stream.numbers, -1 if reverse else 1
        self.ends = np.cumsum(lengths)
        begins = self.ends - lengths
        self.base = stream.ends - 1 + begins if reverse else stream.starts - begins

    def __call__(self, places: Places) -> Places:
        documents = np.searchsorted(self.ends, places, side="right")
        words = self.numbers[self.base[documents] + self.sign * places]
        return np.asarray(words, dtype=np.int64)
