"""Where something is to be written: parents are made, and what lies in the way is one sentence."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def output_folder(folder: str | os.PathLike[str]) -> Path:
    """The folder, made with its parents if it is missing.

    Raises:
        FileExistsError: it, or one that it lies in, is a file.
        OSError: there is no room or no permission to make it.
    """
    place = Path(folder)
    try:
        place.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        above = (place, *place.parents)
        file = next(one for one in above if one.is_symlink() or (one.exists() and not one.is_dir()))
        raise FileExistsError(
            f"a folder must be made where no file lies, got {str(place)!r}, where {file.name!r} is "
            "a file. Choose another folder."
        ) from None
    return place


def output_file(path: str | os.PathLike[str], *, usual: str) -> Path:
    """The path of a file that can be written, its folder made if it is missing.

    Args:
        path: the file; one that is there is replaced.
        usual: name that such a file might have, for the way out.

    Raises:
        IsADirectoryError: it is a folder.
        FileExistsError: a folder that it is to lie in is a file.
        OSError: there is no room or no permission to make it.
    """
    place = Path(path)
    if place.is_dir():
        raise IsADirectoryError(
            f"a file must have another name than a folder, got the folder {str(place)!r}. Try "
            f"{str(place / usual)!r}."
        )
    if place.exists():
        return place
    try:
        folder = output_folder(place.parent)
        with tempfile.TemporaryFile(dir=folder):
            return place
    except FileExistsError:
        raise
    except OSError as error:
        raise OSError(
            f"a file must lie in a folder that can be written to, got {str(place)!r} ({error}). "
            "Choose another place, or give yourself the permission."
        ) from error
