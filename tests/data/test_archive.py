from __future__ import annotations

import io
import lzma
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from zoo.data.archive import digest, hash_folder, top_folder, unpack

from .conftest import FILES, contents, tarred, zipped


def unpacked(archive: Path, content: bytes, limit: int = 10**6) -> dict[str, str]:
    archive.write_bytes(content)
    target = archive.with_name("target")
    return unpack(archive, target, ignore=("*.feat",), limit=limit, tick=lambda done, total: None)


@pytest.mark.parametrize("mode", ["gz", "xz", "bz2", ""])
def test_every_compression_gives_the_same_files_and_hashes(tmp_path: Path, mode: str) -> None:
    name = f"a.tar.{mode}" if mode else "a.tar"
    hashes = unpacked(tmp_path / name, tarred(FILES, mode=f"w:{mode}"))
    assert contents(tmp_path / "target" / "toy") == FILES
    again = hash_folder(tmp_path / "target")
    assert hashes == again
    zip_folder = tmp_path / "zip"
    zip_folder.mkdir()
    assert digest(unpacked(zip_folder / "a.zip", zipped(FILES))) == digest(hashes)


def test_one_compressed_file_becomes_a_folder_with_it(tmp_path: Path) -> None:
    unpacked(tmp_path / "articles.jsonl.xz", lzma.compress(b"{}\n"))
    assert contents(tmp_path / "target") == {"articles.jsonl": b"{}\n"}


def test_litter_and_ignored_files_are_left_out(tmp_path: Path) -> None:
    litter = {"__MACOSX/x": b"1", "toy/.DS_Store": b"2", "toy/._y": b"3", "toy/bow.feat": b"4"}
    hashes = unpacked(tmp_path / "a.zip", zipped({**litter, "toy/kept": b"5"}, top=""))
    assert contents(tmp_path / "target") == {"toy/kept": b"5"}
    assert top_folder(hashes) == "toy"


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/evil", "..\\evil", "C:\\evil"])
@pytest.mark.parametrize("packed", [zipped, tarred])
def test_a_path_that_leads_outside_is_refused(tmp_path: Path, name: str, packed: object) -> None:
    archive = tmp_path / ("a.zip" if packed is zipped else "a.tar.gz")
    with pytest.raises(ValueError, match=r"must stay in the target folder, however .*evil'"):
        unpacked(archive, packed({name: b"x"}, top=""))  # type: ignore[operator]
    assert not list(tmp_path.rglob("*evil*"))


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE]
)
def test_links_and_devices_in_a_tar_are_refused(tmp_path: Path, kind: bytes) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as file:
        info = tarfile.TarInfo("toy/trap")
        info.type, info.linkname = kind, "/etc/passwd"
        file.addfile(info)
    with pytest.raises(ValueError, match="files and folders only, however name='toy/trap'"):
        unpacked(tmp_path / "a.tar.gz", buffer.getvalue())


def test_a_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        info = zipfile.ZipInfo("toy/trap")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        file.writestr(info, "/etc/passwd")
    with pytest.raises(ValueError, match="files and folders only, however name='toy/trap'"):
        unpacked(tmp_path / "a.zip", buffer.getvalue())


@pytest.mark.parametrize("packed", [zipped, tarred])
def test_an_archive_that_was_cut_off_is_refused(tmp_path: Path, packed: object) -> None:
    archive = tmp_path / ("a.zip" if packed is zipped else "a.tar.gz")
    content = packed(FILES)  # type: ignore[operator]
    with pytest.raises(ValueError, match=rf"must be whole, however .*{archive.name} is damaged"):
        unpacked(archive, content[: len(content) // 2])


def test_an_archive_that_unpacks_to_more_than_it_should_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must have 1000 bytes in all, however name='toy/bomb'"):
        unpacked(tmp_path / "a.zip", zipped({"bomb": bytes(10**7)}), limit=1000)


def test_a_name_that_comes_twice_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO(tarred({"a": b"1"}, mode="w:"))
    with tarfile.open(fileobj=buffer, mode="a:") as file:
        file.addfile(tarfile.TarInfo("toy/a"))
    with pytest.raises(ValueError, match=r"once, however path.name='a'"):
        unpacked(tmp_path / "a.tar", buffer.getvalue())
