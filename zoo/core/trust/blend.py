"""A blend: the mean of a model's networks and of simple models beside them, by fitted weights.

Weights are fitted on rows that none of them was trained on, and a score of the blend is
cross-fitted: the weights behind a row's prediction were fitted on other rows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from zoo.core.messages import warn
from zoo.core.task import Task
from zoo.core.training.evaluation import mean_of

STEP: Final = 0.05  # of the shares that are compared
ROUNDS: Final = 2  # over the partners
PARTS: Final = 5  # of a cross-fitted score
FITTED_ROWS: Final = 20_000  # that tell a share to much less than a step


class Partner(Protocol):
    """A simple model that takes the networks' inputs and gives what their task decodes.

    Attributes:
        name: by which it is built again.
        arguments: with which, as JSON holds them.
    """

    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Blend:
    """What a model's prediction is a weighted mean of, beside its networks.

    Args:
        partners: modules, each a `Partner`.
        shares: weight of each partner's decoded prediction; the networks have the rest.
    """

    partners: tuple[nn.Module, ...]
    shares: tuple[float, ...]

    @property
    def rest(self) -> float:
        """What the networks have together; nothing where it is less than a rounding."""
        return max(round(1 - sum(self.shares), 6), 0.0)

    def weights(self, n_networks: int) -> list[float]:
        """Weight of each network, if they have any, then of each partner.

        >>> Blend((nn.Identity(),), (0.5,)).weights(2), Blend((nn.Identity(),), (1.0,)).weights(2)
        ([0.25, 0.25, 0.5], [1.0])
        """
        return [self.rest / n_networks] * n_networks * (self.rest > 0) + list(self.shares)

    def to_json(self) -> list[dict[str, Any]]:
        """For config.json: how each partner is built again, and its share."""
        partners: Any = self.partners
        return [
            {"name": one.name, "args": one.arguments, "share": share}
            for one, share in zip(partners, self.shares, strict=True)
        ]


def warn_of_partners(blend: Blend | None) -> None:
    """Tell, before further training, that simple models of a blend do not go on with a network."""
    if blend is not None:
        warn(
            "further training goes on with the networks alone, got a model in which simple models "
            f"have a share of {sum(blend.shares):.0%}. They are not carried over: what has a share "
            "afterwards, if anything, is fitted to the new data."
        )


def fitted_shares(task: Task, predictions: Sequence[Tensor], target: Tensor) -> list[float]:
    """The share of each partner by which the mean fits a target best.

    A partner pays one unit of log likelihood for the whole weight, as a parameter does in Akaike's
    criterion: where it brings nothing the networks keep everything.

    Args:
        task: its `score` is what falls: log loss, or squared error.
        predictions: decoded ones of the networks' mean, then of each partner. Shape: (n, ...) each.
        target: what they should be.

    Returns:
        Shares of the partners, 0..1, together 1 at most.
    """
    rows = np.random.default_rng(0).permutation(len(target))[:FITTED_ROWS]
    chosen = torch.from_numpy(np.sort(rows))
    mean, *partners = [one[chosen] for one in predictions]
    target, shares = target[chosen], [0.0] * len(partners)
    grid = [round(i * STEP, 10) for i in range(round(1 / STEP) + 1)]
    for _ in range(ROUNDS if len(partners) > 1 else 1):
        for i, partner in enumerate(partners):
            left = 1 - sum(shares)  # to the networks, of which a step takes its part
            costs = []
            for step in grid:
                blend = torch.lerp(mean, partner, step)
                costs.append(_nats(task, blend, target) + step * left)
            best = grid[costs.index(min(costs))]
            mean = torch.lerp(mean, partner, best)
            shares = [share * (1 - best) for share in shares]
            shares[i] += best
    return [round(share, 6) if share > STEP / 2 else 0.0 for share in shares]


def cross_fitted(
    task: Task, predictions: Sequence[Tensor], target: Tensor, part_of: NDArray[np.int64]
) -> Tensor:
    """Blended predictions, each by shares that were fitted on the other parts.

    Args:
        task: see `fitted_shares`.
        predictions: see `fitted_shares`.
        target: see `fitted_shares`.
        part_of: number of each row's part, from 0. Shape: (n,)
    """
    blended = torch.empty_like(predictions[0])
    for part in np.unique(part_of).tolist():
        inside = torch.from_numpy(np.flatnonzero(part_of == part))
        outside = torch.from_numpy(np.flatnonzero(part_of != part))
        shares = [0.0] * (len(predictions) - 1)
        if len(outside):
            shares = fitted_shares(task, [one[outside] for one in predictions], target[outside])
        weights = [1 - sum(shares), *shares]
        blended[inside] = mean_of([one[inside] for one in predictions], weights)
    return blended


def random_parts(n: int, seed: int, parts: int = PARTS) -> NDArray[np.int64]:
    """A part for each of n rows, of like many rows each. Shape: (n,)"""
    return np.random.default_rng(seed).permutation(n) % min(parts, max(n, 1))


def _nats(task: Task, predictions: Tensor, target: Tensor) -> float:
    """Negative log likelihood; of numbers that of normal errors, whatever their spread."""
    assert task.score is not None
    loss = float(task.score(predictions, target)[0])
    if not task.is_squared:
        return loss * len(target)
    return len(target) / 2 * math.log(max(loss, torch.finfo(torch.float32).tiny))
