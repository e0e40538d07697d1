from __future__ import annotations

import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from zoo.core.predictions import (
    Estimate,
    Interval,
    Labels,
    Prediction,
    PredictionSet,
    Unknown,
    record_of,
)
from zoo.core.trust.cloud import Cloud
from zoo.core.trust.conformal import Ranks
from zoo.core.trust.unknown import Familiar, marked


def test_ordinary_inputs_are_called_unknown_as_often_as_stated() -> None:
    alarms = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        known = Familiar({}, Ranks.of(rng.exponential(size=99)))
        alarms.append((rng.exponential(size=200) > known.limit(0.1)).mean())
    assert np.mean(alarms) == pytest.approx(0.1, abs=0.01)
    few = Familiar({}, Ranks.of(np.arange(1.0, 40.0)))
    assert few.limit(True) == pytest.approx(39, rel=1e-4)  # one in forty is the least it can tell
    with pytest.raises(ValueError, match=r"39 held-out rows can tell, got unknown=0.001. Try 0.02"):
        few.limit(0.001)
    for rate in (0, 1.0, -1, 7, None, "5"):
        with pytest.raises(ValueError, match=rf"above 0 and below 1, got unknown={rate}"):
            few.limit(rate)  # type: ignore[arg-type]


def test_distances_are_mahalanobis_with_the_covariance_that_is_stored() -> None:
    rng = np.random.default_rng(0)
    rows = (rng.normal(size=(400, 12)) * np.geomspace(1, 0.05, 12) + 1).astype(np.float32)
    cloud = Cloud.of(rows)
    d, k = 12, len(cloud.variances)
    assert k == 11
    across = np.eye(d) - cloud.directions.T @ cloud.directions
    covariance = (cloud.directions.T * cloud.variances) @ cloud.directions + cloud.rest * across
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    assert np.allclose(covariance, np.cov(unit.T, bias=True), atol=1e-6)  # only one is left out
    off = unit - unit.mean(0)
    by_hand = (off @ np.linalg.inv(covariance) * off).sum(1) / d
    assert np.allclose(cloud.distances(rows), by_hand, rtol=1e-4)
    stored = Cloud.from_tensors(cloud.tensors())
    assert np.allclose(stored.distances(rows), by_hand, rtol=0.05)
    assert (cloud.distances(-rows) > cloud.distances(rows).max()).all()


def test_every_kind_of_prediction_says_what_is_unknown() -> None:
    verdict = Unknown(True, 3.0, "column 'age': 4100")
    plain: list[Any] = [
        Prediction.of(["cat", "dog"], [0.2, 0.8]),
        PredictionSet.within(["cat", "dog"], [0.2, 0.8], [True, True]),
        Labels.of(["cat", "dog"], [0.2, 0.8]),
        Interval(2.0, 1.0, 3.0),
        2.0,
    ]
    answers = marked(plain, [verdict] * 5)
    for before, one in zip(plain, answers, strict=True):
        assert one.unknown
        assert repr(one).startswith(repr(before)[:-1]) or isinstance(one, Estimate)
        assert "4100" in repr(one)
        assert "unknown" not in repr(before)
        facts = record_of(one)
        assert (facts["unknown"], facts["reason"]) == (True, verdict.reason)
        again = pickle.loads(pickle.dumps(one))
        assert (again == one, again.unknown) == (True, verdict)
    assert not marked([2.0], [replace(verdict, is_unknown=False)])[0].unknown


def test_what_is_stored_is_read_again_or_refused() -> None:
    known = Familiar({"mean": torch.zeros(3)}, Ranks.of(np.arange(1.0, 9.0)))
    again = Familiar.from_tensors(known.tensors())
    assert again.limit(0.25) == pytest.approx(known.limit(0.25))
    for name in ("held_out", "n"):
        tensors = {k: v for k, v in known.tensors().items() if k != name}
        with pytest.raises(ValueError, match="they lack"):
            Familiar.from_tensors(tensors)
    with pytest.raises(ValueError, match="finite"):
        Familiar.from_tensors({**known.tensors(), "mean": torch.tensor([torch.nan])})
