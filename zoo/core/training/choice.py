"""Which of several weights of one network to keep: found on the held-out rows.

The rows that chose cannot tell how good the choice is. So each half of them is predicted with the
weights that the other half alone would have chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from zoo.core.task import Task
from zoo.core.training.learner import Learner


class Choice(NamedTuple):
    """What the held-out rows chose.

    Attributes:
        number: of the candidate, chosen on all held-out rows.
        sums: sum of losses of the held-out rows with each candidate.
        predictions: decoded predictions of the held-out rows in their order, with what the other
            half of them chose. Shape: (n, ...), on the CPU.
    """

    number: int
    sums: list[float]
    predictions: Tensor


def choose(
    learn: Learner[Any, Any], go_to: Callable[[int], None], prices: Sequence[float]
) -> Choice | None:
    """Go to the candidate with the least sum of losses on the held-out rows.

    Args:
        learn: a learner that has trained.
        go_to: gives the network the weights of a candidate, by its number.
        prices: what is added to the sum of losses of each: how unlikely it was beforehand.

    Returns:
        The choice, or None where no rows are held out, predictions have no loss, Ctrl-C ended the
        training or there is no time to look at all; the weights are then what they were.
    """
    valid, task = learn.data.valid, learn.task
    if valid is None or task.score is None or learn.interrupted:
        return None
    budget, passes = learn.budget, len(prices)
    if budget is not None and budget.left_to_train < passes * budget.book.pass_seconds:
        return None
    said = []
    for number in range(passes):
        go_to(number)
        said.append(learn.predict(valid))
    target = torch.cat([batch.target.cpu() for batch in valid.epoch(0)])
    halves = [_sums(task, [rows[i::2] for rows in said], target[i::2]) for i in (0, 1)]
    sums = [even + odd for even, odd in zip(*halves, strict=True)]
    best, of_even, of_odd = (_least(one, prices) for one in (sums, *halves))
    crossed = said[of_odd].clone()
    crossed[1::2] = said[of_even][1::2]
    go_to(best)
    return Choice(best, sums, crossed)


def _sums(task: Task, said: Sequence[Tensor], target: Tensor) -> list[float]:
    """Sum of losses over rows with each candidate."""
    assert task.score is not None
    pairs = [task.score(rows, target) for rows in said]
    return [float(loss * count) for loss, count in pairs]


def _least(sums: Sequence[float], prices: Sequence[float]) -> int:
    costs = [loss + price for loss, price in zip(sums, prices, strict=True)]
    return costs.index(min(costs))
