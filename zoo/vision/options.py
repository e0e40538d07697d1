"""What the verbs for photos take beside the model and the data."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from numbers import Integral, Real
from typing import Any, Final, TypedDict

from torch.optim import Optimizer

from zoo.core.groups import BatchNormMode
from zoo.core.optimizers import OptimizerName
from zoo.core.run import Run
from zoo.vision.augment import Augment
from zoo.vision.data import AugmentName
from zoo.vision.models.head import Pool

_WHOLE: Final = ("epochs", "size", "batch_size", "hidden", "accumulate")


class Options(TypedDict, total=False):
    """What all verbs take beside the model and the data.

    Attributes:
        valid: validation photos in the form of `data`; None takes the folder valid, val or test
            beside train, the table's column valid, or a stratified fraction.
        valid_fraction: of every class, drawn by the run's seed.
        root: folder that a table's paths start from.
        columns: a table's columns of paths and labels; its first two otherwise.
        valid_column: a table's yes/no column of validation photos.
        strict: raise for unreadable photos instead of leaving them out with one warning.
        size: side of the square that the model sees, in pixels; None takes the backbone's own, or
            less for small photos (`zoo.vision.models.backbones.fitting_size`).
        batch_size: photos a step.
        augment: "side_on", "top_down", "none" or an `Augment`.
        dropout: probability in the head; None takes .2, or what a saved model's head has.
        hidden: width of a hidden layer in a new head; None for one linear layer.
        pool: of a new head, "avg" or "avgmax" for mean and maximum side by side; None takes "avg".
        label_smoothing: share of the target that is spread over all classes.
        batchnorm: whose running statistics follow the photos: "live", "thawed" or "fixed".
        optimizer: "sgd", "adamw", or a function from parameter groups to a torch optimizer.
        weight_decay: on weights alone.
        clip: largest norm of the gradient.
        accumulate: parts that a batch passes in, to save memory.
        callbacks: see `zoo.core.callbacks`.
        run: the circumstances.
    """

    valid: Any
    valid_fraction: float
    root: str | os.PathLike[str] | None
    columns: tuple[str, str] | None
    valid_column: str | None
    strict: bool
    size: int | None
    batch_size: int
    augment: AugmentName | Augment
    dropout: float | None
    hidden: int | None
    pool: Pool | None
    label_smoothing: float
    batchnorm: BatchNormMode
    optimizer: OptimizerName | Callable[[list[dict[str, Any]]], Optimizer]
    weight_decay: float
    clip: float | None
    accumulate: int
    callbacks: Sequence[Any]
    run: Run | None


def check_numbers(**given: object) -> None:
    """Refuse what is no number, or no whole one where it must be; None is left to others.

    Raises:
        ValueError: such values, all named.
    """
    wrong = {
        name: value
        for name, value in given.items()
        if not isinstance(value, (Integral if name in _WHOLE else Real, type(None)))
    }
    if wrong:
        raise ValueError(
            f"settings are numbers, {', '.join(_WHOLE)} whole ones, however {wrong=}; "
            "give numbers without quotes"
        )
