"""Photos as a caller has them: paths, folders, Pillow images, arrays and tensors."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence, Set
from pathlib import Path
from typing import IO, Any, TypeGuard

import numpy as np
import pandas as pd
from PIL import Image
from torch import Tensor

from zoo.core.frames import arrow_frame
from zoo.vision.data.contents import reason
from zoo.vision.data.dataset_items import to_image
from zoo.vision.data.folders import is_folder, photos_in
from zoo.vision.data.images import Resize, Source, UnreadableImage, read
from zoo.vision.data.photo_lists import require_files
from zoo.vision.data.pixel_file import Pixels

Photo = str | os.PathLike[str] | bytes | IO[bytes] | Image.Image | np.ndarray[Any, Any] | Tensor
"""A path, the content of an image file, a file opened for reading, an image, array or tensor."""

OnePhoto = bytes | IO[bytes] | Image.Image
"""What is surely a single photo; a path may be a folder, and arrays may hold several."""

Many = list[Any] | tuple[Any, ...] | pd.Series | pd.DataFrame
"""What surely holds several photos, or paths of them."""

Photos = Photo | Sequence[Photo]


def listed(
    photos: Photo | Sequence[Photo], columns: tuple[str, str] | None = None
) -> tuple[bool, list[Photo]]:
    """Whether several photos are meant, and all of them.

    Args:
        photos: one or several, as `PhotoModel.predict` takes them.
        columns: a table's columns of paths and labels, if the model remembers them.

    Raises:
        ValueError: a folder holds no photos, or it is nothing like photos.
    """
    value: Any = arrow_frame(photos)
    if isinstance(value, str) and not value:
        raise ValueError("a photo's name must not be empty, got ''. Give a file or a folder.")
    if is_folder(value):
        if paths := photos_in(value):
            return True, [*paths]
        raise ValueError(
            f"a folder to predict must hold photos, got none in {os.fspath(value)!r}. Give another "
            "folder, or files."
        )
    if isinstance(value, pd.DataFrame):
        value = _column(value, columns)
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    if isinstance(value, np.ndarray) and value.dtype.kind in "OUS":
        value = [os.fsdecode(one) if value.dtype.kind == "S" else one for one in value.ravel()]
    if isinstance(value, (np.ndarray, Tensor)):
        return (True, list(value)) if value.ndim == 4 else (False, [value])
    if isinstance(value, (str, os.PathLike, Image.Image)) or _content(value) is not None:
        return False, [_read_once(value)]
    if isinstance(value, (Mapping, Set)) or not isinstance(value, Iterable):
        raise ValueError(
            "photos must be paths, Pillow images, arrays or tensors, or a list of them, got a "
            f"{type(photos).__name__}. Give one of these."
        )
    return True, [_read_once(one) for one in value]


def _column(table: pd.DataFrame, columns: tuple[str, str] | None) -> Any:
    """The column of paths.

    Raises:
        ValueError: nobody has said which it is.
    """
    if columns is not None and columns[0] in table:
        return table[columns[0]]
    first = table.columns[0] if len(table.columns) else "photo"
    raise ValueError(
        f"photos to predict must be a column of a table, got all of {list(table.columns)}. Try "
        f"predict(table[{first!r}])."
    )


def _content(photo: Any) -> Any:
    """Bytes, or the method that reads them; None of what is neither."""
    if isinstance(photo, (bytes, bytearray, memoryview)):
        return photo
    return None if isinstance(photo, (Image.Image, os.PathLike)) else getattr(photo, "read", None)


def _read_once(photo: Any) -> Any:
    """The photo; of bytes and opened files their content, which may be read again."""
    content = _content(photo)
    if content is None:
        return photo
    whole = content() if callable(content) else bytes(content)
    if not isinstance(whole, bytes):
        raise ValueError(
            f"a file must be opened for reading bytes, got {type(whole).__name__}. Try "
            "open(path, 'rb')."
        )
    return whole


class GivenPhotos:
    """Photos as a caller has them, read when they are asked for.

    Args:
        photos: paths, images, arrays or tensors.
        resize: how photos become items.

    Raises:
        UnreadableImage: files are missing; the first are named.
    """

    def __init__(self, photos: Sequence[Photo], resize: Resize) -> None:
        self.photos, self.resize = photos, resize
        require_files((Path(one) for one in photos if _is_path(one)), UnreadableImage)

    def __len__(self) -> int:
        return len(self.photos)

    def __getitem__(self, i: int, /) -> Pixels:
        """One photo. Shape: (H, W, 3), uint8.

        Raises:
            UnreadableImage: it is no image.
            ValueError: an array or tensor has other shapes or values than images have.
        """
        return np.asarray(read(_source(self.photos[i], i), self.resize))

    def fingerprint(self) -> str:
        """A name for the photos, from their pixels."""
        record = hashlib.sha256()
        for i in range(len(self)):
            record.update(self[i].tobytes())
        return record.hexdigest()

    def all_unreadable(self) -> list[str]:
        """Why each file, or its content, is no image; reads them all."""
        sources = map(_source, self.photos, range(len(self)))
        return [why for source in sources if (why := reason(source, self.resize))]


def opened(photo: Photo, i: int) -> Image.Image:
    """An upright RGB image of what a caller has, at its own size.

    Raises:
        UnreadableImage: a file is missing or no image.
        ValueError: an array or tensor has other shapes or values than images have.
    """
    return read(_source(photo, i))


def _source(photo: Photo, i: int) -> Source:
    return photo if _is_path(photo) else to_image(photo, i)


def _is_path(photo: object) -> TypeGuard[str | os.PathLike[str]]:
    return isinstance(photo, (str, os.PathLike))
