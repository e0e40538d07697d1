"""Models of lists that are trained by steps, as the part of a model of ratings that recommends."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from zoo.collab.data.batches import Ratings
from zoo.collab.data.rated_items import RatedItems
from zoo.collab.data.sequences import Sequences
from zoo.collab.models.catalogue import RECIPES
from zoo.collab.models.sasrec import SasRec
from zoo.collab.models.softmax import Softmax
from zoo.collab.recipe import batch_size, negatives
from zoo.collab.task import task_of
from zoo.core.batches import Batches, Data
from zoo.core.run import Run, seeded
from zoo.core.training.learner import Learner


def sasrec(history: RatedItems, n_items: int, *, seed: int = 0) -> SasRec:
    """A network fitted to who chose what, in order, with its recipe.

    Args:
        history: items of every user, in order.
        n_items: number of items.
        seed: of weights, windows and their order.
    """
    recipe, run = RECIPES["sasrec"], Run(seed=seed, progress=False)
    with seeded(seed):
        own = {"n_factors": recipe.n_factors, "negatives": negatives(n_items)}
        network = SasRec(n_items=n_items, **own, **recipe.arguments)
    network.set_rated_items(history)
    size = {"length": network.length, "batch_size": batch_size("sasrec", len(history.items))}
    batches = Sequences(history, _pairs(history), **size, shuffle=True, seed=seed)
    network.cut_short = _train("sasrec", network, batches, run)
    return network


def softmax(history: RatedItems, n_items: int, *, seed: int = 0) -> Softmax:
    """A network fitted to who chose what with its recipe, which knows one user of no name.

    Args:
        history: items of every user.
        n_items: number of items.
        seed: of weights, negatives and the order of choices.
    """
    recipe, run = RECIPES["softmax"], Run(seed=seed, progress=False)
    own: Any = {"n_items": n_items, "n_factors": recipe.n_factors, **recipe.arguments}
    with seeded(seed):
        network = Softmax(n_users=len(history.offsets) - 2, **own)
    network.set_rated_items(history)
    pairs = _pairs(history).to(run.torch_device())
    batches = pairs.batches(recipe.batch_size, shuffle=True, seed=seed)
    cut_short = _train("softmax", network, batches, run)
    public = network.without_users()
    public.cut_short = cut_short
    return public


def _train(name: str, network: nn.Module, batches: Batches, run: Run) -> str:
    """Train a network by the recipe of its name; it is on the CPU then.

    Returns:
        Where Ctrl-C ended it, in words; "" if nothing did.
    """
    recipe = RECIPES[name]
    learn: Learner[None, Any] = Learner(
        network, Data(batches), task_of(name), weight_decay=recipe.weight_decay, run=run
    )
    learn.fit_one_cycle(recipe.epochs, recipe.lr)
    network.cpu().eval()
    return learn.cut_short


def _pairs(history: RatedItems) -> Ratings:
    """Who chose what as ratings, each of which counts as 1."""
    return Ratings(history.owners.int(), history.items, torch.ones(len(history.items)))
