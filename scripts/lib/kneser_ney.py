"""Interpolated modified Kneser-Ney smoothing (Chen & Goodman 1999, sec. 3.5), in numpy.

Words of the highest order count as often as they occur, those of lower orders by how many different
words stand before them; each order's discounts follow from its own counts of counts.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Whole = NDArray[np.int64]
Real = NDArray[np.float64]


def log_probabilities(train: Whole, held: Whole, n_words: int, order: int = 5) -> Real:
    """Natural logarithm of each held-out word's probability after the words before it.

    Words see no further back than the beginning of the held-out part. Shape: (n_train,), (n,),
    numbers below n_words -> (n,).
    """
    both = np.concatenate([train, held])
    grams = n_grams(both, n_words, order)
    place = np.arange(len(held))
    chances = np.full(len(held), 1 / n_words)
    for k in range(1, order + 1):
        gram = grams[k]
        before = np.concatenate([[0], grams[k - 1][:-1]])  # the gram that ends a word earlier
        seen = slice(k - 1, len(train))
        if k == order:
            counts = np.bincount(gram[seen], minlength=gram.max() + 1)
        else:  # of different longer grams that end with this one
            _, first = np.unique(grams[k + 1][k : len(train)], return_index=True)
            counts = np.bincount(gram[k:][first], minlength=gram.max() + 1)
        kinds, at = np.unique(gram[seen], return_index=True)
        share = _Shares(counts, kinds, before[seen][at], before.max() + 1)
        own = share(gram[len(train) :], before[len(train) :], chances)
        chances = np.where(place >= k - 1, own, chances)
    return np.asarray(np.log(chances))


def n_grams(words: Whole, n_words: int, order: int) -> list[Whole]:
    """Numbers of the grams of each length up to `order` that end at each word.

    The first k - 1 entries of length k mean nothing. Shape: (n,) -> order + 1 times (n,).
    """
    grams = [np.zeros_like(words), words]
    for _ in range(2, order + 1):
        longer = np.concatenate([[0], grams[-1][:-1]]) * n_words + words
        grams.append(np.unique(longer, return_inverse=True)[1])
    return grams


class _Shares:
    """Discounted shares of one order.

    Args:
        counts: by gram.
        kinds: the grams that occur.
        contexts: the context of each of them.
        n_contexts: how many there are.
    """

    def __init__(self, counts: Whole, kinds: Whole, contexts: Whole, n_contexts: int) -> None:
        self.counts = counts
        own = counts[kinds]
        n1, n2, n3, n4 = (max(int((own == c).sum()), 1) for c in (1, 2, 3, 4))
        y = n1 / (n1 + 2 * n2)
        self.discounts = np.array(
            [0, 1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3]
        )
        taken = self.discounts[np.minimum(own, 3)]
        self.totals = np.bincount(contexts, own, n_contexts)
        self.freed = np.bincount(contexts, taken, n_contexts)

    def __call__(self, grams: Whole, contexts: Whole, lower: Real) -> Any:
        """The probabilities, given those of the order below."""
        counts, totals = self.counts[grams], self.totals[contexts]
        kept = np.maximum(counts - self.discounts[np.minimum(counts, 3)], 0)
        whole = np.maximum(totals, 1)
        return np.where(totals > 0, kept / whole + self.freed[contexts] / whole * lower, lower)
