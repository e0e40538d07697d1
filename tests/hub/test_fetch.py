from __future__ import annotations

import json
import os
import random
import struct
import subprocess
import sys
from pathlib import Path

import pytest

import zoo.hub
from tests.helpers.disk import full_disk
from zoo.hub.find import find

from .server import COMMIT, Hub

CONFIG = {
    **{"format": 1, "domain": "vision", "task": "classification", "model": {}, "spec": {}},
    "files": ["model.safetensors", "README.md", "history.csv", "model.pkl", "training-state.json"],
}


def weights(n_bytes: int) -> bytes:
    """A safetensors file of one tensor."""
    header = {"w": {"dtype": "U8", "shape": [n_bytes], "data_offsets": [0, n_bytes]}}
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + random.Random(1).randbytes(n_bytes)


ARTIFACT = {
    "config.json": json.dumps(CONFIG).encode(),
    "model.safetensors": weights(300_000),
    "README.md": b"# A model\n![Losses](losses.png) ![Elsewhere](https://a.org/other.png)\n",
    "history.csv": b"epoch,loss\n",
    "losses.png": b"not really a picture",
    ".eval_results/scores.yaml": b"- value: 1\n",
}
OTHERS = {
    "pytorch_model.bin": b"\x80\x04.",
    "model.pkl": b"\x80\x04.",
    "run.py": b"import os",
    "training-state.safetensors": weights(10),
    "training-state.json": b"{}",
    "other.safetensors": weights(10),
    "photo.png": b"private",
    "plots/lr.png": b"private",
    ".eval_results/deep/scores.yaml": b"",
}


@pytest.fixture(autouse=True)
def pets(hub: Hub) -> None:
    hub.repositories["someone/pets"] = {**ARTIFACT, **OTHERS}
    hub.repositories["someone/notes"] = {"README.md": b"# Hi"}


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_a_model_comes_whole_and_with_its_own_files_alone(hub: Hub, tmp_path: Path) -> None:
    folder = zoo.hub.pull("someone/pets", cache=tmp_path)
    assert contents(folder) == ARTIFACT
    assert not any(file in path for _, path, _ in hub.asked for file in OTHERS)


def test_a_model_in_the_cache_is_not_downloaded_again(hub: Hub, tmp_path: Path) -> None:
    folder = zoo.hub.pull("someone/pets", cache=tmp_path)
    hub.asked.clear()
    assert zoo.hub.pull("someone/pets", cache=tmp_path) == folder
    assert not any("/resolve/" in path for _, path, _ in hub.asked)


def test_a_revision_can_be_asked_for(hub: Hub, tmp_path: Path) -> None:
    assert contents(zoo.hub.pull("someone/pets", revision=COMMIT, cache=tmp_path)) == ARTIFACT


def test_a_dropped_connection_is_taken_up_where_it_broke(hub: Hub, tmp_path: Path) -> None:
    chunk = 10 * 2**20  # bytes that the client writes at once
    hub.repositories["someone/pets"]["model.safetensors"] = (large := weights(chunk + 1000))
    hub.drops["model.safetensors"] = [chunk + 10]
    folder = zoo.hub.pull("someone/pets", cache=tmp_path)
    assert (folder / "model.safetensors").read_bytes() == large
    assert hub.asked[-1][2] == f"bytes={chunk}-"


@pytest.mark.parametrize("file", ["model.safetensors", "config.json"])
def test_a_wrong_byte_is_refused_and_not_kept(hub: Hub, tmp_path: Path, file: str) -> None:
    wrong = bytearray(ARTIFACT[file])
    wrong[5] ^= 1
    hub.damaged[file] = bytes(wrong)
    with pytest.raises(ValueError, match=rf"'someone/pets' is not .*wrong=\{{'{file}': '[0-9a-f]"):
        zoo.hub.pull("someone/pets", cache=tmp_path)
    hub.damaged.clear()
    assert contents(zoo.hub.pull("someone/pets", cache=tmp_path)) == ARTIFACT


def test_a_byte_that_went_wrong_in_the_cache_is_refused(hub: Hub, tmp_path: Path) -> None:
    path = zoo.hub.pull("someone/pets", cache=tmp_path) / "model.safetensors"
    path.write_bytes(b"x" + ARTIFACT["model.safetensors"][1:])
    hub.errors["someone/pets"] = (503, "")
    with pytest.raises(ValueError, match=r"wrong=\{'model.safetensors'"):
        zoo.hub.pull("someone/pets", cache=tmp_path)
    hub.errors.clear()
    assert contents(zoo.hub.pull("someone/pets", cache=tmp_path)) == ARTIFACT


def test_a_hub_that_is_down_does_not_matter_once_the_model_is_cached(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = zoo.hub.pull("someone/pets", cache=tmp_path)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert zoo.hub.pull("someone/pets", cache=tmp_path) == folder


@pytest.mark.parametrize(
    ("status", "code", "kind", "text"),
    [
        (404, "RepoNotFound", FileNotFoundError, "name='someone/pets', which does not"),
        (
            401,
            "RepoNotFound",
            FileNotFoundError,
            "'someone/pets', which does not exist there or is",
        ),
        (401, "", PermissionError, "got status 401 for name='someone/pets'"),
        (403, "GatedRepo", PermissionError, "shared with you first, got name='someone/pets'"),
        (403, "", PermissionError, "got status 403 for name='someone/pets'"),
        (503, "", ConnectionError, "'someone/pets' with revision=None, which is not in the"),
    ],
)
def test_every_refusal_of_the_hub_is_one_sentence(
    hub: Hub, tmp_path: Path, status: int, code: str, kind: type[Exception], text: str
) -> None:
    hub.errors["someone/pets"] = (status, code)
    with pytest.raises(kind, match=text) as caught:
        zoo.hub.pull("someone/pets", cache=tmp_path)
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is not None


def test_an_unknown_revision_is_told(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="'someone/pets', got revision='v9'"):
        zoo.hub.pull("someone/pets", revision="v9", cache=tmp_path)


def test_a_repository_without_config_is_refused_before_anything_is_downloaded(
    hub: Hub, tmp_path: Path
) -> None:
    with pytest.raises(
        FileNotFoundError, match=r"name='someone/notes', which has only \['README.md'\]"
    ):
        zoo.hub.pull("someone/notes", cache=tmp_path)
    assert not any("/resolve/" in path for _, path, _ in hub.asked)


@pytest.mark.parametrize("name", ["pets", "a/b/c", "some one/pets", "../pets", "someone/", ""])
def test_a_malformed_name_never_reaches_the_network(hub: Hub, name: str) -> None:
    with pytest.raises(ValueError, match=r"must be named user/name.* got name="):
        zoo.hub.pull(name)
    assert not hub.asked


def test_no_network_and_no_cache_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ConnectionError, match=r"name='someone/pets' .*is not in the cache and the"):
        zoo.hub.pull("someone/pets", cache=tmp_path)


def test_a_name_is_found_here_first_and_on_the_hub_unless_it_is_a_path(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert contents(find("someone/pets")) == ARTIFACT
    hub.asked.clear()
    (tmp_path / "someone").mkdir()
    for path in ("someone/pets", Path("other/pets"), "./pets", "/pets", "a/b/pets", "pets"):
        with pytest.raises(FileNotFoundError, match=r"got '[\w./]+', which does not exist\. "):
            find(path)
    (tmp_path / "someone" / "pets").mkdir()
    assert find("someone/pets") == Path("someone/pets")
    assert not hub.asked


def run_pull(cache: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    code = "import sys, zoo.hub; print(zoo.hub.pull('someone/pets', cache=sys.argv[1]))"
    path = str(Path(__file__).parents[2])
    return subprocess.run(
        [sys.executable, "-c", code, str(cache)],
        env={**os.environ, "PYTHONPATH": path, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_offline_mode_uses_the_cache_and_asks_nobody(hub: Hub, tmp_path: Path) -> None:
    first = run_pull(tmp_path)
    assert first.returncode == 0, first.stderr
    hub.asked.clear()
    again = run_pull(tmp_path, HF_HUB_OFFLINE="1")
    assert (again.returncode, again.stdout) == (0, first.stdout), again.stderr
    assert not hub.asked


def test_offline_mode_without_a_cached_model_is_told(hub: Hub, tmp_path: Path) -> None:
    result = run_pull(tmp_path, HF_HUB_OFFLINE="1")
    last = result.stderr.strip().splitlines()[-1]
    assert last.startswith("ConnectionError: ")
    assert "'someone/pets' with revision=None, which is not in the cache and HF_HUB_OFFLINE" in last
    assert not hub.asked


def test_a_cache_without_links_is_checked_as_well(hub: Hub, tmp_path: Path) -> None:
    hub.damaged["model.safetensors"] = bytes(len(ARTIFACT["model.safetensors"]))
    result = run_pull(tmp_path, HF_HUB_DISABLE_SYMLINKS="1")
    assert "wrong={'model.safetensors'" in result.stderr
    hub.damaged.clear()
    folder = Path(run_pull(tmp_path, HF_HUB_DISABLE_SYMLINKS="1").stdout.strip())
    assert contents(folder) == ARTIFACT
    assert not (folder / "config.json").is_symlink()


def test_importing_the_hub_is_light() -> None:
    code = "import sys, zoo.hub; sys.exit(bool({'torch', 'huggingface_hub'} & set(sys.modules)))"
    path = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run([sys.executable, "-c", code], check=True, env=path)


def test_without_a_home_models_are_kept_in_a_temporary_folder(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", "~/.cache/huggingface/hub")
    for name in ("HOME", "XDG_CACHE_HOME", "HF_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", lambda uid: {}[uid])
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    monkeypatch.chdir(tmp_path)
    folder = zoo.hub.pull("someone/pets")
    assert tmp_path / "temporary" in folder.parents
    assert not (tmp_path / "~").exists()


def test_a_full_disk_is_one_sentence(hub: Hub, tmp_path: Path) -> None:
    with full_disk(100_000), pytest.raises(OSError, match="must be stored before it is") as caught:
        zoo.hub.pull("someone/pets", cache=tmp_path)
    assert "\n" not in str(caught.value)
    assert contents(zoo.hub.pull("someone/pets", cache=tmp_path)) == ARTIFACT


def test_a_cache_that_cannot_be_written_to_is_one_sentence(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(OSError, match="must be stored before it is read"):
        zoo.hub.pull("someone/pets", cache=tmp_path / "file" / "cache")


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b", "x" * 300 + "/y", "\ud800/y"], ids=len)
def test_a_name_that_no_folder_can_have_is_not_found(hub: Hub, name: str) -> None:
    with pytest.raises((FileNotFoundError, ValueError)) as caught:
        find(name)
    assert len(str(caught.value)) < 600
    assert not hub.asked
