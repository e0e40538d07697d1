"""Implicit ALS: vectors by which every chosen pair is near one, and every other pair near zero.

Hu, Koren & Volinsky 2008, with the regularisation by frequency of Rendle et al. 2021, "Revisiting
the Performance of iALS on Item Recommendation Benchmarks", eq. 3: the loss is the sum over chosen
pairs of (1 - s)^2, plus unobserved * the sum over all pairs of s^2, plus penalty * the sum over
vectors of (frequency + unobserved * number of the other side) |v|^2. That number is the effective
one, (sum of frequencies)^2 / sum of their squares: thousands of items that hardly anybody chose add
nothing to the loss, and so must not add to the penalty.
A user is the exact minimum for the items that they chose, so that users have no parameters.
"""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor, nn

from zoo.collab.data.rated_items import RatedItems
from zoo.core.training.groups import LayerGroup

N_FACTORS: Final = 32
SWEEPS: Final = 8  # over items and users
INIT_STD: Final = 0.1  # of a vector's length
AT_ONCE: Final = 2**22  # numbers of vectors that are multiplied in one step


class Ials(nn.Module):
    """Item vectors, from which those of users follow.

    Args:
        n_items: number of items.
        n_factors: width of a vector.
        unobserved: weight of a pair that was not chosen.
        penalty: weight of the squared length of a vector, per pair.
        n_effective: effective number of items.
    """

    def __init__(
        self,
        *,
        n_items: int,
        n_factors: int,
        unobserved: float,
        penalty: float,
        n_effective: float,
    ) -> None:
        super().__init__()
        self.unobserved, self.penalty, self.n_effective = unobserved, penalty, n_effective
        self.vectors = nn.Parameter(torch.zeros(n_items + 1, n_factors))

    @property
    def arguments(self) -> dict[str, Any]:
        """Arguments of the class beside the number of items, as JSON holds them."""
        stated = {"unobserved": self.unobserved, "penalty": self.penalty}
        return {"n_factors": self.vectors.shape[1], **stated, "n_effective": self.n_effective}

    def score(self, history: RatedItems) -> Tensor:
        """Scores of all items, the unknown one's first. Shape: (B, n_items + 1)."""
        setting = self.unobserved, self.penalty, self.n_effective
        users = solved(self.vectors, history, *setting)
        return users @ self.vectors.T

    def shares_of(self, chosen: Tensor, item: int) -> Tensor:
        """What each of a user's items adds to the score of one. Shape: (n,) -> (n,).

        The user's vector is a matrix times the sum of these items' (Hu, Koren & Volinsky 2008,
        sec. 5, "Explaining recommendations").
        """
        own, n = self.vectors[chosen.long()], len(chosen)
        system = self.unobserved * self.vectors.T @ self.vectors + own.T @ own
        system.diagonal().add_(self.penalty * (n + self.unobserved * self.n_effective))
        shares: Tensor = own @ torch.linalg.solve(system, self.vectors[item])
        return shares

    def similarities(self, items: Tensor) -> Tensor:
        """Cosines of some items and all. Shape: (m,) -> (m, n_items + 1)."""
        vectors = nn.functional.normalize(self.vectors, dim=1)
        return vectors[items] @ vectors.T

    def layers(self) -> list[LayerGroup]:
        """One group."""
        return [LayerGroup("items", (self,))]


@torch.no_grad()
def ials(
    history: RatedItems,
    n_items: int,
    *,
    penalty: float,
    unobserved: float = 0.1,
    n_factors: int = N_FACTORS,
    seed: int = 0,
) -> Ials:
    """Alternate between exact solutions for users and items.

    Args:
        history: items of every user.
        n_items: number of items.
        penalty: see `Ials`.
        unobserved: see `Ials`.
        n_factors: width of a vector.
        seed: of the first vectors.
    """
    users_of = history.transposed(n_items)
    of_users, of_items = _effective(history), _effective(users_of)
    model = Ials(
        n_items=n_items,
        n_factors=n_factors,
        unobserved=unobserved,
        penalty=penalty,
        n_effective=of_items,
    )
    generator = torch.Generator().manual_seed(seed)
    first = torch.randn(n_items, n_factors, generator=generator)
    model.vectors[1:] = first * (INIT_STD / n_factors**0.5)
    for _ in range(SWEEPS):
        users = solved(model.vectors, history, unobserved, penalty, of_items)
        model.vectors.copy_(solved(users, users_of, unobserved, penalty, of_users))
    return model


def solved(
    vectors: Tensor, met: RatedItems, unobserved: float, penalty: float, n_effective: float
) -> Tensor:
    """The vectors of one side that are best for those of the other.

    Rows are solved together with others that have met about as many, padded by row 0, which is
    zero.

    Shape: vectors (m + 1, d) of the other side, of which `met` has (n + 1) lists -> (n + 1, d).
    """
    d = vectors.shape[1]
    counts = met.offsets.diff()
    found = vectors.new_zeros(len(counts), d)
    every = unobserved * vectors.T @ vectors
    order = counts.argsort()
    start = int((counts == 0).sum())
    while start < len(order):
        rows = _alike(order[start:], counts, d)
        start += len(rows)
        part = met.part(rows)
        n = part.offsets.diff()
        places = torch.arange(int(n.max()), device=n.device) < n[:, None]
        padded = torch.zeros_like(places, dtype=torch.int64)
        padded[places] = part.items.long()
        chosen = vectors[padded]  # (B, longest, d)
        system = torch.baddbmm(every, chosen.mT, chosen)
        system.diagonal(dim1=1, dim2=2).add_((penalty * (n + unobserved * n_effective))[:, None])
        root = torch.linalg.cholesky(system)
        found[rows] = torch.cholesky_solve(chosen.sum(1)[:, :, None], root)[:, :, 0]
    return found


def _effective(met: RatedItems) -> float:
    """The effective number of lists: as many of one length would be as uneven as they are."""
    counts = met.offsets.diff().double()
    return float(counts.sum() ** 2 / counts.square().sum().clamp(min=1))


def _alike(order: Tensor, counts: Tensor, d: int) -> Tensor:
    """The first of some rows in the order of their counts, as many as fit in one step."""
    n = max(AT_ONCE // (d * max(d, int(counts[order[0]]))), 1)
    n = max(AT_ONCE // (d * max(d, int(counts[order[:n][-1]]))), 1)
    return order[:n]
