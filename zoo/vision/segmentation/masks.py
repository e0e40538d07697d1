"""Photos with their masks: pictures of the same scene whose pixels are numbers of classes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from zoo.core.contents import Hashes
from zoo.core.fingerprint import digest
from zoo.core.frames import arrow_frame
from zoo.core.messages import few, warn
from zoo.vision.data.cache import in_order
from zoo.vision.data.contents import file_hashes, readable_rows
from zoo.vision.data.images import Interpolation, read
from zoo.vision.data.labels import LabelOptions
from zoo.vision.data.pairing import TEST, TRAIN, VALID, Picture, paired, part_of, sides
from zoo.vision.data.pixel_file import Pixels
from zoo.vision.data.tables import from_table
from zoo.vision.segmentation.mask_files import frame_of, read_mask, turns
from zoo.vision.segmentation.mask_values import MaskValues, numbered

Shape = tuple[int, int]


@dataclass(frozen=True)
class Masked:
    """Photos and their masks, as files.

    Attributes:
        photos: paths.
        masks: as many paths.
        is_valid: which to validate on, if the data say it. Shape: (n,).
        without_mask: photos that are left over.
        without_photo: masks that are left over.
        n_test: pairs of a test part, which is neither trained nor validated on.
    """

    photos: list[Path]
    masks: list[Path]
    is_valid: NDArray[np.bool_] | None = None
    without_mask: list[Path] = field(default_factory=list)
    without_photo: list[Path] = field(default_factory=list)
    n_test: int = 0

    def __len__(self) -> int:
        return len(self.photos)

    def take(self, rows: NDArray[np.int64]) -> Masked:
        """The pairs of these rows."""
        return replace(
            self,
            photos=[self.photos[i] for i in rows],
            masks=[self.masks[i] for i in rows],
            is_valid=None if self.is_valid is None else self.is_valid[rows],
        )


class Part(NamedTuple):
    """Pairs whose photos can be read.

    Attributes:
        files: photos and masks.
        turns: EXIF orientation that lays each mask on its photo, see `mask_files.turns`.
        hashes: content hashes of the photos' files. Shape: (n,).
    """

    files: Masked
    turns: list[int]
    hashes: Hashes

    def take(self, wanted: NDArray[np.bool_]) -> Part:
        """The pairs that are wanted. Shape: (n,)."""
        rows = np.flatnonzero(wanted)
        return Part(self.files.take(rows), [self.turns[i] for i in rows], self.hashes[rows])


def find_masks(
    photos: Any,
    masks: Any = None,
    *,
    root: str | os.PathLike[str] | None = None,
    columns: tuple[str, str] | None = None,
) -> Masked:
    """The pairs that two folders, one folder, or a table of two columns stand for.

    Names pair them as `zoo.vision.data.pairing` says. Folders ``train`` and ``valid`` (or val)
    inside say the split; a folder ``test`` beside ``train`` is left aside. One warning counts and
    names what is left over.

    Args:
        photos: a folder; a table (CSV file, DataFrame) of paths of photos and of masks; or a list
            of paths.
        masks: the folder of masks, or as many paths as photos; None for a table, and where masks
            lie among the photos.
        root: what a table's paths are relative to; by default the folder of its file.
        columns: the table's columns of photos and masks; by default its first two.

    Raises:
        FileNotFoundError: a folder or file does not exist.
        ValueError: there are no pairs, or a photo has several masks.
    """
    if isinstance(photos, (list, tuple)) and isinstance(masks, (list, tuple)):
        return _from_table(_table(photos, masks), root, None)
    photos = arrow_frame(photos)
    for side in (photos, masks):
        if not isinstance(side, (str, os.PathLike, pd.DataFrame, type(None))):
            raise ValueError(
                "photos and masks must be folders, a table of paths or two lists of paths, got "
                f"{type(photos).__name__} and {type(masks).__name__}. Try a DataFrame of two "
                "columns."
            )
    if masks is None and (isinstance(photos, pd.DataFrame) or not Path(photos).is_dir()):
        return _from_table(photos, root, columns)
    return _from_folders(Path(photos), Path(photos if masks is None else masks))


def _from_folders(photos: Path, masks: Path) -> Masked:
    """The pairs of two folders, or of one that holds both; a test part is left aside.

    Raises:
        ValueError: there are no pairs, or a photo has several masks.
    """
    listing = paired(*sides(photos, masks))
    if not listing.pairs:
        raise ValueError(
            "a photo and its mask must share a name, got "
            f"{_few_places(listing.photos)} and {_few_places(listing.masks)}. Call them such as "
            "cat.jpg and cat_mask.png, or give a table of paths."
        )
    parts = [part_of(photo.place) for photo, _ in listing.pairs]
    is_split = not TRAIN.isdisjoint(parts)
    is_valid, is_test = (
        np.array([is_split and part in names for part in parts]) for names in (VALID, TEST)
    )
    everything = Masked(
        [photo.path for photo, _ in listing.pairs],
        [mask.path for _, mask in listing.pairs],
        is_valid if is_valid.any() else None,
        [one.path for one in listing.photos if not (is_split and part_of(one.place) in TEST)],
        [one.path for one in listing.masks],
    )
    _warn_of_left_overs(everything)
    if not is_test.any():
        return everything
    warn(
        f"{is_test.sum()} photos of a test part in {photos} are left aside: they are for "
        "evaluate(), neither to train nor to validate on"
    )
    return replace(everything.take(np.flatnonzero(~is_test)), n_test=int(is_test.sum()))


def laid(files: Masked, threads: int) -> Part:
    """The pairs whose photos can be read, each mask with the turn that lays it on its photo.

    Raises:
        ValueError: no photo can be read, a mask cannot, or one has another shape than its photo.
    """
    files = files.take(readable_rows(files.photos, threads))
    return Part(files, turns(files.photos, files.masks), file_hashes(files.photos, threads))


@dataclass(frozen=True)
class MaskedPhotos:
    """Pairs to train on: photos read when asked for, masks in memory, both stretched to a shape.

    Shape: masks: (n, H, W), uint8. hashes: (n,), of the photos' files.
    """

    photos: list[Path]
    masks: Pixels
    shape: Shape
    interpolation: Interpolation
    hashes: Hashes

    def __len__(self) -> int:
        return len(self.photos)

    def pair(self, i: int, draws: Tensor | None) -> tuple[Pixels, Pixels]:
        """A photo and its mask. Shape: (H, W, 3) and (H, W)."""
        return stretched(read(self.photos[i]), self.shape, self.interpolation), self.masks[i]

    def as_classes(self, values: MaskValues) -> MaskedPhotos:
        """The pairs, their masks' values made numbers of classes."""
        return replace(self, masks=numbered(self.masks, values.values, values.ignore))

    def fingerprint(self) -> str:
        """A digest of photos, masks and how both are shown."""
        return digest((repr((self.shape, self.interpolation)), self.hashes, self.masks))


def open_masks(
    part: Part, shape: Shape, interpolation: Interpolation, threads: int
) -> MaskedPhotos:
    """The pairs, their masks read now.

    Args:
        part: the pairs.
        shape: height and width of both.
        interpolation: filter of the resizing of photos.
        threads: number of threads that read.

    Raises:
        ValueError: a mask is coloured or cannot be read.
    """

    def opened(row: tuple[Path, int]) -> Pixels:
        return stretched(read_mask(*row), shape, "nearest")

    files = part.files
    rows = list(zip(files.masks, part.turns, strict=True))
    in_turn = in_order(opened, rows, threads=threads, ahead=4 * threads)
    masks: Any = np.fromiter(in_turn, np.dtype((np.uint8, shape)), len(rows))
    return MaskedPhotos(files.photos, masks, shape, interpolation, part.hashes)


def photo_sides(photos: Sequence[Path], n: int = 100) -> NDArray[np.int64]:
    """Heights and widths of so many of the photos, upright, evenly chosen. Shape: (n, 2)."""
    some = photos[:: max(1, len(photos) // n)]
    return np.array([frame_of(path).upright()[::-1] for path in some], dtype=np.int64)


def stretched(
    image: Image.Image, shape: Shape, interpolation: Interpolation | Literal["nearest"]
) -> Pixels:
    """A picture's pixels at another height and width. Shape: (H, W, 3), or (H, W) of a mask."""
    if image.size != shape[::-1]:
        image = image.resize(shape[::-1], Image.Resampling[interpolation.upper()])
    return np.asarray(image)


def _table(photos: Sequence[Any], masks: Sequence[Any]) -> pd.DataFrame:
    """A table of two lists of paths."""
    if len(photos) != len(masks):
        raise ValueError(
            f"each photo must have one mask, got {len(photos)} photos and {len(masks)} masks. "
            "Leave out the others."
        )
    return pd.DataFrame({"photo": list(map(str, photos)), "mask": list(map(str, masks))})


def _from_table(
    photos: Any, root: str | os.PathLike[str] | None, columns: tuple[str, str] | None
) -> Masked:
    """The pairs of a table."""
    as_text = LabelOptions("classification")  # names of files, whatever is in them
    paths, names, is_valid = from_table(photos, root, columns, None, as_text)
    if root is None:
        root = Path() if isinstance(photos, pd.DataFrame) else Path(photos).parent
    masks = [Path(root, str(name)) for name in names]
    missing = [path for path in masks if not path.is_file()]
    if missing:
        raise FileNotFoundError(
            f"every mask must be a file, got no file {few(missing)}. Correct the paths."
        )
    return Masked(paths, masks, is_valid)


def _warn_of_left_overs(files: Masked) -> None:
    names = ("photos have no mask and are left out", "pictures are the mask of no photo")
    left_overs = zip(names, (files.without_mask, files.without_photo), strict=True)
    parts = [f"{len(paths)} {what}: {few(paths)}" for what, paths in left_overs if paths]
    if parts:
        warn(f"{'; '.join(parts)} ({len(files)} pairs are left)")


def _few_places(pictures: Sequence[Picture]) -> str:
    return few([one.place for one in pictures]) or "none"
