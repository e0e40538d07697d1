"""Small tables with something to learn, quick training: what the tests of the domain share."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import torch

from tests.helpers.device import run_here
from zoo.core.training.learner import Learner
from zoo.tabular.model import TableModel
from zoo.tabular.verbs import learner as make_learner
from zoo.tabular.verbs import train as make_model

RUN = run_here(precision="fp32")
COLOURS = ("blue", "green", "red")


def table(n: int = 400, seed: int = 0) -> pd.DataFrame:
    """Two categories, two numbers (one with gaps), a class and an amount that follow them."""
    rng = np.random.default_rng(seed)
    colour, store = rng.choice(COLOURS, n), rng.integers(1, 9, n)
    age, income = rng.normal(40, 10, n), rng.lognormal(8, 0.5, n)
    score = (colour == "red") + 0.25 * (store % 4) + 0.05 * (age - 40)
    frame = pd.DataFrame({"colour": colour, "store": store, "age": age, "income": income})
    frame["bought"] = np.where(score + rng.normal(0, 0.1, n) > 0.75, "yes", "no")
    frame["amount"] = 100 * np.exp(score + rng.normal(0, 0.05, n))
    frame.loc[rng.random(n) < 0.1, "income"] = np.nan
    return frame


def train(data: Any = None, target: Any = "bought", **more: Any) -> TableModel:
    """A network alone, measured and not trained anew."""
    given = table() if data is None else data
    other = {"bought": "amount", "amount": "bought"}
    settings: dict[str, Any] = {"epochs": 8, "lr": 1e-2, "batch_size": 32, "run": RUN}
    settings |= {"rivals": False, "refit": False}
    settings |= {"ignore": [other[target]]} if data is None and isinstance(target, str) else {}
    return make_model(given, target, **{**settings, **more})


def learner(data: Any = None, target: Any = "bought", **more: Any) -> Learner:
    given = table() if data is None else data
    settings: dict[str, Any] = {"batch_size": 32, "run": RUN, "ignore": ["amount"]}
    return make_learner(given, target, **{**settings, **more})


def weights(model: TableModel) -> dict[str, torch.Tensor]:
    return {name: t.cpu().clone() for name, t in model.members[0].state_dict().items()}


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)
