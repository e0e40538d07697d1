"""Files of texts: which ones count, what they say, which are for validation."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from zoo.data.encoding import decoded

TRAIN_NAMES: Final = ("train", "training")
VALID_NAMES: Final = ("valid", "val", "validation", "dev", "test")  # the first there is taken

_NO_TEXTS = ("thumbs.db", "desktop.ini", "icon\r", "__macosx", "__pycache__")


def path_of(name: str | os.PathLike[str]) -> Path:
    """The path of a file or folder that is there.

    Raises:
        FileNotFoundError: there is none, or the name is none of a file.
    """
    path = Path(name)
    try:
        is_there = path.exists()
    except (OSError, ValueError):  # too long, or with characters that no name has
        is_there = False
    if not is_there:
        raise FileNotFoundError(
            f"texts must come from a file or folder, got {str(name)[:100]!r}, which does not "
            "exist. Put texts themselves into a list."
        )
    return path


def visible(folder: Path, pattern: str = "*") -> list[Path]:
    """The paths in a folder, sorted, without those that systems and editors leave there."""
    return sorted(path for path in folder.glob(pattern) if _is_visible(path, folder))


def parts_in(folder: Path, kinds: Iterable[str]) -> tuple[Path | None, Path | None]:
    """The training and the validation part of a folder that has both by name.

    A part is a folder, or a file such as "train.csv" or "wiki.train.tokens".

    Args:
        folder: where the parts lie.
        kinds: how files that may be a part end, such as ".csv".
    """
    named: dict[str, Path] = {}
    for path in visible(folder):
        if path.is_dir():
            named[path.name.lower()] = path
        elif path.suffix.lower() in kinds:
            named.setdefault(path.stem.lower().split(".")[-1], path)
    train, valid = (
        next((named[name] for name in names if name in named), None)
        for names in (TRAIN_NAMES, VALID_NAMES)
    )
    return (train, valid) if train and valid else (None, None)


def text_of(path: Path) -> str:
    """The text of a file.

    Raises:
        ValueError: the file does not hold text.
    """
    return decoded(path.read_bytes(), path.name)


def _is_visible(path: Path, folder: Path) -> bool:
    return not any(
        part.startswith((".", "~$")) or part.endswith("~") or part.lower() in _NO_TEXTS
        for part in path.relative_to(folder).parts
    )
