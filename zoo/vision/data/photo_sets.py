"""From a user's photos to batches: the split, the cache of decoded photos, the spec.

Photos come from a folder, a table (CSV or DataFrame) or a torch data set; see
`zoo.vision.data.sources`. Unreadable files are counted and named in one warning and left out.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import Progress

from zoo.core.batches import Data
from zoo.core.run import Run
from zoo.core.split import Hashes, SeenRows, require_disjoint
from zoo.vision.classification.spec import Spec
from zoo.vision.data import datasets, sources
from zoo.vision.data.augment import NONE, SIDE_ON, TOP_DOWN, Augment
from zoo.vision.data.batches import ItemSource, PhotoBatches
from zoo.vision.data.cache import Items, open_items
from zoo.vision.data.dataset_items import DatasetItems, as_pairs
from zoo.vision.data.images import deepest_white, usual_short_side
from zoo.vision.data.labels import Asked
from zoo.vision.data.tables import is_table, require_pair

AugmentName = Literal["side_on", "top_down", "none"]
AUGMENTS: dict[str, Augment | None] = {"side_on": SIDE_ON, "top_down": TOP_DOWN, "none": None}


class Labelled(NamedTuple):
    """Photos to train and to validate on, before any of them is decoded.

    Attributes:
        classes: sorted names; none of numbers.
        of_task: what the spec says of the task: its name, and the scale of numbers.
        short_side: of a usual photo, in pixels; None if nobody knows before reading them.
        white: grey of 16 bits that is white in them; None if they are not of 16 bits.
        open: from (spec, run, strict, photos that the pretrained model has seen) to items and
            labels of both parts.
    """

    classes: tuple[str, ...]
    of_task: dict[str, Any]
    short_side: int | None
    white: int | None
    open: Callable[[Spec, Run, bool, SeenRows | None], Opened]


class Opened(NamedTuple):
    """Items and labels of both parts, and content hashes of the training photos, if known."""

    train: ItemSource
    train_labels: NDArray[Any]
    valid: ItemSource
    valid_labels: NDArray[Any]
    rows: Hashes | None = None


def find(
    data: Any,
    valid: Any = None,
    *,
    root: str | os.PathLike[str] | None = None,
    columns: tuple[str, str] | None = None,
    valid_column: str | None = None,
    valid_fraction: float = 0.2,
    seed: int = 0,
    asked: Asked | None = None,
) -> Labelled:
    """The photos that `data` (and `valid`, if given) stand for.

    Args:
        data: a folder, CSV file, DataFrame or map-style torch data set of (image, label); labels
            are classes, several a photo, or numbers (see `zoo.vision.data.labels`).
        valid: the validation part in the same form; None takes what `data` says, else a
            stratified fraction.
        root: see `zoo.vision.data.sources.split`, as the others.
        columns: of a table.
        valid_column: of a table.
        valid_fraction: of every class.
        seed: of the split.
        asked: what the user says of the labels.

    Raises:
        FileNotFoundError: a folder, file or photo does not exist.
        ValueError: there are no photos, one class alone, or classes for validation alone.
    """
    asked = asked or Asked()
    if columns is not None:
        require_pair(columns)
    if not is_table(data) or not (valid is None or is_table(valid)):
        return _from_datasets(data, valid, columns, valid_fraction, seed, asked)
    if valid is not None:
        names: Any = {"root": root, "columns": columns, "valid_column": valid_column}
        train = sources.everything(data, asked=asked, **names)
        same = replace(asked, task=train.task)
        other = sources.labelled(valid, train.classes, asked=same, **names)
        split = sources.Split(train, other)
    else:
        split = sources.split(
            data,
            root=root,
            columns=columns,
            valid_column=valid_column,
            valid_fraction=valid_fraction,
            seed=seed,
            asked=asked,
        )

    def opened(spec: Spec, run: Run, strict: bool, seen: SeenRows | None) -> Opened:
        items = open_photos(split.paths, spec, run)
        _, train, valid = sources.without_unreadable(split, items.unreadable, strict=strict)
        labels = np.concatenate([split.train.labels, split.valid.labels])
        if split.drawn:
            train, valid = sources.disjoint(train, valid, items.hashes, labels, seen)
        way_out = "Remove them from one part: zoo.vision.check lists them."
        known, other = items.hashes[train], items.hashes[valid]
        require_disjoint(known, other, rows="photos", way_out=way_out)
        sources.warn_of_known(other, seen)
        parts = items.take(train), labels[train], items.take(valid), labels[valid]
        return Opened(*parts, known)

    of_task = asked.of_task(split.train.task, split.train.labels, split.valid.labels)
    paths = split.train.paths
    side, white = usual_short_side(paths), deepest_white(paths)
    return Labelled(split.train.classes, of_task, side, white, opened)


def open_photos(paths: Sequence[Path], spec: Spec, run: Run) -> Items:
    """The photos resized for the spec, out of the cache or decoded into it now."""
    visible = None if run.progress is None else run.progress
    with Progress(transient=True, disable=visible is False) as bar:
        if visible is None and not (bar.console.is_terminal or bar.console.is_jupyter):
            bar.disable = True
        task = bar.add_task("decoding photos", total=len(paths))
        return open_items(
            paths,
            spec.resize,
            folder=run.cache,
            cache_gb=run.cache_gb,
            threads=run.n_threads,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )


def batches(
    opened: Opened, spec: Spec, run: Run, *, batch_size: int, augment: Augment | None
) -> Data[Any]:
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
    return Data(train, valid, spec, opened.rows)


def resized(data: Data[Any], spec: Spec, run: Run) -> Data[Any]:
    """The same photos at the spec's size: decoded into a cache of their own, or from it."""
    parts: list[Any] = [part for part in (data.train, data.valid) if part is not None]
    items = [part.items for part in parts]
    if all(isinstance(one, Items) for one in items):
        paths = [path for one in items for path in one.paths]
        found, n = open_photos(paths, spec, run), len(items[0])
        items = [found.take(range(n)), found.take(range(n, len(paths)))]
    else:
        items = [DatasetItems(one.dataset, spec.resize) for one in items]
    new = [
        replace(part, items=one, size=spec.size) for part, one in zip(parts, items, strict=False)
    ]
    return data._replace(train=new[0], valid=new[1] if len(new) > 1 else None, spec=spec)


def photo_batches(
    items: ItemSource,
    labels: NDArray[Any],
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
    if not isinstance(chosen, str) or chosen not in AUGMENTS:
        raise ValueError(
            f"an augmentation is one of {', '.join(AUGMENTS)} or an Augment, however "
            f"augment={chosen!r}; 'side_on' suits most photos"
        )
    return AUGMENTS[chosen]


def open_labelled(
    data: Any,
    spec: Spec,
    run: Run,
    *,
    root: str | os.PathLike[str] | None = None,
    columns: tuple[str, str] | None = None,
    strict: bool = False,
) -> tuple[ItemSource, NDArray[Any], Hashes | None]:
    """Items, labels and content hashes of photos whose classes are those of the spec.

    Of a table that marks photos to validate on, those.

    Args:
        data: a folder, CSV file, DataFrame or map-style torch data set of (image, label).
        spec: of the model to evaluate.
        run: for the cache and its threads.
        root: what a table's paths are relative to; None takes the folder of its file.
        columns: a table's columns of paths and labels; None takes those of training, else its
            first two.
        strict: raise for unreadable photos instead of leaving them out with one warning.

    Raises:
        FileNotFoundError: a folder, file or photo does not exist.
        ValueError: there are no readable photos, or classes that the spec does not have.
    """
    if columns is not None:
        require_pair(columns)
    if not is_table(data):
        data = as_pairs(data, columns)
        items = DatasetItems(data, spec.resize)
        return items, datasets.labelled(data, spec.classes, spec.task), items.hashes()
    asked = Asked(spec.task, spec.separator)
    photos = sources.labelled(
        data,
        spec.classes,
        root=root,
        columns=columns or spec.columns,
        valid_column=spec.valid_column,
        asked=asked,
    )
    found = open_photos(photos.paths, spec, run)
    (rows,) = sources.readable([photos], found.unreadable, strict=strict)
    if not len(rows):
        raise ValueError(
            f"evaluation needs photos, however none of {len(photos)} can be read; replace the "
            "broken files"
        )
    return found.take(rows), photos.labels[rows], found.hashes[rows]


def _from_datasets(
    data: Any,
    valid: Any,
    columns: tuple[str, str] | None,
    fraction: float,
    seed: int,
    asked: Asked,
) -> Labelled:
    found = datasets.split(data, valid, columns, fraction, seed, asked)

    def opened(spec: Spec, run: Run, strict: bool, seen: SeenRows | None) -> Opened:
        train, other = (DatasetItems(part, spec.resize) for part in (found.train, found.valid))
        if found.valid_rows is not None:
            sources.warn_of_known(found.valid_rows, seen)
        return Opened(train, found.train_labels, other, found.valid_labels, found.rows)

    of_task = asked.of_task(found.task, found.train_labels, found.valid_labels)
    return Labelled(found.classes, of_task, None, None, opened)
