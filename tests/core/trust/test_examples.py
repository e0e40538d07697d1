from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import zoo
from tests.helpers.device import run_here
from tests.helpers.digits import write_photos
from tests.tabular.test_strangeness import table
from tests.text.small import reviews
from zoo.core.trust.examples import Examples

HOW: dict[str, Any] = {"epochs": 1, "rivals": False, "keep_examples": True}


def test_examples_stay_with_their_user_and_are_evidence(tmp_path: Path) -> None:
    frame = table(60)
    frame.loc[7, "size"] = 777.125
    part = {"valid_fraction": 0.2, "run": run_here(out=tmp_path / "m")}
    model = zoo.tabular.train(frame, "price", **HOW, **part)
    loaded = zoo.load(tmp_path / "m")
    for one in (model, loaded):
        evidence = one.explain(frame.iloc[7]).alike
        assert evidence is not None
        assert evidence["size"].iloc[0] == "777.125"
        assert evidence["similarity"].iloc[0] == pytest.approx(1, abs=1e-3)
        assert {"price", "land"} <= {*evidence}
    published = Path(loaded.push("me/m", hub=tmp_path / "hub"))
    assert not [one for one in published.iterdir() if "examples" in one.name]
    assert zoo.load(published).explain(frame.iloc[7]).alike is None


@pytest.mark.slow
def test_texts_and_photos_are_evidence_too(tmp_path: Path) -> None:
    texts = reviews(40)
    named = {"text": "review", "label": "liked", "run": run_here()}
    model: Any = zoo.text.train(texts, valid_fraction=0.2, refit=False, **HOW, **named)
    assert len(model.examples.vectors) == 32  # none of those that were held out
    text = model.examples.columns["text"][3]
    loaded: Any = zoo.load(model.save(tmp_path / "texts"))
    assert loaded.explain(text).alike["text"].iloc[0] == text
    folder = write_photos(tmp_path / "digits", n_train=8, n_valid=4, side=32)
    run = run_here(cache=tmp_path / "cache")
    seen = zoo.vision.train(folder, model="timm/test_efficientnet", size=32, run=run, **HOW)
    photo = next((folder / "train").rglob("*.png"))
    evidence = seen.explain(photo).alike
    assert evidence is not None
    assert (evidence["photo"].iloc[0], evidence["label"].iloc[0]) == (photo.name, photo.parent.name)


def test_other_tensors_are_refused() -> None:
    some = Examples.of(np.eye(3, dtype=np.float32), {"text": ["a", "é", "c"], "label": [1, 2, 3]})
    again = Examples.from_tensors(some.tensors())
    assert again.alike(np.eye(3, dtype=np.float32)[1], 1).iloc[0].tolist() == ["é", "2", 1.0]
    for other in ({"vectors": torch.eye(2)}, {"columns": torch.zeros(3)}):
        with pytest.raises(ValueError, match=r"must be a finite vector|they lack|line 1"):
            Examples.from_tensors({**some.tensors(), **other})
    with pytest.raises(ValueError, match="they lack"):
        Examples.from_tensors({"vectors": torch.eye(2)})
