"""U-Nets that draw pictures, their mean taken."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from zoo.core.batches import Batch
from zoo.core.placed import Placed
from zoo.core.task import Task
from zoo.vision.models.bodies import Preprocessing
from zoo.vision.models.unet import UNet
from zoo.vision.pixel_file import Pixels


@dataclass(frozen=True)
class Painter:
    """The members of a model that draws pictures.

    Args:
        placed: networks that are averaged.
        task: decodes their outputs.
    """

    placed: Placed[UNet]
    task: Task

    def draw(self, photos: Pixels) -> Tensor:
        """The decoded outputs for photos, on the CPU.

        **Shape.** photos: (B, H, W, 3), uint8. Result: (B, C, H, W), float32.
        """
        found: list[Tensor] = []
        x = normalised(photos, self.placed.members[0].preprocessing)
        batch = Batch((x,), torch.zeros(len(x)))
        self.placed.predict(
            [batch], self.task, lambda outputs, mean, target: found.append(mean.cpu())
        )
        return found[0]

    def evaluate(self, batches: Iterable[Batch]) -> dict[str, float]:
        """Loss and metrics over the batches."""
        return self.placed.evaluate(batches, self.task)


def normalised(photos: Pixels, shown: Preprocessing) -> Tensor:
    """Photos as a network sees them. Shape: (B, H, W, 3), uint8 -> (B, 3, H, W), float32."""
    x = torch.tensor(photos).permute(0, 3, 1, 2).float().mul_(1 / 255)
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (shown.mean, shown.std))
    return x.sub_(mean).div_(std).contiguous(memory_format=torch.channels_last)
