"""What is repaired and marked in a text before it is cut into words (the rules of ULMFiT's code).

Capitals and repetitions are told apart from the word itself, so that "GREAT", "Great" and "great"
share one row of the vocabulary (Howard & Ruder 2018, sec. 4.1; rules and order as in fastai 2).
"""

from __future__ import annotations

import html
import operator
import re
from typing import Final

import numpy as np

from zoo.text.data.normalisation import Normalisation, encodable, normal_form

UNK, PAD, BOS, EOS, FIELD, REP, WREP, UP, MAJ = SPECIAL = (
    "xxunk",  # not in the vocabulary
    "xxpad",  # fills up shorter documents of a batch
    "xxbos",  # a document begins
    "xxeos",
    "xxfld",  # stands between the texts of a pair
    "xxrep",  # a character repeated: xxrep, how often, the character
    "xxwrep",  # a word repeated: xxwrep, how often, the word
    "xxup",  # the next word stood in capitals
    "xxmaj",  # the next word began with a capital
)
UNK_ID, PAD_ID, BOS_ID, FIELD_ID = 0, 1, 2, 4

_REMAINS: Final = (  # of HTML, of escaping and of WikiText's own marks; in this order
    ("#39;", "'"),
    ("amp;", "&"),
    ("#146;", "'"),
    ("nbsp;", " "),
    ("#36;", "$"),
    ("\\n", "\n"),
    ("quot;", "'"),
    ("<br />", "\n"),
    ('\\"', '"'),
    ("<unk>", UNK),
    (" @.@ ", "."),
    (" @-@ ", "-"),
    ("...", " …"),
)
_CHARACTER_3 = re.compile(r"(\S)\1{2,}")
_WORD_3 = re.compile(r"(?:\s|^)(\w+)\s+((?:\1\s+)+)\1(\s|\W|$)")
_SPACES = re.compile(" {2,}")
_CAPITALS = re.compile(r"[A-Z][^a-z\s]*")
_CAPITAL = re.compile(r"[A-Z][^A-Z\s]*")


def repaired(text: str, normalisation: Normalisation = "unicode") -> str:
    r"""The text without remains of HTML, repetitions marked, slashes apart; case as it was.

    Args:
        text: any text.
        normalisation: "unicode" brings it to its normal form first, "typographic" to that but for
            quotes and spaces; "none" is what models of format 1 were trained with.

    >>> repaired("so so so good!!!! and/or<br />not &lt;")
    ' xxwrep 3 so good xxrep 4 ! and / or\nnot <'
    """
    if normalisation == "none":
        text = encodable(text)
    else:
        text = normal_form(text, print_too=normalisation == "unicode")
    for remains, meant in _REMAINS:
        text = text.replace(remains, meant)
    text = html.unescape(text)
    if _has_triplets(text):
        text = _CHARACTER_3.sub(_mark_characters, text)
    if _has_twins(text):
        text = _WORD_3.sub(_mark_words, text)
    for character in "/#\\":
        text = text.replace(character, f" {character} ")
    return _SPACES.sub(" ", text) if "  " in text else text


def lowered(word: str) -> str:
    """A word between spaces in small letters, its capitals marked; a lone capital is not.

    >>> lowered("Great"), lowered("NASA's"), lowered("B2B"), lowered("I"), lowered("iPhone")
    ('xxmaj great', "nasa's", 'xxup b2b', 'i', 'iphone')
    """
    if (small := word.lower()) == word:
        return word
    if _CAPITALS.fullmatch(word):
        mark = UP
    elif _CAPITAL.fullmatch(word):
        mark = MAJ
    else:
        return small
    return f"{mark} {small}" if len(word) > 1 else small


def _has_twins(text: str) -> bool:
    """Whether a word follows itself: far quicker to see than three in a row by the pattern."""
    words = text.split()
    return any(map(operator.eq, words, words[1:]))


def _has_triplets(text: str) -> bool:
    """Whether a character stands three times in a row: quicker to see for all at once."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    same = codes[1:] == codes[:-1]
    return bool((same[1:] & same[:-1]).any())


def _mark_characters(match: re.Match[str]) -> str:
    return f" {REP} {len(match[0])} {match[1]} "


def _mark_words(match: re.Match[str]) -> str:
    word, more, end = match.groups()
    return f" {WREP} {len(more.split()) + 2} {word} {end}"
