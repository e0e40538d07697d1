"""A call measured beside biases: folds, blends, all ratings, and where a small table begins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import zoo
from tests.collab.small import RUN, ratings
from zoo.collab import Recommender
from zoo.collab.data.ratings import split
from zoo.collab.rivals import biases
from zoo.core.trust.folds import Fold

FEW: dict[str, Any] = {"epochs": 1, "n_factors": 2, "run": RUN}


def spoilt() -> dict[str, Any]:
    """Settings of a network that is worse than biases."""
    return {"epochs": 3, "lr": 0.3, "n_factors": 30, "batch_size": 16, "run": RUN}


@pytest.fixture(scope="module")
def blended() -> Recommender:
    return zoo.collab.train(noisy(), **spoilt())


def noisy() -> pd.DataFrame:
    """Ratings that only biases tell."""
    table, rng = ratings(), np.random.default_rng(0)
    of_item = rng.normal(0, 0.8, 40)[table["item"] // 10]
    rated = 3 + of_item + rng.normal(0, 0.8, len(table))
    return table.assign(rating=rated.clip(1, 5).round(1))


def test_biases_answer_where_the_network_is_worse(blended: Recommender, tmp_path: Path) -> None:
    assert blended.blend is not None
    table = blended.rivals
    assert table is not None
    assert blended.blend.shares[0] > 0.5
    assert table.loc["popular", "ndcg@10"] > 0  # of the lists, beside those of the stars
    assert table.loc["returned", "rmse"] < table.loc["network", "rmse"]
    assert blended.metrics["rmse"] == pytest.approx(table.loc["returned", "rmse"], rel=1e-5)
    assert blended.training["ratings"] == len(ratings())
    loaded = zoo.load(blended.save(tmp_path / "m"), Recommender, run=RUN)
    assert np.array_equal(loaded.predict(noisy()), blended.predict(noisy()))


def test_every_door_of_a_blend_says_the_same(blended: Recommender) -> None:
    best = blended.recommend("u01", 40, exclude_seen=False, by="rating")
    rated = blended.predict(["u01"] * 40, best["item"].tolist())
    assert np.allclose(best["score"], rated, atol=1e-5)
    assert (np.diff(best["score"]) <= 1e-6).all()
    visitor = blended.fold_in({10: 5.0, 50: 1.0})
    shown = visitor.recommend(5, by="rating")
    assert np.allclose(shown["score"], visitor.predict(shown["item"].tolist()), atol=1e-5)
    partner, network = blended.blend.partners[0], blended.members[0]  # type: ignore[union-attr]
    share = blended.blend.shares[0]  # type: ignore[union-attr]
    spec = blended.spec
    rows = [torch.from_numpy(one) for one in (spec.user_rows(["u01"]), spec.item_rows([50]))]
    by_hand = share * partner(*rows) + (1 - share) * network(*rows)
    assert blended.predict("u01", 50) == pytest.approx(by_hand.item(), abs=1e-5)
    sure = blended.predict(noisy().set_axis(range(7, 7 + len(noisy()))), coverage=0.9)
    assert sure.index[0] == 7  # those of the table
    assert sure["low"].dtype == blended.predict([], [], coverage=0.9)["low"].dtype == np.float64


def test_folds_predict_each_row_of_the_users_table() -> None:
    table = ratings().set_axis(range(5000, 5000 + len(ratings())))
    model = zoo.collab.train(table, folds=3, **FEW)
    guesses = model.out_of_fold
    assert guesses is not None
    assert guesses.index.equals(table.index)
    error = np.sqrt(np.square(guesses["rating"] - table["rating"]).mean())
    assert model.rivals is not None
    returned = model.rivals.loc["returned" if model.blend else "network"]
    assert error == pytest.approx(returned["rmse"], rel=1e-4)


@pytest.mark.parametrize("kind", ["random", "user", "item"])
def test_folds_are_a_partition(kind: Any) -> None:
    parts = [split(ratings(), kind, 0.2, 0, Fold(i, 3))[1] for i in range(3)]
    rows = pd.concat(parts).index
    assert sorted(rows) == list(range(len(ratings())))
    if kind != "random":
        assert (pd.concat([part[kind].value_counts() for part in parts], axis=1).T.std() < 1).all()


def test_a_small_table_is_predicted_as_well_as_by_biases() -> None:
    table = ratings().sample(160, random_state=0)
    learn = zoo.collab.learner(table, valid_fraction=0, run=RUN)
    rows = learn.data.train.inputs  # type: ignore[attr-defined]
    network, rival = learn.model.eval()(*rows), biases(learn.data)(*rows)
    assert abs(network - rival).max() < 0.3
    assert abs(network - rival).mean() < 0.05
