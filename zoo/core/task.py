"""Task: what to do with a model's output; the only place of the core that looks inside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

if TYPE_CHECKING:
    from torchmetrics import Metric

Loss = Callable[[Any, Tensor], tuple[Tensor, Tensor | int]]
"""(output, target) -> (mean loss, how many targets the mean is over)."""

LEAST: Final = 1e-12  # probability whose logarithm a loss takes at least
INSIDE: Final = 0.02  # numbers at the ends of their range are encoded as this share within it


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
        score: (predictions, target) -> (mean, count), the loss of decoded predictions, which alone
            can tell that of a mean over several networks or views; None if there is no such loss.
        weights: how much each class counts in `loss`; None if all count alike. Shape: (n_classes,).
        is_squared: whether `score` is a mean of squared errors, else of negative log likelihoods.
        encode: targets -> outputs that `decode` makes them of, for models that are fitted to
            outputs; None where targets are classes, labels, or outputs as they are.
        scale: means and deviations that predictions and targets are scaled by, one for each number
            of a row; None where they are as the user has them.
    """

    loss: Loss
    decode: Callable[[Any], Tensor]
    metrics: Callable[[], Mapping[str, Metric]] = dict
    valid_loss: Loss | None = None
    score: Loss | None = None
    weights: Tensor | None = None
    is_squared: bool = False
    encode: Callable[[NDArray[Any]], NDArray[Any]] | None = None
    scale: tuple[tuple[float, ...], tuple[float, ...]] | None = None


def rescaled(values: Tensor, task: Task, other: Task) -> Tensor:
    """Predictions or targets of one task as another has them, whose scale is that of other rows.

    Shape: (n, k) -> (n, k).
    """
    if task.scale is None or other.scale is None or task.scale == other.scale:
        return values
    (mean, width), (to_mean, to_width) = (
        torch.tensor(one.scale, dtype=torch.float64) for one in (task, other)
    )
    moved: Tensor = (values.double() * width + mean - to_mean) / to_width
    return moved.to(values.dtype)


def classification(
    n_classes: int,
    *,
    label_smoothing: float = 0.0,
    ignore_index: int | None = None,
    weights: Tensor | None = None,
) -> Task:
    """One label of several: cross entropy, probabilities, accuracy.

    Labels are smoothed and classes weighted in training alone: the loss of an evaluation is the
    plain cross entropy.

    Shape: output (B, n_classes, ...) logits; target (B, ...) int64, or (B, n_classes)
    probabilities as mixup makes them; predictions as the output, summing to one over dim 1.
    weights: (n_classes,), how much an example of each class counts.
    """
    _check_smoothing(label_smoothing)
    plain = partial(_cross_entropy, label_smoothing=0.0, ignore_index=ignore_index, weights=None)

    def metrics() -> Mapping[str, Metric]:
        from torchmetrics.classification import MulticlassAccuracy  # seconds to import

        accuracy = MulticlassAccuracy(
            n_classes, average="micro", ignore_index=ignore_index, validate_args=False
        )
        return {"accuracy": accuracy}

    loss = partial(plain, label_smoothing=label_smoothing, weights=weights)
    score = partial(_cross_entropy_of_probabilities, cross_entropy=plain)
    return Task(loss, partial(torch.softmax, dim=1), metrics, plain, score, weights)


def multi_label(
    n_labels: int,
    *,
    threshold: float | Sequence[float] = 0.5,
    beta: float = 1.0,
    label_smoothing: float = 0.0,
    weights: Tensor | None = None,
) -> Task:
    """Any number of labels: binary cross entropy, a probability each, F and average precision.

    Both metrics are means over labels. As for `classification`, the loss of an evaluation is plain.

    Shape: output (B, n_labels) logits; target (B, n_labels) in 0..1; predictions as the output,
    each in 0..1. weights: (n_labels,), how much the presence of each label counts. threshold: one,
    or (n_labels,), from which on F takes a label for present.
    """
    _check_smoothing(label_smoothing)

    def metrics() -> Mapping[str, Metric]:
        from torchmetrics.classification import MultilabelAveragePrecision

        from zoo.core.metrics import FBeta

        f = FBeta(beta, n_labels, threshold)
        precision = MultilabelAveragePrecision(n_labels, average="macro", validate_args=False)
        return {f"f{beta:g}": f, "average_precision": precision}

    plain = partial(_binary_cross_entropy, label_smoothing=0.0, weights=None)
    loss = partial(plain, label_smoothing=label_smoothing, weights=weights)
    score = _binary_cross_entropy_of_probabilities
    return Task(loss, torch.sigmoid, metrics, plain, score, weights)


def regression() -> Task:
    """Numbers: mean squared error; the metrics are RMSE and MAE.

    Shape: output and target alike, (B, ...); a last dimension of one may be missing in the target.
    """

    def metrics() -> Mapping[str, Metric]:
        from torchmetrics.regression import MeanAbsoluteError, MeanSquaredError

        return {"rmse": MeanSquaredError(squared=False), "mae": MeanAbsoluteError()}

    return Task(squared_error, _as_is, metrics, score=squared_error, is_squared=True)


def scaled_regression(
    scale: tuple[float, float], y_range: tuple[float, float] | None = None
) -> Task:
    """Numbers whose outputs are scaled, or pass a sigmoid: loss in units of the targets' deviation.

    Shape: output (B, 1); target and predictions (B,), in the user's units.

    Args:
        scale: mean and deviation of the training targets.
        y_range: lowest and highest number that is predicted; None for any.
    """
    decode = partial(_units, scale=scale, y_range=y_range)
    encode = partial(_outputs, scale=scale, y_range=y_range)
    score = partial(_scaled_error, deviation=scale[1])

    def loss(output: Tensor, target: Tensor) -> tuple[Tensor, Tensor | int]:
        return score(decode(output), target)

    return replace(regression(), loss=loss, decode=decode, score=score, encode=encode)


def _cross_entropy(
    output: Tensor,
    target: Tensor,
    *,
    label_smoothing: float,
    ignore_index: int | None,
    weights: Tensor | None,
) -> tuple[Tensor, Tensor | int]:
    if target.numel() == 0:  # a process's empty part of a small batch
        return output.sum() * 0.0, 0
    if output.ndim > 2 and target.dtype == torch.int64 and _must_repeat_on_cuda(output):
        output, target = output.movedim(1, -1).flatten(0, -2), target.flatten()
    if weights is not None:
        weights = weights.to(output)
    if ignore_index is None and weights is None:
        n = target.numel() if target.dtype == torch.int64 else len(target)
        return F.cross_entropy(output, target, label_smoothing=label_smoothing), n
    ignored = -100 if ignore_index is None else ignore_index  # torch's own, no class
    total = F.cross_entropy(
        output,
        target,
        weights,
        ignore_index=ignored,
        label_smoothing=label_smoothing,
        reduction="sum",
    )
    if target.dtype != torch.int64:
        return total / len(target), len(target)
    kept = target != ignored
    each = kept if weights is None else kept * weights[target.where(kept, 0)]
    count = each.sum()
    return total / count.clamp(min=1e-12), count


def _binary_cross_entropy(
    output: Tensor, target: Tensor, *, label_smoothing: float, weights: Tensor | None
) -> tuple[Tensor, int]:
    if target.numel() == 0:
        return output.sum() * 0.0, 0
    smoothed = torch.lerp(target, torch.full_like(target, 0.5), label_smoothing)
    weights = weights if weights is None else weights.to(output)
    loss = F.binary_cross_entropy_with_logits(output, smoothed.to(output), pos_weight=weights)
    return loss, len(target)


def _cross_entropy_of_probabilities(
    probabilities: Tensor, target: Tensor, *, cross_entropy: Loss
) -> tuple[Tensor, Tensor | int]:
    return cross_entropy(probabilities.clamp(min=LEAST).log(), target)  # logits of a softmax


def _binary_cross_entropy_of_probabilities(
    probabilities: Tensor, target: Tensor
) -> tuple[Tensor, int]:
    if target.numel() == 0:
        return probabilities.sum() * 0.0, 0
    present, absent = (p.clamp(min=LEAST).log() for p in (probabilities, 1 - probabilities))
    return -torch.lerp(absent, present, target.to(present)).mean(), len(target)


def _check_smoothing(label_smoothing: float) -> None:
    if not 0 <= label_smoothing < 1:
        raise ValueError(
            f"label smoothing must be 0 or more and below 1, got {label_smoothing=}. Try 0.1."
        )


def squared_error(output: Tensor, target: Tensor) -> tuple[Tensor, int]:
    """Mean squared error of numbers, and how many; output and target alike but for ones."""
    if target.numel() == 0:
        return output.sum() * 0.0, 0
    return F.mse_loss(output.view_as(target), target), target.numel()


def _units(
    output: Tensor, *, scale: tuple[float, float], y_range: tuple[float, float] | None
) -> Tensor:
    """Shape: (B, 1) -> (B,), float32."""
    output = output.float().squeeze(1)
    if y_range is None:
        mean, std = scale
        return output * std + mean
    low, high = y_range
    return low + (high - low) * torch.sigmoid(output)


def _outputs(
    numbers: NDArray[Any], *, scale: tuple[float, float], y_range: tuple[float, float] | None
) -> NDArray[Any]:
    """Outputs that `_units` decodes; at an end of the range those a little within it. (n,)"""
    if y_range is None:
        return np.asarray((numbers.astype(np.float64) - scale[0]) / scale[1])
    low, high = y_range
    share = np.clip((numbers - low) / (high - low), INSIDE, 1 - INSIDE)
    return np.asarray(np.log(share / (1 - share)))


def _scaled_error(numbers: Tensor, target: Tensor, *, deviation: float) -> tuple[Tensor, int]:
    if target.numel() == 0:  # a process's empty part of a small batch
        return numbers.sum() * 0.0, 0
    return ((numbers - target) / deviation).square().mean(), len(target)


def _must_repeat_on_cuda(output: Tensor) -> bool:
    """Whether torch would refuse the loss of pixels: it adds them up in any order, but not rows."""
    return output.is_cuda and torch.are_deterministic_algorithms_enabled()


def _as_is(output: Tensor) -> Tensor:
    return output
