"""Ratings to predict: the folds of MovieLens-100k, few ratings of it, FilmTrust. RMSE."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

import pandas as pd

from benchmarks.arena.scoring import Problem
from benchmarks.arena.sets.archives import folder
from benchmarks.arena.sets.parts import FOLDS
from benchmarks.arena.task import Task
from zoo.collab.data.ratings import split
from zoo.published import movielens

FEW: Final = (100, 500, 2_000, 10_000)  # ratings
TESTED: Final = 20_000  # ratings, where few are trained on
TEST: Final = 0.2


def filmtrust() -> pd.DataFrame:
    """All ratings; of three pairs that occur twice the last."""
    frame = pd.read_csv(folder("rec-filmtrust") / "ratings.csv")
    return frame.drop_duplicates(["user", "item"], keep="last", ignore_index=True)


def problem(name: str, train: pd.DataFrame, test: pd.DataFrame, seed: int) -> Problem:
    """Two parts as a problem."""
    train, test = (
        part.reset_index(drop=True).assign(rating=part["rating"].astype(float).to_numpy())
        for part in (train, test)
    )
    inputs = test[["user", "item"]]
    task = Task(name, "stars", "rmse", "rating", train, inputs, seed)
    return Problem(task, test["rating"].to_numpy())


def movielens_fold(seed: int) -> Problem:
    """The published fold u1 .. u5 of the seed's number."""
    name = f"u{seed % FOLDS + 1}"
    base, test = (movielens.ratings(f"{name}.{part}") for part in ("base", "test"))
    return problem("ml-100k-stars", base, test, seed)


def few_of_movielens(n: int, seed: int) -> Problem:
    """So many ratings of MovieLens-100k, drawn by the seed; 20,000 others to test on."""
    frame = movielens.ratings().sample(n + TESTED, random_state=seed)
    return problem(f"ml-100k-stars@{n}", frame[:n], frame[n:], seed)


def filmtrust_fold(seed: int) -> Problem:
    """A fifth of FilmTrust, drawn by the seed."""
    return problem("filmtrust-stars", *split(filmtrust(), "random", TEST, seed), seed)


SETS: Final[dict[str, Callable[[int], Problem]]] = {
    "ml-100k-stars": movielens_fold,
    **{f"ml-100k-stars@{n}": partial(few_of_movielens, n) for n in FEW},
    "filmtrust-stars": filmtrust_fold,
}
