"""Task: what to do with a model's output; the only place of the core that looks inside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

if TYPE_CHECKING:
    from torchmetrics import Metric

Loss = Callable[[Any, Tensor], tuple[Tensor, Tensor | int]]
"""(output, target) -> (mean loss, how many targets the mean is over)."""


@dataclass(frozen=True)
class Task:
    """Loss, decoding and metrics of one kind of problem.

    Args:
        loss: (output, target) -> (mean, count); counts weigh the parts of a batch, so that
            accumulated, sharded and uneven batches are exact.
        decode: output -> predictions, as `predict` returns and ensembles average them.
        metrics: makes fresh torchmetrics by name; they see decoded predictions and targets.
        valid_loss: what evaluation reports as the loss, where training adds to it (smoothed labels,
            penalties); None takes `loss`.
    """

    loss: Loss
    decode: Callable[[Any], Tensor]
    metrics: Callable[[], Mapping[str, Metric]] = dict
    valid_loss: Loss | None = None


def classification(
    n_classes: int, *, label_smoothing: float = 0.0, ignore_index: int | None = None
) -> Task:
    """One label of several: cross entropy, probabilities, accuracy.

    Labels are smoothed in training alone: the loss of an evaluation is the plain cross entropy.

    Shape: output (B, n_classes, ...) logits; target (B, ...) int64, or (B, n_classes)
    probabilities as mixup makes them; predictions as the output, summing to one over dim 1.
    """
    if not 0 <= label_smoothing < 1:
        raise ValueError(f"label smoothing is in 0..1, however {label_smoothing=}; try 0.1")
    plain = partial(_cross_entropy, label_smoothing=0.0, ignore_index=ignore_index)

    def metrics() -> Mapping[str, Metric]:
        from torchmetrics.classification import MulticlassAccuracy  # seconds to import

        accuracy = MulticlassAccuracy(
            n_classes, average="micro", ignore_index=ignore_index, validate_args=False
        )
        return {"accuracy": accuracy}

    loss = partial(plain, label_smoothing=label_smoothing)
    return Task(loss, partial(torch.softmax, dim=1), metrics, plain)


def regression() -> Task:
    """Numbers: mean squared error; the metrics are RMSE and MAE.

    Shape: output and target alike, (B, ...); a last dimension of one may be missing in the target.
    """

    def metrics() -> Mapping[str, Metric]:
        from torchmetrics.regression import MeanAbsoluteError, MeanSquaredError

        return {"rmse": MeanSquaredError(squared=False), "mae": MeanAbsoluteError()}

    return Task(_squared_error, _as_is, metrics)


def _cross_entropy(
    output: Tensor, target: Tensor, *, label_smoothing: float, ignore_index: int | None
) -> tuple[Tensor, Tensor | int]:
    if target.numel() == 0:  # a process's empty part of a small batch
        return output.sum() * 0.0, 0
    if ignore_index is None:
        n = target.numel() if target.dtype == torch.int64 else len(target)
        return F.cross_entropy(output, target, label_smoothing=label_smoothing), n
    total = F.cross_entropy(
        output,
        target,
        ignore_index=ignore_index,
        label_smoothing=label_smoothing,
        reduction="sum",
    )
    count = (target != ignore_index).sum()
    return total / count.clamp(min=1), count


def _squared_error(output: Tensor, target: Tensor) -> tuple[Tensor, int]:
    if target.numel() == 0:
        return output.sum() * 0.0, 0
    return F.mse_loss(output.view_as(target), target), target.numel()


def _as_is(output: Tensor) -> Tensor:
    return output
