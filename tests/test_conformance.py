"""The suite of what every model promises, run by each class and variant of models.

Models are stored ones, as they were loaded and fresh from a learner that has just been in training
mode, and one of each class that has just been trained, which also tries what its class can do.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from functools import partial
from inspect import signature
from pathlib import Path
from typing import Any

import pytest

import zoo
from tests.conformance import RUN, Case, Conformance, case_of, require_close, require_sentence
from tests.helpers.capabilities import CAPABILITIES, REQUIRED, TRIALS, is_required, refused
from tests.helpers.trained import MAKERS, Trained
from tests.stored.artifacts import FORMAT_1, NAMES, inputs_of, unpacked
from zoo.core.model import Model

pytestmark = [
    pytest.mark.device,
    # Inputs are unknown on purpose.
    pytest.mark.filterwarnings("ignore:the model does not know:UserWarning"),
    pytest.mark.filterwarnings("ignore:categories must be known:UserWarning"),
    pytest.mark.filterwarnings("ignore:.* texts are empty:UserWarning"),
]

PHOTOS = "vision-classifier"  # the one that lies in the folder of the format itself
NO_BATCH = {"batch_size": 0}
ENSEMBLES = ("vision-snapshots", "text-both-directions")  # which no learner trains


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What models keep of photos and texts, apart from the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZOO_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module", params=[PHOTOS, *NAMES])
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    return load(request.param, tmp_path_factory.mktemp("stored") / "model")


@pytest.fixture(scope="module", params=[PHOTOS, *(n for n in NAMES if n not in ENSEMBLES)])
def fresh(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    case = load(request.param, tmp_path_factory.mktemp("stored") / "model")
    learn = case.model.learner()
    learn.model.train()
    return case_of(learn.as_model(), case.inputs)


@pytest.fixture(scope="session", params=list(MAKERS))
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return MAKERS[request.param](tmp_path_factory.mktemp("trained"))


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


class TestTrained(Conformance):
    @pytest.fixture
    def case(self, trained: Trained) -> Case:
        return trained.case

    def test_it_was_validated(self, trained: Trained) -> None:
        assert trained.model.metrics

    def test_a_coverage_gives_what_storage_keeps_or_a_sentence(self, trained: Trained) -> None:
        models: Any = trained.model, trained.case.loaded
        if "coverage" not in signature(models[0].predict).parameters:
            return
        if models[0].errors is None:
            with pytest.raises(ValueError, match="judged on held-out rows"):
                models[0].predict(*trained.plain, coverage=0.9)
            return
        answers, loaded = (one.predict(*trained.plain, coverage=0.9) for one in models)
        assert str(answers) == str(loaded) != ""
        with pytest.raises(ValueError, match=r"coverage must be .* got coverage=90"):
            models[0].predict(*trained.plain, coverage=90)

    def test_what_is_unknown_is_told_as_storage_keeps_it_or_a_sentence(
        self, trained: Trained
    ) -> None:
        models: Any = trained.model, trained.case.loaded
        if "unknown" not in signature(models[0].predict).parameters:
            return
        if models[0].familiar is None and models[0].domain != "collab":
            with pytest.raises(ValueError, match="judged on held-out rows"):
                models[0].predict(*trained.plain, unknown=True)
            return
        answers, loaded = (one.predict(*trained.plain, unknown=True) for one in models)
        assert str(answers) == str(loaded)
        assert "unknown" in str(answers)
        with pytest.raises(ValueError, match=r"false alarms must be .* got unknown=3"):
            models[0].predict(*trained.plain, unknown=3)

    def test_columns_need_not_be_named_again(self, trained: Trained) -> None:
        model = trained.case.loaded
        scores = model.evaluate(*trained.valid, **trained.options)
        expected = dict(trained.model.metrics)
        if model.blend is not None:  # fitted on these rows, and reported as on others
            assert scores.pop("loss") <= expected.pop("loss")
        assert scores == pytest.approx(expected, rel=1e-4)
        if trained.table is not None:
            expected = list(model.predict(*trained.plain))
            require_close(list(model.predict(trained.table)), expected)

    def test_a_batch_of_nothing_is_refused(self, trained: Trained) -> None:
        model, items = trained.model, list(trained.case.items)
        asked: dict[str, tuple[object, ...]] = {
            "predict": (items,),
            "embed": (items,),
            "evaluate": trained.valid,
        }
        for name, arguments in asked.items():
            verb = getattr(model, name)
            if "batch_size" in signature(verb).parameters:
                options = (trained.options if name == "evaluate" else {}) | NO_BATCH
                require_sentence(partial(verb, *arguments, **options), "batch_size=0")

    @pytest.mark.parametrize("capability", CAPABILITIES)
    def test_it_does_what_its_class_can_and_refuses_the_rest_in_a_sentence(
        self, trained: Trained, capability: str, tmp_path: Path
    ) -> None:
        if is_required(capability, trained.model):
            TRIALS[capability](trained, tmp_path)
        else:
            refused(capability, trained, tmp_path)


@pytest.mark.parametrize("name", ENSEMBLES)
def test_no_learner_trains_an_ensemble(name: str, tmp_path: Path) -> None:
    model = load(name, tmp_path / "model").model
    require_sentence(model.learner, "an ensemble of 2")


def test_every_class_of_models_runs_the_suite() -> None:
    for domain in ("vision", "text", "tabular", "collab"):
        importlib.import_module(f"zoo.{domain}.stored")
    assert {kind.__name__ for kind in leaves(Model)} == set(REQUIRED)
    assert {name.split()[0] for name in MAKERS} == set(REQUIRED)


def leaves(kind: type) -> set[type]:
    """Classes of the library below one that nothing of it extends."""
    own = {one for one in kind.__subclasses__() if one.__module__.startswith("zoo.")}
    return set().union(*map(leaves, own)) if own else {kind}
