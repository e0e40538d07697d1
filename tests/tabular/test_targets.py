from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.helpers.device import DEVICE
from tests.tabular.small import table, train
from zoo.tabular.data.targets import guess_task
from zoo.tabular.model import TableModel
from zoo.tabular.sklearn.estimators import EntityEmbedder, TabularClassifier

pytestmark = pytest.mark.device

GAPS = {"None": None, "NaN": np.nan, "NA": pd.NA, "NaT": pd.NaT, "empty": "", "spaces": "  "}


@pytest.mark.parametrize("case", GAPS)
def test_a_missing_label_is_no_class(case: str, buyer: TableModel) -> None:
    frame = table(100, seed=3).astype({"bought": object})
    frame.loc[:39, "bought"] = GAPS[case]
    with pytest.warns(UserWarning, match="must have a target, got 40 of 100 without"):
        scores = buyer.evaluate(frame)
    rest = frame.loc[40:]
    assert scores["accuracy"] == pytest.approx((buyer.predict(rest) == rest["bought"]).mean())
    with pytest.warns(UserWarning, match="got 40 of 100 without"):
        model = train(frame, "bought", ignore=["amount"], epochs=1)
    assert model.spec.classes == ("no", "yes")
    with pytest.raises(ValueError, match="got 40 of 100 missing"):
        TabularClassifier(epochs=1).fit(frame[["age"]], frame["bought"])
    if case in ("empty", "spaces"):
        with pytest.raises(ValueError, match="got 40 of 100 missing"):
            TabularClassifier(epochs=1).fit(frame[["age"]].to_numpy(), frame["bought"].to_numpy())


def test_a_target_that_is_always_the_same_is_predicted_exactly() -> None:
    frame = pd.DataFrame({"x": np.arange(60.0), "y": 0.1})
    assert set(train(frame, "y", epochs=1).predict(frame)) == {0.1}


def test_gaps_do_not_make_numbers_of_classes() -> None:
    frame = pd.DataFrame({"x": np.arange(60.0), "y": [0.0, 1.0, np.nan] * 20})
    with pytest.warns(UserWarning, match="20 of 60"):
        model = train(frame, "y", epochs=1)
    assert model.spec.classes == (0, 1)
    assert type(model.spec.classes[0]) is int


def test_a_mask_counts_rows_without_a_label_too() -> None:
    frame = table().drop(columns="amount")
    frame.loc[:9, "bought"] = None
    with pytest.warns(UserWarning, match="10 of 400"):
        model = train(frame, "bought", valid=np.arange(400) >= 300, epochs=1)
    assert model.training["rows"] == 290


@pytest.mark.parametrize("labels", [["0", "1"], [0.0, 1.0], ["0.0", " 1"], [False, True]])
def test_labels_of_another_type_are_the_same_classes(labels: list[Any], tmp_path: Path) -> None:
    n = 80
    frame = pd.DataFrame({"x": np.arange(n) % 2 + np.arange(n) / 1000, "y": np.arange(n) % 2})
    model = train(frame, "y", epochs=10, valid_fraction=0)
    other = frame.assign(y=[labels[i] for i in frame["y"]], x=frame["x"] + 1e-4)
    assert model.evaluate(other)["accuracy"] == 1
    other.to_csv(tmp_path / "t.csv", index=False)
    assert model.evaluate(tmp_path / "t.csv")["accuracy"] == 1


def test_spaces_around_a_label_make_no_class_and_are_said() -> None:
    frame = table().drop(columns="amount")
    frame["bought"] = [text + " " * (i % 3) for i, text in enumerate(frame["bought"])]
    with pytest.warns(UserWarning, match="differ in more than spaces"):
        model = train(frame, "bought", epochs=8)
    assert model.spec.classes == ("no", "yes")
    assert model.metrics["accuracy"] > 0.8


@pytest.mark.parametrize("task", ["Classification", "regresion", 3])
def test_a_misspelt_task_is_refused_with_those_that_there_are(task: Any) -> None:
    said = f"one of 'classification', 'regression', or None, got task={task!r}"
    with pytest.raises(ValueError, match=said):
        train(task=task)


def test_numbers_written_as_text_are_no_classes() -> None:
    prices = pd.Series([f"${n:,.2f}" for n in range(1000, 1600)])
    with pytest.raises(ValueError, match=r"got 600 texts such as '\$1,000.00'"):
        guess_task(prices)
    with pytest.raises(ValueError, match="got 500 texts such as '0,001'"):
        guess_task(pd.Series([f"0,{n:03}" for n in range(1, 501)]))
    assert guess_task(pd.Series(["1", "2"] * 30)) == "classification"
    assert guess_task(pd.Series([f"a{n}" for n in range(600)])) == "classification"
    frame = pd.DataFrame({"x": np.arange(600.0), "y": prices})
    with pytest.warns(UserWarning, match="classes should have several rows, got 600 rows"):
        train(frame, "y", task="classification", valid_fraction=0, epochs=1)
    frame = pd.concat([frame, frame])
    assert len(train(frame, "y", task="classification", valid_fraction=0, epochs=1).spec.classes)
    assert guess_task(pd.Series([1, None, *range(50)], dtype=object)) == "regression"


@pytest.mark.parametrize("value", [1e-6, 0.0, -3e7])
@pytest.mark.parametrize("y_range", [None, (-1e8, 1e8)])
def test_a_target_that_never_varies_is_predicted(value: float, y_range: Any) -> None:
    frame = table().drop(columns="bought").assign(amount=value)
    model = train(frame, "amount", epochs=1, y_range=y_range)
    assert np.allclose(model.predict(frame), value, rtol=1e-6, atol=1e-12)
    assert model.metrics["rmse"] <= 1e-6 * abs(value) + 1e-12
    tuned = train(frame.assign(amount=table()["amount"]), "amount", epochs=1)
    assert np.isfinite(tuned.metrics["loss"])


def test_infinite_classes_are_refused() -> None:
    frame = pd.DataFrame({"x": np.arange(60.0), "y": [0.0, 1.0, np.inf] * 20})
    with pytest.raises(ValueError, match="got infinite numbers in 'y'"):
        train(frame, "y", task="classification", epochs=1)


def test_counts_are_numbers_to_an_embedder() -> None:
    X = table()[["colour", "age"]]
    sales = np.arange(400) * 7
    spec = EntityEmbedder(epochs=1, device=DEVICE).fit(X, sales).model_.spec
    assert (spec.task, spec.n_out) == ("regression", 1)
    spec = EntityEmbedder(epochs=1, device=DEVICE).fit(X, sales % 3).model_.spec
    assert spec.classes == (0, 1, 2)
