"""MovieLens-100k as its archive has it: ratings, the published folds, features of both sides."""

from __future__ import annotations

import pandas as pd

import zoo

COLUMNS = ("user", "item", "rating", "time")
GENRES = 19


def ratings(name: str = "u.data") -> pd.DataFrame:
    """All 100,000 ratings, or one file of a fold: `u1.base`, `u1.test` ..."""
    path = zoo.data.get("movielens-100k") / name
    return pd.read_csv(path, sep="\t", names=list(COLUMNS))


def users() -> pd.DataFrame:
    """Age, gender and occupation by user."""
    path = zoo.data.get("movielens-100k") / "u.user"
    table = pd.read_csv(path, sep="|", names=["user", "age", "gender", "occupation", "zip"])
    return table.set_index("user").drop(columns="zip")


def items() -> pd.DataFrame:
    """Year and genres by film."""
    table = _films()
    genres = table.iloc[:, -GENRES:].astype(bool)
    genres.columns = [f"genre {i}" for i in range(GENRES)]
    return genres.assign(year=pd.to_datetime(table[2], format="%d-%b-%Y").dt.year.astype(float))


def titles() -> pd.Series:
    """Titles by film."""
    return _films()[1]


def _films() -> pd.DataFrame:
    path = zoo.data.get("movielens-100k") / "u.item"
    return pd.read_csv(path, sep="|", encoding="latin-1", header=None, index_col=0)
