from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import zoo
from tests.helpers.device import run_here
from tests.tabular.test_strangeness import table
from zoo.core.trust.examples import Examples

SECRET = "zyxsecretword"


def test_examples_stay_with_their_user_and_are_evidence(tmp_path: Path) -> None:
    frame = table(60).assign(name=lambda t: [f"n{i}" for i in range(len(t))])
    frame.loc[7, "name"] = SECRET
    how = {"valid_fraction": 0.2, "epochs": 1, "rivals": False, "run": run_here(out=tmp_path / "m")}
    model = zoo.tabular.train(frame, "price", categories=["name"], keep_examples=True, **how)  # type: ignore[call-overload]
    loaded = zoo.load(tmp_path / "m")
    for one in (model, loaded):
        evidence = one.explain(frame.iloc[7]).alike
        assert evidence is not None
        assert evidence["name"].iloc[0] == SECRET
        assert evidence["similarity"].iloc[0] == pytest.approx(1, abs=1e-3)
        assert {"size", "price", "similarity"} <= {*evidence}
    published = Path(loaded.push("me/m", hub=tmp_path / "hub"))
    assert not [one for one in published.iterdir() if "examples" in one.name]
    assert zoo.load(published).explain(frame.iloc[7]).alike is None


def test_other_tensors_are_refused() -> None:
    some = Examples.of(np.eye(3, dtype=np.float32), {"text": ["a", "é", "c"], "label": [1, 2, 3]})
    again = Examples.from_tensors(some.tensors())
    assert again.alike(np.eye(3, dtype=np.float32)[1], 1).iloc[0].tolist() == ["é", "2", 1.0]
    for other in ({"vectors": torch.eye(2)}, {"columns": torch.zeros(3)}):
        with pytest.raises(ValueError, match=r"must be a finite vector|they lack|column|JSON|char"):
            Examples.from_tensors({**some.tensors(), **other})
    with pytest.raises(ValueError, match="they lack"):
        Examples.from_tensors({"vectors": torch.eye(2)})
