"""Recommenders as files, read by programs that know neither this library nor, of ONNX, torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import zoo_runtime

from tests.collab.small import N_ITEMS, ratings, train
from zoo.collab import Recommender
from zoo.collab.data.rated_items import RatedItems
from zoo.collab.export import OfChosen, OfVectors
from zoo.collab.lists import FITS
from zoo.collab.models.list_blend import ListBlend
from zoo.collab.models.sasrec import SasRec


@pytest.fixture(scope="module")
def lists() -> Recommender:
    return train("ease", titles={30: "Thirty"})


def test_lists_for_a_visitor_are_the_models_own(lists: Recommender, tmp_path: Path) -> None:
    for module in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(module, reason="pip install 'transfer-zoo[onnx]'")
    alone: Any = zoo_runtime.load(lists.export(tmp_path / "lists.onnx"))
    best = lists.fold_in([30, 100]).recommend(10)
    said = pd.DataFrame(alone.recommend(["30", "no item", 100.0, 30]))
    assert said["item"].tolist() == best["item"].tolist()
    assert np.abs(said["score"] - best["score"]).max() < 1e-5
    assert alone.recommend([30], 40, exclude_seen=False)[-1].keys() == {"item", "score", "title"}
    for call, message in (
        (lambda: alone.predict("u01", 30), "must rate pairs"),
        (lambda: alone.recommend(["none"]), "that the model knows, got \\['none'\\]"),
        (lambda: alone.recommend([30], 0), "got k=0"),
    ):
        with pytest.raises(ValueError, match=message):
            call()


def test_a_file_of_torch_export_rates_rows(tmp_path: Path) -> None:
    model = train("svdpp", epochs=1)  # whose vectors have histories in them
    program = torch.export.load(model.export(tmp_path / "ratings.pt2")).module()
    table = ratings().head(9)
    rows = (model.spec.user_rows(table["user"]), model.spec.item_rows(table["item"]))
    for n in (9, 1):
        (rating,) = program(*(torch.from_numpy(one[:n]).long() for one in rows))
        expected = model.predict(table.head(n))
        assert np.abs(rating.numpy() - expected).max() < 1e-5


def test_the_vector_of_a_visitor_solves_its_system(lists: Recommender) -> None:
    part = FITS["ials"](lists.rated_items, N_ITEMS, penalty=0.03)
    chosen = torch.tensor([3, 7, 21])
    expected = part.score(RatedItems.of_one(chosen))[0]
    assert torch.allclose(OfVectors(part)(chosen), expected, atol=1e-5)
    assert torch.isfinite(OfVectors(part)(chosen[:0])).all()


def test_lists_that_look_at_the_order_are_refused() -> None:
    order = ListBlend({"sasrec": SasRec(n_items=3)}, {"sasrec": 1.0}, torch.ones(4))
    with pytest.raises(NotImplementedError, match=r"in no order, to be exported, got .* 'sasrec'"):
        OfChosen(order)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"format": "onx"}, "format must be one of 'onnx', 'pt2', got format='onx'"),
        ({"quantize": "int4"}, "quantize must be None or 'int8', got quantize='int4'"),
        ({"quantize": "int8"}, "go together, .* got quantize='int8' without data"),
        ({"quantize": "int8", "format": "pt2", "data": "x"}, "got quantize='int8' with format="),
    ],
)
def test_options_that_make_no_sense_are_refused(
    lists: Recommender, how: dict[str, str], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=message):
        lists.export(tmp_path / "model.onnx", **how)
