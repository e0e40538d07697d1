"""The library's calls for ratings: stars to predict, and lists."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

import zoo.collab
from benchmarks.arena.task import LENGTH, NOBODY, Answer, Task
from zoo.core.run import Run


def stars(task: Task) -> Answer:
    """Train with nothing set; predict the ratings."""
    return np.asarray(_trained(task).predict(task.inputs), float)


def svdpp(task: Task) -> Answer:
    """The better model of ratings by its name."""
    return np.asarray(_trained(task, model="svdpp").predict(task.inputs), float)


def lists(task: Task, **options: Any) -> Answer:
    """Train with nothing set, unless the caller sets options; recommend."""
    return _lists(_trained(task, **options), task)


def softmax(task: Task) -> Answer:
    """The model of choices by its name."""
    return _lists(_trained(task, model="softmax"), task)


def sasrec(task: Task) -> Answer:
    """The model of logs in order by its name."""
    return _lists(_trained(task, model="sasrec"), task)


def _trained(task: Task, **options: Any) -> Any:
    run = Run(seed=task.seed, progress=False)
    return zoo.collab.train(task.train, run=run, **options)


def _lists(model: Any, task: Task) -> Answer:
    """Lists of all users, in their order; short ones are filled up.

    A user whom the model does not know, since all of the choices were held out, gets none.
    """
    users = pd.Index(task.inputs["user"])
    known = users[users.isin(model.spec.users)]
    table = model.recommend(known.tolist(), min(LENGTH, len(model.spec.items)))
    answer = np.full((len(users), LENGTH), NOBODY)
    place = table.groupby("user").cumcount()
    answer[users.get_indexer(table["user"]), place] = table["item"]
    return answer
