"""English words with a sign before or after them, cut as spaCy cuts them, without asking it.

spaCy takes signs off the ends of a word one by one and looks at all of the word for each. What its
rules for English say of a letter is that it is one: so whether a sign comes off is found out once
with a made-up word, and what remains is letters. Words that spaCy has an exception for, or that are
part of one, are not plain.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from spacy.tokenizer import Tokenizer as SpacyTokenizer

LANGUAGE: Final = "en"
_SIGNS: Final = [*string.punctuation, "…"]
_WORD, _NEVER = "qqzq", re.compile(r"(?!)")


class PlainWords:
    """Letters, perhaps with hyphens or 's, with a sign before and one or two after them.

    Args:
        tokenizer: spaCy's for English.

    Example:
        >>> from zoo.text.data.tokenizer import blank
        >>> plain = PlainWords(blank("en"))
        >>> plain.cut("(well-known"), plain.cut("film's,"), plain.cut("cannot,")
        (['(', 'well', '-', 'known'], ['film', "'s", ','], [])
    """

    def __init__(self, tokenizer: SpacyTokenizer) -> None:
        def come(cuts: Iterable[tuple[str, ...]]) -> list[tuple[str, ...]]:
            """Those of the cuts that spaCy makes as well, each in a line of one text."""
            cuts = list(cuts)
            doc = tokenizer("\n".join(map("".join, cuts)))
            lines = "\0".join(token.text for token in doc).split("\0\n\0")
            return [cut for cut, line in zip(cuts, lines, strict=False) if "\0".join(cut) == line]

        self._exceptional = {part for rule in tokenizer.rules for part in _letters(rule.lower())}
        before = "".join(sign for sign, _ in come((c, _WORD) for c in _SIGNS))
        after = "".join(sign for _, sign in come((_WORD, c) for c in _SIGNS))
        after = "".join(sign for *_, sign in come((_WORD, "'s", c) for c in after))
        self._pairs = {a + b for _, a, b in come((_WORD, a, b) for a in after for b in after)}
        inside = [(_WORD, "-", _WORD), (_WORD, "-", _WORD, "'s")]
        self._pattern = (
            re.compile(
                rf"([{re.escape(before)}])?([a-z]+)((?:-[a-z]+)*)('s)?([{re.escape(after)}]{{0,2}})"
            )
            if before and after and come(inside) == inside
            else _NEVER
        )

    def cut(self, word: str) -> list[str]:
        """The tokens of a word in small letters; none where spaCy has to look."""
        match = self._pattern.fullmatch(word)
        if match is None:
            return []
        before, first, more, own, after = match.groups()
        letters = [first, *more.split("-")[1:]]
        known = len(after) < 2 or (after in self._pairs and not own)
        if not known or not self._exceptional.isdisjoint(letters):
            return []
        tokens = [first] if not more else "-".join(letters).replace("-", " - ").split(" ")
        return [*filter(None, (before, *tokens, own, *after))]


_letters: Final = re.compile("[a-z]+").findall
