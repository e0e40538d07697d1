"""`zoo.load`: any domain by one call, and a class where the caller says which."""

from __future__ import annotations

import pytest
import torch

import zoo
from tests.helpers.device import run_here
from tests.stored.artifacts import FORMAT_1
from zoo.core.model import Model

RUN = run_here()


def test_a_class_is_given_back_or_refused() -> None:
    place = next(path for path in sorted(FORMAT_1.iterdir()) if path.name.startswith("collab"))
    recommender = zoo.load(place, zoo.collab.Recommender, run=RUN)
    assert isinstance(recommender, zoo.collab.Recommender)
    assert isinstance(zoo.load(place, run=RUN), Model)
    with pytest.raises(TypeError, match=r"must be a TableModel, got a Recommender in '.*collab"):
        zoo.load(place, zoo.tabular.TableModel, run=RUN)


def test_a_module_of_ones_own_is_asked_for(tmp_path) -> None:
    from zoo.core.artifacts.own_module import save_module
    from zoo.core.history import History

    module = torch.nn.Linear(2, 1)
    place = save_module(tmp_path / "own", module, History())
    with pytest.raises(zoo.ArtifactError, match=r"got no module.*Pass model=Linear\(\.\.\.\)"):
        zoo.load(place)
    loaded = zoo.load(place, model=torch.nn.Linear(2, 1))
    assert torch.equal(loaded.weight, module.weight)


@pytest.mark.parametrize(
    ("name", "verb"),
    [("minilm", "text"), ("hf/someone/encoder", "text"), ("efficientnet_lite0", "vision")],
)
def test_a_network_to_fine_tune_is_no_saved_model(name: str, verb: str) -> None:
    with pytest.raises(FileNotFoundError, match=rf"Call zoo\.{verb}\.finetune\('{name}', data\)"):
        zoo.load(name)
