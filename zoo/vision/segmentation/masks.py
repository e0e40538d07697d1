"""Photos with their masks: pictures of the same scene whose pixels are numbers of classes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from zoo.core.messages import few, warn
from zoo.core.split import Hashes
from zoo.vision.data.cache import in_order
from zoo.vision.data.contents import file_hashes, readable_rows
from zoo.vision.data.images import Interpolation, read
from zoo.vision.data.labels import LabelOptions
from zoo.vision.data.pairing import TEST, TRAIN, VALID, Picture, paired, part_of, sides
from zoo.vision.data.pixel_file import Pixels
from zoo.vision.data.tables import from_table
from zoo.vision.segmentation.mask_files import frame_of, read_mask, turns
from zoo.vision.segmentation.mask_values import MaskValues, numbered, value_counts

Shape = tuple[int, int]


@dataclass(frozen=True)
class Masked:
    """Photos and their masks, as files.

    Attributes:
        photos: paths.
        masks: as many paths.
        is_valid: which to validate on, if the data say it. Shape: (n,).
        turns: EXIF orientation that each mask still needs, see `mask_files.turns`; none at first.
        without_mask: photos that are left over.
        without_photo: masks that are left over.
        n_test: pairs of a test part, which is neither trained nor validated on.
    """

    photos: list[Path]
    masks: list[Path]
    is_valid: NDArray[np.bool_] | None = None
    turns: list[int] = field(default_factory=list)
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
            turns=[self.turns[i] for i in rows] if self.turns else [],
        )


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
    parts = np.array([part_of(photo.place) for photo, _ in listing.pairs])
    is_split = bool(np.isin(parts, list(TRAIN)).any())
    everything = Masked(
        [photo.path for photo, _ in listing.pairs],
        [mask.path for _, mask in listing.pairs],
        np.isin(parts, list(VALID)) if is_split and np.isin(parts, list(VALID)).any() else None,
        without_mask=[
            one.path for one in listing.photos if not is_split or part_of(one.place) not in TEST
        ],
        without_photo=[one.path for one in listing.masks],
    )
    _warn_of_left_overs(everything)
    is_test = np.isin(parts, list(TEST)) & is_split
    if not is_test.any():
        return everything
    warn(
        f"{is_test.sum()} photos of a test part in {photos} are left aside: they are for "
        "evaluate(), neither to train nor to validate on"
    )
    return replace(everything.take(np.flatnonzero(~is_test)), n_test=int(is_test.sum()))


def laid(found: Masked, threads: int) -> Masked:
    """The pairs whose photos can be read, each mask with the turn that lays it on its photo.

    Raises:
        ValueError: no photo can be read, a mask cannot, or one has another shape than its photo.
    """
    whole = found.take(readable_rows(found.photos, threads))
    return replace(whole, turns=turns(whole.photos, whole.masks))


@dataclass(frozen=True)
class MaskedPhotos:
    """Pairs to train on: photos read when asked for, masks in memory, both stretched to a shape.

    **Shape.** masks: (n, H, W), uint8. hashes: (n,), of the photos' files.
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

    def as_classes(self, known: MaskValues) -> MaskedPhotos:
        """The pairs, their masks' values made numbers of classes."""
        return replace(self, masks=numbered(self.masks, known.values, known.ignore))

    def counts(self) -> NDArray[np.int64]:
        """How often each value occurs in the masks. Shape: (256,)."""
        return value_counts(self.masks)

    def fingerprint(self) -> str:
        """A digest of photos, masks and how both are shown."""
        digest = hashlib.sha256(repr((self.shape, self.interpolation)).encode())
        digest.update(self.hashes.tobytes())
        digest.update(np.ascontiguousarray(self.masks).data)
        return digest.hexdigest()


def open_masks(
    found: Masked,
    shape: Shape,
    interpolation: Interpolation,
    threads: int,
    hashes: Hashes | None = None,
) -> MaskedPhotos:
    """The pairs, their masks read now.

    Args:
        found: the pairs, as `laid` gives them.
        shape: height and width of both.
        interpolation: filter of the resizing of photos.
        threads: number of threads that read.
        hashes: content hashes of the photos' files; None has the files read.

    Raises:
        ValueError: a mask is coloured or cannot be read.
    """

    def opened(i: int) -> Pixels:
        turn = found.turns[i] if found.turns else 1
        return np.asarray(resized(read_mask(found.masks[i], turn), shape, "nearest"))

    masks = np.empty((len(found), *shape), np.uint8)
    for i, mask in enumerate(
        in_order(opened, range(len(found)), threads=threads, ahead=4 * threads)
    ):
        masks[i] = mask
    known = file_hashes(found.photos, threads) if hashes is None else hashes
    return MaskedPhotos(found.photos, masks, shape, interpolation, known)


def photo_sides(photos: Sequence[Path], n: int = 100) -> NDArray[np.int64]:
    """Heights and widths of so many of the photos, upright, evenly chosen. Shape: (n, 2)."""
    some = photos[:: max(1, len(photos) // n)]
    return np.array([frame_of(path).upright()[::-1] for path in some], dtype=np.int64)


def stretched(image: Image.Image, shape: Shape, interpolation: Interpolation) -> Pixels:
    """A photo's pixels at another shape. Shape: (H, W, 3)."""
    return np.asarray(resized(image, shape, interpolation))


def resized(image: Image.Image, shape: Shape, interpolation: Interpolation) -> Image.Image:
    """The picture at another height and width; itself if it has them."""
    height, width = shape
    if image.size == (width, height):
        return image
    return image.resize((width, height), Image.Resampling[interpolation.upper()])


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
    asked = LabelOptions("classification")  # names of files, whatever is in them
    paths, names, is_valid = from_table(photos, root, columns, None, asked)
    default = Path() if isinstance(photos, pd.DataFrame) else Path(photos).parent
    start = default if root is None else Path(root)
    masks = [start / str(name) for name in names]
    missing = [str(path) for path in masks if not path.is_file()]
    if missing:
        raise FileNotFoundError(
            f"every mask must be a file, got no file {few(missing)}. Correct the paths."
        )
    return Masked(paths, masks, is_valid)


def _warn_of_left_overs(found: Masked) -> None:
    parts = []
    if found.without_mask:
        n, names = len(found.without_mask), few(list(map(str, found.without_mask)))
        parts.append(f"{n} photos have no mask and are left out: {names}")
    if found.without_photo:
        n, names = len(found.without_photo), few(list(map(str, found.without_photo)))
        parts.append(f"{n} pictures are the mask of no photo: {names}")
    if parts:
        warn(f"{'; '.join(parts)} ({len(found)} pairs are left)")


def _few_places(pictures: Sequence[Picture]) -> str:
    return few([str(one.place) for one in pictures]) or "none"
