"""What may be asked of photos, one row per task: chosen by the data, stored in spec and config.

| task | a photo has | outputs | loss | predict gives |
|---|---|---|---|---|
| classification | one class of several | a logit each, softmax | cross entropy | `Prediction` |
| multi-label | any number of labels | a logit each, sigmoid | binary cross entropy | `Labels` |
| regression | a number | one, perhaps through a sigmoid | squared error | float |
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import torch
from torch import Tensor

from zoo.core.predictions import Labels, Prediction
from zoo.core.task import Task, classification, multi_label, regression
from zoo.vision.classification.spec import Spec
from zoo.vision.option_names import TaskName

Answer = Prediction[str] | Labels[str] | float
"""What a model says of one photo, by its task."""


@dataclass(frozen=True)
class Kind:
    """One kind of task.

    Attributes:
        n_out: from the classes to the number of the network's outputs.
        core: from (spec, label smoothing, weights of the classes) to loss, decoding and metrics.
        predicted: from (spec, decoded outputs of one photo) to what `predict` gives.
    """

    n_out: Callable[[Sequence[str]], int]
    core: Callable[[Spec, float, Tensor | None], Task]
    predicted: Callable[[Spec, list[float]], Answer]


def task_of(spec: Spec, *, label_smoothing: float = 0.0, weights: Tensor | None = None) -> Task:
    """Loss, decoding and metrics of a model with this spec.

    Args:
        spec: what the model knows of its labels.
        label_smoothing: share of the target that is spread; none for numbers.
        weights: how much each class, or a label's presence, counts. Shape: (n_classes,).

    Raises:
        ValueError: labels that are numbers cannot be smoothed.
    """
    return KINDS[spec.task].core(spec, label_smoothing, weights)


def n_out(task: TaskName, classes: Sequence[str]) -> int:
    """Outputs of the network."""
    return KINDS[task].n_out(classes)


def _classification(spec: Spec, label_smoothing: float, weights: Tensor | None) -> Task:
    return classification(len(spec.classes), label_smoothing=label_smoothing, weights=weights)


def _multi_label(spec: Spec, label_smoothing: float, weights: Tensor | None) -> Task:
    return multi_label(
        len(spec.classes),
        threshold=spec.threshold,
        beta=spec.beta,
        label_smoothing=label_smoothing,
        weights=weights,
    )


def _regression(spec: Spec, label_smoothing: float, weights: Tensor | None) -> Task:
    scaled = partial(_scaled_error, spec=spec)
    decode = partial(units, spec=spec)

    def loss(output: Tensor, target: Tensor) -> tuple[Tensor, int]:
        return scaled(decode(output), target)

    return replace(regression(), loss=loss, decode=decode, score=scaled)


def units(output: Tensor, spec: Spec) -> Tensor:
    """Numbers in the user's units from a network's outputs: scaled, or a sigmoid's range.

    **Shape.** (B, 1) -> (B,), float32.
    """
    output = output.float().squeeze(1)
    if spec.y_range is None:
        mean, std = spec.y_scale
        return output * std + mean
    low, high = spec.y_range
    return low + (high - low) * torch.sigmoid(output)


def _scaled_error(numbers: Tensor, target: Tensor, *, spec: Spec) -> tuple[Tensor, int]:
    """Squared error in units of the training targets' deviation."""
    if target.numel() == 0:  # a process's empty part of a small batch
        return numbers.sum() * 0.0, 0
    return ((numbers - target) / spec.y_scale[1]).square().mean(), len(target)


def _of_class(spec: Spec, row: list[float]) -> Prediction[str]:
    return Prediction.of(spec.classes, row)


def _of_labels(spec: Spec, row: list[float]) -> Labels[str]:
    return Labels.of(spec.classes, row, spec.threshold)


def _of_number(spec: Spec, row: list[float]) -> float:
    return row[0]


KINDS: Final[dict[TaskName, Kind]] = {
    "classification": Kind(len, _classification, _of_class),
    "multi-label": Kind(len, _multi_label, _of_labels),
    "regression": Kind(lambda _: 1, _regression, _of_number),
}
