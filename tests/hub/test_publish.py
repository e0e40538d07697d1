from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import zoo
import zoo.hub
from tests.hub.domains import MAKERS, make, said
from zoo.core.model import Model
from zoo.hub.catalog import ROOM

from .server import Fault, Hub

pytestmark = pytest.mark.filterwarnings(  # of the hub's own client about its HTTP library
    "ignore:Use 'content=<...>' to upload raw bytes:DeprecationWarning"
)


@pytest.fixture(scope="session")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    pytest.importorskip("spacy", reason="pip install 'transfer-zoo[text]'")
    folder = tmp_path_factory.mktemp("artifacts")
    return {domain: make(domain, folder) for domain in MAKERS}


@pytest.fixture
def shop(artifacts: dict[str, Path]) -> Path:
    """The smallest artifact."""
    return artifacts["tabular"]


@pytest.mark.parametrize("domain", MAKERS)
def test_a_published_model_predicts_as_before(
    hub: Hub, artifacts: dict[str, Path], domain: str, tmp_path: Path
) -> None:
    model = zoo.load(artifacts[domain])
    whole = {"users": True} if domain == "collab" else {}
    address = model.push(f"someone/{domain}", **whole)
    assert address == f"{hub.url}/someone/{domain}"
    assert said(zoo.load(f"someone/{domain}")) == said(model)
    sent = set(hub.repositories[f"someone/{domain}"])
    own = {"config.json", "history.csv", "model.safetensors", "README.md", "SHA256SUMS"}
    own |= set() if domain == "collab" else {"familiar.safetensors"}
    assert sent == own  # no sketch of the rows that it was trained on
    tree = json.loads(hub.repositories[f"someone/{domain}"]["config.json"])
    assert set(tree["files"]) == own - {"config.json", "SHA256SUMS"}


def test_every_domains_model_can_be_pushed() -> None:
    for domain in ("collab", "tabular", "text", "vision"):
        importlib.import_module(f"zoo.{domain}")
    kinds = Model.__subclasses__()
    assert len(kinds) >= 5
    assert [kind.__name__ for kind in kinds if not callable(getattr(kind, "push", None))] == []


def test_only_an_artifacts_own_files_go(hub: Hub, shop: Path, tmp_path: Path) -> None:
    import shutil

    folder = shutil.copytree(shop, tmp_path / "shop")
    for name in ("training.pt", "notes.txt", ".secret.png", "data.csv"):
        (folder / name).write_text("mine")
    zoo.hub.push(folder, "someone/shop")
    assert not {"training.pt", "notes.txt", ".secret.png", "data.csv"} & set(
        hub.repositories["someone/shop"]
    )


def test_a_published_models_evaluation_results_travel_and_go_with_it(
    hub: Hub, shop: Path, tmp_path: Path
) -> None:
    file = ".eval_results/transfer-zoo.yaml"
    zoo.hub.push(ROOM / "adult", "someone/adult")
    assert file in hub.repositories["someone/adult"]
    pulled = zoo.hub.pull("someone/adult", cache=tmp_path / "cache")
    assert (pulled / file).read_bytes() == (ROOM / "adult" / file).read_bytes()
    zoo.hub.push(shop, "someone/adult")
    assert file not in hub.repositories["someone/adult"]


def test_the_card_names_the_model_as_it_is_loaded_from_there(hub: Hub, shop: Path) -> None:
    zoo.hub.push(shop, "someone/shop")
    assert b'zoo.load("someone/shop")' in hub.repositories["someone/shop"]["README.md"]


def test_what_an_earlier_model_left_is_removed(hub: Hub, shop: Path) -> None:
    hub.repositories["someone/shop"] = {"model-2.safetensors": b"old", ".gitattributes": b"x"}
    zoo.hub.push(shop, "someone/shop")
    assert "model-2.safetensors" not in hub.repositories["someone/shop"]
    assert ".gitattributes" in hub.repositories["someone/shop"]


def test_a_branch_is_made_and_pulled_apart_from_main(
    hub: Hub, artifacts: dict[str, Path], shop: Path, tmp_path: Path
) -> None:
    zoo.hub.push(shop, "someone/shop")
    zoo.hub.push(artifacts["collab"], "someone/shop", revision="films")
    main = zoo.hub.pull("someone/shop", cache=tmp_path)
    films = zoo.hub.pull("someone/shop", revision="films", cache=tmp_path)
    assert json.loads((main / "config.json").read_text())["domain"] == "tabular"
    assert json.loads((films / "config.json").read_text())["domain"] == "collab"


def test_a_push_that_broke_off_goes_on_without_sending_the_weights_again(
    hub: Hub, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.faults = [Fault("500", "POST", "/commit/")]
    with pytest.raises(
        ConnectionError, match=r"name='someone/shop', which was not published: .*500"
    ):
        zoo.hub.push(shop, "someone/shop")
    assert hub.repositories["someone/shop"] == {}  # nothing of it can be seen
    zoo.hub.push(shop, "someone/shop")
    sent = [method for method, path, _ in hub.asked if "/upload/" in path]
    assert sent == ["PUT", "PUT"]  # weights and statistics, each once


@pytest.mark.parametrize("kind", ["corrupt", "truncate"])
def test_weights_that_arrive_damaged_are_not_published(hub: Hub, shop: Path, kind: str) -> None:
    hub.faults = [Fault(kind, "PUT", "/upload/")]  # type: ignore[arg-type]
    with pytest.raises(ConnectionError, match="was not published"):
        zoo.hub.push(shop, "someone/shop")
    zoo.hub.push(shop, "someone/shop")
    assert said(zoo.load("someone/shop")) == said(zoo.load(shop))


def test_a_commit_that_is_stored_damaged_is_told_and_nobodys_pull_accepts_it(
    hub: Hub, shop: Path, tmp_path: Path
) -> None:
    hub.faults = [Fault("corrupt", "POST", "/commit/")]
    with pytest.raises(ValueError, match=r"got other hashes in name='someone/shop': wrong="):
        zoo.hub.push(shop, "someone/shop")
    with pytest.raises(ValueError, match=r"'someone/shop' is not .* got other hashes: wrong="):
        zoo.hub.pull("someone/shop", cache=tmp_path)
    zoo.hub.push(shop, "someone/shop")
    assert said(zoo.load("someone/shop")) == said(zoo.load(shop))


def test_a_push_that_could_not_be_compared_says_that_it_was_published(hub: Hub, shop: Path) -> None:
    hub.faults = [Fault("drop", "POST", "/paths-info/")]
    with pytest.raises(ConnectionError, match="name='someone/shop', which has been published"):
        zoo.hub.push(shop, "someone/shop")
    assert said(zoo.load("someone/shop")) == said(zoo.load(shop))


@pytest.mark.parametrize("status", [401, 403, 404])
def test_who_may_not_write_is_told(hub: Hub, shop: Path, status: int) -> None:
    hub.errors["someone/shop"] = (status, "")
    with pytest.raises(PermissionError, match=f"let you write the model, got status {status}"):
        zoo.hub.push(shop, "someone/shop")


def test_what_is_no_artifact_never_reaches_the_network(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"has no config\.json"):
        zoo.hub.push(tmp_path, "someone/shop")
    (tmp_path / "config.json").write_text('{"format": 1}')
    with pytest.raises(ValueError, match=r"lacks \['README.md', 'model.safetensors'\]"):
        zoo.hub.push(tmp_path, "someone/shop")
    for name in ("shop", "../shop", "a/b/c"):
        with pytest.raises(ValueError, match="must be named user/name"):
            zoo.hub.push(tmp_path, name)
    with pytest.raises(ValueError, match=r"name='zoo/shop'\. Publish under your own name"):
        zoo.hub.push(tmp_path, "zoo/shop")
    assert not hub.asked


def test_a_folder_takes_the_hubs_place(
    artifacts: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZOO_HUB", str(tmp_path / "models"))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    for domain, folder in artifacts.items():
        zoo.hub.push(folder, f"team/{domain}", users=True)
        assert said(zoo.load(f"team/{domain}")) == said(zoo.load(folder))
    ours = [entry for entry in zoo.hub.entries() if not entry.name.startswith("zoo/")]
    assert [entry.name for entry in ours] == sorted(f"team/{domain}" for domain in artifacts)
    assert {entry.domain for entry in ours} == set(artifacts)
    zoo.hub.push(artifacts["collab"], "team/tabular")  # replaces it whole
    assert zoo.load("team/tabular").domain == "collab"
    left = {path.name for path in (tmp_path / "models" / "team").iterdir()}
    assert {name for name in left if not name.endswith(".lock")} == set(artifacts)


def test_a_wrong_byte_in_the_folder_is_refused(shop: Path, tmp_path: Path) -> None:
    zoo.hub.push(shop, "team/shop", hub=tmp_path)
    path = tmp_path / "team" / "shop" / "config.json"
    path.write_bytes(path.read_bytes().replace(b"0", b"1", 1))
    with pytest.raises(ValueError, match=r"wrong=\{'config.json': '[0-9a-f]{64}'\}"):
        zoo.hub.pull("team/shop", hub=tmp_path)
    with pytest.raises(FileNotFoundError, match=r"name='team/shp'. Did you mean"):
        zoo.hub.pull("team/shp", hub=tmp_path)
    with pytest.raises(ValueError, match="keeps one revision, got revision='v1'"):
        zoo.hub.push(shop, "team/shop", hub=tmp_path, revision="v1")


def test_pulls_at_once_do_not_harm_each_other(hub: Hub, shop: Path, tmp_path: Path) -> None:
    zoo.hub.push(shop, "someone/shop")
    weights = hub.repositories["someone/shop"]["model.safetensors"]
    hub.faults = [Fault("corrupt", "GET", "/resolve/.*safetensors")]
    code = (
        "import sys, zoo.hub\n"
        "try: print(zoo.hub.pull('someone/shop', cache=sys.argv[1]))\n"
        "except ValueError as error: print('refused', error)"
    )
    environment = {
        **os.environ,
        "HF_HUB_DISABLE_XET": "1",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    several = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path / "cache")],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    told = [process.communicate(timeout=60)[0].strip() for process in several]
    assert sum(line.startswith("refused") for line in told) == 1
    folders = {line for line in told if not line.startswith("refused")}
    assert len(folders) == 1
    assert (Path(folders.pop()) / "model.safetensors").read_bytes() == weights


def test_threads_may_push_to_one_folder(artifacts: dict[str, Path], tmp_path: Path) -> None:
    both = [
        threading.Thread(target=zoo.hub.push, args=(folder, "team/x"), kwargs={"hub": tmp_path})
        for folder in artifacts.values()
    ]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert zoo.hub.pull("team/x", hub=tmp_path) == tmp_path / "team" / "x"
