from __future__ import annotations

import pytest

import zoo


@pytest.mark.parametrize(
    "words", ["It isn{}t good.", "It wasn{}t funny at all.", "I don{}t like it."]
)
def test_the_published_classifier_reads_a_phones_negation(words: str) -> None:
    model = zoo.load("zoo/sentiment")
    plain, typed = (model.predict(words.format(mark)) for mark in ("'", "\u2019"))
    assert typed == plain
    assert plain.label == "negative"


def test_the_published_language_model_reads_windows_lines() -> None:
    spec = zoo.load("zoo/lstm-wiki").spec
    assert list(spec.numbers("One line.\r\nTwo.")) == list(spec.numbers("One line.\nTwo."))
    assert list(spec.numbers("It\u2019s")) == list(spec.numbers("It's"))
