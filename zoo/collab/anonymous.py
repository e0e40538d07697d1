"""A recommender without its users: items alone, ready to be published.

Of the users it keeps what a new one needs: the mean and the covariance of their vectors and biases,
from which `fold_in` places someone by a few ratings. They are stored as the fewest points that have
this mean and covariance, two per direction, so that the model is an ordinary one of dot products.
Models of lists, to which users are what they chose, need none of them. Their weights between items
are sums over all users, but those of an item that few chose would tell what else these few chose:
items of fewer than `FEWEST` users have none.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any, Final

import torch
from torch import Tensor, nn

from zoo.collab.components import Components
from zoo.collab.data.rated_items import RatedItems
from zoo.collab.models.factors import Factors
from zoo.collab.models.ials import Ials
from zoo.collab.models.item_matrix import ItemMatrix
from zoo.collab.models.list_blend import ListBlend
from zoo.collab.models.sasrec import SasRec
from zoo.collab.models.softmax import Softmax
from zoo.collab.rivals import Biases
from zoo.collab.spec import POINT
from zoo.collab.task import predicts_ratings
from zoo.core.trust.blend import Blend

FEWEST: Final = 3  # users by whom an item must have been chosen to have neighbours


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


def without_users(whole: Components) -> Components:
    """The components of a model without any user.

    Raises:
        ValueError: a network, or a partner of the blend, tells users apart by something else than
            vectors and biases.
    """
    name, members, arguments, n = whole.name, whole.members, whole.arguments, 1
    if predicts_ratings(name):
        networks, arguments = _points(members)
        name, members, n = "dot_bias", networks, networks[0].users.n_rows
    else:
        counts = whole.counts
        members = [_ranker_without_users(member, counts) for member in members]
    users = tuple(POINT.format(number) for number in range(1, n + 1))
    return Components(
        members,
        replace(whole.spec, users=users, features={}, n_held_out=0),
        name,
        arguments,
        RatedItems.empty(n),
        lists=whole.lists and without_rare(whole.lists),
        blend=whole.blend and partners_without_users(whole.blend, n),
    )


@torch.no_grad()
def without_rare(lists: ListBlend) -> ListBlend:
    """A model of lists in which nothing goes with an item that fewer than `FEWEST` users chose."""
    public = deepcopy(lists).cpu()
    is_rare = public.counts < FEWEST
    for part in public.parts.values():
        if isinstance(part, ItemMatrix):
            part.weights[is_rare[part.items.long()]] = 0.0
            part.weights[is_rare[part.neighbours.long()]] = 0.0
        elif isinstance(part, Ials):
            part.vectors[is_rare] = 0.0
        elif isinstance(part, SasRec | Softmax):
            _blur(part, is_rare)
    return public


@torch.no_grad()
def partners_without_users(blend: Blend, n: int) -> Blend:
    """A blend with biases, whose users are n points, an even number, of the same mean and variance.

    Raises:
        ValueError: a partner is none of biases.
    """
    partners = []
    for partner in blend.partners:
        if not isinstance(partner, Biases):
            raise ValueError(
                f"users can be left out of a blend with biases, got one with {partner}. Train with "
                "rivals=False."
            )
        public = Biases(**partner.arguments | {"n_users": n}).eval()
        public.mean.copy_(partner.mean)
        public.items.load_state_dict(partner.items.state_dict())
        biases = partner.users.bias[1:].cpu()
        away = biases.std() * ((n - 1) / n) ** 0.5
        both = torch.stack([biases.mean() + away, biases.mean() - away])
        public.users.bias[1:] = both.repeat(n // 2)[:, None]
        partners.append(public)
    return replace(blend, partners=tuple(partners))


def _blur(network: SasRec | Softmax, is_rare: Tensor) -> None:
    """Give rare items the mean vector of all where they need one in sequences, or else none."""
    is_rare = is_rare.clone()
    is_rare[0] = False  # what every sequence begins with
    if isinstance(network, SasRec):
        network.vectors[is_rare] = network.vectors[1:].mean(0)
    else:
        network.items.factors[is_rare] = 0.0
        network.users.implicit[is_rare] = 0.0


@torch.no_grad()
def _ranker_without_users(member: Any, counts: Tensor | None) -> nn.Module:
    """A model of lists, or a network to which users are what they chose."""
    if isinstance(member, ListBlend):
        return without_rare(member)
    public: SasRec | Softmax
    public = deepcopy(member).cpu() if isinstance(member, SasRec) else member.without_users()
    if counts is not None:
        _blur(public, counts < FEWEST)
    return public.eval()


def _points(members: Sequence[Any]) -> tuple[list[Factors], dict[str, Any]]:
    """Networks of dot products whose users are points, and their arguments.

    Raises:
        ValueError: one tells users apart by something else than vectors and biases.
    """
    if odd := [type(member).__name__ for member in members if not isinstance(member, Factors)]:
        raise ValueError(
            "users can be left out of models of dot products, 'dot_bias' and 'svdpp', got one of "
            f"{odd[0]}. Train one of those."
        )
    n = members[0].members
    plain = {"n_factors": members[0].users.factors.shape[1] // n, "members": n}
    return [_plain(member, plain) for member in members], plain


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
