"""Pairs of a photo and a picture of the same size (its mask, or what it should become), in batches.

What moves pixels moves both: a mask by the nearest pixel, a picture between pixels.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from zoo.core.batches import Batch, Data, S, bounds, order, steps_of
from zoo.core.run import Run
from zoo.core.split import Hashes
from zoo.vision.data.augment import NONE, Augment, resample
from zoo.vision.data.cache import in_order
from zoo.vision.data.pixel_file import Pixels


class Pairs(Protocol):
    """Photos with their pictures, by number; asked by several threads at once."""

    def __len__(self) -> int: ...

    def pair(self, i: int, draws: Tensor | None) -> tuple[Pixels, Pixels]:
        """A photo and its picture, all of one height and width.

        Args:
            i: number of the photo.
            draws: numbers in 0..1 to vary it by in training. Shape: (18,).

        **Shape.** (H, W, 3), uint8; the picture likewise, or labels (H, W), uint8.
        """
        ...

    def fingerprint(self) -> str:
        """A digest of the pairs' content and of how they are shown."""
        ...


class _Assembled(NamedTuple):
    photos: Tensor  # (B, H, W, 3), uint8
    pictures: Tensor  # (B, H, W) or (B, H, W, 3), uint8
    draws: Tensor | None  # (B, 18)


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

    def __len__(self) -> int:
        return len(self.pairs)

    def steps(self, epoch: int) -> int:
        """Number of batches in an epoch: the same for each."""
        return steps_of(len(self), self.batch_size)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """The batches of an epoch from step `start` on.

        **Shape.** inputs: one tensor (B, 3, H, W), float32, normalised. target: labels (B, H, W),
        int64, or pictures (B, 3, H, W), float32 in 0..1.
        """
        n, steps = len(self), self.steps(epoch)
        rows = order(n, self.seed, epoch) if self.train else torch.arange(n)

        def assemble(step: int) -> _Assembled:
            low, high = bounds(n, steps, step, self.rank, self.world)
            first, last = bounds(n, steps, step)
            draws = None
            if self.train:
                whole = NONE.draws(last - first, self.seed, epoch, step)
                draws = whole[low - first : high - first]
            return self._assemble(rows[low:high], draws)

        ahead = self.threads + 1
        for assembled in in_order(assemble, range(start, steps), threads=self.threads, ahead=ahead):
            yield self._to_device(assembled)

    @property
    def photos(self) -> PairBatches:
        """The photos themselves, as of batches that show something in their place."""
        return self

    def shard(self, rank: int, world: int) -> PairBatches:
        """The same pairs, of which this process takes its part of every global batch."""
        return replace(self, rank=rank, world=world)

    def fingerprint(self) -> str:
        """A digest of all that decides what the batches hold."""
        shown = (self.mean, self.std, self.batch_size, self.augment, self.train, self.seed)
        text = f"{self.pairs.fingerprint()} {shown!r}"
        return hashlib.sha256(text.encode()).hexdigest()

    def _assemble(self, rows: Tensor, draws: Tensor | None) -> _Assembled:
        found = [
            self.pairs.pair(row, None if draws is None else draws[i])
            for i, row in enumerate(rows.tolist())
        ]
        photos, pictures = (torch.from_numpy(np.stack(side)) for side in zip(*found, strict=True))
        return _Assembled(photos, pictures, draws)

    @torch.no_grad()
    def _to_device(self, assembled: _Assembled) -> Batch:
        photos, pictures = (
            _channels_first(side.to(self.device, non_blocking=True)) for side in assembled[:2]
        )
        labelled, draws = assembled.pictures.ndim == 3, assembled.draws
        if self.augment is None or draws is None:
            x, y = photos.float().mul_(1 / 255), pictures.float()
        else:
            shape = (photos.shape[2], photos.shape[3])
            sizes = torch.tensor(shape).expand(len(photos), 2)
            matrices = self.augment.matrices(draws, sizes, shape)
            x = resample(photos, sizes, matrices, shape).mul_(1 / 255)
            x = self.augment.lit(x, draws)
            y = resample(pictures, sizes, matrices, shape, "nearest" if labelled else "bilinear")
        mean, std = (torch.tensor(v, device=x.device).view(3, 1, 1) for v in (self.mean, self.std))
        x = x.sub_(mean).div_(std).contiguous(memory_format=torch.channels_last)
        return Batch((x,), y[:, 0].long() if labelled else y.mul_(1 / 255))


def pair_data(
    parts: tuple[Pairs, Pairs | None],
    spec: S,
    run: Run,
    batch_size: int,
    augment: Augment | None = None,
    *,
    rows: Hashes,
) -> Data[S]:
    """The data of a learner: pairs to train on, and others to validate on as they are.

    Args:
        parts: the two; the second is None where nothing is validated.
        spec: what prediction needs; its mean and standard deviation normalise the photos.
        run: the circumstances.
        batch_size: pairs per step.
        augment: how those to train on vary.
        rows: hashes of the photos to train on.
    """
    shown: Any = spec
    valid = PairBatches(
        pairs=parts[1] or parts[0],
        mean=shown.mean,
        std=shown.std,
        batch_size=batch_size,
        seed=run.seed,
        device=run.torch_device(),
        threads=run.n_threads,
    )
    train = replace(valid, pairs=parts[0], augment=augment, train=True)
    return Data(train, None if parts[1] is None else valid, spec, rows)


def _channels_first(pictures: Tensor) -> Tensor:
    """Shape: (B, H, W) or (B, H, W, C) -> (B, C, H, W)."""
    return pictures[:, None] if pictures.ndim == 3 else pictures.permute(0, 3, 1, 2)
