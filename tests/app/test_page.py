"""A model as one page: what it is made of, what is refused, and its answers in a browser."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zoo
from scripts.lib import app_pages, browser
from scripts.lib.demo_pages import ACTS
from tests.helpers.trained import text_classifier
from zoo.app.page import write_app
from zoo.app.runtime import PACKAGE, SHA256, read_runtime
from zoo.app.weights import shrink

RUNTIME = Path(os.environ.get("ZOO_ORT_WEB", ""))  # an unpacked onnxruntime-web


def test_a_runtime_that_is_missing_or_another_is_told_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=f"got no runtime. Run npm pack {PACKAGE}"):
        read_runtime(None)
    with pytest.raises(FileNotFoundError, match="got none in"):
        read_runtime(tmp_path)
    for name in SHA256:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"something else")
    with pytest.raises(ValueError, match=r"SHA-256 11e64bd8ffe1\.\.\., got "):
        read_runtime(tmp_path)


@pytest.mark.parametrize(("weights", "away"), [("fp32", 0), ("fp16", 2**-11), ("int8", 1 / 254)])
def test_small_weights_are_as_near_as_their_bits_allow(weights: Any, away: float) -> None:
    onnx = pytest.importorskip("onnx", reason="pip install 'transfer-zoo[onnx]'")
    from onnx.reference import ReferenceEvaluator

    matrix = np.random.default_rng(0).normal(size=(40, 60)).astype(np.float32)
    value = onnx.helper.make_tensor_value_info
    ends = [[value(name, onnx.TensorProto.FLOAT, [40, 60])] for name in ("x", "y")]
    node = onnx.helper.make_node("Add", ["x", "w"], ["y"])
    graph = onnx.helper.make_graph(
        [node], "sum", *ends, [onnx.numpy_helper.from_array(matrix, "w")]
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 19)])
    shrink(model, weights)
    onnx.checker.check_model(model)
    (sums,) = ReferenceEvaluator(model).run(None, {"x": np.zeros_like(matrix)})
    largest = np.abs(matrix) if weights == "fp16" else np.abs(matrix).max(1, keepdims=True)
    assert (np.abs(sums - matrix) <= away * largest * (1 + 1e-5)).all()
    assert len(model.SerializeToString()) < {"fp32": 9900, "fp16": 5100, "int8": 2900}[weights]


@pytest.mark.slow
def test_a_model_of_texts_is_refused_for_its_splitter(tmp_path: Path) -> None:
    model = text_classifier(tmp_path).model
    with pytest.raises(NotImplementedError, match=r"whose splitter .* Use zoo demo"):
        write_app(model, tmp_path / "app.html", runtime=None)


@pytest.mark.slow
@pytest.mark.skipif(not RUNTIME.name, reason="ZOO_ORT_WEB must name an unpacked onnxruntime-web")
@pytest.mark.skipif(bool(browser.missing()), reason=browser.missing())
@pytest.mark.parametrize("domain", ["photos", "tables", "ratings"])
def test_the_page_says_what_python_says_and_asks_nobody(domain: str, tmp_path: Path) -> None:
    case = next(one for one in app_pages.CASES if one.domain == domain)
    model = zoo.load(ACTS[domain].model, run=zoo.Run(device="cpu", precision="fp32"))
    ACTS[domain].prepare(model)
    page = write_app(model, tmp_path / "app.html", runtime=RUNTIME)
    row = app_pages.visits(page, case.inputs(model, 20), None, case.fill)
    assert row["agreement"] == 1.0
    assert row["console_errors"] == row["foreign_requests"] == 0
    assert row.get("pixels_most", 0) == 0
    assert row["megabytes"] < 15
