"""What a recommender learns: ratings by squared error, or choices by cross entropy."""

from __future__ import annotations

from functools import partial
from typing import Any, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

from zoo.collab.options import ComputedName
from zoo.core.task import Task, squared_error


def predicts_ratings(name: str) -> bool:
    """Whether a model predicts ratings; otherwise it ranks what might be chosen."""
    return name not in ("softmax", "sasrec") and not is_computed(name)


def is_computed(name: str) -> bool:
    """Whether a model is computed at once from who chose what, without training by steps."""
    return name in get_args(ComputedName)


def needs_order(name: str) -> bool:
    """Whether a model learns from the order in which users chose."""
    return name == "sasrec"


def scores_histories(name: str) -> bool:
    """Whether to a model that ranks a user is what they chose, whoever they are."""
    return is_computed(name) or needs_order(name)


def task_of(name: str) -> Task:
    """Loss, decoding and metrics of a model."""
    if predicts_ratings(name):
        mean, score = partial(torch.mean, dim=1), squared_error
        return Task(_squared_error, mean, _rating_metrics, score=score, is_squared=True)
    return Task(_surprise, torch.exp) if needs_order(name) else Task(_choice, _chosen)


def _squared_error(output: Tensor, target: Tensor) -> tuple[Tensor, int]:
    """Each member learns on its own. Shape: output (B, members); target (B,)."""
    wide = target.unsqueeze(1).expand_as(output)
    return F.mse_loss(output, wide) if len(target) else output.sum() * 0.0, len(target)


def _squared_error_of_mean(rated: Tensor, target: Tensor) -> tuple[Tensor, int]:
    """That of decoded ratings. Shape: (B,) and (B,)."""
    return _squared_error(rated[:, None], target)


def _choice(output: Tensor, target: Tensor) -> tuple[Tensor, int]:
    """Cross entropy of the first column. Shape: output (B, 1 + negatives)."""
    if not len(target):
        return output.sum() * 0.0, 0
    return (output.logsumexp(1) - output[:, 0]).mean(), len(target)


def _surprise(output: Tensor, target: Tensor) -> tuple[Tensor, int]:
    """Mean of negative log probabilities of what was chosen. Shape: output (n,)."""
    return (-output.mean() if len(output) else output.sum() * 0.0), len(output)


def _chosen(output: Tensor) -> Tensor:
    return torch.softmax(output, dim=1)[:, 0]


def _rating_metrics() -> dict[str, Any]:
    from torchmetrics.regression import MeanAbsoluteError, MeanSquaredError  # seconds to import

    return {"rmse": MeanSquaredError(squared=False), "mae": MeanAbsoluteError()}
