from __future__ import annotations

import contextlib
import gzip
import io
import lzma
import random
import stat
import tarfile
import unicodedata
import zipfile
from pathlib import Path

import pytest

from zoo.data import members
from zoo.data.archive import digest, hash_folder, top_folder, unpack

from .conftest import FILES, contents, tarred, zipped

PACKINGS = {
    "a.zip": lambda files: zipped(files, top=""),
    "a.tar": lambda files: tarred(files, top="", mode="w:"),
    "a.tar.gz": lambda files: tarred(files, top=""),
    "a.tar.xz": lambda files: tarred(files, top="", mode="w:xz"),
}
HOSTILE = [
    *("../evil", "a/../../evil", "/evil", "..\\evil", "C:\\evil", "C:evil", "\\\\host\\evil"),
    *("a/nul", "con.txt", "evil.", "evil ", "a\nevil", "\x1b[2Jevil", "evil\u202egnp.exe"),
    *("evil:stream", "e" * 256, "/".join(["evil"] * 300)),
]


def unpacked(archive: Path, content: bytes, limit: int = 10**6, files: int = 50) -> dict[str, str]:
    archive.write_bytes(content)
    target = archive.with_name("target")
    return unpack(
        archive,
        target,
        ignore=("*.feat",),
        limit=limit,
        files=files,
        tick=lambda done, total: None,
    )


def refused(archive: Path, content: bytes, reason: str, **bounds: int) -> None:
    """The archive is refused in one line, and nothing lies outside of the target folder."""
    before = set(archive.parent.iterdir()) | {archive, archive.with_name("target")}
    with pytest.raises(ValueError, match=reason) as caught:
        unpacked(archive, content, **bounds)
    assert "\n" not in str(caught.value)
    assert set(archive.parent.iterdir()) <= before
    assert not [path for path in archive.parent.rglob("*") if path.is_symlink()]


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
    refused(tmp_path / "other.jsonl.gz", b"{}\n", "is damaged or not one")


def test_litter_and_ignored_files_are_left_out(tmp_path: Path) -> None:
    litter = {"__MACOSX/x": b"1", "toy/.DS_Store": b"2", "toy/._y": b"3", "toy/bow.feat": b"4"}
    hashes = unpacked(tmp_path / "a.zip", zipped({**litter, "toy/kept": b"5"}, top=""))
    assert contents(tmp_path / "target") == {"toy/kept": b"5"}
    assert top_folder(hashes) == "toy"


def test_paths_as_tar_writes_them_are_taken(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as file:
        for name in (".", "./toy", "./toy//deep"):
            info = tarfile.TarInfo(name)
            info.type = tarfile.DIRTYPE
            file.addfile(info)
        info = tarfile.TarInfo("./toy//deep/größe.txt")
        info.size = 1
        file.addfile(info, io.BytesIO(b"x"))
    unpacked(tmp_path / "a.tar", buffer.getvalue())
    assert contents(tmp_path / "target") == {"toy/deep/größe.txt": b"x"}


@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: ascii(name)[:20])
@pytest.mark.parametrize("archive", PACKINGS)
def test_a_name_that_is_not_plain_is_refused(tmp_path: Path, archive: str, name: str) -> None:
    content = PACKINGS[archive]({"fine": b"x", name: b"x"})
    refused(tmp_path / archive, content, r"must stay inside its folder under plain names")
    assert not list(tmp_path.rglob("*evil*"))


@pytest.mark.parametrize("archive", PACKINGS)
def test_a_folder_outside_is_refused_as_well(tmp_path: Path, archive: str) -> None:
    buffer = io.BytesIO()
    if archive.endswith("zip"):
        with zipfile.ZipFile(buffer, "w") as file:
            file.writestr("../evil/", b"")
    else:
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            info = tarfile.TarInfo("../evil")
            info.type = tarfile.DIRTYPE
            tar.addfile(info)
    refused(tmp_path / archive, buffer.getvalue(), "must stay inside its folder")


def test_a_name_that_zip_would_cut_at_nul_is_refused(tmp_path: Path) -> None:
    content = zipped({"photo.png#.exe": b"x"}, top="").replace(b"photo.png#", b"photo.png\0")
    refused(tmp_path / "a.zip", content, "a character in it that cannot be seen")


@pytest.mark.parametrize(
    "names",
    [
        ("a/One.png", "a/one.png"),
        ("caf\u00e9", unicodedata.normalize("NFD", "caf\u00e9")),
        ("train/a", "Train/b"),
        ("a", "A/b"),
    ],
    ids=ascii,
)
@pytest.mark.parametrize("archive", PACKINGS)
def test_twins_are_refused(tmp_path: Path, archive: str, names: tuple[str, str]) -> None:
    content = PACKINGS[archive](dict.fromkeys(names, b"x"))
    refused(tmp_path / archive, content, "must differ by more than case")


@pytest.mark.parametrize("archive", PACKINGS)
def test_a_name_that_comes_twice_is_refused(tmp_path: Path, archive: str) -> None:
    content = PACKINGS[archive]({"toy": b"1", "toy/a": b"2"})
    refused(tmp_path / archive, content, "must be in an archive once, got '(toy|a)'")
    buffer = io.BytesIO(tarred({"a": b"1"}, mode="w:"))
    with tarfile.open(fileobj=buffer, mode="a:") as file:
        file.addfile(tarfile.TarInfo("toy/a"))
    (tmp_path / "again").mkdir()
    refused(tmp_path / "again" / "a.tar", buffer.getvalue(), "an archive once, got 'a' twice")


@pytest.mark.parametrize(
    "kind",
    [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE],
)
def test_links_and_devices_in_a_tar_are_refused(tmp_path: Path, kind: bytes) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as file:
        info = tarfile.TarInfo("toy/trap")
        info.type, info.linkname = kind, "/etc/passwd"
        file.addfile(info)
    reason = "ordinary files and folders alone, got name='toy/trap'"
    refused(tmp_path / "a.tar.gz", buffer.getvalue(), reason)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK])
@pytest.mark.parametrize("name", ["toy/trap", "toy/trap/"])
def test_links_and_devices_in_a_zip_are_refused(tmp_path: Path, kind: int, name: str) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        info = zipfile.ZipInfo(name)
        info.external_attr = (kind | 0o777) << 16
        file.writestr(info, "/etc/passwd")
    reason = "ordinary files and folders alone, got name='toy/trap'"
    refused(tmp_path / "a.zip", buffer.getvalue(), reason)


@pytest.mark.parametrize("archive", PACKINGS)
def test_an_archive_that_was_cut_off_is_refused(tmp_path: Path, archive: str) -> None:
    content = PACKINGS[archive](FILES)
    reason = rf"must be whole, got .*{archive}, which is damaged"
    refused(tmp_path / archive, content[: len(content) // 2], reason)


# ---- bombs --------------------------------------------------------------------------------------


@pytest.mark.parametrize("archive", PACKINGS)
def test_an_archive_that_unpacks_to_more_than_it_should_is_refused(
    tmp_path: Path, archive: str
) -> None:
    content = PACKINGS[archive]({"bomb": bytes(10**7)})
    refused(tmp_path / archive, content, "must have 1000 bytes in all, got more", limit=1000)
    assert sum(path.stat().st_size for path in (tmp_path / "target").rglob("*")) <= 1000


def test_one_compressed_file_that_grows_beyond_its_size_is_refused(tmp_path: Path) -> None:
    for name, content in (
        ("a.txt.gz", gzip.compress(bytes(10**7))),
        ("b.txt.xz", lzma.compress(bytes(10**7))),
    ):
        refused(tmp_path / name, content, "must have 1000 bytes in all", limit=1000)


def test_what_is_left_out_may_not_be_endless(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zoo.data.archive.IGNORED_BYTES", 10**5)
    content = tarred({"big.feat": bytes(10**6), "fine": b"x"}, top="", mode="w:xz")
    refused(tmp_path / "a.tar.xz", content, "it goes on beyond", limit=1000)
    assert unpacked(tmp_path / "a.tar.xz", content, limit=10**6).keys() == {"fine"}


@pytest.mark.parametrize("archive", PACKINGS)
def test_many_files_are_refused(tmp_path: Path, archive: str) -> None:
    content = PACKINGS[archive]({f"{i}": b"" for i in range(100)})
    refused(tmp_path / archive, content, "must hold 5 files, got more", files=5)


def test_many_folders_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zoo.data.archive.ENTRIES", 10)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as file:
        for i in range(100):
            info = tarfile.TarInfo(f"folder-{i}")
            info.type = tarfile.DIRTYPE
            file.addfile(info)
    refused(tmp_path / "a.tar", buffer.getvalue(), "must hold 1 files, got more", files=1)


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE])
def test_a_header_that_would_fill_the_memory_is_refused(
    tmp_path: Path, kind: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(members, "LONGEST_HEADER", 10_000)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as file:
        info = tarfile.TarInfo("name")
        info.type, info.size = kind, 10**6
        file.addfile(info, io.BytesIO(b"x" * 10**6))
    content = lzma.compress(buffer.getvalue())
    refused(tmp_path / "a.tar.xz", content, "a header asks for 1000448 bytes at once")


def test_a_size_below_zero_is_refused(tmp_path: Path) -> None:
    info = tarfile.TarInfo("name")
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    header[124:136] = b"\xff" * 11 + b"\x00"  # minus 256
    header[148:156] = b"        "
    header[148:156] = b"%06o\0 " % sum(header)
    refused(tmp_path / "a.tar", bytes(header) + bytes(1024), "is damaged")


def test_headers_of_headers_end(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as file:
        for _ in range(3000):
            info = tarfile.TarInfo("name")
            info.type, info.size = tarfile.GNUTYPE_LONGNAME, 2
            file.addfile(info, io.BytesIO(b"x\0"))
    refused(tmp_path / "a.tar", buffer.getvalue(), "is damaged")


def test_a_rare_compression_within_a_zip_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_BZIP2) as file:
        file.writestr("bomb", bytes(10**6))
    refused(tmp_path / "a.zip", buffer.getvalue(), "compression 12 of 'bomb'")


@pytest.mark.parametrize("archive", PACKINGS)
def test_wrong_bytes_never_end_in_a_foreign_error(tmp_path: Path, archive: str) -> None:
    draw = random.Random(0)
    sound = PACKINGS[archive]({"a/one.txt": b"one" * 300, "a/two.txt": b"two"})
    for trial in range(150):
        content = bytearray(sound)
        for _ in range(draw.choice([1, 1, 4])):
            content[draw.randrange(len(content))] = draw.randrange(256)
        folder = tmp_path / str(trial)
        folder.mkdir()
        with contextlib.suppress(ValueError):
            unpacked(folder / archive, bytes(content))
