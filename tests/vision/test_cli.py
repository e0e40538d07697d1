"""What `zoo` says of photos beyond one class each: labels, numbers, views, features, sizes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import Result
from typer.testing import CliRunner

from tests.helpers.device import DEVICE
from tests.vision.small import RUN
from zoo import load
from zoo.cli.app import app
from zoo.vision.classification.model import PhotoModel

pytestmark = pytest.mark.usefixtures("cache")


def zoo(*words: Any) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def done(*words: Any) -> str:
    result = zoo(*words)
    assert result.exit_code == 0, result.output
    return str(result.stdout)


def refused(*words: Any) -> str:
    result = zoo(*words)
    assert result.exit_code == 1, result.output
    (line,) = result.stderr.splitlines()
    return str(line)


def table(photos: Path, place: Path, **columns: Any) -> Path:
    paths = sorted(photos.rglob("*.png"))
    frame = pd.DataFrame({"photo": [str(p) for p in paths]})
    for name, of in columns.items():
        frame[name] = [of(path) for path in paths]
    frame["valid"] = ["valid" in path.parts for path in paths]
    frame.to_csv(place, index=False)
    return place


@pytest.fixture(scope="module")
def start(model: PhotoModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model to start from, whose weights need no network."""
    return model.save(tmp_path_factory.mktemp("start") / "tiny")


def finetune(start: Path, *words: Any) -> str:
    return done("vision", "finetune", start, *words, "--no-rivals", "--device", DEVICE)


def test_several_labels_from_a_table_to_a_line_each(
    photos: Path, start: Path, tmp_path: Path
) -> None:
    csv = table(
        photos,
        tmp_path / "labels.csv",
        labels=lambda p: f"{p.parent.name} {'even' if int(p.stem) % 2 == 0 else 'odd'}",
    )
    out = tmp_path / "model"
    printed = finetune(start, csv, "--separator", " ", "--epochs", 0, "--out", out)
    assert "average_precision" in printed
    one = photos / "valid" / "seven" / "0.png"
    line = json.loads(done("predict", out, one, "--json"))
    assert list(line) == ["file", "labels", "probabilities"]
    assert set(line["probabilities"]) == {"three", "seven", "even", "odd"}
    assert "seven" in line["labels"]
    assert "seven" in done("predict", out, one)
    report = done("vision", "report", out, csv)
    assert report.split()[:4] == ["precision", "recall", "f1", "photos"]
    assert len(report.splitlines()) == 5


def test_columns_and_the_folder_of_the_paths_by_options(
    photos: Path, start: Path, tmp_path: Path
) -> None:
    def name(path: Path) -> str:
        return path.parent.name

    place = table(photos, tmp_path / "table.csv", number=lambda _: 1, digit=name)
    frame = pd.read_csv(place)
    frame["photo"] = [str(Path(path).relative_to(photos)) for path in frame["photo"]]
    frame.to_csv(place, index=False)
    where = ["--root", photos]
    finetune(
        start, place, "--columns", "photo", "digit", *where, "--epochs", 0, "--out", tmp_path / "m"
    )
    assert "seven" in done("vision", "report", tmp_path / "m", place, *where)
    rows = [
        json.loads(line)
        for line in done("vision", "report", tmp_path / "m", place, *where, "--json").splitlines()
    ]
    assert {row["label"] for row in rows} == {"three", "seven"}


def test_numbers_from_a_table_to_a_line_each(photos: Path, start: Path, tmp_path: Path) -> None:
    csv = table(photos, tmp_path / "n.csv", n=lambda p: 3 if p.parent.name == "three" else 7)
    out = tmp_path / "model"
    printed = finetune(start, csv, "--y-range", 0, 10, "--epochs", 0, "--out", out)
    assert "rmse" in printed
    line = json.loads(done("predict", out, photos / "valid" / "seven" / "0.png", "--json"))
    assert 3 < line["value"] < 10
    assert "got task='regression'" in refused("vision", "report", out, csv)


def test_views_are_asked_for_by_a_flag(photos: Path, directory: Path) -> None:
    model, valid = load(directory, run=RUN), photos / "valid"
    printed = [line.split() for line in done("evaluate", directory, valid, "--tta").splitlines()]
    scores = {" ".join(name): float(value) for *name, value in printed}
    assert scores == pytest.approx(model.evaluate(valid, tta=True), abs=1e-3)
    assert scores["loss"] != scores["plain loss"]
    plain, tta = (
        [json.loads(line) for line in done("predict", directory, valid, *flags).splitlines()]
        for flags in (["--json", "-k", 2], ["--json", "-k", 2, "--tta"])
    )
    files = [line["file"] for line in tta]
    assert files == [line["file"] for line in plain]
    views = [one.probabilities["seven"] for one in model.predict(files, tta=True)]
    once = [one.probabilities["seven"] for one in model.predict(files)]
    assert [line["probabilities"]["seven"] for line in tta] == pytest.approx(views, abs=1e-3)
    assert [line["probabilities"]["seven"] for line in plain] == pytest.approx(once, abs=1e-3)
    assert max(abs(a - b) for a, b in zip(views, once, strict=True)) > 0.01


def test_growing_sizes_and_features_by_options(photos: Path, start: Path, tmp_path: Path) -> None:
    out = tmp_path / "model"
    finetune(start, photos, "--sizes", 32, "--sizes", 40, "--epochs", 2, "--out", out)
    assert json.loads((out / "config.json").read_text())["spec"]["size"] == 40
    words = ["--precompute", "--versions", 1, "--epochs", 1, "--out", tmp_path / "head"]
    finetune(start, photos, *words, "--mixup", 0.4, "--class-weights", "balanced", "--oversample")
    training = json.loads((tmp_path / "head" / "config.json").read_text())["training"]
    assert (training["mixup"], training["oversample"]) == (0.4, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--sizes", "128", "--sizes", "96"], "got --sizes (128, 96)"),
        (["--task", "several"], "got --task 'several'"),
        (["--task", "regression"], "one class of each photo"),
        (
            ["--mixup", "0.4", "--versions", "1", "--augment", "none", "--precompute"],
            "--versions 1",
        ),
    ],
)
def test_a_mistake_is_one_line(words: list[str], said: str, photos: Path, start: Path) -> None:
    line = refused("vision", "finetune", start, photos, *words)
    assert line.startswith("zoo: ")
    assert said in line
