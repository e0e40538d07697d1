from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest

from zoo.core.names import (
    inside,
    plain_name,
    plain_path,
    require_distinct,
    without_folders,
)

PLAIN = ["model.safetensors", ".verified", "a b.png", "Größe.csv", "...x", "con-air.txt", "x" * 255]
HOSTILE = [
    *("", ".", "..", "/etc/passwd", "a/b", "a\\b", "..\\x", "C:x", "file.txt:stream", "x*", "x?"),
    *("a\0.png", "a\nb", "\x1b[2J", "a\u2028b", "evil\u202egnp.exe", "\ud800", "x.", "x ", " "),
    *("con", "NUL", "aux.txt", "Com1.tar.gz", "lpt\u00b9", "conin$", "x" * 256, "ä" * 128),
    *(None, 3, ["a"], {"a": 1}, True, b"a"),
]


@pytest.mark.parametrize("name", PLAIN)
def test_an_ordinary_name_is_plain(name: str) -> None:
    assert plain_name(name) == name
    assert plain_path(f"folder/{name}") == f"folder/{name}"


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_a_name_that_is_another_file_somewhere_is_refused_in_one_line(name: object) -> None:
    with pytest.raises(ValueError, match=r"name must be plain, got .* It was not opened") as caught:
        plain_name(name)
    text = str(caught.value)
    assert "\n" not in text
    assert text.isascii()  # nothing of the name reaches a terminal as it is
    assert len(text) < 300


@pytest.mark.parametrize(
    "path",
    [
        *("/etc/passwd", "../x", "a/../../x", "a//b", "a/", "./a", "a/./b", "~/../x", "a/nul/b"),
        *("a\\..\\b", "C:/x", "\\\\host\\x", "/".join("abcdefgh" for _ in range(200)), "", None),
    ],
    ids=ascii,
)
def test_a_path_that_may_leave_its_folder_is_refused(path: object, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must stay inside its folder"):
        inside(tmp_path, path)


def test_a_link_may_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    folder, store = tmp_path / "model", tmp_path / "store"
    folder.mkdir()
    store.mkdir()
    (folder / "real.txt").write_text("mine")
    (folder / "alias.txt").symlink_to("real.txt")
    assert inside(folder, "alias.txt") == folder / "alias.txt"
    (folder / "stored.txt").symlink_to("../store/blob")
    (folder / "passwd").symlink_to("/etc/passwd")
    (folder / "up").symlink_to("..")
    (folder / "round").symlink_to("round")
    for name in ("stored.txt", "passwd", "up", "up/other", "round"):
        with pytest.raises(ValueError, match=r"inside its folder, got .*a link that leads out"):
            inside(folder, name)
    assert inside(folder, "stored.txt", links_into=[store]) == folder / "stored.txt"
    os.symlink(tmp_path / "model", tmp_path / "link")  # noqa: PTH211 - the folder itself may be one
    assert inside(tmp_path / "link", "real.txt").exists()


@pytest.mark.parametrize(
    "names",
    [
        ("a.png", "A.png"),
        ("caf\u00e9", unicodedata.normalize("NFD", "caf\u00e9")),
        ("stra\u00dfe", "STRASSE"),
        ("x/one", "X/two"),
        ("data", "DATA/file"),
    ],
    ids=ascii,
)
def test_twins_in_case_or_unicode_are_refused(names: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="must differ by more than case"):
        require_distinct(names)
    require_distinct([names[0], names[0], "other/file", "other/file2"])


@pytest.mark.parametrize(
    ("text", "public"),
    [
        ("/home/me/secret project/pets", "pets"),
        ("/home/me/pets/", "pets"),
        ("~/models/pets", "pets"),
        ("~/pets", "pets"),
        ("C:\\Users\\me\\pets", "pets"),
        ("C:/Users/me/pets", "pets"),
        ("\\\\server\\share\\me\\pets", "pets"),
        ("file:///home/me/pets", "pets"),
        ("Grain(path='/home/me/grain.png', p=0.5)", "Grain(path='grain.png', p=0.5)"),
        ("<TableModel '/data/me/shop'>", "<TableModel 'shop'>"),
        ("from /mnt/x/a.csv, /mnt/x/b.csv", "from a.csv, b.csv"),
    ],
)
def test_folders_of_this_machine_are_left_out_of_a_text(text: str, public: str) -> None:
    assert without_folders(text) == public


@pytest.mark.parametrize(
    "text",
    [
        *("someone/pets", "https://a.org/b/c", "1/2", "and/or", "timm/resnet18", "data/pets", ""),
        *("transfer-zoo 0.1.0, torch 2.6.0+cu124", "digits of UCI, 1,797 of them", "60 x 40", "/"),
    ],
)
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert without_folders(text) == text
