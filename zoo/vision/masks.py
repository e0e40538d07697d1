"""Photos with their masks: pictures of the same scene whose pixels are numbers of classes."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from zoo.vision.cache import in_order
from zoo.vision.folders import VALID_NAMES
from zoo.vision.images import Interpolation, is_image, read, walk
from zoo.vision.labels import Asked
from zoo.vision.pixel_file import Pixels
from zoo.vision.tables import from_table
from zoo.vision.wording import few

Shape = tuple[int, int]

_ENDINGS: Final = re.compile(r"[_.-](mask|masks|label|labels|gt|p|l)$", re.IGNORECASE)


@dataclass(frozen=True)
class Masked:
    """Photos and their masks, as files.

    Attributes:
        photos: paths.
        masks: as many paths.
        is_valid: which to validate on, if the data say it. Shape: (n,).
    """

    photos: list[Path]
    masks: list[Path]
    is_valid: NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.photos)

    def take(self, rows: NDArray[np.int64]) -> Masked:
        """The pairs of these rows."""
        return Masked([self.photos[i] for i in rows], [self.masks[i] for i in rows])


def find_masks(
    photos: Any,
    masks: str | os.PathLike[str] | None = None,
    *,
    root: str | os.PathLike[str] | None = None,
    columns: tuple[str, str] | None = None,
) -> Masked:
    """The pairs that two folders, or a table of two columns, stand for.

    A mask belongs to the photo of the same name, apart from the suffix and an ending such as
    ``_mask``. Folders ``train`` and ``valid`` (or val, test) inside both say the split.

    Args:
        photos: a folder; or a table (CSV file, DataFrame) of paths of photos and of masks.
        masks: the folder of masks; None for a table.
        root: what a table's paths are relative to; by default the folder of its file.
        columns: of a table; its first two otherwise.

    Raises:
        FileNotFoundError: a folder or file does not exist.
        ValueError: there are no photos, or some without a mask.
    """
    if masks is None:
        if not isinstance(photos, pd.DataFrame) and Path(photos).is_dir():
            raise ValueError(
                f"photos in a folder need the folder of their masks, however {masks=}; give it, or "
                "a table of paths of photos and masks"
            )
        asked = Asked("classification")  # names of files, whatever is in them
        paths, names, is_valid = from_table(photos, root, columns, None, asked)
        default = Path() if isinstance(photos, pd.DataFrame) else Path(photos).parent
        start = default if root is None else Path(root)
        return _checked(Masked(paths, [start / str(name) for name in names], is_valid))
    folders = Path(photos), Path(masks)
    for folder in folders:
        if not folder.is_dir():
            raise FileNotFoundError(
                f"photos and masks come as folders, however {folder} is none; correct the name"
            )
    of_photo, of_mask = (_by_name(folder) for folder in folders)
    if not of_photo:
        raise ValueError(
            f"a folder of photos holds some, however '{folders[0]}' has none; correct the name"
        )
    known = set(of_mask)
    missing = [str(path) for name, path in of_photo.items() if name not in known]
    if missing:
        raise ValueError(
            f"every photo in {folders[0]} needs a mask of its name in {folders[1]}, however of "
            f"{len(of_photo)} there is none for {few(missing) or 'any'}; rename or remove files"
        )
    first = [name.split("/")[0].lower() for name in of_photo]
    valid = np.array([part in VALID_NAMES for part in first])
    told = "train" in first and bool(valid.any())
    return _checked(
        Masked(list(of_photo.values()), [of_mask[n] for n in of_photo], valid if told else None)
    )


@dataclass(frozen=True)
class MaskedPhotos:
    """Pairs to train on: photos read when asked for, masks in memory, both stretched to a shape.

    **Shape.** masks: (n, H, W), uint8.
    """

    photos: list[Path]
    masks: Pixels
    shape: Shape
    interpolation: Interpolation

    def __len__(self) -> int:
        return len(self.photos)

    def pair(self, i: int, draws: Tensor | None) -> tuple[Pixels, Pixels]:
        """A photo and its mask. Shape: (H, W, 3) and (H, W)."""
        return stretched(read(self.photos[i]), self.shape, self.interpolation), self.masks[i]

    def take(self, rows: Sequence[int] | NDArray[np.int64]) -> MaskedPhotos:
        """The pairs of these rows."""
        return replace(self, photos=[self.photos[i] for i in rows], masks=self.masks[rows])


def open_masks(
    found: Masked, shape: Shape, interpolation: Interpolation, threads: int
) -> MaskedPhotos:
    """The pairs, their masks read now.

    Raises:
        ValueError: a mask is coloured, or of another shape than its photo.
    """

    def opened(i: int) -> Pixels:
        return np.asarray(resized(read_mask(found.masks[i]), shape, "nearest"))

    masks = np.stack(list(in_order(opened, range(len(found)), threads=threads, ahead=4 * threads)))
    return MaskedPhotos(found.photos, masks, shape, interpolation)


def read_mask(path: Path) -> Image.Image:
    """The numbers of the classes, as a grey picture.

    Raises:
        ValueError: it cannot be read, or its pixels are no single numbers in 0..255.
    """
    try:
        with Image.open(path) as image:
            mode, pixels = image.mode, np.asarray(image)
    except OSError as error:
        raise ValueError(
            f"a mask is a picture, however {path} cannot be read ({error}); mend or remove it"
        ) from error
    if pixels.ndim == 3 and (pixels == pixels[..., :1]).all():
        pixels = pixels[..., 0]
    if pixels.ndim != 2 or pixels.max() > 255 or pixels.min() < 0:
        raise ValueError(
            f"each pixel of a mask is the number of its class, however {path} has {mode=}; store "
            "it as a grey or palette PNG"
        )
    return Image.fromarray(pixels.astype(np.uint8))


def photo_sides(photos: Sequence[Path], n: int = 100) -> NDArray[np.int64]:
    """Heights and widths of so many of the photos, evenly chosen. Shape: (n, 2)."""
    some = photos[:: max(1, len(photos) // n)]
    return np.array([_size(path)[::-1] for path in some], dtype=np.int64)


def stretched(image: Image.Image, shape: Shape, interpolation: Interpolation) -> Pixels:
    """A photo's pixels at another shape. Shape: (H, W, 3)."""
    return np.asarray(resized(image, shape, interpolation))


def resized(image: Image.Image, shape: Shape, interpolation: Interpolation) -> Image.Image:
    """The picture at another height and width; itself if it has them."""
    height, width = shape
    if image.size == (width, height):
        return image
    return image.resize((width, height), Image.Resampling[interpolation.upper()])


def _by_name(folder: Path) -> dict[str, Path]:
    """Pictures at any depth by their path in the folder, without suffix and usual ending."""
    found = [path for path in walk(folder) if is_image(path)]
    return {_ENDINGS.sub("", path.relative_to(folder).with_suffix("").as_posix()): path
            for path in found}  # fmt: skip


def _checked(found: Masked) -> Masked:
    """Refuse masks that are no files, or of another shape than their photos."""
    missing = [str(path) for path in found.masks if not path.is_file()]
    if missing:
        raise FileNotFoundError(
            f"every mask must be a file, however there is no {few(missing)}; correct the paths"
        )
    wrong = []
    for photo, mask in zip(found.photos, found.masks, strict=True):
        (a, b), (c, d) = _size(photo), _size(mask)
        if not (abs(a * d - b * c) <= 0.02 * a * d or abs(a * c - b * d) <= 0.02 * a * c):
            wrong.append(f"{mask} has {c} x {d}, {photo.name} {a} x {b}")
    if wrong:
        raise ValueError(
            f"a mask has the shape of its photo, however {few(wrong, '; ')}; scale them alike"
        )
    return found


def _size(path: Path) -> tuple[int, int]:
    try:
        with Image.open(path) as image:
            return image.size
    except OSError as error:
        raise ValueError(
            f"photos and masks are pictures, however {path} cannot be read ({error}); mend or "
            "remove it"
        ) from error
