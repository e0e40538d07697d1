"""What the verbs for ratings take beside the model and the data."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, TypedDict

import pandas as pd
from torch.optim import Optimizer

from zoo.collab.ratings import SplitName, Table
from zoo.core.optimizers import OptimizerName
from zoo.core.run import Run


class Options(TypedDict, total=False):
    """What all verbs take beside the model and the ratings.

    Attributes:
        user: name of the column of users; None looks for a usual name.
        item: likewise of items.
        rating: likewise of ratings; without such a column every row counts as 1.
        time: likewise of times, for a split by time and to know the last of repeated ratings.
        valid: ratings to validate on, in the same form; None takes a fraction.
        valid_fraction: of the ratings; 0 trains on all.
        split: how the fraction is drawn: "random", the same share of every "user", or the latest
            by "time".
        scale: ends that predicted ratings stay between; None reaches a tenth beyond the data.
        titles: what to show for an item, by its id.
        n_factors: width of a vector.
        batch_size: ratings a step.
        arguments: further ones of the network, such as {"members": 8} of "svdpp".
        optimizer: "adamw", "sgd", or a function from parameter groups to a torch optimizer.
        weight_decay: on vectors alone.
        clip: largest norm of the gradient.
        accumulate: parts that a batch passes in, to save memory.
        callbacks: see `zoo.core.callbacks`.
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
    n_factors: int | None
    batch_size: int | None
    arguments: Mapping[str, Any] | None
    optimizer: OptimizerName | Callable[[list[dict[str, Any]]], Optimizer]
    weight_decay: float | None
    clip: float | None
    accumulate: int
    callbacks: Sequence[Any]
    run: Run | None
