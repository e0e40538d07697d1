"""Loss, decoding and metrics of a table's task.

A network of several members gives (B, k, n) outputs: each has a loss of its own in training, and
the prediction is the mean of theirs - of probabilities, or of scaled numbers (Gorishniy et al.
2024, sec. 3.3). What an evaluation reports is the loss of the prediction.

Training targets may carry weights of their rows (`zoo.tabular.data.weights`): the loss of a batch
is then the sum of weight times loss over the number of rows, so that its gradient is on average
that of the weighted mean over the table, however rows fall into batches and parts of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from zoo.core.task import Loss, Task, classification, regression
from zoo.tabular.data.weights import without_weights
from zoo.tabular.spec import Spec

if TYPE_CHECKING:
    from torchmetrics import Metric


def task_of(spec: Spec, *, label_smoothing: float = 0.0) -> Task:
    """The task of a spec: accuracy; or RMSE and MAE in the target's units (and RMSPE of logs).

    Shape: output (B, n_out) or (B, k, n_out); target as `encode_targets` gives it; predictions
    (B, n_out): probabilities, or scaled numbers.
    """
    if spec.task == "classification":
        plain = classification(spec.n_out, label_smoothing=label_smoothing)
        task = replace(plain, decode=_probabilities, metrics=partial(_class_metrics, spec.n_out))
    else:
        plain = regression()
        scale = tuple(t.mean for t in spec.targets), tuple(t.std for t in spec.targets)
        metrics = partial(_regression_metrics, spec)
        task = replace(plain, decode=_mean, metrics=metrics, scale=scale)
    loss = partial(_weighted, spec=spec, plain=plain.loss, label_smoothing=label_smoothing)
    loss, valid_loss = partial(_each_loss, loss=loss), partial(_prediction_loss, task=task)
    return replace(task, loss=loss, valid_loss=valid_loss)


def _weighted(
    output: Tensor, target: Tensor, *, spec: Spec, plain: Loss, label_smoothing: float
) -> tuple[Tensor, Tensor | int]:
    target, weights = without_weights(target, spec)
    if weights is None:
        return plain(output, target)
    if spec.task == "classification":
        each = F.cross_entropy(output, target, reduction="none", label_smoothing=label_smoothing)
    else:
        each = F.mse_loss(output, target, reduction="none").mean(1)
    return (each * weights).sum() / max(len(each), 1), len(each)


def _each_loss(output: Tensor, target: Tensor, *, loss: Loss) -> tuple[Tensor, Tensor | int]:
    if output.dim() == 3:
        B, k, n = output.shape
        target = target.unsqueeze(1).expand(B, k, *target.shape[1:]).flatten(0, 1)
        output = output.reshape(B * k, n)
    return loss(output, target)


def _prediction_loss(output: Tensor, target: Tensor, *, task: Task) -> tuple[Tensor, Tensor | int]:
    if output.dim() == 3 and task.score is not None:
        return task.score(task.decode(output), target)
    return (task.valid_loss or task.loss)(output, target)


def _class_metrics(n_classes: int) -> Mapping[str, Metric]:
    return classification(n_classes).metrics()  # a function of a module can be pickled


def _probabilities(output: Tensor) -> Tensor:
    return _mean(torch.softmax(output.float(), dim=-1))


def _mean(output: Tensor) -> Tensor:
    return output.mean(1) if output.dim() == 3 else output


def _regression_metrics(spec: Spec) -> Mapping[str, Metric]:
    from zoo.tabular.scores import UserUnits  # torchmetrics takes seconds to import

    kinds = ("rmse", "mae", "rmspe") if spec.log_target else ("rmse", "mae")
    alone = len(spec.targets) == 1
    return {
        kind if alone else f"{kind} {target.name}": UserUnits(kind, i, target, spec.log_target)
        for i, target in enumerate(spec.targets)
        for kind in kinds
    }
