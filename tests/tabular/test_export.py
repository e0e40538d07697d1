from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.helpers.device import DEVICE
from tests.helpers.onnx_tables import answers
from tests.tabular.small import table, train
from zoo.tabular.sklearn.estimators import TabularRegressor

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


def test_a_regression_says_the_same_in_its_units(tmp_path: Path) -> None:
    settings = {"model": "tabm", "k": 3, "bins": 5, "join": "inside", "y_range": (20, 1500)}
    model = train(target="amount", epochs=2, log_target=True, **settings)
    (found,) = answers(model.export(tmp_path / "model.onnx"), rows(), ["colour", "store"])
    assert np.allclose(found, model.predict(rows()), rtol=1e-4)


@pytest.mark.parametrize("names", [["probabilities", "b"], [1, "1"], ["a", ""]])
def test_names_that_a_file_cannot_tell_apart_are_refused(names: list[Any], tmp_path: Path) -> None:
    frame = table()[["age", "income"]].set_axis(names, axis=1).assign(y=["p", "q"] * 200)
    with pytest.raises(ValueError, match="a name of its own for each column and output, got '"):
        train(frame, "y", epochs=1).export(tmp_path / "model.onnx")


def test_numbers_alone_several_targets_and_double_networks(tmp_path: Path) -> None:
    frame, both = table()[["age", "income"]], table()[["amount"]].assign(half=lambda t: t / 2)
    fitted = TabularRegressor(random_state=0, epochs=1, bins=0, device=DEVICE).fit(
        frame, both.to_numpy()
    )
    found = answers(fitted.model_.export(tmp_path / "model.onnx"), frame, [])
    assert np.allclose(np.stack(found, 1), fitted.predict(frame), rtol=1e-4, atol=1e-3)


def test_words_alone_are_the_same_in_any_spelling_and_classes_stay_whole(tmp_path: Path) -> None:
    frame = table()[["colour", "store"]].assign(fresh=np.arange(400) % 3 == 0)
    frame["code"] = [f"0{i % 3}" for i in range(400)]
    labels = np.where(frame["fresh"], 3, frame["store"] % 2)
    model = train(frame.assign(label=labels), "label", epochs=2, join="ensemble")
    path, expected = model.export(tmp_path / "model.onnx"), model.probabilities(frame)
    for other in (frame, frame.astype({"store": float, "fresh": float}), frame.astype(object)):
        label, shares = answers(path, other, frame.columns)
        assert (label.dtype, label.tolist()) == (np.int64, model.predict(frame).tolist())
        assert np.allclose(shares, expected, atol=1e-4)
        assert np.allclose(shares, model.probabilities(other.astype(str)), atol=1e-4)
