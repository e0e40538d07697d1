"""Photos as a caller has them: paths, folders, Pillow images, arrays and tensors."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from zoo.vision.batches import to_image
from zoo.vision.images import UnreadableImage, is_image, read, walk
from zoo.vision.pixel_file import Pixels
from zoo.vision.spec import Spec
from zoo.vision.wording import few

Photo = str | os.PathLike[str] | Image.Image | np.ndarray[Any, Any] | Tensor


def listed(photos: Photo | Sequence[Photo]) -> tuple[bool, list[Photo]]:
    """Whether several photos are meant, and all of them.

    Raises:
        ValueError: a folder holds no photos, or it is nothing like photos.
    """
    if isinstance(photos, (str, os.PathLike)) and Path(photos).is_dir():
        found = [path for path in walk(Path(photos)) if is_image(path)]
        if not found:
            raise ValueError(
                f"a folder to predict holds photos, however {os.fspath(photos)!r} has none; "
                "give another folder or files"
            )
        return True, list(found)
    if isinstance(photos, (np.ndarray, Tensor)):
        return (True, list(photos)) if photos.ndim == 4 else (False, [photos])
    if isinstance(photos, (str, os.PathLike, Image.Image)):
        return False, [photos]
    try:
        return True, list(photos)
    except TypeError:
        raise ValueError(
            "photos are paths, Pillow images, arrays or tensors, or a list of them, however "
            f"{type(photos).__name__=}; give one of these"
        ) from None


class GivenPhotos:
    """Photos as a caller has them, read when they are asked for.

    Raises:
        UnreadableImage: files are missing; the first are named.
    """

    def __init__(self, photos: Sequence[Photo], spec: Spec) -> None:
        self.photos, self.spec = photos, spec
        missing = [str(p) for p in photos if _is_path(p) and not Path(str(p)).is_file()]
        if missing:
            raise UnreadableImage(
                f"every photo must be a file, however there is no {few(missing)}; correct the paths"
            )

    def __len__(self) -> int:
        return len(self.photos)

    def __getitem__(self, i: int, /) -> Pixels:
        """One photo. Shape: (H, W, 3), uint8.

        Raises:
            UnreadableImage: it is no image.
            ValueError: an array or tensor has other shapes or values than images have.
        """
        photo = self.photos[i]
        source: Any = photo if _is_path(photo) else to_image(photo, i)
        return np.asarray(read(source, self.spec.short_side, self.spec.interpolation))

    def all_unreadable(self) -> list[str]:
        """Why each file that is no image is none; reads them all."""
        reasons = []
        for i, photo in enumerate(self.photos):
            try:
                self[i] if _is_path(photo) else None
            except UnreadableImage as error:
                reasons.append(str(error))
        return reasons


def opened(photo: Photo, i: int) -> Image.Image:
    """An upright RGB image of what a caller has, at its own size.

    Raises:
        UnreadableImage: a file is missing or no image.
        ValueError: an array or tensor has other shapes or values than images have.
    """
    source: Any = photo if _is_path(photo) else to_image(photo, i)
    return read(source)


def _is_path(photo: object) -> bool:
    return isinstance(photo, (str, os.PathLike))
