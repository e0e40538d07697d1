"""Photos as the training loop sees them: batches on the device, augmented there.

Threads cut or pad the photos of the next batches while the model works; order, crops and draws are
functions of (seed, epoch, step), so neither their number nor an interruption changes a batch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.core.batches import Batch, bounds, drawn, order, pinned, require_batch_size, steps_of
from zoo.vision.data.augment import centre_crop
from zoo.vision.data.cache import in_order
from zoo.vision.data.pixel_file import Pixels


class ItemSource(Protocol):
    """Photos by number, as `zoo.vision.data.cache.Items`; asked by several threads at once."""

    def __len__(self) -> int: ...

    def __getitem__(self, i: int, /) -> Pixels:
        """One photo. Shape: (H, W, 3), uint8."""

    def fingerprint(self) -> str:
        """A name for the photos, which tells them from others."""


class Varies(Protocol):
    """How photos of a batch vary, as `zoo.vision.data.augment.Augment`."""

    def draws(self, n: int, *seed: int) -> Tensor:
        """Draws for n photos. Shape: (n, 18)."""

    def __call__(self, photos: Tensor, sizes: Tensor, draws: Tensor, size: int) -> Tensor:
        """The varied photos. Shape: (B, 3, size, size)."""


_Assembled = tuple[Tensor, Tensor, Tensor, Tensor | None]
"""Photos (B, H, W, 3), uint8, each in the top left corner of its frame; their sizes (B, 2), int64;
targets; draws (B, 18)."""


@dataclass(frozen=True, kw_only=True)
class PhotoBatches:
    """A data set of photos: a function from (epoch, step) to a normalised batch on the device.

    Args:
        items: the photos, their short sides at least `size`.
        targets: one for each photo. Shape: (n,) or (n, ...), on the CPU.
        batch_size: at most this many photos in a (global) batch; batches of an epoch differ by at
            most one photo.
        size: pixels of the side of what the model sees.
        mean: subtracted from each channel, which is in 0..1.
        std: what each channel is then divided by.
        augment: how photos vary; None cuts the exact middle, without resampling.
        seed: seed of the order and the augmentation.
        device: where batches are made.
        shuffle: draw an order for every epoch; False keeps the photos in order.
        threads: number of threads that load photos.
        channels_last: the memory format of the batches.
        groups: number of the group that each photo belongs to; it changes no batch. Shape: (n,)

    Raises:
        ValueError: there are no photos, not as many targets, or the batches would be empty.
    """

    items: ItemSource
    targets: Tensor
    size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    batch_size: int = 64
    augment: Varies | None = None
    seed: int = 0
    device: torch.device | str = "cpu"
    shuffle: bool = False
    threads: int = 2
    channels_last: bool = True
    groups: NDArray[np.int64] | None = None
    rank: int = 0
    world: int = 1

    def __post_init__(self) -> None:
        n_photos, n_targets = len(self.items), len(self.targets)
        if n_photos != n_targets or n_photos == 0:
            raise ValueError(
                f"every photo must have one target, got {n_photos=}, {n_targets=}. Give as many."
            )
        require_batch_size(self.batch_size)

    def __len__(self) -> int:
        return len(self.items)

    def steps(self, epoch: int) -> int:
        """Number of batches in an epoch: the same for each."""
        return steps_of(len(self), self.batch_size)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """The batches of an epoch from step `start` on.

        Shape: one input (B, 3, size, size), float32, normalised. target: (B, ...).
        """
        n, steps = len(self), self.steps(epoch)
        rows = order(n, self.seed, epoch) if self.shuffle else torch.arange(n)

        def assemble(step: int) -> _Assembled:
            low, high = bounds(n, steps, step, self.rank, self.world)
            first, last = bounds(n, steps, step)
            draws = None
            if self.augment is not None:
                whole = self.augment.draws(last - first, self.seed, epoch, step)
                draws = whole[low - first : high - first]
            return self._assemble(rows[low:high], draws)

        ahead = self.threads + 1
        for assembled in in_order(assemble, range(start, steps), threads=self.threads, ahead=ahead):
            yield self._to_device(assembled)

    @property
    def photos(self) -> PhotoBatches:
        """The photos themselves, as of batches that show something in their place."""
        return self

    def fingerprint(self) -> str:
        """A digest of what is trained on and how, wherever photos and cache lie."""
        record = hashlib.sha256(self.targets.numpy().tobytes())
        items = self.items.fingerprint()
        looks = (self.size, self.mean, self.std, self.augment)
        order = (self.batch_size, self.seed, self.shuffle, self.rank, self.world)
        record.update(repr((items, tuple(self.targets.shape), looks, order)).encode())
        return record.hexdigest()

    def part(self, share: float, fewest: int = 1) -> PhotoBatches:
        """A share of the photos, see `drawn`."""
        rows = drawn(len(self), share, fewest)
        groups = None if self.groups is None else self.groups[rows]
        items: Any = self.items
        return replace(self, items=items.take(rows), targets=self.targets[rows], groups=groups)

    def shard(self, rank: int, world: int) -> PhotoBatches:
        """The same photos, of which this process takes its part of every global batch.

        Raises:
            ValueError: a batch has fewer photos than there are processes.
        """
        smallest = len(self) // self.steps(0)
        if smallest < world:
            raise ValueError(
                f"every process must have a photo of each batch, got {smallest} photos for "
                f"{world=}. Raise batch_size, or start fewer processes."
            )
        return replace(self, rank=rank, world=world)

    def _assemble(self, rows: Tensor, draws: Tensor | None) -> _Assembled:
        items = [self.items[row] for row in rows.tolist()]
        if draws is None:
            items = [centre_crop(item, self.size) for item in items]
        pin = torch.device(self.device).type == "cuda"
        sizes = np.array([item.shape[:2] for item in items], dtype=np.int64).reshape(-1, 2)
        height, width = sizes.max(0).tolist()
        # Zeros: a sample on a photo's edge takes a rounding error's share of what lies beyond.
        photos = torch.zeros((len(items), height, width, 3), dtype=torch.uint8, pin_memory=pin)
        frames = photos.numpy()
        for frame, item in zip(frames, items, strict=True):
            frame[: item.shape[0], : item.shape[1]] = item
        target = pinned(self.targets[rows], self.device)
        return photos, torch.from_numpy(sizes), target, draws

    @torch.no_grad()
    def _to_device(self, assembled: _Assembled) -> Batch:
        pixels, sizes, targets, draws = assembled
        photos = pixels.to(self.device, non_blocking=True)
        mean, std = torch.tensor(self.mean), torch.tensor(self.std)
        if self.augment is None or draws is None:
            # Whole rows of pixels: four times as fast on a CPU as constants for every channel.
            scale, shift = (1 / (255 * std)).repeat(self.size), (-mean / std).repeat(self.size)
            rows = photos.float().flatten(2)  # (B, size, size * 3)
            scale, shift = (one.to(rows.device, non_blocking=True) for one in (scale, shift))
            x = rows.mul_(scale).add_(shift).view(-1, self.size, self.size, 3).permute(0, 3, 1, 2)
        else:
            photos = photos.permute(0, 3, 1, 2)
            x = self.augment(photos, sizes, draws, self.size)
            scale, shift = (1 / std).view(3, 1, 1), (-mean / std).view(3, 1, 1)
            scale, shift = (one.to(x.device, non_blocking=True) for one in (scale, shift))
            x = x.mul_(scale).add_(shift)
        layout = torch.channels_last if self.channels_last else torch.contiguous_format
        target = targets.to(self.device, non_blocking=True)
        return Batch((x.contiguous(memory_format=layout),), target)
