"""The library's calls for texts."""

from __future__ import annotations

from typing import Any

import numpy as np

import zoo.text
from benchmarks.arena.task import Answer, Task
from zoo.core.run import Run

PRETRAINED = "zoo/lstm-wiki"


def default(task: Task) -> Answer:
    """Fine-tune the language model that ships with the library, with nothing set."""
    return _answer(zoo.text.finetune(PRETRAINED, _pair(task), run=_run(task)), task)


def train(task: Task) -> Answer:
    """Train from random weights, with nothing set."""
    return _answer(zoo.text.train(_pair(task), run=_run(task)), task)


def auto(task: Task) -> Answer:
    """What the library chooses, with nothing set."""
    return _answer(zoo.text.finetune("auto", _pair(task), run=_run(task)), task)


def _run(task: Task) -> Run:
    return Run(seed=task.seed, progress=False)


def _pair(task: Task) -> tuple[list[str], list[str]]:
    return task.train["text"].tolist(), task.train["label"].tolist()


def _answer(model: Any, task: Task) -> Answer:
    said = model.predict(task.inputs["text"].tolist())
    return np.array([[one.probabilities.get(name, 0.0) for name in task.classes] for one in said])
