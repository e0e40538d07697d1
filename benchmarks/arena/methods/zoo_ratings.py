"""The library's calls for ratings: stars to predict, and lists."""

from __future__ import annotations

from typing import Any

import numpy as np

import zoo.collab
from benchmarks.arena.task import LENGTH, NOBODY, Answer, Task
from zoo.core.run import Run


def stars(task: Task) -> Answer:
    """Train with nothing set; predict the ratings."""
    return np.asarray(_trained(task).predict(task.inputs), float)


def svdpp(task: Task) -> Answer:
    """The better model of ratings by its name."""
    return np.asarray(_trained(task, model="svdpp").predict(task.inputs), float)


def lists(task: Task) -> Answer:
    """Train with nothing set; recommend."""
    return _lists(_trained(task), task)


def softmax(task: Task) -> Answer:
    """The model of choices by its name."""
    return _lists(_trained(task, model="softmax"), task)


def _trained(task: Task, **options: Any) -> Any:
    run = Run(seed=task.seed, progress=False)
    return zoo.collab.train(task.train, run=run, **options)


def _lists(model: Any, task: Task) -> Answer:
    """Lists of all users, in their order; short ones are filled up."""
    users = task.inputs["user"]
    table = model.recommend(users.tolist(), min(LENGTH, task.train["item"].nunique()))
    place = table.groupby("user").cumcount()
    answer = np.full((len(users), LENGTH), NOBODY)
    row_of = dict(zip(users, range(len(users)), strict=True))
    answer[table["user"].map(row_of), place] = table["item"]
    return answer
