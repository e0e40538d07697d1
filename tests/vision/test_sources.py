"""Folders and tables of photos become paths with labels, or one clear error."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from zoo.core.run import Run
from zoo.vision.data.cache import open_items
from zoo.vision.data.contents import readable
from zoo.vision.data.images import Resize, UnreadableImage
from zoo.vision.data.listings import Listing
from zoo.vision.data.sources import contents, labelled, readable_parts, split


def put(root: Path, *names: str) -> None:
    """One small photo under each name."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), "red").save(root / name)


def many(folder: str, n: int) -> list[str]:
    return [f"{folder}/{i}.png" for i in range(n)]


def named(photos: Any) -> dict[str, str]:
    """Name of each photo -> name of its class."""
    return {
        "/".join(path.parts[-2:]): photos.classes[label]
        for path, label in zip(photos.paths, photos.labels, strict=True)
    }


@pytest.mark.parametrize("valid", ["valid", "val", "test", "Validation"])
def test_train_and_valid_folders_are_taken_as_they_are(tmp_path: Path, valid: str) -> None:
    put(tmp_path, "train/dog/a.png", "train/cat/b.png", f"{valid}/dog/deep/c.png")
    found = split(tmp_path)
    assert found.train.classes == found.valid.classes == ("cat", "dog")
    assert named(found.train) == {"cat/b.png": "cat", "dog/a.png": "dog"}
    assert named(found.valid) == {"deep/c.png": "dog"}
    assert found.train.labels.dtype == np.int64


def test_valid_is_preferred_to_test(tmp_path: Path) -> None:
    put(tmp_path, "train/a/1.png", "train/b/2.png", "valid/a/3.png", "test/a/4.png")
    assert named(split(tmp_path).valid) == {"a/3.png": "a"}


@pytest.mark.parametrize("inside", ["", "train/"])
def test_one_folder_a_class_is_split_by_class(tmp_path: Path, inside: str) -> None:
    put(tmp_path, *many(f"{inside}a", 20), *many(f"{inside}b", 5), *many(f"{inside}c", 2))
    put(tmp_path, f"{inside}d/only.png")
    found = split(tmp_path)
    assert np.bincount(found.valid.labels).tolist() == [4, 1, 1]
    assert np.bincount(found.train.labels).tolist() == [16, 4, 1, 1]
    assert not set(found.train.paths) & set(found.valid.paths)
    assert split(tmp_path).valid.paths == found.valid.paths
    assert split(tmp_path, seed=1).valid.paths != found.valid.paths
    assert len(split(tmp_path, valid_fraction=0.5).valid) == 10 + 2 + 1


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    put(tmp_path, *many("train", 3), *many("bus", 3))
    assert split(tmp_path).train.classes == ("bus", "train")


def test_what_is_no_image_is_ignored_and_counted(tmp_path: Path) -> None:
    put(tmp_path, *many("a", 2), *many("B", 2), "a/UPPER.JPG")
    for name in ("a/Thumbs.db", "a/notes.txt", "readme.md", "a/.DS_Store", "a/._0.png"):
        (tmp_path / name).write_text("x")
    (tmp_path / ".git").mkdir()
    (tmp_path / "__MACOSX").mkdir()
    found = split(tmp_path)
    assert contents(tmp_path)[-1] == 3  # hidden files are not seen at all
    assert len(found.paths) == 5
    assert found.train.classes == ("B", "a")


def table(root: Path, text: str, name: str = "labels.csv") -> Path:
    (root / name).write_text(text)
    return root / name


def test_a_csv_names_photos_beside_it(tmp_path: Path) -> None:
    put(tmp_path, *many("x", 4))
    path = table(tmp_path, "f,l\nx/0.png,NA\nx/1.png,007\nx/2.png,007\nx/3.png,NA\n")
    found = split(path, valid_fraction=0.5)
    assert found.train.classes == ("007", "NA")
    assert len(found.train) == len(found.valid) == 2
    assert {**named(found.train), **named(found.valid)}["x/1.png"] == "007"


def test_named_columns_root_and_valid_column(tmp_path: Path) -> None:
    put(tmp_path / "photos", *many("x", 4))
    frame = pd.DataFrame(
        {
            "id": range(4),
            "kind": [1.0, 2.0, 1.0, 2.0],
            "file": [f"x/{i}.png" for i in range(4)],
            "is_valid": [False, False, True, False],
        }
    )
    found = split(frame, root=tmp_path / "photos", columns=("file", "kind"))
    assert named(found.valid) == {"x/2.png": "1"}
    other = frame.rename(columns={"is_valid": "held"})
    again = split(other, root=tmp_path / "photos", columns=("file", "kind"), valid_column="held")
    assert again.valid.paths == found.valid.paths


def test_a_written_index_and_tabs_do_not_disturb(tmp_path: Path) -> None:
    put(tmp_path, *many("x", 4))
    frame = pd.DataFrame({"path": many("x", 4), "label": list("abab"), "valid": [0, 0, 1, 1]})
    frame.to_csv(tmp_path / "a.csv")
    frame.to_csv(tmp_path / "a.tsv", sep="\t", index=False)
    for name in ("a.csv", "a.tsv"):
        assert named(split(tmp_path / name).valid) == {"x/2.png": "a", "x/3.png": "b"}


FOLDERS = {
    "no photos": ([], "holds no photos"),
    "only text": (["a/b.txt"], "holds no photos"),
    "photos directly": (["1.png", "2.png"], "2 photos lie directly in"),
    "one class": (many("a", 3), r"classes=\('a',\)"),
    "valid alone": (
        ["train/a/1.png", "train/b/1.png", "valid/c/1.png", "valid/d/1.png"],
        "classes of the validation part must be trained on, got c, d. Known are a, b",
    ),
    "an empty class": (["a/1.png", "b/1.png", "c/x.txt", "d/x.txt"], "got none in c, d"),
    "one photo each": (["a/1.png", "b/1.png"], "got none of 2 that is marked"),
}


@pytest.mark.parametrize("case", FOLDERS)
def test_a_folder_that_will_not_do_is_one_clear_error(tmp_path: Path, case: str) -> None:
    names, message = FOLDERS[case]
    put(tmp_path, *(name for name in names if not name.endswith("txt")))
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    with pytest.raises(ValueError, match=message):
        split(tmp_path)


TABLES: dict[str, tuple[str, dict[str, Any], str]] = {
    "missing column": (
        "image,label\nx/0.png,a\n",
        {"columns": ("images", "label")},
        "without 'images'. Did you mean 'image'",
    ),
    "missing valid": ("p,l\nx/0.png,a\n", {"valid_column": "held"}, "without 'held'"),
    "gaps": (
        "p,l\nx/0.png,a\nx/1.png,\nx/2.png,\nx/3.png,b\n",
        {},
        "gaps in column 'l', rows 1, 2",
    ),
    "path gaps": ("p,l\nx/0.png,a\n,b\n", {}, "gaps in column 'p', rows 1"),
    "one column": ("p\nx/0.png\n", {}, r"columns=\['p'\].*commas"),
    "no rows": ("p,l\n", {}, "'labels.csv' without"),
    "nothing": ("", {}, "'labels.csv' without"),
    "odd truth": ("p,l,valid\nx/0.png,a,yes\nx/1.png,b,no\n", {}, "got yes, no"),
    "one class": ("p,l\nx/0.png,a\nx/1.png,a\n", {}, r"classes=\('a',\)"),
    "two labels": ("p,l\nx/0.png,a\nx/0.png,b\n", {}, "repeats of .*0.png"),
    "both sides": ("p,l,valid\nx/0.png,a,0\nx/0.png,a,1\nx/1.png,b,0\n", {}, "repeats .*0.png"),
    "valid alone": ("p,l,valid\nx/0.png,a,0\nx/1.png,b,0\nx/2.png,c,1\n", {}, "got c. Known"),
    "all train": ("p,l,valid\nx/0.png,a,0\nx/1.png,b,0\n", {}, "got none of 2 that is marked"),
}


@pytest.mark.parametrize("case", TABLES)
def test_a_table_that_will_not_do_is_one_clear_error(tmp_path: Path, case: str) -> None:
    text, settings, message = TABLES[case]
    put(tmp_path, *many("x", 4))
    with pytest.raises(ValueError, match=message):
        split(table(tmp_path, text), **settings)


def test_missing_photos_are_counted_and_the_first_are_named(tmp_path: Path) -> None:
    put(tmp_path, "x/0.png")
    lines = "".join(f"x/{i}.png,{i % 2}\n" for i in range(10))
    with pytest.raises(FileNotFoundError, match=r"x/1\.png, .*x/3\.png, \.\.\. \(9 in all\)"):
        split(table(tmp_path, "p,l\n" + lines))


def test_data_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="gone', which does not exist"):
        split(tmp_path / "gone")


def test_labelled_photos_use_the_classes_given(tmp_path: Path) -> None:
    put(tmp_path, "b/1.png", "c/2.png")
    photos = labelled(tmp_path, ("a", "b", "c"))
    assert photos.labels.tolist() == [1, 2]
    frame = pd.DataFrame({"path": ["b/1.png"], "label": ["c"]})
    assert labelled(frame, ("a", "b", "c"), root=tmp_path).labels.tolist() == [2]
    with pytest.raises(ValueError, match=r"got c\. Known are a, b"):
        labelled(tmp_path, ("a", "b"))


def broken(root: Path, *names: str) -> tuple[Listing, dict[int, str]]:
    for name in names:
        (root / name).write_bytes(b"broken")
    found = split(root)
    return found, open_items(found.paths, Resize(8), Run(cache=root / ".cache")).unreadable


def test_broken_files_are_left_out_with_one_warning(tmp_path: Path) -> None:
    put(tmp_path, *many("train/a", 5), *many("train/b", 3), *many("valid/a", 2))
    found, unreadable = broken(tmp_path, "train/a/1.png", "train/b/0.png", "valid/a/0.png")
    with pytest.warns(UserWarning, match=r"3 of 10 photos are left out: .*a/1\.png") as caught:
        train, valid = readable_parts(found, unreadable)
    assert len(caught) == 1
    assert [found.paths[row].name for row in train] == [
        *("0.png", "2.png", "3.png", "4.png"),
        *("1.png", "2.png"),
    ]
    assert [found.paths[row] for row in valid] == [found.valid.paths[1]]
    assert found.labels[train].tolist() == [0] * 4 + [1] * 2


def test_strict_reading_raises_and_whole_files_say_nothing(tmp_path: Path) -> None:
    put(tmp_path, *many("a", 3), *many("b", 3))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found, unreadable = broken(tmp_path)
        assert [len(rows) for rows in readable_parts(found, unreadable)] == [4, 2]
        assert [len(rows) for rows in readable([found.train], {})] == [len(found.train)]
    found, unreadable = broken(tmp_path, "a/1.png")
    with pytest.raises(UnreadableImage, match=r"a/1\.png"):
        readable_parts(found, unreadable, strict=True)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["train/b/0.png"], "got none of the classes b"),
        (["valid/a/0.png"], "got none for validation"),
    ],
)
@pytest.mark.filterwarnings("ignore:1 of 4 photos")
def test_a_class_without_a_readable_photo_is_an_error(
    tmp_path: Path, names: list[str], message: str
) -> None:
    put(tmp_path, *many("train/a", 2), "train/b/0.png", "valid/a/0.png")
    with pytest.raises(ValueError, match=message):
        readable_parts(*broken(tmp_path, *names))
