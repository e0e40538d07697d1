"""Where a saved model lies: in a directory of this machine, in the library, or on the hub."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypedDict, Unpack

from zoo.core.arguments import is_model
from zoo.core.messages import nearest
from zoo.hub.catalog import EMBEDDED
from zoo.hub.fetch import pull, refuse_revision
from zoo.hub.hub_errors import ON_HUB


class Reading(TypedDict, total=False):
    """How a model is read from the hub, see `zoo.hub.pull`."""

    revision: str | None
    cache: str | os.PathLike[str] | None
    token: str | bool | None
    local_files_only: bool
    force_download: bool


def find(name: str | os.PathLike[str], **reading: Unpack[Reading]) -> Path:
    """The directory of a saved model: the one named, an embedded one, or that of `user/name`.

    A `Path`, what looks like a path, and `a/b` where there is a folder `a` never reach the network.

    Args:
        name: directory or name.
        **reading: how a model is read from the hub; a directory has no revisions.

    Raises:
        FileNotFoundError: there is nothing of that name; the message has the nearest.
    """
    path = Path(name)
    if _is(path.exists):
        refuse_revision(reading.get("revision"), "a directory")
        return path
    text = os.fspath(name)
    is_name = isinstance(name, str) and ON_HUB.fullmatch(text)
    if is_name and (text.startswith(EMBEDDED) or not _is(path.parent.is_dir)):
        return pull(text, **reading)
    raise FileNotFoundError(
        "a saved model must be a directory, or user/name on the hub, got "
        f"{text!r:.200}, which does not exist. {_way_out(path)}"
    )


def names_model(value: object) -> bool:
    """Whether a value stands for a model, as data never do: itself, its directory, an embedded one.

    Args:
        value: what a caller passed.
    """
    if isinstance(value, str) and value.startswith(EMBEDDED):
        return not _is(Path(value).exists)
    return is_model(value)


def _is(question: Callable[[], bool]) -> bool:
    """The answer to what is asked of a path; no for one that no file can have."""
    try:
        return question()
    except (OSError, ValueError):  # too long, or with a NUL
        return False


def _way_out(path: Path) -> str:
    parent = path.parent
    here = parent.glob("*") if _is(parent.is_dir) else ()
    if near := nearest(path.name, [entry.name for entry in here if entry.is_dir()]):
        return f"Did you mean {str(parent / near)!r}?"
    if ON_HUB.fullmatch(path.as_posix()):
        return f"{str(parent)!r} is a folder here: give zoo.hub.pull(...) to mean the hub."
    return "Give the directory that save() returned."
