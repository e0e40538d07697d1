"""From photos and masks to the pairs of both parts, opened, and a report of what they hold."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from zoo.core.messages import few
from zoo.core.split import Hashes, SeenRows, require_both_parts
from zoo.vision.data.contents import file_hashes, held_out_photos
from zoo.vision.data.images import Interpolation
from zoo.vision.data.photo_parts import PhotoPart, require_new, require_other_photos
from zoo.vision.segmentation.mask_values import MaskValues, check_values, settled
from zoo.vision.segmentation.masks import Masked, MaskedPhotos, Shape, find_masks, laid, open_masks


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
    valid: MaskedPhotos
    known: MaskValues
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
    photos: Any,
    masks: Any,
    *,
    valid: Any,
    valid_fraction: float,
    root: Any,
    columns: tuple[str, str] | None,
    seed: int,
    threads: int,
    trained_on: SeenRows | None = None,
) -> tuple[Part, Part]:
    """The pairs to train on and those to validate on; no photo is in both, nor a copy of one.

    Raises:
        FileNotFoundError: a folder or file does not exist.
        ValueError: as `find_masks` and `laid`; or parts that the data state share photos.
    """
    found = _part(find_masks(photos, masks, root=root, columns=columns), threads)
    is_valid = found.files.is_valid
    if valid is not None:
        pair = valid if isinstance(valid, (tuple, list)) else (valid, None)
        train = found if is_valid is None else found.take(np.flatnonzero(~is_valid))
        other = _part(find_masks(*pair, root=root, columns=columns), threads)
    else:
        if is_valid is None:
            is_valid = held_out_photos(found.hashes, valid_fraction, seed, trained_on)
        train, other = (found.take(np.flatnonzero(rows)) for rows in (~is_valid, is_valid))
    require_other_photos(*(PhotoPart(one.files.photos, one.hashes) for one in (train, other)))
    require_both_parts(
        len(train.files),
        len(other.files),
        rows="photos",
        way_out="Move some, or leave the split out.",
    )
    require_new(other.hashes, trained_on)
    return train, other


def open_parts(
    parts: Sequence[Part],
    shape: Shape,
    interpolation: Interpolation,
    threads: int,
    classes: Sequence[str] | None,
    ignore: int | None,
) -> Opened:
    """Both parts with their masks read, and what is in them.

    Raises:
        ValueError: as `open_masks` and `zoo.vision.segmentation.mask_values.settled`.
    """
    opened = [open_masks(part.files, shape, interpolation, threads, part.hashes) for part in parts]
    counts = [one.counts() for one in opened]
    known = settled(counts[0] + counts[1], classes, ignore)
    for one in counts:
        check_values(one, known)
    if known.is_guessed:
        warnings.warn(
            f"masks have the values 0 to {len(known.classes) - 1} and {known.ignore}, which is "
            f"taken for pixels that count for nothing; say ignore={known.ignore}, or name as many "
            "classes as there are values",
            stacklevel=2,
        )
    train, valid = (one.as_classes(known) for one in opened)
    return Opened(train, valid, known, report_of(parts, known.describe(counts[0] + counts[1])))


def report_of(parts: Sequence[Part], values: str) -> MaskReport:
    """What the parts are, beside what their masks hold."""
    train, valid = (part.files for part in parts)
    same = train.without_mask == valid.without_mask and train.n_test == valid.n_test
    others = [train] if same else [train, valid]  # parts of one folder share their left-overs
    return MaskReport(
        len(train),
        len(valid),
        sum(one.n_test for one in others),
        [path for one in others for path in one.without_mask],
        [path for one in others for path in one.without_photo],
        sum(turn != 1 for one in (train, valid) for turn in one.turns),
        values,
    )


def _part(found: Masked, threads: int) -> Part:
    whole = laid(found, threads)
    return Part(whole, file_hashes(whole.photos, threads))
