"""The recipe of `finetune`: a probe, then everything by one cycle, the result between both.

Its constants are one set for all photo sets, compared on splits of training parts alone
(`scripts/searches/vision_recipe.py`); validation scores of earlier recipes had been seen before,
though, so the published scores are not of untouched sets.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import mean
from typing import Any, Final

import numpy as np
from torch import Tensor

from zoo.core.training.schedules import one_cycle
from zoo.core.training.shares import ShareChoice, Weights, choose_share, weights_of
from zoo.core.trust.rivals import Rival
from zoo.vision.classification import probe
from zoo.vision.classification.features import (
    features_and_targets,
    on_photos,
    photos_of,
    plain_passes,
)
from zoo.vision.classification.model import PhotoLearner
from zoo.vision.classification.rivals import rivals_of
from zoo.vision.classification.spec import Spec
from zoo.vision.classification.task import task_of
from zoo.vision.classification.thresholds import tune_threshold
from zoo.vision.data.photo_sets import resized

LR: Final = 3e-4  # of the head
RATIO: Final = 10.0  # of the head's rate to that of the first layer group
SHARE: Final = ".share"  # file of a run's folder with what its held-out photos chose
HEAD_LR: Final = 2e-3  # of a head alone, on a frozen body


class FineTuning:
    """How one call of `finetune` trains its learners, and what it compares them with.

    Args:
        epochs: passes over the training photos; 0 keeps the probe.
        lr: highest rate of the head; None takes `LR`, or `HEAD_LR` for a head alone.
        sizes: growing sides of the photos, see `fit_from_probe`.
        head_alone: whether the body stays frozen.
    """

    def __init__(
        self, epochs: int, lr: float | None, sizes: Sequence[int] = (), *, head_alone: bool = False
    ) -> None:
        self.epochs, self.lr, self.sizes, self.head_alone = epochs, lr, sizes, head_alone
        self._shares: list[float] = []
        self._first: Weights | None = None

    def train(self, learn: PhotoLearner, like: Sequence[PhotoLearner]) -> Tensor | None:
        """Train a learner, see `zoo.core.trust.judge.Recipe`; all photos at the share of a part."""
        start_from_probe(learn)
        choice = self._first = None
        if self.epochs and not learn.interrupted:
            self._first = weights_of(learn.model)
            rate = self.lr or (HEAD_LR if self.head_alone else LR)
            if self.head_alone:
                fit_head(learn, self.epochs, rate)
            else:
                share = mean(self._shares) if like and self._shares else None
                choice = fit_from_probe(learn, self.epochs, rate, self.sizes, share)
        settle(learn, like)
        place = None if learn.run.out is None else Path(learn.run.out) / SHARE
        if choice is None:
            if learn.state.is_finished and place is not None and place.exists():
                self._shares.append(float(place.read_text(encoding="utf-8")))
            return None
        self._shares.append(choice.share)
        if place is not None:  # for a call that is repeated
            place.write_text(str(choice.share), encoding="utf-8")
        return choice.predictions

    def rivals(self, learn: PhotoLearner) -> Sequence[Rival[Spec]]:
        """The rivals of the learner that was trained last."""
        return rivals_of(learn, self._first)


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
    """Fit the head to the frozen body's features, if it is one linear layer.

    Photos whose augmentation flips are seen mirrored too. A head with a hidden layer is trained for
    an epoch instead, the body frozen; one that knows the classes already stays as it is.

    Args:
        learn: a learner for photos, or their features.
    """
    classifier: Any = learn.model
    if classifier.trained:
        return
    if classifier.head.hidden is not None:
        learn.freeze()
        learn.fit_one_cycle(1, HEAD_LR, pct_start=0.99)
        return
    passes = plain_passes(photos_of(learn)[0])
    features, targets = (rows.numpy() for rows in features_and_targets(learn, passes))
    weights = None if learn.task.weights is None else learn.task.weights.numpy(force=True)
    probe.start_head(classifier, *probe.fit(features, targets, learn.data.spec, weights))


def fit_from_probe(
    learn: PhotoLearner,
    epochs: int,
    lr: float = LR,
    sizes: Sequence[int] = (),
    share: float | None = None,
) -> ShareChoice | None:
    """Train everything by one cycle, and end between the probe and the last weights.

    How far from the probe the validation part decides, with a rule that it is shrunk to (see
    `zoo.core.training.shares`); the probe itself is among the choices.

    Where sizes grow there is no such mean: the probe knows photos of the first size alone, and on
    held-out training photos the last weights are better (`scripts/searches/vision_recipe.py`).

    Args:
        learn: from `start_from_probe`.
        epochs: in all.
        lr: highest rate of the head.
        sizes: growing sides of the photos in pixels, a cycle each; none keeps the learner's.
        share: the rule's share of the last weights; None takes `trusted_share`.

    Returns:
        What the validation part chose, if it did.
    """
    learn.unfreeze()
    first = weights_of(learn.model)
    schedule = partial(one_cycle, pct_start=0.3)
    stages = [(size, n) for size, n in shared(epochs, sizes or [0]) if n]
    for size, n in stages:
        if size:
            set_size(learn, size)
        learn.fit(n, (lr / RATIO, lr), schedule)
        if learn.interrupted:
            break
    if len(stages) > 1 or learn.state.is_finished:  # the weights are those of the end already
        return None
    n_photos: int = len(learn.data.train)  # type: ignore[arg-type]
    return choose_share(learn, first, trusted_share(n_photos) if share is None else share)


def fit_head(learn: PhotoLearner, epochs: int, lr: float) -> None:
    """Train the head alone, on photos or their features."""
    learn.freeze()
    learn.fit_one_cycle(epochs, lr, pct_start=0.3)


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


def trusted_share(n: int) -> float:
    """Of fine-tuned weights in their mean with those after the probe, for n training photos.

    The more photos, the more was learnt that the probe cannot know: half up to a thousand, all from
    32,000 on (`scripts/searches/vision_recipe.py` compares shares on sets of 195 to 2,763 photos).

    >>> [trusted_share(n) for n in (200, 1000, 4000, 100_000)]
    [0.5, 0.5, 0.7, 1.0]
    """
    return min(max(0.5 + 0.1 * math.log2(n / 1000), 0.5), 1.0)
