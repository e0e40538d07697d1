from __future__ import annotations

from pathlib import Path

import pytest

from tests.collab.small import train
from zoo.collab import Recommender

NETWORKS = ["dot_bias", "embedding_net", "svdpp", "softmax"]
MODELS = [*NETWORKS, "sasrec", "blend", "ease"]


@pytest.fixture(scope="session")
def trained() -> dict[str, Recommender]:
    return {name: train(name) for name in MODELS}


@pytest.fixture(params=MODELS)
def each(request: pytest.FixtureRequest, trained: dict[str, Recommender]) -> Recommender:
    """Every model in turn."""
    return trained[request.param]


@pytest.fixture(params=NETWORKS)
def network(request: pytest.FixtureRequest, trained: dict[str, Recommender]) -> Recommender:
    """Every model that is a network, with vectors and steps, in turn."""
    return trained[request.param]


@pytest.fixture
def model(trained: dict[str, Recommender]) -> Recommender:
    return trained["dot_bias"]


@pytest.fixture(scope="session")
def directory(trained: dict[str, Recommender], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained["svdpp"].save(tmp_path_factory.mktemp("saved") / "films")
