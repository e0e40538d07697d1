"""Contrast: in training an encoder also draws vectors of one class together, and others apart.

Each text of a batch is compared with all others at once (supervised contrastive learning: Khosla et
al. 2020, eq. 2), beside cross entropy, as Gunel et al. 2021 ("Supervised Contrastive Learning for
Pre-trained Language Model Fine-tuning") do: of a few texts a head is soon learnt by heart and tells
the encoder nothing more, while every pair of them still does. A batch of 16 texts has 120 pairs,
for which training on pairs alone (SetFit: Tunstall et al. 2022) reads 240.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any, Final, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from zoo.core.run import rank_and_world
from zoo.core.task import LEAST, Loss, Task

TEMPERATURE: Final = 0.1  # of cosines (Khosla et al. 2020, sec. 4.4)


class Learnt(NamedTuple):
    """What a network on an encoder gives in training.

    Attributes:
        logits: Shape: (B, n_classes).
        vectors: those of the texts, before the head. Shape: (B, d).
    """

    logits: Tensor
    vectors: Tensor


def with_contrast(task: Task, weight: float) -> Task:
    """The same task for a network that gives `Learnt` in training, and logits in evaluation.

    Args:
        task: of logits.
        weight: of the contrast beside the task's own loss; 0 leaves it out, as it must be where a
            text has no one class.
    """
    return replace(task, loss=partial(_loss, own=task.loss, weight=weight))


def contrast(vectors: Tensor, labels: Tensor, temperature: float = TEMPERATURE) -> Tensor:
    """Negative log probability that each text picks one of its class among all others.

    Several processes compare their texts with those of all: a (global) batch has one contrast.

    Shape: (B, d), (B,) int64 -> (B,), float32; 0 of a text that is alone in its class.

    Args:
        vectors: of the texts; their direction counts alone.
        labels: number of each text's class.
        temperature: of cosines.
    """
    with torch.autocast(vectors.device.type, enabled=False):
        own = F.normalize(vectors.float(), dim=1)
        every, classes, start = _of_all_processes(own, labels)  # (N, d), (N,)
        places = torch.arange(len(classes), device=own.device)
        itself = places == places[start : start + len(own), None]  # (B, N)
        cosines = (own @ every.T / temperature).masked_fill(itself, torch.finfo(own.dtype).min)
        alike = (labels[:, None] == classes) & ~itself
        logs = torch.log_softmax(cosines, dim=1).where(alike, 0.0)
        return -logs.sum(1) / alike.sum(1).clamp(min=1)


def _of_all_processes(own: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, int]:
    """Vectors and labels of the global batch, through which gradients pass, and where ours begin.

    Shape: (B, d), (B,) -> (N, d), (N,).
    """
    rank, world = rank_and_world()
    if world == 1:
        return own, labels, 0
    sizes = torch.zeros(world, dtype=torch.int64, device=own.device)
    sizes[rank] = len(own)
    torch.distributed.all_reduce(sizes)
    *before, n = [0, *sizes.cumsum(0).tolist()]
    around = (before[rank], n - before[rank] - len(own))
    every: Tensor = _Sum.apply(F.pad(own, (0, 0, *around)))
    classes = F.pad(labels, around)
    torch.distributed.all_reduce(classes)
    return every, classes, before[rank]


class _Sum(torch.autograd.Function):
    """The sum of a tensor over all processes, whose gradients are summed likewise."""

    @staticmethod
    def forward(ctx: Any, own: Tensor) -> Tensor:
        total = own.clone()
        torch.distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return _Sum.forward(ctx, gradients[0])


def _loss(
    output: Learnt | Tensor, target: Tensor, *, own: Loss, weight: float
) -> tuple[Tensor, Tensor | int]:
    if isinstance(output, Tensor):
        return own(output, target)
    mean, count = own(output.logits, target)
    if weight and output.vectors.requires_grad:  # the encoder learns
        total = contrast(output.vectors, target).sum()
        mean = mean + weight * total / torch.as_tensor(count).clamp(min=LEAST)
    return mean, count
