"""A new user from a few ratings, without training.

In a model that represents users by their history alone, the history is the user. Otherwise their
vector and bias are the maximum a posteriori: squared error of the ratings against a normal prior
with the mean and covariance of the model's users. Without ratings the new user is the mean one;
every rating moves them from there.

A dot product is differentiated by hand, in double precision: L-BFGS then takes a fraction of the
steps that it takes on the noise of single precision, and a step a fraction of autograd's time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.collab.models.factors import Factors, Pair

RIDGE = 1e-4  # share of the mean variance added to the covariance: there may be few users
NOISE = 0.8  # variance of a rating about its prediction, in squared units of a one-to-five scale
STEPS = 200
MOST_USERS = 20_000  # about so many the prior is computed from

Numbers = NDArray[np.float64]
Rate = Callable[[Numbers], tuple[Numbers, Callable[[Numbers], Numbers]]]
"""A state (width + members,) -> its ratings of the items (n, members), and the function from the
slopes of a loss by those ratings to its slopes by the state."""


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
    from scipy.optimize import minimize  # takes a fifth of a second to import

    side = member.users
    items = items.to(side.factors.device)
    if not side.own:
        return side.met(items), side.bias[:1]
    mean, root, width = _prior(member)
    rate = (_products if isinstance(member, Factors) else _differentiated)(member, items)
    wanted, noise = _plain(values)[:, None], _noise(member)

    def energy(z: Numbers) -> tuple[float, Numbers]:
        """Negative log posterior of the state of z, whose prior is the standard normal; slopes."""
        rated, pull = rate(mean + root @ z)
        away = rated - wanted
        value = np.square(away).mean(1).sum() / (2 * noise) + z @ z / 2
        return float(value), pull(away / (noise * away.shape[1])) @ root + z

    start = np.zeros(len(mean))
    best = minimize(energy, start, jac=True, method="L-BFGS-B", options={"maxiter": STEPS}).x
    state = torch.from_numpy(mean + root @ best).to(side.factors)[None]
    return state[:, :width], state[:, width:]


def _products(member: Factors, items: Tensor) -> Rate:
    """Ratings by `Factors.rate` in double precision."""
    from scipy.special import expit

    low, high, m = member.low, member.high, member.members
    vectors, biases = map(_plain, member.items(items))
    factors = np.ascontiguousarray(vectors.reshape(len(items), m, -1).swapaxes(0, 1))  # (m, n, d)

    def rate(state: Numbers) -> tuple[Numbers, Callable[[Numbers], Numbers]]:
        own = state[:-m].reshape(m, -1, 1)
        rated, slope = (factors @ own)[..., 0].T + state[-m:] + biases, 1.0
        if low is not None and high is not None:
            share = expit(rated)
            rated, slope = low + (high - low) * share, (high - low) * share * (1 - share)

        def pull(slopes: Numbers) -> Numbers:
            of_sums = slopes * slope
            return np.append(of_sums.T[:, None] @ factors, of_sums.sum(0))

        return rated, pull

    return rate


def _differentiated(member: Any, items: Tensor) -> Rate:
    """Ratings by any network's `rate`, by autograd."""
    of_items, width = member.items(items), member.users.factors.shape[1]

    def rate(state: Numbers) -> tuple[Numbers, Callable[[Numbers], Numbers]]:
        leaf = torch.from_numpy(state).to(of_items[0]).requires_grad_()
        with torch.enable_grad():
            many = leaf.expand(len(items), -1)
            rated = member.rate((many[:, :width], many[:, width:]), of_items)

        def pull(slopes: Numbers) -> Numbers:
            (slope,) = torch.autograd.grad(rated, leaf, torch.from_numpy(slopes).to(rated))
            return _plain(slope)

        return _plain(rated.detach()), pull

    return rate


def _prior(member: Any) -> tuple[Numbers, Numbers, int]:
    """Mean of the users' states, a root of their covariance, and the width of their vectors."""
    n = member.users.n_rows
    rows = torch.arange(1, n + 1, max(n // MOST_USERS, 1), device=member.users.factors.device)
    vectors, biases = member.users(rows)
    states = torch.cat([vectors, biases], dim=1).double()
    mean = states.mean(0)
    away = states - mean
    covariance = away.T @ away / max(len(states) - 1, 1)
    covariance.diagonal().add_(RIDGE * covariance.diagonal().mean().clamp(min=1e-12))
    return _plain(mean), _plain(torch.linalg.cholesky(covariance)), vectors.shape[1]


def _plain(tensor: Tensor) -> Numbers:
    numbers: Numbers = tensor.cpu().double().numpy()
    return numbers


def _noise(member: Any) -> float:
    """Variance of a rating: NOISE on a scale from one to five, in proportion on another."""
    low, high = member.low, member.high
    return NOISE if low is None or high is None else NOISE * ((high - low) / 4.8) ** 2
