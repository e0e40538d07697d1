from __future__ import annotations

import functools
import random
import time
import unicodedata

import pytest

from zoo.text.data.normalisation import MOST_MARKS, normal_form
from zoo.text.data.rules import repaired
from zoo.text.data.tokenizer import Tokenizer

APOSTROPHES = [
    "'", "\u2019", "\u2018", "\u02bc", "`", "\u00b4", "\u2032", "\uff07", "\x92",
    "&#39;", "&#039;", "&#x27;", "&apos;", "&rsquo;", "&#8217;", "&#8217", "&amp;#39;",
]  # fmt: skip


@functools.cache
def english() -> Tokenizer:
    return Tokenizer("en")


@pytest.mark.parametrize("apostrophe", APOSTROPHES, ids=ascii)
def test_a_negation_survives_any_apostrophe(apostrophe: str) -> None:
    text = f"We couldn{apostrophe}t like it."
    assert normal_form(text) == "We couldn't like it."
    assert "n't" in english()(text)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("fish &amp; chips", "fish & chips"),
        ("fish &amp;amp; chips", "fish & chips"),
        ("&quot;so&quot; &ldquo;so&rdquo; \u201cso\u201d \u201eso\u201f", '"so" "so" "so" "so"'),
        ("3 &lt; 4", "3 < 4"),
        ("one&nbsp;two\u202fthree\u3000four", "one two three four"),
        ("one\r\ntwo\rthree\u2028four<br>five<BR/>six", "one\ntwo\nthree\nfour\nfive\nsix"),
        ("crème", unicodedata.normalize("NFD", "crème")),
        ("e\u200d\u0301", "é"),
        ("won\u200bder\u00adful\ufeff \u200ffilm\u202c", "wonderful film"),
        ("film\0", "film"),
        ("two\x96three\x85", "two\u2013three…"),
        ("\ud83d\ude42", "🙂"),
        ("\u2764\ufe0f", "\u2764"),
    ],
    ids=ascii,
)
def test_texts_that_people_take_for_the_same_are(text: str, same: str) -> None:
    assert normal_form(text) == normal_form(same)
    assert english()(text) == english()(same)


@pytest.mark.parametrize(
    "text",
    [
        "Plain text, with \"quotes\" and 'such', 50% & more\n\tof it.",
        "\uff26\uff35\uff2c\uff2c ½ \ufb01 ²",  # compatibility forms are texts of their own
        "👩\u200d👩\u200d👧 👍🏽",
        "\u0645\u06cc\u200c\u062e\u0648",  # joiners are part of the word
        "שלום עולם",
        "«so» \u2013 so — so …",
        "`code` 5` 6\u2032",
        "\u0301",
        "AT&T, R&D, a=1&b=2",
        "",
    ],
    ids=ascii,
)
def test_what_is_normal_stays(text: str) -> None:
    assert normal_form(text) == text


def test_a_normal_form_is_its_own() -> None:
    parts = [
        "&",
        "amp;",
        "#39;",
        "#x26",
        "lt;",
        "br",
        "<",
        "/>",
        "`",
        "n",
        "e",
        "\u0301",
        "\u2019",
        "\r",
    ]
    parts += ["\n", "\0", "\u200b", "\u200d", "\u037e", "\u1fef", "👩", "ب", "\x92", "\ud83d", " "]
    rng = random.Random(0)
    for _ in range(3000):
        text = "".join(rng.choice(parts) for _ in range(rng.randint(0, 20)))
        assert normal_form(normal_form(text)) == normal_form(text)


@pytest.mark.parametrize(
    "unit", ["&", "&amp;", "amp;", "&#38;", "\u200da", "\u200d👩", "<br ", "n`", "\u0316\u0301"],
    ids=ascii,
)  # fmt: skip
def test_time_is_linear_whatever_the_text(unit: str) -> None:
    begun = time.process_time()
    normal_form("&" + unit * (100_000 // len(unit)))
    assert time.process_time() - begun < 2


def test_accents_without_end_are_cut() -> None:
    assert len(normal_form("e" + "\u0316" * 1000)) == 1 + MOST_MARKS


def test_a_half_of_a_character_is_shown_as_lost_under_any_rules() -> None:
    for normalisation in ("unicode", "none"):
        tokens = Tokenizer("en", normalisation)("so \ud83d good")  # type: ignore[arg-type]
        assert tokens == ["xxbos", "so", "\ufffd", "good"]


def test_entities_become_what_they_mean_before_anything_else() -> None:
    assert repaired("Tom &amp; Jerry didn&#39;t") == "Tom & Jerry didn't"
    assert repaired("5&#36; &quot;so&quot;") == '5$ "so"'


def test_models_of_format_1_keep_their_rules() -> None:
    assert repaired("didn&#39;t", "none") == "didn&'t"
    assert "n\u2019t" in Tokenizer("en", "none")("didn\u2019t")


def test_a_vocabulary_of_printed_texts_keeps_its_quotes_and_spaces() -> None:
    typed = "It isn\u2019t\xa0\u201cgood\u201d.\r\nNa\u0131\u0308ve &amp; gre\u200bat\0"
    kept = normal_form(typed, print_too=False)
    assert kept == "It isn\u2019t\xa0\u201cgood\u201d.\nNa\u0131\u0308ve & great"
    assert repaired(typed, "typographic") == repaired(kept, "none")
