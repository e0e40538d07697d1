"""A multilayer net over the embeddings of a user and an item (fast.ai's `EmbeddingNN`)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from zoo.collab.data.rated_items import RatedItems
from zoo.collab.models.factors import Pair, Side, scaled, start_of
from zoo.core.training.groups import LayerGroup


class EmbeddingNet(nn.Module):
    """Embeddings side by side, then linear layers with ReLU, then the scaled sigmoid.

    Args:
        n_users: number of users.
        n_items: number of items.
        n_factors: width of an embedding.
        hidden: widths of the hidden layers, at least one.
        dropout: dropout probability after each of them.
        mean: rating that predictions begin at.
        low: lower end of the scale, see `scaled`; None leaves the sum as it is.
        high: upper end of the scale.
    """

    def __init__(
        self,
        *,
        n_users: int,
        n_items: int,
        n_factors: int = 50,
        hidden: Sequence[int] = (100, 50),
        dropout: float = 0.25,
        mean: float = 0.0,
        low: float | None = None,
        high: float | None = None,
    ) -> None:
        super().__init__()
        self.low, self.high = low, high
        self.users = Side(n_users, n_factors, 1)
        self.items = Side(n_items, n_factors, 1)
        self.user_layer = nn.Linear(n_factors, hidden[0])
        self.item_layer = nn.Linear(n_factors, hidden[0], bias=False)
        widths = itertools.pairwise(hidden)
        self.rest = nn.Sequential(
            nn.ReLU(),
            nn.Dropout(dropout),
            *(m for a, b in widths for m in (nn.Linear(a, b), nn.ReLU(), nn.Dropout(dropout))),
            nn.Linear(hidden[-1], 1),
        )
        for side in (self.users, self.items):
            nn.init.normal_(side.factors, std=0.1)
        last: Any = self.rest[-1]
        nn.init.constant_(last.bias, start_of(mean, low, high)[0])

    def forward(self, users: Tensor, items: Tensor) -> Tensor:
        """Ratings. Shape: (B,) and (B,) -> (B, 1)."""
        return self.rate(self.users(users), self.items(items))

    @torch.no_grad()
    def begin_at(self, offset: float) -> None:
        """See `Factors.begin_at`."""
        last: Any = self.rest[-1]
        last.bias.fill_(offset)

    def set_rated_items(self, rated_items: RatedItems) -> None:
        """Do nothing: this model has no histories."""

    def rate(self, users: Pair, items: Pair) -> Tensor:
        """Ratings from embeddings and biases. Shape: (B, 1)."""
        first = self.user_layer(users[0]) + self.item_layer(items[0])
        return scaled(self.rest(first) + users[1] + items[1], self.low, self.high)

    def layers(self) -> list[LayerGroup]:
        """The embeddings, then the layers above them."""
        return [
            LayerGroup("embeddings", (self.users, self.items)),
            LayerGroup("net", (self.user_layer, self.item_layer, self.rest)),
        ]
