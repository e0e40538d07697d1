"""A user's own map-style torch data sets of (image, label), for training and for validation."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from torch.utils.data import Subset

from zoo.vision.batches import DatasetItems
from zoo.vision.labels import Asked, counts, strata
from zoo.vision.sources import draw
from zoo.vision.spec import TaskName
from zoo.vision.wording import few


class Parts(NamedTuple):
    """Both parts of a data set and their labels, as `zoo.vision.labels.encoded` gives them."""

    train: Any
    train_labels: NDArray[Any]
    valid: Any
    valid_labels: NDArray[Any]
    classes: tuple[str, ...]
    task: TaskName


def split(train: Any, valid: Any, fraction: float, seed: int, asked: Asked) -> Parts:
    """A data set and the one to validate on, or a drawn fraction of it.

    Raises:
        ValueError: it is no such data set, its labels are none, or a class has no image to learn.
    """
    _require_map_style(train, *([] if valid is None else [valid]))
    labels = DatasetItems(train, 1).labels(asked.settled)
    task = _task_of(labels)
    classes: tuple[str, ...] = ()
    if task != "regression":
        n = labels.shape[1] if task == "multi-label" else max(labels, default=-1) + 1
        names = getattr(train, "classes", None) or [str(i) for i in range(n)]
        classes = tuple(str(name) for name in names)
        _require_labels(labels, classes)
    if valid is None:
        drawn = draw(_strata(labels, fraction), fraction, seed)
        rows, valid_rows = (np.flatnonzero(side).tolist() for side in (~drawn, drawn))
        train, valid = Subset(train, rows), Subset(train, valid_rows)
        known = labels[rows], labels[valid_rows]
    else:
        known = labels, labelled(valid, classes, task)
    n_each = counts(known[0], len(classes)).tolist() if classes else []
    absent = [name for name, n in zip(classes, n_each, strict=True) if n == 0]
    if absent:
        raise ValueError(
            "every class needs photos to train on, however the data set has none of "
            f"{few(absent)}; add some or renumber the labels"
        )
    return Parts(train, known[0], valid, known[1], classes, task)


def labelled(data: Any, classes: Sequence[str], task: TaskName) -> NDArray[Any]:
    """The labels of a data set, of known classes.

    Raises:
        ValueError: it is no such data set, or its labels are of another kind or number.
    """
    _require_map_style(data)
    labels = DatasetItems(data, 1).labels(task)
    if task != "regression":
        _require_labels(labels, classes)
    return labels


def _task_of(labels: NDArray[Any]) -> TaskName:
    if labels.ndim == 2:
        return "multi-label"
    return "classification" if labels.dtype == np.int64 else "regression"


def _strata(labels: NDArray[Any], fraction: float) -> NDArray[np.int64]:
    """Groups that a split shares out."""
    if labels.ndim == 2:
        return strata([tuple(map(str, np.flatnonzero(row))) for row in labels], fraction)
    return labels if labels.dtype == np.int64 else strata(labels.tolist(), fraction)


def _require_map_style(*data: Any) -> None:
    known = (str, bytes, os.PathLike, pd.DataFrame, dict)
    for one in data:
        if isinstance(one, known) or not (hasattr(one, "__len__") and hasattr(one, "__getitem__")):
            raise ValueError(
                "photos come as a folder, a table (CSV file or DataFrame) or a map-style torch "
                "data set of (image, label), the validation part in the same form, however data "
                f"is a {type(one).__name__}; give one of them"
            )


def _require_labels(labels: NDArray[Any], classes: Sequence[str]) -> None:
    if labels.ndim == 2:
        if labels.shape[1] != len(classes):
            raise ValueError(
                "several labels of an image are a vector with a place for each class, however "
                f"they have {labels.shape[1]} and classes={list(classes[:5])}; make them match"
            )
    elif len(classes) < 2 or not len(labels) or labels.min() < 0 or labels.max() >= len(classes):
        raise ValueError(
            "labels of a data set number at least two classes from 0, however there are "
            f"{sorted(set(labels.tolist()))[:5]} for classes={list(classes[:5])}; renumber them"
        )
