"""Photos without labels: all of a folder, or a list of files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from zoo.core.messages import few, warn
from zoo.vision.data.images import UnreadableImage, is_image, read, walk


def photo_list(photos: Any) -> list[Path]:
    """The photos of a folder at any depth, in sorted order, or those of a list.

    Raises:
        FileNotFoundError: a folder or a file does not exist.
        ValueError: there are none.
    """
    if isinstance(photos, (str, os.PathLike)):
        if not Path(photos).is_dir():
            raise FileNotFoundError(
                f"photos must be a folder or a list of files, got {os.fspath(photos)!r}, which is "
                "no folder. Correct the name."
            )
        paths = [path for path in walk(Path(photos)) if is_image(path)]
    else:
        paths = [Path(path) for path in photos]
        missing = [str(path) for path in paths if not path.is_file()]
        if missing:
            raise FileNotFoundError(
                f"every photo must be a file, got {few(missing)}. Correct the paths."
            )
    if not paths:
        raise ValueError(
            f"a folder of photos must hold some, got none in {str(photos)[:100]!r}. Name another."
        )
    return paths


def photos_of(files: Sequence[Path]) -> list[Path]:
    """Photos that are named themselves, and those of folders that are named.

    Raises:
        ValueError: there are none.
    """
    photos = [
        path
        for file in files
        for path in (filter(is_image, walk(file)) if file.is_dir() else [file])
    ]
    if not photos:
        raise ValueError(
            f"photos must be files or lie in folders, got {few(list(map(str, files)))} without "
            "any. Name another folder."
        )
    return photos


def without_broken(photos: Sequence[Path], files: Sequence[Path]) -> list[Path]:
    """The photos without the broken ones in folders, with a warning; those named all stay."""
    kept, broken = [], []
    for path in photos:
        try:
            if path not in files:
                read(path)
        except UnreadableImage as error:
            broken.append(str(error))
        else:
            kept.append(path)
    if not kept or not broken:
        return list(photos)
    warn(f"{len(broken)} of {len(photos)} photos are left out: {few(broken, '; ')}")
    return kept
