from __future__ import annotations

import pytest

from tests.text.small import train_lm
from zoo.text import LanguageModel
from zoo.text.data.rules import MAJ, SPECIAL


@pytest.fixture(scope="module")
def capitals(cache: None) -> LanguageModel:
    texts = [f"We met {name} there {i}." for i in range(30) for name in ("Paul", "NASA", "friends")]
    return train_lm(texts, at_least=1, valid_fraction=0, epochs=8)


def test_the_likeliest_words_are_words_in_the_form_they_would_have(
    capitals: LanguageModel,
) -> None:
    said = dict(capitals.predict("We met", k=20))
    assert {"Paul", "NASA", "friends"} <= set(said)
    assert list(said.values()) == sorted(said.values(), reverse=True)
    assert 0.5 < sum(said.values()) <= 1
    tokens = dict(capitals.predict("We met", k=20, tokens=True))
    assert set(tokens) & set(SPECIAL)
    assert said["friends"] == pytest.approx(tokens["friends"])
    assert said["Paul"] < tokens[MAJ]


def test_no_word_is_there_twice_and_none_is_a_mark(
    capitals: LanguageModel, lm: LanguageModel
) -> None:
    for model in (capitals, lm):
        words = [word for word, _ in model.predict("I found the", k=20)]
        assert len(set(words)) == len(words)
        assert not set(words) & set(SPECIAL)
