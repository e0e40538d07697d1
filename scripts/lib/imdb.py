"""The film reviews of IMDB (Maas et al. 2011): 25,000 to train on, 25,000 to test, 50,000 more."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

import zoo.data


class Reviews(NamedTuple):
    """Reviews, and 1 for each that praises."""

    texts: list[str]
    labels: list[int]

    def take(self, n: int, seed: int) -> Reviews:
        """So many at random, as many that praise as that blame; all if there are no more."""
        if n >= len(self.texts):
            return self
        rng, labels = np.random.default_rng(seed), np.array(self.labels)
        rows = np.concatenate(
            [rng.permutation(np.flatnonzero(labels == label))[: n // 2] for label in (0, 1)]
        )
        return Reviews([self.texts[i] for i in rows], labels[rows].tolist())


@cache
def reviews(part: Literal["train", "test"]) -> Reviews:
    """An official part, those that blame first."""
    texts, labels = [], []
    for label, name in enumerate(("neg", "pos")):
        found = list(_each(zoo.data.get("imdb") / part / name))
        texts += found
        labels += [label] * len(found)
    return Reviews(texts, labels)


def without(whole: Reviews, drawn: Reviews) -> Reviews:
    """The reviews that were not drawn."""
    taken = set(drawn.texts)
    rows = [i for i, text in enumerate(whole.texts) if text not in taken]
    return Reviews([whole.texts[i] for i in rows], [whole.labels[i] for i in rows])


def unlabelled(share: float) -> Iterator[str]:
    """This share of the 50,000 further reviews of the training part, spread evenly."""
    taken = 0.0
    for text in _each(zoo.data.get("imdb") / "train" / "unsup"):
        taken += share
        if taken >= 1:
            taken -= 1
            yield text


def _each(folder: Path) -> Iterator[str]:
    for path in sorted(folder.glob("*.txt")):
        yield path.read_text(encoding="utf-8")
