"""The sentences of Rotten Tomatoes (Pang & Lee 2005) with seeded divisions."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from zoo.data.fetch import get

DATA = "rotten-tomatoes"


class Part(NamedTuple):
    """Sentences, and 1 for each that praises."""

    texts: list[str]
    labels: list[int]


def sentences() -> Part:
    """All 10,662, those that blame first."""
    folder = get(DATA)
    texts, labels = [], []
    for label, name in enumerate(("neg", "pos")):
        lines = (folder / f"rt-polarity.{name}").read_bytes().decode("cp1252").splitlines()
        texts += [line.strip() for line in lines]
        labels += [label] * len(lines)
    return Part(texts, labels)


def divided(whole: Part, fraction: float, seed: int) -> tuple[Part, Part]:
    """Two parts at random, the second with this fraction."""
    order = np.random.default_rng(seed).permutation(len(whole.texts))
    n = round(fraction * len(order))
    train, held = (
        Part._make([column[i] for i in rows] for column in whole) for rows in (order[n:], order[:n])
    )
    return train, held
