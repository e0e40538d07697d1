"""How much each of several predictions counts: fitted on rows that their models have not seen.

A score of the mixture is cross-fitted: the weights behind a row's prediction were fitted on other
rows. Numbers, and labels of which a row may have several, are averaged. So are probabilities of
classes, or they are pooled by a geometric mean with a temperature, whichever fits better: the
temperature mends a network that is too sure of itself, and alone if there is nothing beside it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.core.mixture import Mixture
from zoo.core.task import LEAST, Task

STEP: Final = 0.05  # of the shares that are compared, and the least that is kept
ROUNDS: Final = 2  # over the partners
PARTS: Final = 5  # of a cross-fitted score
FITTED_ROWS: Final = 20_000  # that tell a share to much less than a step
PRICE: Final = 1.0  # nats that a partner pays for the whole weight of numbers and labels,
PRICE_OF_CLASSES: Final = 3.0  # and of classes
SPREAD: Final = 0.5  # of the logarithm of the temperature around 0, as a deviation
POWERS: Final = (0.0, 20.0)  # of a probability, at least and at most


def fitted_mixture(task: Task, predictions: Sequence[Tensor], target: Tensor) -> Mixture:
    """The mixture that fits a target best, its weights 1 in all.

    A partner pays some units of log likelihood for the whole weight, as a parameter does in
    Akaike's criterion: where it brings nothing the networks keep everything.

    Args:
        task: its `score` is what falls: log loss, or squared error.
        predictions: decoded ones of the networks' mean, then of each partner. Shape: (n, ...) each.
        target: what they should be.
    """
    rows = np.random.default_rng(0).permutation(len(target))[:FITTED_ROWS]
    chosen = torch.from_numpy(np.sort(rows))
    predictions, target = [one[chosen] for one in predictions], target[chosen]
    is_class = not task.is_squared and target.ndim == 1 and predictions[0].ndim == 2
    if not is_class:
        return _averaged(task, predictions, target, PRICE)[1]
    found = _averaged(task, predictions, target, PRICE_OF_CLASSES), _pooled(predictions, target)
    return min(found, key=lambda one: one[0])[1]


def _averaged(
    task: Task, predictions: Sequence[Tensor], target: Tensor, price: float
) -> tuple[float, Mixture]:
    """The best arithmetic mean, with what it costs: nats, and the price of its weights."""
    mean, *partners = predictions
    shares, costs = [0.0] * len(partners), [_nats(task, mean, target)]
    grid = [round(i * STEP, 10) for i in range(round(1 / STEP) + 1)]
    for _ in range(ROUNDS if len(partners) > 1 else 1):
        for i, partner in enumerate(partners):
            left = 1 - sum(shares)  # to the networks, of which a step takes its part
            costs.clear()
            for step in grid:
                blend = torch.lerp(mean, partner, step)
                costs.append(_nats(task, blend, target) + price * (1 - (1 - step) * left))
            best = grid[costs.index(min(costs))]
            mean = torch.lerp(mean, partner, best)
            shares = [share * (1 - best) for share in shares]
            shares[i] += best
    shares = [round(share, 6) if share > STEP / 2 else 0.0 for share in shares]
    return min(costs), Mixture((max(round(1 - sum(shares), 6), 0.0), *shares))


def _pooled(predictions: Sequence[Tensor], labels: Tensor) -> tuple[float, Mixture]:
    """The best geometric mean of probabilities of classes, and what it costs, as `_averaged`.

    What is minimised is the negative logarithm of the posterior: of powers of the probabilities
    whose sum is the inverse temperature, and whose shares of the sum are the weights.
    """
    from scipy.optimize import minimize  # slow to import

    logs = np.stack([one.double().clamp(min=LEAST).log().numpy() for one in predictions])
    own, rows = labels.numpy(), np.arange(len(labels))
    kept = np.arange(len(logs))

    def cost(powers: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """Nats and their slope by each power."""
        scores = np.tensordot(powers, logs[kept], 1)
        scores -= scores.max(1, keepdims=True)
        odds = np.exp(scores)
        total, of_rows = powers.sum() + LEAST, odds.sum(1, keepdims=True)
        nats = float(np.log(of_rows).sum() - scores[rows, own].sum())
        probabilities = odds / of_rows
        slope = (logs[kept] * probabilities).sum((1, 2)) - logs[kept][:, rows, own].sum(1)
        share = powers[0] / total
        nats += PRICE_OF_CLASSES * (1 - share) + math.log(total) ** 2 / (2 * SPREAD**2)
        slope += PRICE_OF_CLASSES * share / total + math.log(total) / (SPREAD**2 * total)
        slope[0] -= PRICE_OF_CLASSES / total
        return nats, slope

    while True:
        start = np.full(len(kept), 1 / len(kept))
        found = minimize(cost, start, jac=True, method="L-BFGS-B", bounds=[POWERS] * len(kept))
        shares = found.x / found.x.sum()
        much = (shares > STEP / 2) | (kept == 0)
        if much.all():
            break
        kept = kept[much]
    weights = np.zeros(len(logs))
    weights[kept] = np.where(shares > STEP / 2, shares, 0.0)
    weights = np.round(weights / weights.sum(), 6)
    temperature = float(f"{1 / found.x.sum():.6g}")
    return float(found.fun), Mixture(tuple(weights.tolist()), temperature)


def cross_fitted(
    task: Task, predictions: Sequence[Tensor], target: Tensor, part_of: NDArray[np.int64]
) -> Tensor:
    """Mixed predictions, each by weights that were fitted on the other parts.

    Args:
        task: see `fitted_mixture`.
        predictions: see `fitted_mixture`.
        target: see `fitted_mixture`.
        part_of: number of each row's part, from 0. Shape: (n,)
    """
    mixed = torch.empty_like(predictions[0])
    for part in np.unique(part_of).tolist():
        inside = torch.from_numpy(np.flatnonzero(part_of == part))
        outside = torch.from_numpy(np.flatnonzero(part_of != part))
        mixture = Mixture((1.0, *[0.0] * (len(predictions) - 1)))
        if len(outside):
            mixture = fitted_mixture(task, [one[outside] for one in predictions], target[outside])
        mixed[inside] = mixture([one[inside] for one in predictions])
    return mixed


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
