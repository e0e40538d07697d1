"""The data doctor: what is wrong with a set of photos, before an hour is spent on it.

report = zoo.vision.check("photos/")
report.ok, report.findings

Errors spoil a training or its score: files that cannot be read, photos that stand on both sides of
the split (a leak) or under two labels, labels for validation alone. Warnings may be meant:
duplicates within a part, tiny, extreme or blank photos, classes of very different size.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.progress import track

from zoo.core.run import Run
from zoo.vision.data.cache import file_hash, in_order
from zoo.vision.data.folders import is_folder, visible_folders
from zoo.vision.data.images import MAX_ASPECT, Resize, UnreadableImage, open_image, read
from zoo.vision.data.labels import Label
from zoo.vision.data.photo_lists import photo_list
from zoo.vision.data.sources import contents
from zoo.vision.data.tables import is_table
from zoo.vision.inspect.diagnosis import Finding, Level, Report
from zoo.vision.inspect.likeness import alike

MIN_SIDE: Final = 32  # px; a usual backbone's total stride
FLAT: Final = 4.0  # of 255: standard deviation of a thumbnail from which on it shows something
FEW, UNEVEN = 10, 10.0  # photos of a class; times the smallest class
_SIDE: Final = 16  # px of a thumbnail


class Photos(NamedTuple):
    """Files of one data set: which part each is of, and its label."""

    paths: list[Path]
    labels: list[Label | None]
    parts: list[str]
    ignored: int


class _Look(NamedTuple):
    """What a look at a file tells; `reason` where it cannot be read."""

    digest: str
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
            photos.ignored + other.ignored,
        )
    n, quiet = len(photos.paths), not run.shows_progress
    stream = in_order(_look, photos.paths, threads=run.n_threads)
    looks = list(track(stream, "looking", n, disable=quiet, transient=True))
    sides = zip(photos.parts, photos.labels, strict=True)
    counts = Counter((part, text) for part, label in sides for text in _texts(label))
    unreadable = [row for row, one in enumerate(looks) if one.reason]
    findings = [
        *_finding("error", "broken", "cannot be read", photos, unreadable),
        *_duplicates(photos, looks),
        *_odd(photos, looks, min_side),
        *_balance(counts),
    ]
    return Report(n, photos.ignored, dict(counts), findings)


def _photos(data: Any, part: str, root: Any, columns: tuple[str, str] | None) -> Photos:
    if not is_table(data):
        raise ValueError(
            "photos to check must come as a folder or a table (CSV file or DataFrame), got a "
            f"{type(data).__name__}. Give one of these."
        )
    if is_folder(data) and not visible_folders(Path(data)):
        paths = photo_list(data)
        return Photos(paths, [None] * len(paths), [part] * len(paths), 0)
    paths, labels, is_valid, ignored = contents(data, root=root, columns=columns)
    sides = np.zeros(len(paths), bool) if is_valid is None else is_valid
    return Photos(paths, [*labels], ["valid" if one else part for one in sides], ignored)


def _look(path: Path) -> _Look:
    try:
        small = read(path, Resize(4 * _SIDE)).convert("L")
    except UnreadableImage as error:
        return _Look("", reason=str(error))
    with open_image(path) as image:
        size = image.size
    thumbnail = small.resize((_SIDE, _SIDE), Image.Resampling.BOX)
    return _Look(f"{file_hash(path):x}", size, np.asarray(thumbnail, dtype=np.float32))


def _duplicates(photos: Photos, looks: Sequence[_Look]) -> list[Finding]:
    """Groups of photos that are the same: on both sides, under two labels, or just twice."""
    groups_of: dict[tuple[Level, str, str], list[tuple[Path, ...]]] = defaultdict(list)
    for rows in _groups(looks):
        group = tuple(photos.paths[row] for row in rows)
        exact = len({looks[row].digest for row in rows}) == 1
        kind = "the same file" if exact else "nearly the same photo"
        if len({photos.parts[row] for row in rows}) > 1:
            groups_of["error", "leak", f"{kind} in train and valid"].append(group)
        elif len({str(photos.labels[row]) for row in rows}) > 1:
            groups_of["error", "two labels", f"{kind} under several labels"].append(group)
        else:
            groups_of["warning", "duplicates", f"{kind} more than once"].append(group)
    return [Finding(*what, tuple(groups)) for what, groups in groups_of.items()]


def _groups(looks: Sequence[_Look]) -> list[list[int]]:
    """Rows that show the same, found by content and by thumbnail, joined where they overlap."""
    empty = np.full((_SIDE, _SIDE), np.nan, dtype=np.float32)
    shown = [one.thumbnail for one in looks]
    thumbnails = np.stack([empty if t is None or t.std() < FLAT else t for t in shown])
    first: dict[str | int, int] = {}
    copies = np.array([first.setdefault(one.digest or i, i) for i, one in enumerate(looks)])
    groups: dict[int, list[int]] = defaultdict(list)
    for row, top in enumerate(alike(thumbnails, copies).tolist()):
        groups[top].append(row)
    return [group for group in groups.values() if len(group) > 1]


def _odd(photos: Photos, looks: Sequence[_Look], min_side: int) -> list[Finding]:
    """Tiny, very long and blank photos."""
    whole = [(row, one) for row, one in enumerate(looks) if not one.reason]
    tiny = [row for row, one in whole if min(one.size) < min_side]
    long = [row for row, one in whole if max(one.size) > MAX_ASPECT * min(one.size)]
    blank = [row for row, one in whole if one.thumbnail is not None and one.thumbnail.std() < 1]
    cut = f"more than {MAX_ASPECT} times as long as wide: only the middle is used"
    return [
        *_finding("warning", "tiny", f"smaller than {min_side} px", photos, tiny),
        *_finding("warning", "extreme", cut, photos, long),
        *_finding("warning", "blank", "nothing but one colour", photos, blank),
    ]


def _balance(counts: Mapping[tuple[str, str], int]) -> list[Finding]:
    """Labels that are rare, far more frequent than others, or on one side of the split alone."""
    train, valid = (
        Counter({name: n for (part, name), n in counts.items() if part == side})
        for side in ("train", "valid")
    )
    if not train:
        return []
    texts: list[tuple[Level, str]] = []
    if unknown := sorted(set(valid) - set(train)):
        texts.append(("error", f"labels in valid alone: {', '.join(unknown)}"))
    if valid and (untested := sorted(set(train) - set(valid))):
        texts.append(("warning", f"labels in train alone: {', '.join(untested)}"))
    if rare := sorted(name for name, n in train.items() if n < FEW):
        texts.append(("warning", f"fewer than {FEW} photos to train on: {', '.join(rare)}"))
    ranking = train.most_common()
    (most, high), (least, low) = ranking[0], ranking[-1]
    if high > UNEVEN * low:
        texts.append(("warning", f"{most} has {high} photos, {least} {low}: consider balancing"))
    return [Finding(level, "balance", text) for level, text in texts]


def _finding(
    level: Level, kind: str, text: str, photos: Photos, rows: Sequence[int]
) -> list[Finding]:
    files = tuple((photos.paths[row],) for row in rows)
    return [Finding(level, kind, text, files)] if files else []


def _texts(label: Label | None) -> tuple[str, ...]:
    """The names that are counted; numbers and photos without labels have none."""
    if label is None or isinstance(label, float):
        return ()
    return (label,) if isinstance(label, str) else label
