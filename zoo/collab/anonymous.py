"""A recommender without its users: items alone, ready to be published.

Of the users it keeps what a new one needs: the mean and the covariance of their vectors and biases,
from which `fold_in` places someone by a few ratings. They are stored as the fewest points that have
this mean and covariance, two per direction, so that the model is an ordinary one of dot products.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from zoo.collab.data.rated_items import RatedItems
from zoo.collab.models.factors import Factors
from zoo.collab.spec import POINT, Spec


def points_like(states: Tensor) -> Tensor:
    """The points on the axes of a cloud that have its mean and covariance.

    Shape: (n, d) -> (2 d, d).

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


def anonymous(
    members: list[Any], spec: Spec
) -> tuple[list[nn.Module], Spec, RatedItems, dict[str, Any]]:
    """Networks of dot products, their spec, rated items and arguments, without any user.

    Raises:
        ValueError: a network tells users apart by something else than vectors and biases.
    """
    if odd := [type(member).__name__ for member in members if not isinstance(member, Factors)]:
        raise ValueError(
            "users can be left out of models of dot products, 'dot_bias' and 'svdpp', got one of "
            f"{odd[0]}. Train one of those."
        )
    arguments = {"n_factors": 0, "members": members[0].members}
    arguments["n_factors"] = members[0].users.factors.shape[1] // arguments["members"]
    networks = [_plain(member, arguments) for member in members]
    n = networks[0].users.n_rows
    names = tuple(POINT.format(number) for number in range(1, n + 1))
    public = replace(spec, users=names, features={}, n_held_out=0)
    return list(networks), public, RatedItems.empty(n), arguments


@torch.no_grad()
def _plain(member: Factors, arguments: dict[str, Any]) -> Factors:
    """A network of the same sums without histories and features, with points as its users."""
    vectors, biases = (tensor.detach().cpu() for tensor in member.items.all())
    users = torch.cat([tensor[1:].cpu() for tensor in member.users.all()], dim=1).double()
    points = points_like(users).float()
    width = vectors.shape[1]
    network = Factors(
        n_users=len(points), n_items=len(vectors) - 1, low=member.low, high=member.high, **arguments
    )
    network.items.factors.copy_(vectors)
    network.items.bias.copy_(biases)
    network.users.factors[1:], network.users.bias[1:] = points[:, :width], points[:, width:]
    return network.eval()  # the unknown rows become the means
