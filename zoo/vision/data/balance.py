"""Classes that are not equally frequent: weights in the loss, or photos of rare ones repeated."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from zoo.core.class_weights import ClassWeights, class_weights
from zoo.vision.data.labels import Targets, counts
from zoo.vision.data.photo_sets import LabelledItems
from zoo.vision.option_names import TaskName


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
    n_each, several = counts(labels, len(classes)), task == "multi-label"
    return class_weights(chosen, n_each, len(labels), classes, several=several)


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
    groups = None if photos.groups is None else photos.groups[rows]
    return photos._replace(items=photos.items.take(rows), labels=labels[rows], groups=groups)
