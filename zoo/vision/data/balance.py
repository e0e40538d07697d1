"""Classes that are not alike often: weights in the loss, or photos of rare ones repeated."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from numbers import Real
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Subset

from zoo.core.messages import few
from zoo.vision.classification.spec import Spec
from zoo.vision.data.cache import Items
from zoo.vision.data.dataset_items import DatasetItems
from zoo.vision.data.labels import counts
from zoo.vision.data.photo_sets import Opened

ClassWeights = Literal["balanced"] | Mapping[str, float]
"""By class; "balanced" weighs each by the inverse of its frequency, their mean over photos 1."""


def weights_of(chosen: ClassWeights | None, labels: NDArray[Any], spec: Spec) -> Tensor | None:
    """How much each class, or the presence of each label, counts. Shape: (n_classes,).

    Raises:
        ValueError: there are no classes, unknown ones, or weights that are not positive.
    """
    if chosen is None:
        return None
    if spec.task == "regression":
        raise ValueError(
            f"classes have weights, however task={spec.task!r} and class_weights={chosen!r}; leave "
            "them out"
        )
    if isinstance(chosen, str) and chosen == "balanced":
        n = counts(labels, len(spec.classes)).clip(1)
        balanced = (
            len(labels) / n / len(n) if spec.task == "classification" else len(labels) / n - 1
        )
        return torch.from_numpy(balanced.clip(1e-3).astype(np.float32))
    if not isinstance(chosen, Mapping):
        raise ValueError(
            f"class weights are 'balanced' or a number by class, however {chosen=}; give a mapping"
        )
    unknown = [name for name in chosen if name not in spec.classes]
    wrong = {name: w for name, w in chosen.items() if not _is_weight(w)}
    if unknown or wrong:
        raise ValueError(
            "every weight is positive and of a class, however class_weights has "
            f"{few(unknown) or wrong}; classes are {few(spec.classes)}"
        )
    return torch.tensor([float(chosen.get(name, 1.0)) for name in spec.classes])


def _is_weight(value: Any) -> bool:
    return isinstance(value, Real) and 0 < float(value) < inf


def oversampled(opened: Opened, spec: Spec, seed: int) -> Opened:
    """The same photos, those of rarer classes repeated until all classes are alike often.

    Repeats are spread evenly over the photos of a class; which get one more is drawn by the seed.

    Raises:
        ValueError: photos have no one class each.
    """
    if spec.task != "classification":
        raise ValueError(
            f"photos are repeated by their class, however task={spec.task!r} and oversample=True; "
            "leave it out"
        )
    labels, rng = opened.train_labels, np.random.default_rng(seed)
    most = counts(labels, len(spec.classes)).max()
    parts = [np.flatnonzero(labels == number) for number in range(len(spec.classes))]
    repeated = [np.resize(rng.permutation(rows), most) for rows in parts]
    rows = np.sort(np.concatenate(repeated))
    return opened._replace(train=_taken(opened.train, rows), train_labels=labels[rows])


def _taken(items: Any, rows: NDArray[np.int64]) -> Any:
    if isinstance(items, Items):
        return items.take(rows)
    part: Any = Subset(items.dataset, rows.tolist())
    return DatasetItems(part, items.resize)
