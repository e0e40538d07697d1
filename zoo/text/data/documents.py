"""Batches of whole documents of about the same length, so that little is filled up."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.core.batches import Batch, bounds, drawn, require_batch_size, seed_of, steps_of
from zoo.text.data.rules import PAD_ID
from zoo.text.data.stream import Places, Stream
from zoo.text.data.word_parts import WordParts

POOL: Final = 50  # batches whose documents are sorted together


@dataclass(frozen=True)
class DocumentBatches:
    """Documents and their labels, sorted by length.

    In training all documents are shuffled, sorted within pools of some batches, and the batches
    shuffled again; all by (seed, epoch). Otherwise the longest come first.

    Args:
        stream: documents.
        labels: number of each document's class, or 1 or 0 for each class. Shape: (n,), int64, or
            (n, n_classes), float32.
        batch_size: at most so many documents in a (global) batch.
        shuffle: see above.
        reverse: read each document from its end.
        seed: seed of the order.
        rank: number of this process.
        world: number of processes.
        word: from a number to its word; with it, batches tell the parts of words too.
        most_numbers: numbers of a batch at most, those that fill it up among them, so that there
            are fewer of long documents in it; None leaves it to `batch_size` alone.

    Raises:
        ValueError: there are no documents, or not as many labels.
    """

    stream: Stream
    labels: NDArray[Any]
    batch_size: int = 64
    shuffle: bool = True
    reverse: bool = False
    seed: int = 0
    rank: int = 0
    world: int = 1
    word: Callable[[int], str] | None = None
    most_numbers: int | None = None

    def __post_init__(self) -> None:
        n, n_labels = self.stream.n_documents, len(self.labels)
        require_batch_size(self.batch_size)
        if n != n_labels or n == 0:
            raise ValueError(
                f"each document must have a label, got {n=}, {n_labels=}. Give as many of both."
            )

    def __len__(self) -> int:
        return self.stream.n_documents

    def steps(self, epoch: int) -> int:
        """Number of batches: the same for each epoch, unless it follows the documents' lengths."""
        if self.most_numbers is None:
            return steps_of(len(self), self.batch_size)
        return len(self.batches(epoch))

    def batches(self, epoch: int) -> list[Places]:
        """The documents of each (global) batch."""
        lengths = self.stream.ends - self.stream.starts
        if not self.shuffle:
            order = np.argsort(-lengths, kind="stable")
            return [order[cut] for cut in self._cuts(lengths[order])]
        rng = np.random.default_rng(seed_of(self.seed, epoch))
        order, pool = rng.permutation(len(self)), np.arange(len(self)) // (POOL * self.batch_size)
        order = order[np.lexsort((-lengths[order], pool))]
        cuts = self._cuts(lengths[order])
        return [order[cuts[i]] for i in rng.permutation(len(cuts))]

    def places(self) -> Tensor:
        """Where each document is among those of the unshuffled batches in a row. Shape: (n,)."""
        return torch.from_numpy(np.concatenate(self.batches(0)).argsort())

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """((tokens, lengths), labels): (B, T), (B,), (B,) or (B, n_classes).

        The lengths stay on the CPU: they say how many documents pass at a time. A third input, the
        parts of words, see `WordParts`, stays there too: networks do not look at it.
        """
        for documents in self.batches(epoch)[start:]:
            low, high = bounds(len(documents), 1, 0, self.rank, self.world)
            yield self._batch(documents[low:high])

    def part(self, share: float, fewest: int = 1) -> DocumentBatches:
        """A share of the documents, see `drawn`."""
        rows = drawn(len(self), share, fewest)
        return replace(self, stream=self.stream.take(rows), labels=self.labels[rows])

    def shard(self, rank: int, world: int) -> DocumentBatches:
        """The same documents, of which this process takes its part of every batch."""
        return replace(self, rank=rank, world=world)

    def _cuts(self, lengths: Places) -> list[slice]:
        """Where batches are among documents in an order, by their lengths in it."""
        if self.most_numbers is None:
            steps = steps_of(len(self), self.batch_size)
            return [slice(*bounds(len(self), steps, step)) for step in range(steps)]
        starts, widest = [0], 0
        for i, length in enumerate(lengths.tolist()):
            n, widest = i + 1 - starts[-1], max(widest, length)
            if n > 1 and (n > self.batch_size or n * widest > self.most_numbers):
                starts.append(i)
                widest = length
        return [slice(low, high) for low, high in itertools.pairwise([*starts, len(self)])]

    def _batch(self, documents: Places) -> Batch:
        parts = [self.stream.document(i) for i in documents.tolist()]
        lengths = np.array([len(one) for one in parts], dtype=np.int64)
        tokens = np.full((len(parts), lengths.max(initial=1)), PAD_ID, dtype=np.int64)
        for row, one in zip(tokens, parts, strict=True):
            row[: len(one)] = one[::-1] if self.reverse else one
        inputs: Any = (torch.from_numpy(tokens), torch.from_numpy(lengths))
        if self._parts is not None:
            inputs = (*inputs, self._parts(parts))
        return Batch(inputs, torch.from_numpy(self.labels[documents]), on_cpu=(1, 2))

    @cached_property
    def _parts(self) -> WordParts | None:
        return None if self.word is None else WordParts.of(self.stream, self.word)
