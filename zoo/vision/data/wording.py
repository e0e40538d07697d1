"""How messages list what is wrong: the first few, and how many there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

SHOWN: Final = 3  # wrong values that a message names; the rest is counted


def few(names: Sequence[object], between: str = ", ") -> str:
    """The first names, and how many there are if that is not all.

    >>> few(["a", "b", "c", "d"])
    'a, b, c, ... (4 in all)'
    """
    more = f"{between}... ({len(names)} in all)" if len(names) > SHOWN else ""
    return between.join(str(name) for name in names[:SHOWN]) + more
