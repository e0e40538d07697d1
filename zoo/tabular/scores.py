"""Metrics of a regression in the units of its target."""

from __future__ import annotations

import math

from torch import Tensor
from torchmetrics import MeanMetric

from zoo.tabular.spec import Target


class UserUnits(MeanMetric):
    """Root mean squared, mean absolute or root mean squared percentage error of one target.

    RMSPE is sqrt(mean(((truth - prediction) / truth)^2)), as the Rossmann competition scored.

    Args:
        kind: one of "rmse", "mae", "rmspe"; the last for a target with logarithms.
        column: number of the target among the columns of predictions and targets.
        target: its mean and standard deviation, by which it was scaled.
        log: whether its logarithm was scaled.

    Shape: predictions and targets (B, n_targets), scaled.
    """

    def __init__(self, kind: str, column: int, target: Target, log: bool) -> None:
        super().__init__(nan_strategy=math.nan)  # what is no number makes the mean none
        self.kind, self.column, self.log, self.std = kind, column, log, target.std
        self.unit = 1.0 if kind == "rmspe" else math.exp(target.mean) if log else target.std

    def update(self, predictions: Tensor, targets: Tensor) -> None:  # type: ignore[override]
        """Add a batch."""
        numbers = [values[:, self.column].float() for values in (predictions, targets)]
        # In units of exp(mean) or of the deviation, so that no square leaves the range of floats.
        says, truth = [(n * self.std).exp() for n in numbers] if self.log else numbers
        error = (says - truth) / truth if self.kind == "rmspe" else says - truth
        super().update(error.abs() if self.kind == "mae" else error.square())

    def compute(self) -> Tensor:
        """The error over all batches."""
        mean = super().compute()
        return self.unit * (mean if self.kind == "mae" else mean.sqrt())
