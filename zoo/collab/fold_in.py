"""A new user from a few ratings, without training.

In a model that represents users by their history alone, the history is the user. Otherwise their
vector and bias are the maximum a posteriori: squared error of the ratings against a normal prior
with the mean and covariance of the model's users. Without ratings the new user is the mean one;
every rating moves them from there.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from torch import Tensor

from zoo.collab.models.factors import Pair

RIDGE = 1e-4  # share of the mean variance added to the covariance: there may be few users
NOISE = 0.8  # variance of a rating about its prediction, in squared units of a one-to-five scale
STEPS = 200
MOST_USERS = 20_000  # about so many the prior is computed from


@torch.no_grad()
def state_of(member: Any, items: Tensor, values: Tensor) -> Pair:
    """The vector and bias that explain a new user's ratings best.

    Args:
        member: the network.
        items: rows of the rated items. Shape: (n,).
        values: their ratings. Shape: (n,).

    Returns:
        Vectors and biases as `member.users` returns them. Shape: (1, width) and (1, members).
    """
    side = member.users
    device = side.factors.device
    items, values = items.to(device), values.to(device)
    if not side.own:
        return side.met(items), side.bias[:1]
    mean, root, width = _prior(member)
    item_pairs, noise = member.items(items), _noise(member)

    def state(z: Tensor) -> Pair:
        both = (mean + root @ z).float()[None]
        return both[:, :width], both[:, width:]

    def energy(z: Tensor) -> Tensor:
        """Negative log posterior of the state of z, whose prior is the standard normal."""
        vectors, biases = state(z)
        many = vectors.expand(len(items), -1), biases.expand(len(items), -1)
        rated: Tensor = member.rate(many, item_pairs)
        away = (rated - values[:, None]).square().mean(1)
        return away.double().sum() / (2 * noise) + z.square().sum() / 2

    def evaluate(point: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        z = torch.from_numpy(point.copy()).to(device).requires_grad_()
        with torch.enable_grad():
            value = energy(z)
        (slope,) = torch.autograd.grad(value, z)
        return float(value.detach()), slope.cpu().numpy()

    start = np.zeros(len(mean))
    optimum = minimize(evaluate, start, jac=True, method="L-BFGS-B", options={"maxiter": STEPS})
    return state(torch.from_numpy(optimum.x).to(device))


def _prior(member: Any) -> tuple[Tensor, Tensor, int]:
    """Mean of the users' states, a root of their covariance, and the width of their vectors."""
    n = member.users.n_rows
    rows = torch.arange(1, n + 1, max(n // MOST_USERS, 1), device=member.users.factors.device)
    vectors, biases = member.users(rows)
    states = torch.cat([vectors, biases], dim=1).double()
    mean = states.mean(0)
    away = states - mean
    covariance = away.T @ away / max(len(states) - 1, 1)
    covariance.diagonal().add_(RIDGE * covariance.diagonal().mean().clamp(min=1e-12))
    return mean, torch.linalg.cholesky(covariance), vectors.shape[1]


def _noise(member: Any) -> float:
    """Variance of a rating: NOISE on a scale from one to five, in proportion on another."""
    low, high = member.low, member.high
    return NOISE if low is None or high is None else NOISE * ((high - low) / 4.8) ** 2
