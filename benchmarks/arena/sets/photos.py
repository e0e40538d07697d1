"""Photos: those of `zoo.data`, and the archives `img-...`; each row is a file and its class.

Training photos whose bytes are those of a test photo are left out. Where groups are known (the hand
of one person, the lungs of one patient), the fold of the seed's number is the test part, and no
group is on both sides. The score is accuracy.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import pandas as pd

from benchmarks.arena.scoring import Problem
from benchmarks.arena.sets.archives import folder
from benchmarks.arena.sets.parts import Parts, divided, drawn, folds, labelled
from benchmarks.arena.task import Task
from zoo.data.fetch import get

INPUTS: Final = ["contents"]
FEW: Final = (1_000, 2_000)  # photos of CIFAR-10 to train and to test on


def photos(at: Path) -> pd.DataFrame:
    """The photos under folders that are called as their classes, with a digest of each."""
    paths = sorted(at.glob("*/*.jpg"))
    return pd.DataFrame(
        {
            "path": [str(path) for path in paths],
            "label": [path.parent.name for path in paths],
            "contents": [hashlib.blake2b(path.read_bytes()).hexdigest() for path in paths],
        }
    )


def official(where: Callable[[], Path], train: Sequence[str], test: str, seed: int) -> Parts:
    """Folders as their authors divided them; parts to validate on are trained on too."""
    at = where()
    return divided(pd.concat([photos(at / part) for part in train]), photos(at / test), INPUTS)


def in_groups(name: str, seed: int) -> Parts:
    """The fold of the seed's number by `groups.csv`."""
    at = folder(f"img-{name}")
    groups = pd.read_csv(at / "groups.csv")
    fold_of = {str(at / file): fold for file, fold in groups[["file", "fold"]].to_numpy()}
    frame = photos(at / "all")
    return folds(frame.assign(fold=frame["path"].map(fold_of)), seed, INPUTS)


def flowers(seed: int) -> Parts:
    """A fifth, drawn by the seed."""
    return drawn(photos(get("flowers-128")), seed, INPUTS, "label")


def cifar10(seed: int) -> Parts:
    """A hundred photos of each class, two hundred to test on, drawn by the seed."""
    n, m = FEW
    train, test = official(lambda: get("cifar10-jpg"), ["train"], "test", seed)
    chosen, _ = labelled((test, train), m, seed, "label")
    return labelled((train, chosen), n, seed, "label")


def problem(name: str, divide: Callable[[int], Parts], seed: int) -> Problem:
    """Two parts as a problem."""
    train, test = (part.drop(columns="contents").reset_index(drop=True) for part in divide(seed))
    task = Task(name, "photos", "accuracy", "label", train, test[["path"]], seed)
    return Problem(task, test["label"].to_numpy(str))


DIVIDED: Final[dict[str, Callable[[int], Parts]]] = {
    "ants_bees": partial(official, partial(get, "hymenoptera"), ["train"], "val"),
    "dogs_cats": partial(official, partial(get, "dogscats-160"), ["train"], "valid"),
    "flowers": flowers,
    "clothing": partial(official, partial(folder, "img-clothing"), ["train", "valid"], "test"),
    "sign_digits": partial(in_groups, "sign_digits"),
    "chest_xray": partial(in_groups, "chest_xray"),
    "rice_seed": partial(official, partial(folder, "img-rice_seed"), ["train"], "test"),
    "cifar10@1000": cifar10,
}
SETS: Final[dict[str, Callable[[int], Problem]]] = {
    name: partial(problem, name, divide) for name, divide in DIVIDED.items()
}
