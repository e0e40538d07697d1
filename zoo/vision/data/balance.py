"""Classes that are not equally frequent: weights in the loss, or photos of rare ones repeated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from numbers import Real
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from zoo.core.messages import few
from zoo.vision.data.labels import Targets, counts
from zoo.vision.data.photo_sets import LabelledItems
from zoo.vision.option_names import TaskName

ClassWeights = Literal["balanced"] | Mapping[str, float]
"""By class; "balanced" weighs each by the inverse of its frequency, their mean over photos 1."""


def weights_of(
    chosen: ClassWeights | None, labels: Targets, classes: Sequence[str], task: TaskName
) -> Tensor | None:
    """How much each class, or the presence of each label, counts. Shape: (n_classes,).

    Args:
        chosen: what the user says; None for no weights.
        labels: those of the training photos, as `zoo.vision.data.labels.encoded` gives them.
        classes: the classes, in the order of the outputs.
        task: what is asked of a photo.

    Raises:
        ValueError: there are no classes, unknown ones, or weights that are not positive.
    """
    if chosen is None:
        return None
    if task == "regression":
        raise ValueError(
            f"class_weights must be of classes, got {task=} with class_weights={chosen!r:.80}. "
            "Leave them out."
        )
    if isinstance(chosen, str):
        n = counts(labels, len(classes)).clip(1)
        balanced = len(labels) / n / len(n) if task == "classification" else len(labels) / n - 1
        return torch.from_numpy(balanced.clip(1e-3).astype(np.float32))
    unknown = [name for name in chosen if name not in classes]
    wrong = {name: w for name, w in chosen.items() if not _is_weight(w)}
    if unknown or wrong:
        raise ValueError(
            "every class weight must be positive and of a class, got "
            f"{few(unknown) or wrong}. Classes are {few(classes)}."
        )
    return torch.tensor([float(chosen.get(name, 1.0)) for name in classes])


def oversampled(photos: LabelledItems, task: TaskName, seed: int) -> LabelledItems:
    """The same photos, those of rarer classes repeated until all classes are equally frequent.

    Repeats are spread evenly over the photos of a class; which get one more is drawn by the seed.

    Raises:
        ValueError: photos have no one class each.
    """
    if task != "classification":
        raise ValueError(
            f"oversample must go by the one class of each photo, got oversample=True with {task=}. "
            "Leave it out."
        )
    labels, rng = photos.labels, np.random.default_rng(seed)
    n_each = np.bincount(labels)
    parts = [np.flatnonzero(labels == number) for number in range(len(n_each))]
    repeated = [np.resize(rng.permutation(rows), n_each.max()) for rows in parts]
    rows = np.sort(np.concatenate(repeated))
    return photos._replace(items=photos.items.take(rows), labels=labels[rows])


def _is_weight(value: Any) -> bool:
    return isinstance(value, Real) and 0 < float(value) < inf
