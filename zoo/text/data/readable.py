"""From tokens back to a text that people read: the marks carried out, spaces where they belong."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from zoo.text.data.rules import BOS, FIELD, MAJ, REP, SPECIAL, UNK, UP, WREP
from zoo.text.data.tokenizer import Numbers

_NO_SPACE_BEFORE = re.compile(r"[.,:;!?%)\]}…]+|'(s|m|re|ve|d|ll)?|n't|-|\n.*", re.DOTALL)
_NO_SPACE_AFTER = re.compile(r"[(\[{$#£\n-]")
_MOST = 50  # repetitions that are written out
_FOLLOW: Final = {MAJ: 1, UP: 1, REP: 2, WREP: 2}  # tokens that belong to a mark


class Reading(NamedTuple):
    """A text as a model reads it, and where the words are that people see in it.

    Attributes:
        numbers: of its tokens or word pieces, in the order of writing. Shape: (n,), int32.
        starts: places among them where a word begins.
        shown: from two places, a word's begin and an end, to what stands there as people write it.
    """

    numbers: Numbers
    starts: list[int]
    shown: Callable[[int, int], str]


def readable(tokens: Sequence[str]) -> str:
    """A text of tokens.

    >>> readable("xxbos xxmaj it is n't xxup bad xxrep 3 ! ( so".split())
    "It isn't BAD!!! (so"
    """
    text = ""
    for word in filter(None, _words(iter(tokens))):
        tight = not text or _NO_SPACE_AFTER.fullmatch(text[-1]) or _NO_SPACE_BEFORE.fullmatch(word)
        text += word if tight else f" {word}"
    return text


def word_starts(tokens: Sequence[str]) -> list[int]:
    """Where the words begin among the tokens of a text; marks belong to the word that they mark.

    The mark between the texts of a pair begins none.

    >>> word_starts(["xxbos", "xxup", "so", "xxrep", "3", "!"])
    [1, 3]
    """
    starts = []
    place = 1 if tokens[:1] == [BOS] else 0
    while place < len(tokens):
        if tokens[place] != FIELD:
            starts.append(place)
        place += 1 + _FOLLOW.get(tokens[place], 0)
    return starts


def _words(tokens: Iterator[str]) -> Iterator[str]:
    for token in tokens:
        if token == MAJ:
            yield _no_mark(next(tokens, "")).capitalize()
        elif token == UP:
            yield _no_mark(next(tokens, "")).upper()
        elif token in (REP, WREP):
            times, what = next(tokens, ""), _no_mark(next(tokens, ""))
            between = "" if token == REP else " "
            often = min(int(times), _MOST) if times.isascii() and times.isdigit() else 1
            yield between.join([what] * often)
        elif token == UNK:
            yield "…"
        elif token not in SPECIAL:
            yield token.replace("▁", " ")


def _no_mark(token: str) -> str:
    return "" if token in SPECIAL else token
