from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.text.small import finetune, train_lm
from zoo.text import LanguageModel, TextClassifier


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZOO_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def lm(cache: None) -> LanguageModel:
    return train_lm()


@pytest.fixture(scope="session")
def classifier(lm: LanguageModel) -> TextClassifier:
    return finetune(lm)


@pytest.fixture(params=["lm", "classifier"])
def each(request: pytest.FixtureRequest) -> LanguageModel | TextClassifier:
    """Every kind of model in turn."""
    model: LanguageModel | TextClassifier = request.getfixturevalue(request.param)
    return model


@pytest.fixture(scope="session")
def saved_lm(lm: LanguageModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lm.save(tmp_path_factory.mktemp("saved") / "lm")


@pytest.fixture(scope="session")
def saved(classifier: TextClassifier, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return classifier.save(tmp_path_factory.mktemp("saved") / "reviews")
