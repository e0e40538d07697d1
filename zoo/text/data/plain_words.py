"""English words with a sign before or after them, cut as spaCy cuts them, without asking it.

spaCy takes signs off the ends of a word one by one and looks at all of the word for each. What its
rules for English say of a letter is that it is one: so whether a sign comes off is found out once
with a made-up word, and what remains is letters. Words that spaCy has an exception for, or that are
part of one, are not plain.
"""

from __future__ import annotations

import re
import string
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from spacy.tokenizer import Tokenizer as SpacyTokenizer

LANGUAGE: Final = "en"
_SIGNS: Final = [*string.punctuation, "…"]
_WORD, _NEVER = "qqzq", re.compile(r"(?!)")


class PlainWords:
    """Letters, perhaps with hyphens or 's, with at most one sign before and one after them.

    Args:
        tokenizer: spaCy's for English.

    Example:
        >>> from zoo.text.data.tokenizer import blank
        >>> plain = PlainWords(blank("en"))
        >>> plain.cut("(well-known"), plain.cut("film's,"), plain.cut("cannot,")
        (['(', 'well', '-', 'known'], ['film', "'s", ','], [])
    """

    def __init__(self, tokenizer: SpacyTokenizer) -> None:
        def comes(*tokens: str) -> bool:
            return [token.text for token in tokenizer("".join(tokens))] == list(tokens)

        self._exceptional = {part for rule in tokenizer.rules for part in _letters(rule.lower())}
        before = re.escape("".join(c for c in _SIGNS if comes(c, _WORD)))
        ends = [c for c in _SIGNS if comes(_WORD, c) and comes(_WORD, "'s", c)]
        after = re.escape("".join(ends))
        inside = comes(_WORD, "-", _WORD) and comes(_WORD, "-", _WORD, "'s")
        self._pattern = (
            re.compile(rf"([{before}])?([a-z]+)((?:-[a-z]+)*)('s)?([{after}])?")
            if before and after and inside
            else _NEVER
        )

    def cut(self, word: str) -> list[str]:
        """The tokens of a word in small letters; none where spaCy has to look."""
        match = self._pattern.fullmatch(word)
        if match is None:
            return []
        before, first, more, own, after = match.groups()
        letters = [first, *more.split("-")[1:]]
        if not self._exceptional.isdisjoint(letters):
            return []
        tokens = [first] if not more else "-".join(letters).replace("-", " - ").split(" ")
        return [*filter(None, (before, *tokens, own, after))]


_letters: Final = re.compile("[a-z]+").findall
