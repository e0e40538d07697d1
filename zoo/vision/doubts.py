"""Probabilities by which the labels of photos are doubted, from features of a frozen backbone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from zoo.core.run import Run
from zoo.core.split import Rows
from zoo.core.training.features import features_of
from zoo.core.training.probe import Floats
from zoo.core.trust.diagnosis import Items
from zoo.core.trust.wrong_labels import (
    Doubts,
    doubts_of_model,
    out_of_fold,
    probe,
    require_doubter,
    spread,
)
from zoo.vision.classification.candidates import at_hand
from zoo.vision.classification.features import looks
from zoo.vision.classification.model import PhotoModel
from zoo.vision.classification.new_learner import new_learner
from zoo.vision.classification.options import OPTIONS

Labels = bool | str | PhotoModel
"""Whether labels are doubted; or the backbone or the model by which they are."""


def doubts_of(
    items: Items, labels: Labels, readable: Sequence[int], groups: Rows, run: Run
) -> Doubts:
    """Probabilities of the class of each photo by something that has not seen it.

    Args:
        items: all photos; of those to train on one class each is doubted.
        labels: a backbone's name, True for the first at hand, or a model with `out_of_fold`.
        readable: rows of photos that can be read.
        groups: number of the group of alike photos that each belongs to. Shape: (n,)
        run: circumstances of the pass through the backbone.

    Raises:
        ValueError: the model has no predictions out of fold, or there is no backbone.
    """
    require_doubter(labels, PhotoModel)
    if isinstance(labels, PhotoModel):
        return doubts_of_model(labels, items.names_in_data())
    rows = [row for row in readable if isinstance(items.labels[row], str)]
    chosen = np.array(list({items.names[row]: row for row in rows}.values()), np.int64)
    own = [str(items.labels[row]) for row in chosen]
    if len(set(own)) < 2:
        return Doubts([], np.empty((len(items), 0)))
    paths = [str(items.names[row]) for row in chosen]
    x = features(paths, own, labels if isinstance(labels, str) else at_hand()[0], run)
    doubts = out_of_fold(partial(probe, len(x)), x, own, groups=groups[chosen])
    return spread(doubts, chosen, len(items))


def features(paths: Sequence[str], labels: Sequence[str], name: str, run: Run) -> Floats:
    """What a frozen backbone sees in photos, kept on disk. Shape: (n, d)

    Args:
        paths: files that can be read, each once.
        labels: the class of each.
        name: the backbone.
        run: circumstances.
    """
    table = pd.DataFrame({"path": paths, "label": labels})
    options: Any = {"valid_fraction": 0.0, "task": "classification", "run": run}
    learn = new_learner(table, name, name, OPTIONS.complete(options))
    return features_of(learn, looks(learn)[0]).numpy()
