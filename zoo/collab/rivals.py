"""What a model of ratings is measured against: the mean, and biases of users and items.

A rating is the mean plus what its user and its item add to it; what they add is drawn towards zero,
the more the fewer their ratings (Koren, Bell & Volinsky 2009, "Matrix Factorization Techniques for
Recommender Systems", eq. 4). How much is no setting: noise, users and items have a variance each,
estimated together with the biases by variational Bayes (Lim & Teh 2007, "Variational Bayesian
Approach to Movie Rating Prediction", here without factors).
"""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from zoo.collab.data.batches import Ratings
from zoo.collab.models.factors import Pair
from zoo.collab.spec import Spec
from zoo.core.batches import Data
from zoo.core.training.learner import Learner
from zoo.core.trust.rivals import Rival, Rows, fit_within

SWEEPS: Final = 60  # at most
TOLERANCE: Final = 1e-6  # change of the variance of the noise, in shares of it, that ends them

TINY: Final = 1e-30  # variance: ratings that are all alike have none

Numbers = NDArray[np.float64]


class BiasSide(nn.Module):
    """Biases of all users, or of all items, as the networks' `Side` has them: vectors of width 0.

    Args:
        n_rows: number of users, or of items; row 0 stands for unknown ones.
    """

    own = True
    bias: Tensor
    factors: Tensor

    def __init__(self, n_rows: int) -> None:
        super().__init__()
        self.n_rows = n_rows
        self.register_buffer("bias", torch.zeros(n_rows + 1, 1))
        self.register_buffer("factors", torch.zeros(n_rows + 1, 0), persistent=False)

    def forward(self, rows: Tensor) -> Pair:
        """Vectors (B, 0) and biases (B, 1) of the rows (B,)."""
        return self.factors[rows.long()], self.bias[rows.long()]

    def all(self) -> Pair:
        """Vectors and biases of every row, the unknown one first."""
        return self.factors, self.bias


class Biases(nn.Module):
    """The mean rating, plus a bias of the user and one of the item; unknown ones have none.

    Args:
        n_users: number of users.
        n_items: number of items.
        low: lowest rating predicted; None for any.
        high: highest rating predicted.
    """

    name = "biases"
    members = 1
    mean: Tensor

    def __init__(
        self, n_users: int, n_items: int, low: float | None = None, high: float | None = None
    ) -> None:
        super().__init__()
        self.arguments: dict[str, Any] = {"n_users": n_users, "n_items": n_items}
        self.arguments |= {"low": low, "high": high}
        self.low, self.high = low, high
        self.register_buffer("mean", torch.zeros(()))
        self.users, self.items = BiasSide(n_users), BiasSide(n_items)

    def forward(self, users: Tensor, items: Tensor) -> Tensor:
        """Ratings. Shape: (B,) and (B,) -> (B, 1)."""
        return self.rate(self.users(users), self.items(items))

    def rate(self, users: Pair, items: Pair) -> Tensor:
        """Ratings from biases of users and items. Shape: (B, 1)."""
        rated = self.mean + users[1] + items[1]
        return rated if self.low is None else rated.clamp(self.low, self.high)


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


def rivals_of(learn: Learner[Spec, Any], *, further: bool = False) -> list[Rival[Spec]]:
    """The rivals of a model of ratings; none of one that ranks.

    Args:
        learn: its learner.
        further: whether it was trained before: rivals know the new ratings alone then, and take no
            share.
    """
    if learn.data.spec.low is None:
        return []
    return [Rival("mean", mean, blends=False), Rival("biases", biases, blends=not further)]


def mean(data: Data[Spec], seconds: float = math.inf) -> Biases:
    """The mean of the ratings to train on, for every user and item."""
    rival = _without_biases(data.spec)
    rival.mean.fill_(Ratings.of(data.train).values.double().mean())
    return rival


def biases(data: Data[Spec], seconds: float = math.inf) -> Biases:
    """The biases of the ratings to train on, or of as many as the seconds allow."""
    ratings, spec = Ratings.of(data.train), data.spec

    def fit(rows: Rows) -> Biases:
        part = ratings.part(torch.from_numpy(rows))
        return _of_effects(effects(part, len(spec.users), len(spec.items)), spec)

    return fit_within(seconds, len(ratings), fit)


def _of_effects(fitted: Effects, spec: Spec) -> Biases:
    rival = _without_biases(spec)
    rival.mean.fill_(fitted.mean)
    for side, values in ((rival.users, fitted.users), (rival.items, fitted.items)):
        side.bias.copy_(torch.from_numpy(values)[:, None])
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


PARTNERS: Final = {Biases.name: Biases}  # those that may be blended
