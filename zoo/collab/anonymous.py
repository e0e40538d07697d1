"""A recommender without its users: items alone, ready to be published.

What remains of the users is what a new one needs: the mean and the covariance of their vectors and
biases, from which `fold_in` places whoever gives some ratings. They are kept as the fewest points
that have them, two for each direction, so that the model is an ordinary one of dot products.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from zoo.collab.data.rated_items import Seen, nothing_seen
from zoo.collab.models.factors import Factors
from zoo.collab.spec import Spec

POINT = "point {}"  # in the place of users' ids


def points_like(states: Tensor) -> Tensor:
    """The points on the axes of a cloud that have its mean and covariance.

    **Shape.** (n, d) -> (2 d, d).

    >>> cloud = torch.randn(100, 3, dtype=torch.float64)
    >>> points = points_like(cloud)
    >>> bool(torch.allclose(points.T.cov(), cloud.T.cov()))
    True
    >>> bool(torch.allclose(points.mean(0), cloud.mean(0)))
    True
    """
    d = states.shape[1]
    variances, axes = torch.linalg.eigh(states.T.cov())
    away = (axes * (variances.clamp(min=0) * (2 * d - 1) / 2).sqrt()).T
    return states.mean(0) + torch.cat([away, -away])


def anonymous(members: list[Any], spec: Spec) -> tuple[list[nn.Module], Spec, Seen, dict[str, Any]]:
    """Networks of dot products, spec, histories and arguments that know items alone.

    Raises:
        ValueError: the model tells users by something else than vectors and biases.
    """
    if odd := [type(member).__name__ for member in members if not isinstance(member, Factors)]:
        raise ValueError(
            "users can be left out of models of dot products, dot_bias and svdpp, however this "
            f"one is made of {odd[0]}; train one of those"
        )
    arguments = {"n_factors": 0, "members": members[0].members}
    arguments["n_factors"] = members[0].users.factors.shape[1] // arguments["members"]
    networks = [_plain(member, arguments) for member in members]
    n = networks[0].users.n_rows
    names = tuple(POINT.format(number) for number in range(1, n + 1))
    public = replace(spec, users=names, features={}, n_held_out=0)
    return list(networks), public, nothing_seen(n), arguments


@torch.no_grad()
def _plain(member: Factors, arguments: dict[str, Any]) -> Factors:
    """The same sums without histories and features, points in the place of users."""
    vectors, biases = (tensor.detach().cpu() for tensor in member.items.all())
    users = torch.cat([tensor[1:].cpu() for tensor in member.users.all()], dim=1).double()
    points = points_like(users).float()
    width = vectors.shape[1]
    made = Factors(
        n_users=len(points),
        n_items=len(vectors) - 1,
        low=member.low,
        high=member.high,
        **arguments,
    )
    made.items.factors.copy_(vectors)
    made.items.bias.copy_(biases)
    made.users.factors[1:], made.users.bias[1:] = points[:, :width], points[:, width:]
    return made.eval()  # the unknown rows become the means
