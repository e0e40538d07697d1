"""Pairs of a photo and a picture of the same size (its mask, or what it should become), in batches.

What moves pixels moves both: a mask by the nearest pixel, a picture between pixels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from zoo.core.batches import (
    Batch,
    Data,
    S,
    bounds,
    drawn,
    order,
    pinned,
    require_batch_size,
    steps_of,
)
from zoo.core.contents import Hashes
from zoo.core.fingerprint import digest
from zoo.core.run import Run
from zoo.core.split import Rows
from zoo.vision.data.augment import NONE, Augment, resample
from zoo.vision.data.cache import in_order
from zoo.vision.data.pixel_file import Pixels


class Pairs(Protocol):
    """Photos with their pictures, by number; asked by several threads at once."""

    @property
    def hashes(self) -> Hashes:
        """A hash of each photo's content. Shape: (n,)."""

    def __len__(self) -> int: ...

    def pair(self, i: int, draws: Tensor | None) -> tuple[Pixels, Pixels]:
        """A photo and its picture, all of one height and width.

        Args:
            i: number of the photo.
            draws: numbers in 0..1 to vary it by in training. Shape: (18,).

        Shape: (H, W, 3), uint8; the picture likewise, or labels (H, W), uint8.
        """

    def fingerprint(self) -> str:
        """A digest of the pairs' content and of how they are shown."""


Assembled = tuple[Tensor, Tensor, Tensor | None]
"""Photos (B, H, W, 3) and pictures (B, H, W) or (B, H, W, 3), both uint8, and draws (B, 18)."""


@dataclass(frozen=True)
class _Some:
    """The pairs of some numbers."""

    pairs: Pairs
    numbers: Rows

    @property
    def hashes(self) -> Hashes:
        """A hash of each photo's content. Shape: (n,)."""
        return self.pairs.hashes[self.numbers]

    def __len__(self) -> int:
        return len(self.numbers)

    def pair(self, i: int, draws: Tensor | None) -> tuple[Pixels, Pixels]:
        """See `Pairs.pair`."""
        return self.pairs.pair(int(self.numbers[i]), draws)

    def fingerprint(self) -> str:
        """A digest of which pairs of which they are."""
        return digest((self.pairs.fingerprint(), self.numbers.tolist()))


@dataclass(frozen=True, kw_only=True)
class PairBatches:
    """A data set of pairs: a function from (epoch, step) to a normalised batch on the device.

    Args:
        pairs: photos with their pictures.
        mean: subtracted from each channel of the photo, which is in 0..1.
        std: what each channel of the photo is then divided by.
        batch_size: at most this many pairs in a (global) batch; see `steps_of` for two.
        augment: how both vary, beside what the pairs do by themselves.
        train: draw an order and numbers to vary by for every epoch; False keeps all as it is.
        seed: seed of the order and the draws.
        device: where batches are made.
        threads: number of threads that load pairs.
    """

    pairs: Pairs
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    batch_size: int = 8
    augment: Augment | None = None
    train: bool = False
    seed: int = 0
    device: torch.device | str = "cpu"
    threads: int = 2
    rank: int = 0
    world: int = 1

    def __post_init__(self) -> None:
        require_batch_size(self.batch_size)

    def __len__(self) -> int:
        return len(self.pairs)

    def steps(self, epoch: int) -> int:
        """Number of batches in an epoch: the same for each."""
        return steps_of(len(self), self.batch_size)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """The batches of an epoch from step `start` on.

        Shape: one input (B, 3, H, W), float32, normalised. target: labels (B, H, W),
        int64, or pictures (B, 3, H, W), float32 in 0..1.
        """
        n, steps = len(self), self.steps(epoch)
        rows = order(n, self.seed, epoch) if self.train else torch.arange(n)

        def assemble(step: int) -> Assembled:
            low, high = bounds(n, steps, step, self.rank, self.world)
            if not self.train:
                return self._assemble(rows[low:high], None)
            first, last = bounds(n, steps, step)
            draws = NONE.draws(last - first, self.seed, epoch, step)
            return self._assemble(rows[low:high], draws[low - first : high - first])

        ahead = self.threads + 1
        for assembled in in_order(assemble, range(start, steps), threads=self.threads, ahead=ahead):
            yield self._to_device(*assembled)

    def part(self, share: float, fewest: int = 1) -> PairBatches:
        """A share of the pairs, see `drawn`."""
        return replace(self, pairs=_Some(self.pairs, drawn(len(self), share, fewest)))

    def shard(self, rank: int, world: int) -> PairBatches:
        """The same pairs, of which this process takes its part of every global batch."""
        return replace(self, rank=rank, world=world)

    def fingerprint(self) -> str:
        """A digest of all that decides what the batches hold."""
        shown = (self.mean, self.std, self.batch_size, self.augment, self.train, self.seed)
        return digest((self.pairs.fingerprint(), repr(shown)))

    def _assemble(self, rows: Tensor, draws: Tensor | None) -> Assembled:
        pairs = [
            self.pairs.pair(row, None if draws is None else draws[i])
            for i, row in enumerate(rows.tolist())
        ]
        photos, pictures = (
            pinned(torch.from_numpy(np.stack(side)), self.device)
            for side in zip(*pairs, strict=True)
        )
        return photos, pictures, draws

    @torch.no_grad()
    def _to_device(self, photos: Tensor, pictures: Tensor, draws: Tensor | None) -> Batch:
        labelled = pictures.ndim == 3
        photos, pictures = (
            _channels_first(side.to(self.device, non_blocking=True)) for side in (photos, pictures)
        )
        if self.augment is None or draws is None:
            x, y = photos.float().mul_(1 / 255), pictures.float()
        else:
            shape = (photos.shape[2], photos.shape[3])
            sizes = torch.tensor(shape).expand(len(photos), 2)
            matrices = self.augment.matrices(draws, sizes, shape)
            x = self.augment.lit(resample(photos, sizes, matrices, shape).mul_(1 / 255), draws)
            y = resample(pictures, sizes, matrices, shape, "nearest" if labelled else "bilinear")
        x = standardised(x, self.mean, self.std)
        return Batch((x,), y[:, 0].long() if labelled else y.mul_(1 / 255))


def pair_data(
    parts: Sequence[Pairs], spec: S, run: Run, batch_size: int, augment: Augment | None = None
) -> Data[S]:
    """The data of a learner: pairs to train on, and others to validate on as they are.

    Args:
        parts: pairs to train on, and those to validate on, if any.
        spec: what prediction needs; its mean and standard deviation normalise the photos.
        run: the circumstances.
        batch_size: pairs per step.
        augment: how those to train on vary.
    """
    plain = [pair_batches(pairs, spec, run, batch_size) for pairs in parts]
    train = replace(plain[0], augment=augment, train=True)
    return Data(train, plain[1] if plain[1:] else None, spec, parts[0].hashes)


def pair_batches(pairs: Pairs, shown: Any, run: Run, batch_size: int) -> PairBatches:
    """Batches of pairs as they are; `shown` has the mean and deviation that normalise photos."""
    return PairBatches(
        pairs=pairs,
        mean=shown.mean,
        std=shown.std,
        batch_size=batch_size,
        seed=run.seed,
        device=run.torch_device(),
        threads=run.n_threads,
    )


def standardised(x: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """Photos in 0..1 as a network sees them, in place. Shape: (B, 3, H, W)."""
    centre, width = (
        torch.tensor(v).view(3, 1, 1).to(x.device, non_blocking=True) for v in (mean, std)
    )
    return x.sub_(centre).div_(width).contiguous(memory_format=torch.channels_last)


def _channels_first(pictures: Tensor) -> Tensor:
    """Shape: (B, H, W) or (B, H, W, C) -> (B, C, H, W)."""
    return pictures[:, None] if pictures.ndim == 3 else pictures.permute(0, 3, 1, 2)
