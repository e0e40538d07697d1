"""Folders of photos: the files that are images, and the classes that folders name."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TypeGuard

import numpy as np
from numpy.typing import NDArray

from zoo.core.messages import few
from zoo.vision.data.images import SUFFIXES, open_image

VALID_NAMES: Final = ("valid", "val", "validation", "test")  # of folders, the first there is taken
_FOREIGN: Final = frozenset({"__MACOSX", "@eaDir", "__pycache__"})


def is_folder(data: object) -> TypeGuard[str | os.PathLike[str]]:
    """Whether data are the path of a folder."""
    return isinstance(data, (str, os.PathLike)) and Path(data).is_dir()


def photos_in(folder: str | os.PathLike[str]) -> list[Path]:
    """The photos of a folder at any depth, in sorted order."""
    return [path for path in walk(Path(folder)) if is_image(path)]


def is_image(path: Path) -> bool:
    """Whether a file is to be taken for an image: by its suffix, else by its content.

    A known suffix is enough, broken or not; a file without any is opened; hidden files and all
    other suffixes are no images.
    """
    if path.name.startswith("."):
        return False
    if path.suffix:
        return path.suffix.lower() in SUFFIXES
    try:
        with open_image(path):
            return True
    except Exception:
        return False


def walk(folder: Path, above: frozenset[Path] = frozenset()) -> Iterator[Path]:
    """Every visible file under a folder, in sorted order; links are followed, but in no circle.

    Args:
        folder: where to begin.
        above: resolved folders that it lies in, which are not entered again.
    """
    here = folder.resolve()
    if here in above:
        return
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            if not _is_foreign(path):
                yield from walk(path, above | {here})
        elif not path.name.startswith("."):
            yield path


def from_folder(folder: Path) -> tuple[list[Path], list[str], NDArray[np.bool_] | None, int]:
    """Paths, labels, whether to validate on them if the folder says it, and files left aside.

    Raises:
        ValueError: there are no photos, or a class has none.
    """
    train, valid = parts(folder)
    paths, names, ignored = class_folders(train or folder)
    if train is None or valid is None:
        return paths, names, None, ignored
    valid_paths, valid_names, more = class_folders(valid, may_be_empty=True)
    is_valid = np.repeat([False, True], [len(paths), len(valid_paths)])
    return paths + valid_paths, names + valid_names, is_valid, ignored + more


def visible_folders(folder: Path) -> list[Path]:
    """The folders in a folder, sorted by name, without hidden ones, file managers' and models'."""
    return sorted(path for path in folder.iterdir() if path.is_dir() and not _is_foreign(path))


def parts(folder: Path) -> tuple[Path | None, Path | None]:
    """The folders of the training and of the validation part, as far as there are any."""
    folders = {path.name.lower(): path for path in reversed(visible_folders(folder))}
    train = folders.get("train")
    if train is not None and not visible_folders(train):
        train = None  # a class of photos of trains
    return train, next((folders[name] for name in VALID_NAMES if name in folders), None)


def class_folders(folder: Path, may_be_empty: bool = False) -> tuple[list[Path], list[str], int]:
    """The photos of each class at any depth, their classes, and the number of other files.

    Raises:
        ValueError: there are no photos, or a class has none.
    """
    files = {path.name: list(walk(path)) for path in visible_folders(folder)}
    by_class = {name: [path for path in paths if is_image(path)] for name, paths in files.items()}
    loose = [path for path in folder.iterdir() if path.is_file()]
    if not any(by_class.values()):
        n = sum(is_image(path) for path in loose)
        what = f"{n} photos lie directly in {folder}" if n else f"{folder} holds no photos"
        raise ValueError(
            f"a folder must have one folder per class with its photos inside, got one where "
            f"{what}. Sort them into folders, or give a table of paths and labels."
        )
    empty = [name for name, paths in by_class.items() if not paths]
    if empty and not may_be_empty:
        raise ValueError(
            f"every class folder must hold photos, got none in {few(empty)} of {folder}. Fill or "
            "remove such folders."
        )
    photos = [path for paths in by_class.values() for path in paths]
    names = [name for name, paths in by_class.items() for _ in paths]
    return photos, names, sum(map(len, files.values())) + len(loose) - len(photos)


def _is_foreign(folder: Path) -> bool:
    named = folder.name.startswith(".") or folder.name in _FOREIGN
    return named or any(folder.glob("*.safetensors"))  # a model saved among its photos
