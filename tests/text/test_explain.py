from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.text.small import BAD, GOOD
from zoo.text import TextClassifier
from zoo.text.classification.explain import parts_of
from zoo.text.data.readable import Reading, readable, word_starts

pytestmark = pytest.mark.device

TEXT = "We found the film brilliant. They found the cast awful and dull <so & so>."


def test_words_that_praise_speak_for_praise(classifier: TextClassifier) -> None:
    scores = []
    for word in (GOOD[0], BAD[0]):
        found = classifier.explain(f"we found the film {word}.", "yes")
        scores.append(dict(zip(found.names, found.scores, strict=True))[word])
    assert scores[0] > scores[1] + 1
    assert classifier.explain(f"we found the film {GOOD[0]}.").label == "yes"


def test_a_score_is_what_the_odds_fall_by_without_the_word(classifier: TextClassifier) -> None:
    whole, without = "We found the film warm.", "We found the warm."
    odds = [
        math.log(p["yes"] / p["no"])
        for p in (classifier.predict(text).probabilities for text in (whole, without))
    ]
    found = classifier.explain(whole, "yes")
    assert found.names == ("We", "found", "the", "film", "warm", ".")
    assert found.scores[3] == pytest.approx(odds[0] - odds[1], abs=0.02)


def test_a_long_text_is_explained_in_runs_of_words() -> None:
    tokens = ["xxbos", *["xxmaj", "so"] * 1000]
    numbers = np.arange(len(tokens), dtype=np.int32)
    reading = Reading(numbers, word_starts(tokens), lambda start, end: readable(tokens[start:end]))
    parts = list(parts_of(reading, most=100))
    assert len(parts) == 100
    assert [place.start for place, _ in parts][:2] == [1, 21]
    assert parts[-1][0].stop == len(tokens)


def test_it_can_be_looked_at(classifier: TextClassifier, tmp_path: Path) -> None:
    found = classifier.explain(TEXT * 8)
    assert "&lt;so" in found.html() or "&lt;" in found.html()
    assert found._repr_html_() == found.html()
    assert found.save(tmp_path / "why.png").stat().st_size > 5000
    assert " ".join(found.names).startswith("We found the film brilliant .")


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda m: m.explain("a film", "perhaps"), r"got label='perhaps'\. There is no, yes"),
        (lambda m: m.explain(5), "got 5, a int"),
    ],
)
def test_mistakes_are_one_sentence(ask: Any, says: str, classifier: TextClassifier) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        ask(classifier)
    assert "\n" not in str(caught.value)


def test_an_empty_text_has_no_words(classifier: TextClassifier) -> None:
    with pytest.warns(UserWarning, match="1 of 1 texts are empty"):
        found = classifier.explain("")
    assert found.names == ()
    assert found.figure() is not None
