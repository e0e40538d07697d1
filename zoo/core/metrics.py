"""Metrics of torchmetrics with a setting more; import late, since it takes seconds."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torchmetrics.classification import MultilabelFBetaScore


class FBeta(MultilabelFBetaScore):
    """The mean F score over labels, each with a threshold of its own.

    Args:
        beta: how many times recall counts as precision.
        n_labels: how many.
        threshold: for all labels, or one for each.

    Shape: probabilities and truth (B, n_labels).
    """

    def __init__(self, beta: float, n_labels: int, threshold: float | Sequence[float]) -> None:
        super().__init__(beta, n_labels, average="macro", validate_args=False)
        self.least: Tensor
        self.register_buffer("least", torch.as_tensor(threshold), persistent=False)

    def update(self, preds: Tensor, target: Tensor) -> None:
        """Add a batch."""
        super().update((preds >= self.least.to(preds.device)).int(), target.int())
