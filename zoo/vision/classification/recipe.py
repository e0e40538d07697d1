"""The recipe of `finetune`: a probe, then everything by one cycle, the result between both.

Its constants are one set for all photo sets, compared on splits of training parts alone
(`scripts/searches/vision_recipe.py`); validation scores of earlier recipes had been seen before,
though, so the published scores are not of untouched sets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from zoo.core.training.from_probe import HEAD_LR, ProbeStart, fit_between, fit_head, train_all
from zoo.core.training.shares import ShareChoice, Sums
from zoo.core.trust.fine_tuning import FineTuning
from zoo.vision.classification.features import looks, on_photos, photos_of
from zoo.vision.classification.model import PhotoLearner
from zoo.vision.classification.task import task_of
from zoo.vision.classification.thresholds import tune_threshold
from zoo.vision.data.photo_sets import resized

LR: Final = 3e-4  # of the head
RATIO: Final = 10.0  # of the head's rate to that of the first layer group

START: Final = ProbeStart(
    looks,
    last=lambda classifier: classifier.head.layers[-1],
    is_trained=lambda classifier: classifier.trained,
    is_linear=lambda classifier: classifier.head.hidden is None,
)


def fine_tuning(
    epochs: int, lr: float | None, sizes: Sequence[int] = (), *, head_alone: bool = False
) -> FineTuning:
    """How one call of `finetune` trains its learners, and what it compares them with.

    Args:
        epochs: passes over the training photos; 0 keeps the probe.
        lr: highest rate of the head; None takes `LR`, or `HEAD_LR` for a head alone.
        sizes: growing sides of the photos, see `fit_from_probe`.
        head_alone: whether the body stays frozen.
    """

    def fit(learn: PhotoLearner, earlier: Sums | None) -> ShareChoice | None:
        if head_alone:
            fit_head(learn, epochs, lr or HEAD_LR)
            return None
        return fit_from_probe(learn, epochs, lr or LR, sizes, earlier)

    return FineTuning(START, fit if epochs else None, settle)


def settle(learn: PhotoLearner, like: Sequence[PhotoLearner]) -> None:
    """End a training: photos in the place of features, and thresholds of several labels.

    Args:
        learn: the learner.
        like: learners of the same call that were validated, whose thresholds all photos take.
    """
    on_photos(learn)
    spec = learn.data.spec
    if spec.task != "multi-label":
        return
    if learn.data.valid is not None:
        tune_threshold(learn)
    elif like:
        each = np.mean([one.data.spec.threshold for one in like], axis=0)
        spec = replace(spec, threshold=tuple(round(float(one), 2) for one in each))
        learn.set_data(learn.data._replace(spec=spec))
        learn.task = replace(learn.task, metrics=task_of(spec).metrics)


def start_from_probe(learn: PhotoLearner) -> None:
    """Fit a new head to the frozen body's features, see `zoo.core.training.from_probe.ProbeStart`.

    Photos whose augmentation flips are seen mirrored too.

    Args:
        learn: a learner for photos, or their features.
    """
    START.apply(learn)


def fit_from_probe(
    learn: PhotoLearner,
    epochs: int,
    lr: float = LR,
    sizes: Sequence[int] = (),
    earlier: Sums | None = None,
) -> ShareChoice | None:
    """Train everything, and end between the probe and the last weights.

    Where sizes grow there is no such mean: the probe knows photos of the first size alone, and on
    held-out training photos the last weights are better (`scripts/searches/vision_recipe.py`).

    Args:
        learn: from `start_from_probe`.
        epochs: in all.
        lr: highest rate of the head.
        sizes: growing sides of the photos in pixels, a cycle each; none keeps the learner's.
        earlier: see `zoo.core.training.from_probe.fit_between`.

    Returns:
        What the validation part chose, if it did.
    """
    stages = [(size, n) for size, n in shared(epochs, sizes or [0]) if n]
    for i, (size, n) in enumerate(stages):
        if size:
            set_size(learn, size)
        if len(stages) == 1:
            return fit_between(learn, n, lr, RATIO, earlier)
        with learn.time(n / sum(length for _, length in stages[i:])):
            train_all(learn, n, lr, RATIO)
        if learn.interrupted:
            break
    return None


def set_size(learn: PhotoLearner, size: int) -> None:
    """Go on with the same photos at another size, as progressive resizing does.

    Args:
        learn: a learner for photos.
        size: side of the square that the model sees from now on, in pixels.

    Raises:
        ValueError: the backbone does not take the size, or the learner is shown features.
    """
    train, valid = photos_of(learn)
    if train is not learn.data.train:
        raise ValueError(
            f"features must be those of photos of one size, got {size=} for a learner on features. "
            "Call zoo.vision.on_photos(learner) first."
        )
    if not hasattr(size, "__index__") or size < 1:
        raise ValueError(f"size must be a whole number of pixels, 1 or more, got {size=}. Try 224.")
    classifier: Any = learn.model
    size = int(size)
    classifier.body.check_size(size)
    spec = replace(learn.data.spec, size=size)
    parts = [train] if valid is None else [train, valid]
    train, *others = resized(parts, spec.preprocessing, learn.run)
    valid = others[0] if others else None
    learn.set_data(learn.data._replace(train=train, valid=valid, spec=spec))
    classifier.preprocessing = replace(classifier.preprocessing, size=size)


def shared(epochs: int, sizes: Sequence[int]) -> list[tuple[int, int]]:
    """How many of the epochs each size gets: alike many, the last ones one more.

    >>> shared(4, (96, 128, 160))
    [(96, 1), (128, 1), (160, 2)]
    """
    n = len(sizes)
    return [(size, (i + 1) * epochs // n - i * epochs // n) for i, size in enumerate(sizes)]
