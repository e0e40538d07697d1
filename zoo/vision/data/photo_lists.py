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
                f"photos come as a folder or a list of files, however {os.fspath(photos)!r} is no "
                "folder; correct the name"
            )
        found = [path for path in walk(Path(photos)) if is_image(path)]
    else:
        found = [Path(path) for path in photos]
        missing = [str(path) for path in found if not path.is_file()]
        if missing:
            raise FileNotFoundError(
                f"every photo must be a file, however there is no {few(missing)}; correct the paths"
            )
    if not found:
        raise ValueError(
            f"a folder of photos holds some, however {str(photos)[:100]!r} has none; name another"
        )
    return found
