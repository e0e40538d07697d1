"""From photos and masks to the pairs of both parts, opened, and a report of what they hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from zoo.core.messages import few, warn
from zoo.core.run import Run
from zoo.core.split import Hashes, SeenRows, require_both_parts
from zoo.vision.data.contents import file_hashes, held_out_photos
from zoo.vision.data.images import Interpolation
from zoo.vision.data.photo_parts import PhotoPart, require_new, require_other_photos
from zoo.vision.segmentation.mask_values import MaskValues, check_values, settled
from zoo.vision.segmentation.masks import Masked, MaskedPhotos, Shape, find_masks, laid, open_masks
from zoo.vision.segmentation.options import Options


class Part(NamedTuple):
    """Pairs, as files, and a hash of each photo's content."""

    files: Masked
    hashes: Hashes

    def take(self, rows: NDArray[np.int64]) -> Part:
        """The pairs of these rows."""
        return Part(self.files.take(rows), self.hashes[rows])


class Opened(NamedTuple):
    """Pairs of both parts, and the classes of their masks."""

    train: MaskedPhotos
    valid: MaskedPhotos | None
    mask_values: MaskValues
    report: MaskReport


@dataclass(frozen=True)
class MaskReport:
    """What photos and masks are, before anything is trained.

    Attributes:
        n_train: pairs to train on.
        n_valid: pairs to validate on.
        n_test: pairs of a test part, left aside.
        without_mask: photos that are left over.
        without_photo: masks that are left over.
        n_turned: masks that are turned as their photos are, by EXIF.
        values: each value in the masks, its class, and its share of the pixels.
    """

    n_train: int
    n_valid: int
    n_test: int
    without_mask: list[Path]
    without_photo: list[Path]
    n_turned: int
    values: str

    def __str__(self) -> str:
        lines = [f"{self.n_train} pairs to train on, {self.n_valid} to validate on"]
        if self.n_test:
            lines.append(f"{self.n_test} pairs of a test part left aside")
        for paths, what in (
            (self.without_mask, "photos without a mask"),
            (self.without_photo, "masks without a photo"),
        ):
            if paths:
                lines.append(f"{len(paths)} {what}: {few([path.name for path in paths])}")
        if self.n_turned:
            lines.append(f"{self.n_turned} masks turned as EXIF turns their photos")
        return "\n".join([*lines, f"pixels of masks: {self.values}"])


def find_parts(
    photos: Any, masks: Any, settings: Options, trained_on: SeenRows | None = None
) -> list[Part]:
    """The pairs to train on and those to validate on, if any; no photo is in both, nor a copy.

    Args:
        photos: a folder, a table or a list of paths.
        masks: likewise, or None.
        settings: all options of the verb.
        trained_on: photos that the pretrained model knows.

    Raises:
        FileNotFoundError: a folder or file does not exist.
        ValueError: as `find_masks` and `laid`; or parts that the data state share photos.
    """
    run, valid = settings["run"] or Run(), settings["valid"]
    listing: dict[str, Any] = {"root": settings["root"], "columns": settings["columns"]}
    pairs = _part(find_masks(photos, masks, **listing), run.n_threads)
    is_valid = pairs.files.is_valid
    if valid is not None:
        both = valid if isinstance(valid, (tuple, list)) else (valid, None)
        train = pairs if is_valid is None else pairs.take(np.flatnonzero(~is_valid))
        other = _part(find_masks(*both, **listing), run.n_threads)
    elif is_valid is None and not settings["valid_fraction"]:
        return [pairs]
    else:
        if is_valid is None:
            share = settings["valid_fraction"]
            is_valid = held_out_photos(pairs.hashes, share, run.seed, trained_on)
        train, other = (pairs.take(np.flatnonzero(rows)) for rows in (~is_valid, is_valid))
    require_other_photos(*(PhotoPart(one.files.photos, one.hashes) for one in (train, other)))
    require_both_parts(
        len(train.files),
        len(other.files),
        rows="photos",
        way_out="Move some, or leave the split out.",
    )
    require_new(other.hashes, trained_on)
    return [train, other]


def open_parts(
    parts: Sequence[Part], shape: Shape, interpolation: Interpolation, settings: Options
) -> Opened:
    """The parts with their masks read, and what is in them.

    Raises:
        ValueError: as `open_masks` and `zoo.vision.segmentation.mask_values.settled`.
    """
    threads = (settings["run"] or Run()).n_threads
    names = settings["classes"]
    classes = None if names is None else tuple(map(str, names))
    opened = [open_masks(part.files, shape, interpolation, threads, part.hashes) for part in parts]
    counts = [one.counts() for one in opened]
    total = sum(counts[1:], counts[0])
    values = settled(total, classes, settings["ignore"])
    for one in counts:
        check_values(one, values)
    if values.is_guessed:
        warn(
            f"masks have the values 0 to {len(values.classes) - 1} and {values.ignore}, which is "
            f"taken for pixels that count for nothing; say ignore={values.ignore}, or name as many "
            "classes as there are values"
        )
    train, *valid = (one.as_classes(values) for one in opened)
    report = report_of(parts, values.describe(total))
    return Opened(train, valid[0] if valid else None, values, report)


def report_of(parts: Sequence[Part], values: str) -> MaskReport:
    """What the parts are, beside what their masks hold."""
    train, *valid = (part.files for part in parts)
    others = [train]  # parts of one folder share their left-overs
    others += [
        one for one in valid if one.without_mask != train.without_mask or one.n_test != train.n_test
    ]
    return MaskReport(
        len(train),
        sum(map(len, valid)),
        sum(one.n_test for one in others),
        [path for one in others for path in one.without_mask],
        [path for one in others for path in one.without_photo],
        sum(turn != 1 for one in (train, *valid) for turn in one.turns),
        values,
    )


def _part(found: Masked, threads: int) -> Part:
    whole = laid(found, threads)
    return Part(whole, file_hashes(whole.photos, threads))
