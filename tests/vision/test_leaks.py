"""No photo is on both sides of a split, and whoever scores photos of the training is told."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from torch.utils.data import Subset

import zoo
from tests.vision.small import RUN, TINY, Digits, table
from zoo.core.seen_rows import SeenRows
from zoo.vision.classification.model import PhotoModel
from zoo.vision.data.photo_sets import list_photos, open_photos
from zoo.vision.data.preprocessing import Preprocessing
from zoo.vision.data.splits import disjoint

pytestmark = pytest.mark.usefixtures("cache")

PLAIN = Preprocessing(32, (0, 0, 0), (1, 1, 1), "bilinear", 0.875)


def train(data: Any, **more: Any) -> PhotoModel:
    settings = {"size": 32, "epochs": 1, "augment": "none", "run": RUN, **more}
    return zoo.vision.train(data, model=TINY, rivals=False, **settings)


def noise(folder: Path, n: int, copies: int = 1) -> Path:
    """Photos of two classes, each in so many copies."""
    rng = np.random.default_rng(0)
    for i in range(n):
        pixels = rng.integers(0, 255, (40, 40, 3), dtype=np.uint8)
        for copy in range(copies):
            path = folder / "ab"[i % 2] / f"{i}-{copy}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path)
    return folder


def overlapping(photos: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    frame = table(photos)[["photo", "digit"]]
    return frame, frame.sample(10, random_state=0)


def copied(photos: Path, tmp_path: Path) -> tuple[Path, None]:
    folder = shutil.copytree(photos, tmp_path / "copied")
    for name in ("seven", "three"):
        shutil.copy(folder / "train" / name / "0.png", folder / "valid" / name / "new.png")
    return folder, None


STATED: dict[str, tuple[Any, str]] = {
    "the same folder": (lambda p, t: (p / "train", p / "train"), "120 of 120"),
    "tables that overlap": (lambda p, t: overlapping(p), "10 of 10"),
    "copies in the folders train and valid": (copied, "2 of 42"),
    "the same data set": (lambda p, t: (Digits(p), Digits(p)), "160 of 160"),
    "parts of a data set": (
        lambda p, t: tuple(Subset(Digits(p), range(0, 160, step)) for step in (2, 3)),
        "27 of 54 validation images",
    ),
}


@pytest.mark.parametrize("case", STATED)
def test_a_stated_split_that_shares_photos_is_refused(
    case: str, photos: Path, tmp_path: Path
) -> None:
    make, said = STATED[case]
    data, valid = make(photos, tmp_path)
    with pytest.raises(ValueError, match=rf"must be different, got {said}"):
        train(data, valid=valid)


def test_of_a_drawn_split_all_copies_are_on_one_side(tmp_path: Path) -> None:
    photos = noise(tmp_path / "p", 40, copies=3)
    train, valid, _ = open_photos(list_photos(photos), PLAIN, RUN)
    assert train.hashes is not None
    assert not np.isin(valid.hashes, train.hashes).any()
    assert len(valid.items) == pytest.approx(24, abs=6)  # about a fifth of 120
    assert len(valid.items) + len(train.items) == 120
    assert set(train.labels) == set(valid.labels) == {0, 1}


def test_a_split_without_copies_stays_as_it_was_drawn(tmp_path: Path) -> None:
    train_rows, valid_rows = np.array([0, 1, 4]), np.array([2, 3])
    hashes, labels = np.arange(5, dtype=np.uint64), np.array([0, 1, 0, 1, 0])
    parts = disjoint(train_rows, valid_rows, hashes, labels)
    assert [part.tolist() for part in parts] == [[0, 1, 4], [2, 3]]


def test_what_a_pretrained_model_knows_is_not_validated_on() -> None:
    rows = np.arange(20)
    hashes, labels = rows.astype(np.uint64), rows % 2
    seen = SeenRows.of(hashes[:12])
    left, valid = disjoint(rows[4:], rows[:4], hashes, labels, seen)
    assert len(valid) == 4
    assert (valid >= 12).all()
    assert sorted([*left, *valid]) == rows.tolist()


def test_a_class_keeps_photos_to_train_on() -> None:
    hashes, labels = np.array([7, 1, 2, 3, 7], np.uint64), np.array([1, 0, 0, 0, 1])
    left, valid = disjoint(np.array([0, 1, 2]), np.array([3, 4]), hashes, labels)
    assert 1 in labels[left]
    assert not np.isin(hashes[valid], hashes[left]).any()


def test_scores_on_photos_of_the_training_are_told(photos: Path, model: PhotoModel) -> None:
    with pytest.warns(UserWarning, match="about 100% of the 120 rows were trained on"):
        model.evaluate(photos / "train")
    with pytest.warns(UserWarning, match="about 100%"):
        model.report(photos / "train")
    model.evaluate(photos / "valid")


def test_a_further_training_is_not_scored_on_photos_that_the_model_knows(
    photos: Path, model: PhotoModel
) -> None:
    frame = table(photos)
    known = frame["valid"] == 0
    swapped = frame.assign(valid=known)
    with pytest.raises(ValueError, match="new to the pretrained model, got about 100% that"):
        zoo.vision.finetune(model, swapped, epochs=0, rivals=False, run=RUN)
    learnt = frame[known].drop(columns="valid")
    with pytest.warns(UserWarning, match="so that there is no score"):
        zoo.vision.finetune(model, learnt, epochs=0, rivals=False, folds=2, refit=False, run=RUN)
    mixed = swapped.assign(
        valid=known & (known.cumsum() <= 20) | (~known & ((~known).cumsum() > 15))
    )
    with pytest.warns(UserWarning, match=r"got 20 of 45 that it was trained on"):
        learn = zoo.vision.learner(mixed, pretrained=model, run=RUN)
    assert len(learn.data.valid.items) == 25


def test_of_a_table_that_marks_them_the_validation_photos_are_scored(
    photos: Path, model: PhotoModel
) -> None:
    frame = table(photos)
    valid = frame[frame["valid"]].drop(columns="valid")
    assert model.evaluate(frame) == model.evaluate(valid)
    assert model.report(frame)["photos"].sum() == len(valid)
    assert len(model.results(frame)) == len(valid)
    with pytest.raises(ValueError, match="some marked, got none of 120"):
        model.evaluate(frame[~frame["valid"]])


def test_columns_of_the_training_are_remembered(photos: Path, tmp_path: Path) -> None:
    frame = table(photos).rename(columns={"valid": "held"})
    frame.insert(0, "id", range(len(frame)))
    names: Any = {"columns": ("photo", "digit"), "valid_column": "held"}
    trained = train(frame, **names)
    loaded = zoo.load(trained.save(tmp_path / "model"), run=RUN)
    assert loaded.spec.format == 2
    assert loaded.evaluate(frame) == pytest.approx(trained.metrics)
    held = frame[frame["held"]].drop(columns="held")
    assert loaded.evaluate(held, columns=("photo", "digit")) == pytest.approx(trained.metrics)
    first = frame[:2]
    assert loaded.predict(first) == loaded.predict(list(first["photo"]))
    again = zoo.vision.finetune(loaded, frame, epochs=0, augment="none", rivals=False, run=RUN)
    assert (again.spec.columns, again.spec.valid_column) == (("photo", "digit"), "held")
    assert again.metrics == pytest.approx(trained.metrics)
    relative = frame.assign(photo=[str(Path(p).relative_to(photos)) for p in frame["photo"]])
    assert loaded.evaluate(relative, root=photos) == pytest.approx(trained.metrics)
