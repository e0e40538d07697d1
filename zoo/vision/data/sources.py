"""From folders and tables of photos to paths with labels, for training and for validation.

Three forms are known: a folder with `train` and `valid` inside, each holding a folder for every
class; one folder with a folder for every class; a table (CSV file or DataFrame) of paths and
labels, or numbers. Without a stated validation part a fifth of every class is drawn for it.
"""

from __future__ import annotations

import itertools
import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zoo.core.messages import few
from zoo.core.split import (
    TOLERABLE_SHARE,
    Hashes,
    Rows,
    SeenRows,
    held_out_of_each,
    require_both_parts,
)
from zoo.vision.classification.spec import TaskName
from zoo.vision.data.folders import class_folders, flat, from_folder, parts
from zoo.vision.data.images import UnreadableImage
from zoo.vision.data.labels import Asked, Label, classes_of, counts, encoded, strata, task_of
from zoo.vision.data.tables import Table, from_table, table_columns


@dataclass(frozen=True)
class Photos:
    """Photos with their labels.

    **Shape.** `labels`: (n,), int64, numbers of `classes`; or as `zoo.vision.data.labels.encoded`
    gives several labels or numbers; as many as `paths`.
    """

    paths: list[Path]
    labels: NDArray[Any]
    classes: tuple[str, ...]
    task: TaskName = "classification"

    def __len__(self) -> int:
        return len(self.paths)

    def take(self, rows: Iterable[int]) -> Photos:
        """The photos of these rows, in that order."""
        chosen = [int(row) for row in rows]
        paths = [self.paths[row] for row in chosen]
        return Photos(paths, self.labels[chosen], self.classes, self.task)


@dataclass(frozen=True)
class Split:
    """Photos to train on and photos to validate on.

    Attributes:
        train: photos to train on.
        valid: photos to validate on.
        ignored: files that are no images at all.
        drawn: whether the parts were drawn, not stated by the data.
    """

    train: Photos
    valid: Photos
    ignored: int = 0
    drawn: bool = False

    @property
    def paths(self) -> list[Path]:
        """All paths, those of training first."""
        return self.train.paths + self.valid.paths


def split(
    data: Table,
    *,
    root: str | os.PathLike[str] | None = None,
    columns: tuple[str, str] | None = None,
    valid_column: str | None = None,
    valid_fraction: float = 0.2,
    seed: int = 0,
    asked: Asked | None = None,
) -> Split:
    """Training and validation photos from a folder, a CSV file or a DataFrame.

    Classes are named by their folders or labels and sorted; training decides which there are.

    Args:
        data: a folder, a table's file (`.tsv` is tab-separated) or a DataFrame.
        root: what a table's paths are relative to; by default the folder of its file, of a
            DataFrame the current one.
        columns: names of a table's columns of paths and labels; by default its first two.
        valid_column: name of a table's yes/no column of validation photos; by default `valid` or
            `is_valid` if there is one.
        valid_fraction: part of every class to validate on where the data do not say; of a class
            with at least two photos at least one is on either side.
        seed: of that draw.
        asked: what the user says of the labels.

    Raises:
        FileNotFoundError: the folder, the file or a photo in the table does not exist.
        ValueError: there are no photos, fewer than two classes, classes for validation alone,
            missing columns or labels.
    """
    if not 0 < valid_fraction < 1:
        raise ValueError(f"a fraction is between 0 and 1, however {valid_fraction=}; try 0.2")
    found: list[Label]
    if isinstance(data, pd.DataFrame) or not Path(data).is_dir():
        paths, found, is_valid = from_table(data, root, columns, valid_column, asked or Asked())
        ignored = 0
    else:
        _require_classes(asked)
        paths, names, is_valid, ignored = from_folder(Path(data))
        found = [*names]
    drawn = is_valid is None
    if is_valid is None:
        is_valid = held_out_of_each(strata(found, valid_fraction), valid_fraction, seed)
    classes = classes_of([label for label, valid in zip(found, is_valid, strict=True) if not valid])
    labels = encoded(found, classes, "validation holds classes that training has not")
    everything = Photos(paths, labels, classes, task_of(found))
    train, valid = np.flatnonzero(~is_valid), np.flatnonzero(is_valid)
    require_both_parts(
        len(train), len(valid), rows="photos", way_out="Mark some, or add photos of each class."
    )
    return Split(everything.take(train), everything.take(valid), ignored, drawn)


def everything(
    data: Table,
    *,
    root: str | os.PathLike[str] | None = None,
    columns: tuple[str, str] | None = None,
    valid_column: str | None = None,
    asked: Asked | None = None,
) -> Photos:
    """All photos of a folder (a folder a class, perhaps within train) or table, to train on.

    Of a table that marks photos to validate on, the others.

    Raises:
        FileNotFoundError: as `split`.
        ValueError: as `split`.
    """
    if not isinstance(data, pd.DataFrame) and Path(data).is_dir():
        data = parts(Path(data))[0] or data
    paths, found = _named(data, root, columns, valid_column, asked, side=False)
    classes = classes_of(found)
    values = encoded(found, classes, "every class is known")
    return Photos(paths, values, classes, task_of(found))


def labelled(
    data: Table,
    classes: Sequence[str],
    *,
    root: str | os.PathLike[str] | None = None,
    columns: tuple[str, str] | None = None,
    valid_column: str | None = None,
    asked: Asked | None = None,
) -> Photos:
    """All photos of a folder (a folder a class) or table, with labels of known classes.

    Of a table that marks photos to validate on, those: the others were trained on.

    Raises:
        FileNotFoundError: as `split`.
        ValueError: as `split`, or a class is unknown.
    """
    if not isinstance(data, pd.DataFrame) and Path(data).is_dir():
        train, valid = parts(Path(data))
        if train and valid and not {train.name, valid.name} & set(classes):
            raise ValueError(
                f"labelled photos lie in a folder for every class, however {os.fspath(data)!r} "
                f"holds {train.name} and {valid.name}; give one of the two"
            )
    paths, found = _named(data, root, columns, valid_column, asked, side=True)
    labels = encoded(found, classes, "every class must be one that the model knows")
    return Photos(paths, labels, tuple(classes), task_of(found))


def readable(
    parts: Sequence[Photos], unreadable: Mapping[int, str], *, strict: bool = False
) -> list[NDArray[np.int64]]:
    """The rows of each part that can be read; one warning counts and names the others.

    Args:
        parts: photos whose paths, one part after the other, were tried.
        unreadable: number among these paths -> what is wrong.
        strict: raise instead of warning.

    Returns:
        For every part rows among all paths. Shape: (readable photos of the part,).

    Raises:
        UnreadableImage: a file is unreadable, and strict.
    """
    n = sum(len(part) for part in parts)
    if unreadable:
        reasons = few([unreadable[row] for row in sorted(unreadable)], "; ")
        if strict:
            raise UnreadableImage(
                f"every photo must be readable (strict), however {reasons}; remove or mend them"
            )
        message = f"{len(unreadable)} of {n} photos are left out: {reasons}"
        warnings.warn(message, stacklevel=2)
    whole = np.array([row not in unreadable for row in range(n)], dtype=bool)
    ends = np.cumsum([0, *(len(part) for part in parts)])
    return [low + np.flatnonzero(whole[low:high]) for low, high in itertools.pairwise(ends)]


def without_unreadable(
    photos: Split, unreadable: Mapping[int, str], *, strict: bool = False
) -> tuple[Split, NDArray[np.int64], NDArray[np.int64]]:
    """The split without unreadable photos, and the rows of `photos.paths` that are left.

    Raises:
        ValueError: a class has no photo left to train on, or validation none at all.
    """
    train, valid = readable([photos.train, photos.valid], unreadable, strict=strict)
    left = Split(
        photos.train.take(train),
        photos.valid.take(valid - len(photos.train)),
        photos.ignored,
        photos.drawn,
    )
    empty: list[str] = []
    if photos.train.classes:
        n_each = counts(left.train.labels, len(photos.train.classes))
        empty = [name for name, n in zip(photos.train.classes, n_each, strict=True) if n == 0]
    if empty or not len(left.train) or not len(left.valid):
        part = "validation" if len(left.train) else "training"
        what = f"the classes {few(empty)} have no" if empty else f"{part} has no"
        raise ValueError(
            f"every class must have photos that can be read, however {what} readable photo; "
            "replace the broken files"
        )
    return left, train, valid


def _named(
    data: Table,
    root: str | os.PathLike[str] | None,
    columns: tuple[str, str] | None,
    valid_column: str | None,
    asked: Asked | None,
    *,
    side: bool,
) -> tuple[list[Path], list[Label]]:
    """Every photo and its label; of a table that marks validation photos, one side of them.

    Raises:
        ValueError: the table marks none of that side.
    """
    if isinstance(data, pd.DataFrame) or not Path(data).is_dir():
        if valid_column is not None and valid_column not in table_columns(data):
            valid_column = None  # a table of new photos alone
        paths, found, is_valid = from_table(data, root, columns, valid_column, asked or Asked())
        rows = range(len(paths)) if is_valid is None else np.flatnonzero(is_valid == side).tolist()
        if not rows:
            raise ValueError(
                f"a table that marks photos to validate on must have some "
                f"{'' if side else 'not '}marked, got none of {len(paths)}. Drop the column that "
                "marks them to take all."
            )
        return [paths[row] for row in rows], [found[row] for row in rows]
    _require_classes(asked)
    paths, names = flat(class_folders(Path(data))[0])
    return paths, [*names]


def _require_classes(asked: Asked | None) -> None:
    if asked and asked.settled not in (None, "classification"):
        raise ValueError(
            f"a folder names the one class of each photo, however task={asked.settled!r} is asked "
            "for; give a table of paths and labels"
        )


def disjoint(
    train: Rows,
    valid: Rows,
    hashes: Hashes,
    labels: NDArray[Any],
    seen: SeenRows | None = None,
) -> tuple[Rows, Rows]:
    """Drawn parts that share no photo; validation has none that a pretrained model knows, if any.

    All copies of a photo go to one side, about as many to validation as before; parts without
    copies stay as they are.

    Args:
        train: rows to train on.
        valid: rows to validate on.
        hashes: content of all rows. Shape: (n,)
        labels: of all rows, as `zoo.vision.data.labels.encoded` gives them; every class keeps rows
            to train on.
        seen: what the pretrained model was trained on.

    Raises:
        ValueError: nothing would be left to validate on.
    """
    rows, share = np.concatenate([train, valid]), len(valid) / (len(train) + len(valid))
    is_valid = np.isin(rows, valid)
    split = np.intersect1d(hashes[train], hashes[valid])  # sorted: as good as drawn
    copies = np.isin(hashes[rows], split)
    n_each = np.unique(hashes[rows[copies]], return_counts=True)[1]
    chosen = split[: max(int((n_each.cumsum() <= (copies & is_valid).sum()).sum()), 1)]
    is_valid[copies] = np.isin(hashes[rows[copies]], chosen)
    if labels.dtype == np.int64:
        is_valid &= np.isin(labels[rows], labels[rows[~is_valid]])
    if seen is not None and not seen.is_cut_off:
        known = seen.contains(hashes[rows])
        if (known & is_valid).any() and not known.all():
            is_valid = ~known & _about(share, known, is_valid)
    require_both_parts(
        int((~is_valid).sum()),
        int(is_valid.sum()),
        rows="photos that are no copies of the others",
        way_out="Give others as valid.",
    )
    if not copies.any() and seen is None:
        return train, valid
    return np.sort(rows[~is_valid]), np.sort(rows[is_valid])


def _about(share: float, known: NDArray[np.bool_], is_valid: NDArray[np.bool_]) -> Any:
    """The unknown ones of the drawn rows, filled up with others that are unknown."""
    wanted = max(round(share * len(known)), 1)
    order = np.argsort(~is_valid, kind="stable")  # those drawn come first
    kept = order[~known[order]][:wanted]
    return np.isin(np.arange(len(known)), kept)


def warn_of_known(hashes: Hashes, seen: SeenRows | None) -> None:
    """Warn of a validation part that the pretrained model was trained on.

    Args:
        hashes: content of the photos to validate on. Shape: (n,)
        seen: what the pretrained model was trained on.
    """
    share = 0.0 if seen is None else seen.share(hashes)
    if share > TOLERABLE_SHARE:
        warnings.warn(
            f"the model that training starts from was trained on about {share:.0%} of the "
            f"{len(hashes)} validation photos, so that scores are better than those of new photos; "
            "give others as valid",
            UserWarning,
            stacklevel=2,
        )
