"""The perceptual loss: two pictures are alike if a pretrained network sees alike in them.

Johnson et al. 2016, "Perceptual Losses for Real-Time Style Transfer", sec. 3.2, with the mean
absolute difference in place of the squared one, and each map in units of its own mean.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from zoo.vision.models.backbones import build
from zoo.vision.models.taps import find_taps, install, tapped

LEVELS = 3  # maps that count: those of a half to an eighth of the size


class FeatureLoss:
    """The difference of two batches of pictures in the eyes of a frozen backbone.

    Args:
        name: a backbone, taken with its published weights.
        weight: what the difference is multiplied by.
        device: where the pictures are.

    Shape:
        - input: pictures ``(B, 3, H, W)`` in 0..1, and the true ones
        - output: one number
    """

    def __init__(self, name: str, weight: float, device: torch.device) -> None:
        backbone = build(name, pretrained=True)
        self.weight, self.body = weight, backbone.body.eval().requires_grad_(False).to(device)
        taps = find_taps(self.body)[:LEVELS]
        install(self.body, taps)
        shown = backbone.preprocessing
        self.mean, self.std = (
            torch.tensor(values, device=device).view(3, 1, 1) for values in (shown.mean, shown.std)
        )

    def __call__(self, output: Tensor, target: Tensor) -> Tensor:
        """The weighted difference."""
        with torch.no_grad():
            true_maps = self._maps(target)
        maps = self._maps(output)
        parts = [F.l1_loss(maps[i], true) / true.abs().mean() for i, true in true_maps.items()]
        return self.weight * torch.stack(parts).mean()

    def _maps(self, pictures: Tensor) -> dict[int, Tensor]:
        with tapped() as maps:
            self.body((pictures - self.mean) / self.std)
        return maps
