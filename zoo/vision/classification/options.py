"""What the verbs for photos take beside the model and the data."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from numbers import Integral, Real
from typing import Any, Final, TypedDict

from torch.optim import Optimizer

from zoo.core.run import Run
from zoo.core.training.groups import BatchNormMode
from zoo.core.training.options import OptimizerName
from zoo.vision.classification.spec import TaskName
from zoo.vision.data.augment import Augment
from zoo.vision.data.balance import ClassWeights
from zoo.vision.data.photo_sets import AugmentName
from zoo.vision.models.head import Pool

_WHOLE: Final = ("epochs", "size", "batch_size", "hidden", "accumulate", "versions")


class Options(TypedDict, total=False):
    """What all verbs take beside the model and the data.

    Attributes:
        valid: validation photos in the form of `data`; None takes the folder valid, val or test
            beside train, the table's column valid, or a stratified fraction.
        valid_fraction: of every class, drawn by the run's seed.
        root: folder that a table's paths start from.
        columns: a table's columns of paths and labels, or a Hugging Face data set's of images and
            labels; its first two otherwise. The model remembers them.
        valid_column: a table's yes/no column of validation photos; the model remembers it.
        strict: raise for unreadable photos instead of leaving them out with one warning.
        task: "classification", "multi-label" or "regression"; None has the labels decide.
        separator: between the labels in a table's cell; None finds "|" and ";" by itself.
        y_range: what numbers lie between; the network's answer is a sigmoid of that range.
        beta: how many times recall counts as precision in F scores; None takes 1.
        size: side of the square that the model sees, in pixels; None takes the backbone's own, or
            less for small photos (`zoo.vision.models.backbones.fitting_size`).
        batch_size: photos a step.
        augment: "side_on", "top_down", "none" or an `Augment`.
        mixup: alpha of blends of two photos (see `zoo.core.training.mixing`), usually .4; 0 for
            none.
        cutmix: alpha of boxes pasted from another photo, usually 1; with mixup, one of both a step.
        class_weights: "balanced", or how much photos of each class count in the loss.
        oversample: repeat photos of rarer classes until all are alike often.
        precompute: freeze the body and have it see each photo once (see
            `zoo.vision.classification.features`).
        versions: augmented versions of each photo to precompute, beside the photo itself.
        dropout: probability in the head; None takes .2, or what a saved model's head has.
        hidden: width of a hidden layer in a new head; None for one linear layer.
        pool: of a new head, "avg" or "avgmax" for mean and maximum side by side; None takes "avg".
        label_smoothing: share of the target that is spread over all classes.
        batchnorm: whose running statistics follow the photos: "live" all, "thawed" those of what
            trains, "fixed" those of the head alone.
        optimizer: "sgd", "adamw", or a function from parameter groups to a torch optimizer.
        weight_decay: on weights alone.
        clip: largest norm of the gradient.
        accumulate: parts that a batch passes in, to save memory.
        callbacks: see `zoo.core.training.callbacks`.
        run: the circumstances.
    """

    valid: Any
    valid_fraction: float
    root: str | os.PathLike[str] | None
    columns: tuple[str, str] | None
    valid_column: str | None
    strict: bool
    task: TaskName | None
    separator: str | None
    y_range: tuple[float, float] | None
    beta: float | None
    size: int | None
    batch_size: int
    augment: AugmentName | Augment
    mixup: float
    cutmix: float
    class_weights: ClassWeights | None
    oversample: bool
    precompute: bool
    versions: int
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


def check_sizes(sizes: Any, options: Options) -> list[int]:
    """The growing sizes, one by one; none of None.

    Raises:
        ValueError: sizes do not grow, or a size or precomputed features are asked for as well.
    """
    several = sizes is None or (isinstance(sizes, Iterable) and not isinstance(sizes, str))
    growing = [] if sizes is None else list(sizes) if several else [sizes]
    other = [name for name in ("size", "precompute") if options.get(name)]
    whole = all(isinstance(size, Integral) and int(size) > 0 for size in growing)
    alone = not growing or not other
    if not (several and whole and alone) or sorted(set(growing)) != growing:
        raise ValueError(
            "sizes grow from one to the next and stand alone, however "
            f"sizes={growing if several else sizes} with "
            f"{other or 'nothing'} beside them; give such as (96, 128, 160)"
        )
    return [int(size) for size in growing]


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
