"""Starts for a user's texts compared, and the one that "auto" stands for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import zoo
from tests.helpers.device import run_here
from tests.text.encoders import write_encoder
from tests.text.small import GOOD, RUN, reviews, train_lm
from zoo.core.training import probe
from zoo.core.training.features import features_of
from zoo.core.trust.folds import Fold, rows_of_fold
from zoo.text.classification import candidates
from zoo.text.classification.encoder_recipe import START
from zoo.text.classification.features import looks
from zoo.text.data.texts import key_of

COLUMNS: dict[str, Any] = {"text": "review", "label": "liked"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_encoder(tmp_path_factory.mktemp("encoders") / "tiny"))


def test_scores_are_those_of_folds_and_are_kept(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts, run = reviews(60), run_here(cache=tmp_path)
    texts = pd.concat([texts, texts[:6]], ignore_index=True)  # copies, which share a fold
    table = zoo.text.choose(texts, among=["tf-idf", folder], **COLUMNS, run=run)
    columns = ["accuracy", "spread", "loss", "texts_per_second", "MB", "licence", "auto"]
    assert list(table.columns) == columns
    assert sorted(table.index) == sorted(["tf-idf", folder, f"{folder} + tf-idf"])
    assert list(table.index[table["auto"]]) == [f"{folder} + tf-idf"]
    learn = zoo.text.learner(texts, pretrained=folder, **COLUMNS, valid_fraction=0, run=run)
    (look,) = looks(learn)
    x, y = features_of(learn, look).numpy(), look.targets.numpy()
    scores = []
    for number in range(5):
        own: Any = {"groups": [*map(key_of, texts["review"])], "strata": y}
        rows, others = rows_of_fold(Fold(number, 5), len(y), 0, **own)
        assert not set(texts["review"][rows]) & set(texts["review"][others])
        slopes, biases = probe.fit(x[rows], y[rows], learn.task, 2, START.penalties)
        scores.append(np.mean((x[others] @ slopes.T + biases).argmax(1) == y[others]))
    assert table.loc[folder, "accuracy"] == pytest.approx(np.mean(scores))
    assert table.loc[folder, "spread"] == pytest.approx(np.std(scores, ddof=1))
    for name in ("seconds_per_row", "probe_of"):  # nothing of it is done again
        monkeypatch.setattr(candidates, name, None)
    monkeypatch.setitem(candidates.FITS, "tf-idf", None)
    again = zoo.text.choose(texts, among=["tf-idf", folder], **COLUMNS, run=run)
    pd.testing.assert_frame_equal(again, table)


def test_auto_is_the_encoder_that_the_training_texts_choose(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = str(write_encoder(tmp_path / "other", "distilbert"))
    asked = []

    def chosen(names: list[str], texts: candidates.Texts) -> pd.DataFrame:
        asked.append([names, len(texts.labelled.texts)])
        return pd.DataFrame({"auto": [False, True]}, index=names)

    monkeypatch.setattr(candidates, "compared", chosen)
    monkeypatch.setattr(candidates, "installed", lambda: [folder, other])
    texts, options = reviews(40), {**COLUMNS, "run": RUN}
    learn = zoo.text.learner(texts[:30], pretrained="auto", valid=texts[30:], **options)
    assert asked == [[[folder, other], 30]]
    assert learn.model.arguments["config"]["model_type"] == "distilbert"
    monkeypatch.setattr(candidates, "installed", lambda: [folder])
    model = zoo.text.finetune("auto", texts, **options, epochs=0, rivals=False)
    assert (len(asked), model.training["pretrained"]) == (1, "tiny")
    monkeypatch.setattr(candidates, "installed", list)
    with pytest.raises(ValueError, match=r"got none. Run pip install 'transfer-zoo\[minilm\]'"):
        zoo.text.finetune("auto", texts, **options)


def test_a_language_model_is_a_candidate_where_it_is_named(tmp_path: Path) -> None:
    lm = train_lm(reviews(60)["review"], epochs=1).save(tmp_path / "lm")
    options: dict[str, Any] = {**COLUMNS, "batch_size": 8, "run": run_here(cache=tmp_path)}
    table = zoo.text.choose(reviews(40), among=["nb-svm", str(lm)], **options)
    assert list(table.index[table["auto"]]) == [f"{lm} + nb-svm"]
    assert table["accuracy"].between(0.5, 1).all()


def test_what_cannot_be_compared_is_told(folder: str) -> None:
    for among, says in (
        ("minilm", "among must be names of candidates, got among='minilm'"),
        (["tfidf"], r"got 'tfidf'. Did you mean 'tf-idf'\?"),
        (["minlm"], r"Did you mean 'minilm'\?"),
        (["zoo/sentiment"], "got 'zoo/sentiment', a classifier"),
    ):
        with pytest.raises(ValueError, match=says):
            zoo.text.choose(reviews(40), among=among, **COLUMNS)
    with pytest.raises(ValueError, match="5 different texts or more, one for each fold, got 4"):
        zoo.text.choose((["good", "bad", "fine", "poor"] * 2, [1, 0, 1, 0] * 2))
    with pytest.warns(UserWarning, match=r"got 8 of one and 16 in all: .* off by 0.25"):
        zoo.text.choose(reviews(16), among=["nb-svm"], **COLUMNS)


def test_numbers_are_compared_by_their_own_bag(folder: str, tmp_path: Path) -> None:
    texts = reviews(40)
    texts["stars"] = texts["review"].str.count("|".join(GOOD)) - 0.5
    options: dict[str, Any] = {"text": "review", "label": "stars", "task": "regression"}
    run = run_here(cache=tmp_path)
    table = zoo.text.choose(texts, among=["tf-idf", folder], **options, run=run)
    assert table.loc["tf-idf", "rmse"] < 0.8 * texts["stars"].std()
    assert list(table.index[table["auto"]]) == [f"{folder} + tf-idf"]
    with pytest.raises(ValueError, match=r"for numbers, got 'nb-svm'.*Try \['tf-idf'\]"):
        zoo.text.choose(texts, among=["nb-svm"], **options, run=run)
