"""What a model of ratings is measured against: the mean, and biases of users and items.

A rating is the mean plus what its user and its item add to it; what they add is drawn towards zero,
the more the fewer their ratings (Koren, Bell & Volinsky 2009, "Matrix Factorization Techniques for
Recommender Systems", eq. 4). How much is no setting: noise, users and items have a variance each,
estimated together with the biases by variational Bayes (Lim & Teh 2007, "Variational Bayesian
Approach to Movie Rating Prediction", here without factors).
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from zoo.collab.data.batches import Ratings
from zoo.collab.spec import Spec
from zoo.core.batches import Data

SWEEPS: Final = 60  # at most
TOLERANCE: Final = 1e-6  # change of the variance of the noise, in shares of it, that ends them

TINY: Final = 1e-30  # variance: ratings that are all alike have none

Numbers = NDArray[np.float64]


class Biases(nn.Module):
    """The mean rating, plus a bias of the user and one of the item; unknown ones have none.

    Args:
        n_users: number of users.
        n_items: number of items.
        low: lowest rating predicted; None for any.
        high: highest rating predicted.
    """

    name = "biases"
    mean: Tensor
    users: Tensor
    items: Tensor

    def __init__(
        self, n_users: int, n_items: int, low: float | None = None, high: float | None = None
    ) -> None:
        super().__init__()
        self.arguments: dict[str, Any] = {
            "n_users": n_users,
            "n_items": n_items,
            "low": low,
            "high": high,
        }
        self.low, self.high = low, high
        self.register_buffer("mean", torch.zeros(()))
        self.register_buffer("users", torch.zeros(n_users + 1))
        self.register_buffer("items", torch.zeros(n_items + 1))

    def forward(self, users: Tensor, items: Tensor) -> Tensor:
        """Ratings. Shape: (B,) and (B,) -> (B, 1)."""
        rated = self.mean + self.users[users.long()] + self.items[items.long()]
        return (rated if self.low is None else rated.clamp(self.low, self.high))[:, None]


class Effects(NamedTuple):
    """What is known of ratings without any factors, in double precision.

    Shape: users (n_users + 1,) and items (n_items + 1,), of which rows without ratings are 0.

    Attributes:
        mean: rating of a user and an item that nothing is known of.
        users: what each user adds to it.
        items: what each item adds to it.
        noise: variance of a rating about its prediction.
        of_users: variance of what users add; `of_items` is that of items.
    """

    mean: float
    users: Numbers
    items: Numbers
    noise: float
    of_users: float
    of_items: float


def mean(data: Data[Spec]) -> Biases:
    """The mean of the ratings to train on, for every user and item."""
    rival = _without_biases(data.spec)
    rival.mean.fill_(Ratings.of(data.train).values.double().mean())
    return rival


def biases(data: Data[Spec]) -> Biases:
    """The biases of the ratings to train on."""
    rival = _without_biases(data.spec)
    fitted = effects(Ratings.of(data.train), len(data.spec.users), len(data.spec.items))
    rival.mean.fill_(fitted.mean)
    rival.users.copy_(torch.from_numpy(fitted.users))
    rival.items.copy_(torch.from_numpy(fitted.items))
    return rival


def _without_biases(spec: Spec) -> Biases:
    return Biases(len(spec.users), len(spec.items), spec.low, spec.high)


def effects(ratings: Ratings, n_users: int, n_items: int) -> Effects:
    """Mean, biases and variances of ratings.

    Every sweep solves for the items, then for the users, given the others; what all items (or all
    users) have in common goes to the mean, so that who has few ratings is drawn to the mean of the
    others, each counted once.
    """
    values = ratings.values.double().numpy()
    sides = [_Side.of(ratings.items.numpy(), n_items), _Side.of(ratings.users.numpy(), n_users)]
    mean, spread = float(values.mean()), float(values.var()) + TINY
    noise, variances = spread / 2, [spread / 4, spread / 4]
    rest = values - mean  # of the ratings, after mean and biases
    for _ in range(SWEEPS):
        unsure = 0.0  # posterior variance of a prediction, mean over the ratings
        for k, side in enumerate(sides):
            damping = noise / variances[k]
            own = np.bincount(side.rows, rest, len(side.counts)) + side.counts * side.biases
            fitted, variance = own / (side.counts + damping), noise / (side.counts + damping)
            shift = float(fitted[side.is_rated].mean())
            fitted = np.where(side.is_rated, fitted - shift, 0.0)
            rest -= shift + (fitted - side.biases)[side.rows]
            mean, side.biases[:] = mean + shift, fitted
            variances[k] = float((fitted**2 + variance)[side.is_rated].mean())
            unsure += float(variance @ side.counts) / len(values)
        before, noise = noise, float(rest @ rest) / len(values) + unsure
        if abs(noise - before) <= TOLERANCE * before:
            break
    return Effects(mean, sides[1].biases, sides[0].biases, noise, variances[1], variances[0])


class _Side(NamedTuple):
    """The rows of the users, or items, of all ratings; and number of ratings and bias by row."""

    rows: NDArray[np.int32]
    counts: Numbers
    is_rated: NDArray[np.bool_]
    biases: Numbers

    @classmethod
    def of(cls, rows: NDArray[np.int32], n: int) -> _Side:
        counts = np.bincount(rows, minlength=n + 1).astype(np.float64)
        return cls(rows, counts, counts > 0, np.zeros(n + 1))
