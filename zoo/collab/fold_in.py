"""A new user from a few ratings, without training.

What tells users apart (their vector and bias) is found by maximum a posteriori: squared error of
the ratings, or the softmax of what was chosen, against a normal prior with the mean and covariance
of all known users. With no rating the new user is the mean one; every rating moves them from there.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize  # type: ignore[import-untyped]
from torch import Tensor
from torch.func import grad_and_value

from zoo.collab.models.catalogue import predicts_ratings, task

RIDGE = 1e-4  # of the covariance's mean variance, added to it: there may be few users
NOISE = 0.8  # variance of a rating about its prediction, in squared units of a one-to-five scale
STEPS = 200


def state_of(member: Any, items: Tensor, values: Tensor, known: Tensor, name: str) -> Tensor:
    """The state that explains a new user's ratings best.

    Args:
        member: the network.
        items: rows of what was rated, (n,).
        values: ratings, (n,).
        known: rows of the known users, for the prior.
        name: of the model.

    Returns:
        Shape: (1, s), as `member.states` gives them.
    """
    device = known.device
    items, values = items.to(device), values.to(device)
    with torch.no_grad():
        states = member.states(known).double()
    mean = states.mean(0)
    away = states - mean
    covariance = away.T @ away / max(len(states) - 1, 1)
    ridge = RIDGE * covariance.diagonal().mean().clamp(min=1e-12)
    root = torch.linalg.cholesky(covariance + ridge * torch.eye(len(mean), device=device).double())
    loss, noise = task(name).loss, _noise(member) if predicts_ratings(name) else 1.0

    def energy(z: Tensor) -> Tensor:
        """Of a state mean + root z, whose prior is the standard normal."""
        state = (mean + root @ z).float()
        mean_loss, count = loss(member.rate(state.expand(len(items), -1), items), values)
        return mean_loss.double() * count / (2 * noise) + z.square().sum() / 2

    slope = grad_and_value(energy)

    def evaluate(z: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        gradient, value = slope(torch.from_numpy(z).to(device))
        return float(value), gradient.cpu().numpy()

    start = np.zeros(len(mean))
    found = minimize(evaluate, start, jac=True, method="L-BFGS-B", options={"maxiter": STEPS})
    state: Tensor = mean + root @ torch.from_numpy(found.x).to(device)
    return state.float()[None]


def _noise(member: Any) -> float:
    """Variance of a rating: NOISE on a scale from one to five, in proportion on another."""
    low, high = member.low, member.high
    return NOISE if low is None or high is None else NOISE * ((high - low) / 4.8) ** 2
