"""A new user from a few ratings, without training.

What tells users apart (their vector and bias) is found by maximum a posteriori: squared error of
the ratings, or the softmax of what was chosen, against a normal prior with the mean and covariance
of known users. With no rating the new user is the mean one; every rating moves them from there.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from torch import Tensor

from zoo.collab.models.factors import Pair

RIDGE = 1e-4  # of the covariance's mean variance, added to it: there may be few users
NOISE = 0.8  # variance of a rating about its prediction, in squared units of a one-to-five scale
STEPS = 200
MOST_KNOWN = 20_000  # users that the prior is taken from


def state_of(member: Any, items: Tensor, values: Tensor, *, ranks: bool) -> Pair:
    """The state that explains a new user's ratings best.

    Args:
        member: the network.
        items: rows of what was rated, (n,).
        values: ratings, (n,).
        ranks: whether the network orders items by what was chosen, and looks at no rating.

    Returns:
        Shape: (1, width) and (1, members), as `member.users` gives them.
    """
    device = member.users.factors.device
    items, values = items.to(device), values.to(device)
    with torch.no_grad():
        mean, root, width = _prior(member)
        told = member.ranker() if ranks else member.items(items)
    noise = 1.0 if ranks else 2 * _noise(member)

    def state(z: Tensor) -> Pair:
        both = (mean + root @ z).float()[None]
        return both[:, :width], both[:, width:]

    def energy(z: Tensor) -> Tensor:
        """Of a state whose prior is the standard normal in z."""
        vectors, biases = state(z)
        if ranks:
            scores = torch.addmm(told[1], vectors, told[0].T)[0]
            away = scores[1:].logsumexp(0) - scores[items]
        else:
            many = vectors.expand(len(items), -1), biases.expand(len(items), -1)
            away = (member.rate(many, told) - values[:, None]).square().mean(1)
        return away.double().sum() / noise + z.square().sum() / 2

    def evaluate(point: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        z = torch.from_numpy(point.copy()).to(device).requires_grad_()
        value = energy(z)
        (slope,) = torch.autograd.grad(value, z)
        return value.detach().item(), slope.cpu().numpy()

    start = np.zeros(len(mean))
    found = minimize(evaluate, start, jac=True, method="L-BFGS-B", options={"maxiter": STEPS})
    with torch.no_grad():
        return state(torch.from_numpy(found.x).to(device))


def _prior(member: Any) -> tuple[Tensor, Tensor, int]:
    """Mean of known users' states, a root of their covariance, and the width of their vectors."""
    n = member.users.n_rows
    rows = torch.arange(1, n + 1, max(n // MOST_KNOWN, 1), device=member.users.factors.device)
    vectors, biases = member.users(rows)
    states = torch.cat([vectors, biases], dim=1).double()
    mean = states.mean(0)
    away = states - mean
    covariance = away.T @ away / max(len(states) - 1, 1)
    ridge = RIDGE * covariance.diagonal().mean().clamp(min=1e-12)
    covariance.diagonal().add_(ridge)
    return mean, torch.linalg.cholesky(covariance), vectors.shape[1]


def _noise(member: Any) -> float:
    """Variance of a rating: NOISE on a scale from one to five, in proportion on another."""
    low, high = member.low, member.high
    return NOISE if low is None or high is None else NOISE * ((high - low) / 4.8) ** 2
