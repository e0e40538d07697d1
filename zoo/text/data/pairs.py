"""A text may be a pair, such as a question and an answer: both are read together, marked apart.

At the border a pair is a tuple of two str. Its numbers are those of both texts with the mark of
fields between them, of which no text has one where word pieces are read.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from zoo.text.data.readable import Reading
from zoo.text.data.rules import FIELD, FIELD_ID
from zoo.text.data.tokenizer import Numbers

Text = str | tuple[str, ...]
SIDES: Final = 2


def sides(text: Text) -> tuple[str, ...]:
    """The texts of a pair, or the one text."""
    return (text,) if isinstance(text, str) else text


def as_one(text: Text) -> str:
    """A text, or those of a pair with a mark between them, for models that read words.

    >>> as_one(("So good?", "Yes."))
    'So good? xxfld Yes.'
    """
    return f" {FIELD} ".join(sides(text))


def joined(first: Numbers, second: Numbers) -> Numbers:
    """The numbers of a pair. Shape: (n,), (m,) -> (n + 1 + m,), int32."""
    return np.concatenate([first, np.array([FIELD_ID], dtype=np.int32), second])


def joined_readings(first: Reading, second: Reading) -> Reading:
    """A pair as numbers, and where the words of both texts are among them."""
    n = len(first.numbers)

    def shown(start: int, end: int) -> str:
        words = [first.shown(start, min(end, n))] if start < n else []
        if end > n + 1:
            words.append(second.shown(max(start - n - 1, 0), end - n - 1))
        return " ".join(words)

    starts = [*first.starts, *(n + 1 + start for start in second.starts)]
    return Reading(joined(first.numbers, second.numbers), starts, shown)


def is_pair(value: object) -> bool:
    """Whether a value is two texts."""
    is_two = isinstance(value, (tuple, list)) and len(value) == SIDES
    return is_two and all(isinstance(one, str) for one in value)  # type: ignore[attr-defined]
