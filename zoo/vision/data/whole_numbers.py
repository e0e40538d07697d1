"""Whole numbers as users write them: 2, 2.0, or one of NumPy's."""

from __future__ import annotations

import operator
from typing import Any


def as_whole(number: Any) -> Any:
    """A whole number as an int; all else, booleans too, as it is.

    >>> as_whole(2.0), as_whole(2.5), as_whole(True), as_whole("2")
    (2, 2.5, True, '2')
    """
    if isinstance(number, (bool, str)):
        return number
    try:
        return operator.index(number)
    except TypeError:
        is_whole = getattr(number, "is_integer", None)  # of Python's and NumPy's floats
        return int(number) if is_whole is not None and is_whole() else number
