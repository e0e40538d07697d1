"""Ratings that a factor model can learn, made by one; and models trained on them in a second."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import torch

import zoo
from tests.helpers.device import run_here
from zoo.collab import Recommender
from zoo.collab.data.rated_items import pair_keys
from zoo.collab.task import is_computed

RUN = run_here()
N_USERS, N_ITEMS = 60, 40


def ratings(seed: int = 0, share: float = 0.5) -> pd.DataFrame:
    """Ratings in 1..5 of taste in two kinds of films; half the cells are rated."""
    rng = np.random.default_rng(seed)
    taste, kind = rng.normal(size=(N_USERS, 2)), rng.normal(size=(N_ITEMS, 2))
    liked = 3 + taste @ kind.T + 0.5 * rng.normal(size=N_ITEMS)
    users, items = np.nonzero(rng.random((N_USERS, N_ITEMS)) < share)
    noisy = liked[users, items] + 0.1 * rng.normal(size=len(users))
    return pd.DataFrame(
        {
            "user": [f"u{number:02}" for number in users],
            "item": items * 10,  # ids are no rows
            "rating": np.clip(noisy.round(1), 1, 5),
            "time": rng.permutation(len(users)),
        }
    )


def held_out_of(model: Recommender) -> pd.DataFrame:
    """The ratings that a model trained on `ratings()` was validated on."""
    table = ratings()
    users, items = model.spec.user_rows(table["user"]), model.spec.item_rows(table["item"])
    rated_items = set(model.rated_items.keys().tolist())
    keys = pair_keys(torch.from_numpy(users), torch.from_numpy(items)).tolist()
    return table[[key not in rated_items for key in keys]]


def train(model: str = "dot_bias", data: pd.DataFrame | None = None, **options: Any) -> Recommender:
    """A network alone, of few factors and epochs, measured and not trained anew.

    A model of lists stands beside it, or in its place, if it is asked for.
    """
    settings: dict[str, Any] = {"epochs": 8, "lr": 2e-2, "n_factors": 8, "batch_size": 64}
    settings = {} if is_computed(model) else settings | {"lists": "none"}
    settings |= {"run": RUN, "rivals": False, "refit": False}
    return zoo.collab.train(
        ratings() if data is None else data,
        model=model,  # type: ignore[arg-type]
        **settings | options,
    )
