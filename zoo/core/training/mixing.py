"""Batch edits that mix examples: blends (MixUp), pasted boxes (CutMix), or one of both by turns.

All draw one share and one partner for each example; the draws depend on (seed, epoch, step) alone,
epochs counted over the learner's life, so that a run that continues sees the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from zoo.core.batches import Batch, seed_of
from zoo.core.training.fit import Fit


class MixUp:
    """Train on blends of two examples and of their targets (Zhang et al. 2018, sec. 2).

    Args:
        n_classes: width of the blended targets, which become probabilities; targets that are no
            classes (several labels, numbers) are blended as they are.
        alpha: both parameters of the Beta distribution that the blend is drawn from.
        seed: seed of the draws.
    """

    def __init__(self, n_classes: int, *, alpha: float = 0.4, seed: int = 0) -> None:
        self.n_classes, self.alpha, self.seed = n_classes, alpha, seed
        _check(alpha)

    def batch(self, fit: Fit, batch: Batch) -> Batch:
        """Blend every example with another of the batch."""
        (x,) = batch.inputs
        generator = _generator(fit, self.seed)
        other = torch.randperm(len(x), generator=generator).to(x.device, non_blocking=True)
        share = _beta(len(x), self.alpha, generator)
        share = torch.maximum(share, 1 - share)  # the example itself prevails
        share = share.to(x, non_blocking=True)
        target = _blended(batch.target, other, share, self.n_classes)
        return batch._replace(inputs=(_lerp(x, other, share),), target=target)


class CutMix:
    """Train on photos with a box of another, labels by area (Yun et al. 2019, sec. 3.1).

    Args:
        n_classes: width of the blended targets, see `MixUp`.
        alpha: both parameters of the Beta distribution that the photo's own share is drawn from.
        seed: seed of the draws.
    """

    def __init__(self, n_classes: int, *, alpha: float = 1.0, seed: int = 0) -> None:
        self.n_classes, self.alpha, self.seed = n_classes, alpha, seed
        _check(alpha)

    def batch(self, fit: Fit, batch: Batch) -> Batch:
        """Paste a box of another photo of the batch into each.

        Raises:
            ValueError: the inputs are no photos.
        """
        (x,) = batch.inputs
        if x.dim() != 4:
            raise ValueError(
                f"boxes are cut from photos, got inputs of shape {tuple(x.shape)}. Mix features by "
                "MixUp."
            )
        generator = _generator(fit, self.seed)
        other = torch.randperm(len(x), generator=generator).to(x.device, non_blocking=True)
        share = _beta(len(x), self.alpha, generator)
        pasted = _boxes(share, (x.shape[2], x.shape[3]), generator, x.device)
        share = 1 - pasted.float().mean((1, 2))
        target = _blended(batch.target, other, share, self.n_classes)
        mixed = torch.where(pasted[:, None], x[other], x)
        layout = torch.channels_last if _is_channels_last(x) else torch.contiguous_format
        return batch._replace(inputs=(mixed.contiguous(memory_format=layout),), target=target)


class OneOf:
    """One of several batch edits at each step, alike often.

    Args:
        edits: callbacks with `batch`.
        seed: seed of the draws.
    """

    def __init__(self, edits: Sequence[Any], *, seed: int = 0) -> None:
        self.edits, self.seed = list(edits), seed

    def batch(self, fit: Fit, batch: Batch) -> Batch:
        """The batch as the edit drawn makes it."""
        generator = _generator(fit, self.seed, len(self.edits))
        drawn = int(torch.randint(len(self.edits), (1,), generator=generator))
        edited: Batch = self.edits[drawn].batch(fit, batch)
        return edited


def _generator(fit: Fit, *seed: int) -> torch.Generator:
    parts = seed_of(*seed, fit.first_epoch + fit.epoch, fit.step)
    return torch.Generator().manual_seed(parts)


def _beta(n: int, alpha: float, generator: torch.Generator) -> Tensor:
    """Draws of Beta(alpha, alpha). Shape: (n,)."""
    gammas: Tensor = torch._standard_gamma(torch.full((2, n), alpha), generator=generator)
    return (gammas[0] / gammas.sum(0)).nan_to_num(0.5)


def _boxes(
    share: Tensor, sides: tuple[int, int], generator: torch.Generator, device: torch.device
) -> Tensor:
    """Boxes of the area 1 - share about random centres, cut at the edges. Shape: (B, H, W)."""
    centre = torch.rand(2, len(share), 1, generator=generator).to(device, non_blocking=True)
    side = (1 - share).sqrt()[:, None].to(device, non_blocking=True)
    rows, columns = (  # (B, H), (B, W)
        torch.lt(((torch.arange(n, device=device) + 0.5) / n - middle).abs(), side / 2)
        for n, middle in zip(sides, centre, strict=True)
    )
    return torch.logical_and(rows[:, :, None], columns[:, None, :])


def _blended(target: Tensor, other: Tensor, share: Tensor, n_classes: int) -> Tensor:
    if target.dtype == torch.int64:
        target = F.one_hot(target, n_classes)
    return _lerp(target.to(share), other, share)


def _lerp(x: Tensor, other: Tensor, share: Tensor) -> Tensor:
    return torch.lerp(x[other], x, share.view(-1, *[1] * (x.dim() - 1)))


def _is_channels_last(x: Tensor) -> bool:
    return x.is_contiguous(memory_format=torch.channels_last)


def _check(alpha: float) -> None:
    if not alpha > 0:
        raise ValueError(f"alpha of Beta(alpha, alpha) must be above 0, got {alpha=}. Try 0.4.")
