"""From a folder of photos with one folder per class to paths and labels."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from zoo.core.messages import few
from zoo.vision.data.images import is_image, visible_folders, walk

VALID_NAMES: Final = ("valid", "val", "validation", "test")  # of folders, the first there is taken


def from_folder(folder: Path) -> tuple[list[Path], list[str], NDArray[np.bool_] | None, int]:
    """Paths, labels, whether to validate on them if the folder says it, and files left aside.

    Raises:
        ValueError: there are no photos, or a class has none.
    """
    train, valid = parts(folder)
    if train is None or valid is None:
        by_class, ignored = class_folders(train or folder)
        return *flat(by_class), None, ignored
    by_class, ignored = class_folders(train)
    other, more = class_folders(valid, may_be_empty=True)
    (paths, names), (valid_paths, valid_names) = flat(by_class), flat(other)
    is_valid = np.repeat([False, True], [len(paths), len(valid_paths)])
    return paths + valid_paths, names + valid_names, is_valid, ignored + more


def parts(folder: Path) -> tuple[Path | None, Path | None]:
    """The folders of the training and of the validation part, as far as there are any."""
    folders = {path.name.lower(): path for path in reversed(visible_folders(folder))}
    train = folders.get("train")
    if train is not None and not visible_folders(train):
        train = None  # a class of photos of trains
    return train, next((folders[name] for name in VALID_NAMES if name in folders), None)


def class_folders(folder: Path, may_be_empty: bool = False) -> tuple[dict[str, list[Path]], int]:
    """Class -> its photos at any depth, and the number of files that are no images.

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
    n_files = sum(len(paths) for paths in files.values()) + len(loose)
    return by_class, n_files - sum(len(paths) for paths in by_class.values())


def flat(by_class: Mapping[str, list[Path]]) -> tuple[list[Path], list[str]]:
    """Paths and, for each, its class."""
    pairs = [(path, name) for name, paths in by_class.items() for path in paths]
    return [path for path, _ in pairs], [name for _, name in pairs]
