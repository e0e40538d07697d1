from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers.disk import full_disk
from zoo.data.fetch import obtain

from .conftest import FILES, contents, data_set, tarred, zipped
from .server import Files

Start = Callable[..., Files]
TAR = tarred(FILES)


def test_a_data_set_comes_from_its_address_without_the_top_folder(files: Start) -> None:
    server = files({"toy-v1.tar.gz": TAR})
    folder = obtain(data_set(f"{server.url}/toy-v1.tar.gz"))
    assert contents(folder) == FILES
    assert sorted(p.name for p in folder.parent.glob(".*")) == [".downloads", ".toy.lock"]
    assert not list((folder.parent / ".downloads").iterdir())


def test_what_is_in_the_cache_is_not_fetched_again(files: Start) -> None:
    server = files({"toy-v1.tar.gz": TAR})
    data = data_set(f"{server.url}/toy-v1.tar.gz")
    assert obtain(data) == obtain(data)
    assert len(server.asked) == 1


def test_a_download_that_breaks_off_goes_on_where_it_was(files: Start) -> None:
    server = files({"toy-v1.tar.gz": TAR}, drops=[100_000, 50_000])
    assert contents(obtain(data_set(f"{server.url}/toy-v1.tar.gz"))) == FILES
    assert [wanted for _, wanted in server.asked] == [None, "bytes=100000-", "bytes=150000-"]


def test_a_later_call_goes_on_with_what_an_interrupted_one_left(files: Start) -> None:
    server = files({"toy-v1.tar.gz": TAR}, drops=[1000] * 5)
    data = data_set(f"{server.url}/toy-v1.tar.gz")
    with pytest.raises(
        ConnectionError, match=r"'toy', which could not be .* failed 5 times, .*bytes came"
    ):
        obtain(data)
    assert contents(obtain(data)) == FILES
    assert server.asked[-1][1] == "bytes=5000-"


def test_a_server_without_ranges_is_read_from_the_start_again(files: Start) -> None:
    server = files({"toy-v1.tar.gz": TAR}, ranges=False, drops=[100_000])
    assert contents(obtain(data_set(f"{server.url}/toy-v1.tar.gz"))) == FILES
    assert len(server.asked) == 2


@pytest.mark.parametrize("tag", ['"edition-2"', None])
def test_a_file_that_changed_meanwhile_is_not_glued_together(files: Start, tag: str | None) -> None:
    other = zipped({"other": b"1"}) * 3000
    server = files({"toy-v1.tar.gz": other}, drops=[1000] * 5, tag=tag and '"edition-1"')
    data = data_set(f"{server.url}/toy-v1.tar.gz")
    with pytest.raises(ConnectionError):
        obtain(data)
    server.content["toy-v1.tar.gz"], server.tag = TAR, tag
    assert contents(obtain(data)) == FILES


def test_a_passing_failure_of_the_server_is_tried_again(files: Start) -> None:
    server = files({"toy-v1.tar.gz": TAR}, codes=[500, 503])
    assert contents(obtain(data_set(f"{server.url}/toy-v1.tar.gz"))) == FILES
    assert len(server.asked) == 3


def test_a_lasting_failure_of_the_server_is_told_at_once(files: Start) -> None:
    server = files({"toy-v1.tar.gz": TAR}, codes=[401])
    with pytest.raises(
        ConnectionError, match=r"'toy', which could not be fetched \(.* answers 401"
    ):
        obtain(data_set(f"{server.url}/toy-v1.tar.gz"))
    assert len(server.asked) == 1


def test_a_damaged_file_is_refused_and_fetched_afresh_next_time(files: Start, cache: Path) -> None:
    wrong = {**FILES, "train/b.txt": b"twx\n"}
    server = files({"toy-v1.tar.gz": tarred(wrong)})
    data = data_set(f"{server.url}/toy-v1.tar.gz")
    with pytest.raises(ValueError, match=rf"must have the digest {data.digest[:12]}, got '"):
        obtain(data)
    assert not (cache / "toy").exists()
    server.content["toy-v1.tar.gz"] = TAR
    assert contents(obtain(data)) == FILES


def test_a_flipped_byte_of_the_archive_is_refused(files: Start, cache: Path) -> None:
    wrong = bytearray(TAR)
    wrong[len(wrong) // 2] ^= 1
    server = files({"toy-v1.tar.gz": bytes(wrong)})
    with pytest.raises(ValueError, match=r"got .*toy-v1.tar.gz, which is damaged|got '\w+' \("):
        obtain(data_set(f"{server.url}/toy-v1.tar.gz"))
    assert not (cache / "toy").exists()


@pytest.mark.parametrize("name", ["toy-v1.tar.gz", "toy-v1.tar.xz", "toy-v1.zip"])
@pytest.mark.parametrize("top", ["toy/", "", "other-name/"])
@pytest.mark.parametrize("kind", ["folder", "web"])
def test_a_mirror_serves_any_packing_of_the_same_files(
    files: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, top: str, kind: str
) -> None:
    modes = {"z": "w:xz" if name.endswith("xz") else "w:gz"}
    packed = zipped(FILES, top) if name.endswith("zip") else tarred(FILES, top, modes["z"])
    if kind == "web":
        monkeypatch.setenv("ZOO_DATA_MIRROR", files({name: packed}).url)
    else:
        (tmp_path / name).write_bytes(packed)
        monkeypatch.setenv("ZOO_DATA_MIRROR", str(tmp_path))
    assert contents(obtain(data_set())) == FILES
    assert kind == "web" or (tmp_path / name).exists()


def test_what_a_web_mirror_lacks_comes_from_the_official_address(
    files: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZOO_DATA_MIRROR", files({}).url)
    assert contents(obtain(data_set(f"{files({'t.tar.gz': TAR}).url}/t.tar.gz"))) == FILES


def test_no_network_is_one_sentence_with_the_way_out(cache: Path) -> None:
    with pytest.raises(ConnectionError) as caught:
        obtain(data_set("http://127.0.0.1:9/toy-v1.tar.gz"))
    text = str(caught.value)
    assert "'toy', which could not be fetched (http://127.0.0.1:9/toy-v1.tar.gz cannot be" in text
    assert "set ZOO_DATA_MIRROR" in text
    assert str(cache / "toy") in text
    assert "\n" not in text


def test_a_data_set_without_address_says_how_to_get_it() -> None:
    with pytest.raises(
        FileNotFoundError, match=r"'toy': it has no public address .*ask its author"
    ):
        obtain(data_set())


def test_a_mirror_that_is_no_folder_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_DATA_MIRROR", "no-such-folder")
    with pytest.raises(NotADirectoryError, match="got mirror='no-such-folder'"):
        obtain(data_set())


def test_a_folder_unpacked_by_hand_is_adopted_and_a_wrong_one_left_alone(cache: Path) -> None:
    for name, content in FILES.items():
        (cache / "toy" / name).parent.mkdir(parents=True, exist_ok=True)
        (cache / "toy" / name).write_bytes(content)
    (cache / "toy" / "train" / "b.txt").write_bytes(b"mine\n")
    with pytest.raises(FileExistsError, match="got the digest '"):
        obtain(data_set())
    assert (cache / "toy" / "train" / "b.txt").read_bytes() == b"mine\n"
    (cache / "toy" / "train" / "b.txt").write_bytes(FILES["train/b.txt"])
    assert contents(obtain(data_set())) == FILES


def test_an_older_edition_in_the_cache_is_replaced(files: Start, cache: Path) -> None:
    (cache / "toy").mkdir(parents=True)
    (cache / "toy" / ".verified").write_text("an older digest")
    (cache / "toy" / "old.txt").write_text("old")
    server = files({"toy-v1.tar.gz": TAR})
    assert contents(obtain(data_set(f"{server.url}/toy-v1.tar.gz"))) == FILES


def test_two_processes_at_once_get_one_whole_copy(files: Start, cache: Path) -> None:
    server = files({"toy-v1.tar.gz": TAR}, drops=[100_000])
    fields = json.dumps(dataclasses.asdict(data_set(f"{server.url}/toy-v1.tar.gz")))
    code = (
        "import json, sys; from zoo.data.fetch import obtain;"
        "from zoo.data.registry import DataSet;"
        "print(obtain(DataSet(**json.loads(sys.argv[1]))))"
    )
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    both = [
        subprocess.Popen([sys.executable, "-W", "error", "-c", code, fields], env=environment)
        for _ in range(2)
    ]
    assert [process.wait(30) for process in both] == [0, 0]
    assert contents(cache / "toy") == FILES
    assert [wanted for _, wanted in server.asked] == [None, "bytes=100000-"]


def test_a_server_that_sends_without_end_is_refused(
    files: Start, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zoo.data.archive.IGNORED_BYTES", 0)
    monkeypatch.setattr("zoo.data.archive.IGNORED_SHARE", 1)
    server = files({"toy-v1.tar.gz": bytes(10**6)})
    with pytest.raises(
        ConnectionError, match=r"'toy', which could not .* sends more than 300010 bytes"
    ):
        obtain(data_set(f"{server.url}/toy-v1.tar.gz"))
    assert sum(path.stat().st_size for path in cache.rglob("*") if path.is_file()) < 400_000


def test_a_folder_that_cannot_be_written_to_is_one_sentence(
    files: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = files({"toy-v1.tar.gz": TAR})
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("ZOO_DATA", str(tmp_path / "file" / "data"))
    with pytest.raises(OSError, match=r"written to its folder, got .*set ZOO_DATA to another"):
        obtain(data_set(f"{server.url}/toy-v1.tar.gz"))


def test_a_full_disk_is_one_sentence_and_leaves_no_part_of_the_data_set(
    files: Start, cache: Path
) -> None:
    server = files({"toy-v1.tar.xz": tarred({"a.bin": bytes(10**6)}, mode="w:xz")})
    data = data_set(f"{server.url}/toy-v1.tar.xz", unpacked=10**6)
    with full_disk(100_000), pytest.raises(OSError, match=r"its folder, got .*Free space there"):
        obtain(data)
    assert {path.name for path in cache.iterdir()} == {".toy.lock", ".downloads"}


def test_without_a_home_data_sets_lie_in_a_temporary_folder(
    files: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HOME", "ZOO_DATA", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", lambda uid: {}[uid])
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    server = files({"toy-v1.tar.gz": TAR})
    assert contents(obtain(data_set(f"{server.url}/toy-v1.tar.gz"))) == FILES
