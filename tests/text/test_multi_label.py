from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import zoo
from tests.text.small import RUN, train_lm
from zoo.text import Labels, LanguageModel, TextClassifier
from zoo.text.data.labelled import read
from zoo.text.data.parts import split

pytestmark = pytest.mark.device

TONES = {"praise": "lovely", "blame": "awful", "length": "endless"}


def table(n: int = 240, seed: int = 0) -> pd.DataFrame:
    """Texts that say any of three things, or none."""
    rng = np.random.default_rng(seed)
    has = rng.random((n, 3)) < 0.4
    words = np.array(list(TONES.values()))
    texts = [" ".join([f"({seed}, {i}) the film was", *words[row]]) for i, row in enumerate(has)]
    columns = {name: has[:, i].astype(int) for i, name in enumerate(TONES)}
    return pd.DataFrame({"text": texts, **columns})


def tuples(frame: pd.DataFrame) -> list[tuple[str, ...]]:
    return [tuple(name for name in TONES if row[name]) for _, row in frame.iterrows()]


@pytest.fixture(scope="module")
def model(cache: None) -> TextClassifier:
    lm = train_lm(table()["text"], epochs=1)
    settings: dict[str, Any] = {"epochs": 8, "lr": 0.1, "drop_mult": 0.1, "batch_size": 16}
    settings |= {"valid_fraction": 0.2, "rivals": False, "refit": False}
    return zoo.text.finetune(lm, table(), label=list(TONES), run=RUN, **settings)


def test_any_number_of_classes_is_learnt(model: TextClassifier) -> None:
    assert model.metrics["f1"] > 0.9
    assert model.metrics["average_precision"] > 0.9
    both = model.predict("(9, 7) the film was lovely endless")
    assert isinstance(both, Labels)
    assert set(both.labels) == {"praise", "length"}
    silent = [text for text in table()["text"] if text.endswith("was")]
    assert np.mean([not said.labels for said in model.predict(silent)]) > 0.8
    assert sum(both.probabilities.values()) > 1.5


def test_an_explanation_tells_classes_apart(model: TextClassifier) -> None:
    text = "the film was lovely endless"
    assert model.explain(text, "praise").top(1)[0][0] == "lovely"
    assert model.explain(text, "length").top(1)[0][0] == "endless"


def test_lists_and_columns_say_the_same(model: TextClassifier) -> None:
    frame = table(30, seed=1)
    lists = model.evaluate((frame["text"], tuples(frame)))
    assert lists == model.evaluate(frame, label=list(TONES))


def test_it_is_saved_as_what_it_is(model: TextClassifier, tmp_path: Path) -> None:
    loaded = zoo.load(model.save(tmp_path / "m"), run=RUN)
    text = "the film was awful"
    assert loaded.predict(text) == model.predict(text)
    assert loaded.spec == model.spec


def test_a_split_takes_its_share_of_each_label() -> None:
    rng = np.random.default_rng(1)
    has = rng.random((400, 6)) < [0.5, 0.3, 0.2, 0.1, 0.05, 0.02]
    found = read(([f"text {i}" for i in range(400)], has))
    train, held = split(found, 0.2, seed=0)
    assert held is not None
    assert len(held.texts) == pytest.approx(80, abs=4)
    shares = held.numbers(found.classes()).sum(0) / has.sum(0)
    assert shares == pytest.approx(0.2, abs=0.06)
    assert sorted(train.texts + held.texts) == sorted(found.texts)


def test_labels_of_two_texts_each_are_trained_on_and_yet_some_texts_are_held_out() -> None:
    found = read(([f"t{i}" for i in range(100)], [[i, (i * 7 + 1) % 100] for i in range(100)]))
    train, held = split(found, 0.1, seed=0)
    assert held is not None
    assert len(held.texts) == 10
    assert train.classes() == found.classes()


@pytest.mark.parametrize(
    ("data", "options", "says"),
    [
        ((["a", "b"], [["x"], "y"]), {}, "'y', which is no list"),
        ((["a", "b"], [["x"], [None]]), {}, "1 of 2 labels missing"),
        (table().assign(blame=3), {"label": list(TONES)}, "hold something else"),
        (table(), {"label": ["praise", "price"]}, "without 'price'"),
        ((["a", "b"], [["x"], ["x"]]), {}, r"at least two classes, got \['x'\]"),
    ],
)
def test_mistakes_are_one_sentence(data: Any, options: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        zoo.text.train(data, run=RUN, **options)
    assert "\n" not in str(caught.value)


def test_the_other_kind_of_label_is_refused(
    model: TextClassifier, classifier: TextClassifier, lm: LanguageModel
) -> None:
    with pytest.raises(ValueError, match="any number of classes for task='multi-label', got 3"):
        model.evaluate((["a"], [3]))
    with pytest.raises(ValueError, match=r"one class for task='classification', got \('yes',\)"):
        classifier.evaluate((["a"], [["yes"]]))
    with pytest.raises(ValueError, match="any number of classes"):
        zoo.text.learner((["a", "b"], [["x"], ["y"]]), pretrained=lm, valid=(["c"], [1]), run=RUN)
