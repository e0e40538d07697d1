"""Parts of a set without a common row: drawn by the seed, or as its authors drew them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from zoo.core.split import held_out

TEST: Final = 0.2  # of rows, where no split is published
FOLDS: Final = 5

Parts = tuple[pd.DataFrame, pd.DataFrame]
"""Rows to train on, rows to test on."""


def contents(frame: pd.DataFrame, columns: Sequence[str] | None = None) -> pd.Series:
    """A number for each row that rows of equal contents share; letters' case does not count."""
    chosen = frame[list(columns)] if columns else frame
    texts = chosen.select_dtypes(exclude=["number", "bool"]).columns
    plain = chosen.assign(**{name: chosen[name].astype(str).str.lower() for name in texts})
    return pd.util.hash_pandas_object(plain, index=False)


def drawn(
    frame: pd.DataFrame, seed: int, columns: Sequence[str], strata: str | None = None
) -> Parts:
    """A fifth at random to test on; rows whose columns are equal lie on one side.

    Args:
        frame: all rows.
        seed: the draw is a function of it.
        columns: what makes two rows copies of one another: the inputs.
        strata: the column of the classes, each of which gives its fifth.
    """
    classes = None if strata is None else frame[strata].tolist()
    groups = contents(frame, columns).to_numpy()
    train, test = held_out(len(frame), TEST, seed, groups=groups, strata=classes)
    return frame.iloc[train], frame.iloc[test]


def divided(train: pd.DataFrame, test: pd.DataFrame, columns: Sequence[str]) -> Parts:
    """Parts that their authors drew; training rows that are copies of test rows are left out."""
    copies = contents(train, columns).isin(contents(test, columns))
    return train[~copies], test


def folds(frame: pd.DataFrame, seed: int, columns: Sequence[str]) -> Parts:
    """The fold of the seed's number to test on, by the column `fold`; the others to train on."""
    is_test = frame["fold"].astype(int) == seed % FOLDS
    rest = frame.drop(columns="fold")
    return divided(rest[~is_test], rest[is_test], columns)


def labelled(parts: Parts, n: int, seed: int, target: str) -> Parts:
    """So many training rows, each class with its share; all if there are no more."""
    train, test = parts
    if n >= len(train):
        return parts
    rows = np.arange(len(train))
    kept, _ = train_test_split(rows, train_size=n, stratify=train[target], random_state=seed)
    return train.iloc[np.sort(kept)], test
