"""What one would try first on ratings: biases, popularity and EASE, in numpy and scipy."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import linalg, sparse

from benchmarks.arena.task import LENGTH, NOBODY, Answer, Task

SHRUNK_BY, ROUNDS = 5.0, 10  # ratings of nobody at the mean; chosen on parts of training parts
MOST, PENALTY = 5_000, 500.0  # items of EASE; lambda (Steck 2019)


def biases(task: Task) -> Answer:
    """The mean, and how far item and user are above it, shrunk where they have few ratings.

    Least squares with a penalty, by turns for items and users (Koren 2010, sec. 2.1).
    """
    train, mean = task.train, task.train["rating"].mean()
    bias = {"item": pd.Series(dtype=float), "user": pd.Series(dtype=float)}
    for _ in range(ROUNDS):
        for side, other in (("item", "user"), ("user", "item")):
            rest = train["rating"] - mean - train[other].map(bias[other]).fillna(0.0)
            grouped = rest.groupby(train[side])
            bias[side] = grouped.sum() / (grouped.size() + SHRUNK_BY)
    above = [task.inputs[side].map(own).fillna(0.0).to_numpy() for side, own in bias.items()]
    return (mean + sum(above)).clip(train["rating"].min(), train["rating"].max())


def popular(task: Task) -> Answer:
    """The items that most users chose."""
    chosen, items = _chosen(task)
    counts = np.asarray(chosen.sum(0)).ravel()
    return _best(task, chosen, items, lambda rows: np.tile(counts, (rows.shape[0], 1)))


def ease(task: Task, kept: int | None = None) -> Answer:
    """EASE: the item-item matrix that restores choices best, without a diagonal (Steck 2019).

    Args:
        task: the task.
        kept: number of weights of each chosen item, the largest; None keeps all.
    """
    chosen, items = _chosen(task, MOST)
    gram = (chosen.T @ chosen).toarray()
    gram[np.diag_indices_from(gram)] += PENALTY
    inverse = linalg.inv(gram, overwrite_a=True)
    weights = inverse / -np.diag(inverse)
    np.fill_diagonal(weights, 0.0)
    if kept is not None and kept < len(weights):
        least = -np.partition(-abs(weights), kept - 1, axis=1)[:, kept - 1 : kept]
        weights[abs(weights) < least] = 0.0
    return _best(task, chosen, items, lambda rows: rows @ weights)


def _chosen(task: Task, most: int | None = None) -> tuple[sparse.csr_matrix, NDArray[np.int64]]:
    """Who chose what, a row for each user of `inputs` and then the others; the items by column."""
    counts = task.train["item"].value_counts()
    items = np.sort(counts.index[:most].to_numpy())
    pairs = task.train[task.train["item"].isin(items)]
    users = pd.Index(task.inputs["user"]).append(pd.Index(task.train["user"].unique())).unique()
    rows, columns = users.get_indexer(pairs["user"]), np.searchsorted(items, pairs["item"])
    shape = (len(users), len(items))
    return sparse.csr_matrix((np.ones(len(pairs)), (rows, columns)), shape), items


def _best(
    task: Task, chosen: sparse.csr_matrix, items: NDArray[np.int64], scores: object
) -> Answer:
    """The ten best items of each user in `inputs` that the user has not chosen."""
    n, k = len(task.inputs), min(LENGTH, len(items))
    answer = np.full((n, LENGTH), NOBODY)
    for start in range(0, n, 1_024):
        own = chosen[start : min(start + 1_024, n)]
        values = np.asarray(scores(own), dtype=float)  # type: ignore[operator]
        values[own.nonzero()] = -np.inf
        best = np.argsort(-values, axis=1, kind="stable")[:, :k]
        has_more = np.isfinite(np.take_along_axis(values, best, 1))
        answer[start : start + len(best), :k] = np.where(has_more, items[best], NOBODY)
    return answer
