"""The suite of what every model promises, run by each class and variant that is stored.

A model is tried as it was loaded, and fresh from a learner that has just been in training mode.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import zoo
from tests.conformance import RUN, Case, Conformance, case_of
from tests.stored.artifacts import FORMAT_1, NAMES, inputs_of, unpacked

pytestmark = [  # inputs are unknown on purpose
    pytest.mark.filterwarnings("ignore:the model does not know:UserWarning"),
    pytest.mark.filterwarnings("ignore:categories must be known:UserWarning"),
]

PHOTOS = "vision-classifier"  # the one that lies in the folder of the format itself
ENSEMBLES = ("vision-snapshots", "text-both-directions")  # which no learner trains


@pytest.fixture(scope="module", params=[PHOTOS, *NAMES])
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    return load(request.param, tmp_path_factory.mktemp("stored") / "model")


@pytest.fixture(scope="module", params=[PHOTOS, *(n for n in NAMES if n not in ENSEMBLES)])
def fresh(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    case = load(request.param, tmp_path_factory.mktemp("stored") / "model")
    learn = case.model.learner()
    learn.model.train()
    return case_of(learn.as_model(), case.inputs)


def load(name: str, place: Path) -> Case:
    stored = FORMAT_1 if name == PHOTOS else FORMAT_1 / name
    return case_of(zoo.load(unpacked(stored, place), run=RUN), inputs_of(stored))


class TestLoaded(Conformance):
    @pytest.fixture
    def case(self, loaded: Case) -> Case:
        return loaded


class TestFresh(Conformance):
    @pytest.fixture
    def case(self, fresh: Case) -> Case:
        return fresh
