"""What the data doctor examines of photos, before an hour is spent on them.

report = zoo.vision.check("photos/")
report.ok, report.findings

Beside what all data may suffer from (`zoo.core.trust.doctor`): files that cannot be read; tiny,
extreme and blank photos; photos that are nearly the same, by their thumbnails.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.progress import track

from zoo.core.run import Run
from zoo.core.trust.diagnosis import Finding, Items, Report
from zoo.core.trust.doctor import Same, balance, copies, equal_rows, rows_finding, wrong_labels
from zoo.core.trust.likeness import alike
from zoo.vision.data.cache import file_hash, in_order
from zoo.vision.data.folders import is_folder, visible_folders
from zoo.vision.data.images import MAX_ASPECT, Resize, UnreadableImage, open_image, read
from zoo.vision.data.labels import Label
from zoo.vision.data.photo_lists import photo_list
from zoo.vision.data.sources import contents, keys_of, photo_hashes
from zoo.vision.data.tables import is_table
from zoo.vision.doubts import Labels, doubts_of

MIN_SIDE: Final = 32  # px; a usual backbone's total stride
FLAT: Final = 4.0  # of 255: standard deviation of a thumbnail from which on it shows something
SAME: Final = Same("the same file", "nearly the same photo")
_SIDE: Final = 16  # px of a thumbnail


class Photos(NamedTuple):
    """Files of one data set: their labels, which part each is of, and what finds each again."""

    paths: list[Path]
    labels: list[Label | None]
    parts: list[str]
    keys: list[str | None]
    ignored: int


class _Look(NamedTuple):
    """What a look at a file tells; `reason` where it cannot be read."""

    digest: int
    size: tuple[int, int] = (0, 0)
    thumbnail: NDArray[np.float32] | None = None
    reason: str = ""


def check(
    data: Any,
    valid: Any = None,
    *,
    root: str | os.PathLike[str] | None = None,
    columns: tuple[str, str] | None = None,
    min_side: int = MIN_SIDE,
    labels: Labels = False,
    run: Run | None = None,
) -> Report:
    """What is wrong with the photos.

    Args:
        data: a folder (one folder per class, perhaps within train and valid; or photos alone), a
            CSV file or DataFrame of paths and labels.
        valid: the validation part in the same form; None takes what `data` says.
        root: what a table's paths are relative to.
        columns: a table's columns of paths and labels.
        min_side: pixels below which a photo is tiny.
        labels: whether to look for wrong labels: by logistic regression on the features of a
            backbone, named or the first at hand, which sees each photo once; or a model, which
            does so by its `out_of_fold`.
        run: for its threads and progress.

    Raises:
        FileNotFoundError: a folder, file or photo does not exist.
        ValueError: there are no photos.
    """
    run = run or Run()
    photos = _photos(data, "train", root, columns)
    if valid is not None:
        other = _photos(valid, "valid", root, columns)
        photos = Photos(
            photos.paths + other.paths,
            photos.labels + other.labels,
            ["train"] * len(photos.paths) + ["valid"] * len(other.paths),
            photos.keys + [None] * len(other.paths),
            photos.ignored + other.ignored,
        )
    n, quiet = len(photos.paths), not run.shows_progress
    stream = in_order(_look, photos.paths, threads=run.n_threads)
    looks = list(track(stream, "looking", n, disable=quiet, transient=True))
    hashes = photo_hashes((one.digest for one in looks), photos.labels)
    items = Items("photos", photos.paths, photos.keys, photos.labels, photos.parts, hashes)
    groups = _alike(looks)
    unreadable = [row for row, one in enumerate(looks) if one.reason]
    findings = [
        *rows_finding("error", "broken", "cannot be read", unreadable, drop=True),
        *copies(items, groups, [one.digest for one in looks], SAME),
        *_odd(looks, min_side),
        *balance(items),
    ]
    if labels is not False:
        rows = [row for row, one in enumerate(looks) if not one.reason]
        findings += wrong_labels(items, doubts_of(items, labels, rows, groups, run))
    return Report(items, findings, photos.ignored)


def _photos(data: Any, part: str, root: Any, columns: tuple[str, str] | None) -> Photos:
    if not is_table(data):
        raise ValueError(
            "photos to check must come as a folder or a table (CSV file or DataFrame), got a "
            f"{type(data).__name__}. Give one of these."
        )
    if is_folder(data) and not visible_folders(Path(data)):
        paths = photo_list(data)
        n = len(paths)
        return Photos(paths, [None] * n, [part] * n, [None] * n, 0)
    paths, labels, is_valid, _, ignored = contents(data, root=root, columns=columns)
    sides = np.zeros(len(paths), bool) if is_valid is None else is_valid
    parts = ["valid" if one else part for one in sides]
    return Photos(paths, [*labels], parts, [*keys_of(data, paths)], ignored)


def _look(path: Path) -> _Look:
    try:
        small = read(path, Resize(4 * _SIDE)).convert("L")
    except UnreadableImage as error:
        return _Look(int(file_hash(path)), reason=str(error))
    with open_image(path) as image:
        size = image.size
    thumbnail = small.resize((_SIDE, _SIDE), Image.Resampling.BOX)
    return _Look(int(file_hash(path)), size, np.asarray(thumbnail, dtype=np.float32))


def _alike(looks: Sequence[_Look]) -> NDArray[np.int64]:
    """The group of each photo, found by content and by thumbnail, joined where they overlap."""
    empty = np.full((_SIDE, _SIDE), np.nan, dtype=np.float32)
    shown = [one.thumbnail for one in looks]
    thumbnails = np.stack([empty if t is None or t.std() < FLAT else t for t in shown])
    same = [("unread", i) if one.reason else one.digest for i, one in enumerate(looks)]
    return alike(thumbnails, equal_rows(same))


def _odd(looks: Sequence[_Look], min_side: int) -> list[Finding]:
    """Tiny, very long and blank photos."""
    whole = [(row, one) for row, one in enumerate(looks) if not one.reason]
    tiny = [row for row, one in whole if min(one.size) < min_side]
    long = [row for row, one in whole if max(one.size) > MAX_ASPECT * min(one.size)]
    blank = [row for row, one in whole if one.thumbnail is not None and one.thumbnail.std() < 1]
    cut = f"more than {MAX_ASPECT} times as long as wide: only the middle is used"
    return [
        *rows_finding("warning", "tiny", f"smaller than {min_side} px", tiny),
        *rows_finding("warning", "extreme", cut, long),
        *rows_finding("warning", "blank", "nothing but one colour", blank, drop=True),
    ]
