"""Photos without labels: all of a folder, or a list of files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from zoo.core.messages import few
from zoo.core.names import is_file
from zoo.vision.data.contents import readable, reason
from zoo.vision.data.folders import is_folder, photos_in


def photo_list(photos: Any) -> list[Path]:
    """The photos of a folder at any depth, in sorted order, or those of a list.

    Raises:
        FileNotFoundError: a folder or a file does not exist.
        ValueError: there are none.
    """
    if is_folder(photos):
        paths = photos_in(photos)
    elif isinstance(photos, (str, os.PathLike)):
        raise FileNotFoundError(
            f"photos must be a folder or a list of files, got {os.fspath(photos)!r}, which is no "
            "folder. Correct the name."
        )
    else:
        paths = [Path(path) for path in photos]
        require_files(paths)
    if not paths:
        raise ValueError(
            f"a folder of photos must hold some, got none in {str(photos)[:100]!r}. Name another."
        )
    return paths


def require_files(paths: Iterable[Path], error: type[Exception] = FileNotFoundError) -> None:
    """Refuse paths of photos that are no files; raises an error of the given kind."""
    if missing := [str(path)[:100] for path in paths if not is_file(path)]:
        raise error(f"every photo must be a file, got {few(missing)}. Correct the paths.")


def photos_of(files: Sequence[Path]) -> list[Path]:
    """Photos that are named themselves, and those of folders that are named.

    Raises:
        ValueError: there are none.
    """
    photos = [path for file in files for path in (photos_in(file) if is_folder(file) else [file])]
    if not photos:
        raise ValueError(
            f"photos must be files or lie in folders, got {few(list(map(str, files)))} without "
            "any. Name another folder."
        )
    return photos


def without_broken(photos: Sequence[Path], files: Sequence[Path]) -> list[Path]:
    """The photos without the broken ones in folders, with a warning; those named all stay."""
    reasons = {i: reason(path, None) for i, path in enumerate(photos) if path not in files}
    broken = {i: why for i, why in reasons.items() if why}
    if len(broken) == len(photos):
        return list(photos)
    (rows,) = readable([photos], broken)
    return [photos[row] for row in rows]
