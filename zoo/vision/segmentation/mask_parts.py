"""From photos and masks to the pairs of both parts, opened, and a report of what they hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from zoo.core.messages import few, warn
from zoo.core.run import Run
from zoo.core.seen_rows import SeenRows, new_rows
from zoo.core.split import require_both_parts
from zoo.core.trust.folds import MARKED
from zoo.vision.data.contents import held_out_photos
from zoo.vision.data.images import UPRIGHT, Interpolation
from zoo.vision.data.photo_parts import PhotoPart, require_other_photos
from zoo.vision.segmentation.mask_values import MaskValues, check_values, settled, value_counts
from zoo.vision.segmentation.masks import MaskedPhotos, Part, Shape, find_masks, laid, open_masks
from zoo.vision.segmentation.options import Options


class Opened(NamedTuple):
    """Pairs to train on, and those to validate on, if any, and the classes of their masks."""

    pairs: list[MaskedPhotos]
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
        names = ("photos without a mask", "masks without a photo")
        for what, paths in zip(names, (self.without_mask, self.without_photo), strict=True):
            if paths:
                lines.append(f"{len(paths)} {what}: {few([path.name for path in paths])}")
        if self.n_turned:
            lines.append(f"{self.n_turned} masks turned as EXIF turns their photos")
        return "\n".join([*lines, f"pixels of masks: {self.values}"])


def find_parts(
    photos: Any, masks: Any, settings: Options, run: Run, trained_on: SeenRows | None = None
) -> list[Part]:
    """The pairs to train on and those to validate on, if any; no photo is in both, nor a copy.

    Args:
        photos: a folder, a table or a list of paths.
        masks: likewise, or None.
        settings: all options of the verb.
        run: the circumstances.
        trained_on: photos that the pretrained model knows.

    Raises:
        FileNotFoundError: a folder or file does not exist.
        ValueError: as `find_masks` and `laid`; or parts that the data state share photos.
    """
    threads, valid = run.n_threads, settings["valid"]
    listing: dict[str, Any] = {"root": settings["root"], "columns": settings["columns"]}
    pairs = laid(find_masks(photos, masks, **listing), threads)
    is_valid, fold = pairs.files.is_valid, settings["fold"]
    if fold is not None and is_valid is not None:
        raise ValueError(MARKED)
    drawn = valid is None and is_valid is None
    if valid is not None:
        both = valid if isinstance(valid, (tuple, list)) else (valid, None)
        train = pairs if is_valid is None else pairs.take(~is_valid)
        other = laid(find_masks(*both, **listing), threads)
    else:
        if is_valid is None:
            share = settings["valid_fraction"]
            if not share and fold is None:
                return [pairs]
            is_valid = held_out_photos(pairs.hashes, share, run.seed, trained_on, fold)
            if not is_valid.any():
                return [pairs]
        train, other = pairs.take(~is_valid), pairs.take(is_valid)
    require_other_photos(*(PhotoPart(part.files.photos, part.hashes) for part in (train, other)))
    way_out = "Move some, or leave the split out."
    require_both_parts(len(train.files), len(other.files), rows="photos", way_out=way_out)
    is_new = new_rows(other.hashes, trained_on, rows="photos", drawn=drawn)
    return [train, other.take(is_new)] if is_new.any() else [train]


def open_parts(
    parts: Sequence[Part], shape: Shape, interpolation: Interpolation, settings: Options, run: Run
) -> Opened:
    """The parts with their masks read, and what is in them.

    Raises:
        ValueError: as `open_masks` and `zoo.vision.segmentation.mask_values.settled`.
    """
    opened = [open_masks(part, shape, interpolation, run.n_threads) for part in parts]
    counts = [value_counts(one.masks) for one in opened]
    total = np.sum(counts, axis=0)
    values = settled(total, settings["classes"], settings["ignore"])
    for own in counts:
        check_values(own, values)
    if values.is_guessed:
        warn(
            f"masks have the values 0 to {len(values.classes) - 1} and {values.ignore}, which is "
            f"taken for pixels that count for nothing; say ignore={values.ignore}, or name as many "
            "classes as there are values"
        )
    pairs = [one.as_classes(values) for one in opened]
    return Opened(pairs, values, report_of(parts, values.describe(total)))


def report_of(parts: Sequence[Part], values: str) -> MaskReport:
    """What the parts are, beside what their masks hold."""
    train, *valid = (part.files for part in parts)
    of_folders = {id(one.without_mask): one for one in (train, *valid)}.values()
    return MaskReport(
        len(train),
        sum(map(len, valid)),
        sum(one.n_test for one in of_folders),
        [path for one in of_folders for path in one.without_mask],
        [path for one in of_folders for path in one.without_photo],
        sum(turn != UPRIGHT for part in parts for turn in part.turns),
        values,
    )
