"""Where a saved model lies: in a directory of this machine, or on the hub."""

from __future__ import annotations

import difflib
import os
import re
from pathlib import Path

from zoo.hub.fetch import pull

_ON_HUB = re.compile(r"\w[\w.-]*/\w[\w.-]*")  # not ./a, /a, ~/a or a/b/c


def find(name: str | os.PathLike[str]) -> Path:
    """The directory of a saved model: the one that is named, or that of the hub's `user/name`.

    A `Path`, what looks like a path, and `a/b` where there is a folder `a` never reach the network.

    Raises:
        FileNotFoundError: there is nothing of that name; the message has the nearest.
    """
    path = Path(name)
    if path.exists():
        return path
    text = os.fspath(name)
    if isinstance(name, str) and _ON_HUB.fullmatch(text) and not path.parent.is_dir():
        return pull(text)
    raise FileNotFoundError(
        "a saved model is a directory, or user/name on the hub, however "
        f"{text!r} does not exist; {_way_out(path)}"
    )


def _way_out(path: Path) -> str:
    parent = path.parent
    try:
        here = [entry.name for entry in parent.iterdir() if entry.is_dir()]
    except OSError:
        here = []
    if near := difflib.get_close_matches(path.name, here, n=1):
        return f"did you mean {str(parent / near[0])!r}?"
    if _ON_HUB.fullmatch(path.as_posix()):
        return f"{str(parent)!r} is a folder here: give zoo.hub.pull(...) to mean the hub"
    return "give the directory that save() returned"
