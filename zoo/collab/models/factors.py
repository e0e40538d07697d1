"""Factor models: a user and an item each have a vector and a bias; their product is the rating.

Plain, this is the dot product with biases and a scaled sigmoid of fast.ai's `collab_learner`. With
histories, each side also sums a second vector over all that it has rated, or that have rated it:
SVD++ (Koren 2008, "Factorization Meets the Neighborhood", eq. 15), here on both sides. Features
add a vector and a bias each. Several members are as many such models side by side, whose
predictions are averaged.
"""

from __future__ import annotations

import math
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo.collab.data.rated_items import RatedItems
from zoo.core.training.groups import LayerGroup

INIT_STD = 0.01
MANY = 2  # times a batch's rows: with more rows than that, most are in no batch

Pair = tuple[Tensor, Tensor]
"""Vectors (B, width) and biases (B, members): what represents users, or items."""


class Side(nn.Module):
    """Vectors and biases of all users, or of all items; row 0 stands for unknown ones.

    Row 0 takes the mean of the others whenever the module goes to evaluation mode.

    Args:
        n_rows: number of users, or of items.
        width: width of a vector, over all members.
        members: number of biases per row.
        n_others: number of rows of the other side; 0 without histories.
        n_features: number of columns of the features; 0 without features.
        own: whether a row has a vector of its own; else its history alone represents it.
        dropout: share of a history that each training step leaves out.
    """

    features: Tensor

    def __init__(
        self,
        n_rows: int,
        width: int,
        members: int,
        *,
        n_others: int = 0,
        n_features: int = 0,
        own: bool = True,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.n_rows, self.n_others, self.n_features = n_rows, n_others, n_features
        self.own, self.dropout = own, dropout
        if own:
            self.factors = nn.Parameter(_small(n_rows + 1, width))
        else:
            self.register_buffer("factors", torch.zeros(n_rows + 1, width))  # row 0 alone is used
        self.bias = nn.Parameter(torch.zeros(n_rows + 1, members))
        if n_others:
            self.implicit = nn.Parameter(_small(n_others + 1, width))
            self.set_history(RatedItems.empty(n_rows))
        if n_features:
            self.feature_factors = nn.Parameter(_small(n_features, width))
            self.bias_of_features = nn.Parameter(torch.zeros(n_features, members))
            self.register_buffer("features", torch.zeros(n_rows + 1, n_features))

    def set_history(self, history: RatedItems) -> None:
        """Set the rows of the other side that each row has met; neither weights nor buffers."""
        self._history = history

    def forward(self, rows: Tensor) -> Pair:
        """Vectors (B, width) and biases (B, members) of the rows (B,)."""
        vectors, biases = F.embedding(rows, self.factors), F.embedding(rows, self.bias)
        if self.n_others:
            vectors = vectors + self._histories(rows)
        if self.n_features:
            features = F.embedding(rows, self.features)
            vectors = vectors + features @ self.feature_factors
            biases = biases + features @ self.bias_of_features
        return vectors, biases

    @torch.no_grad()
    def start_at(self, biases: Tensor, of_features: Tensor) -> None:
        """Begin at biases of the rows and of the features. Shape: (n_rows + 1,) and (n_features,).

        All members begin alike.
        """
        self.bias.copy_(biases[:, None].expand_as(self.bias))
        if self.n_features:
            self.bias_of_features.copy_(of_features[:, None].expand_as(self.bias_of_features))

    def met(self, others: Tensor) -> Tensor:
        """The vector of a history. Shape: (n,) -> (1, width)."""
        summed = F.embedding(others, self.implicit).sum(0, keepdim=True)
        return summed / math.sqrt(max(len(others), 1))

    def all(self) -> Pair:
        """Vectors and biases of every row, the unknown one first.

        They are the parameters themselves where nothing is added to them.
        """
        if not self.n_others and not self.n_features:
            return self.factors, self.bias
        return self.forward(torch.arange(self.n_rows + 1, device=self.factors.device))

    def train(self, mode: bool = True) -> Self:
        """Switch the mode; from training to evaluation, the unknown row gets the mean."""
        was_training = self.training
        super().train(mode)
        if was_training and not mode and self.factors.device.type != "meta":
            with torch.no_grad():  # without dropout
                vectors, biases = self.all()
                self.factors[0], self.bias[0] = vectors[1:].mean(0), biases[1:].mean(0)
        return self

    def _histories(self, rows: Tensor) -> Tensor:
        """The vectors of the rows' histories. Shape: (B,) -> (B, width).

        A batch that has most rows sums all histories once; another one those of its rows alone.
        """
        if self._history.items.device != self.implicit.device:
            self._history = self._history.to(self.implicit.device)
        if self.n_rows <= MANY * len(rows):
            return F.embedding(rows, self.summed(self._history))
        own, position = torch.unique(rows, return_inverse=True)
        return F.embedding(position, self.summed(self._history.part(own)))

    def summed(self, history: RatedItems) -> Tensor:
        """The vector of each of some histories. Shape: (n, width)."""
        offsets, others = history
        kept = None
        if self.training and self.dropout:
            kept = F.dropout(torch.ones_like(others, dtype=self.implicit.dtype), self.dropout)
        sums = F.embedding_bag(
            others,
            self.implicit,
            offsets.to(others.dtype),
            mode="sum",
            per_sample_weights=kept,
            include_last_offset=True,
        )
        return sums * offsets.diff().clamp(min=1).rsqrt()[:, None]


class Factors(nn.Module):
    """The dot product of a user's and an item's vector, plus their biases.

    Ratings begin at the middle of the scale; `zoo.collab.recipe` has them begin elsewhere.

    Args:
        n_users: number of users.
        n_items: number of items.
        n_factors: width of one member's vectors.
        members: number of models side by side.
        low: lower end of the scale, see `scaled`; None leaves the sum as it is.
        high: upper end of the scale.
        histories: whether to add the sums over what each side has met, see `set_rated_items`.
        user_features: number of columns of the users' features.
        item_features: number of columns of the items' features.
    """

    def __init__(
        self,
        *,
        n_users: int,
        n_items: int,
        n_factors: int = 50,
        members: int = 1,
        low: float | None = None,
        high: float | None = None,
        histories: bool = False,
        user_features: int = 0,
        item_features: int = 0,
    ) -> None:
        super().__init__()
        width = n_factors * members
        self.members, self.low, self.high = members, low, high
        met_items, met_users = (n_items, n_users) if histories else (0, 0)
        self.users = Side(n_users, width, members, n_others=met_items, n_features=user_features)
        self.items = Side(n_items, width, members, n_others=met_users, n_features=item_features)

    def forward(self, users: Tensor, items: Tensor) -> Tensor:
        """Ratings. Shape: (B,) and (B,) -> (B, members)."""
        return self.rate(self.users(users), self.items(items))

    def set_rated_items(self, rated_items: RatedItems) -> None:
        """Set what each side has met, for its history."""
        if self.users.n_others:
            self.users.set_history(rated_items)
            self.items.set_history(rated_items.transposed(self.items.n_rows))

    @torch.no_grad()
    def begin_at(self, offset: float) -> None:
        """Have all pairs of a new network begin at a number, before the sigmoid."""
        self.items.bias.add_(offset)

    @torch.no_grad()
    def set_features(self, side: str, features: Tensor) -> None:
        """Set features of the "user" or "item" side; rows of zeros leave earlier ones.

        Shape: (n + 1, n_features).
        """
        filled = features.any(dim=1)
        (self.users if side == "user" else self.items).features[filled] = features[filled]

    def rate(self, users: Pair, items: Pair) -> Tensor:
        """Ratings from vectors and biases of users and items. Shape: (B, members)."""
        products = users[0] * items[0]
        if self.members > 1:
            n, width = products.shape
            sums = products.view(n, self.members, width // self.members).sum(2)
        else:
            sums = products.sum(1, keepdim=True)
        return scaled(sums + users[1] + items[1], self.low, self.high)

    def ranker(self) -> tuple[Tensor, Tensor]:
        """Item vectors and biases by which a user's vector, divided by the members, ranks items.

        Shape: (n_items + 1, width) and (n_items + 1,): the product gives the mean of the members'
        sums, before the sigmoid, but for what is the same for all items.
        """
        vectors, biases = self.items.all()
        return vectors, biases.mean(1)

    def layers(self) -> list[LayerGroup]:
        """One group: users and items learn together."""
        return [LayerGroup("factors", (self.users, self.items))]


def scaled(x: Tensor, low: float | None, high: float | None) -> Tensor:
    """The sigmoid from low to high; x itself without a scale.

    >>> scaled(torch.tensor(0.0), 0.5, 5.5)
    tensor(3.)
    """
    if low is None or high is None:
        return x
    return low + (high - low) * torch.sigmoid(x)


def unscaled(y: float, low: float, high: float) -> float:
    """The inverse of `scaled`, kept finite at the ends."""
    share = min(max((y - low) / (high - low), 1e-4), 1 - 1e-4)
    return math.log(share / (1 - share))


def start_of(mean: float, low: float | None, high: float | None) -> tuple[float, float]:
    """What gives the mean by `scaled`, and how much it grows there with a rating.

    >>> start_of(3.0, 0.5, 5.5)
    (0.0, 0.8)
    """
    if low is None or high is None:
        return mean, 1.0
    share = (mean - low) / (high - low)
    return unscaled(mean, low, high), 1 / ((high - low) * max(share * (1 - share), 0.01))


def _small(*shape: int) -> Tensor:
    return nn.init.trunc_normal_(torch.empty(shape), std=INIT_STD, a=-2 * INIT_STD, b=2 * INIT_STD)
