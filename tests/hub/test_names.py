"""Names that a repository, its list of hashes, its config or its card give: none leads outside."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import zoo.hub
from tests.tabular import small
from zoo.hub.checksums import sha256, to_text, wrong_files
from zoo.hub.contents import published

from .server import Hub
from .test_fetch import ARTIFACT, CONFIG

pytestmark = pytest.mark.filterwarnings(  # of the hub's own client about its HTTP library
    "ignore:Use 'content=<...>' to upload raw bytes:DeprecationWarning"
)
HOSTILE = [
    *("../victim.txt", "a/../../victim.txt", "..\\victim.txt", "C:\\victim.txt", "/dev/zero"),
    *("~/victim.txt/../..", "nul", "con.txt", "victim.txt.", "victim.txt ", "a\0b", "a\tb"),
    *("vic\u202etim.txt", "x" * 300, ".", "", "\\\\host\\victim.txt", "victim.txt:stream"),
]


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """A file of the reader outside of everything."""
    path = tmp_path / "victim.txt"
    path.write_text("years of work")
    return path


def sums_of(files: dict[str, bytes], *names: str) -> bytes:
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    return to_text(hashes | dict.fromkeys(names, "0" * 64)).encode()


def config(**changes: Any) -> bytes:
    return json.dumps(CONFIG | changes).encode()


def refused(act: Callable[[], object], reason: str | None = None) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        act()
    assert "\n" not in str(caught.value)


def lists(name: str) -> dict[str, dict[str, bytes]]:
    """Repositories, by the place in which they say the name."""
    weights = name if name.endswith(".safetensors") else f"{name}.safetensors"
    return {
        "sums": ARTIFACT | {"SHA256SUMS": sums_of(ARTIFACT, name)},
        "files": ARTIFACT | {"config.json": config(files=["README.md", name])},
        "members": ARTIFACT | {"config.json": config(members=["model.safetensors", weights])},
        "picture": ARTIFACT | {"card.json": json.dumps({"picture": name + ".png"}).encode()},
    }


@pytest.mark.parametrize("place", ["sums", "files", "members"])
@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: ascii(name)[:24])
def test_a_hostile_name_is_refused_before_anything_is_opened(
    hub: Hub, tmp_path: Path, victim: Path, name: str, place: str
) -> None:
    if place == "sums" and name == "":
        pytest.skip("a list of hashes without a name is no list")
    files = lists(name)[place]
    hub.repositories["someone/trap"] = files
    refused(lambda: zoo.hub.pull("someone/trap", cache=tmp_path / "cache"))
    folder = tmp_path / "hub" / "someone" / "trap"
    for file, content in files.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(content)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    refused(lambda: zoo.hub.pull("someone/trap", hub=tmp_path / "hub"))
    refused(lambda: zoo.hub.push(folder, "me/trap", hub=tmp_path / "mine"))
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    assert victim.read_text() == "years of work"
    assert not (tmp_path / "mine" / "me" / "trap").exists()


def test_absolute_paths_of_the_reader_are_never_removed(
    hub: Hub, tmp_path: Path, victim: Path
) -> None:
    for place, files in lists(str(victim)).items():
        if place == "picture":
            continue
        hub.repositories["someone/trap"] = files
        refused(lambda: zoo.hub.pull("someone/trap", cache=tmp_path / "cache"), "not a whole model")
        assert victim.read_text() == "years of work", place
        shutil.rmtree(tmp_path / "cache")


@pytest.mark.parametrize("picture", ["../victim.png", "/etc/logo.png", "notes.txt", "a/b.png"])
def test_a_cards_picture_lies_beside_it(hub: Hub, tmp_path: Path, picture: str) -> None:
    card = json.dumps({"picture": picture}).encode()
    hub.repositories["someone/trap"] = ARTIFACT | {"card.json": card}
    refused(lambda: zoo.hub.pull("someone/trap", cache=tmp_path / "cache"), "must (be plain|end)")


@pytest.mark.parametrize(
    "twins",
    [
        ("readme.md",),
        ("MODEL.safetensors",),
        ("caf\u00e9.csv", unicodedata.normalize("NFD", "caf\u00e9.csv")),
    ],
    ids=ascii,
)
def test_twins_of_names_are_refused(hub: Hub, tmp_path: Path, twins: tuple[str, ...]) -> None:
    for files in (
        ARTIFACT | {"config.json": config(files=[*CONFIG["files"], *twins])},
        ARTIFACT | {"SHA256SUMS": sums_of(ARTIFACT, *twins)},
    ):
        hub.repositories["someone/trap"] = files
        cache = tmp_path / str(len(list(tmp_path.iterdir())))
        refused(lambda: zoo.hub.pull("someone/trap", cache=cache), "more than case")  # noqa: B023


def test_a_repositorys_own_paths_lead_nowhere(hub: Hub, tmp_path: Path, victim: Path) -> None:
    paths = ("../../../../victim.txt", "/victim.txt", ".eval_results/../../x.yaml", "a\\b.yaml")
    hub.repositories["someone/trap"] = ARTIFACT | dict.fromkeys(paths, b"evil")
    folder = zoo.hub.pull("someone/trap", cache=tmp_path / "cache")
    assert published(folder) == sorted(ARTIFACT)
    assert victim.read_text() == "years of work"


def test_a_commit_that_is_a_path_is_refused(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, victim: Path
) -> None:
    hub.repositories["someone/trap"] = ARTIFACT | {"SHA256SUMS": b"0" * 64 + b"  victim.txt\n"}
    monkeypatch.setattr(Hub, "head", lambda self, name, revision: str(victim.parent))
    with pytest.raises((ValueError, OSError)):
        zoo.hub.pull("someone/trap", cache=tmp_path / "cache")
    assert victim.read_text() == "years of work"


# ---- folders ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = small.train(epochs=1).save(tmp_path_factory.mktemp("saved") / "shop")
    return folder


@pytest.fixture
def shop(saved: Path, tmp_path: Path) -> Path:
    return shutil.copytree(saved, tmp_path / "work" / "shop")


@pytest.mark.parametrize("file", ["README.md", "config.json", "model.safetensors", "history.csv"])
def test_a_link_to_another_file_is_not_published(shop: Path, tmp_path: Path, file: str) -> None:
    shutil.move(shop / file, tmp_path / file)
    (shop / file).symlink_to(tmp_path / file)
    refused(lambda: zoo.hub.push(shop, "me/shop", hub=tmp_path / "hub"), "a link that leads out")
    assert not (tmp_path / "hub" / "me" / "shop").exists()


def test_a_link_on_the_hubs_folder_is_refused(shop: Path, tmp_path: Path, victim: Path) -> None:
    place = Path(zoo.hub.push(shop, "me/shop", hub=tmp_path / "hub"))
    (place / "README.md").unlink()
    (place / "README.md").symlink_to(victim)
    refused(lambda: zoo.hub.pull("me/shop", hub=tmp_path / "hub"), "a link that leads out")
    assert [entry.name for entry in zoo.hub.entries(hub=tmp_path / "hub")][-1] == "me/shop"


@pytest.mark.parametrize("file", ["SHA256SUMS", "README.md", "card.json", "history.csv"])
def test_a_pipe_does_not_hang_a_pull(shop: Path, tmp_path: Path, file: str) -> None:
    place = Path(zoo.hub.push(shop, "me/shop", hub=tmp_path / "hub"))
    (place / file).unlink(missing_ok=True)
    os.mkfifo(place / file)
    if file == "card.json":
        assert zoo.hub.pull("me/shop", hub=tmp_path / "hub") == place
    else:
        refused(lambda: zoo.hub.pull("me/shop", hub=tmp_path / "hub"))


def test_a_snapshot_of_links_can_be_published_again(hub: Hub, shop: Path, tmp_path: Path) -> None:
    zoo.hub.push(shop, "someone/shop")
    folder = zoo.hub.pull("someone/shop", cache=tmp_path / "cache")
    assert (folder / "config.json").is_symlink()
    again = Path(zoo.hub.push(folder, "me/again", hub=tmp_path / "hub"))
    assert wrong_files(again) == {}
    assert sha256(again / "model.safetensors") == sha256(shop / "model.safetensors")


@pytest.mark.parametrize("name", ["me/nul", "me/shop.", "con/shop", "me/Shop", "ME/shop"])
def test_a_name_that_is_another_folder_somewhere_is_refused(
    shop: Path, tmp_path: Path, name: str
) -> None:
    zoo.hub.push(shop, "me/shop", hub=tmp_path / "hub")
    refused(lambda: zoo.hub.push(shop, name, hub=tmp_path / "hub"), r"must (be plain|differ)")


def test_a_list_of_hashes_from_an_older_publication_is_read(shop: Path, tmp_path: Path) -> None:
    place = Path(zoo.hub.push(shop, "me/shop", hub=tmp_path / "hub"))
    older = (place / "SHA256SUMS").read_text() + f"{'0' * 64}  plots/lr.png\n"
    (place / "SHA256SUMS").write_text(older)
    assert zoo.hub.pull("me/shop", hub=tmp_path / "hub") == place
