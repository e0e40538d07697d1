"""Texts: sentences of Rotten Tomatoes, reviews of IMDB, and the archives `text-...`.

A name with a number, such as "snips@100", is the same set with so many labelled texts, drawn by the
seed, each class with its share. Training texts that stand in the test part too are left out. The
score is accuracy.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import pandas as pd

from benchmarks.arena.scoring import Problem
from benchmarks.arena.sets.archives import folder
from benchmarks.arena.sets.parts import Parts, divided, drawn, folds, labelled
from benchmarks.arena.task import Task
from scripts.lib import imdb
from zoo.published.rotten_tomatoes import sentences

COLUMNS: Final = ["text", "label"]
INPUTS: Final = ["text"]
FEW: Final = (100, 500, 2_000)  # labelled texts

IN_FILES: Final = {  # name -> folder of train.jsonl, valid.jsonl and test.jsonl
    "sst2": ("text-sst", "sst2"),
    "sst5": ("text-sst", "sst5"),
    "r8": ("text-r8", ""),
    "snips": ("text-snips", ""),
    "fine_foods": ("text-fine_foods", ""),
    "tweet_irony": ("text-tweeteval", "irony"),
    "tweet_emotion": ("text-tweeteval", "emotion"),
    "tweet_hate": ("text-tweeteval", "hate"),
    "tweet_offensive": ("text-tweeteval", "offensive"),
    **{
        f"tweet_stance_{about}": ("text-tweeteval", f"stance_{about}")
        for about in ("abortion", "atheism", "climate", "feminist", "hillary")
    },
    "clinc150": ("text-clinc150", ""),
    "atis": ("text-atis", ""),
}
IN_FOLDS: Final = ("mpqa", "stackoverflow20", "bbc_news", "sms_spam", "ag_news_test")
WITH_FEW_LABELS: Final = (
    *("sst2", "mpqa", "r8", "stackoverflow20"),
    *("snips", "fine_foods", "tweet_irony", "rotten_tomatoes"),
)


def in_files(name: str, seed: int) -> Parts:
    """The official parts; a part to validate on is trained on too, for methods that want none."""
    archive, room = IN_FILES[name]
    at = folder(archive) / room
    train = [_lines(path) for part in ("train", "valid") if (path := at / f"{part}.jsonl").exists()]
    return divided(pd.concat(train), _lines(at / "test.jsonl"), INPUTS)


def in_folds(name: str, seed: int) -> Parts:
    """The fold of the seed's number."""
    return folds(_lines(folder(f"text-{name}") / "all.jsonl", "fold"), seed, INPUTS)


def rotten_tomatoes(seed: int) -> Parts:
    """A fifth of the sentences, drawn by the seed."""
    frame = pd.DataFrame(sentences()._asdict()).set_axis(COLUMNS, axis=1)
    return drawn(frame, seed, INPUTS, "label")


def imdb_files(seed: int) -> Parts:
    """The official parts."""
    train, test = (
        pd.DataFrame(imdb.reviews(part)._asdict()).set_axis(COLUMNS, axis=1)
        for part in ("train", "test")
    )
    return divided(train, test, INPUTS)


WHOLE: Final[dict[str, Callable[[int], Parts]]] = {
    **{name: partial(in_files, name) for name in IN_FILES},
    **{name: partial(in_folds, name) for name in IN_FOLDS},
    "rotten_tomatoes": rotten_tomatoes,
    "imdb": imdb_files,
}


def problem(name: str, seed: int, n: int | None = None) -> Problem:
    """A set as a problem, with all its labels or so many."""
    parts = WHOLE[name](seed)
    if n is not None:
        parts = labelled(parts, n, seed, "label")
        name = f"{name}@{n}"
    train, test = (
        part.reset_index(drop=True).assign(label=part["label"].astype(str).to_numpy())
        for part in parts
    )
    task = Task(name, "texts", "accuracy", "label", train, test[INPUTS], seed)
    return Problem(task, test["label"].to_numpy(str))


def _lines(path: Path, *further: str) -> pd.DataFrame:
    """The texts of a file with a JSON object per line; empty ones are left out."""
    frame = pd.read_json(path, lines=True, dtype=False)[[*COLUMNS, *further]]
    return frame[frame["text"].str.strip() != ""]


SETS: Final[dict[str, Callable[[int], Problem]]] = {
    **{name: partial(problem, name) for name in WHOLE},
    **{f"{name}@{n}": partial(problem, name, n=n) for name in WITH_FEW_LABELS for n in FEW},
}
