from __future__ import annotations

import functools
import json
import random
import sys
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zoo.text.data import tokenizer as module
from zoo.text.data.normalisation import normal_form
from zoo.text.data.rules import lowered, repaired
from zoo.text.data.tokenizer import Numberer, Tokenizer

STORED = json.loads((Path(__file__).parent / "fastai_tokens.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def english() -> Tokenizer:
    return Tokenizer("en")


@pytest.fixture(scope="module")
def old() -> Tokenizer:
    return Tokenizer("en", "none")


@functools.cache
def tokenizer_of(language: str) -> Tokenizer:
    return Tokenizer(language)


@pytest.mark.parametrize("example", STORED["examples"], ids=lambda one: repr(one["text"][:30]))
def test_tokens_are_those_of_fastai(
    example: dict[str, Any], english: Tokenizer, old: Tokenizer
) -> None:
    assert old(example["text"]) == example["tokens"]
    if normal_form(example["text"]) == example["text"]:
        assert english(example["text"]) == example["tokens"]


def test_numbers_tell_the_same_tokens() -> None:
    words: dict[str, int] = {}
    old = Tokenizer("en", "none")
    numberer = Numberer(old, lambda token: words.setdefault(token, len(words)))
    for example in STORED["examples"]:
        numbers = numberer(example["text"])
        assert numbers.dtype == np.int32
        assert [list(words)[i] for i in numbers] == example["tokens"]


def test_memory_is_bounded_and_tokens_stay_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_CUT", 9)
    words: dict[str, int] = {}
    numberer = Numberer(Tokenizer("en"), lambda token: words.setdefault(token, len(words)))
    first = numberer("a few more words than can be known")
    assert len(numberer._numbers_of) == 0
    assert (numberer("a few more words than can be known") == first).all()


def test_long_punctuation_is_cut_as_spacy_cuts_it(english: Tokenizer) -> None:
    rng = random.Random(0)
    for signs in ("()", "()[]{}", "!?", "'s()", "🙂👍", ".,;"):
        word = "".join(rng.choice(signs) for _ in range(400)) + "middle" + signs * 200
        by_spacy = [token.text for token in english._spacy(word)]
        assert english.tokens([word]) == [by_spacy]


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("unit", ["()", "[}{", "'s", "🙂👍", "a(", "x-", "a.b@", "AB", "\n(", "!?"])
def test_time_is_linear_in_the_text(unit: str, language: str) -> None:
    tokenizer = tokenizer_of(language)
    begun = time.process_time()
    tokens = tokenizer(unit * (20_000 // len(unit)))
    assert time.process_time() - begun < 2
    assert "".join(tokens).count(unit[-1].lower()) >= 20_000 // len(unit)


def test_what_is_remembered_is_short(english: Tokenizer) -> None:
    numberer = Numberer(english, len)
    text = f"a {'x1' * 500} b"
    assert numberer(text).tolist() == [5, 1, 1000, 1]
    assert all(len(span) <= module.REMEMBERED for span in numberer._numbers_of)


def test_threads_share_a_numberer() -> None:
    texts = [" ".join(f"w{i * j % 97}n't(" for i in range(60)) for j in range(40)]
    alone = Numberer(Tokenizer("en"), hash_of)
    expected = [alone(text).tolist() for text in texts]
    shared = Numberer(Tokenizer("en"), hash_of)
    with ThreadPoolExecutor(8) as threads:
        assert [one.tolist() for one in threads.map(shared, texts)] == expected


def hash_of(token: str) -> int:
    return zlib.crc32(token.encode()) % 1000


def test_languages_that_look_beyond_a_space_are_cut_by_spacy_itself() -> None:
    russian = Tokenizer("ru")  # has "в т.ч.", one word with a space in it
    assert not russian.by_span
    assert russian("Да, в т.ч. я")[-2:] == ["в▁т.ч.", "я"]
    assert Tokenizer("es").by_span  # "EE. UU." has capitals, which no text has any more
    chinese = Tokenizer("zh")
    assert chinese("Hi 你好。") == ["xxbos", "xxmaj", "h", "i", "你", "好", "。"]


def test_a_word_alone_is_cut_as_in_a_text(english: Tokenizer) -> None:
    alone = [token for word in ("isn't", "(so)", "U.S.") for token in english.tokens([word])[0]]
    assert ["xxbos", *alone] == english("isn't (so) U.S.")


@pytest.mark.parametrize("text", ["&lt;3 &eacute;", "a\u2003b", "A" * 5, "x x x x", "\n\n", "/"])
def test_repairing_a_repaired_text_keeps_its_words(text: str) -> None:
    assert repaired(repaired(text)).split() == repaired(text).split()


@pytest.mark.parametrize("word", ["", "I", "5", "é"])
def test_a_lone_character_is_never_marked(word: str) -> None:
    assert lowered(word) == word.lower()


@pytest.mark.parametrize("language", ["en", "de", "es", "nl", "tr", "sv", "xx"])
def test_letters_alone_are_cut_as_spacy_cuts_them(language: str) -> None:
    """Some have rules of their own in some languages: "cannot", "gonna", "etc"."""
    spans = ["Film", "GREAT", "I", "a", "cannot", "dont", "gonna", "etc", "im", "Ltd", "cm", "pm"]
    spans += ["Mr", "usw", "zB", "evtl", "eV", "lol", "XD", "xxbos"]
    tokenizer = Tokenizer(language)
    by_spacy = tokenizer._tokens_of_words(spans)
    assert tokenizer.tokens(spans) == by_spacy
    assert any(tokenizer._plain(span) for span in spans)


def test_an_unknown_language_is_one_sentence() -> None:
    with pytest.raises(ValueError, match="got language='klingon'"):
        Tokenizer("klingon")


def test_a_language_that_lacks_a_package_says_which() -> None:
    with pytest.raises(ValueError, match=r"got language='th' \(.*[Tt]hai"):
        Tokenizer("th")


def test_without_spacy_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "spacy", None)
    with pytest.raises(ModuleNotFoundError, match=r"transfer-zoo\[text\]"):
        Tokenizer("tl")  # no other test's, of which the tokenizer would be at hand


def test_other_users_of_spacy_find_it_as_it_was() -> None:
    spacy = pytest.importorskip("spacy")
    Tokenizer("en")
    assert spacy.blank("en")("ten")[0].like_num
