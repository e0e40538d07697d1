"""A user's own map-style torch data sets of (image, label), for training and for validation."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from torch.utils.data import Subset

from zoo.core.messages import few
from zoo.core.split import Hashes, content_hashes, held_out_of_each, require_disjoint
from zoo.vision.classification.spec import TaskName
from zoo.vision.data.dataset_items import DatasetItems, as_pairs
from zoo.vision.data.folders import VALID_NAMES
from zoo.vision.data.images import Resize
from zoo.vision.data.labels import Asked, counts, strata
from zoo.vision.data.sources import disjoint

PLAIN = Resize(1)  # of items whose labels and contents alone are looked at


class Parts(NamedTuple):
    """Both parts of a data set and their labels, as `zoo.vision.data.labels.encoded` gives them.

    `rows` and `valid_rows` are content hashes of their images; None of large data sets.
    """

    train: Any
    train_labels: NDArray[Any]
    valid: Any
    valid_labels: NDArray[Any]
    classes: tuple[str, ...]
    task: TaskName
    rows: Hashes | None = None
    valid_rows: Hashes | None = None


def split(
    train: Any,
    valid: Any,
    columns: tuple[str, str] | None,
    fraction: float,
    seed: int,
    asked: Asked,
) -> Parts:
    """A data set and the one to validate on, or a drawn fraction of it.

    A mapping of parts, such as a Hugging Face `DatasetDict`, states both.

    Raises:
        ValueError: it is no such data set, its labels are none, or a class has no image to learn.
    """
    if isinstance(train, Mapping) and "train" in train and valid is None:
        valid = next((train[name] for name in VALID_NAMES if name in train), None)
        train = train["train"]
    train, valid = as_pairs(train, columns), as_pairs(valid, columns)
    _require_map_style(train, *([] if valid is None else [valid]))
    items = DatasetItems(train, PLAIN)
    labels = items.labels(asked.settled)
    task = _task_of(labels)
    classes: tuple[str, ...] = ()
    if task != "regression":
        n = labels.shape[1] if task == "multi-label" else max(labels, default=-1) + 1
        names = _names(train) or [str(i) for i in range(n)]
        classes = tuple(str(name) for name in names)
        _require_distinct(classes)
        _require_labels(labels, classes)
    hashes = items.hashes()
    parts: tuple[Hashes | None, Hashes | None] = (None, None)
    if valid is None:
        drawn = held_out_of_each(_strata(labels, fraction), fraction, seed)
        rows, valid_rows = (np.flatnonzero(side) for side in (~drawn, drawn))
        if hashes is not None:
            rows, valid_rows = disjoint(rows, valid_rows, hashes, labels)
        train, valid = Subset(train, rows.tolist()), Subset(train, valid_rows.tolist())
        known = labels[rows], labels[valid_rows]
        if hashes is not None:
            parts = hashes[rows], hashes[valid_rows]
    else:
        known = labels, labelled(valid, classes, task)
        parts = hashes, DatasetItems(valid, PLAIN).hashes()
        _require_other_images(train, valid, *parts)
    n_each = counts(known[0], len(classes)).tolist() if classes else []
    absent = [name for name, n in zip(classes, n_each, strict=True) if n == 0]
    if absent:
        raise ValueError(
            "every class needs photos to train on, however the data set has none of "
            f"{few(absent)}; add some or renumber the labels"
        )
    return Parts(train, known[0], valid, known[1], classes, task, *parts)


def labelled(data: Any, classes: Sequence[str], task: TaskName) -> NDArray[Any]:
    """The labels of a data set, of known classes, which its own names, if any, tell apart.

    Raises:
        ValueError: it is no such data set, or its labels are of another kind or number.
    """
    _require_map_style(data)
    labels = DatasetItems(data, PLAIN).labels(task)
    if task == "regression":
        return labels
    names = [str(name) for name in _names(data) or classes]
    if names == [*classes] or not set(classes) - {str(i) for i in range(len(classes))}:
        _require_labels(labels, classes)
        return labels
    _require_labels(labels, names)
    if unknown := [name for name in names if name not in classes]:
        raise ValueError(
            f"classes of a data set must be those that the model knows, got {few(unknown)} beside "
            f"{few(list(classes))}. Rename its `classes`."
        )
    numbers = np.array([list(classes).index(name) for name in names])
    if labels.ndim == 1:
        return np.asarray(numbers[labels])
    has = np.zeros((len(labels), len(classes)), labels.dtype)
    has[:, numbers] = labels
    return has


def _names(data: Any) -> list[Any]:
    """The names that a data set gives to its classes; none if it does not."""
    names = getattr(data, "classes", None)
    return [] if names is None else list(names)


def _require_distinct(classes: Sequence[str]) -> None:
    """Refuse two classes of one name, whose probabilities nobody could tell apart."""
    if twice := [name for name in dict.fromkeys(classes) if classes.count(name) > 1]:
        raise ValueError(
            f"every class must have a name of its own, got {few(twice)} more than once. Rename "
            f"them in the data set's `classes`, such as {twice[0] + ' 2'!r}."
        )


def _require_other_images(
    train: Any, valid: Any, hashes: Hashes | None, valid_hashes: Hashes | None
) -> None:
    """Refuse a data set to validate on with images of that to train on, as far as can be told."""
    way_out = "Give a data set of other images as valid."
    if hashes is not None and valid_hashes is not None:
        require_disjoint(hashes, valid_hashes, rows="images", way_out=way_out)
        return
    one, other = _base(train), _base(valid)
    if one[0] is other[0]:
        both = (content_hashes(rows) for rows in (one[1], other[1]))
        require_disjoint(*both, rows="images", way_out=way_out)


def _base(data: Any) -> tuple[Any, list[int]]:
    """The whole data set that one is a part of, and the part's rows of it."""
    rows = list(range(len(data)))
    while isinstance(data, Subset):
        rows, data = [data.indices[row] for row in rows], data.dataset
    return data, rows


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
