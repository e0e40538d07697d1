"""The names of huggingface_hub's `ModelHubMixin`, beside ours, with a hub on the loopback."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard, ModelHubMixin, hf_hub_download

import zoo
from tests.hub.domains import said
from zoo.hub.catalog import ROOM
from zoo.hub.mixin import HubMixin

from .server import Hub

pytestmark = pytest.mark.filterwarnings(  # of the hub's own client about its HTTP library
    "ignore:Use 'content=<...>' to upload raw bytes:DeprecationWarning"
)


def inputs_of(model: Any) -> Any:
    """What a published model says of a few inputs."""
    if model.domain == "tabular":
        return model.predict([dict.fromkeys(model.spec.inputs)]).tolist()
    if model.domain == "collab":
        return model.predict(list(model.spec.users[:3]), list(model.spec.items[:3])).tolist()
    if model.domain == "text":
        return [one.probabilities for one in model.predict(["a fine film", "dull"])]
    return said(model)


OTHERS = ("digits", "sentiment", "movielens-100k")
SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in OTHERS]


@pytest.mark.parametrize("name", ["adult", *SLOW])
def test_a_model_comes_back_by_the_names_that_people_know(
    hub: Hub, name: str, tmp_path: Path
) -> None:
    if name == "sentiment":
        pytest.importorskip("spacy", reason="pip install 'transfer-zoo[text]'")
    model: Any = zoo.load(f"zoo/{name}")
    more = {"users": True} if name == "movielens-100k" else {}
    address = model.save_pretrained(
        tmp_path / name, push_to_hub=True, repo_id=f"someone/{name}", private=True, **more
    )
    assert address == f"{hub.url}/someone/{name}"
    loaded = type(model).from_pretrained(f"someone/{name}", cache_dir=tmp_path / "cache")
    assert inputs_of(loaded) == inputs_of(model)
    assert inputs_of(type(model).from_pretrained(tmp_path / name)) == inputs_of(model)
    file = hf_hub_download(f"someone/{name}", "config.json", endpoint=hub.url)
    config = json.loads(Path(file).read_text("utf-8"))
    assert config["domain"] == model.domain


def test_branches_caches_and_tokens_have_their_usual_meaning(hub: Hub, tmp_path: Path) -> None:
    kind = zoo.tabular.TableModel
    model = kind.from_pretrained("zoo/adult")
    model.push_to_hub("someone/adult", commit_message="first", branch="v1", token="hf_mine")
    assert "config.json" not in hub.repositories["someone/adult"]  # the main branch is as it was
    here: dict[str, Any] = {"revision": "v1", "cache_dir": tmp_path / "cache"}
    with pytest.raises(ConnectionError, match="local_files_only=True asks no hub"):
        kind.from_pretrained("someone/adult", local_files_only=True, **here)
    kind.from_pretrained("someone/adult", token=False, **here)
    hub.asked.clear()
    kind.from_pretrained("someone/adult", local_files_only=True, **here)
    assert hub.asked == []
    kind.from_pretrained("someone/adult", force_download=True, **here)
    assert any(path.endswith("/model.safetensors") for _, path, _ in hub.asked)
    with pytest.raises(TypeError, match=r"must be a Recommender, got a TableModel"):
        zoo.collab.Recommender.from_pretrained("someone/adult", **here)
    weights = hub.revisions("someone/adult")["v1"]["model.safetensors"]
    hub.damaged["model.safetensors"] = weights[:-1] + b"?"
    with pytest.raises(ValueError, match=r"is not a whole model"):
        kind.from_pretrained("someone/adult", force_download=True, **here)


@pytest.mark.parametrize("name", ["from_pretrained", "save_pretrained", "push_to_hub"])
def test_every_keyword_of_the_mixin_is_taken_or_refused_with_a_reason(
    name: str, tmp_path: Path
) -> None:
    theirs = inspect.signature(getattr(ModelHubMixin, name)).parameters
    ours = inspect.signature(getattr(HubMixin, name)).parameters
    for one in theirs.keys() - ours.keys():
        with pytest.raises(ValueError, match=rf"^{one} must be left out, got "):
            getattr(zoo.load("zoo/adult"), name)(str(tmp_path), **{one: ["*.bin"]})
    with pytest.raises(TypeError, match="unexpected keyword argument 'odd'"):
        getattr(zoo.load("zoo/adult"), name)(str(tmp_path), odd=1)
    assert list(tmp_path.iterdir()) == []


def test_the_entry_in_the_hubs_list_names_the_library_as_cards_do() -> None:
    entry = (ROOM.parent / "model-libraries.ts").read_text("utf-8")
    card = ModelCard.load(ROOM / "adult" / "README.md")
    assert f'"{card.data.library_name}": {{' in entry
    assert 'zoo.load("${model.id}")' in entry
    assert 'zoo.load("zoo/adult")' in card.text


def test_a_directory_has_no_revisions(tmp_path: Path) -> None:
    zoo.load("zoo/adult").save(tmp_path / "adult")
    with pytest.raises(ValueError, match="a directory keeps one revision, got revision='v1'"):
        zoo.tabular.TableModel.from_pretrained(tmp_path / "adult", revision="v1")
