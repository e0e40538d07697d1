"""Sentences that twenty people rated from -4 to 4 (Hutto & Gilbert 2014), with seeded divisions.

Tweets, sentences of product and film reviews, and of newspaper editorials. A sentence is positive
or negative by the mean of its ratings; those within half a point of zero count as neither and are
left out. Divisions keep the sentences of one review or editorial together. A classifier is scored
on the tenth that its training with seed 0 has left out.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

from zoo.data.fetch import get

DATA: Final = "rated-sentences"
KINDS: Final = ("tweets", "amazonReviewSnippets", "movieReviewSnippets", "nytEditorialSnippets")
LEAST: Final = 0.5  # of the mean rating, either way
TENTH: Final = 0.1


class Part(NamedTuple):
    """Sentences, "positive" or "negative" for each, and the number of the text that it is from."""

    texts: list[str]
    labels: list[str]
    origins: list[int]


def score(model: Any) -> dict[str, float]:
    """Accuracy on the tenth of the first division."""
    test = divided(sentences(), TENTH, 0)[1]
    return {"accuracy": model.evaluate((test.texts, test.labels))["accuracy"]}


def sentences() -> Part:
    """All that are positive or negative."""
    folder, whole = get(DATA), Part([], [], [])
    numbers: dict[str, int] = {}
    for kind in KINDS:
        lines = (folder / f"{kind}_GroundTruth.txt").read_text(encoding="utf-8").splitlines()
        for line in lines:
            place, rating, text = line.split("\t")
            if abs(float(rating)) < LEAST:
                continue
            origin = f"{kind} {place.partition('_')[0]}"
            whole.texts.append(text)
            whole.labels.append("positive" if float(rating) > 0 else "negative")
            whole.origins.append(numbers.setdefault(origin, len(numbers)))
    return whole


def divided(whole: Part, fraction: float, seed: int) -> tuple[Part, Part]:
    """Two parts at random, the second with this fraction of the texts that sentences are from."""
    n = max(whole.origins) + 1
    held = np.zeros(n, dtype=bool)
    held[np.random.default_rng(seed).permutation(n)[: round(fraction * n)]] = True
    inside = held[whole.origins]
    first, second = (
        Part._make([column[i] for i in np.flatnonzero(rows)] for column in whole)
        for rows in (~inside, inside)
    )
    return first, second
