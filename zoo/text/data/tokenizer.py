"""From texts to tokens and numbers: spaCy behind the rules of `zoo.text.data.rules`.

spaCy cuts what stands between two spaces without looking further, so each distinct such span is
asked once and remembered: a text then costs one look into a dictionary a word, and numbers come out
without its words ever being Python objects of their own. The tokens are spaCy's own, but for
emoticons that begin in one span and end in the next, and overlap another, and for words of more
than 256 characters that are full of emoticons (`zoo.text.data.affixes`).
"""

from __future__ import annotations

import os
import re
import threading
from array import array
from collections import ChainMap
from collections.abc import Callable, Iterable, MutableMapping, Sequence
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from zoo.text.data.affixes import LONG, pieces
from zoo.text.data.normalisation import Normalisation
from zoo.text.data.plain_words import LANGUAGE, PlainWords
from zoo.text.data.rules import BOS, SPECIAL, lowered, repaired

if TYPE_CHECKING:
    from spacy.tokenizer import Tokenizer as SpacyTokenizer

Numbers = NDArray[np.int32]

MOST_CUT: Final = 2_000_000  # characters of spans that are cut before all is forgotten: some 40 MB
REMEMBERED: Final = 64  # characters of the longest span that is remembered
_MARK = re.compile(rf"(?<!\s)\s*\b({'|'.join(SPECIAL)})\b\s*")
_LONG_WORD = re.compile(rf" ?(?<!\S)(\S{{{LONG + 1},}}) ?")
_WORD = re.compile(r"\S+")
# White space that is more than the one space which spaCy leaves out after a word.
_BREAK = re.compile(r"([^\S ]\s*)")


class Tokenizer:
    """Cuts texts into words as fastai's rules do.

    Args:
        language: one that spaCy has a blank pipeline for: "en", "de" ...; nothing is downloaded.
        normalisation: how texts are normalised first, see `repaired`.

    Attributes:
        by_span: whether spaCy cuts this language between spaces without looking further.

    Raises:
        ValueError: spaCy does not know the language, or lacks a package for it.
        ModuleNotFoundError: spaCy is not installed.

    Example:
        >>> Tokenizer("en")("The movie wasn't GREAT...")
        ['xxbos', 'xxmaj', 'the', 'movie', 'was', "n't", 'xxup', 'great', '…']
    """

    def __init__(self, language: str = "en", normalisation: Normalisation = "unicode") -> None:
        self.language, self.normalisation = language, normalisation
        self.by_span = is_by_span(self._spacy)

    def __call__(self, text: str) -> list[str]:
        """The tokens of a text, its beginning marked."""
        return [token for tokens in self.tokens(self.spans(text)) for token in tokens]

    def spans(self, text: str) -> list[str]:
        """The parts of a text that are cut further each on its own, by `tokens`."""
        whole = repaired(text, self.normalisation).strip()
        if not self.by_span:
            return [BOS, whole] if whole else [BOS]
        spans = [BOS]
        for i, part in enumerate(_BREAK.split(whole) if whole else ()):
            spans += [part] if i % 2 else part.removesuffix(" ").split(" ")
        return spans

    def tokens(self, spans: Sequence[str]) -> list[list[str]]:
        """The tokens of each span.

        Letters alone are one word, unless the language has a rule for it; what English words with a
        sign become is known as well. spaCy sees all others in one text, a line each: a call costs
        it far more than a word.
        """
        if not self.by_span:
            return [self._tokens_of_text(span) for span in spans]
        tokens_of = {span: self._plain(span) for span in spans}
        others = [span for span, tokens in tokens_of.items() if not tokens]
        if others:
            tokens_of.update(zip(others, self._tokens_of_words(others), strict=True))
        return [tokens_of[span] for span in spans]

    def forget(self) -> None:
        """Give back the memory that spaCy fills with every word it has met."""
        self.__dict__.pop("_spacy", None)
        _shared.cache_clear()

    def _plain(self, span: str) -> list[str]:
        """The tokens of white space, letters or a plain word; none where spaCy has to look."""
        if span.isalpha() and span.isascii() and span.lower() not in self._rules:
            return lowered(span).split(" ")
        if span.isspace():
            return [span.replace(" ", "▁")]
        mark, _, word = lowered(span).rpartition(" ")
        tokens = self._plain_words.cut(word) if self._plain_words else []
        return [mark, *tokens] if mark and tokens else tokens

    def _tokens_of_words(self, words: Sequence[str]) -> list[list[str]]:
        """The tokens of each word; spaCy sees all in one text, a line for each or its pieces."""
        lines = [(row, line) for row, word in enumerate(words) for line in self._lines(word)]
        cut: list[list[str]] = [[] for _ in words]
        rows = iter([row for row, _ in lines])
        row = next(rows, 0)
        for token in self._cut("\n".join(line for _, line in lines)):
            if token == "\n":
                row = next(rows)
            else:
                cut[row].append(token)
        return cut

    def _lines(self, word: str) -> list[str]:
        word = lowered(word)
        return [word] if len(word) <= LONG else list(pieces(word, self._spacy))

    def _tokens_of_text(self, text: str) -> list[str]:
        whole = _WORD.sub(lambda match: lowered(match[0]), text)
        if hasattr(self._spacy, "add_special_case"):
            parts = [
                piece
                for i, part in enumerate(_LONG_WORD.split(whole))
                for piece in (pieces(part, self._spacy) if i % 2 else [part])
            ]
            return [token.replace(" ", "▁") for part in parts for token in self._cut(part)]
        parts = _MARK.split(whole)  # text, mark, text, mark ... text
        return [
            token
            for i, part in enumerate(parts)
            for token in ([part] if i % 2 else [one.replace(" ", "▁") for one in self._cut(part)])
        ]

    def _cut(self, text: str) -> list[str]:
        """Cut a text with spaCy, one thread after another: it remembers words as it goes."""
        with _one_at_a_time:
            return [token.text for token in self._spacy(text)]

    @cached_property
    def _plain_words(self) -> PlainWords | None:
        if self.language != LANGUAGE:
            return None
        with _one_at_a_time:
            return _english_words()

    @cached_property
    def _rules(self) -> frozenset[str]:
        """What spaCy has an exception for."""
        return frozenset(self._spacy.rules)

    @cached_property
    def _spacy(self) -> SpacyTokenizer:
        return _shared(self.language)


class Numberer:
    """Texts to numbers, each distinct short span asked once. Threads may share it.

    Args:
        tokenizer: cuts a span into tokens.
        number: gives the number of a token: that in a vocabulary, or a new one.
    """

    def __init__(self, tokenizer: Tokenizer, number: Callable[[str], int]) -> None:
        self.tokenizer, self._number = tokenizer, number
        self._numbers_of: dict[str, bytes] = {}  # int32 each: what is joined as it is
        self._n_cut = 0

    def __call__(self, text: str) -> Numbers:
        """The numbers of a text's tokens. Shape: (n,), int32."""
        spans = self.tokenizer.spans(text)
        numbers_of = self._numbers_of  # stays whole in this thread when another one begins anew
        own: dict[str, bytes] = {}
        table: MutableMapping[str, bytes]
        if new := sorted(set(spans).difference(numbers_of)):
            for span, cut in zip(new, self.tokenizer.tokens(new), strict=True):
                table = numbers_of if len(span) <= REMEMBERED else own
                table[span] = array("i", map(self._number, cut)).tobytes()
            self._n_cut += sum(map(len, new))
        table = ChainMap(own, numbers_of) if own else numbers_of  # which is faster, and the rule
        numbers = np.frombuffer(bytearray().join(map(table.__getitem__, spans)), np.int32)
        if self._n_cut > MOST_CUT:
            self._numbers_of, self._n_cut = {}, 0
            self.tokenizer.forget()
        return numbers


def blank(language: str) -> SpacyTokenizer:
    """The tokenizer of spaCy's blank pipeline, which leaves the special tokens whole.

    Raises:
        ValueError: spaCy does not know the language, or lacks a package for it.
        ModuleNotFoundError: spaCy is not installed.
    """
    try:
        import spacy
    except ImportError as error:
        raise ModuleNotFoundError(
            "spaCy, which cuts texts, is not installed: pip install 'transfer-zoo[text]'"
        ) from error
    try:
        tokenizer: Any = spacy.blank(language).tokenizer
    except (ImportError, ValueError, AttributeError) as error:
        raise ValueError(
            f"language must be one that spaCy has a blank pipeline for, got {language=} "
            f"({_first_line(error)}). 'en', 'de' or 'xx' (any) need nothing more."
        ) from None
    if hasattr(tokenizer, "add_special_case"):
        tokenizer.vocab.lex_attr_getters.clear()  # what else spaCy works out for every new word
        for token in SPECIAL:
            tokenizer.add_special_case(token, [{"ORTH": token}])
    return tokenizer


_shared: Final = cache(blank)
"""Of a language, for all that cut it: to make one takes a tenth of a second."""


@cache
def _english_words() -> PlainWords:
    """What is plain in English: a tenth of a second to find out, and the same ever after."""
    return PlainWords(blank(LANGUAGE))


def is_by_span(tokenizer: Any) -> bool:
    """Whether spaCy cuts between spaces without looking further.

    Not in languages without spaces, nor in those with abbreviations in small letters that hold one.
    """
    rules: Iterable[str] | None = getattr(tokenizer, "rules", None)
    return rules is not None and not any(
        " " in rule.strip() and rule == rule.lower() for rule in rules
    )


def _renew_lock() -> None:
    """A new lock in a forked process: the old one may be held by a thread that is not there."""
    global _one_at_a_time
    _one_at_a_time = threading.Lock()


_one_at_a_time = threading.Lock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")[:120]
