"""What the verbs for ratings take beside the model and the data."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, TypedDict

import pandas as pd
from torch.optim import Optimizer

from zoo.collab.data.ratings import SplitName, Table
from zoo.core.run import Run
from zoo.core.training.options import OptimizerName


class Options(TypedDict, total=False):
    """What all verbs take beside the model and the ratings.

    Attributes:
        user: name of the column of users; None looks for a usual name. The model remembers names:
            later tables may have the same ones.
        item: likewise of items.
        rating: likewise of ratings; "softmax" does without, every row then counts as 1.
        time: likewise of times, numbers or dates written in one way, for a split by time and to
            know the last of repeated ratings.
        valid: ratings to validate on, in the same form, none of which is trained on; None takes a
            fraction.
        valid_fraction: share of the ratings to validate on; 0 trains on all. In fine-tuning, the
            share of those that are new to the pretrained model.
        split: how the fraction is drawn: "random", the same share of every "user" or
            "item", or the latest by "time".
        scale: ends that predicted ratings stay between; None reaches a tenth beyond the data.
        titles: what to show for an item, by its id.
        user_features: what is known of users, a row an id (its index); "dot_bias" and "svdpp"
            use it.
        item_features: likewise of items.
        n_factors: width of a vector.
        batch_size: ratings a step.
        arguments: further ones of the network, such as {"members": 8} of "svdpp".
        optimizer: "adamw", "sgd", or a function from parameter groups to a torch optimizer.
        weight_decay: on vectors alone.
        clip: largest norm of the gradient.
        accumulate: parts that a batch passes in, to save memory.
        callbacks: see `zoo.core.training.callbacks`.
        run: the circumstances.
    """

    user: str | None
    item: str | None
    rating: str | None
    time: str | None
    valid: Table | None
    valid_fraction: float
    split: SplitName
    scale: tuple[float, float] | None
    titles: Mapping[Hashable, str] | pd.Series | None
    user_features: pd.DataFrame | None
    item_features: pd.DataFrame | None
    n_factors: int | None
    batch_size: int | None
    arguments: Mapping[str, Any] | None
    optimizer: OptimizerName | Callable[[list[dict[str, Any]]], Optimizer]
    weight_decay: float | None
    clip: float | None
    accumulate: int
    callbacks: Sequence[Any]
    run: Run | None
