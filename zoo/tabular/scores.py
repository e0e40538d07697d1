"""Metrics of a regression in the units of its target."""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor
from torchmetrics import Metric

from zoo.tabular.spec import Target

KINDS: Final = ("rmse", "mae", "rmspe")


class UserUnits(Metric):
    """Root mean squared, mean absolute or root mean squared percentage error of one target.

    RMSPE is sqrt(mean(((truth - prediction) / truth)^2)), as the Rossmann competition scored.

    Args:
        kind: one of "rmse", "mae", "rmspe".
        column: of the predictions and targets.
        target: says how they were scaled.
        log: whether the logarithm was.

    Shape: predictions and targets (B, n_targets), scaled.
    """

    full_state_update = False
    higher_is_better = False

    def __init__(self, kind: str, column: int, target: Target, log: bool, **settings: Any) -> None:
        super().__init__(**settings)
        self.kind, self.column, self.scale, self.log = kind, column, target, log
        self.total: Tensor
        self.n: Tensor
        self.add_state("total", torch.zeros((), dtype=torch.float32), dist_reduce_fx="sum")
        self.add_state("n", torch.zeros(()), dist_reduce_fx="sum")

    def update(self, predictions: Tensor, targets: Tensor) -> None:
        """Add a batch."""
        says, truth = (self._unscaled(t[:, self.column]) for t in (predictions, targets))
        error = says - truth
        if self.kind == "rmspe":
            error = error / truth
        total = error.abs().sum() if self.kind == "mae" else error.square().sum()
        self.total = self.total + total
        self.n = self.n + len(truth)

    def compute(self) -> Tensor:
        """The error over all batches."""
        mean: Tensor = self.total / self.n
        return mean if self.kind == "mae" else mean.sqrt()

    def _unscaled(self, scaled: Tensor) -> Tensor:
        wide = scaled.float() if scaled.device.type == "mps" else scaled.double()
        numbers = wide * self.scale.std + self.scale.mean
        return numbers.exp() if self.log else numbers
