"""How good an answer is, by the metric of its set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score, root_mean_squared_error

from benchmarks.arena.task import LENGTH, Answer, Task

IS_LOSS: Final = ("rmse",)


@dataclass(frozen=True)
class Problem:
    """A task and its truth.

    Attributes:
        task: what a method is given.
        truth: the targets of `task.inputs`; for lists a table of `user` and `item`, one row per
            item to find.
    """

    task: Task
    truth: NDArray[np.generic] | pd.DataFrame


def score(problem: Problem, answer: Answer) -> float:
    """The score of an answer by the task's metric.

    Raises:
        ValueError: the answer has another shape, or numbers that are not finite.
    """
    task, truth = problem.task, problem.truth
    wide = (LENGTH,) if isinstance(truth, pd.DataFrame) else (len(task.classes),) * task.has_classes
    if answer.shape != (len(task.inputs), *wide) or not np.isfinite(answer).all():
        raise ValueError(
            f"an answer must be finite numbers of shape {(len(task.inputs), *wide)}, got shape "
            f"{answer.shape}, {int((~np.isfinite(answer)).sum())} of them not finite."
        )
    if isinstance(truth, pd.DataFrame):
        return ndcg(answer, task.inputs["user"].to_numpy(), truth)
    if task.metric == "accuracy":
        return float((np.array(task.classes)[answer.argmax(1)] == truth.astype(str)).mean())
    if task.metric == "auc":
        return float(roc_auc_score(truth == task.classes[1], answer[:, 1] - answer[:, 0]))
    return float(root_mean_squared_error(truth.astype(float), answer))


def ndcg(lists: Answer, users: NDArray[np.generic], truth: pd.DataFrame) -> float:
    """The mean nDCG of lists, with gains of 0 or 1; users without an item to find do not count.

    Args:
        lists: items of each user, best first, each at most once. Shape: (n, k)
        users: whose lists they are. Shape: (n,)
        truth: columns `user` and `item`, one row per item to find.

    >>> truth = pd.DataFrame({"user": [7, 7], "item": [1, 2]})
    >>> ndcg(np.array([[1, 5, 2]]), np.array([7]), truth).__round__(4)
    0.9197
    """
    n, k = lists.shape
    discounts = 1 / np.log2(np.arange(2, k + 2))
    shown = pd.DataFrame({"user": np.repeat(users, k), "item": lists.ravel()})
    shown["gain"] = np.tile(discounts, n)
    gains = shown.drop_duplicates(["user", "item"]).merge(truth, on=["user", "item"])
    wanted = truth.groupby("user").size()
    best = pd.Series(discounts.cumsum()[np.minimum(wanted, k) - 1], wanted.index)
    sums = gains.groupby("user")["gain"].sum().reindex(best.index, fill_value=0.0)
    return float((sums / best).mean())
