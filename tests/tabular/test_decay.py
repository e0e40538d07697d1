from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import f_oneway
from sklearn.metrics import roc_auc_score

from tests.tabular.small import learner, train
from zoo.tabular.models.decay import MOST, rows_needed, shares_of_chance


def test_the_rows_that_a_category_needs_follow_from_the_f_test() -> None:
    rng = np.random.default_rng(0)
    codes = np.repeat(np.arange(1, 6), 20).astype(np.int32)
    y = rng.normal(size=(100, 1)) + codes[:, None] / 2
    f = f_oneway(*[y[codes == code, 0] for code in range(1, 6)]).statistic
    n = np.bincount(codes)
    assert rows_needed(codes, n, y) == pytest.approx(20 / (f - 1))
    classes = rng.integers(0, 3, 100)
    needed = rows_needed(codes, n, np.eye(3)[classes])
    assert rows_needed(codes, n, classes) == pytest.approx(needed)
    assert rows_needed(codes, n, np.ones((100, 1))) == np.inf
    shares = shares_of_chance(codes[:, None], [6], np.tile([0, 1], 50))
    assert shares.tolist() == pytest.approx([1.0] + [MOST / (20 + MOST)] * 5)


def ids_without_sense(n: int = 1500) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    x = rng.normal(size=n)
    y = rng.random(n) < 1 / (1 + np.exp(-2 * x))
    return pd.DataFrame({"x": x, "id": rng.integers(0, 150, n).astype(str), "y": y})


def test_an_id_that_tells_nothing_is_not_learnt_by_heart() -> None:
    frame, is_valid = ids_without_sense(), np.arange(1500) >= 1000
    aucs, quick = [], {"epochs": 6, "batch_size": 64, "layers": (32,)}
    for columns, decay in ((["x", "y"], 100.0), (["x", "id", "y"], 100.0), (["x", "id", "y"], 0.0)):
        model = train(frame[columns], "y", valid=is_valid, category_decay=decay, **quick)
        shares = model.probabilities(frame[is_valid])[True]
        aucs.append(roc_auc_score(frame["y"][is_valid], shares))
    without, drawn_back, free = aucs
    assert drawn_back > without - 0.01
    assert free < without - 0.02


def test_a_column_that_tells_much_keeps_its_vectors() -> None:
    frame = ids_without_sense()
    frame["y"] = frame["id"].astype(int) % 2 == 1
    lengths = [
        train(frame, "y", epochs=3, category_decay=decay).embeddings("id").pow(2).to_numpy().mean()
        for decay in (0.0, 100.0)
    ]
    assert lengths[1] > 0.5 * lengths[0]


def test_frozen_vectors_stay() -> None:
    learn = learner(ids_without_sense(), "y", ignore=[])
    learn.fit(1, 1e-2)
    embeddings: Any = learn.model.embeddings
    before = embeddings.table(0)[1:].clone()  # row 0 is made anew
    learn.freeze()
    learn.fit(1, 1e-2)
    assert torch.equal(embeddings.table(0)[1:], before)
