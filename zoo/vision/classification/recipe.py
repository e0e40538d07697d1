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
from typing import Any, Final

from zoo.core.training.averaging import WiSE
from zoo.core.training.schedules import one_cycle
from zoo.vision.classification import probe
from zoo.vision.classification.features import Pass, features_and_targets, photos_of
from zoo.vision.classification.model import PhotoLearner
from zoo.vision.data.photo_sets import resized

LR: Final = 3e-4  # of the head
RATIO: Final = 10.0  # of the head's rate to that of the first layer group
HEAD_LR: Final = 2e-3  # of a head alone, on a frozen body


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
    train, _ = photos_of(learn)
    augment: Any = train.augment
    plain = replace(train, augment=None, shuffle=False)
    passes = [Pass(plain)]
    if augment is not None and (augment.flip or augment.dihedral):
        passes.append(Pass(plain, mirrored=True))
    features, targets = (rows.numpy() for rows in features_and_targets(learn, passes))
    weights = None if learn.task.weights is None else learn.task.weights.numpy(force=True)
    probe.start_head(classifier, *probe.fit(features, targets, learn.data.spec, weights))


def fit_from_probe(
    learn: PhotoLearner, epochs: int, lr: float = LR, sizes: Sequence[int] = ()
) -> None:
    """Train everything by one cycle, and end between the probe and the last weights.

    How far from the probe the validation part decides, with `trusted_share` as the rule that it is
    shrunk to; the probe itself is among the choices (see `zoo.core.training.shares`). The scores
    that the choice does not flatter are `scores_in(learn.history)`. Without a validation part the
    rule decides.

    Where sizes grow there is no such mean: the probe knows photos of the first size alone, and on
    held-out training photos the last weights are better (`scripts/searches/vision_recipe.py`).

    Args:
        learn: from `start_from_probe`.
        epochs: in all.
        lr: highest rate of the head.
        sizes: growing sides of the photos in pixels, a cycle each; none keeps the learner's.
    """
    learn.unfreeze()
    schedule = partial(one_cycle, pct_start=0.3)
    stages = [(size, n) for size, n in shared(epochs, sizes or [0]) if n]
    share = trusted_share(len(learn.data.train))  # type: ignore[arg-type]
    mean = [WiSE(share, fitted=True)] if len(stages) == 1 else []
    for size, n in stages:
        if size:
            set_size(learn, size)
        learn.fit(n, (lr / RATIO, lr), schedule, callbacks=mean)
        if learn.interrupted:
            return


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
