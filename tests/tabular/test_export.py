from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.tabular.small import RUN, table, train
from zoo.tabular.predictor import TableModel
from zoo.tabular.sklearn import TabularRegressor

for module in ("onnx", "onnxscript", "onnxruntime"):
    pytest.importorskip(module, reason="pip install 'transfer-zoo[onnx]'")


def rows() -> pd.DataFrame:
    """With gaps, unseen values, infinite and far numbers."""
    frame = table(60, seed=6).drop(columns=["bought", "amount"])
    frame["store"] = frame["store"].astype(object)
    frame.loc[:3, "colour"] = ["violet", None, "", "red"]
    frame.loc[4:6, "store"] = [99, None, 1.0]
    frame.loc[7:10, "age"] = [np.nan, np.inf, -np.inf, 1e9]
    frame.loc[11:12, "income"] = [np.nan, -1e30]
    return frame


def answers(path: Path, frame: pd.DataFrame, texts: list[str]) -> list[Any]:
    """What onnxruntime says."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    given = {}
    for one in session.get_inputs():
        cells = frame[one.name]
        if one.name in texts:
            column = np.array(["" if c is None or c != c else str(c) for c in cells], dtype=object)
        else:
            column = cells.to_numpy(np.float64)
        given[one.name] = column[:, None]
    return list(session.run(None, given))


def test_a_classifier_says_the_same_under_onnxruntime(buyer: TableModel, tmp_path: Path) -> None:
    frame = rows()
    path = buyer.export(tmp_path / "model.onnx")
    label, shares = answers(path, frame, ["colour", "store"])
    assert np.allclose(shares, buyer.probabilities(frame), atol=1e-4)
    assert label.tolist() == buyer.predict(frame).tolist()
    alone, _ = answers(path, frame.head(1), ["colour", "store"])
    assert alone.tolist() == label[:1].tolist()


@pytest.mark.parametrize(
    "settings",
    [
        {"log_target": True},
        {"model": "tabm", "k": 3, "bins": 5, "join": "inside", "y_range": (0, 900)},
        {"bins": 0, "join": "ensemble"},
    ],
    ids=str,
)
def test_a_regression_says_the_same_under_onnxruntime(
    settings: dict[str, Any], tmp_path: Path
) -> None:
    model = train(target="amount", epochs=2, **settings)
    (found,) = answers(model.export(tmp_path / "m.onnx"), rows(), ["colour", "store"])
    assert np.allclose(found, model.predict(rows()), rtol=1e-4)


def test_several_targets_and_tables_of_one_kind_of_column(tmp_path: Path) -> None:
    frame = table()[["age", "income", "amount"]].assign(half=lambda t: t["amount"] / 2)
    model = train(frame, ["amount", "half"], epochs=1)
    found = answers(model.export(tmp_path / "numbers.onnx"), frame, [])
    assert np.allclose(np.stack(found, 1), model.predict(frame), rtol=1e-4)
    words = table()[["colour", "store", "bought"]]
    teller = train(words, "bought", epochs=1)
    _, shares = answers(teller.export(tmp_path / "words.onnx"), words, ["colour", "store"])
    assert np.allclose(shares, teller.probabilities(words), atol=1e-4)


def test_whole_classes_times_and_double_networks(tmp_path: Path) -> None:
    days = pd.Series(pd.date_range("2015-01-01", periods=80))
    frame = pd.DataFrame({"day": days, "label": [3, 1] * 40})
    model = train(frame, "label", epochs=1)
    raw = frame.assign(day=(days - pd.Timestamp(0)) / pd.Timedelta(days=1))
    label, shares = answers(model.export(tmp_path / "a.onnx"), raw, [])
    assert (label.dtype, label.tolist()) == (np.int64, model.predict(frame).tolist())
    assert np.allclose(shares, model.probabilities(frame), atol=1e-4)
    fitted = TabularRegressor(epochs=1, device="cpu").fit(table()[["age"]], table()["amount"])
    (found,) = answers(fitted.model_.export(tmp_path / "b.onnx"), table(), [])
    assert np.allclose(found, fitted.predict(table()[["age"]]), rtol=1e-4)


def test_an_ensemble_is_one_file_and_the_file_tells_its_spec(
    buyer: TableModel, tmp_path: Path
) -> None:
    import onnx

    both = TableModel([*buyer.members, *train(epochs=1).members], buyer.spec, run=RUN)
    path = both.export(tmp_path / "both.onnx")
    _, shares = answers(path, rows(), ["colour", "store"])
    assert np.allclose(shares, both.probabilities(rows()), atol=1e-4)
    told = {prop.key: prop.value for prop in onnx.load(str(path)).metadata_props}
    assert json.loads(told["spec"])["targets"][0]["name"] == "bought"
