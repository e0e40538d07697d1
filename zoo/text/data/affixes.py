"""Long words full of punctuation, cut where spaCy would cut them, in linear time.

spaCy takes one sign off the front and one off the end of a word, looks at all that is left, and
goes on: four thousand brackets take it a second, and ten times as many a hundred. What it takes off
depends on a few characters alone, so here it sees no more of a long word than that.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from spacy.tokenizer import Tokenizer as SpacyTokenizer

LONG: Final = 256  # characters of a word that spaCy gets as it is
WINDOW: Final = 32  # characters at an end of a word that say what is taken off there
PIECE: Final = 64  # characters of punctuation that spaCy gets at a time


def pieces(word: str, tokenizer: SpacyTokenizer) -> Iterator[str]:
    """A word without spaces in pieces that spaCy cuts on their own as it would cut the whole.

    Only an emoticon that would cross the border of two pieces comes apart.

    Args:
        word: any number of characters; up to `LONG` it is one piece.
        tokenizer: spaCy's own, with its rules for what stands at the ends of a word.
    """
    front = lru_cache(tokenizer.find_prefix)
    back = lru_cache(tokenizer.find_suffix)
    start, end, tail = 0, len(word), [len(word)]
    head = [start]
    while end - start > LONG:
        n_front = front(word[start : start + WINDOW])
        n_back = back(word[end - WINDOW : end])
        if not n_front and not n_back:
            break
        start, end = start + n_front, end - n_back
        if start - head[-1] >= PIECE:
            head.append(start)
        if tail[-1] - end >= PIECE:
            tail.append(end)
    borders = sorted({*head, start, end, *tail})
    yield from (word[low:high] for low, high in itertools.pairwise(borders))
