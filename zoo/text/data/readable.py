"""From tokens back to a text that people read: the marks carried out, spaces where they belong."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from zoo.text.data.rules import MAJ, REP, SPECIAL, UNK, UP, WREP

_NO_SPACE_BEFORE = re.compile(r"[.,:;!?%)\]}…]+|'(s|m|re|ve|d|ll)?|n't|-|\n.*", re.DOTALL)
_NO_SPACE_AFTER = re.compile(r"[(\[{$#£\n-]")
_MOST = 50  # repetitions that are written out


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
