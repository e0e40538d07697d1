"""MovieLens-100k as its archive has it: ratings, the published folds, features of both sides.

A model without users is scored on the test part of fold u1: each user there is placed by that
user's ratings in the base part.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from zoo.data.fetch import get

DATA = "movielens-100k"
COLUMNS = ("user", "item", "rating", "time")
GENRES = 19


def score(model: Any) -> dict[str, float]:
    """RMSE on the test part of u1 by users who are new to the model."""
    return {"rmse": rmse_of_new_users(model, ratings("u1.base"), ratings("u1.test"))}


def rmse_of_new_users(model: Any, base: pd.DataFrame, test: pd.DataFrame) -> float:
    """RMSE of users placed by `fold_in` from the base part; others count as average."""
    ratings_of = dict(iter(base.groupby("user")))
    errors = []
    for user, rows in test.groupby("user"):
        if user in ratings_of:
            rated = ratings_of[user].set_index("item")["rating"].to_dict()
            guess = model.fold_in(rated).predict(list(rows["item"]))
        else:
            guess = model.predict([user] * len(rows), list(rows["item"]))
        errors.append(guess - rows["rating"].to_numpy())
    return float(np.sqrt(np.square(np.concatenate(errors)).mean()))


def ratings(name: str = "u.data") -> pd.DataFrame:
    """All 100,000 ratings, or one file of a fold: `u1.base`, `u1.test` ..."""
    return pd.read_csv(get(DATA) / name, sep="\t", names=list(COLUMNS))


def users() -> pd.DataFrame:
    """Age, gender and occupation by user."""
    names = ["user", "age", "gender", "occupation", "zip"]
    table = pd.read_csv(get(DATA) / "u.user", sep="|", names=names)
    return table.set_index("user").drop(columns="zip")


def items() -> pd.DataFrame:
    """Year and genres by film."""
    table = _films()
    genres = table.iloc[:, -GENRES:].astype(bool)
    genres.columns = pd.Index([f"genre {i}" for i in range(GENRES)])
    return genres.assign(year=pd.to_datetime(table[2], format="%d-%b-%Y").dt.year.astype(float))


def titles() -> pd.Series:
    """Titles by film."""
    return _films()[1]


def _films() -> pd.DataFrame:
    return pd.read_csv(get(DATA) / "u.item", sep="|", encoding="latin-1", header=None, index_col=0)
