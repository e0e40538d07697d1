"""How messages name what is wrong, and the nearest thing that would be right; warnings."""

from __future__ import annotations

import difflib
import os
import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Final

_LIBRARY: Final = f"{Path(__file__).parents[1]}{os.sep}"
_TORCH: Final = f"{os.sep}torch{os.sep}utils{os.sep}"  # decorators such as `inference_mode`
SHOWN: Final = 3  # wrong values that a message names; the others are counted


def few(values: Sequence[object], between: str = ", ") -> str:
    """The first values, and how many there are if that is not all.

    >>> few(["a", "b", "c", "d"])
    'a, b, c, ... (4 in all)'
    """
    more = f"{between}... ({len(values)} in all)" if len(values) > SHOWN else ""
    return between.join(str(value) for value in values[:SHOWN]) + more


def quoted(values: Sequence[object]) -> str:
    """The first values as Python writes them, which tells a text from a number; see `few`.

    >>> quoted(["5", 5])
    "'5', 5"
    """
    return few([f"{value!r:.60}" for value in values])


def nearest(name: object, known: Iterable[object], *, cutoff: float = 0.6) -> str | None:
    """The known name that is spelt most like a wrong one; None if none is alike.

    >>> nearest("resnet5O", ["resnet50", "vgg16"])
    'resnet50'
    >>> nearest("lite", ["lite0", "lite1", "lite2"])  # of equals the first
    'lite0'
    """
    text_of = {str(one).lower(): str(one) for one in known}
    text = str(name).lower()
    near = difflib.get_close_matches(text, text_of, n=SHOWN, cutoff=cutoff)
    alike = {
        one: difflib.SequenceMatcher(None, one, text).ratio() for one in text_of if one in near
    }
    return text_of[max(alike, key=alike.__getitem__)] if near else None


def did_you_mean(name: object, known: Sequence[object], *, cutoff: float = 0.6) -> str:
    """The sentence that leads out of a wrong name: the nearest one, else what there is.

    >>> did_you_mean("colour", ["color", "size"])
    "Did you mean 'color'?"
    >>> did_you_mean("x", ["color", "size"])
    'There is color, size.'
    """
    near = nearest(name, known, cutoff=cutoff)
    if near is not None:
        return f"Did you mean {near!r}?"
    return f"There is {few(known)}." if known else "There is none."


_SAID: Final[ContextVar[dict[str, object] | None]] = ContextVar("_SAID", default=None)


@contextmanager
def each_once() -> Iterator[None]:
    """Within this context `warn` gives each message once, in threads that copy the context too."""
    token = _SAID.set({} if (said := _SAID.get()) is None else said)
    try:
        yield
    finally:
        _SAID.reset(token)


def warn(message: str) -> None:
    """Warn at the user's line: that of the innermost frame outside this library.

    Decorators of torch between the library's frames are passed over.
    As `warnings.warn(message, skip_file_prefixes=...)` of Python 3.12.
    """
    said, own = _SAID.get(), object()
    if (
        said is not None and said.setdefault(message, own) is not own
    ):  # one of many threads is first
        return
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and (
        frame.f_code.co_filename.startswith(_LIBRARY) or _TORCH in frame.f_code.co_filename
    ):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, UserWarning, stacklevel=level)
