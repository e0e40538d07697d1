"""Ranking from what was chosen: the chosen item against items drawn at random.

A softmax over one positive and many negatives is the loss of the "sampled softmax" family; with
all items as negatives it is exact. It replaces the pairwise comparison of BPR (Rendle et al. 2009),
whose single negative a positive tells little.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from zoo.collab.models.factors import Factors
from zoo.collab.seen import Seen
from zoo.core.groups import LayerGroup


class Softmax(nn.Module):
    """Scores of a chosen item and of negatives, by a factor model.

    Args:
        n_users: known ones.
        n_items: likewise.
        n_factors: width of a vector.
        negatives: drawn uniformly for every batch, on the device; all items if there are no more.
    """

    def __init__(
        self, *, n_users: int, n_items: int, n_factors: int = 64, negatives: int = 2048
    ) -> None:
        super().__init__()
        self.n_items, self.negatives = n_items, negatives
        self.factors = Factors(n_users=n_users, n_items=n_items, n_factors=n_factors)

    @property
    def users(self) -> nn.Module:
        """The users' side."""
        return self.factors.users

    @property
    def items(self) -> nn.Module:
        """The items' side."""
        return self.factors.items

    def forward(self, users: Tensor, items: Tensor) -> Tensor:
        """Scores, the chosen item's first. Shape: (B,) and (B,) -> (B, 1 + negatives)."""
        return self.rate(self.states(users), items)

    def set_seen(self, seen: Seen) -> None:
        """Nothing: this model has no history."""

    def states(self, users: Tensor) -> Tensor:
        """All that tells users apart. Shape: (B,) -> (B, n_factors + 1)."""
        return self.factors.states(users)

    def rate(self, states: Tensor, items: Tensor) -> Tensor:
        """As `forward`, from states. Shape: (B, n_factors + 1) and (B,) -> (B, 1 + negatives)."""
        chosen = self.factors.rate(states, items)
        drawn = self._draw(items.device)
        vectors, biases = self.factors.items(drawn)
        others = states[:, :-1] @ vectors.T + biases[:, 0] + states[:, -1:]
        others = others.masked_fill(drawn[None, :] == items[:, None], -torch.inf)
        return torch.cat([chosen, others], dim=1)

    def ranker(self) -> tuple[Tensor, Tensor]:
        """See `Factors.ranker`."""
        return self.factors.ranker()

    def layers(self) -> list[LayerGroup]:
        """One group: users and items learn together."""
        return self.factors.layers()

    def _draw(self, device: torch.device) -> Tensor:
        """Rows of negatives: new ones at every training step, the same ones in evaluation."""
        if self.negatives >= self.n_items:
            return torch.arange(1, self.n_items + 1, device=device)
        if self.training:
            return torch.randint(1, self.n_items + 1, (self.negatives,), device=device)
        generator = torch.Generator().manual_seed(0)
        drawn = torch.randint(1, self.n_items + 1, (self.negatives,), generator=generator)
        return drawn.to(device)
