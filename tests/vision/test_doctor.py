"""The data doctor finds what spoils a training, and only that."""

from __future__ import annotations

import json
import shutil
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageOps
from rich.console import Console
from typer.testing import CliRunner

import zoo
from tests.vision.small import RUN
from zoo.cli.app import app
from zoo.core.trust import likeness
from zoo.core.trust.diagnosis import Finding, Items, Report
from zoo.core.trust.likeness import alike
from zoo.vision.data.photo_sets import list_photos


def scene(seed: int, side: int = 96) -> Image.Image:
    """Smooth blobs of colour, no two alike."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (5, 5, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Twelve photos a class to train on and four to validate on, all different."""
    folder, seed = tmp_path / "photos", 0
    for part, n in (("train", 12), ("valid", 4)):
        for name in ("cat", "dog"):
            (folder / part / name).mkdir(parents=True)
            for i in range(n):
                scene(seed).save(folder / part / name / f"{i}.jpg", quality=95)
                seed += 1
    return folder


def check(folder: Path, **more: object) -> Report:
    return zoo.vision.check(folder, run=RUN, **more)  # type: ignore[arg-type]


def kinds(report: Report) -> list[tuple[str, str]]:
    return [(one.level, one.kind) for one in report.findings]


def names(report: Report, kind: str) -> list[list[str]]:
    groups: list[tuple[Any, ...]] = report.names(kind)
    return [[path.relative_to(path.parents[2]).as_posix() for path in g] for g in groups]


def test_sound_photos_have_no_findings_and_are_counted(photos: Path) -> None:
    report = check(photos)
    assert report.ok
    assert report.findings == []
    assert len(report) == 32
    expected = {
        ("train", "cat"): 12,
        ("train", "dog"): 12,
        ("valid", "cat"): 4,
        ("valid", "dog"): 4,
    }
    assert report.counts == expected


def test_a_broken_file_is_an_error_and_named(photos: Path) -> None:
    path = photos / "train" / "cat" / "3.jpg"
    path.write_bytes(path.read_bytes()[:300])
    (photos / "valid" / "dog" / "x.jpg").write_text("no photo")
    report = check(photos)
    assert not report.ok
    assert names(report, "broken") == [["train/cat/3.jpg"], ["valid/dog/x.jpg"]]


@pytest.mark.parametrize("change", ["copied", "compressed", "enlarged", "mirrored"])
def test_a_photo_in_train_and_valid_is_a_leak(photos: Path, change: str) -> None:
    source, copy = photos / "train" / "dog" / "5.jpg", photos / "valid" / "dog" / "leak.jpg"
    with Image.open(source) as image:
        {
            "copied": lambda: shutil.copy(source, copy),
            "compressed": lambda: image.save(copy, quality=40),
            "enlarged": lambda: image.resize((250, 250), Image.Resampling.LANCZOS).save(copy),
            "mirrored": lambda: ImageOps.mirror(image).save(copy, quality=90),
        }[change]()
    report = check(photos)
    assert not report.ok
    assert kinds(report) == [("error", "leak")]
    assert names(report, "leak") == [["train/dog/5.jpg", "valid/dog/leak.jpg"]]
    same = "the same file" if change == "copied" else "nearly the same photo"
    assert same in str(report.findings[0])


def test_copies_within_a_part_are_warned_of_and_two_labels_are_an_error(photos: Path) -> None:
    train = photos / "train"
    shutil.copy(train / "cat" / "0.jpg", train / "cat" / "again.jpg")
    shutil.copy(train / "cat" / "1.jpg", train / "dog" / "no-cat.jpg")
    report = check(photos)
    assert sorted(kinds(report)) == [("error", "two labels"), ("warning", "duplicates")]
    assert names(report, "two labels") == [["train/cat/1.jpg", "train/dog/no-cat.jpg"]]


def test_odd_photos_are_warned_of(photos: Path) -> None:
    place = photos / "train" / "cat"
    scene(100, side=16).save(place / "tiny.png")
    scene(101).resize((500, 60)).save(place / "long.png")
    Image.new("RGB", (80, 80), "grey").save(place / "blank.png")
    Image.new("RGB", (90, 90), "grey").save(photos / "valid" / "cat" / "blank too.png")
    report = check(photos)
    assert report.ok  # two blank photos are no leak
    assert kinds(report) == [("warning", kind) for kind in ("tiny", "extreme", "blank")]
    assert names(report, "tiny") == [["train/cat/tiny.png"]]
    assert names(report, "extreme") == [["train/cat/long.png"]]
    assert kinds(check(photos, min_side=8)) == [("warning", "extreme"), ("warning", "blank")]


def test_imbalance_and_labels_of_one_side_are_told(photos: Path) -> None:
    (photos / "train" / "newt").mkdir()
    scene(200).save(photos / "train" / "newt" / "0.jpg")
    (photos / "valid" / "emu").mkdir()
    scene(201).save(photos / "valid" / "emu" / "0.jpg")
    texts = [str(one) for one in check(photos).findings]
    assert texts == [
        "error: labels in valid alone: emu",
        "warning: labels in train alone: newt",
        "warning: classes of one member, none of which is left to validate on: newt",
        "warning: cat has 12 photos, newt 1: consider balancing",
    ]


def test_tables_two_folders_and_loose_photos_are_checked_too(photos: Path, tmp_path: Path) -> None:
    paths = sorted(photos.rglob("*.jpg"))
    labels = ["red|big" if i % 2 else "red" for i in range(len(paths))]
    frame = pd.DataFrame({"path": map(str, paths), "labels": labels})
    assert zoo.vision.check(frame, run=RUN).counts == {("train", "red"): 32, ("train", "big"): 16}
    report = zoo.vision.check(photos / "train", photos / "train", run=RUN)
    assert len(names(report, "leak")) == 24
    loose = zoo.vision.check(photos / "train" / "cat", run=RUN)
    assert (len(loose), loose.counts, loose.findings) == (12, {}, [])
    with pytest.raises(ValueError, match=r"got a list\. Give"):
        zoo.vision.check([1, 2])
    with pytest.raises(FileNotFoundError, match="nowhere', which does not exist"):
        zoo.vision.check("nowhere")


@pytest.mark.parametrize("tile", [7, 512])
def test_thumbnails_are_compared_over_tiles(tile: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    thumbnails = rng.uniform(0, 255, (30, 16, 16)).astype(np.float32)
    thumbnails[29] = thumbnails[3] + 1
    thumbnails[17] = thumbnails[3, :, ::-1]
    thumbnails[20] = thumbnails[29] + 2.5  # like the last one alone
    monkeypatch.setattr(likeness, "_TILE", tile)
    groups = np.arange(30)
    groups[[17, 20, 29]] = 3
    assert alike(thumbnails).tolist() == groups.tolist()
    groups[groups == 3] = 1
    copies = np.arange(30)
    copies[20] = 1
    assert alike(thumbnails, copies).tolist() == groups.tolist()


def test_many_frames_of_one_scene_take_little_memory_and_few_words() -> None:
    rng = np.random.default_rng(0)
    frame = rng.uniform(0, 255, (16, 16))
    thumbnails = (frame + rng.normal(0, 0.5, (3000, 16, 16))).astype(np.float32)
    tracemalloc.start()
    groups = alike(thumbnails)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert set(groups.tolist()) == {0}
    assert peak < 60e6  # a list of all pairs takes a gigabyte
    same = Finding("warning", "duplicates", "alike", (tuple(range(3000)),))
    nothing: list[Any] = [None] * 3000
    items = Items(
        "photos", range(3000), nothing, nothing, ["train"] * 3000, np.zeros(3000, np.uint64)
    )
    console = Console(width=200)
    with console.capture() as shown:
        console.print(Report(items, [same]))
    assert "2995 more" in shown.get()
    assert len(shown.get()) < 500


def test_the_command_reports_and_ends_with_status_1_for_errors(photos: Path) -> None:
    words = ["vision", "check", str(photos)]
    sound = CliRunner().invoke(app, words)
    assert sound.exit_code == 0, sound.output
    assert "nothing is wrong" in sound.output
    shutil.copy(photos / "train" / "cat" / "0.jpg", photos / "valid" / "cat" / "leak.jpg")
    told = CliRunner().invoke(app, words)
    assert told.exit_code == 1
    assert "error: 1 x the same file in train and valid" in told.output
    as_json = CliRunner().invoke(app, [*words, "--json"])
    assert as_json.exit_code == 1
    tree = json.loads(as_json.output)
    assert tree["ok"] is False
    assert tree["counts"]["valid"] == {"cat": 5, "dog": 4}
    (finding,) = tree["findings"]
    assert [Path(path).name for path in finding["items"][0]] == ["0.jpg", "leak.jpg"]


def test_fixes_leave_photos_out_and_move_others_to_another_class(
    photos: Path, tmp_path: Path
) -> None:
    train, fix = photos / "train", tmp_path / "fix.csv"
    shutil.copy(train / "cat" / "0.jpg", train / "cat" / "again.jpg")
    check(photos).save_fixes(fix)
    head, line = fix.read_text().splitlines()
    assert line.startswith("train/cat/again.jpg,duplicates,,")
    fix.write_text(f"{head}\n{line}\n{line.replace(',duplicates,,', ',seen,dog,')}\n")
    listing = list_photos(photos, fix=fix)  # where lines contradict, a photo is left out
    assert len(listing.train) == 24
    fix.write_text(f"{head}\n{line.replace(',duplicates,,', ',seen,dog,')}\n")
    listing = list_photos(photos, fix=fix)
    assert np.bincount(listing.train.labels).tolist() == [12, 13]
    assert len(list_photos(photos, photos / "valid", fix=fix).train) == 25
    (train / "cat" / "again.jpg").unlink()
    with pytest.raises(ValueError, match=r"'fix.csv' of others: 1 of 1 rows"):
        list_photos(photos, fix=fix)
