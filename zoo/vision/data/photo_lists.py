"""Photos without labels: all of a folder, or a list of files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from zoo.core.messages import few
from zoo.vision.data.images import is_image, walk


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
