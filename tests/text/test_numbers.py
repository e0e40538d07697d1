"""A number per text: told by `task="regression"`, learnt in units of its deviation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from click.testing import Result
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error, mean_squared_error
from sklearn.pipeline import make_pipeline
from typer.testing import CliRunner

import zoo
from tests.text.encoders import write_encoder
from tests.text.small import GOOD, RUN, reviews
from tests.text.test_rivals import NEW, WORDS, data, logits_of, texts, words_and_pairs
from zoo.cli.app import app
from zoo.text import TextClassifier, rivals
from zoo.text.data.labelled import read
from zoo.text.data.parts import parts
from zoo.text.spec import Spec
from zoo.text.task import task_of

COLUMNS: dict[str, Any] = {"text": "review", "label": "stars", "task": "regression"}
ONCE: dict[str, Any] = {"valid_fraction": 0.25, "refit": False, "run": RUN}


def rated(n: int = 80) -> pd.DataFrame:
    """Reviews with half a star for each good word."""
    frame = reviews(n)
    good = [sum(word.strip(".") in GOOD for word in text.split()) for text in frame["review"]]
    return frame.assign(stars=1 + np.array(good) / 2)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> TextClassifier:
    folder = write_encoder(tmp_path_factory.mktemp("encoders") / "tiny")
    return zoo.text.finetune(folder, rated(), **COLUMNS, epochs=1, run=RUN, folds=2)


def test_it_answers_by_numbers_and_is_scored_beside_ridge(model: TextClassifier) -> None:
    frame = rated()
    said = model.predict(frame["review"].tolist())
    assert isinstance(said[0], float)
    assert model.predict(frame["review"][0]) == pytest.approx(said[0], abs=1e-5)
    with pytest.warns(UserWarning, match="trained on"):
        scores = model.evaluate(frame)
    assert scores["rmse"] == pytest.approx(mean_squared_error(frame["stars"], said) ** 0.5)
    assert scores["mae"] == pytest.approx(mean_absolute_error(frame["stars"], said))
    assert model.rivals is not None
    assert {"network", "constant", "linear probe", "tf-idf"} <= {*model.rivals.index}
    assert model.metrics["rmse"] < model.rivals["rmse"]["constant"]
    assert model.out_of_fold is not None
    assert [*model.out_of_fold] == ["stars"]
    assert model.out_of_fold["stars"].notna().all()


def test_words_move_the_number(model: TextClassifier, tmp_path: Path) -> None:
    explanation = model.explain("we found the cast brilliant.")
    whole, without = model.predict(["we found the cast brilliant.", "we found the cast."])
    assert dict(explanation.top(9))["brilliant"] == pytest.approx(whole - without, abs=1e-4)
    assert explanation.record(1).keys() == {"value", "parts"}
    assert explanation.save(tmp_path / "why.png").stat().st_size > 1000
    with pytest.raises(ValueError, match="got label='yes'"):
        model.explain("we found the cast brilliant.", "yes")


def test_a_saved_one_says_the_same_and_goes_on_with_numbers(
    model: TextClassifier, tmp_path: Path
) -> None:
    again = zoo.load(model.save(tmp_path / "m"))
    assert again.predict("so lovely") == model.predict("so lovely")
    again.blend = None  # of which a warning would tell that it stays behind
    learn = zoo.text.learner(rated(40), pretrained=again, valid_fraction=0.0, run=RUN)
    assert learn.model.head_trained
    assert learn.data.spec.y_scale == model.spec.y_scale
    with pytest.raises(ValueError, match=r"its range None, got y_range=\(0, 9\)"):
        zoo.text.learner(rated(40), pretrained=again, y_range=(0, 9), valid_fraction=0.0, run=RUN)


def test_ridge_on_tfidf_equals_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    own, labels = texts()
    numbers = (labels * 2.5 - 1).astype(np.float32)
    spec = Spec(WORDS, y_scale=(0.5, 2.0))
    monkeypatch.setattr(rivals, "CHEAP", 0)  # penalties are not compared
    found = task_of(spec).decode(logits_of(rivals.tfidf_ridge(data(numbers, spec)), spec, NEW))
    words = TfidfVectorizer(analyzer=words_and_pairs, sublinear_tf=True)
    expected = (
        make_pipeline(words, Ridge(rivals.RIDGES[0], tol=1e-8)).fit(own, numbers).predict(NEW)
    )
    torch.testing.assert_close(found.double(), torch.from_numpy(expected), atol=1e-4, rtol=0)


def test_scale_is_of_training_texts_and_each_part_has_all_ranges() -> None:
    learn = zoo.text.learner(rated(), model="awd_lstm", **COLUMNS, valid_fraction=0.25, run=RUN)
    train, valid = (part.labels for part in (learn.data.train, learn.data.valid))
    assert learn.data.spec.y_scale == pytest.approx((train.mean(), train.std()))
    whole = read((list(map(str, range(40))), list(map(float, range(40)))), task="regression")
    _, held = parts(whole, None, 0.25, 0)
    assert held is not None
    assert np.bincount(np.array(held.labels, dtype=int) // 4, minlength=10).tolist() == [1] * 10
    assert valid.dtype == np.float32


def test_a_range_is_never_left_and_implies_numbers() -> None:
    options: dict[str, Any] = {"text": "review", "label": "stars", "rivals": False, **ONCE}
    model = zoo.text.train(rated(40), **options, y_range=(0, 4.5), epochs=1, lr=0.5)
    assert all(0 <= said <= 4.5 for said in model.predict(["dull", "great " * 99]))
    for wrong, says in [
        ({"y_range": (0, 1)}, r"got 1 to \S+ for y_range=\(0, 1\)"),
        ({"y_range": (4, 0)}, r"got y_range=\(4, 0\)"),
        ({"y_range": (0, 9), "task": "classification"}, "task='classification'"),
        ({"task": "regression", "label_smoothing": 0.1}, "must come with classes"),
        ({"task": "regression", "label": "liked"}, "got 'no' in place 0"),
    ]:
        with pytest.raises(ValueError, match=says):
            zoo.text.learner(
                rated(40), model="awd_lstm", text="review", run=RUN, **{"label": "stars"} | wrong
            )


@pytest.mark.parametrize("suffix", [None, ".csv", ".jsonl"])
def test_numbers_with_fractions_are_asked_about(suffix: str | None, tmp_path: Path) -> None:
    frame = pd.DataFrame({"text": list("abcd"), "label": [0.5, 1.5, 0.5, -2.5]})
    data: Any = frame
    if suffix == ".csv":
        frame.to_csv(data := tmp_path / "t.csv", index=False)
    elif suffix:
        frame.to_json(data := tmp_path / "t.jsonl", orient="records", lines=True)
    with pytest.raises(ValueError, match=r"got 0\.5 .*task='regression'"):
        read(data)
    assert read(data, task="regression").labels == [0.5, 1.5, 0.5, -2.5]
    assert read(data, task="classification").labels == ["0.5", "1.5", "0.5", "-2.5"]


def test_the_command_line_takes_and_tells_numbers(model: TextClassifier, tmp_path: Path) -> None:
    def command(*words: Any) -> Result:
        return CliRunner().invoke(app, [str(word) for word in words])

    folder = model.save(tmp_path / "m")
    said = command("predict", folder, "so lovely", "--json")
    assert f'"value": {model.predict("so lovely"):.6f}'[:16] in said.output
    rated(40).to_csv(table := tmp_path / "t.csv", index=False)
    options = ["--text", "review", "--label", "stars", "--task", "regression", "--device", "cpu"]
    ranged = ["--y-range", 0, 5, "--epochs", 0, "--out", tmp_path / "n", "--no-rivals"]
    done = command("text", "train", table, *options, *ranged)
    assert done.exit_code == 0, done.output
    assert "rmse" in done.output


def test_a_head_of_other_numbers_is_not_kept() -> None:
    model = zoo.text.train(rated(40), **COLUMNS | {"text": ["review"]}, epochs=0, **ONCE)
    assert model.spec.text_column == "review"
    options: dict[str, Any] = {**COLUMNS, "valid_fraction": 0.0, "run": RUN}
    assert zoo.text.learner(rated(40), pretrained=model, **options).model.head_trained
    prices = rated(40).assign(stars=lambda rows: rows["stars"] * 1000 + 50_000)
    learn = zoo.text.learner(prices, pretrained=model, **options)
    assert not learn.model.head_trained
    assert learn.data.spec.y_scale == pytest.approx(
        (prices["stars"].mean(), prices["stars"].std(ddof=0))
    )
    late = prices.assign(stars=prices["stars"] + 1e9)
    with pytest.raises(ValueError, match=r"100,000 of their mean, got mean 10000\d+ and deviation"):
        zoo.text.learner(late, model="awd_lstm", **options)
