"""U-Nets ready to draw: on their device, in the layout that convolutions like, their mean taken."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from zoo.core import loop
from zoo.core.batches import Batch
from zoo.core.memory import keep_freed_blocks
from zoo.core.run import Run
from zoo.core.task import Task
from zoo.vision.models.backbones import BF16_ON_CPU
from zoo.vision.models.bodies import Preprocessing
from zoo.vision.models.unet import UNet
from zoo.vision.pixel_file import Pixels


@dataclass(frozen=True)
class Painter:
    """The members of a model that draws pictures.

    Args:
        members: networks that are averaged.
        task: decodes their outputs.
        run: the circumstances.
    """

    members: Sequence[UNet]
    task: Task
    run: Run

    @cached_property
    def device(self) -> torch.device:
        """Where the members run."""
        device = self.run.torch_device()
        if device.type == "cpu":
            keep_freed_blocks()
        return device

    @cached_property
    def dtype(self) -> torch.dtype | None:
        """What autocast computes in."""
        hint = all(member.name in BF16_ON_CPU for member in self.members)
        return self.run.autocast_dtype(self.device, bf16_on_cpu=hint)

    def draw(self, photos: Pixels) -> Tensor:
        """The decoded outputs for photos, on the CPU.

        **Shape.** photos: (B, H, W, 3), uint8. Result: (B, C, H, W), float32.
        """
        found: list[Tensor] = []
        x = normalised(photos, self.members[0].preprocessing)
        batch = Batch((x,), torch.zeros(len(x)))
        ready = self._ready()
        loop.predict_batches(
            ready, [batch], self.task, self.device, self.dtype,
            lambda outputs, mean, target: found.append(mean.cpu()),
        )  # fmt: skip
        return found[0]

    def evaluate(self, batches: Iterable[Batch]) -> dict[str, float]:
        """Loss and metrics over the batches."""
        return loop.evaluate(self._ready(), batches, self.task, self.device, self.dtype)

    def _ready(self) -> list[UNet]:
        return [
            member.to(device=self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
            for member in self.members
        ]


def normalised(photos: Pixels, shown: Preprocessing) -> Tensor:
    """Photos as a network sees them. Shape: (B, H, W, 3), uint8 -> (B, 3, H, W), float32."""
    x = torch.tensor(photos).permute(0, 3, 1, 2).float().mul_(1 / 255)
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (shown.mean, shown.std))
    return x.sub_(mean).div_(std).contiguous(memory_format=torch.channels_last)
