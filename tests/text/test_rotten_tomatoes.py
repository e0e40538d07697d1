"""Real sentences: 5,331 of praise and 5,331 of blame, from random weights on a CPU."""

from __future__ import annotations

import pytest

import zoo
from tests.text.small import RUN
from zoo.text.texts import decoded


@pytest.fixture(scope="module")
def sentences() -> tuple[list[str], list[str]]:
    row = next(row for row in zoo.data.available() if row.name == "rotten-tomatoes")
    if row.at_hand not in ("cached", "mirror"):
        pytest.skip("needs Rotten Tomatoes: zoo data get rotten-tomatoes")
    folder = zoo.data.get("rotten-tomatoes")
    texts, labels = [], []
    for kind in ("pos", "neg"):
        lines = decoded((folder / f"rt-polarity.{kind}").read_bytes()).splitlines()
        texts += lines
        labels += [kind] * len(lines)
    return texts, labels


@pytest.mark.slow
def test_rotten_tomatoes_from_random_weights(sentences: tuple[list[str], list[str]]) -> None:
    model = zoo.text.train(sentences, epochs=4, run=RUN)
    low, high = 0.70, 0.80
    assert low < model.metrics["accuracy"] < high
