from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

import zoo
from tests.text.small import RUN, finetune, reviews, train_lm
from zoo.text import TextClassifier
from zoo.text.models.classifier import flipped

pytestmark = pytest.mark.device


@pytest.fixture(scope="module")
def backward(cache: None) -> TextClassifier:
    return finetune(train_lm(reverse=True, epochs=2), epochs=2)


@pytest.fixture(scope="module")
def both(classifier: TextClassifier, backward: TextClassifier) -> TextClassifier:
    return zoo.text.ensemble([classifier, backward])


@pytest.mark.filterwarnings("ignore:1 of .* are empty")
def test_both_directions_are_averaged(
    both: TextClassifier, classifier: TextClassifier, backward: TextClassifier
) -> None:
    texts = [*reviews(20, seed=5)["review"], ""]
    forth, back = classifier.predict(texts), backward.predict(texts)
    for one, other, mean in zip(forth, back, both.predict(texts), strict=True):
        for label in ("no", "yes"):
            expected = (one.probabilities[label] + other.probabilities[label]) / 2
            assert mean.probabilities[label] == pytest.approx(expected, abs=1e-5)
    assert both.explain(texts[0]).names == classifier.explain(texts[0]).names


@pytest.mark.filterwarnings("ignore:about 10% of the 20 rows were trained on")  # short ones repeat
def test_it_is_kept_as_a_whole(both: TextClassifier, tmp_path: Path) -> None:
    folder = both.save(tmp_path / "both")
    assert len(json.loads((folder / "config.json").read_text())["members"]) == 2
    loaded = zoo.load(folder, run=RUN)
    table = reviews(20, seed=6)
    columns = {"text": "review", "label": "liked"}
    assert loaded.evaluate(table, **columns) == both.evaluate(table, **columns)
    assert [member.flips for member in loaded.members] == [False, True]


def test_it_knows_what_its_members_were_trained_on(
    both: TextClassifier, classifier: TextClassifier, tmp_path: Path
) -> None:
    assert both.seen_rows is not None
    assert classifier.seen_rows is not None
    assert set(classifier.seen_rows.hashes) <= set(both.seen_rows.hashes)
    for model in (both, zoo.load(both.save(tmp_path / "both"))):
        with pytest.warns(UserWarning, match="were trained on"):
            model.evaluate(reviews())


def test_documents_are_turned_and_padding_is_not() -> None:
    tokens = torch.tensor([[3, 4, 5, 6], [7, 8, 1, 1]])
    turned = flipped(tokens, torch.tensor([4, 2]))
    assert turned.tolist() == [[6, 5, 4, 3], [8, 7, 1, 1]]


def test_mistakes_are_one_sentence(classifier: TextClassifier, both: TextClassifier) -> None:
    texts = ["good", "bad"] * 8
    other = zoo.text.train((texts, [1, 0] * 8), epochs=0, valid_fraction=0, run=RUN)
    asks: list[tuple[Any, str]] = [
        (lambda: zoo.text.ensemble([classifier]), "must have at least two models, got 1"),
        (
            lambda: zoo.text.ensemble([classifier, other]),
            "got other classes, words, sizes in model 2",
        ),
        (lambda: zoo.text.ensemble([classifier, 5]), "got a int"),
        (lambda: finetune(both), "one network, got an ensemble of 2"),
    ]
    for ask, says in asks:
        with pytest.raises(ValueError, match=says) as caught:
            ask()
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("flips", [[False], "no", [0, 1], [[], []]])
def test_directions_that_mean_harm(flips: Any, both: TextClassifier, tmp_path: Path) -> None:
    path = both.save(tmp_path / "m") / "config.json"
    tree = json.loads(path.read_text())
    tree["model"]["args"]["flips"] = flips
    path.write_text(json.dumps(tree))
    with pytest.raises(zoo.ArtifactError, match="flips"):
        zoo.load(path.parent)
