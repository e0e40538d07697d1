"""A user's own map-style torch data sets of (image, label), for training and for validation."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from torch.utils.data import Subset

from zoo.core.contents import content_hashes
from zoo.core.messages import few
from zoo.core.split import held_out_of_each, require_disjoint
from zoo.core.trust.folds import MARKED
from zoo.vision.data.dataset_items import DatasetItems, as_pairs
from zoo.vision.data.folders import VALID_NAMES
from zoo.vision.data.images import Resize
from zoo.vision.data.labels import LabelOptions, Targets, absent, strata
from zoo.vision.data.listings import Listing, Photos
from zoo.vision.data.splits import disjoint, held_out_fold, together
from zoo.vision.option_names import TaskName

PLAIN: Final = Resize(1)  # of items whose labels and contents alone are looked at


def split(
    train: Any,
    valid: Any,
    columns: tuple[str, str] | None,
    fraction: float,
    seed: int,
    options: LabelOptions,
    fold: tuple[int, int] | None = None,
) -> Listing:
    """A data set and the one to validate on, or a drawn fraction of it.

    A mapping of parts, such as a Hugging Face `DatasetDict`, states both.

    Raises:
        ValueError: it is no such data set, its labels are none, or a class has no image to learn.
    """
    if isinstance(train, Mapping) and "train" in train and valid is None:
        valid = next((train[name] for name in VALID_NAMES if name in train), None)
        train = train["train"]
    if fold is not None and valid is not None:
        raise ValueError(MARKED)
    train, valid = as_pairs(train, columns), as_pairs(valid, columns)
    _require_map_style(train)
    photos = _photos(train, options)
    if valid is not None:
        labels, items = labelled(valid, photos.classes, photos.task), DatasetItems(valid, PLAIN)
        other = Photos(valid, labels, photos.classes, photos.task, items.hashes())
        _require_other_images(photos, other)
        listing = Listing(photos, other)
    elif fold is not None:
        keys = together(photos.hashes, None)
        drawn = held_out_fold(fold, _strata(photos.labels, 1 / fold[1]), keys, seed)
        rows, valid_rows = np.flatnonzero(~drawn), np.flatnonzero(drawn)
        listing = Listing(photos.take(rows), photos.take(valid_rows), names=range(len(photos)))
    elif fraction:
        drawn = held_out_of_each(_strata(photos.labels, fraction), fraction, seed)
        rows, valid_rows = np.flatnonzero(~drawn), np.flatnonzero(drawn)
        if photos.hashes is not None:
            rows, valid_rows = disjoint(rows, valid_rows, photos.hashes, photos.labels)
        parts = photos.take(rows), photos.take(valid_rows)
        listing = Listing(*parts, drawn=True, names=range(len(photos)))
    else:
        listing = Listing(photos, None)
    if empty := absent(listing.train.labels, photos.classes):
        raise ValueError(
            f"every class must have photos to train on, got none of {few(empty)} in the data set. "
            "Add some, or renumber the labels."
        )
    return listing


def _photos(data: Any, options: LabelOptions) -> Photos:
    """The images of a data set with their labels, and its classes."""
    items = DatasetItems(data, PLAIN)
    labels = items.labels(options.settled)
    task = _task_of(labels)
    classes: tuple[str, ...] = ()
    if task != "regression":
        n = labels.shape[1] if task == "multi-label" else max(labels, default=-1) + 1
        classes = tuple(map(str, _names(data) or range(n)))
        _require_distinct(classes)
        _require_labels(labels, classes)
    return Photos(data, labels, classes, task, items.hashes())


def labelled(data: Any, classes: Sequence[str], task: TaskName) -> Targets:
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


def _require_other_images(train: Photos, valid: Photos) -> None:
    """Refuse a data set to validate on with images of that to train on, as far as can be told."""
    way_out = "Give a data set of other images as valid."
    if train.hashes is not None and valid.hashes is not None:
        require_disjoint(train.hashes, valid.hashes, rows="images", way_out=way_out)
        return
    (one, rows), (other, valid_rows) = _base(train.source), _base(valid.source)
    if one is other:
        both = map(content_hashes, (rows, valid_rows))
        require_disjoint(*both, rows="images", way_out=way_out)


def _base(data: Any) -> tuple[Any, list[int]]:
    """The whole data set that one is a part of, and the part's rows of it."""
    rows = list(range(len(data)))
    while isinstance(data, Subset):
        rows, data = [data.indices[row] for row in rows], data.dataset
    return data, rows


def _task_of(labels: Targets) -> TaskName:
    if labels.ndim == 2:
        return "multi-label"
    return "classification" if labels.dtype == np.int64 else "regression"


def _strata(labels: Targets, fraction: float) -> NDArray[np.int64]:
    """Groups that a split shares out."""
    if labels.ndim == 2:
        return strata([tuple(map(str, np.flatnonzero(row))) for row in labels], fraction)
    return labels if labels.dtype == np.int64 else strata(labels.tolist(), fraction)


def _require_map_style(data: Any) -> None:
    others = (str, bytes, os.PathLike, pd.DataFrame, dict)
    if isinstance(data, others) or not (hasattr(data, "__len__") and hasattr(data, "__getitem__")):
        raise ValueError(
            "photos must come as a folder, a table (CSV file or DataFrame) or a map-style data set "
            "of (image, label), the validation part in the same form, got a "
            f"{type(data).__name__}. Give one of them."
        )


def _require_labels(labels: Targets, classes: Sequence[str]) -> None:
    if labels.ndim == 2:
        if labels.shape[1] != len(classes):
            raise ValueError(
                "several labels of an image must be a vector with a place for each class, got "
                f"{labels.shape[1]} places for classes={list(classes[:5])}. Make them match."
            )
    elif len(classes) < 2 or not len(labels) or labels.min() < 0 or labels.max() >= len(classes):
        raise ValueError(
            "labels of a data set must number at least two classes from 0, got "
            f"{sorted(set(labels.tolist()))[:5]} for classes={list(classes[:5])}. Renumber them."
        )
