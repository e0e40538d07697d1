from __future__ import annotations

import random
from typing import Any

from zoo.text.data.plain_words import PlainWords
from zoo.text.data.tokenizer import Tokenizer, blank

WORDS = (
    *("film", "well", "known", "mr", "cannot", "don", "gonna", "a", "o", "x", "d", "p.m", "i.e"),
    *("it", "he", "who's", "ain", "u.s", "8", "été", "v", "o.o"),
)
SIGNS = ["", "", *"""!"#$%&'()*+,-./:;<=>?@[]^_`{|}~…“"""]


def test_plain_words_are_cut_as_spacy_cuts_them() -> None:
    draw = random.Random(0).choice
    tokenizer = blank("en")
    plain = PlainWords(tokenizer)
    words = {
        draw(SIGNS)
        + draw(WORDS)
        + draw(["", "", "-" + draw(WORDS), "-" + draw(WORDS) + "-" + draw(WORDS)])
        + draw(["", "'s", "s", "n't"])
        + draw(SIGNS)
        + draw([*SIGNS, "", "", ""])
        for _ in range(12_000)
    }
    cut = {word: tokens for word in words if (tokens := plain.cut(word))}
    assert 200 < len(cut) < len(words)
    assert cut == {word: [token.text for token in tokenizer(word)] for word in cut}


def test_a_tokenizer_without_signs_has_no_plain_words() -> None:
    tokenizer: Any = blank("en")
    tokenizer.suffix_search = None
    assert PlainWords(tokenizer).cut("film,") == []


def test_the_mark_of_capitals_stays_before_a_plain_word() -> None:
    tokenizer = Tokenizer("en")
    for word in ("WELL-known,", "I,", "Film's?", "GREAT!", "(NASA"):
        assert tokenizer(word)[1:] == tokenizer._tokens_of_words([word])[0]
