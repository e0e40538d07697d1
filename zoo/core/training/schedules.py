"""Learning-rate schedules: pure functions from (step, steps of each epoch) to factors.

The rate factor multiplies the highest rate of every layer group; the momentum, where a schedule
has one, replaces SGD's momentum or Adam's first beta. An epoch's number of steps may vary (text).
"""

from __future__ import annotations

import itertools
import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import NamedTuple


class Factors(NamedTuple):
    """What a schedule says of one step."""

    rate: float
    momentum: float | None = None


Schedule = Callable[[int, Sequence[int]], Factors]
"""(step, number of steps of each epoch) -> Factors; parameters are bound with functools.partial."""


def constant(step: int, steps: Sequence[int]) -> Factors:
    """The same rate throughout."""
    return Factors(1.0)


def cosine(step: int, steps: Sequence[int]) -> Factors:
    """Half a cosine from 1 to 0 (Loshchilov & Hutter 2017, eq. 5 without restarts).

    >>> [round(cosine(step, [2, 2]).rate, 3) for step in range(4)]
    [1.0, 0.854, 0.5, 0.146]
    """
    return Factors(_anneal(1.0, 0.0, step / sum(steps)))


def sgdr(step: int, steps: Sequence[int], *, cycle_len: int = 1, cycle_mult: int = 1) -> Factors:
    """Stochastic gradient descent with warm restarts (Loshchilov & Hutter 2017, sec. 3).

    Cycle i lasts cycle_len * cycle_mult**i epochs; within it the rate follows a cosine from 1 to 0.

    >>> [round(sgdr(step, [2, 2, 2], cycle_mult=2).rate, 3) for step in range(6)]
    [1.0, 0.5, 1.0, 0.854, 0.5, 0.146]
    """
    ends = list(itertools.accumulate(steps))
    epoch = bisect_right(ends, step)
    first, length = 0, cycle_len
    while first + length <= epoch:
        first, length = first + length, length * cycle_mult
    begin = ends[first - 1] if first else 0
    end = ends[min(first + length, len(ends)) - 1]
    return Factors(_anneal(1.0, 0.0, (step - begin) / (end - begin)))


def one_cycle(
    step: int,
    steps: Sequence[int],
    *,
    pct_start: float = 0.25,
    div: float = 25.0,
    final_div: float = 1e5,
    momentums: tuple[float, float] | None = (0.95, 0.85),
) -> Factors:
    """One cycle: cosine up from 1/div, cosine down to 1/final_div; momentum mirrors it.

    Smith 2018, sec. 4; the phases as in torch's `OneCycleLR`, whose `final_div_factor` is
    final_div / div here. Where these have no step for the way up (pct_start * steps of 1 or less;
    torch then begins at the highest rate), the places are those of fastai, step / steps, so that
    every cycle begins low, one of a single step too.

    >>> [[round(one_cycle(step, [n]).rate, 2) for step in range(n)] for n in (1, 2, 3, 8)]
    [[0.04], [0.04, 0.75], [0.04, 0.97, 0.41], [0.04, 1.0, 0.93, 0.75, 0.5, 0.25, 0.07, 0.0]]
    """
    n = sum(steps)
    last, peak = n - 1.0, max(pct_start * n - 1, 0.0)
    if peak == 0 < pct_start:
        last, peak = float(n), pct_start * n
    high, low = momentums or (0.0, 0.0)
    if step <= peak and peak > 0:
        done = step / peak
        factors = _anneal(1 / div, 1.0, done), _anneal(high, low, done)
    else:
        done = (step - peak) / max(last - peak, 1e-12)
        factors = _anneal(1.0, 1 / final_div, done), _anneal(low, high, done)
    return Factors(factors[0], factors[1] if momentums else None)


def exponential(step: int, steps: Sequence[int], *, start: float, end: float) -> Factors:
    """From start to end by equal ratios: the sweep of the learning-rate finder (Smith 2015)."""
    return Factors(start * (end / start) ** (step / max(sum(steps) - 1, 1)))


def log_cycles(step: int, steps: Sequence[int], *, cycles: int = 4) -> Factors:
    """From 0 over 1 to 0 several times, each time for twice as long (Holzmueller et al. 2024).

    This is coslog of RealMLP. What fewer cycles say is the beginning of what more say, so that a
    fit can end after any of them with a rate that has come down; see `sgdr_epochs(cycles, n, 2)`.

    >>> [round(log_cycles(step, [3, 6], cycles=2).rate, 2) for step in range(9)]
    [0.41, 0.93, 0.15, 0.13, 0.72, 1.0, 0.76, 0.32, 0.04]
    """
    done = (step + 0.5) / sum(steps)
    return Factors((1 - math.cos(math.tau * math.log2(1 + (2**cycles - 1) * done))) / 2)


def ends(schedule: Schedule, steps: Sequence[int]) -> list[int]:
    """Numbers of steps after which a fit may end: the rate has come down from its cycle.

    >>> ends(one_cycle, [3, 3])
    [6]
    >>> from functools import partial
    >>> ends(partial(sgdr, cycle_len=1, cycle_mult=2), [3, 3, 3])
    [3, 9]
    >>> ends(partial(log_cycles, cycles=2), [3, 3, 3])
    [3, 9]
    """
    function, bound = getattr(schedule, "func", schedule), getattr(schedule, "keywords", {})
    n = sum(steps)
    if function is log_cycles:
        cycles = bound.get("cycles", 4)
        return [round(n * (2**i - 1) / (2**cycles - 1)) for i in range(1, cycles + 1)]
    if function is sgdr:
        length, mult = bound.get("cycle_len", 1), bound.get("cycle_mult", 1)
        lengths = itertools.accumulate(length * mult**i for i in range(len(steps)))
        return [*(sum(steps[:i]) for i in lengths if i < len(steps)), n]
    return [n]


def sgdr_epochs(cycles: int, cycle_len: int, cycle_mult: int) -> list[int]:
    """The length of each cycle in epochs.

    >>> sgdr_epochs(3, 1, 2)
    [1, 2, 4]
    """
    return [cycle_len * cycle_mult**i for i in range(cycles)]


def _anneal(start: float, end: float, done: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * done)) / 2
