"""Rivals: the cheap models that a careful practitioner tries first, on the same rows in each call.

They learn from the rows that the network learnt from and are scored on the same others. Those that
are partners (`zoo.core.trust.blend`) may take a share in the prediction; the others only compare.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from zoo.core.batches import Batches, Data, S
from zoo.core.task import Task
from zoo.core.training.evaluation import predict_batches
from zoo.core.trust.contest import NETWORK, Contest
from zoo.core.trust.mixing import random_parts

SECONDS: Final = 2.0  # that all rivals of a call may take,
SHARE: Final = 0.15  # or this share of the call's time, whichever is more
FIRST_ROWS: Final = 2_000  # of the first fit, whose time tells how many more there may be
FEW_ROWS: Final = 250  # of the first fit where there is a budget, of whose time
HALF: Final = 0.5  # of what is left is for rivals at most

Rows = NDArray[np.int64]
Module = TypeVar("Module", bound=nn.Module)


@dataclass(frozen=True)
class Rival(Generic[S]):
    """A cheap model of a domain.

    Args:
        name: as the table of rivals calls it.
        fit: (data, seconds) -> a module that takes the batches' inputs and gives what the task
            decodes; it learns from `data.train` alone, and from a part of it where all rows would
            take longer (its attribute `rows` says how many then).
        least: seconds that a call must have lasted to be worth it.
        blends: whether it may take a share in the prediction; its module is a `Partner` then.
    """

    name: str
    fit: Callable[[Data[S], float], nn.Module]
    least: float = 0.0
    blends: bool = True


def fit_within(
    seconds: float, n: int, fit: Callable[[Rows], Module], first: int = FIRST_ROWS
) -> Module:
    """What `fit` makes of all n rows, or of as many as take the given time in all.

    The first rows of one random order are fitted, then at most four times as many, as long as the
    time so far tells that these will end in time.

    Args:
        seconds: the time; infinity takes all rows at once.
        n: rows that there are.
        fit: sorted numbers of rows -> the module, in a time that grows about linearly; its
            attribute `rows` is set to how many there were.
        first: rows of the first fit.
    """
    began = time.perf_counter()
    order = np.random.default_rng(0).permutation(n)
    rows = n if math.isinf(seconds) else min(n, first)
    while True:
        start = time.perf_counter()
        module = fit(np.sort(order[:rows]))
        now = time.perf_counter()
        affordable = rows * min(4.0, (seconds - (now - began)) / max(now - start, 1e-6))
        if rows == n or affordable < min(n, 2 * rows):
            module.rows = rows  # type: ignore[assignment]
            return module
        rows = min(n, int(affordable))


def predictions_of(module: nn.Module, batches: Batches, task: Task, device: torch.device) -> Tensor:
    """Decoded predictions in the order of the batches, on the CPU. Shape: (n, ...)"""
    outputs = predict_batches([module.to(device)], batches.epoch(0), task, device)
    return torch.cat([one.mean.cpu() for one in outputs])


def targets_of(batches: Batches) -> Tensor:
    """The targets of batches in their order, on the CPU. Shape: (n, ...)"""
    return torch.cat([batch.target.cpu() for batch in batches.epoch(0)])


def contest_of(
    network: Tensor,
    data: Data[Any],
    rivals: Sequence[Rival[Any]],
    task: Task,
    device: torch.device,
    *,
    lasted: float,
    seed: int,
    everything: bool = False,
    most: float = math.inf,
) -> tuple[Contest, dict[str, nn.Module]]:
    """Fit the rivals on the training part, and have all predict the validation part.

    Args:
        network: the network's decoded predictions of it.
        data: both parts.
        rivals: those of the domain; one that has no time, or that fails, is left out.
        task: what the network was trained for.
        device: where predictions are computed.
        lasted: seconds that the network took.
        seed: of the parts for cross-fitting.
        everything: whether rivals take part that a call is too short for.
        most: seconds that they may take together.

    Returns:
        The contest, and the fitted partners by name.
    """
    assert data.valid is not None
    target = targets_of(data.valid)
    contest = Contest(task, target, {NETWORK: network}, random_parts(len(target), seed))
    contest.seconds[NETWORK] = lasted
    partners: dict[str, nn.Module] = {}
    chosen = [one for one in rivals if everything or lasted >= one.least]
    seconds = min(allowed(lasted), most)
    for rival in chosen if seconds else ():
        started = time.perf_counter()
        module = _fitted(rival, data, seconds / len(chosen), HALF * most / len(chosen))
        contest.predictions[rival.name] = predictions_of(module, data.valid, task, device)
        contest.seconds[rival.name] = time.perf_counter() - started
        contest.rows[rival.name] = getattr(module, "rows", 0)
        if rival.blends:
            contest.partners.append(rival.name)
            partners[rival.name] = module
    return contest, partners


def _fitted(rival: Rival[Any], data: Data[Any], seconds: float, most: float) -> nn.Module:
    """A rival fitted to all rows, or to as many as there is time for.

    Args:
        rival: one that may take some time by its own rule, or may not know any.
        data: both parts.
        seconds: of its own rule.
        most: seconds after which it must be over, from a budget; infinity if there is none.
    """
    train: Any = data.train
    if math.isinf(most) or not hasattr(train, "part"):
        return rival.fit(data, seconds)
    n, own = len(train), math.inf

    def fit(rows: Rows) -> nn.Module:
        nonlocal own
        some = train if len(rows) == n else train.part(len(rows) / n)
        module = rival.fit(data._replace(train=some), seconds)
        own = getattr(module, "rows", None) or math.inf
        return module

    module: Any = fit_within(most, n, fit, first=FEW_ROWS)
    module.rows = min(module.rows, own)
    return cast(nn.Module, module)


def allowed(lasted: float) -> float:
    """Seconds that the rivals of a call may take together."""
    return max(SECONDS, SHARE * lasted)
