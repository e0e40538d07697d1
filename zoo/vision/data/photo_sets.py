"""From a user's photos to batches: a listing of what there is, then the photos opened.

Photos come from a folder, a table (CSV or DataFrame) or a map-style data set. Unreadable files are
counted and named in one warning and left out.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple, Unpack

import numpy as np
import torch
from numpy.typing import NDArray

from zoo.core.batches import Origin
from zoo.core.contents import Hashes
from zoo.core.run import Run
from zoo.core.seen_rows import SeenRows, new_rows
from zoo.core.split import Rows, require_disjoint
from zoo.core.trust.folds import MARKED
from zoo.vision.data import datasets, sources
from zoo.vision.data.augment import NONE, SIDE_ON, TOP_DOWN, Augment
from zoo.vision.data.batches import ItemSource, PhotoBatches
from zoo.vision.data.cache import Items, open_items
from zoo.vision.data.contents import readable
from zoo.vision.data.dataset_items import DatasetItems, as_pairs
from zoo.vision.data.images import Resize
from zoo.vision.data.labels import ANY_LABELS, Targets
from zoo.vision.data.listings import Listing
from zoo.vision.data.preprocessing import Preprocessing
from zoo.vision.data.sources import TableForm
from zoo.vision.data.splits import disjoint
from zoo.vision.data.tables import is_table
from zoo.vision.option_names import AugmentName, TaskName

AUGMENTS: Final = {"side_on": SIDE_ON, "top_down": TOP_DOWN, "none": None}


class LabelledItems(NamedTuple):
    """Photos that are ready to be cropped, and their labels.

    Attributes:
        items: the photos.
        labels: as `zoo.vision.data.labels.encoded` gives them. Shape: (n,) or (n, n_classes).
        hashes: content of the photos, if it is known. Shape: (n,).
        groups: number of the group that each belongs to, if they have groups. Shape: (n,).
    """

    items: Items | DatasetItems
    labels: Targets
    hashes: Hashes | None
    groups: Rows | None = None

    def take(self, rows: Rows) -> LabelledItems:
        """Some of them, in that order."""
        hashes = None if self.hashes is None else self.hashes[rows]
        groups = None if self.groups is None else self.groups[rows]
        return LabelledItems(self.items.take(rows), self.labels[rows], hashes, groups)


class PhotoSet(NamedTuple):
    """Opened photos to train on, those to validate on, if any, and where the latter come from."""

    train: LabelledItems
    valid: LabelledItems | None
    origin: Origin | None = None


def list_photos(
    data: Any,
    valid: Any = None,
    *,
    valid_fraction: float = 0.2,
    seed: int = 0,
    fold: tuple[int, int] | None = None,
    group: str | None = None,
    **form: Unpack[TableForm],
) -> Listing:
    """The photos that `data` (and `valid`, if given) stand for; none is decoded.

    Args:
        data: a folder, CSV file, DataFrame or map-style data set of (image, label); labels are
            classes, several per photo, or numbers (see `zoo.vision.data.labels`).
        valid: the validation part in the same form; None takes what `data` says, else a
            stratified fraction.
        valid_fraction: share of every class.
        seed: the draw is a function of it.
        fold: which of several parts to validate on in place of the fraction.
        group: a table's column of groups whose photos stay on one side.
        **form: see `zoo.vision.data.sources.TableForm`.

    Raises:
        FileNotFoundError: a folder, file or photo does not exist.
        ValueError: there are no photos, one class alone, or classes for validation alone.
    """
    columns, options = form.get("columns"), form.get("label_options", ANY_LABELS)
    if group is not None and valid is not None:
        raise ValueError(
            f"groups must have a part to be drawn, got {group=} and a validation part of its own. "
            "Leave one of them out."
        )
    if not is_table(data) or not (valid is None or is_table(valid)):
        return datasets.split(data, valid, columns, valid_fraction, seed, options, fold)
    if valid is None:
        how: Any = {"valid_fraction": valid_fraction, "seed": seed, "fold": fold}
        return sources.split(data, **how, group=group, **form)
    if fold is not None:
        raise ValueError(MARKED)
    train = sources.everything(data, **form)
    form["label_options"], form["fix"] = replace(options, task=train.task), None
    return Listing(train, sources.labelled(valid, train.classes, **form))


def open_photos(
    listing: Listing,
    preprocessing: Preprocessing,
    run: Run,
    *,
    strict: bool = False,
    trained_on: SeenRows | None = None,
) -> PhotoSet:
    """Open the photos of a listing: files are decoded into the cache, or read from it.

    Args:
        listing: what there is.
        preprocessing: how the network sees photos.
        run: the cache and its threads.
        strict: raise for unreadable photos instead of leaving them out with one warning.
        trained_on: photos that the pretrained model knows.

    Raises:
        UnreadableImage: a file is unreadable, and strict.
        ValueError: a class has no readable photo, or parts share photos.
    """
    if not listing.paths:
        parts = [
            LabelledItems(DatasetItems(part.source, preprocessing.resize), part.labels, part.hashes)
            for part in listing.parts
        ]
        kept = [np.arange(len(listing.labels))[-len(part.labels) :] for part in listing.parts]
    else:
        parts, kept = _open_files(listing, preprocessing.resize, run, strict, trained_on)
    valid, of_valid = (parts[1], kept[-1]) if len(parts) > 1 else (None, None)
    if valid is not None and valid.hashes is not None:
        drawn = listing.names is not None  # at random, or as one of several folds
        is_new = new_rows(valid.hashes, trained_on, rows="photos", drawn=drawn)
        chosen = np.flatnonzero(is_new)
        valid, of_valid = (valid.take(chosen), kept[-1][chosen]) if len(chosen) else (None, None)
    groups = listing.train.groups
    train = parts[0] if groups is None else parts[0]._replace(groups=groups[kept[0]])
    return PhotoSet(train, valid, None if of_valid is None else _origin(listing, of_valid))


def open_labelled(
    data: Any,
    preprocessing: Preprocessing,
    run: Run,
    *,
    classes: Sequence[str],
    task: TaskName,
    **form: Unpack[TableForm],
) -> LabelledItems:
    """Open labelled photos of known classes; of a table that marks photos to validate on, those.

    Args:
        data: a folder, CSV file, DataFrame or map-style data set of (image, label).
        preprocessing: how the model sees photos.
        run: the cache and its threads.
        classes: the model's classes.
        task: the model's task.
        **form: see `zoo.vision.data.sources.TableForm`.

    Raises:
        FileNotFoundError: a folder, file or photo does not exist.
        ValueError: there are no readable photos, or classes that the model does not know.
    """
    if not is_table(data):
        data = as_pairs(data, form.get("columns"))
        items = DatasetItems(data, preprocessing.resize)
        return LabelledItems(items, datasets.labelled(data, classes, task), items.hashes())
    photos = sources.labelled(data, classes, **form)
    opened = decode_photos(photos.paths, preprocessing.resize, run)
    (rows,) = readable([photos], opened.unreadable)
    return _taken(opened, photos.labels, rows)


def decode_photos(paths: Sequence[Path], resize: Resize, run: Run) -> Items:
    """The photos resized, out of the cache or decoded into it now."""
    from rich.progress import Progress  # slow to import

    with Progress(transient=True, disable=not run.shows_progress) as bar:
        task = bar.add_task("decoding photos", total=len(paths))
        return open_items(paths, resize, run, lambda done, _: bar.update(task, completed=done))


def batches(
    photo_set: PhotoSet,
    preprocessing: Preprocessing,
    run: Run,
    *,
    batch_size: int,
    augment: Augment | None,
) -> tuple[PhotoBatches, PhotoBatches | None]:
    """Training batches, shuffled and augmented, and validation batches of centre crops."""
    train, valid, _ = photo_set
    plain = photo_batches(*train[:2], preprocessing, run, batch_size=batch_size)
    ordered = valid and photo_batches(*valid[:2], preprocessing, run, batch_size=2 * batch_size)
    return replace(plain, augment=augment, shuffle=True, groups=train.groups), ordered


def resized(
    parts: Sequence[PhotoBatches], preprocessing: Preprocessing, run: Run
) -> list[PhotoBatches]:
    """The same photos at another size: decoded into a cache of their own, or from it."""
    resize, size = preprocessing.resize, preprocessing.size
    paths = [path for part in parts if isinstance(part.items, Items) for path in part.items.paths]
    rows = iter(range(len(paths)))
    opened = decode_photos(paths, resize, run) if paths else None
    new = []
    for part in parts:
        old: Any = part.items
        items = opened and opened.take(itertools.islice(rows, len(old)))
        new.append(replace(part, items=items or DatasetItems(old.dataset, resize), size=size))
    return new


def photo_batches(
    items: ItemSource, labels: Targets, preprocessing: Preprocessing, run: Run, *, batch_size: int
) -> PhotoBatches:
    """Batches on the run's device, in order and unvaried."""
    return PhotoBatches(
        items=items,
        targets=torch.from_numpy(np.asarray(labels)),
        size=preprocessing.size,
        mean=preprocessing.mean,
        std=preprocessing.std,
        batch_size=batch_size,
        seed=run.seed,
        device=run.torch_device(),
        threads=run.n_threads,
    )


def augmentation(augment: AugmentName | Augment) -> Augment | None:
    """The augmentation of a name, or the one given; None for none at all.

    Raises:
        ValueError: an unknown name.
    """
    if isinstance(augment, Augment):
        return None if augment == NONE else augment
    if not isinstance(augment, str) or augment not in AUGMENTS:
        raise ValueError(
            f"augment must be one of {', '.join(AUGMENTS)} or an Augment, got {augment=!r:.80}. "
            "'side_on' suits most photos."
        )
    return AUGMENTS[augment]


def _open_files(
    listing: Listing, resize: Resize, run: Run, strict: bool, trained_on: SeenRows | None
) -> tuple[list[LabelledItems], list[Rows]]:
    """The readable files of each part, no copy of another part's, and their rows of all paths."""
    items, labels = decode_photos(listing.paths, resize, run), listing.labels
    rows = sources.readable_parts(listing, items.unreadable, strict=strict)
    if listing.drawn:
        rows = [*disjoint(rows[0], rows[1], items.hashes, labels, trained_on)]
    if len(rows) > 1:
        hashes = [items.hashes[part] for part in rows]
        way_out = "Remove them from one part: zoo.vision.check lists them."
        require_disjoint(*hashes, rows="photos", way_out=way_out)
    return [_taken(items, labels, part) for part in rows], rows


def _origin(listing: Listing, kept: Rows) -> Origin | None:
    """Which of the user's photos are validated on, if that part was drawn from them.

    Args:
        listing: what there is.
        kept: rows of the validation part among those of all parts. Shape: (n,)
    """
    if listing.names is None or listing.valid is None:
        return None
    rows = [part.rows for part in listing.parts if part.rows is not None]
    return Origin(listing.names, np.concatenate(rows)[kept])


def _taken(items: Items, labels: Targets, rows: NDArray[np.int64]) -> LabelledItems:
    return LabelledItems(items.take(rows), labels[rows], items.hashes[rows])
