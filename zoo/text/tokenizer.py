"""From texts to tokens and to numbers: spaCy's word tokenizer behind the rules of `zoo.text.rules`.

spaCy cuts what stands between two spaces without looking further, so each distinct such span is
asked once and remembered: a text then costs one look into a dictionary a word, and numbers come out
without its words ever being Python objects of their own. The tokens are spaCy's own, but for one
rarity: an emoticon that begins in one span and ends in the next, and overlaps another.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from zoo.text.rules import BOS, SPECIAL, lowered, repaired

if TYPE_CHECKING:
    from spacy.tokenizer import Tokenizer as SpacyTokenizer

Numbers = NDArray[np.int32]

MOST_SPANS: Final = 200_000  # remembered at a time: some 40 MB
_MARK = re.compile(rf"\s*\b({'|'.join(SPECIAL)})\b\s*")
_WORD = re.compile(r"\S+")
# A word, or white space that is more than the one space which spaCy leaves out after a word.
_SPAN = re.compile(r"\S+|[^\S ]\s*|(?<= )\s+")


class Tokenizer:
    """Cuts texts into words as fastai's rules do.

    Args:
        language: one that spaCy has a blank pipeline for: "en", "de" ...; nothing is downloaded.

    Attributes:
        by_span: whether spaCy cuts this language between spaces without looking further.

    Raises:
        ValueError: spaCy does not know the language, or lacks a package for it.
        ModuleNotFoundError: spaCy is not installed.

    Example:
        >>> Tokenizer("en")("The movie wasn't GREAT...")
        ['xxbos', 'xxmaj', 'the', 'movie', 'was', "n't", 'xxup', 'great', '…']
    """

    def __init__(self, language: str = "en") -> None:
        self.language = language
        self.by_span = is_by_span(self._spacy)

    def __call__(self, text: str) -> list[str]:
        """The tokens of a text, its beginning marked."""
        return [token for tokens in self.tokens(self.spans(text)) for token in tokens]

    def spans(self, text: str) -> list[str]:
        """The parts of a text that are cut further each on its own, by `tokens`."""
        whole = repaired(text).strip()
        if not self.by_span:
            return [BOS, whole] if whole else [BOS]
        return [BOS, *_SPAN.findall(whole)]

    def tokens(self, spans: Sequence[str]) -> list[list[str]]:
        """The tokens of each span.

        Letters alone are one word, unless the language has a rule for it. spaCy sees all others in
        one text, a line each: a call costs it far more than a word.
        """
        if not self.by_span:
            return [self._tokens_of_text(span) for span in spans]
        found = {span: self._plain(span) for span in spans}
        others = [span for span, tokens in found.items() if not tokens]
        if others:
            found.update(zip(others, self._tokens_of_words(others), strict=True))
        return [found[span] for span in spans]

    def forget(self) -> None:
        """Give back the memory that spaCy fills with every word it has met."""
        self.__dict__.pop("_spacy", None)

    def _plain(self, span: str) -> list[str]:
        """The tokens of white space or of letters alone; none where spaCy has to look."""
        if span.isalpha() and span.isascii() and span.lower() not in self._spacy.rules:
            return lowered(span).split(" ")
        return [span.replace(" ", "▁")] if span.isspace() else []

    def _tokens_of_words(self, words: Sequence[str]) -> list[list[str]]:
        found: list[list[str]] = [[]]
        for token in self._spacy("\n".join(map(lowered, words))):
            if token.text == "\n":
                found.append([])
            else:
                found[-1].append(token.text)
        return found

    def _tokens_of_text(self, text: str) -> list[str]:
        whole = _WORD.sub(lambda match: lowered(match[0]), text)
        if hasattr(self._spacy, "add_special_case"):
            return [token.text.replace(" ", "▁") for token in self._spacy(whole)]
        parts = _MARK.split(whole)  # text, mark, text, mark ... text
        return [
            token
            for i, part in enumerate(parts)
            for token in (
                [part] if i % 2 else [one.text.replace(" ", "▁") for one in self._spacy(part)]
            )
        ]

    @cached_property
    def _spacy(self) -> SpacyTokenizer:
        return blank(self.language)


class Numberer:
    """Texts to numbers, each distinct span asked once.

    Args:
        tokenizer: cuts a span into tokens.
        number: of a token: that in a vocabulary, or a new one.
    """

    def __init__(self, tokenizer: Tokenizer, number: Callable[[str], int]) -> None:
        self.tokenizer, self._number = tokenizer, number
        self._known: dict[str, tuple[int, ...]] = {}

    def __call__(self, text: str) -> Numbers:
        """The numbers of a text's tokens. Shape: (n,), int32."""
        spans = self.tokenizer.spans(text)
        if new := set(spans).difference(self._known):
            self._learn(sorted(new))
        numbers = np.fromiter(chain.from_iterable(map(self._known.__getitem__, spans)), np.int32)
        if len(self._known) > MOST_SPANS or not self.tokenizer.by_span:
            self._known.clear()
            self.tokenizer.forget()
        return numbers

    def _learn(self, spans: Sequence[str]) -> None:
        for span, tokens in zip(spans, self.tokenizer.tokens(spans), strict=True):
            self._known[span] = tuple(map(self._number, tokens))


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
            "words are told apart by a package that is not installed: "
            "pip install 'transfer-zoo[text]'"
        ) from error
    try:
        tokenizer: Any = spacy.blank(language).tokenizer
    except (ImportError, ValueError, AttributeError) as error:
        raise ValueError(
            f"a language is one that spaCy has a blank pipeline for, however {language=} fails "
            f"({_first_line(error)}); 'en', 'de' or 'xx' (any) need nothing more"
        ) from None
    if hasattr(tokenizer, "add_special_case"):
        tokenizer.vocab.lex_attr_getters.clear()  # what else spaCy works out for every new word
        for token in SPECIAL:
            tokenizer.add_special_case(token, [{"ORTH": token}])
    return tokenizer


def is_by_span(tokenizer: Any) -> bool:
    """Whether spaCy cuts between spaces without looking further.

    Not in languages without spaces, nor in those with abbreviations in small letters that hold one.
    """
    rules: Iterable[str] | None = getattr(tokenizer, "rules", None)
    return rules is not None and not any(
        " " in rule.strip() and rule == rule.lower() for rule in rules
    )


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")[:120]
