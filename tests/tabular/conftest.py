"""Models trained once, for the tests of what is trained."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tabular.small import train
from zoo.tabular.model import TableModel


@pytest.fixture(scope="session")
def buyer() -> TableModel:
    return train()


@pytest.fixture(scope="session")
def amount() -> TableModel:
    return train(target="amount", log_target=True)


@pytest.fixture(scope="session")
def directory(buyer: TableModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return buyer.save(tmp_path_factory.mktemp("saved") / "model")
