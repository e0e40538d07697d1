"""Ranking from what was chosen: the chosen item against items drawn at random.

A user is the sum of second item vectors over all that they chose, most of which every training step
leaves out at random: a linear denoising autoencoder with the multinomial loss of Mult-DAE (Liang et
al. 2018, "Variational Autoencoders for Collaborative Filtering"). No user has parameters, so new
users need no training. The softmax is over negatives drawn on the device, or exact if they are all.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from zoo.collab.data.rated_items import RatedItems
from zoo.collab.models.factors import Pair, Side
from zoo.core.training.groups import LayerGroup


class Softmax(nn.Module):
    """Scores of a chosen item and of negatives.

    Args:
        n_users: number of users.
        n_items: number of items.
        n_factors: width of a vector.
        negatives: number of items drawn uniformly for every batch; all if there are no more.
        dropout: share of a user's history that each training step leaves out.
    """

    cut_short = ""  # as that of `SasRec`

    def __init__(
        self,
        *,
        n_users: int,
        n_items: int,
        n_factors: int = 64,
        negatives: int = 2048,
        dropout: float = 0.8,
    ) -> None:
        super().__init__()
        self.n_items, self.negatives = n_items, negatives
        self.users = Side(n_users, n_factors, 1, n_others=n_items, own=False, dropout=dropout)
        self.items = Side(n_items, n_factors, 1)

    @property
    def arguments(self) -> dict[str, Any]:
        """Arguments of the class beside the numbers of users and items, as JSON holds them."""
        n_factors, dropout = self.items.factors.shape[1], self.users.dropout
        return {"n_factors": n_factors, "negatives": self.negatives, "dropout": dropout}

    @torch.no_grad()
    def without_users(self) -> Softmax:
        """The same network, on the CPU, with a single user who has chosen nothing."""
        public = Softmax(n_users=1, n_items=self.n_items, **self.arguments)
        public.items.load_state_dict(self.items.state_dict())
        public.users.implicit.copy_(self.users.implicit)
        return public.eval()

    def forward(self, users: Tensor, items: Tensor) -> Tensor:
        """Scores, the chosen item's first. Shape: (B,) and (B,) -> (B, 1 + negatives)."""
        who = self.users(users)
        drawn = self._draw(items.device)
        vectors, biases = self.items(drawn)
        others = who[0] @ vectors.T + biases[:, 0] + who[1]
        others = others.masked_fill(drawn[None, :] == items[:, None], -torch.inf)
        return torch.cat([self.rate(who, self.items(items)), others], dim=1)

    def set_rated_items(self, rated_items: RatedItems) -> None:
        """Set the items that each user has chosen."""
        self.users.set_history(rated_items)

    def rate(self, users: Pair, items: Pair) -> Tensor:
        """Scores that only order. Shape: (B, 1)."""
        return (users[0] * items[0]).sum(1, keepdim=True) + users[1] + items[1]

    def ranker(self) -> tuple[Tensor, Tensor]:
        """See `Factors.ranker`."""
        vectors, biases = self.items.all()
        return vectors, biases[:, 0]

    def score(self, history: RatedItems) -> Tensor:
        """Scores of all items, the unknown one's first. Shape: (B, n_items + 1)."""
        vectors, biases = self.ranker()
        return torch.addmm(biases, self.users.summed(history), vectors.T)

    def shares_of(self, chosen: Tensor, item: int) -> Tensor:
        """What each of a user's items adds to the score of one. Shape: (n,) -> (n,)."""
        own = self.users.implicit[chosen.long()] @ self.items.factors[item]
        shares: Tensor = own * max(len(chosen), 1) ** -0.5
        return shares

    def similarities(self, items: Tensor) -> Tensor:
        """Cosines of some items and all. Shape: (m,) -> (m, n_items + 1)."""
        vectors = nn.functional.normalize(self.items.factors, dim=1)
        return vectors[items] @ vectors.T

    def layers(self) -> list[LayerGroup]:
        """One group: users and items learn together."""
        return [LayerGroup("factors", (self.users, self.items))]

    def _draw(self, device: torch.device) -> Tensor:
        """Rows of negatives: others at every training step, the same ones in evaluation."""
        if self.negatives >= self.n_items:
            return torch.arange(1, self.n_items + 1, device=device)
        if self.training:
            return torch.randint(1, self.n_items + 1, (self.negatives,), device=device)
        generator = torch.Generator().manual_seed(0)
        drawn = torch.randint(1, self.n_items + 1, (self.negatives,), generator=generator)
        return drawn.to(device, non_blocking=True)
