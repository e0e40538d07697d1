"""How photos become what a network sees; it travels with the network's weights."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Literal

from zoo.core.annotations import Option
from zoo.vision.data.images import WHITE, CropMode, Resize

Interpolation = Literal["bilinear", "bicubic"]
Side = Annotated[int, Option(low=1, high=4096)]
"""Pixels of an input's side, far beyond what is trained on."""
Mean = Annotated[float, Option(low=-100, high=100)]
Std = Annotated[float, Option(low=1e-4, high=100)]


@dataclass(frozen=True)
class Preprocessing:
    """What a photo goes through before the body.

    Attributes:
        size: side of the square input, in pixels.
        mean: subtracted from RGB values in [0, 1], one number per channel.
        std: divides what is left, one number per channel.
        interpolation: filter of the resizing.
        crop: part of the resized shorter side that the centre crop keeps, in (0, 1].
        mode: whether photos keep their aspect, are squashed to a square or get a border.
        white: grey of 16 bits that is shown as white.
    """

    size: int
    mean: tuple[Mean, Mean, Mean]
    std: tuple[Std, Std, Std]
    interpolation: Interpolation
    crop: float
    mode: CropMode = "center"
    white: int = WHITE

    @property
    def resize(self) -> Resize:
        """How photos are resized before they are cropped."""
        side = max(self.size, math.floor(self.size / self.crop))
        red, green, blue = (round(255 * min(max(mean, 0.0), 1.0)) for mean in self.mean)
        return Resize(side, self.interpolation, self.mode, self.white, (red, green, blue))
