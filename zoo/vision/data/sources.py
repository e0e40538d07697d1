"""From folders and tables of photos to paths with labels, for training and for validation.

Three forms are known: a folder with `train` and `valid` inside, each with one folder per class; one
folder with one folder per class; a table (CSV file or DataFrame) of paths and labels, or numbers.
Without a stated validation part a share of every class is drawn for it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypedDict, Unpack

import numpy as np
from numpy.typing import NDArray

from zoo.core.contents import Hashes, content_hashes
from zoo.core.messages import few
from zoo.core.split import Rows, held_out, held_out_of_each
from zoo.core.trust.fixes import corrections
from zoo.core.trust.folds import MARKED
from zoo.vision.data.contents import file_hashes, readable
from zoo.vision.data.folders import class_folders, from_folder, is_folder, parts
from zoo.vision.data.labels import Label, LabelOptions, absent, classes_of, encoded, strata, task_of
from zoo.vision.data.listings import Listing, Photos
from zoo.vision.data.splits import held_out_fold, together
from zoo.vision.data.tables import Table, from_table, groups_in, is_table, table_columns


class TableForm(TypedDict, total=False):
    """How a table of photos is read.

    Attributes:
        root: folder that its paths start from; by default that of its file, of a DataFrame the
            current one.
        columns: names of its columns of paths and labels; by default its first two.
        valid_column: name of its yes/no column of validation photos; by default `valid` or
            `is_valid` if there is one.
        label_options: what the user says of the labels.
        fix: table of what mends the photos to train on, see `zoo.core.trust.fixes`.
    """

    root: str | os.PathLike[str] | None
    columns: tuple[str, str] | None
    valid_column: str | None
    label_options: LabelOptions
    fix: str | os.PathLike[str] | None


class Contents(NamedTuple):
    """What a folder or table holds.

    Attributes:
        paths: files of photos.
        labels: as many.
        is_valid: whether to validate on them, if the data say it. Shape: (n,)
        rows: the number of each among all photos, of which fixes may leave some out. Shape: (n,)
        ignored: number of files left aside.
    """

    paths: list[Path]
    labels: Sequence[Label]
    is_valid: NDArray[np.bool_] | None
    rows: Rows
    ignored: int = 0


def split(
    data: Table,
    *,
    valid_fraction: float = 0.2,
    seed: int = 0,
    fold: tuple[int, int] | None = None,
    group: str | None = None,
    **form: Unpack[TableForm],
) -> Listing:
    """Training and validation photos from a folder, a CSV file or a DataFrame.

    Classes are named by their folders or labels and sorted; training decides which there are.

    Args:
        data: a folder, a table's file or a DataFrame.
        valid_fraction: share of every class to validate on where the data do not say; of a class
            with at least two photos at least one is on either side. 0 validates on nothing.
        seed: the draw is a function of it.
        fold: which of several parts to validate on in place of the fraction.
        group: a table's column of groups whose photos stay on one side.
        **form: see `TableForm`.

    Raises:
        FileNotFoundError: the folder, the file or a photo in the table does not exist.
        ValueError: there are no photos, fewer than two classes, classes for validation alone,
            missing columns or labels.
    """
    paths, names, is_valid, kept, _ = contents(data, **form)
    drawn = is_valid is None and valid_fraction > 0 and fold is None
    groups = None if group is None else groups_in(data, group)[kept]
    if fold is not None:
        if is_valid is not None:
            raise ValueError(MARKED)
        keys = together(file_hashes(paths), groups)
        is_valid = held_out_fold(fold, strata(names, 1 / fold[1]), keys, seed)
    elif drawn and groups is not None:
        keys, each = together(file_hashes(paths), groups), strata(names, valid_fraction)
        rows = held_out(len(paths), valid_fraction, seed, groups=keys, strata=each)[1]
        is_valid = np.isin(np.arange(len(paths)), rows)
    elif drawn:
        is_valid = held_out_of_each(strata(names, valid_fraction), valid_fraction, seed)
    is_stated = fold is None and groups is None
    is_train = ~is_valid if is_valid is not None and is_stated else np.ones(len(paths), bool)
    classes = classes_of([names[row] for row in np.flatnonzero(is_train).tolist()])
    labels = encoded(names, classes, "classes of the validation part must be trained on")
    photos = Photos(paths, labels, classes, task_of(names), groups=groups)
    if is_valid is None:
        return Listing(photos, None)
    if not is_valid.any():
        raise ValueError(
            f"validation needs photos, got none of {len(paths)} that is marked for it or left by "
            "classes of one photo each. Mark some, add photos, or train with valid_fraction=0."
        )
    train, valid = (photos.take(np.flatnonzero(rows)) for rows in (~is_valid, is_valid))
    every = [str(path) for path in paths] if drawn or fold is not None else None
    return Listing(train, valid, drawn, every)


def contents(data: Table, **form: Unpack[TableForm]) -> Contents:
    """The photos of a folder or table, mended.

    Raises:
        FileNotFoundError: as `split`.
        ValueError: there are no photos, labels are missing, or fixes are those of other data.
    """
    own: Any = dict(form)
    fix, ignored = own.pop("fix", None), 0
    labels: Sequence[Label]
    if is_folder(data):
        _require_classes(form)
        paths, labels, is_valid, ignored = from_folder(Path(data))
    else:
        paths, labels, is_valid = from_table(data, **own)
    everything = Contents(paths, labels, is_valid, np.arange(len(paths)), ignored)
    return everything if fix is None else _mended(everything, data, fix)


def keys_of(data: Table, paths: Sequence[Path]) -> list[str]:
    """What a table of fixes calls the photos: places in a folder, or numbers of a table's rows."""
    if not is_folder(data):
        return [str(row) for row in range(len(paths))]
    return [path.relative_to(data).as_posix() for path in paths]


def photo_hashes(digests: Iterable[int], labels: Iterable[Label | None]) -> Hashes:
    """Hashes of photos and their labels, by hashes of the files. Shape: (n,)"""
    return content_hashes(zip(digests, labels, strict=True))


def everything(data: Table, **form: Unpack[TableForm]) -> Photos:
    """All photos of a folder (perhaps with train inside) or table, to train on.

    Of a table that marks photos to validate on, the others.

    Raises:
        FileNotFoundError: as `split`.
        ValueError: as `split`.
    """
    train = parts(Path(data))[0] if is_folder(data) else None
    paths, names = _one_side(train or data, form, valid=False, whole=data)
    classes = classes_of(names)
    labels = encoded(names, classes, "every class must be trained on")
    return Photos(paths, labels, classes, task_of(names))


def labelled(data: Table, classes: Sequence[str], **form: Unpack[TableForm]) -> Photos:
    """All photos of a folder (one folder per class) or table, with labels of known classes.

    Of a table that marks photos to validate on, those: the others were trained on.

    Raises:
        FileNotFoundError: as `split`.
        ValueError: as `split`, or a class is unknown.
    """
    if is_folder(data):
        train, valid = parts(Path(data))
        if train and valid and not {train.name, valid.name} & set(classes):
            raise ValueError(
                f"labelled photos must lie in one folder per class, got {os.fspath(data)!r} with "
                f"the parts {train.name} and {valid.name}. Give one of the two."
            )
    paths, names = _one_side(data, form, valid=True)
    labels = encoded(names, classes, "classes must be those that the model knows")
    return Photos(paths, labels, tuple(classes), task_of(names))


def readable_parts(
    listing: Listing, unreadable: Mapping[int, str], *, strict: bool = False
) -> list[NDArray[np.int64]]:
    """The rows of `listing.paths` that can be read, of each part; see `readable`.

    Raises:
        ValueError: a class has no photo left to train on, or a part none at all.
    """
    rows = readable(listing.parts, unreadable, strict=strict)
    empty = absent(listing.labels[rows[0]], listing.train.classes)
    if empty or not all(map(len, rows)):
        part = "validation" if len(rows[0]) else "training"
        what = f"none of the classes {few(empty)}" if empty else f"none for {part}"
        raise ValueError(
            f"every class and part must have photos that can be read, got {what}. Replace the "
            "broken files."
        )
    return rows


def column_names(data: Any) -> list[Any]:
    """Names of the columns of a table or Hugging Face data set; none of anything else."""
    if is_table(data):
        return [] if is_folder(data) else table_columns(data)
    return list(getattr(data, "column_names", None) or ())


def table_facts(*data: Any) -> dict[str, bool]:
    """What options about tables need (`Option.needs`), and whether any of these data has it."""
    tables = [one for one in data if is_table(one) and not is_folder(one)]
    named = [one for one in data if not is_table(one) and column_names(one)]
    return {
        "a table of paths": bool(tables),
        "a table": bool(tables or named),
        "files of photos": bool(data) and is_table(data[0]),
    }


def _mended(photos: Contents, data: Table, fix: str | os.PathLike[str]) -> Contents:
    """The photos that fixes leave, with the labels that they correct."""

    def hashes(rows: Rows) -> Hashes:
        digests = file_hashes([photos.paths[row] for row in rows]).tolist()
        return photo_hashes(digests, [photos.labels[row] for row in rows])

    mends = corrections(fix, keys_of(data, photos.paths), hashes)
    labels, rows = mends.relabelled(photos.labels), mends.rows
    is_valid = None if photos.is_valid is None else photos.is_valid[rows]
    chosen = rows.tolist()
    paths = [photos.paths[row] for row in chosen]
    return Contents(paths, [labels[row] for row in chosen], is_valid, rows, photos.ignored)


def _one_side(
    data: Table, form: TableForm, *, valid: bool, whole: Table | None = None
) -> tuple[list[Path], list[Label]]:
    """Every photo and its label; of a table that marks validation photos, one side of them.

    Args:
        data: a folder of classes, or a table.
        form: how a table is read.
        valid: which side.
        whole: the folder that fixes count from.

    Raises:
        ValueError: the table marks none of that side.
    """
    fix = form.get("fix")
    if is_folder(data):
        _require_classes(form)
        paths, names, _ = class_folders(Path(data))
        own = Contents(paths, names, None, np.arange(len(paths)))
        mended = own if fix is None else _mended(own, data if whole is None else whole, fix)
        return mended.paths, [*mended.labels]
    marks = form.get("valid_column")
    if marks is not None and marks not in table_columns(data):
        form = {**form, "valid_column": None}  # a table of new photos alone
    paths, labels, is_valid, *_ = contents(data, **form)
    rows = range(len(paths)) if is_valid is None else np.flatnonzero(is_valid == valid).tolist()
    if not rows:
        raise ValueError(
            f"a table that marks photos to validate on must have some {'' if valid else 'not '}"
            f"marked, got none of {len(paths)}. Drop the column that marks them to take all."
        )
    return [paths[row] for row in rows], [labels[row] for row in rows]


def _require_classes(form: TableForm) -> None:
    options = form.get("label_options")
    if options is not None and options.settled not in (None, "classification"):
        raise ValueError(
            "labels of a folder must be the one class of each photo, got "
            f"task={options.settled!r}. Give a table of paths and labels."
        )
