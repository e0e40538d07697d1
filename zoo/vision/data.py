"""From a user's photos to batches: the split, the cache of decoded photos, the spec.

Photos come from a folder, a table (CSV or DataFrame) or a torch data set; see
`zoo.vision.sources`. Unreadable files are counted and named in one warning and left out.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from rich.progress import Progress

from zoo.core.batches import Data
from zoo.core.run import Run
from zoo.vision import sources
from zoo.vision.augment import NONE, SIDE_ON, TOP_DOWN, Augment
from zoo.vision.batches import DatasetItems, ItemSource, PhotoBatches
from zoo.vision.cache import Items, open_items
from zoo.vision.images import usual_short_side
from zoo.vision.spec import Spec
from zoo.vision.tables import few, is_table

AugmentName = Literal["side_on", "top_down", "none"]
AUGMENTS: dict[str, Augment | None] = {"side_on": SIDE_ON, "top_down": TOP_DOWN, "none": None}


class Labelled(NamedTuple):
    """Photos to train and to validate on, before any of them is decoded.

    Attributes:
        classes: sorted names.
        short_side: of a usual photo, in pixels; None if nobody knows before reading them.
        open: from (spec, run, strict) to items and labels of both parts.
    """

    classes: tuple[str, ...]
    short_side: int | None
    open: Callable[[Spec, Run, bool], Opened]


class Opened(NamedTuple):
    """Items and labels of both parts."""

    train: ItemSource
    train_labels: NDArray[np.int64]
    valid: ItemSource
    valid_labels: NDArray[np.int64]


def find(
    data: Any,
    valid: Any = None,
    *,
    root: str | os.PathLike[str] | None = None,
    columns: tuple[str, str] | None = None,
    valid_column: str | None = None,
    valid_fraction: float = 0.2,
    seed: int = 0,
) -> Labelled:
    """The photos that `data` (and `valid`, if given) stand for.

    Args:
        data: a folder, CSV file, DataFrame or map-style torch data set of (image, label).
        valid: the validation part in the same form; None takes what `data` says, else a
            stratified fraction.
        root: see `zoo.vision.sources.split`, as the others.
        columns: of a table.
        valid_column: of a table.
        valid_fraction: of every class.
        seed: of the split.

    Raises:
        FileNotFoundError: a folder, file or photo does not exist.
        ValueError: there are no photos, one class alone, or classes for validation alone.
    """
    if not is_table(data) or not (valid is None or is_table(valid)):
        return _from_datasets(data, valid, valid_fraction, seed)
    if valid is not None:
        train = sources.everything(data, root=root, columns=columns)
        other = sources.labelled(valid, train.classes, root=root, columns=columns)
        split = sources.Split(train, other)
    else:
        split = sources.split(
            data,
            root=root,
            columns=columns,
            valid_column=valid_column,
            valid_fraction=valid_fraction,
            seed=seed,
        )

    def opened(spec: Spec, run: Run, strict: bool) -> Opened:
        items = open_photos(split.paths, spec, run)
        kept, train, valid = sources.without_unreadable(split, items.unreadable, strict=strict)
        return Opened(items.take(train), kept.train.labels, items.take(valid), kept.valid.labels)

    return Labelled(split.train.classes, usual_short_side(split.train.paths), opened)


def open_photos(paths: Sequence[Path], spec: Spec, run: Run) -> Items:
    """The photos resized for the spec, out of the cache or decoded into it now."""
    visible = None if run.progress is None else run.progress
    with Progress(transient=True, disable=visible is False) as bar:
        if visible is None and not (bar.console.is_terminal or bar.console.is_jupyter):
            bar.disable = True
        task = bar.add_task("decoding photos", total=len(paths))
        return open_items(
            paths,
            spec.short_side,
            spec.interpolation,
            folder=run.cache,
            cache_gb=run.cache_gb,
            threads=run.n_threads,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )


def batches(
    opened: Opened, spec: Spec, run: Run, *, batch_size: int, augment: Augment | None
) -> Data:
    """Training batches, shuffled and augmented, and validation batches of centre crops."""
    train = photo_batches(
        opened.train,
        opened.train_labels,
        spec,
        run,
        batch_size=batch_size,
        augment=augment,
        shuffle=True,
    )
    valid = photo_batches(opened.valid, opened.valid_labels, spec, run, batch_size=2 * batch_size)
    return Data(train, valid, spec)


def photo_batches(
    items: ItemSource,
    labels: NDArray[np.int64],
    spec: Spec,
    run: Run,
    *,
    batch_size: int,
    augment: Augment | None = None,
    shuffle: bool = False,
) -> PhotoBatches:
    """Batches on the run's device, as the spec says."""
    return PhotoBatches(
        items=items,
        targets=torch.from_numpy(np.asarray(labels)),
        size=spec.size,
        mean=spec.mean,
        std=spec.std,
        batch_size=batch_size,
        augment=augment,
        shuffle=shuffle,
        seed=run.seed,
        device=run.torch_device(),
        threads=run.n_threads,
    )


def augmentation(chosen: AugmentName | Augment) -> Augment | None:
    """The augmentation of a name, or the one given.

    Raises:
        ValueError: an unknown name.
    """
    if isinstance(chosen, Augment):
        return None if chosen == NONE else chosen
    if chosen not in AUGMENTS:
        raise ValueError(
            f"an augmentation is one of {', '.join(AUGMENTS)} or an Augment, however "
            f"augment={chosen!r}; 'side_on' suits most photos"
        )
    return AUGMENTS[chosen]


def open_labelled(
    data: Any, spec: Spec, run: Run, *, strict: bool = False
) -> tuple[ItemSource, NDArray[np.int64]]:
    """Items and labels of photos whose classes are those of the spec.

    Args:
        data: a folder, CSV file, DataFrame or map-style torch data set of (image, label).
        spec: of the model to evaluate.
        run: for the cache and its threads.
        strict: raise for unreadable photos instead of leaving them out with one warning.

    Raises:
        FileNotFoundError: a folder, file or photo does not exist.
        ValueError: there are no readable photos, or classes that the spec does not have.
    """
    if not is_table(data):
        _require_map_style(data)
        items = DatasetItems(data, spec.short_side, spec.interpolation)
        labels = items.labels()
        _require_labels(labels, spec.classes)
        return items, labels
    photos = sources.labelled(data, spec.classes)
    found = open_photos(photos.paths, spec, run)
    (rows,) = sources.readable([photos], found.unreadable, strict=strict)
    if not len(rows):
        raise ValueError(
            f"evaluation needs photos, however none of {len(photos)} can be read; replace the "
            "broken files"
        )
    return found.take(rows), photos.labels[rows]


def _from_datasets(train: Any, valid: Any, fraction: float, seed: int) -> Labelled:
    _require_map_style(train, *([] if valid is None else [valid]))
    labels = DatasetItems(train, 1).labels()
    names = getattr(train, "classes", None) or [str(i) for i in range(max(labels, default=-1) + 1)]
    classes = tuple(str(name) for name in names)
    _require_labels(labels, classes)
    if valid is None:
        drawn = sources.draw(labels, fraction, seed)
        rows, valid_rows = (np.flatnonzero(side).tolist() for side in (~drawn, drawn))
        parts = torch.utils.data.Subset(train, rows), torch.utils.data.Subset(train, valid_rows)
        known = labels[rows], labels[valid_rows]
    else:
        parts, known = (train, valid), (labels, DatasetItems(valid, 1).labels())
        _require_labels(known[1], classes)
    absent = [name for i, name in enumerate(classes) if i not in set(known[0].tolist())]
    if absent:
        raise ValueError(
            "every class needs photos to train on, however the data set has none of "
            f"{few(absent)}; add some or renumber the labels"
        )

    def opened(spec: Spec, run: Run, strict: bool) -> Opened:
        items = [DatasetItems(part, spec.short_side, spec.interpolation) for part in parts]
        return Opened(items[0], known[0], items[1], known[1])

    return Labelled(classes, None, opened)


def _require_map_style(*data: Any) -> None:
    known = (str, bytes, os.PathLike, pd.DataFrame, dict)
    for one in data:
        if isinstance(one, known) or not (hasattr(one, "__len__") and hasattr(one, "__getitem__")):
            raise ValueError(
                "photos come as a folder, a table (CSV file or DataFrame) or a map-style torch "
                "data set of (image, label), the validation part in the same form, however data "
                f"is a {type(one).__name__}; give one of them"
            )


def _require_labels(labels: NDArray[np.int64], classes: Sequence[str]) -> None:
    if len(classes) < 2 or not len(labels) or labels.min() < 0 or labels.max() >= len(classes):
        raise ValueError(
            "labels of a data set number at least two classes from 0, however there are "
            f"{sorted(set(labels.tolist()))[:5]} for classes={list(classes[:5])}; renumber them"
        )
