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
from typing import Final, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from zoo.core.task import Loss, Task

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
    """Mean negative log probability that a text picks one of its class among all others.

    Shape: (B, d), (B,) int64 -> (), float32; 0 where no two texts have one class.

    Args:
        vectors: of the texts; their direction counts alone.
        labels: number of each text's class.
        temperature: of cosines.
    """
    with torch.autocast(vectors.device.type, enabled=False):
        directions = F.normalize(vectors.float(), dim=1)
        itself = torch.eye(len(labels), dtype=torch.bool, device=vectors.device)
        cosines = (directions @ directions.T).masked_fill(itself, -torch.inf)
        logs = torch.log_softmax(cosines / temperature, dim=1)
        alike = (labels[:, None] == labels) & ~itself  # (B, B)
        n_alike = alike.sum(1)
        each = -logs.where(alike, 0.0).sum(1) / n_alike.clamp(min=1)
        return each.sum() / (n_alike > 0).sum().clamp(min=1)


def _loss(
    output: Learnt | Tensor, target: Tensor, *, own: Loss, weight: float
) -> tuple[Tensor, Tensor | int]:
    if isinstance(output, Tensor):
        return own(output, target)
    mean, count = own(output.logits, target)
    if weight and output.vectors.requires_grad and len(target) > 1:  # the encoder learns
        mean = mean + weight * contrast(output.vectors, target)
    return mean, count
