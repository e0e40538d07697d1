"""What may be asked of photos, one row per task: chosen by the data, stored in spec and config.

| task | a photo has | outputs | loss | predict gives |
|---|---|---|---|---|
| classification | one class of several | a logit each, softmax | cross entropy | `Prediction` |
| multi-label | any number of labels | a logit each, sigmoid | binary cross entropy | `Labels` |
| regression | a number | one, perhaps through a sigmoid | squared error | float |
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from torch import Tensor

from zoo.core.checked import arguments_of
from zoo.core.config import Config
from zoo.core.predictions import Labels, Prediction
from zoo.core.task import Task, classification, multi_label, scaled_regression
from zoo.vision.classification.spec import Spec
from zoo.vision.models.classifier import Arguments
from zoo.vision.option_names import TaskName

Answer = Prediction[str] | Labels[str] | float
"""What a model says of one photo, by its task."""

Answers = Answer | list[Answer]
"""What it says of one photo, or of several."""


def task_of(spec: Spec, *, label_smoothing: float = 0.0, weights: Tensor | None = None) -> Task:
    """Loss, decoding and metrics of a model with this spec.

    Args:
        spec: what the model knows of its labels.
        label_smoothing: share of the target that is spread; none for numbers.
        weights: how much each class, or a label's presence, counts. Shape: (n_classes,).

    Raises:
        ValueError: labels that are numbers cannot be smoothed.
    """
    n = len(spec.classes)
    if spec.task == "classification":
        return classification(n, label_smoothing=label_smoothing, weights=weights)
    if spec.task == "multi-label":
        f_score = partial(multi_label, threshold=spec.threshold, beta=spec.beta)
        return f_score(n, label_smoothing=label_smoothing, weights=weights)
    return scaled_regression(spec.y_scale, spec.y_range)


def n_out(task: TaskName, classes: Sequence[str]) -> int:
    """Outputs of the network."""
    return 1 if task == "regression" else len(classes)


def answer_of(spec: Spec, row: list[float]) -> Answer:
    """What `predict` gives for the decoded outputs of one photo."""
    if spec.task == "regression":
        return row[0]
    if spec.task == "multi-label":
        return Labels.of(spec.classes, row, spec.threshold)
    return Prediction.of(spec.classes, row)


def classifier_of(config: Config) -> tuple[Spec, Arguments]:
    """The spec that config.json states, and what builds the network.

    Raises:
        ValueError: either makes no sense, or they do not fit each other.
    """
    spec = Spec.from_json({**config.spec, "task": config.task})
    n = n_out(spec.task, spec.classes)
    return spec, arguments_of(config.model, Arguments, n_out=n, size=spec.size)
