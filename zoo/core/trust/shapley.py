"""Shapley values: how much each part of an input adds to what a model says of it.

The value of a coalition of parts is the mean, over background inputs, of what the model says where
these parts are the input's own and the others are the background's. A part's Shapley value is the
mean of what it adds over all orders in which the parts may join (Shapley 1953; Strumbelj &
Kononenko 2014, "Explaining prediction models and individual predictions with feature
contributions", sec. 2). All values together lead from the mean over the background to the input.

Of few parts all coalitions are asked. Of more, parts join in random orders, each of which is walked
backwards too, for every background input alike often (Mitchell et al. 2022, "Sampling Permutations
for Shapley Value Estimation", sec. 3.1), so that the values still add up exactly.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

MOST_EXACT: Final = 8  # parts of which all coalitions are asked, 2 ** 8
ORDERS: Final = 512  # random orders, each walked both ways
AT_ONCE: Final = 2**22  # truth values that say which parts have joined

Floats = NDArray[np.float64]
Value = Callable[[NDArray[np.bool_], NDArray[np.int64]], Floats]
"""From which parts are the input's own (m, n), and the background inputs that the others are of
(m,), to what the model says of each (m,)."""


class Shapley(NamedTuple):
    """Shapley values of the parts of an input.

    Attributes:
        values: what each part adds. Shape: (n,)
        errors: standard error of each by the random orders; 0 where all coalitions were asked.
            Shape: (n,)
        base: mean over the background: base and values add up to what the model says.
    """

    values: Floats
    errors: Floats
    base: float


def shapley(
    value: Value, n: int, n_background: int, *, orders: int = ORDERS, seed: int = 0
) -> Shapley:
    """The Shapley values of n parts.

    Args:
        value: what the model says of mixed inputs.
        n: number of parts.
        n_background: number of background inputs.
        orders: random orders of more than `MOST_EXACT` parts, at least two per background input.
        seed: of the orders.

    >>> both = lambda own, rows: own.all(1).astype(float)  # two parts that count only together
    >>> shapley(both, 2, 1).values.tolist()
    [0.5, 0.5]
    """
    if n <= MOST_EXACT:
        return _exact(value, n, n_background)
    rng, rows = np.random.default_rng(seed), np.arange(n_background)
    whole = float(value(np.ones((1, n), dtype=bool), rows[:1])[0])
    nothing = value(np.zeros((n_background, n), dtype=bool), rows)
    passes = max(-(-orders // n_background), 2)
    some = max(AT_ONCE // (2 * n * n), 1)  # background inputs that are walked at once
    added = np.empty((passes, n_background, n))
    for one in range(passes):
        for low in range(0, n_background, some):
            here = rows[low : low + some]
            order = rng.permuted(np.tile(np.arange(n), (len(here), 1)), axis=1)
            walks = [
                _walked(value, way, here, nothing[here], whole) for way in (order, n - 1 - order)
            ]
            added[one, here] = (walks[0] + walks[1]) / 2
    errors = np.sqrt(added.var(axis=0, ddof=1).mean(axis=0) / (passes * n_background))
    return Shapley(added.mean((0, 1)), errors, float(nothing.mean()))


def _walked(
    value: Value, joins: NDArray[np.int64], rows: NDArray[np.int64], nothing: Floats, whole: float
) -> Floats:
    """What each part adds when the parts join one by one.

    Args:
        value: what the model says of mixed inputs.
        joins: when each part joins, from 0. Shape: (m, n)
        rows: the background input of each walk. Shape: (m,)
        nothing: what the model says of these. Shape: (m,)
        whole: what the model says of the input.

    Shape: (m, n)
    """
    m, n = joins.shape
    steps = np.arange(1, n)[:, None]  # between nothing and the whole
    own = (joins[:, None, :] < steps).reshape(-1, n)
    said = value(own, np.repeat(rows, n - 1)).reshape(m, n - 1)
    path = np.concatenate([nothing[:, None], said, np.full((m, 1), whole)], axis=1)
    added: Floats = np.take_along_axis(np.diff(path, axis=1), joins, axis=1)
    return added


def _exact(value: Value, n: int, n_background: int) -> Shapley:
    """The values from all coalitions, number c of which has the parts that are bits of c."""
    coalitions = np.arange(2**n)
    own = (coalitions[:, None] >> np.arange(n) & 1).astype(bool)
    rows = np.arange(n_background)
    said = value(np.repeat(own, n_background, axis=0), np.tile(rows, 2**n))
    means = said.reshape(2**n, n_background).mean(1)
    sizes, values = own.sum(1), np.empty(n)
    for part in range(n):
        without = coalitions[~own[:, part]]
        orders = np.array([1 / (n * math.comb(n - 1, size)) for size in sizes[without]])
        values[part] = (orders * (means[without | 1 << part] - means[without])).sum()
    return Shapley(values, np.zeros(n), float(means[0]))
