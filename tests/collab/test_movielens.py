"""Real ratings: does it still score? Too good fails as well, since that would be a leak."""

from __future__ import annotations

from typing import Any

import pytest

import zoo
from tests.helpers.device import run_here
from zoo.collab import Recommender
from zoo.collab.data.ratings import split
from zoo.published import movielens


@pytest.fixture(scope="module", autouse=True)
def at_hand() -> None:
    row = next(row for row in zoo.data.available() if row.name == "movielens-100k")
    if row.at_hand not in ("cached", "mirror"):
        pytest.skip("needs MovieLens-100k: zoo data get movielens-100k")


@pytest.fixture(scope="module")
def model(at_hand: None) -> Recommender:
    """The default model of ratings on the training part of the first published fold."""
    return zoo.collab.train(
        movielens.ratings("u1.base"),
        valid=movielens.ratings("u1.test"),
        titles=movielens.titles(),
        lists="none",
        run=run_here(),
    )


def test_ratings_of_the_first_fold(model: Recommender) -> None:
    low, high = 0.905, 0.93
    assert low < model.metrics["rmse"] < high


def test_sequels_are_similar(model: Recommender) -> None:
    """Star Wars (50) has two sequels: 172 and 181."""
    near = model.similar(50, 10)
    assert {172, 181} & set(near["item"])
    assert near["title"].str.contains("1977|1980|1981|1983").any()


def test_good_films_have_high_biases(model: Recommender) -> None:
    best = model.biases()["title"].head(15).str.cat()
    assert any(film in best for film in ("Schindler", "Shawshank", "Wallace & Gromit"))


@pytest.mark.parametrize(
    ("settings", "low", "high"),
    [
        ({"model": "ease"}, 0.46, 0.5),
        pytest.param(  # all 16 epochs score .476
            {"model": "softmax", "epochs": 1, "batch_size": 256}, 0.36, 0.48, marks=pytest.mark.slow
        ),
    ],
)
def test_lists_find_what_was_chosen(settings: dict[str, Any], low: float, high: float) -> None:
    base, test = split(movielens.ratings(), "item", 0.25, seed=100)
    model = zoo.collab.train(base, valid=test, run=run_here(), **settings)
    assert low < model.metrics["ndcg@10"] < high  # what is most popular scores .25
