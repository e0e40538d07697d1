"""PSNR as papers and scikit-image give it; import late, since torchmetrics takes seconds."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor
from torchmetrics import Metric

HIGHEST: Final = 100.0  # dB of a photo that is restored without any error


class PSNR(Metric):
    """The mean over photos of each one's peak signal-to-noise ratio, in dB.

    PSNR of the error of all photos together ("pooled") is lower: the worst photos decide it.

    Shape: restored and true photos (B, C, H, W), in 0..1.

    >>> psnr = PSNR()
    >>> psnr.update(torch.tensor([0.1, 0.01]).view(2, 1, 1, 1), torch.zeros(2, 1, 1, 1))
    >>> round(float(psnr.compute()), 4)  # 20 dB and 40 dB
    30.0
    """

    higher_is_better = True
    full_state_update = False
    total: Tensor
    n: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.add_state("total", torch.tensor(0.0), dist_reduce_fx="sum")
        self.add_state("n", torch.tensor(0), dist_reduce_fx="sum")

    def update(self, preds: Tensor, target: Tensor) -> None:
        """Add a batch."""
        errors = (preds.float() - target.float()).square().flatten(1).mean(1)
        each = -10 * errors.clamp(min=10 ** (-HIGHEST / 10)).log10()
        self.total += each.sum()
        self.n += len(each)

    def compute(self) -> Tensor:
        """The mean so far."""
        return self.total / self.n
