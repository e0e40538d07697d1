"""One task of the arena, as files that every environment reads alike.

A method gets a `Task`: what to learn from, what to answer for, no truth. Tables travel as CSV with
the kind of each column beside it, so that releases of pandas and numpy on both sides may differ.
This file imports nothing of the library: it also runs in the environment of the peers.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, Protocol, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Domain = Literal["tables", "texts", "photos", "stars", "lists"]
Metric = Literal["accuracy", "auc", "rmse", "ndcg@10"]
DOMAINS: Final[tuple[Domain, ...]] = ("tables", "texts", "photos", "stars", "lists")
LENGTH: Final = 10  # of a list
NOBODY: Final = -1  # fills up a list that is too short

KINDS: Final = {"i": "int64", "u": "int64", "f": "float64", "b": "bool"}
"""Types of columns by numpy's letter; every other is text."""


@dataclass(frozen=True)
class Task:
    """What a method is given.

    Attributes:
        name: name of the set.
        domain: "tables"; "texts" (column `text`); "photos" (column `path`); "stars" (ratings to
            predict: `user`, `item`); "lists" (ten items for each `user`).
        metric: "accuracy" and "auc" of classes, "rmse" of numbers, "ndcg@10" of lists.
        target: column of `train` that is to be predicted: text for classes, else a number; that of
            lists is `item`.
        train: rows to learn from.
        inputs: rows to answer for, without the target.
        seed: number of the trial.
        budget: seconds on two cores.
    """

    name: str
    domain: Domain
    metric: Metric
    target: str
    train: pd.DataFrame
    inputs: pd.DataFrame
    seed: int = 0
    budget: float = 10.0

    @property
    def has_classes(self) -> bool:
        """Whether classes are to be predicted."""
        return self.metric in ("accuracy", "auc")

    @property
    def classes(self) -> list[str]:
        """The classes of the training rows, sorted: columns of an answer."""
        return sorted(self.train[self.target].unique().tolist()) if self.has_classes else []

    @property
    def labels(self) -> NDArray[np.int64]:
        """Number of each training row's class. Shape: (n,)"""
        return np.searchsorted(self.classes, self.train[self.target].to_numpy(str))

    @property
    def features(self) -> pd.DataFrame:
        """The training rows without the target."""
        return self.train.drop(columns=self.target)

    def write(self, folder: Path) -> None:
        """Write it into a folder."""
        frames = {"train": self.train, "inputs": self.inputs}
        plain = {key: value for key, value in vars(self).items() if key not in frames}
        for name, frame in frames.items():
            frame.to_csv(folder / f"{name}.csv", index=False)
            plain[name] = {
                column: KINDS.get(frame[column].to_numpy().dtype.kind, "text") for column in frame
            }
        (folder / "task.json").write_text(json.dumps(plain))

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The task that `write` wrote."""
        plain = json.loads((folder / "task.json").read_text())
        for name in ("train", "inputs"):
            plain[name] = _read(folder / f"{name}.csv", plain[name])
        return cls(**plain)


Answer = NDArray[Any]
"""Scores of the classes (n, n_classes), numbers (n,), or items of lists (n, 10), int64."""


class Method(Protocol):
    """Learns from a task and answers for its inputs."""

    def __call__(self, task: Task) -> Answer:
        """Answer for the inputs, in their order."""


def _read(path: Path, kinds: dict[str, str]) -> pd.DataFrame:
    """A table with columns of the stated kinds; an empty cell is a gap.

    Python reads the numbers: what is written comes back to the last bit in every release of pandas.
    """
    frame = pd.read_csv(path, dtype=object, keep_default_na=False, na_values=[""], encoding="utf-8")
    for name, kind in kinds.items():
        if kind == "bool":
            frame[name] = frame[name] == "True"
        elif kind != "text":
            frame[name] = frame[name].astype(kind)
    return frame
