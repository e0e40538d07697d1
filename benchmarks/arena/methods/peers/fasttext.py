"""fastText's supervised classifier, with the settings that its tutorial arrives at."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import fasttext
import numpy as np

from benchmarks.arena.task import Answer, Task

PREFIX = "__label__"
EPOCHS, RATE, WORDS = 25, 1.0, 2
THREADS = 1  # the same seed gives the same weights


def network(task: Task) -> Answer:
    """Words and pairs of words; classes are numbered."""
    lines = [
        f"{PREFIX}{label} {_line(text)}\n"
        for label, text in zip(task.labels, task.train["text"], strict=True)
    ]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "train.txt"
        file.write_text("".join(lines), encoding="utf-8")
        model = fasttext.train_supervised(
            os.fspath(file),
            epoch=EPOCHS,
            lr=RATE,
            wordNgrams=WORDS,
            thread=THREADS,
            seed=task.seed,
            verbose=0,
        )
    answer = np.zeros((len(task.inputs), len(task.classes)))
    for row, text in enumerate(task.inputs["text"]):
        labels, shares = model.predict(_line(text), k=-1)
        answer[row, [int(label.removeprefix(PREFIX)) for label in labels]] = shares
    return answer


def _line(text: str) -> str:
    return " ".join(text.lower().split())
